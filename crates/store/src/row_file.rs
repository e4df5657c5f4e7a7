//! Sorted rows in plain files: written once, from front to back, and synced before anything points to them.
//!
//! sled writes each value several times before it rests; rows of a view are many, sorted, and never looked up one by one,
//! so a file is all they need. What a file must hold is known beside it, and checked while it is read.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::vec;

use portbook_ledger::Hash;
use serde::{Deserialize, Serialize};

use crate::codec::RowError;
use crate::durable::StoreError;
use crate::state_root::{StateRoot, frame_stored};

/// Bytes handed to the operating system at once.
const BUFFER_BYTES: usize = 256 * 1024;

/// A file of rows: which one, and what it must hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RowFile {
    /// Its number within its generation.
    pub(crate) number: u64,
    /// Its length.
    pub(crate) bytes: u64,
    /// State root after its last row: of all rows up to there where it continues another, else of its own.
    root: [u8; 32],
}

/// Key and row of a view, as they are stored.
pub type StoredRow = (Vec<u8>, Vec<u8>);

/// Writes one file of rows, in the order of keys. Until its generation is committed it is as if it were not there.
#[derive(Debug)]
pub struct RowWriter {
    path: PathBuf,
    file: BufWriter<File>,
    framed: Vec<u8>,
    number: u64,
    bytes: u64,
    root: StateRoot,
}

/// A file of rows that is on the disk, ready to be committed.
#[derive(Debug, Clone)]
pub struct Written {
    pub(crate) file: RowFile,
    /// The state root after its last row, ready to go on.
    pub root: StateRoot,
}

impl RowWriter {
    pub(crate) fn create(path: PathBuf, number: u64, root: StateRoot) -> Result<Self, StoreError> {
        let file = File::create(&path).map_err(|source| failed("create", &path, source))?;
        Ok(Self {
            path,
            file: BufWriter::with_capacity(BUFFER_BYTES, file),
            framed: Vec::new(),
            number,
            bytes: 0,
            root,
        })
    }

    /// Takes the next row.
    ///
    /// # Errors
    /// [`StoreError::Io`] when it cannot be written.
    pub fn row(&mut self, key: &[u8], row: &[u8]) -> Result<(), StoreError> {
        let mut framed = std::mem::take(&mut self.framed);
        framed.clear();
        frame_stored(key, row, &mut framed);
        let written = self.framed(&framed, 1);
        self.framed = framed;
        written
    }

    /// Takes the next `rows` rows, each of them as [`crate::frame_row`] gives it.
    ///
    /// # Errors
    /// [`StoreError::Io`] when they cannot be written.
    pub fn framed(&mut self, framed: &[u8], rows: u64) -> Result<(), StoreError> {
        self.root.take_framed(framed, rows);
        self.hashed(framed)
    }

    /// As [`RowWriter::framed`], of rows that its root has taken already.
    ///
    /// # Errors
    /// As [`RowWriter::framed`].
    pub fn hashed(&mut self, framed: &[u8]) -> Result<(), StoreError> {
        self.bytes += u64::try_from(framed.len()).unwrap_or(u64::MAX);
        self.file
            .write_all(framed)
            .map_err(|source| failed("write", &self.path, source))
    }

    /// Writes what is left, and syncs.
    ///
    /// # Errors
    /// [`StoreError::Io`] when that fails.
    pub fn finish(self) -> Result<Written, StoreError> {
        let path = self.path;
        let synced = self
            .file
            .into_inner()
            .map_err(io::IntoInnerError::into_error)
            .and_then(|file| file.sync_all());
        synced.map_err(|source| failed("write", &path, source))?;
        Ok(Written {
            file: RowFile {
                number: self.number,
                bytes: self.bytes,
                root: *self.root.clone().finish().as_bytes(),
            },
            root: self.root,
        })
    }
}

impl RowFile {
    /// The state root after its last row.
    pub(crate) const fn root(&self) -> Hash {
        Hash::from_bytes(self.root)
    }
}

/// Rows out of files, one after the other; each file is held against what it must hold.
#[derive(Debug)]
pub struct StoredRows {
    files: vec::IntoIter<(PathBuf, BufReader<File>, RowFile)>,
    open: Option<(PathBuf, BufReader<File>, RowFile)>,
    /// Bytes of the open file that are not read yet.
    left: u64,
    root: StateRoot,
    framed: Vec<u8>,
}

impl StoredRows {
    /// Reads `files`, which continue each other. All are opened at once: what is removed meanwhile can still be read.
    pub(crate) fn open(
        view: &str,
        files: impl Iterator<Item = (PathBuf, RowFile)>,
    ) -> Result<Self, StoreError> {
        let opened = files.map(|(path, file)| match File::open(&path) {
            Ok(opened) => Ok((path, BufReader::with_capacity(BUFFER_BYTES, opened), file)),
            Err(source) => Err(unread(&path, source)),
        });
        Ok(Self {
            files: opened.collect::<Result<Vec<_>, _>>()?.into_iter(),
            open: None,
            left: 0,
            root: StateRoot::of(view),
            framed: Vec::new(),
        })
    }

    /// The state root of all rows read, for going on behind them.
    #[must_use]
    pub fn into_root(self) -> StateRoot {
        self.root
    }

    fn read(&mut self) -> Result<Option<StoredRow>, StoreError> {
        while self.left == 0 {
            if let Some((path, _, file)) = self.open.take()
                && self.root.clone().finish() != file.root()
            {
                return Err(damaged(path));
            }
            let Some(next) = self.files.next() else {
                return Ok(None);
            };
            self.left = next.2.bytes;
            self.open = Some(next);
        }
        self.framed.clear();
        let key = self.part()?;
        let row = self.part()?;
        self.root.take_framed(&self.framed, 1);
        Ok(Some((key, row)))
    }

    fn part(&mut self) -> Result<Vec<u8>, StoreError> {
        let mut length = [0; 4];
        self.fill(&mut length)?;
        let length = u32::from_be_bytes(length);
        // Held against what is left before anything is allocated.
        let wanted = usize::try_from(length)
            .ok()
            .filter(|_| u64::from(length) <= self.left);
        let mut bytes = vec![0; wanted.ok_or_else(|| self.damaged())?];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), StoreError> {
        let count = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        self.left = self.left.checked_sub(count).ok_or_else(|| self.damaged())?;
        if let Some((path, file, _)) = &mut self.open {
            file.read_exact(bytes).map_err(|source| unread(path, source))?;
        }
        self.framed.extend_from_slice(bytes);
        Ok(())
    }

    fn damaged(&self) -> StoreError {
        let path = self.open.as_ref().map(|(path, _, _)| path.clone());
        damaged(path.unwrap_or_default())
    }
}

impl Iterator for StoredRows {
    type Item = Result<StoredRow, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        let read = self.read();
        if read.is_err() {
            // Behind damage nothing is read.
            (self.open, self.left, self.files) = (None, 0, Vec::new().into_iter());
        }
        read.transpose()
    }
}

/// The rows in `framed`, as [`crate::frame_row`] wrote them.
pub fn framed_rows(framed: &[u8]) -> impl Iterator<Item = StoredRow> {
    let mut rest = framed;
    std::iter::from_fn(move || {
        let (key, after) = part_of(rest)?;
        let (row, after) = part_of(after)?;
        rest = after;
        Some((key.to_vec(), row.to_vec()))
    })
}

fn part_of(framed: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = framed.split_first_chunk::<4>()?;
    rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)
}

/// A file that is gone or too short is not what was written.
fn unread(path: &Path, source: io::Error) -> StoreError {
    if matches!(
        source.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::UnexpectedEof
    ) {
        damaged(path.to_owned())
    } else {
        failed("read", path, source)
    }
}

const fn damaged(path: PathBuf) -> StoreError {
    StoreError::Rows {
        path,
        source: RowError::NotCanonical,
    }
}

fn failed(doing: &'static str, path: &Path, source: io::Error) -> StoreError {
    StoreError::Io {
        doing,
        path: path.to_owned(),
        source,
    }
}
