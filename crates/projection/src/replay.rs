//! Recorded events again, as they came: the original bodies with their places, to a point and through a filter.

use std::ops::Range;

use portbook_ledger::{Leaf, RecordKind};
use portbook_store::{Packed, StoreError, StoreReader, for_each_in_order};

use crate::pass::{GoOn, ProjectionError};
use crate::reading::Reading;
use crate::selection::Filter;

/// A recorded event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replayed {
    /// Its leaf index.
    pub leaf: u64,
    /// The chain it is in.
    pub port: String,
    /// Its position there, from 1.
    pub port_seq: u64,
    /// What the ledger made of it.
    pub kind: RecordKind,
    /// The stream's timestamp, nanoseconds since 1970.
    pub recorded_at_ns: u64,
    /// The subject it came on.
    pub subject: String,
    /// The body, byte for byte.
    pub body: Vec<u8>,
    /// Whether this program can read it as an event.
    pub readable: bool,
}

/// How a replay breaks off.
enum Ended<E> {
    Stopped,
    Projection(ProjectionError),
    Taker(E),
}

/// Hands over the events of `range` that `filter` lets through, in ledger order.
///
/// Gives the leaf index at which to go on: the end of the range, or where `go_on` said no.
///
/// # Errors
/// What `take` returns, or [`ProjectionError`] when the ledger cannot be read.
pub fn replay<E: From<ProjectionError>>(
    reader: &StoreReader,
    range: Range<u64>,
    filter: &Filter,
    mut take: impl FnMut(&Replayed) -> Result<(), E>,
    go_on: &mut GoOn<'_>,
) -> Result<u64, E> {
    let (mut at, end) = (range.start, range.end);
    let read = |packed: &Packed| -> Result<Vec<Replayed>, ProjectionError> {
        let numbered = (packed.first..).zip(packed.iter());
        let found = numbered.filter_map(|(index, leaf)| selected(index, leaf, filter).transpose());
        found.collect()
    };
    let ended = for_each_in_order(reader.leaves(range), read, |packed, found| {
        for replayed in found.map_err(Ended::Projection)? {
            take(&replayed).map_err(Ended::Taker)?;
        }
        at = packed.first + u64::try_from(packed.iter().count()).unwrap_or(u64::MAX);
        if go_on(at, end) {
            Ok(())
        } else {
            Err(Ended::Stopped)
        }
    });
    match ended {
        Ok(()) | Err(Ended::Stopped) => Ok(at),
        Err(Ended::Projection(error)) => Err(error.into()),
        Err(Ended::Taker(error)) => Err(error),
    }
}

impl<E> From<StoreError> for Ended<E> {
    fn from(error: StoreError) -> Self {
        Self::Projection(error.into())
    }
}

fn selected(leaf: u64, bytes: &[u8], filter: &Filter) -> Result<Option<Replayed>, ProjectionError> {
    let reading = match Reading::of(leaf, bytes) {
        Reading::Damaged(source) => return Err(ProjectionError::Leaf { index: leaf, source }),
        reading @ (Reading::Event(_) | Reading::Unreadable { .. } | Reading::Nothing) => reading,
    };
    let Ok(Leaf::Record(record)) = Leaf::decode(bytes) else {
        return Ok(None);
    };
    Ok(filter.takes(&reading).then(|| Replayed {
        leaf,
        port: record.chain.to_string(),
        port_seq: record.chain_seq.get(),
        kind: record.kind,
        recorded_at_ns: record.recorded_at_ns,
        subject: record.subject.to_owned(),
        body: record.body.to_vec(),
        readable: matches!(reading, Reading::Event(_)),
    }))
}
