//! Views as of then: a prefix of the ledger for what was known, a limit on when it happened for what had happened.

use std::path::Path;

use jiff::Timestamp;
use portbook_ledger::{Index, Leaf};
use portbook_store::{Generation, StoreError, StoreReader, ViewStore};
use portbook_views::View;

use crate::drive::{Database, GoOn, fold_to};
use crate::kind::{Kind, view_of};
use crate::pass::ProjectionError;
use crate::projection::Projection;
use crate::projections::{Views, skips};
use crate::rebuild::live_of;
use crate::selection::Filter;
use crate::snapshot;

/// A view as it stood.
#[derive(Debug)]
pub struct Past {
    projection: Projection,
}

impl Past {
    /// The view, when it is a `V`.
    #[must_use]
    pub fn view<V: View + 'static>(&self) -> Option<&V> {
        view_of(self.projection.fold.as_ref())
    }

    /// Leaves folded.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.projection.cursor
    }

    /// Cases that were parked.
    #[must_use]
    pub fn parked(&self) -> usize {
        self.projection.parking.parked().count()
    }
}

/// The view of `kind` after the first `size` leaves, of the records that `filter` lets through.
///
/// Starts from the live snapshot where that is no later and nothing is filtered, otherwise from nothing; memory holds the view
/// and no more. [`None`] when `go_on` said no.
///
/// # Errors
/// [`ProjectionError`] when a database cannot be read.
pub fn past(
    reader: &StoreReader,
    path: &Path,
    kind: Kind,
    size: u64,
    filter: Filter,
    go_on: &mut GoOn<'_>,
) -> Result<Option<Past>, ProjectionError> {
    let store = ViewStore::open(path)?;
    let mut selection = skips(&store)?;
    let live = live_of(&store, kind)?.filter(|live| filter == Filter::default() && live.cursor <= size);
    let loaded = match live {
        Some(live) if snapshot::fits(reader, kind, &live)? => snapshot::load_whole(&store, kind, live)?,
        Some(_) | None => None,
    };
    let begun = || Projection::begun(kind, Generation::begun(kind.name, 0, kind.version, None));
    let snapshot = loaded.unwrap_or_else(begun);
    drop(store);
    selection.filter = filter;
    let views = Views::of(vec![snapshot]);
    fold_to(&views, reader, Database::At(path), &selection, size, go_on)?;
    let folded = views.write().pop().filter(|projection| projection.cursor >= size);
    Ok(folded.map(|projection| Past { projection }))
}

/// How many leaves the ledger had at `time`, by the stream's clock, which rises with the leaves.
///
/// # Errors
/// [`ProjectionError::Leaf`] when a leaf cannot be read.
pub fn size_at(reader: &StoreReader, time: Timestamp) -> Result<u64, ProjectionError> {
    let (mut low, mut high) = (0, reader.book()?.size());
    while low < high {
        let middle = low.midpoint(high);
        if i128::from(recorded_at_ns(reader, middle)?) <= time.as_nanosecond() {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    Ok(low)
}

/// When the leaf at `index` was recorded, by the stream's clock, in nanoseconds since 1970.
///
/// # Errors
/// [`ProjectionError::Leaf`] when it cannot be read.
pub fn recorded_at_ns(reader: &StoreReader, index: u64) -> Result<u64, ProjectionError> {
    let missing = StoreError::LeafMissing { index, size: index };
    let bytes = Index::new(index)
        .map(|index| reader.leaf(index))
        .transpose()?
        .flatten();
    match Leaf::decode(&bytes.ok_or(missing)?) {
        Ok(Leaf::Record(record)) => Ok(record.recorded_at_ns),
        Ok(Leaf::Seal(seal)) => Ok(seal.sealed_at_ns),
        Err(source) => Err(ProjectionError::Leaf { index, source }),
    }
}
