//! Why evidence could not be given.

use portbook_ledger::{
    Chain, CheckpointError, Hash, HeadProofError, Index, InvalidName, InvalidNoteKey, LeafError, Size,
    UnsortedHeads, tree::PlanError,
};
use portbook_store::StoreError;

use crate::log::LogName;
use crate::sink::SinkError;

/// Why evidence could not be given.
#[derive(Debug, thiserror::Error)]
pub enum EvidenceError {
    /// The store or the directory could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The published checkpoint is not to be believed.
    #[error("the published checkpoint does not hold")]
    Checkpoint(#[from] CheckpointError),
    /// A name or key made from the origin is too long.
    #[error(transparent)]
    Name(#[from] InvalidName),
    /// A name or key made from the origin is too long.
    #[error(transparent)]
    Key(#[from] InvalidNoteKey),
    /// A proof was asked for that does not exist.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// What is stored does not lead to the root that was signed.
    #[error("the stored hashes give root {found} for {size} leaves, {signed} was signed")]
    Root {
        /// Number of leaves.
        size: Size,
        /// Root that was signed.
        signed: Hash,
        /// Root of what is stored.
        found: Hash,
    },
    /// What is stored does not lead to the heads that a seal commits to.
    #[error("the stored chains do not have the heads that the seal at leaf {seal} commits to")]
    Heads {
        /// The seal.
        seal: Index,
    },
    /// The heads of a seal are not sorted.
    #[error(transparent)]
    Unsorted(#[from] UnsortedHeads),
    /// A head does not prove what it should.
    #[error(transparent)]
    Head(#[from] HeadProofError),
    /// A checkpoint does not end with a seal.
    #[error("leaf {index} should be a seal and is none")]
    NoSeal {
        /// The last leaf of the checkpoint.
        index: Index,
    },
    /// A stored leaf is not readable.
    #[error("leaf {index} is damaged")]
    Leaf {
        /// Which.
        index: Index,
        /// What is wrong with it.
        #[source]
        source: LeafError,
    },
    /// The records asked for are not there.
    #[error("{chain} has {count} records at that checkpoint, not {first} to {last}")]
    NoSuchRecords {
        /// The chain.
        chain: Chain,
        /// Position of the first asked for.
        first: u64,
        /// Position of the last asked for.
        last: u64,
        /// How many there are.
        count: u64,
    },
    /// The checkpoints of ports cannot be signed without the log key.
    #[error("the checkpoints of ports are signed with the log key, which is not at hand")]
    NoKey,
    /// The files could not be written.
    #[error(transparent)]
    Sink(#[from] SinkError),
    /// A stored hash or row is missing or has the wrong length.
    #[error("the stored {what} of {log} at {place} is missing or damaged")]
    Damaged {
        /// Hash or row.
        what: &'static str,
        /// Which log.
        log: LogName,
        /// Its place, from 0.
        place: u64,
    },
}
