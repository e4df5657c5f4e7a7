//! A new generation beside the live one: folded from nothing, held against it, and only then made live.

use std::panic::resume_unwind;
use std::path::Path;
use std::thread::{self, Scope, ScopedJoinHandle};

use portbook_store::{Comparison, Generation, Pointer, StoreError, StoreReader, ViewStore};

use crate::building::{
    Building, GATHERED_BYTES_MAX, Reached, build_to, build_whole, cursor_of, for_each_beside,
};
use crate::comparison::{OnChange, Side, compare};
use crate::gather::Rows;
use crate::kind::Kind;
use crate::pass::{GoOn, ProjectionError};
use crate::projections::{begin, skips};
use crate::selection::Selection;
use crate::snapshot;

/// So few leaves are left for the last step, which holds the database.
const LAST_LEAVES: u64 = 10_000;
/// How often the end of a growing ledger is run after before the last step is taken all the same.
const LAPS_MAX: u32 = 8;

/// How to rebuild.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RebuildOptions {
    /// Go on with generations that were begun and not finished, instead of beginning anew.
    pub resume: bool,
    /// Make the new generations live in the end.
    pub promote: bool,
    /// Write down after so many leaves: no more is folded again after a kill.
    pub snapshot_leaves: u64,
}

/// How a rebuild ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RebuildEnd {
    /// Every view was folded to the end of the ledger.
    Whole(Vec<Rebuilt>),
    /// It was stopped, and can be resumed.
    Stopped {
        /// Leaves folded.
        at: u64,
    },
}

/// A view that was rebuilt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rebuilt {
    /// The new generation.
    pub generation: Generation,
    /// Whether it is live.
    pub promoted: bool,
}

/// Generations as they are once they are written down.
type Keeping<'scope> = ScopedJoinHandle<'scope, Result<Vec<Generation>, ProjectionError>>;

/// What one rebuild works on.
struct Rebuilding<'scope, 'a> {
    reader: &'a StoreReader,
    path: &'a Path,
    scope: &'scope Scope<'scope, 'a>,
    /// What is being written down while folding goes on: nothing else may open the database before that is done.
    keeping: Option<Keeping<'scope>>,
    buildings: Vec<Building>,
    selection: Selection,
    /// Live generations of another code version: the new one is held against each where that one stands.
    others: Vec<Generation>,
}

/// Folds `kinds` again from nothing, beside what is live and while the ledger grows.
///
/// Each is held against the live generation after the same leaves; `on_change` is told of every row that differs. `go_on` is asked
/// all the time; where it says no, what was folded is written down.
///
/// # Errors
/// [`ProjectionError`]; what is live stands.
pub fn rebuild(
    reader: &StoreReader,
    path: &Path,
    kinds: &[Kind],
    options: RebuildOptions,
    on_change: &mut OnChange<'_>,
    go_on: &mut GoOn<'_>,
) -> Result<RebuildEnd, ProjectionError> {
    thread::scope(|scope| {
        let rebuilding = Rebuilding::start(scope, (reader, path), kinds, options.resume)?;
        run(rebuilding, options, on_change, go_on)
    })
}

fn run(
    mut rebuilding: Rebuilding<'_, '_>,
    options: RebuildOptions,
    on_change: &mut OnChange<'_>,
    go_on: &mut GoOn<'_>,
) -> Result<RebuildEnd, ProjectionError> {
    let reader = rebuilding.reader;
    let mut kept = rebuilding.size();
    let mut end = reader.book()?.size();
    let mut laps = 1;
    loop {
        let at = rebuilding.size();
        rebuilding.compare_with_others(at, on_change)?;
        if at >= end {
            let size = reader.book()?.size();
            let near = size - at.min(size) <= LAST_LEAVES;
            (end, laps) = (if near { at } else { size }, laps + 1);
        }
        // A ledger that grows faster than it is folded would be run after for ever.
        if at >= end || laps > LAPS_MAX {
            return Ok(RebuildEnd::Whole(rebuilding.finish(options.promote, on_change)?));
        }
        let stops = rebuilding.others.iter().map(|other| other.cursor);
        let stop = stops.filter(|stop| *stop > at).min().unwrap_or(end);
        let stop = stop.min(end).min(kept.saturating_add(options.snapshot_leaves));
        let ended = rebuilding.fold_to(stop, &mut |reached, _| go_on(reached, end))?;
        let reached = rebuilding.size();
        if ended != Reached::Size || reached >= kept.saturating_add(options.snapshot_leaves) {
            rebuilding.keep()?;
            kept = reached;
        }
        if ended == Reached::Stopped {
            rebuilding.wait()?;
            return Ok(RebuildEnd::Stopped { at: reached });
        }
    }
}

impl<'scope, 'a> Rebuilding<'scope, 'a> {
    fn start(
        scope: &'scope Scope<'scope, 'a>,
        (reader, path): (&'a StoreReader, &'a Path),
        kinds: &[Kind],
        resume: bool,
    ) -> Result<Self, ProjectionError> {
        let store = ViewStore::open(path)?;
        let mut buildings = Vec::new();
        let mut others = Vec::new();
        for kind in kinds {
            let generation = start_one(&store, reader, *kind, resume)?;
            buildings.push(Building::begin(&store, *kind, generation)?);
            let live = live_of(&store, *kind)?.filter(|live| live.version != kind.version);
            if let Some(live) = live
                && snapshot::is_of(reader, &live)?
            {
                others.push(live);
            }
        }
        Ok(Self {
            reader,
            path,
            scope,
            keeping: None,
            buildings,
            selection: skips(&store)?,
            others,
        })
    }

    /// Leaves folded.
    fn size(&self) -> u64 {
        cursor_of(&self.buildings)
    }

    fn fold_to(&mut self, size: u64, go_on: &mut GoOn<'_>) -> Result<Reached, ProjectionError> {
        let to = (size, GATHERED_BYTES_MAX);
        build_to(&mut self.buildings, self.reader, &self.selection, to, go_on)
    }

    /// Rows that this code cannot read can still be held against those it makes of the same leaves.
    fn compare_with_others(&mut self, at: u64, on_change: &mut OnChange<'_>) -> Result<(), ProjectionError> {
        if self.others.iter().any(|other| other.cursor == at) {
            self.wait()?;
        }
        for other in self.others.iter().filter(|other| other.cursor == at) {
            let store = ViewStore::open(self.path)?;
            let found = self
                .buildings
                .iter_mut()
                .find(|it| it.kind.name == other.view && it.cursor == at);
            if let Some(building) = found {
                building.settle(&store, self.reader)?;
                let new = &building.generation;
                let compared = compare_stored(&store, building.kind, (other, new), on_change)?;
                building.generation.compared = Some(compared);
                store.commit(std::slice::from_ref(&building.generation), &[])?;
            }
        }
        Ok(())
    }

    /// Writes down how far it has come, while it goes on.
    fn keep(&mut self) -> Result<(), ProjectionError> {
        self.wait()?;
        let mut halves: Vec<Building> = self.buildings.iter_mut().map(Building::split).collect();
        let (reader, path) = (self.reader, self.path);
        self.keeping = Some(self.scope.spawn(move || {
            let store = ViewStore::open(path)?;
            for_each_beside(&mut halves, |building| building.flush(&store, reader))?;
            let generations: Vec<_> = halves.into_iter().map(|it| it.generation).collect();
            store.commit(&generations, &[])?;
            Ok(generations)
        }));
        Ok(())
    }

    /// Waits until what is being written down is.
    fn wait(&mut self) -> Result<(), ProjectionError> {
        if let Some(keeping) = self.keeping.take() {
            let generations = keeping.join().unwrap_or_else(|panic| resume_unwind(panic))?;
            for (building, generation) in self.buildings.iter_mut().zip(generations) {
                building.generation = generation;
            }
        }
        Ok(())
    }

    /// The last leaves, the comparison, and one write that makes all of it valid.
    fn finish(
        mut self,
        promote: bool,
        on_change: &mut OnChange<'_>,
    ) -> Result<Vec<Rebuilt>, ProjectionError> {
        self.wait()?;
        let store = ViewStore::open(self.path)?;
        let (reader, selection) = (self.reader, &self.selection);
        let size = reader.book()?.size();
        build_whole(&mut self.buildings, &store, reader, selection, size)?;
        let mut lives = Vec::new();
        for building in &self.buildings {
            if let Some(live) = live_of(&store, building.kind)?
                && snapshot::fits(reader, building.kind, &live)?
            {
                lives.push(Building::load(&store, building.kind, live)?);
            }
        }
        build_whole(&mut lives, &store, reader, selection, size)?;
        let mut generations = Vec::new();
        let mut pointers = Vec::new();
        for_each_beside(&mut self.buildings, |building| building.settle(&store, reader))?;
        for building in self.buildings {
            let mut generation = building.generation;
            let mut is_lost = false;
            if let Some(live) = lives.iter().find(|live| live.kind.name == generation.view) {
                generation.compared = compare_with(&store, live, &generation, on_change)?;
                is_lost = generation.compared.is_none();
            }
            generation.whole = true;
            let live = live_of(&store, building.kind)?;
            if promote && (is_lost || may_be_promoted(reader, &generation, live.as_ref())?) {
                let before = live.map(|live| live.number);
                let live = generation.number;
                pointers.push((building.kind.name, Pointer { live, before }));
            }
            generations.push(generation);
        }
        store.commit(&generations, &pointers)?;
        for (view, pointer) in &pointers {
            drop_older(&store, view, *pointer)?;
        }
        let rebuilt = generations.into_iter().map(|generation| Rebuilt {
            promoted: pointers.iter().any(|(view, _)| *view == generation.view),
            generation,
        });
        Ok(rebuilt.collect())
    }
}

/// Holds the rows of `generation` against those of `old` after the same leaves; none where those cannot be read any more.
pub(crate) fn compare_with(
    store: &ViewStore,
    old: &Building,
    generation: &Generation,
    on_change: &mut OnChange<'_>,
) -> Result<Option<Comparison>, ProjectionError> {
    let at = (old.generation.number, old.cursor);
    let compared = old.root(store).and_then(|root| {
        let held = Side {
            root,
            bytes: old.generation.bytes,
            is_ours: true,
            rows: &|| old.rows(store),
        };
        let rows = || stored_rows(store, generation);
        compare(
            old.kind,
            at,
            &held,
            &stored(old.kind, generation, &rows),
            on_change,
        )
    });
    match compared {
        Err(error) if snapshot::is_damage(&error) => Ok(None),
        compared => Ok(Some(compared?)),
    }
}

/// Holds two generations against each other as they are stored.
pub(crate) fn compare_stored(
    store: &ViewStore,
    kind: Kind,
    (old, new): (&Generation, &Generation),
    on_change: &mut OnChange<'_>,
) -> Result<Comparison, ProjectionError> {
    let (olds, news) = (|| stored_rows(store, old), || stored_rows(store, new));
    let (held, ours) = (stored(kind, old, &olds), stored(kind, new, &news));
    Ok(compare(kind, (old.number, old.cursor), &held, &ours, on_change)?)
}

fn stored_rows<'a>(store: &ViewStore, generation: &Generation) -> Result<Rows<'a>, StoreError> {
    Ok(Box::new(store.rows(generation)?))
}

fn stored<'a>(
    kind: Kind,
    generation: &Generation,
    rows: &'a dyn Fn() -> Result<Rows<'a>, StoreError>,
) -> Side<'a> {
    Side {
        root: generation.root,
        bytes: generation.bytes,
        is_ours: generation.version == kind.version,
        rows,
    }
}

/// A generation may take the place of one that it was held against, or of one that says nothing about this ledger.
pub(crate) fn may_be_promoted(
    reader: &StoreReader,
    generation: &Generation,
    live: Option<&Generation>,
) -> Result<bool, ProjectionError> {
    let Some(live) = live else { return Ok(true) };
    let compared = generation
        .compared
        .is_some_and(|compared| compared.with == live.number);
    Ok(compared || !snapshot::is_of(reader, live)?)
}

/// The live generation of a view.
pub(crate) fn live_of(store: &ViewStore, kind: Kind) -> Result<Option<Generation>, ProjectionError> {
    match store.pointer(kind.name)? {
        Some(pointer) => Ok(store.generation(kind.name, pointer.live)?),
        None => Ok(None),
    }
}

/// Removes generations that were finished and neither are live nor lead back.
pub(crate) fn drop_older(store: &ViewStore, view: &str, pointer: Pointer) -> Result<(), ProjectionError> {
    for generation in store.generations_of(view)? {
        let kept = generation.number == pointer.live || Some(generation.number) == pointer.before;
        if !kept && generation.number < pointer.live {
            store.discard(view, generation.number)?;
        }
    }
    Ok(())
}

fn start_one(
    store: &ViewStore,
    reader: &StoreReader,
    kind: Kind,
    resume: bool,
) -> Result<Generation, ProjectionError> {
    let pointer = store.pointer(kind.name)?;
    let kept = |number: u64| pointer.is_some_and(|it| it.live == number || it.before == Some(number));
    let unfinished = store.generations_of(kind.name)?.into_iter().rev();
    let unfinished = unfinished.filter(|generation| !generation.whole && !kept(generation.number));
    for generation in unfinished {
        if resume && snapshot::fits(reader, kind, &generation)? {
            return Ok(generation);
        }
        store.discard(kind.name, generation.number)?;
    }
    begin(store, kind, pointer.map(|pointer| pointer.live))
}
