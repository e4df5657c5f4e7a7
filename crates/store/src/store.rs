//! The writing end: one atomic, durable commit per batch.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use portbook_fold::{Book, ChainEntry, Commit, LookupKey, Lookups};
use portbook_ledger::{Chain, Index};

use crate::codec;
use crate::durable::{self, StoreError};
use crate::entry;
use crate::key;
use crate::layout::{self, LAYOUT_NOW};
use crate::opening;
use crate::packed::PackedWriter;
use crate::reader::StoreReader;
use crate::row::{BookRow, HeadRow, SealedRow};
use crate::run::{Entry, Filters, Runs, lookup_entry};
use crate::shelf::Serving;

/// Family of the event identities.
pub(crate) const EVENTS: u8 = b'e';
/// Family of the cases.
pub(crate) const CASES: u8 = b'c';
/// Family of the licence and declaration numbers.
pub(crate) const LICENSES: u8 = b'l';

/// A ledger directory's store, open for writing. One process at a time can hold it.
#[derive(Debug)]
pub struct Store {
    db: sled::Db,
    path: PathBuf,
    book: Book,
    leaves: PackedWriter,
    hashes: PackedWriter,
    entries: BTreeMap<Chain, PackedWriter>,
    events: Runs,
    cases: Runs,
    licenses: Runs,
    /// Set for good when a write or a sync fails: nobody knows then what is on disk.
    poisoned: Arc<AtomicBool>,
    /// Answers readers in other processes, once it is asked to.
    serving: Option<Serving>,
}

/// A commit that is written and would not yet survive power loss.
#[derive(Debug)]
#[must_use = "a commit counts only when it is synced"]
pub struct Unsynced {
    db: sled::Db,
    path: PathBuf,
    poisoned: Arc<AtomicBool>,
}

impl Unsynced {
    /// Returns once this commit, and each before it, would survive power loss. The next one may be written meanwhile.
    ///
    /// # Errors
    /// [`StoreError`] when the disk failed. A failed sync is never tried again: the store takes no more.
    pub fn sync(self) -> Result<(), StoreError> {
        let synced = durable::sync(&self.db, &self.path);
        if synced.is_err() {
            self.poisoned.store(true, Ordering::SeqCst);
        }
        synced
    }
}

impl Store {
    /// Creates an empty store in `path`: a whole one, or none where it is interrupted.
    ///
    /// # Errors
    /// [`StoreError::Exists`] when there is one already.
    pub fn create(path: &Path) -> Result<Self, StoreError> {
        if path.join("db").exists() {
            return Err(StoreError::Exists {
                path: path.to_owned(),
            });
        }
        let new = path.with_extension("new");
        Self::fill_new(&new)?;
        durable::rename(&new, path)?;
        Self::open(path)
    }

    /// Writes an empty store to `path`, in the place of one that was never finished.
    fn fill_new(path: &Path) -> Result<(), StoreError> {
        let io_error = |source| StoreError::Io {
            doing: "create",
            path: path.to_owned(),
            source,
        };
        if path.exists() {
            fs::remove_dir_all(path).map_err(io_error)?;
        }
        fs::create_dir_all(path).map_err(io_error)?;
        let db = opening::open(path, true)?;
        let mut batch = sled::Batch::default();
        batch.insert(key::LAYOUT, LAYOUT_NOW.as_bytes());
        batch.insert(key::BOOK, encode("book", &BookRow::of(&Book::default()))?);
        db.apply_batch(batch).map_err(|source| StoreError::Sled {
            doing: "write the first book",
            source,
        })?;
        durable::sync(&db, path)?;
        durable::sync_directory(path)
    }

    /// Opens the store in `path`.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when there is none, [`StoreError::InUse`] when another process has it,
    /// [`StoreError::Damaged`] when sled cannot read its own files, [`StoreError::OtherLayout`] when another version of this
    /// program wrote it.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Self::with(opening::open(path, false)?, path)
    }

    fn with(db: sled::Db, path: &Path) -> Result<Self, StoreError> {
        layout::check(path, |at| {
            db.get(at).map_err(|source| StoreError::Sled {
                doing: "read the layout of the store",
                source,
            })
        })?;
        let reader = StoreReader::over(db.clone());
        let book = reader.book()?;
        let runs = |family, filters| {
            Runs::open(&db, family, filters).map_err(|source| StoreError::Sled {
                doing: "read the lookups",
                source,
            })
        };
        let (events, cases, licenses) = (
            runs(EVENTS, Filters::Kept)?,
            runs(CASES, Filters::None)?,
            runs(LICENSES, Filters::None)?,
        );
        Ok(Self {
            path: path.to_owned(),
            leaves: PackedWriter::new(key::LEAVES.to_vec(), book.size()),
            hashes: PackedWriter::new(key::HASHES.to_vec(), book.size()),
            entries: BTreeMap::new(),
            book,
            events,
            cases,
            licenses,
            db,
            poisoned: Arc::default(),
            serving: None,
        })
    }

    /// State after the last commit.
    #[must_use]
    pub const fn book(&self) -> &Book {
        &self.book
    }

    /// A reading end, which sees each commit whole.
    #[must_use]
    pub fn reader(&self) -> StoreReader {
        StoreReader::over(self.db.clone())
    }

    /// Answers readers in other processes from now on, as long as this store is open: one process at a time can open it,
    /// so that [`StoreReader::open`] elsewhere has to ask this one. The socket `store.sock` lies beside the store and is
    /// this user's alone; nothing can be written over it.
    ///
    /// # Errors
    /// [`StoreError::Io`] when the socket cannot be made.
    pub fn answer_readers(&mut self) -> Result<(), StoreError> {
        self.serving = Some(Serving::start(self.db.clone(), &self.path)?);
        Ok(())
    }

    /// The leaf that holds the event with this identity first.
    ///
    /// # Errors
    /// [`StoreError::Sled`] when the lookups cannot be read.
    pub fn event(&self, key: &LookupKey) -> Result<Option<Index>, StoreError> {
        let found = self.events.first(&self.db, key);
        let raw = found.map_err(|source| StoreError::Sled {
            doing: "look up an event",
            source,
        })?;
        Ok(raw.and_then(Index::new))
    }

    /// Writes `commit`, whole, and returns once it would survive power loss.
    ///
    /// # Errors
    /// As [`Store::write`] and [`Unsynced::sync`].
    pub fn apply(&mut self, commit: Commit) -> Result<(), StoreError> {
        self.write(commit)?.sync()
    }

    /// Writes `commit`, whole: readers in this process see it, power loss may still take it away.
    ///
    /// # Errors
    /// [`StoreError::NotNext`] changes nothing. After any other error the store refuses every further write.
    pub fn write(&mut self, commit: Commit) -> Result<Unsynced, StoreError> {
        if self.poisoned.load(Ordering::SeqCst) {
            return Err(StoreError::Poisoned);
        }
        let count = u64::try_from(commit.leaves.len()).unwrap_or(u64::MAX);
        let first = commit.book.size().saturating_sub(count);
        if first != self.book.size() {
            return Err(StoreError::NotNext {
                offered: first,
                size: self.book.size(),
            });
        }
        let unsynced = Unsynced {
            db: self.db.clone(),
            path: self.path.clone(),
            poisoned: Arc::clone(&self.poisoned),
        };
        let written = self.write_batch(&commit);
        if written.is_err() {
            self.poisoned.store(true, Ordering::SeqCst);
        }
        written?;
        self.book = commit.book;
        Ok(unsynced)
    }

    fn write_batch(&mut self, commit: &Commit) -> Result<(), StoreError> {
        let batch = self.batch_of(commit)?;
        self.db.apply_batch(batch).map_err(|source| StoreError::Sled {
            doing: "write a batch",
            source,
        })
    }

    fn batch_of(&mut self, commit: &Commit) -> Result<sled::Batch, StoreError> {
        let mut batch = sled::Batch::default();
        self.leaves.append(commit.leaves.iter(), &mut batch);
        self.hashes.append(
            commit.leaf_hashes.iter().map(|hash| hash.as_bytes().as_slice()),
            &mut batch,
        );
        for (chain, entries) in &commit.entries {
            self.append_entries(*chain, entries, commit, &mut batch);
            if let Some(head) = commit.book.heads.get(chain) {
                batch.insert(key::head(*chain), encode("chain head", &HeadRow::of(head))?);
            }
        }
        for sealed in &commit.seals {
            batch.insert(
                key::numbered(key::SEALS, sealed.index.get()),
                encode("seal", &SealedRow::of(sealed))?,
            );
        }
        self.add_lookups(&commit.lookups, &mut batch)
            .map_err(|source| StoreError::Sled {
                doing: "merge the lookups",
                source,
            })?;
        batch.insert(key::BOOK, encode("book", &BookRow::of(&commit.book))?);
        Ok(batch)
    }

    fn append_entries(
        &mut self,
        chain: Chain,
        entries: &[ChainEntry],
        commit: &Commit,
        batch: &mut sled::Batch,
    ) {
        // The head counts the records of the chain, these included; positions are counted from 1.
        let count = commit
            .book
            .heads
            .get(&chain)
            .map_or(0, |head| head.frontier.size().get());
        let first = (count + 1).saturating_sub(u64::try_from(entries.len()).unwrap_or(u64::MAX));
        let writer = self
            .entries
            .entry(chain)
            .or_insert_with(|| PackedWriter::new(key::entries(chain), first));
        let packed: Vec<Vec<u8>> = entries.iter().map(entry::pack).collect();
        writer.append(packed.iter().map(Vec::as_slice), batch);
    }

    fn add_lookups(&mut self, lookups: &Lookups, batch: &mut sled::Batch) -> sled::Result<()> {
        self.events.add(&self.db, entries(&lookups.events), batch)?;
        self.cases.add(&self.db, entries(&lookups.cases), batch)?;
        self.licenses.add(&self.db, entries(&lookups.licenses), batch)
    }
}

fn entries(lookups: &[(LookupKey, Index)]) -> Vec<Entry> {
    lookups
        .iter()
        .map(|(key, index)| lookup_entry(key, index.get()))
        .collect()
}

fn encode<T: serde::Serialize>(what: &'static str, row: &T) -> Result<Vec<u8>, StoreError> {
    codec::encode(row).map_err(|source| StoreError::Unstorable { what, source })
}
