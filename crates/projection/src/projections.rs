//! The live views of a ledger: loaded, kept current, written down, and read by many at once.
//!
//! The database is opened only to load and to write down, so that other processes come to it as well. What one of them
//! changed meanwhile (another generation promoted, a parked case let go) is found by the numbers of the snapshots, and
//! loaded before anything is written.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use portbook_store::{Generation, Pointer, StoreReader, ViewStore};
use portbook_views::View;

use crate::drive::{Database, GoOn, fold_to};
use crate::kind::{Kind, view_of};
use crate::pass::ProjectionError;
use crate::projection::Projection;
use crate::selection::Selection;
use crate::snapshot;

/// The live views of one ledger, in this process.
#[derive(Debug)]
pub struct Projections {
    reader: StoreReader,
    path: PathBuf,
    pub(crate) live: Views,
    driving: Mutex<Driving>,
}

/// What only the one needs who folds or writes: one at a time.
#[derive(Debug)]
pub(crate) struct Driving {
    pub(crate) selection: Selection,
}

/// Live views for reading; it can be cloned and used from many threads.
#[derive(Debug, Clone)]
pub struct Views {
    live: Arc<RwLock<Vec<Projection>>>,
}

/// All live views at one moment: while it is held, none of them moves on.
#[derive(Debug)]
pub struct AllViews<'a>(RwLockReadGuard<'a, Vec<Projection>>);

impl Projections {
    /// Loads the newest snapshots of the live generations of `kinds` from the database in `path`.
    ///
    /// A view without one, or with one of another code version or of another history, begins a generation of its own, which
    /// becomes live with its first snapshot. [`Projections::catch_up`] brings them to the size of the ledger.
    ///
    /// # Errors
    /// [`ProjectionError`] when a database cannot be read.
    pub fn open(reader: StoreReader, path: &Path, kinds: &[Kind]) -> Result<Self, ProjectionError> {
        let store = ViewStore::open(path)?;
        let live: Result<Vec<_>, _> = kinds
            .iter()
            .map(|kind| open_one(&store, &reader, *kind))
            .collect();
        let live = Views::of(live?);
        Ok(Self {
            reader,
            path: path.to_owned(),
            live,
            driving: Mutex::new(Driving {
                selection: skips(&store)?,
            }),
        })
    }

    /// The live views, for reading.
    #[must_use]
    pub fn views(&self) -> Views {
        self.live.clone()
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
        let driving = self.drive();
        let database = Database::At(&self.path);
        fold_to(
            &self.live,
            &self.reader,
            database,
            &driving.selection,
            size,
            go_on,
        )
    }

    /// Writes down, at once and durably, every live view that moved since its newest snapshot. A view that was begun here
    /// becomes live. What other processes changed is loaded first.
    ///
    /// # Errors
    /// [`ProjectionError`] when that failed; the older snapshots stand.
    pub fn snapshot(&self) -> Result<(), ProjectionError> {
        let store = ViewStore::open(&self.path)?;
        let mut driving = self.drive();
        self.take_over(&store, &mut driving)?;
        self.write_down(&store)
    }

    pub(crate) const fn reader(&self) -> &StoreReader {
        &self.reader
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn drive(&self) -> MutexGuard<'_, Driving> {
        self.driving.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Loads what other processes made of the live views since this one wrote them down, and goes on from there.
    pub(crate) fn take_over(&self, store: &ViewStore, driving: &mut Driving) -> Result<(), ProjectionError> {
        driving.selection = skips(store)?;
        let mut changed = Vec::new();
        for projection in self.live.read().0.iter() {
            if let Some(theirs) = newer(store, &self.reader, projection)? {
                changed.extend(snapshot::load_whole(store, projection.kind, theirs)?);
            }
        }
        if changed.is_empty() {
            return Ok(());
        }
        let size = self.live.read().size();
        let changed = Views::of(changed);
        let database = Database::Open(store);
        fold_to(
            &changed,
            &self.reader,
            database,
            &driving.selection,
            size,
            &mut |_, _| true,
        )?;
        let mut live = self.live.write();
        for projection in changed.write().drain(..) {
            if let Some(place) = live.iter_mut().find(|it| it.kind.name == projection.kind.name) {
                *place = projection;
            }
        }
        Ok(())
    }

    pub(crate) fn write_down(&self, store: &ViewStore) -> Result<(), ProjectionError> {
        let mut written = Vec::new();
        let mut pointers = Vec::new();
        for projection in self.live.read().0.iter().filter(|projection| !projection.broken) {
            let pointer = store.pointer(projection.kind.name)?;
            let live = projection.generation.number;
            let points = pointer.is_some_and(|pointer| pointer.live == live);
            if points && projection.cursor == projection.generation.cursor && !projection.touched {
                continue;
            }
            let mut generation = snapshot::write(store, &self.reader, projection)?;
            generation.whole = true;
            if !points {
                let before = pointer.map(|pointer| pointer.live);
                if before.is_some() && before != generation.created_from {
                    // Another program has made another generation live meanwhile: what is folded here serves this process.
                    continue;
                }
                pointers.push((projection.kind.name, Pointer { live, before }));
            }
            written.push(generation);
        }
        if written.is_empty() {
            return Ok(());
        }
        store.commit(&written, &pointers)?;
        let mut live = self.live.write();
        for generation in written {
            if let Some(projection) = live.iter_mut().find(|it| it.kind.name == generation.view) {
                projection.generation = generation;
                projection.touched = false;
            }
        }
        Ok(())
    }
}

impl Views {
    pub(crate) fn of(projections: Vec<Projection>) -> Self {
        Self {
            live: Arc::new(RwLock::new(projections)),
        }
    }

    /// Holds all live views still for reading.
    #[must_use]
    pub fn read(&self) -> AllViews<'_> {
        AllViews(self.live.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn write(&self) -> RwLockWriteGuard<'_, Vec<Projection>> {
        self.live.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl AllViews<'_> {
    /// The view `V`; none when it was not opened, or while it is folded again because an event broke it.
    #[must_use]
    pub fn view<V: View + 'static>(&self) -> Option<&V> {
        let named = |projection: &&Projection| projection.kind.name == V::NAME && !projection.broken;
        view_of(self.0.iter().find(named)?.fold.as_ref())
    }

    /// Leaves folded: the same for all views, except while one is folded again.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.0
            .iter()
            .map(|projection| projection.cursor)
            .min()
            .unwrap_or(u64::MAX)
    }

    /// Leaves folded by each view.
    pub fn sizes(&self) -> impl Iterator<Item = (&'static str, u64)> {
        self.0
            .iter()
            .map(|projection| (projection.kind.name, projection.cursor))
    }

    pub(crate) fn projections(&self) -> impl Iterator<Item = &Projection> {
        self.0.iter()
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

fn open_one(store: &ViewStore, reader: &StoreReader, kind: Kind) -> Result<Projection, ProjectionError> {
    let live = store.pointer(kind.name)?.map(|pointer| pointer.live);
    let mut generations = store.generations_of(kind.name)?;
    // The live one before all others, then the newest: one that was begun and not finished is gone on with.
    generations.sort_by_key(|it| (Some(it.number) == live, it.number));
    for generation in generations.into_iter().rev() {
        if snapshot::fits(reader, kind, &generation)?
            && let Some(loaded) = snapshot::load_whole(store, kind, generation)?
        {
            return Ok(loaded);
        }
    }
    Ok(Projection::begun(kind, begin(store, kind, live)?))
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

/// The live generation as another process left it, when that is not what `projection` goes on from.
fn newer(
    store: &ViewStore,
    reader: &StoreReader,
    projection: &Projection,
) -> Result<Option<Generation>, ProjectionError> {
    let (kind, mine) = (projection.kind, &projection.generation);
    let Some(pointer) = store.pointer(kind.name)? else {
        return Ok(None);
    };
    let live = store.generation(kind.name, pointer.live)?;
    match live {
        Some(live) if live != *mine && snapshot::fits(reader, kind, &live)? => Ok(Some(live)),
        Some(_) | None => Ok(None),
    }
}
