//! The live views of a ledger: kept current, written down, and none of them held in memory.
//!
//! The database is opened only to load and to write down, so that other processes come to it as well. What one of them
//! changed meanwhile (another generation promoted, a parked case let go) is found by the numbers of the snapshots, and
//! loaded before anything is written.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use portbook_store::{Generation, Pointer, StoreReader, ViewStore};

use crate::building::{
    Building, GATHERED_BYTES_MAX, Reached, build_to, build_whole, cursor_of, for_each_beside,
};
use crate::kind::Kind;
use crate::pass::{GoOn, ProjectionError};
use crate::rebuild::live_of;
use crate::selection::Selection;
use crate::snapshot;

/// The live views of one ledger, kept by this process.
#[derive(Debug)]
pub struct Projections {
    reader: StoreReader,
    path: PathBuf,
    live: Mutex<Live>,
}

/// What is being kept: by one at a time, who takes it before the database.
#[derive(Debug)]
pub(crate) struct Live {
    pub(crate) buildings: Vec<Building>,
    pub(crate) selection: Selection,
}

impl Projections {
    /// Goes on from the newest snapshots of the live generations of `kinds` in the database in `path`.
    ///
    /// A view without one, or with one of another code version or of another history, begins a generation of its own, which
    /// becomes live with its first snapshot. [`Projections::catch_up`] brings them to the size of the ledger.
    ///
    /// # Errors
    /// [`ProjectionError`] when a database cannot be read.
    pub fn open(reader: StoreReader, path: &Path, kinds: &[Kind]) -> Result<Self, ProjectionError> {
        let store = ViewStore::open(path)?;
        let buildings = kinds.iter().map(|kind| open_one(&store, &reader, *kind));
        let live = Live {
            buildings: buildings.collect::<Result<_, _>>()?,
            selection: skips(&store)?,
        };
        Ok(Self {
            reader,
            path: path.to_owned(),
            live: Mutex::new(live),
        })
    }

    /// Leaves folded: by all views, or by the one that has folded least.
    #[must_use]
    pub fn size(&self) -> u64 {
        cursor_of(&self.live().buildings)
    }

    /// Leaves folded by each view.
    #[must_use]
    pub fn sizes(&self) -> Vec<(&'static str, u64)> {
        let live = self.live();
        let sizes = live.buildings.iter().map(|it| (it.kind.name, it.cursor));
        sizes.collect()
    }

    /// Folds every live view on to the end of the ledger, or until `go_on` says no; gives how many leaves were passed.
    ///
    /// # Errors
    /// [`ProjectionError`] when the ledger cannot be read. What was folded stays folded.
    pub fn catch_up(&self, go_on: &mut GoOn<'_>) -> Result<u64, ProjectionError> {
        let size = self.reader.book()?.size();
        self.catch_up_to(size, go_on)
    }

    /// [`Projections::catch_up`] to a `size` that the ledger has reached.
    ///
    /// # Errors
    /// As [`Projections::catch_up`].
    pub fn catch_up_to(&self, size: u64, go_on: &mut GoOn<'_>) -> Result<u64, ProjectionError> {
        let mut live = self.live();
        let first = cursor_of(&live.buildings);
        loop {
            let Live { buildings, selection } = &mut *live;
            let to = (size, GATHERED_BYTES_MAX);
            if build_to(buildings, &self.reader, selection, to, go_on)? != Reached::Full {
                return Ok(cursor_of(buildings).saturating_sub(first));
            }
            let store = ViewStore::open(&self.path)?;
            self.take_over(&store, &mut live)?;
            self.write_down(&store, &mut live, Building::flush)?;
        }
    }

    /// Writes down, at once and durably, every live view that moved since its newest snapshot. A view that was begun here
    /// becomes live. What other processes changed is loaded first.
    ///
    /// # Errors
    /// [`ProjectionError`] when that failed; the older snapshots stand.
    pub fn snapshot(&self) -> Result<(), ProjectionError> {
        let mut live = self.live();
        let store = ViewStore::open(&self.path)?;
        self.take_over(&store, &mut live)?;
        self.write_down(&store, &mut live, |building, store, reader| {
            if building.is_written() {
                return Ok(());
            }
            building.settle(store, reader)
        })
    }

    pub(crate) const fn reader(&self) -> &StoreReader {
        &self.reader
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn live(&self) -> MutexGuard<'_, Live> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Loads what other processes made of the live views since this one wrote them down, and goes on from there.
    pub(crate) fn take_over(&self, store: &ViewStore, live: &mut Live) -> Result<(), ProjectionError> {
        live.selection = skips(store)?;
        let size = cursor_of(&live.buildings);
        for building in &mut live.buildings {
            if is_behind(store, &self.reader, building)? {
                *building = open_one(store, &self.reader, building.kind)?;
            }
        }
        build_whole(&mut live.buildings, store, &self.reader, &live.selection, size)
    }

    /// Lets `write` write down what every view came to, and makes that count.
    pub(crate) fn write_down(
        &self,
        store: &ViewStore,
        live: &mut Live,
        write: impl Fn(&mut Building, &ViewStore, &StoreReader) -> Result<(), ProjectionError> + Sync,
    ) -> Result<(), ProjectionError> {
        let write = |building: &mut Building| write(building, store, &self.reader);
        match for_each_beside(&mut live.buildings, write) {
            Err(ProjectionError::Store(error)) if snapshot::is_damage(&error) => {
                self.fold_again(store, live)?;
                for_each_beside(&mut live.buildings, write)?;
            }
            written => written?,
        }
        let pointers = promotions(store, live)?;
        let mut moved = Vec::new();
        for building in &mut live.buildings {
            let generation = &mut building.generation;
            generation.whole = true;
            if store.generation(&generation.view, generation.number)?.as_ref() != Some(generation) {
                moved.push(generation.clone());
            }
        }
        if !moved.is_empty() || !pointers.is_empty() {
            store.commit(&moved, &pointers)?;
        }
        Ok(())
    }

    /// Drops what was folded since the newest snapshots, and folds it again from what of them can be read.
    pub(crate) fn fold_again(&self, store: &ViewStore, live: &mut Live) -> Result<(), ProjectionError> {
        let size = cursor_of(&live.buildings);
        for building in &mut live.buildings {
            *building = open_one(store, &self.reader, building.kind)?;
        }
        build_whole(&mut live.buildings, store, &self.reader, &live.selection, size)
    }
}

/// Leaves that are skipped by declaration.
pub(crate) fn skips(store: &ViewStore) -> Result<Selection, ProjectionError> {
    let resolutions = store.resolutions()?;
    Ok(Selection {
        skipped: resolutions.into_iter().map(|it| it.leaf).collect(),
        ..Selection::default()
    })
}

fn open_one(store: &ViewStore, reader: &StoreReader, kind: Kind) -> Result<Building, ProjectionError> {
    let live = store.pointer(kind.name)?.map(|pointer| pointer.live);
    let mut generations = store.generations_of(kind.name)?;
    // Where none was ever live, one that was begun and not finished is gone on with. Others may be somebody's who is rebuilding.
    generations.retain(|it| live.is_none_or(|live| it.number == live));
    for generation in generations.into_iter().rev() {
        if snapshot::fits(reader, kind, &generation)?
            && let Some(building) = Building::begin_whole(store, kind, generation)?
        {
            return Ok(building);
        }
    }
    Building::begin(store, kind, begin(store, kind, live)?)
}

/// A generation with the next free number, entered at once so that no other takes it.
pub(crate) fn begin(store: &ViewStore, kind: Kind, from: Option<u64>) -> Result<Generation, ProjectionError> {
    let last = store
        .generations_of(kind.name)?
        .last()
        .map_or(0, |last| last.number);
    let begun = Generation::begun(kind.name, last + 1, kind.version, from);
    store.commit(std::slice::from_ref(&begun), &[])?;
    Ok(begun)
}

/// Whether `generation` was begun here to replace the live one, and was not live yet itself.
fn replaces(generation: &Generation, live: u64) -> bool {
    !generation.whole && generation.created_from == Some(live)
}

/// Whether another process left a live generation from which `building` does not go on, and which it does not replace.
fn is_behind(store: &ViewStore, reader: &StoreReader, building: &Building) -> Result<bool, ProjectionError> {
    let mine = &building.generation;
    match live_of(store, building.kind)? {
        Some(live) if live != *mine && !replaces(mine, live.number) => {
            snapshot::fits(reader, building.kind, &live)
        }
        Some(_) | None => Ok(false),
    }
}

/// The views that become live with what is written down now. Those of which another program has made another generation live
/// meanwhile are kept by that program, and no more by this one.
fn promotions(store: &ViewStore, live: &mut Live) -> Result<Vec<(&'static str, Pointer)>, ProjectionError> {
    let mut pointers = Vec::new();
    let mut foreign = Vec::new();
    for building in &live.buildings {
        let (view, generation) = (building.kind.name, &building.generation);
        let before = store.pointer(view)?.map(|pointer| pointer.live);
        if before.is_none_or(|before| replaces(generation, before)) {
            let live = generation.number;
            pointers.push((view, Pointer { live, before }));
        } else if before != Some(generation.number) {
            foreign.push(view);
        }
    }
    live.buildings
        .retain(|building| !foreign.contains(&building.kind.name));
    Ok(pointers)
}
