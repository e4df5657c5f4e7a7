//! A new generation beside the live one: folded from nothing, held against it, and only then made live.

use std::path::Path;

use portbook_store::{Comparison, Generation, Pointer, StoreReader, ViewStore};

use crate::comparison::{OnChange, Rows, compare};
use crate::drive::{Database, GoOn, fold_to};
use crate::kind::Kind;
use crate::pass::ProjectionError;
use crate::projection::Projection;
use crate::projections::{Views, begin, skips};
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

/// What one rebuild works on.
struct Rebuilding<'a> {
    reader: &'a StoreReader,
    path: &'a Path,
    views: Views,
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
    let rebuilding = Rebuilding::start(reader, path, kinds, options.resume)?;
    let mut kept = rebuilding.views.read().size();
    let mut end = reader.book()?.size();
    let mut laps = 1;
    loop {
        let at = rebuilding.views.read().size();
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
        rebuilding.fold_to(stop, &mut |reached, _| go_on(reached, end))?;
        let reached = rebuilding.views.read().size();
        if reached < stop || reached >= kept.saturating_add(options.snapshot_leaves) {
            rebuilding.keep()?;
            kept = reached;
        }
        if reached < stop {
            return Ok(RebuildEnd::Stopped { at: reached });
        }
    }
}

impl<'a> Rebuilding<'a> {
    fn start(
        reader: &'a StoreReader,
        path: &'a Path,
        kinds: &[Kind],
        resume: bool,
    ) -> Result<Self, ProjectionError> {
        let store = ViewStore::open(path)?;
        let mut projections = Vec::new();
        let mut others = Vec::new();
        for kind in kinds {
            projections.push(start_one(&store, reader, *kind, resume)?);
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
            views: Views::of(projections),
            selection: skips(&store)?,
            others,
        })
    }

    fn fold_to(&self, size: u64, go_on: &mut GoOn<'_>) -> Result<u64, ProjectionError> {
        let database = Database::At(self.path);
        fold_to(&self.views, self.reader, database, &self.selection, size, go_on)
    }

    /// Rows that this code cannot read can still be held against those it makes of the same leaves.
    fn compare_with_others(&self, at: u64, on_change: &mut OnChange<'_>) -> Result<(), ProjectionError> {
        for other in self.others.iter().filter(|other| other.cursor == at) {
            let store = ViewStore::open(self.path)?;
            let mut views = self.views.write();
            let found = views
                .iter_mut()
                .find(|it| it.kind.name == other.view && it.cursor == at);
            if let Some(projection) = found {
                let (old, new) = (Rows::Stored(&store, other), Rows::Held(projection));
                let compared = compare(projection.kind, (other.number, at), old, new, on_change)?;
                projection.generation.compared = Some(compared);
            }
        }
        Ok(())
    }

    /// Writes down how far it has come.
    fn keep(&self) -> Result<(), ProjectionError> {
        let store = ViewStore::open(self.path)?;
        let mut views = self.views.write();
        let staged: Result<Vec<_>, _> = views
            .iter()
            .map(|projection| snapshot::stage(&store, self.reader, projection))
            .collect();
        let mut staged = staged?;
        store.commit(&mut staged, &[])?;
        for (projection, (generation, _)) in views.iter_mut().zip(staged) {
            projection.generation = generation;
        }
        Ok(())
    }

    /// The last leaves, the comparison, and one write that makes all of it valid.
    fn finish(self, promote: bool, on_change: &mut OnChange<'_>) -> Result<Vec<Rebuilt>, ProjectionError> {
        let store = ViewStore::open(self.path)?;
        let size = self.reader.book()?.size();
        let database = Database::Open(&store);
        fold_to(
            &self.views,
            self.reader,
            database,
            &self.selection,
            size,
            &mut |_, _| true,
        )?;
        let mut staged = Vec::new();
        let mut pointers = Vec::new();
        for projection in self.views.write().iter_mut() {
            let live = live_of(&store, projection.kind)?;
            if let Some(live) = &live
                && snapshot::fits(self.reader, projection.kind, live)?
            {
                let compared = self.compare_with_live(&store, live, projection, on_change)?;
                projection.generation.compared = Some(compared);
            }
            let (mut generation, snapshot) = snapshot::stage(&store, self.reader, projection)?;
            generation.whole = true;
            if promote && may_be_promoted(self.reader, &generation, live.as_ref())? {
                let before = live.map(|live| live.number);
                let live = generation.number;
                pointers.push((projection.kind.name, Pointer { live, before }));
            }
            staged.push((generation, snapshot));
        }
        store.commit(&mut staged, &pointers)?;
        for (view, pointer) in &pointers {
            drop_older(&store, view, *pointer)?;
        }
        let rebuilt = staged.into_iter().map(|(generation, _)| Rebuilt {
            promoted: pointers.iter().any(|(view, _)| *view == generation.view),
            generation,
        });
        Ok(rebuilt.collect())
    }

    fn compare_with_live(
        &self,
        store: &ViewStore,
        live: &Generation,
        projection: &Projection,
        on_change: &mut OnChange<'_>,
    ) -> Result<Comparison, ProjectionError> {
        let held = bring_to(
            store,
            self.reader,
            projection.kind,
            live,
            &self.selection,
            projection.cursor,
        )?;
        let at = (live.number, projection.cursor);
        let (old, new) = (Rows::Held(&held), Rows::Held(projection));
        Ok(compare(projection.kind, at, old, new, on_change)?)
    }
}

/// The state of `generation`, folded on to `size`.
pub(crate) fn bring_to(
    store: &ViewStore,
    reader: &StoreReader,
    kind: Kind,
    generation: &Generation,
    selection: &Selection,
    size: u64,
) -> Result<Projection, ProjectionError> {
    let views = Views::of(vec![snapshot::load(store, kind, generation.clone())?]);
    fold_to(
        &views,
        reader,
        Database::Open(store),
        selection,
        size,
        &mut |_, _| true,
    )?;
    let folded = views.write().pop();
    folded.ok_or(ProjectionError::NoView {
        name: kind.name.to_owned(),
    })
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
) -> Result<Projection, ProjectionError> {
    let pointer = store.pointer(kind.name)?;
    let kept = |number: u64| pointer.is_some_and(|it| it.live == number || it.before == Some(number));
    let unfinished = store.generations_of(kind.name)?.into_iter().rev();
    let unfinished = unfinished.filter(|generation| !generation.whole && !kept(generation.number));
    for generation in unfinished {
        if resume && snapshot::fits(reader, kind, &generation)? {
            return snapshot::load(store, kind, generation);
        }
        store.discard(kind.name, generation.number)?;
    }
    begin(store, reader, kind, pointer.map(|pointer| pointer.live))
}
