//! Views as of then: a prefix of the ledger for what was known, a limit on when it happened for what had happened.

use std::path::Path;

use jiff::Timestamp;
use portbook_ledger::{Index, Leaf};
use portbook_store::{StoreError, StoreReader, ViewStore, decode_row};
use portbook_views::View;

use crate::building::{Building, build_to};
use crate::gather::Stored;
use crate::kind::Kind;
use crate::pass::{GoOn, ProjectionError};
use crate::projections::skips;
use crate::rebuild::live_of;
use crate::selection::Filter;
use crate::snapshot;

/// A view as it stood.
#[derive(Debug)]
pub struct Past {
    building: Building,
    /// Where it started from: others may replace or remove it, it can still be read.
    stored: Stored,
}

impl Past {
    /// Leaves folded.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.building.cursor
    }

    /// Cases that were parked.
    #[must_use]
    pub fn parked(&self) -> usize {
        self.building.parking.parked().count()
    }

    /// Hands over every row, in the order of keys; `V` must be the view that was asked for.
    ///
    /// # Errors
    /// What `take` returns, or [`ProjectionError`] when a row cannot be read.
    pub fn each_row<V: View, E: From<ProjectionError>>(
        self,
        mut take: impl FnMut(V::Key, V::Row) -> Result<(), E>,
    ) -> Result<(), E> {
        let read = |error: StoreError| E::from(error.into());
        for stored in self.building.rows_with(self.stored).map_err(read)? {
            let (key, row) = stored.map_err(read)?;
            take(decode_row(&key).map_err(read)?, decode_row(&row).map_err(read)?)?;
        }
        Ok(())
    }
}

/// The view of `kind` after the first `size` leaves, of the records that `filter` lets through.
///
/// Starts from the live snapshot where that is no later and nothing is filtered, otherwise from nothing; memory holds what was
/// added since. [`None`] when `go_on` said no.
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
    let snapshot = match live {
        Some(live) if snapshot::fits(reader, kind, &live)? => Building::begin_whole(&store, kind, live)?,
        Some(_) | None => None,
    };
    let building = snapshot.unwrap_or_else(|| Building::in_memory(kind));
    let stored = building.stored(&store)?;
    drop(store);
    selection.filter = filter;
    let mut building = [building];
    // However much is gathered: it is what the answer is made of, and has nowhere else to be.
    build_to(&mut building, reader, &selection, (size, usize::MAX), go_on)?;
    let [building] = building;
    Ok((building.cursor >= size).then_some(Past { building, stored }))
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
