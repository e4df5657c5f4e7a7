//! The views' database: generations of rows beside the ledger, which can all be made again from it.
//!
//! Rows are written to files of their own, synced, and then one small atomic batch makes them those of their generation: a
//! crash at any point leaves the older ones whole. Promotion is one atomic batch as well. What no generation points to is
//! removed when the database is opened.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::codec;
use crate::durable::{self, StoreError};
use crate::generation::{Generation, GenerationRow, Parked, Pointer, Resolution};
use crate::key::number_of;
use crate::opening;
use crate::row_file::{RowFile, RowWriter, StoredRows};
use crate::state_root::StateRoot;
use crate::view_key::{self, GENERATIONS, LAYOUT, POINTERS, RESOLUTIONS};
use serde::{Serialize, de::DeserializeOwned};

/// How long to wait for another process to let go of the database.
const IN_USE_WAIT: Duration = Duration::from_secs(30);
/// The layout this program writes. What has another is folded again; declared skips are all that is kept of it.
const LAYOUT_NOW: &[u8] = b"2";
/// Where the rows are, beside the database.
const ROWS: &str = "rows";

/// The views' database, open for reading and writing. One process at a time can hold it.
#[derive(Debug)]
pub struct ViewStore {
    db: sled::Db,
    path: PathBuf,
    /// After a failed write nobody knows what is on disk.
    failed: AtomicBool,
}

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
            fs::create_dir_all(path).map_err(|source| io_error("create", path, source))?;
        }
        let db = opening::open(path, create)?;
        let rows = path.join(ROWS);
        fs::create_dir_all(&rows).map_err(|source| io_error("create", &rows, source))?;
        let store = Self {
            db,
            path: path.to_owned(),
            failed: AtomicBool::new(false),
        };
        store.settle_layout()?;
        if create {
            durable::sync_directory(path)?;
        }
        store.sweep()?;
        Ok(store)
    }

    /// Forgets what another layout holds, but for the declared skips, which nothing else gives again.
    fn settle_layout(&self) -> Result<(), StoreError> {
        if self.db.get(LAYOUT).map_err(reading)?.as_deref() == Some(LAYOUT_NOW) {
            return Ok(());
        }
        let mut batch = sled::Batch::default();
        for at in self.db.iter().keys() {
            let at = at.map_err(reading)?;
            if at.first() != Some(&RESOLUTIONS) {
                batch.remove(at);
            }
        }
        batch.insert(LAYOUT, LAYOUT_NOW);
        self.apply(batch)
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

    /// Begins a file of rows for `generation`, behind those that led to `root`. It counts once it is entered in the generation
    /// and that is committed.
    ///
    /// # Errors
    /// [`StoreError::Io`] when it cannot be created.
    pub fn write_rows(&self, generation: &mut Generation, root: StateRoot) -> Result<RowWriter, StoreError> {
        let number = generation.next_file();
        RowWriter::create(self.file(generation, number), number, root)
    }

    /// Writes down the parked cases of `generation`, in the order of cases.
    ///
    /// # Errors
    /// [`StoreError::Io`] when they cannot be written.
    pub fn write_parked(
        &self,
        generation: &mut Generation,
        parked: impl Iterator<Item = Parked>,
    ) -> Result<(), StoreError> {
        let mut parked = parked.peekable();
        let none = parked.peek().is_none();
        if none && generation.parked == 0 {
            return Ok(());
        }
        let root = StateRoot::of(&generation.view);
        let mut writer = self.write_rows(generation, root)?;
        for parked in parked {
            writer.row(parked.case.as_bytes(), &encode("parked case", &parked)?)?;
        }
        generation.replace_parked(&writer.finish()?);
        Ok(())
    }

    /// Makes `generations` what is stored, and those live for which `pointers` are given: all of it at once, and durably.
    ///
    /// Their files are synced already. Those they do not hold any more are removed.
    ///
    /// # Errors
    /// After an error nobody knows what is on disk: every further write is refused.
    pub fn commit(&self, generations: &[Generation], pointers: &[(&str, Pointer)]) -> Result<(), StoreError> {
        let mut batch = sled::Batch::default();
        for generation in generations {
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
        // What the batch points to must be found after a crash once the batch is.
        self.write(|| durable::sync_directory(&self.path.join(ROWS)))?;
        self.apply(batch)?;
        self.sweep()
    }

    /// Removes generation `number` of `view` and its rows. What is live, and what leads back, must not be removed.
    ///
    /// # Errors
    /// After an error nobody knows what is on disk: every further write is refused.
    pub fn discard(&self, view: &str, number: u64) -> Result<(), StoreError> {
        let mut batch = sled::Batch::default();
        batch.remove(generation_key(view, number));
        self.apply(batch)?;
        self.sweep()
    }

    /// The rows of `generation`, as far as nothing is to be added to them.
    ///
    /// # Errors
    /// [`StoreError::Io`] when a file cannot be read; per row [`StoreError::Rows`] when it is not what was written.
    pub fn rows(&self, generation: &Generation) -> Result<StoredRows, StoreError> {
        self.stored(generation, &generation.files.rows)
    }

    /// What is to be added to the rows of `generation`: file by file, in the order in which it was recorded.
    ///
    /// # Errors
    /// As [`ViewStore::rows`].
    pub fn parts(&self, generation: &Generation) -> Result<Vec<StoredRows>, StoreError> {
        let files = generation.files.parts.iter();
        files
            .map(|file| self.stored(generation, std::slice::from_ref(file)))
            .collect()
    }

    /// The parked cases of `generation`.
    ///
    /// # Errors
    /// As [`ViewStore::rows`].
    pub fn parked(&self, generation: &Generation) -> Result<Vec<Parked>, StoreError> {
        let files = generation.files.parked.as_slice();
        self.stored(generation, files)?
            .map(|stored| decode("parked case", &stored?.1))
            .collect()
    }

    fn stored(&self, generation: &Generation, files: &[RowFile]) -> Result<StoredRows, StoreError> {
        let named = files
            .iter()
            .map(|file| (self.file(generation, file.number), *file));
        StoredRows::open(&generation.view, named)
    }

    fn file(&self, generation: &Generation, number: u64) -> PathBuf {
        self.path.join(ROWS).join(file_name(generation, number))
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

    /// Removes the files that no generation holds: what crashes left behind, and what was replaced.
    ///
    /// Losing a removal loses nothing but space.
    fn sweep(&self) -> Result<(), StoreError> {
        let generations = self.generations()?;
        let held = generations.iter().flat_map(|generation| {
            let files = generation.files.all();
            files.map(|file| OsString::from(file_name(generation, file.number)))
        });
        let held: BTreeSet<OsString> = held.collect();
        let rows = self.path.join(ROWS);
        let listed = fs::read_dir(&rows).map_err(|source| io_error("list", &rows, source))?;
        for entry in listed {
            let entry = entry.map_err(|source| io_error("list", &rows, source))?;
            if !held.contains(&entry.file_name()) {
                fs::remove_file(entry.path()).map_err(|source| io_error("remove", &entry.path(), source))?;
            }
        }
        Ok(())
    }
}

fn file_name(generation: &Generation, number: u64) -> String {
    format!("{}.{}.{number}", generation.view, generation.number)
}

fn generation_key(view: &str, number: u64) -> Vec<u8> {
    view_key::numbered(view_key::of_view(GENERATIONS, view), &[number])
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

fn io_error(doing: &'static str, path: &Path, source: io::Error) -> StoreError {
    StoreError::Io {
        doing,
        path: path.to_owned(),
        source,
    }
}
