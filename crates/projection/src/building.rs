//! A generation being folded without holding it in memory. Every view is folded here, live or not.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::panic::resume_unwind;
use std::thread;

use portbook_domain::CaseId;
use portbook_ledger::Hash;
use portbook_store::{Generation, Packed, StateRoot, StoreError, StoreReader, ViewStore};

use crate::gather::{Gather, Parts, Rows, Stored};
use crate::kind::Kind;
use crate::parking::Parking;
use crate::pass::{GoOn, ProjectionError, Read, pass, read_whole};
use crate::reading::Reading;
use crate::selection::{Filter, Selection};
use crate::snapshot;

/// So much is gathered of all views together before it is written down; as much again may be gathered by the time that is done.
pub(crate) const GATHERED_BYTES_MAX: usize = 32 * 1024 * 1024;
/// So many files of parts are joined at once before rows are made of them.
const PENDING_MAX: usize = 16;

/// A generation being folded.
#[derive(Debug)]
pub(crate) struct Building {
    pub(crate) kind: Kind,
    /// As it is on the disk.
    pub(crate) generation: Generation,
    /// Leaf index of the next leaf to fold.
    pub(crate) cursor: u64,
    pub(crate) parking: Parking,
    gather: Box<dyn Gather>,
}

/// Where folding on ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reached {
    /// Where it was to end.
    Size,
    /// Where so much is gathered that it must be written down first.
    Full,
    /// Where somebody said that it is enough.
    Stopped,
}

/// Leaves, read once for all views.
struct Sheaf {
    cases: Vec<Option<Gist>>,
    /// What they add to each view.
    parts: Vec<Parts>,
}

/// All that parking needs to know of a record.
struct Gist {
    case: CaseId,
    unreadable: Option<String>,
}

impl Building {
    /// Begins with nothing, and is written down nowhere.
    pub(crate) fn in_memory(kind: Kind) -> Self {
        Self {
            kind,
            generation: Generation::begun(kind.name, 0, kind.version, None),
            cursor: 0,
            parking: Parking::default(),
            gather: kind.gather(),
        }
    }

    /// Goes on with `generation`.
    pub(crate) fn load(
        store: &ViewStore,
        kind: Kind,
        generation: Generation,
    ) -> Result<Self, ProjectionError> {
        let mut parking = Parking::default();
        parking.poisoned.extend(generation.poisoned.iter().cloned());
        for parked in store.parked(&generation)? {
            parking.restore(parked);
        }
        Ok(Self {
            kind,
            cursor: generation.cursor,
            generation,
            parking,
            gather: kind.gather(),
        })
    }

    /// [`Building::load`], of one that is to be handed over piece by piece. All it holds is read, and not kept.
    pub(crate) fn begin(
        store: &ViewStore,
        kind: Kind,
        generation: Generation,
    ) -> Result<Self, ProjectionError> {
        let mut building = Self::load(store, kind, generation)?;
        building.gather.begin(store, &building.generation)?;
        Ok(building)
    }

    /// [`Building::begin`], unless a file is not what was written there: then the view is folded again.
    pub(crate) fn begin_whole(
        store: &ViewStore,
        kind: Kind,
        generation: Generation,
    ) -> Result<Option<Self>, ProjectionError> {
        match Self::begin(store, kind, generation) {
            Err(ProjectionError::Store(error)) if snapshot::is_damage(&error) => Ok(None),
            begun => begun.map(Some),
        }
    }

    /// Hands over all that it has come to, to be written down while it goes on. Where it goes on is not known before that is done:
    /// it needs the generation that this gives.
    pub(crate) fn split(&mut self) -> Self {
        Self {
            kind: self.kind,
            generation: self.generation.clone(),
            cursor: self.cursor,
            parking: self.parking.clone(),
            gather: self.gather.split(),
        }
    }

    /// Writes down what is gathered. It counts once `generation` is committed.
    pub(crate) fn flush(&mut self, store: &ViewStore, reader: &StoreReader) -> Result<(), ProjectionError> {
        self.gather.flush(store, &mut self.generation)?;
        if self.generation.pending() > PENDING_MAX {
            self.gather.settle(store, &mut self.generation)?;
        }
        self.mark(store, reader)
    }

    /// Makes rows of all that was gathered. They count once `generation` is committed.
    pub(crate) fn settle(&mut self, store: &ViewStore, reader: &StoreReader) -> Result<(), ProjectionError> {
        self.gather.settle(store, &mut self.generation)?;
        self.mark(store, reader)
    }

    /// Says in the generation how far it has come.
    fn mark(&mut self, store: &ViewStore, reader: &StoreReader) -> Result<(), ProjectionError> {
        let generation = &mut self.generation;
        generation.cursor = self.cursor;
        generation.last_leaf = snapshot::last_leaf(reader, self.cursor)?;
        let poisoned = &self.parking.poisoned;
        generation.poisoned = poisoned.iter().map(|(leaf, why)| (*leaf, why.clone())).collect();
        store.write_parked(generation, self.parking.parked())?;
        Ok(())
    }

    /// What it has on the disk.
    pub(crate) fn stored(&self, store: &ViewStore) -> Result<Stored, StoreError> {
        Stored::open(store, &self.generation)
    }

    /// All its rows.
    pub(crate) fn rows(&self, store: &ViewStore) -> Result<Rows<'_>, StoreError> {
        self.rows_with(self.stored(store)?)
    }

    /// [`Building::rows`], of which those on the disk were opened before.
    pub(crate) fn rows_with(&self, stored: Stored) -> Result<Rows<'_>, StoreError> {
        self.gather.rows(stored)
    }

    /// Whether nothing came since it was written down.
    pub(crate) fn is_written(&self) -> bool {
        self.cursor == self.generation.cursor && self.is_settled()
    }

    /// Whether all that it was given is in its rows on the disk.
    fn is_settled(&self) -> bool {
        self.gather.held() == 0 && self.generation.pending() == 0
    }

    /// The state root of all its rows.
    pub(crate) fn root(&self, store: &ViewStore) -> Result<Hash, StoreError> {
        if self.is_settled() {
            return Ok(self.generation.root);
        }
        let mut root = StateRoot::of(self.kind.name);
        for stored in self.rows(store)? {
            let (key, row) = stored?;
            root.row(&key, &row);
        }
        Ok(root.finish())
    }

    /// Takes the leaves from `first` on, but for those it has.
    fn take(&mut self, first: u64, cases: &[Option<Gist>], parts: Parts, selection: &Selection) {
        let mut left_out = BTreeSet::new();
        let poisoned = parts.poisoned.iter().cloned();
        let poisoned = poisoned.filter(|(leaf, _)| *leaf >= self.cursor && !selection.skips(*leaf));
        self.parking.poisoned.extend(poisoned);
        // Mostly nothing waits and nothing is to be left out.
        let is_plain = first >= self.cursor && selection.skipped.is_empty() && self.parking.is_empty();
        let is_readable = |gist: &Gist| gist.unreadable.is_none();
        let is_plain = is_plain && cases.iter().flatten().all(is_readable);
        let numbered = (first..).zip(cases).filter(|_| !is_plain);
        for (leaf, gist) in numbered {
            let Some(gist) = gist else { continue };
            if leaf < self.cursor || selection.skips(leaf) || self.waits(leaf, gist) {
                left_out.insert(leaf);
            }
        }
        let count = u64::try_from(cases.len()).unwrap_or(u64::MAX);
        self.cursor = self.cursor.max(first.saturating_add(count));
        self.gather.take(parts, &left_out);
    }

    /// Lets `case` go on with the readings of waiting leaves, as far as it can; gives what they add, for [`Building::insert`].
    ///
    /// Folding late is folding all the same: the state of a view does not depend on the order in which cases come.
    pub(crate) fn go_on(
        &mut self,
        case: &CaseId,
        readings: &[(u64, Reading)],
        selection: &Selection,
    ) -> Vec<Parts> {
        let waited = self.parking.release(case);
        let mut late = Vec::new();
        for (leaf, reading) in readings.iter().filter(|(leaf, _)| waited.contains(leaf)) {
            self.parking.poisoned.remove(leaf);
            if selection.skips(*leaf) || self.parking.waits(case, *leaf) {
                continue;
            }
            let parts = self.kind.parts(*leaf, std::slice::from_ref(reading));
            self.parking.poisoned.extend(parts.poisoned.iter().cloned());
            let unreadable = match reading {
                Reading::Unreadable { reason, .. } => Some(reason),
                Reading::Event(_) | Reading::Nothing | Reading::Damaged(_) => None,
            };
            match self.parking.poisoned.get(leaf).or(unreadable).cloned() {
                Some(reason) => self.parking.park(case, *leaf, reason),
                None => late.push(parts),
            }
        }
        late
    }

    /// Adds what was late. It counts once `generation` is committed.
    pub(crate) fn insert(&mut self, store: &ViewStore, late: Vec<Parts>) -> Result<(), ProjectionError> {
        Ok(self.gather.insert(store, &mut self.generation, late)?)
    }

    /// Whether the record waits: with its case, or because the case is parked on it.
    fn waits(&mut self, leaf: u64, gist: &Gist) -> bool {
        if self.parking.waits(&gist.case, leaf) {
            return true;
        }
        let reason = self.parking.poisoned.get(&leaf).or(gist.unreadable.as_ref());
        let reason = reason.cloned();
        if let Some(reason) = reason {
            self.parking.park(&gist.case, leaf, reason);
            return true;
        }
        false
    }
}

/// Folds all of `buildings` on to `size`, reading every leaf once, or until more than `gathered_max` bytes are gathered.
pub(crate) fn build_to(
    buildings: &mut [Building],
    reader: &StoreReader,
    selection: &Selection,
    (size, gathered_max): (u64, usize),
    go_on: &mut GoOn<'_>,
) -> Result<Reached, ProjectionError> {
    let kinds: Vec<Kind> = buildings.iter().map(|building| building.kind).collect();
    let first = cursor_of(buildings);
    let mut reached = Reached::Size;
    if first >= size {
        return Ok(reached);
    }
    pass(
        reader,
        first..size,
        |group| Sheaf::read(group, &kinds, &selection.filter),
        |first, sheaf| {
            let count = u64::try_from(sheaf.cases.len()).unwrap_or(u64::MAX);
            for (building, parts) in buildings.iter_mut().zip(sheaf.parts) {
                building.take(first, &sheaf.cases, parts, selection);
            }
            let gathered: usize = buildings.iter().map(|it| it.gather.held()).sum();
            if !go_on(first + count, size) {
                reached = Reached::Stopped;
            } else if gathered > gathered_max {
                reached = Reached::Full;
            } else {
                return ControlFlow::Continue(());
            }
            ControlFlow::Break(())
        },
    )?;
    if cursor_of(buildings) >= size {
        reached = Reached::Size;
    }
    Ok(reached)
}

/// Folds the first leaves into `kinds` as a rebuild does, and drops what comes of it; gives how many it folded. It shows how long
/// folding takes.
///
/// # Errors
/// [`ProjectionError`] when the ledger cannot be read.
pub fn try_folding(reader: &StoreReader, kinds: &[Kind], leaves: u64) -> Result<u64, ProjectionError> {
    let mut buildings: Vec<_> = kinds.iter().copied().map(Building::in_memory).collect();
    let size = reader.book()?.size().min(leaves);
    build_to(
        &mut buildings,
        reader,
        &Selection::default(),
        (size, GATHERED_BYTES_MAX),
        &mut |_, _| true,
    )?;
    Ok(cursor_of(&buildings).min(size))
}

/// [`build_to`], writing down what becomes much; what is written counts nowhere until it is committed.
pub(crate) fn build_whole(
    buildings: &mut [Building],
    store: &ViewStore,
    reader: &StoreReader,
    selection: &Selection,
    size: u64,
) -> Result<(), ProjectionError> {
    let to = (size, GATHERED_BYTES_MAX);
    while build_to(buildings, reader, selection, to, &mut |_, _| true)? != Reached::Size {
        for_each_beside(buildings, |building| building.flush(store, reader))?;
    }
    Ok(())
}

/// Works on all of `buildings` at once: while one of them waits for the disk, others hash and write.
pub(crate) fn for_each_beside(
    buildings: &mut [Building],
    work: impl Fn(&mut Building) -> Result<(), ProjectionError> + Sync,
) -> Result<(), ProjectionError> {
    let work = &work;
    thread::scope(|scope| {
        let running = buildings
            .iter_mut()
            .map(|building| scope.spawn(move || work(building)));
        let running: Vec<_> = running.collect();
        running
            .into_iter()
            .try_for_each(|it| it.join().unwrap_or_else(|panic| resume_unwind(panic)))
    })
}

/// The leaf at which the first of `buildings` goes on.
pub(crate) fn cursor_of(buildings: &[Building]) -> u64 {
    let cursors = buildings.iter().map(|building| building.cursor);
    cursors.min().unwrap_or(u64::MAX)
}

impl Sheaf {
    fn read(group: &[Packed], kinds: &[Kind], filter: &Filter) -> Read<Self> {
        let first = group.first().map_or(0, |packed| packed.first);
        let (mut readings, broken) = read_whole(group);
        if *filter != Filter::default() {
            let unwanted = readings.iter_mut().filter(|reading| !filter.takes(reading));
            unwanted.for_each(|reading| *reading = Reading::Nothing);
        }
        let parts = kinds.iter().map(|kind| kind.parts(first, &readings)).collect();
        let cases = readings.into_iter().map(Gist::of).collect();
        (Self { cases, parts }, broken)
    }
}

impl Gist {
    fn of(reading: Reading) -> Option<Self> {
        match reading {
            Reading::Event(read) => Some(Self {
                case: read.event.case,
                unreadable: None,
            }),
            Reading::Unreadable { case, reason } => Some(Self {
                case,
                unreadable: Some(reason),
            }),
            Reading::Nothing | Reading::Damaged(_) => None,
        }
    }
}
