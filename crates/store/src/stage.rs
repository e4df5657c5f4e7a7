//! A snapshot on its way to the disk: rows cut into pieces under a number that nothing points to yet.

use portbook_ledger::Hash;

use crate::durable::StoreError;
use crate::generation::Parked;
use crate::state_root::{StateRoot, frame};
use crate::view_key::{self, PARKED, ROWS};
use crate::{codec, packed};

/// Pieces applied together: few enough to bound memory, enough to make one write of many.
const PIECES_TOGETHER: usize = 64;

/// Writes the rows of one snapshot. Until it is committed it is as if it were not there.
#[derive(Debug)]
pub struct Stage {
    rows: Pieces,
    parked: Pieces,
    parked_count: u64,
    root: StateRoot,
    framed: Vec<u8>,
    snapshot: u64,
}

/// A snapshot that is written whole, ready to be committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Staged {
    /// State root of its rows.
    pub root: Hash,
    /// Number of its rows.
    pub rows: u64,
    /// Bytes of its rows.
    pub bytes: u64,
    /// Number of its parked cases.
    pub parked: u64,
    pub(crate) snapshot: u64,
}

/// A byte stream, cut into values of equal length.
#[derive(Debug)]
struct Pieces {
    db: sled::Db,
    prefix: Vec<u8>,
    next: u64,
    bytes: Vec<u8>,
    written: u64,
    batch: sled::Batch,
    waiting: usize,
}

impl Stage {
    pub(crate) fn new(db: &sled::Db, view: &str, number: u64, snapshot: u64) -> Self {
        let pieces = |prefix| {
            let prefix = view_key::numbered(view_key::of_view(prefix, view), &[number, snapshot]);
            Pieces::new(db.clone(), prefix)
        };
        Self {
            rows: pieces(ROWS),
            parked: pieces(PARKED),
            parked_count: 0,
            root: StateRoot::of(view),
            framed: Vec::new(),
            snapshot,
        }
    }

    /// Takes the next row, in the order of keys.
    ///
    /// # Errors
    /// [`StoreError::Sled`] when it cannot be written.
    pub fn row(&mut self, key: &[u8], row: &[u8]) -> Result<(), StoreError> {
        self.framed.clear();
        frame(key, row, &mut self.framed);
        self.root.framed(&self.framed);
        self.rows.push(&self.framed)
    }

    /// Takes the next parked case, in the order of cases.
    ///
    /// # Errors
    /// [`StoreError::Sled`] when it cannot be written.
    pub fn parked(&mut self, parked: &Parked) -> Result<(), StoreError> {
        let row = codec::encode(parked).map_err(|source| StoreError::Unstorable {
            what: "parked case",
            source,
        })?;
        self.framed.clear();
        frame(&[], &row, &mut self.framed);
        self.parked_count += 1;
        self.parked.push(&self.framed)
    }

    /// Writes what is left.
    ///
    /// # Errors
    /// [`StoreError::Sled`] when it cannot be written.
    pub fn finish(mut self) -> Result<Staged, StoreError> {
        self.rows.finish()?;
        self.parked.finish()?;
        Ok(Staged {
            rows: self.root.rows(),
            bytes: self.rows.written,
            parked: self.parked_count,
            root: self.root.finish(),
            snapshot: self.snapshot,
        })
    }
}

impl Pieces {
    fn new(db: sled::Db, prefix: Vec<u8>) -> Self {
        Self {
            db,
            prefix,
            next: 0,
            bytes: Vec::new(),
            written: 0,
            batch: sled::Batch::default(),
            waiting: 0,
        }
    }

    fn push(&mut self, mut bytes: &[u8]) -> Result<(), StoreError> {
        self.written = self
            .written
            .saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        while !bytes.is_empty() {
            let room = packed::CHUNK_BYTES_MAX - self.bytes.len();
            let (now, later) = bytes.split_at(room.min(bytes.len()));
            self.bytes.extend_from_slice(now);
            bytes = later;
            if self.bytes.len() == packed::CHUNK_BYTES_MAX {
                self.cut()?;
            }
        }
        Ok(())
    }

    fn cut(&mut self) -> Result<(), StoreError> {
        let at = view_key::numbered(self.prefix.clone(), &[self.next]);
        self.batch.insert(at, self.bytes.as_slice());
        self.bytes.clear();
        self.next += 1;
        self.waiting += 1;
        if self.waiting == PIECES_TOGETHER {
            self.apply()?;
        }
        Ok(())
    }

    fn apply(&mut self) -> Result<(), StoreError> {
        self.waiting = 0;
        let batch = std::mem::take(&mut self.batch);
        self.db.apply_batch(batch).map_err(|source| StoreError::Sled {
            doing: "write rows of a view",
            source,
        })
    }

    fn finish(&mut self) -> Result<(), StoreError> {
        if !self.bytes.is_empty() {
            self.cut()?;
        }
        self.apply()
    }
}
