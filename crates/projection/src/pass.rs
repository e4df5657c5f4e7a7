//! One pass over leaves in order, read on every core.

use std::ops::{ControlFlow, Range};

use portbook_ledger::LeafError;
use portbook_store::{Packed, StoreError, StoreReader, for_joined_in_order};

use crate::reading::Reading;

/// Leaves below this number are read on one thread: starting others costs more.
const SPLIT_FROM: u64 = 512;

/// Why views could not be folded, kept or read.
#[derive(Debug, thiserror::Error)]
pub enum ProjectionError {
    /// A database could not be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A leaf is not what it should be; `verify` says more.
    #[error("leaf {index} is damaged")]
    Leaf {
        /// Its index.
        index: u64,
        /// What is wrong.
        #[source]
        source: LeafError,
    },
    /// A view has no such generation.
    #[error("{view} has no {}", number.map_or_else(|| "generation for this".to_owned(), |number| format!("generation {number}")))]
    NoGeneration {
        /// The view.
        view: &'static str,
        /// The generation asked for, where one was.
        number: Option<u64>,
    },
    /// A generation was folded by other code, or of another ledger.
    #[error(
        "generation {number} of {view} was folded by code {version}, this program is code {ours}, or of another ledger"
    )]
    OtherCode {
        /// The view.
        view: &'static str,
        /// The generation.
        number: u64,
        /// Version of the code that folded it.
        version: u32,
        /// Version of this program's code.
        ours: u32,
    },
    /// A generation cannot be held against the live one.
    #[error("generation {number} of {view} cannot be held against the other after the same leaves")]
    NotCompared {
        /// The view.
        view: &'static str,
        /// The generation.
        number: u64,
    },
    /// There is no such view.
    #[error("there is no view called {name:?}")]
    NoView {
        /// The name asked for.
        name: String,
    },
}

/// Asked now and then, with the leaf index reached and the one to reach: whether to go on.
pub type GoOn<'a> = dyn FnMut(u64, u64) -> bool + 'a;

/// How a pass over leaves ended before its end.
enum Ended {
    Stopped,
    Failed(ProjectionError),
}

impl From<StoreError> for Ended {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.into())
    }
}

/// What was read of some leaves, and what stood in the way of reading more.
pub(crate) type Read<T> = (T, Option<ProjectionError>);

/// Reads the leaves of `range` with `read`, on every core, and hands over in order what that gives, until `take` breaks off.
///
/// Gives `false` when it broke off.
pub(crate) fn pass<T: Send>(
    reader: &StoreReader,
    range: Range<u64>,
    read: impl Fn(&[Packed]) -> Read<T> + Sync,
    mut take: impl FnMut(u64, T) -> ControlFlow<()>,
) -> Result<bool, ProjectionError> {
    let read = |group: &[Packed]| (group.first().map_or(0, |packed| packed.first), read(group));
    let mut hand_over = |(first, (read, broken)): (u64, Read<T>)| match (take(first, read), broken) {
        (ControlFlow::Break(()), _) => Err(Ended::Stopped),
        (ControlFlow::Continue(()), Some(error)) => Err(Ended::Failed(error)),
        (ControlFlow::Continue(()), None) => Ok(()),
    };
    let length = range.end.saturating_sub(range.start);
    let mut leaves = reader.leaves(range);
    let ended = if length < SPLIT_FROM {
        leaves.try_for_each(|packed| hand_over(read(&[packed?])))
    } else {
        for_joined_in_order(leaves, read, hand_over)
    };
    match ended {
        Ok(()) => Ok(true),
        Err(Ended::Stopped) => Ok(false),
        Err(Ended::Failed(error)) => Err(error),
    }
}

/// Reads every leaf of some packed values; those of one that holds a damaged leaf are not given.
pub(crate) fn read_whole(group: &[Packed]) -> Read<Vec<Reading>> {
    let mut readings = Vec::with_capacity(group.iter().map(Packed::count).sum());
    for packed in group {
        let whole = readings.len();
        for (index, leaf) in (packed.first..).zip(packed.iter()) {
            match Reading::of(index, leaf) {
                Reading::Damaged(source) => {
                    readings.truncate(whole);
                    return (readings, Some(ProjectionError::Leaf { index, source }));
                }
                reading @ (Reading::Event(_) | Reading::Unreadable { .. } | Reading::Nothing) => {
                    readings.push(reading);
                }
            }
        }
    }
    (readings, None)
}
