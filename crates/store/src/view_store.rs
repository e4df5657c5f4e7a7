//! The views' database: generations of rows beside the ledger, which can all be made again from it.
//!
//! A snapshot is staged under a number of its own, synced, and then one small atomic batch makes it the snapshot of its
//! generation: a crash at any point leaves the older snapshot whole. Promotion is one atomic batch as well.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde::{Serialize, de::DeserializeOwned};
use sled::IVec;

use crate::codec;
use crate::durable::{self, StoreError};
use crate::generation::{Generation, GenerationRow, Parked, Pointer, Resolution};
use crate::key::number_of;
use crate::stage::{Stage, Staged};
use crate::view_key::{self, GENERATIONS, PARKED, POINTERS, RESOLUTIONS, ROWS};

/// How long to wait for another process to let go of the database.
const IN_USE_WAIT: Duration = Duration::from_secs(30);
/// Values removed together.
const REMOVED_TOGETHER: usize = 1024;

/// The views' database, open for reading and writing. One process at a time can hold it.
#[derive(Debug)]
pub struct ViewStore {
    db: sled::Db,
    path: PathBuf,
    /// After a failed write nobody knows what is on disk.
    failed: AtomicBool,
}

/// Key and row of a view, as they are stored.
pub type StoredRow = (Vec<u8>, Vec<u8>);

impl ViewStore {
    /// Opens the database in `path`, or creates an empty one: it holds nothing that the ledger cannot give again.
    ///
    /// Nobody keeps it open for longer than one load or one snapshot takes: who finds it taken waits.
    ///
    /// # Errors
    /// [`StoreError::InUse`] when another process does not let go of it, [`StoreError::Damaged`] when sled cannot read its own
    /// files.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let started = Instant::now();
        loop {
            match Self::try_open(path) {
                Err(StoreError::InUse { .. } | StoreError::Exists { .. })
                    if started.elapsed() < IN_USE_WAIT => {}
                opened => return opened,
            }
        }
    }

    fn try_open(path: &Path) -> Result<Self, StoreError> {
        let create = !path.join("db").exists();
        if create {
            std::fs::create_dir_all(path).map_err(|source| StoreError::Io {
                doing: "create",
                path: path.to_owned(),
                source,
            })?;
        }
        let db = durable::open(path, create)?;
        if create {
            durable::sync(&db, path)?;
            durable::sync_directory(path)?;
        }
        let store = Self {
            db,
            path: path.to_owned(),
            failed: AtomicBool::new(false),
        };
        store.sweep()?;
        Ok(store)
    }

    /// Every generation of every view, by view and number.
    ///
    /// # Errors
    /// [`StoreError::Row`] when a row is not readable.
    pub fn generations(&self) -> Result<Vec<Generation>, StoreError> {
        self.generations_under(&[GENERATIONS])
    }

    /// The generations of `view` by number.
    ///
    /// # Errors
    /// As [`ViewStore::generations`].
    pub fn generations_of(&self, view: &str) -> Result<Vec<Generation>, StoreError> {
        self.generations_under(&view_key::of_view(GENERATIONS, view))
    }

    fn generations_under(&self, prefix: &[u8]) -> Result<Vec<Generation>, StoreError> {
        let mut found = Vec::new();
        for stored in self.db.scan_prefix(prefix) {
            let (at, row) = stored.map_err(reading)?;
            let name = view_key::view_of(&at).zip(number_of(&at)).ok_or(unreadable())?;
            found.push(decode::<GenerationRow>("generation", &row)?.into_generation(name.0, name.1));
        }
        Ok(found)
    }

    /// Generation `number` of `view`.
    ///
    /// # Errors
    /// As [`ViewStore::generations`].
    pub fn generation(&self, view: &str, number: u64) -> Result<Option<Generation>, StoreError> {
        let row = self.db.get(generation_key(view, number)).map_err(reading)?;
        row.map(|row| Ok(decode::<GenerationRow>("generation", &row)?.into_generation(view, number)))
            .transpose()
    }

    /// What is live of `view`; none when nothing was ever promoted.
    ///
    /// # Errors
    /// [`StoreError::Row`] when it is not readable.
    pub fn pointer(&self, view: &str) -> Result<Option<Pointer>, StoreError> {
        let row = self.db.get(view_key::of_view(POINTERS, view)).map_err(reading)?;
        row.map(|row| decode("pointer to the live generation", &row))
            .transpose()
    }

    /// Begins the next snapshot of `generation`.
    #[must_use]
    pub fn stage(&self, generation: &Generation) -> Stage {
        Stage::new(
            &self.db,
            &generation.view,
            generation.number,
            generation.snapshot.saturating_add(1),
        )
    }

    /// Makes `staged` snapshots those of their generations, and those generations live for which `pointers` are given: all of
    /// it at once, and durably.
    ///
    /// Fills in what staging found. What the older snapshots held is removed.
    ///
    /// # Errors
    /// After an error nobody knows what is on disk: every further write is refused.
    pub fn commit(
        &self,
        staged: &mut [(Generation, Staged)],
        pointers: &[(&str, Pointer)],
    ) -> Result<(), StoreError> {
        let mut batch = sled::Batch::default();
        for (generation, staged) in staged.iter_mut() {
            generation.root = staged.root;
            generation.rows = staged.rows;
            generation.bytes = staged.bytes;
            generation.parked = staged.parked;
            generation.snapshot = staged.snapshot;
            batch.insert(
                generation_key(&generation.view, generation.number),
                encode("generation", &GenerationRow::of(generation))?,
            );
        }
        for (view, pointer) in pointers {
            batch.insert(
                view_key::of_view(POINTERS, view),
                encode("pointer to the live generation", pointer)?,
            );
        }
        // What the batch points to must be on the disk before the batch is.
        self.write(|| durable::sync(&self.db, &self.path))?;
        self.apply(batch)?;
        staged
            .iter()
            .try_for_each(|(generation, _)| self.drop_other_snapshots(generation))
    }

    /// Removes generation `number` of `view` and its rows. What is live, and what leads back, must not be removed.
    ///
    /// # Errors
    /// After an error nobody knows what is on disk: every further write is refused.
    pub fn discard(&self, view: &str, number: u64) -> Result<(), StoreError> {
        let mut batch = sled::Batch::default();
        batch.remove(generation_key(view, number));
        self.apply(batch)?;
        for prefix in [ROWS, PARKED] {
            self.remove_all(&view_key::numbered(view_key::of_view(prefix, view), &[number]))?;
        }
        Ok(())
    }

    /// The rows of the newest snapshot of `generation`, in the order in which they were staged.
    pub fn rows(
        &self,
        generation: &Generation,
    ) -> impl Iterator<Item = Result<StoredRow, StoreError>> + use<> {
        self.framed(ROWS, generation)
    }

    /// The parked cases of the newest snapshot of `generation`.
    ///
    /// # Errors
    /// Per case: [`StoreError::Row`] when it is not readable.
    pub fn parked(
        &self,
        generation: &Generation,
    ) -> impl Iterator<Item = Result<Parked, StoreError>> + use<> {
        self.framed(PARKED, generation)
            .map(|framed| decode("parked case", &framed?.1))
    }

    fn framed(&self, prefix: u8, generation: &Generation) -> Framed {
        let numbers = [generation.number, generation.snapshot];
        let prefix = view_key::numbered(view_key::of_view(prefix, &generation.view), &numbers);
        Framed {
            pieces: self.db.scan_prefix(prefix),
            bytes: Vec::new(),
            read: 0,
        }
    }

    /// Every declared skip, by leaf.
    ///
    /// # Errors
    /// [`StoreError::Row`] when one is not readable.
    pub fn resolutions(&self) -> Result<Vec<Resolution>, StoreError> {
        let stored = self.db.scan_prefix([RESOLUTIONS]);
        stored
            .map(|row| decode("declared skip", &row.map_err(reading)?.1))
            .collect()
    }

    /// Keeps a declared skip, durably.
    ///
    /// # Errors
    /// After an error nobody knows what is on disk: every further write is refused.
    pub fn resolve(&self, resolution: &Resolution) -> Result<(), StoreError> {
        let mut batch = sled::Batch::default();
        batch.insert(
            view_key::numbered(vec![RESOLUTIONS], &[resolution.leaf]),
            encode("declared skip", resolution)?,
        );
        self.apply(batch)
    }

    fn apply(&self, batch: sled::Batch) -> Result<(), StoreError> {
        self.write(|| {
            self.db.apply_batch(batch).map_err(|source| StoreError::Sled {
                doing: "write to the views' database",
                source,
            })?;
            durable::sync(&self.db, &self.path)
        })
    }

    /// Runs `write`; after a failure no write is tried again.
    fn write(&self, write: impl FnOnce() -> Result<(), StoreError>) -> Result<(), StoreError> {
        if self.failed.load(Ordering::Acquire) {
            return Err(StoreError::Poisoned);
        }
        let written = write();
        if written.is_err() {
            self.failed.store(true, Ordering::Release);
        }
        written
    }

    /// Removes what crashes left behind: rows that no generation points to.
    fn sweep(&self) -> Result<(), StoreError> {
        for prefix in [ROWS, PARKED] {
            let mut next = vec![prefix];
            while let Some(found) = self.db.range(next.clone()..).next() {
                let (at, _) = found.map_err(reading)?;
                let Some((view, number, snapshot)) = owner_of(&at).filter(|_| at.first() == Some(&prefix))
                else {
                    break;
                };
                let generation = self.generation(view, number)?;
                let pointed_to = generation.is_some_and(|generation| generation.snapshot == snapshot);
                let whole = view_key::numbered(view_key::of_view(prefix, view), &[number, snapshot]);
                if !pointed_to {
                    self.remove_all(&whole)?;
                }
                next = view_key::numbered(whole, &[u64::MAX]);
            }
        }
        Ok(())
    }

    fn drop_other_snapshots(&self, generation: &Generation) -> Result<(), StoreError> {
        for prefix in [ROWS, PARKED] {
            let base = view_key::numbered(view_key::of_view(prefix, &generation.view), &[generation.number]);
            let kept = view_key::numbered(base.clone(), &[generation.snapshot]);
            let older = self.db.range(base..kept).keys();
            self.remove_keys(older)?;
        }
        Ok(())
    }

    fn remove_all(&self, prefix: &[u8]) -> Result<(), StoreError> {
        self.remove_keys(self.db.scan_prefix(prefix).keys())
    }

    /// What is removed was never pointed to or is not any more: losing a removal loses nothing but space.
    fn remove_keys(&self, keys: impl Iterator<Item = sled::Result<IVec>>) -> Result<(), StoreError> {
        let mut batch = sled::Batch::default();
        let mut count = 0;
        let apply = |batch| {
            self.db.apply_batch(batch).map_err(|source| StoreError::Sled {
                doing: "remove old rows of a view",
                source,
            })
        };
        for at in keys {
            batch.remove(at.map_err(reading)?);
            count += 1;
            if count % REMOVED_TOGETHER == 0 {
                apply(std::mem::take(&mut batch))?;
            }
        }
        apply(batch)
    }
}

/// Rows out of the pieces they were cut into.
struct Framed {
    pieces: sled::Iter,
    bytes: Vec<u8>,
    read: usize,
}

impl Framed {
    /// Makes `count` further bytes available; `false` where the pieces end before.
    fn fill(&mut self, count: usize) -> Result<bool, StoreError> {
        while self.bytes.len() - self.read < count {
            let Some(piece) = self.pieces.next() else {
                return Ok(false);
            };
            self.bytes.drain(..self.read);
            self.read = 0;
            self.bytes.extend_from_slice(&piece.map_err(reading)?.1);
        }
        Ok(true)
    }

    fn part(&mut self) -> Result<Vec<u8>, StoreError> {
        let length = self.take(4)?;
        let length = length
            .first_chunk::<4>()
            .map_or(0, |bytes| u32::from_be_bytes(*bytes));
        self.take(usize::try_from(length).unwrap_or(usize::MAX))
    }

    fn take(&mut self, count: usize) -> Result<Vec<u8>, StoreError> {
        if !self.fill(count)? {
            return Err(unreadable());
        }
        let end = self.read + count;
        let taken = self.bytes.get(self.read..end).unwrap_or_default().to_vec();
        self.read = end;
        Ok(taken)
    }

    fn row(&mut self) -> Result<Option<StoredRow>, StoreError> {
        if !self.fill(1)? {
            return Ok(None);
        }
        Ok(Some((self.part()?, self.part()?)))
    }
}

impl Iterator for Framed {
    type Item = Result<StoredRow, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.row().transpose()
    }
}

fn generation_key(view: &str, number: u64) -> Vec<u8> {
    view_key::numbered(view_key::of_view(GENERATIONS, view), &[number])
}

/// View, generation and snapshot of a piece.
fn owner_of(key: &[u8]) -> Option<(&str, u64, u64)> {
    let view = view_key::view_of(key)?;
    let (numbers, _) = key.get(2 + view.len()..)?.as_chunks::<8>();
    let [number, snapshot, ..] = numbers else {
        return None;
    };
    Some((view, u64::from_be_bytes(*number), u64::from_be_bytes(*snapshot)))
}

fn encode<T: Serialize>(what: &'static str, row: &T) -> Result<Vec<u8>, StoreError> {
    codec::encode(row).map_err(|source| StoreError::Unstorable { what, source })
}

fn decode<T: Serialize + DeserializeOwned>(what: &'static str, row: &[u8]) -> Result<T, StoreError> {
    codec::decode(row).map_err(|source| StoreError::Row { what, source })
}

const fn unreadable() -> StoreError {
    StoreError::Row {
        what: "generation",
        source: codec::RowError::NotCanonical,
    }
}

fn reading(source: sled::Error) -> StoreError {
    StoreError::Sled {
        doing: "read the views' database",
        source,
    }
}
