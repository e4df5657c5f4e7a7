//! A ledger again, byte for byte, in another place: every leaf is made anew by the fold and held against the one it was made from.

use portbook_fold::{FoldError, Known, Original, Reading, fold, reread};
use portbook_ledger::{Index, Leaf, leaf_hash};
use portbook_store::{Store, StoreError, StoreReader};

use crate::pass::{GoOn, ProjectionError};

/// Leaves of one commit.
const BATCH_LEAVES: u64 = 5_000;

/// Why a ledger could not be made again.
#[derive(Debug, thiserror::Error)]
pub enum TranscriptError {
    /// A ledger could not be read or written.
    #[error(transparent)]
    Projection(#[from] ProjectionError),
    /// A message cannot follow the ones before it.
    #[error(transparent)]
    Fold(#[from] FoldError),
    /// A leaf came out otherwise than it is recorded.
    #[error("leaf {index} comes out otherwise than it is recorded")]
    Different {
        /// Its index.
        index: u64,
    },
}

impl From<StoreError> for TranscriptError {
    fn from(error: StoreError) -> Self {
        Self::Projection(error.into())
    }
}

/// Brings `target` on to `size` leaves of the ledger behind `reader`, or until `go_on` says no; gives the size reached.
///
/// # Errors
/// [`TranscriptError::Different`] when the two cannot be the same ledger; nothing of that batch is written.
pub fn transcribe(
    reader: &StoreReader,
    target: &mut Store,
    size: u64,
    go_on: &mut GoOn<'_>,
) -> Result<u64, TranscriptError> {
    check_same(reader, target)?;
    loop {
        let first = target.book().size();
        if first >= size || !go_on(first, size) {
            return Ok(first);
        }
        let mut leaves: Vec<Vec<u8>> = Vec::new();
        for packed in reader.leaves(first..size.min(first + BATCH_LEAVES)) {
            leaves.extend(packed?.iter().map(<[u8]>::to_vec));
        }
        let (mut deliveries, mut readings) = (Vec::new(), Vec::new());
        for (index, leaf) in (first..).zip(&leaves) {
            let (delivery, reading) =
                reread(leaf).map_err(|source| ProjectionError::Leaf { index, source })?;
            deliveries.push(delivery);
            readings.push(reading);
        }
        let known = known(target, &readings)?;
        let commit = fold(target.book(), &deliveries, readings, &known)?;
        let made = (first..).zip(commit.leaf_hashes.iter().zip(&leaves));
        for (index, (hash, leaf)) in made {
            if *hash != leaf_hash(leaf) {
                return Err(TranscriptError::Different { index });
            }
        }
        target.apply(commit)?;
    }
}

/// What was begun must end in a leaf that the source has there.
fn check_same(reader: &StoreReader, target: &Store) -> Result<(), TranscriptError> {
    let Some(last) = target.book().size().checked_sub(1).and_then(Index::new) else {
        return Ok(());
    };
    if reader.leaf(last)? == target.reader().leaf(last)? {
        return Ok(());
    }
    Err(TranscriptError::Different { index: last.get() })
}

/// The records in `target` that hold events of these readings first.
fn known(target: &Store, readings: &[Reading]) -> Result<Known, StoreError> {
    let reader = target.reader();
    let mut known = Known::new();
    for reading in readings {
        let Reading::Event(event) = reading else { continue };
        let Some(index) = target.event(&event.key)? else {
            continue;
        };
        let leaf = reader.leaf(index)?.unwrap_or_default();
        if let Ok(Leaf::Record(record)) = Leaf::decode(&leaf) {
            let body = record.body.to_vec();
            known.insert(event.key, Original { index, body });
        }
    }
    Ok(known)
}
