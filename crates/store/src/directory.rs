//! A ledger directory: the store, the log of what was signed, and the published checkpoints.
//!
//! ```text
//! store/                sled: leaves, lookups, heads, rows
//! signed.log            "<size> <root>" per line, written and synced before anything is signed
//! checkpoint            the newest published checkpoint
//! checkpoints/<size>    every published checkpoint, 20 digits
//! ```

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use portbook_ledger::{Hash, Size};

use crate::durable::{StoreError, sync_directory};

/// Where the files of one ledger are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerDirectory {
    path: PathBuf,
}

/// One line of `signed.log`: a tree that was signed, or was about to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignedTree {
    /// Its size.
    pub size: Size,
    /// Its root.
    pub root: Hash,
}

impl LedgerDirectory {
    /// The ledger directory at `path`, whether or not anything is there.
    #[must_use]
    pub const fn at(path: PathBuf) -> Self {
        Self { path }
    }

    /// The directory itself.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Directory of the store.
    #[must_use]
    pub fn store(&self) -> PathBuf {
        self.path.join("store")
    }

    /// Creates the empty files of a new ledger, beside a store that was created before.
    ///
    /// # Errors
    /// [`StoreError::Exists`] when a `signed.log` is there already.
    pub fn create(&self) -> Result<(), StoreError> {
        let checkpoints = self.path.join("checkpoints");
        fs::create_dir_all(&checkpoints)
            .map_err(|source| StoreError::Io { doing: "create", path: checkpoints, source })?;
        let path = self.signed_log();
        if path.exists() {
            return Err(StoreError::Exists { path });
        }
        let created = File::create(&path).and_then(|file| file.sync_all());
        created.map_err(|source| StoreError::Io { doing: "create", path, source })?;
        sync_directory(&self.path)
    }

    /// What was signed, oldest first; none when `signed.log` is missing.
    ///
    /// A last line without its line feed was never finished, so nothing was signed under it: it is left out.
    ///
    /// # Errors
    /// [`StoreError::SignedLog`] names the first line that is not of the form, or does not grow.
    pub fn signed(&self) -> Result<Option<Vec<SignedTree>>, StoreError> {
        let path = self.signed_log();
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(StoreError::Io { doing: "read", path, source }),
        };
        let mut signed: Vec<SignedTree> = Vec::new();
        for (number, line) in (1_u64..).zip(text.split_inclusive('\n')) {
            let Some(line) = line.strip_suffix('\n') else { break };
            let tree = parse_signed(line).filter(|tree| signed.last().is_none_or(|last| last.size < tree.size));
            signed.push(tree.ok_or_else(|| StoreError::SignedLog { path: path.clone(), line: number })?);
        }
        Ok(Some(signed))
    }

    /// Writes down, durably, that `tree` is about to be signed. Doing so again for the newest line changes nothing.
    ///
    /// # Errors
    /// [`StoreError::SignedBefore`] when a larger tree was signed, or one of this size with another root.
    pub fn note_signing(&self, tree: SignedTree) -> Result<(), StoreError> {
        let path = self.signed_log();
        let signed = self.signed()?.ok_or_else(|| StoreError::Missing { path: path.clone() })?;
        match signed.last() {
            Some(last) if *last == tree => return Ok(()),
            Some(last) if last.size >= tree.size => return Err(StoreError::SignedBefore { signed: *last, offered: tree }),
            Some(_) | None => {}
        }
        self.cut_unfinished_line()?;
        let append = || {
            let mut file = OpenOptions::new().append(true).open(&path)?;
            writeln!(file, "{} {}", tree.size, tree.root)?;
            file.sync_all()
        };
        append().map_err(|source| StoreError::Io { doing: "append to", path: path.clone(), source })
    }

    /// Publishes `note` as the checkpoint of `size`: complete and durable under its final name, or not there at all.
    ///
    /// # Errors
    /// [`StoreError::Io`] names the file that could not be written.
    pub fn publish_checkpoint(&self, size: Size, note: &str) -> Result<(), StoreError> {
        self.replace(&self.checkpoint_of(size), note)?;
        self.replace(&self.path.join("checkpoint"), note)
    }

    /// The newest published checkpoint.
    ///
    /// # Errors
    /// [`StoreError::Io`] when it is there but cannot be read.
    pub fn checkpoint(&self) -> Result<Option<String>, StoreError> {
        read_if_there(self.path.join("checkpoint"))
    }

    /// The published checkpoint of `size`.
    ///
    /// # Errors
    /// [`StoreError::Io`] when it is there but cannot be read.
    pub fn checkpoint_at(&self, size: Size) -> Result<Option<String>, StoreError> {
        read_if_there(self.checkpoint_of(size))
    }

    /// Sizes of the published checkpoints, smallest first.
    ///
    /// # Errors
    /// [`StoreError::Io`] when the directory cannot be read.
    pub fn checkpoint_sizes(&self) -> Result<Vec<Size>, StoreError> {
        let path = self.path.join("checkpoints");
        let failed = |source| StoreError::Io { doing: "list", path: path.clone(), source };
        let mut sizes = Vec::new();
        for entry in fs::read_dir(&path).map_err(failed)? {
            let name = entry.map_err(failed)?.file_name();
            // Unfinished files have another ending; they are left to the next publication.
            sizes.extend(name.to_str().and_then(|name| name.parse().ok()).map(Size::new));
        }
        sizes.sort_unstable();
        Ok(sizes)
    }

    fn signed_log(&self) -> PathBuf {
        self.path.join("signed.log")
    }

    fn checkpoint_of(&self, size: Size) -> PathBuf {
        self.path.join("checkpoints").join(format!("{:020}", size.get()))
    }

    /// A crash may have left half a line; what follows it must start on a line of its own.
    fn cut_unfinished_line(&self) -> Result<(), StoreError> {
        let path = self.signed_log();
        let cut = || {
            let text = fs::read(&path)?;
            let kept = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
            if kept == text.len() {
                return Ok(());
            }
            let file = OpenOptions::new().write(true).open(&path)?;
            file.set_len(u64::try_from(kept).unwrap_or(0))?;
            file.sync_all()
        };
        cut().map_err(|source| StoreError::Io { doing: "repair", path: path.clone(), source })
    }

    fn replace(&self, path: &Path, text: &str) -> Result<(), StoreError> {
        let unfinished = path.with_extension("new");
        let write = || {
            let mut file = File::create(&unfinished)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            fs::rename(&unfinished, path)
        };
        write().map_err(|source| StoreError::Io { doing: "write", path: path.to_owned(), source })?;
        sync_directory(path.parent().unwrap_or(&self.path))
    }
}

fn parse_signed(line: &str) -> Option<SignedTree> {
    let (size, root) = line.split_once(' ')?;
    let number: u64 = size.parse().ok()?;
    // One spelling only: no sign, no leading zero.
    (number.to_string() == size).then_some(())?;
    Some(SignedTree { size: Size::new(number), root: Hash::from_hex(root).ok()? })
}

fn read_if_there(path: PathBuf) -> Result<Option<String>, StoreError> {
    match fs::read_to_string(&path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(StoreError::Io { doing: "read", path, source }),
    }
}
