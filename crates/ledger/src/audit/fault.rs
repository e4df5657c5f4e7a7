//! The fault: the first thing an audit finds wrong, as evidence.

use std::fmt;

use crate::{
    chain::Chain,
    hash::Hash,
    leaf::LeafError,
    position::{ChainSeq, Index, Seq, Size},
};

/// The first thing an audit finds wrong.
///
/// The leaf named is the one that must have changed if as little as possible was changed. Only leaf hashes out of a tree
/// whose root was signed ([`super::Auditor::feed_committed`]) leave no choice: whoever rewrites records can choose where
/// what he rewrote stops fitting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The first bad leaf is not before this one.
    pub first: Index,
    /// The first bad leaf is not after this one; equal to `first` when it can be named exactly.
    pub last: Index,
    /// Chain of the leaf at `last`, if that is a record.
    pub chain: Option<Chain>,
    /// Place in that chain.
    pub chain_seq: Option<ChainSeq>,
    /// What was compared, and both values.
    pub check: Box<Check>,
    /// The largest signed size whose root was reproduced before.
    pub last_good_size: Option<Size>,
}

/// Who states the hash that a leaf does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Voucher {
    /// The next record of the chain, at this leaf.
    NextRecord(Index),
    /// The tile of leaf hashes.
    Tile,
    /// The head that a seal commits to.
    Head,
}

/// What was compared, and what was found in place of what was expected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Check {
    /// The bytes are no leaf.
    #[error("leaf: {0}")]
    Leaf(LeafError),
    /// The bytes are not those that others committed to.
    #[error("leaf: stored bytes hash to {computed}, {by} commits to {committed}")]
    LeafHash {
        /// Hash of the bytes.
        computed: Hash,
        /// Hash committed to.
        committed: Hash,
        /// By whom.
        by: Voucher,
    },
    /// A record links to another predecessor than the one that is there, which is vouched for.
    #[error("link: the record commits to predecessor {found}, the predecessor hashes to {expected}")]
    PrevHash {
        /// Hash of the predecessor.
        expected: Hash,
        /// Hash in the record.
        found: Hash,
    },
    /// The leaf was made from another stream message.
    #[error("sequence: stream_seq is {found}, the leaf's place asks for {expected}")]
    StreamSeq {
        /// Leaf index + 1.
        expected: Seq,
        /// Number in the leaf.
        found: Seq,
    },
    /// A record is missing in the chain, or there is one too many.
    #[error("chain: port_seq is {found}, the chain continues with {expected}")]
    ChainSeq {
        /// Number of records before + 1.
        expected: ChainSeq,
        /// Number in the record.
        found: ChainSeq,
    },
    /// The record names another leaf as its predecessor.
    #[error("chain: prev_index is {}, the previous record is {}", shown(.found), shown(.expected))]
    PrevIndex {
        /// Leaf of the chain's previous record.
        expected: Option<Index>,
        /// Leaf named in the record.
        found: Option<Index>,
    },
    /// The record belongs to another chain than the one audited.
    #[error("chain: the record belongs to {found}, not to {expected}")]
    OtherChain {
        /// Chain audited.
        expected: Chain,
        /// Chain in the record; none when the leaf is a seal.
        found: Chain,
    },
    /// A seal stands where a record of a chain should be.
    #[error("chain: a seal is not a record")]
    SealInChain,
    /// The record does not come after its predecessor in the log.
    #[error("chain: leaf {found} does not come after leaf {previous}")]
    NotRising {
        /// Leaf of the chain's previous record.
        previous: Index,
        /// Leaf of the record.
        found: Index,
    },
    /// The original of a redelivery or conflict would come later.
    #[error("refers_to: leaf {found} does not come before the record")]
    RefersForward {
        /// Leaf named in the record.
        found: Index,
    },
    /// The original of a redelivery or conflict is not an event.
    #[error("refers_to: leaf {found} is not an event")]
    RefersToNoEvent {
        /// Leaf named in the record.
        found: Index,
    },
    /// A seal speaks about another size.
    #[error("seal: covered_size is {found}, the seal is leaf {expected}")]
    CoveredSize {
        /// Index of the seal.
        expected: Size,
        /// Number in the seal.
        found: Size,
    },
    /// A seal speaks about another log.
    #[error("seal: the origin hashes to {expected}, the seal has {found}")]
    SealOrigin {
        /// Hash of the origin.
        expected: Hash,
        /// Hash in the seal.
        found: Hash,
    },
    /// A seal names another leaf as the seal before it.
    #[error("seal: prev_seal is {}, the previous seal is {}", shown(.found), shown(.expected))]
    PrevSeal {
        /// Leaf of the previous seal.
        expected: Option<Index>,
        /// Leaf named in the seal.
        found: Option<Index>,
    },
    /// A seal leaves out chains, or counts some that do not exist.
    #[error("seal: port_count is {found}, the leaves have {expected} chains")]
    ChainCount {
        /// Chains with at least one record.
        expected: u64,
        /// Number in the seal.
        found: u64,
    },
    /// A seal commits to other heads than the leaves have.
    #[error("seal: heads_root is {found}, the leaves give {expected}")]
    HeadsRoot {
        /// Root over the heads of the leaves.
        expected: Hash,
        /// Root in the seal.
        found: Hash,
    },
    /// The head of the chain is not the one that was sealed.
    #[error("head: {what} is {found} in the seal, the records give {expected}")]
    Head {
        /// Field of the head.
        what: &'static str,
        /// What the records amount to.
        expected: String,
        /// What the head says.
        found: String,
    },
    /// The leaves have another root than the one that was signed.
    #[error("root: {size} leaves hash to {computed}, {signed} was signed")]
    Root {
        /// Number of leaves.
        size: Size,
        /// Root of the leaves.
        computed: Hash,
        /// Root that was signed.
        signed: Hash,
    },
    /// There are fewer leaves than were signed.
    #[error("size: {signed} leaves were signed, {found} are there")]
    Missing {
        /// Largest size signed.
        signed: Size,
        /// Leaves read.
        found: Size,
    },
}

impl Fault {
    /// Whether one leaf is named, not a range.
    #[must_use]
    pub fn is_exact(&self) -> bool {
        self.first == self.last
    }

    pub(super) fn at(index: Index, check: Check) -> Self {
        Self {
            first: index,
            last: index,
            chain: None,
            chain_seq: None,
            check: Box::new(check),
            last_good_size: None,
        }
    }

    pub(super) fn in_chain(self, chain: Chain, seq: ChainSeq) -> Self {
        Self {
            chain: Some(chain),
            chain_seq: Some(seq),
            ..self
        }
    }

    pub(super) fn since(self, first: Index) -> Self {
        Self { first, ..self }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_exact() {
            write!(f, "leaf {}", self.last)?;
        } else {
            write!(f, "one of the leaves {} to {}", self.first, self.last)?;
        }
        if let (Some(chain), Some(seq)) = (self.chain, self.chain_seq) {
            write!(f, " ({chain} record {seq})")?;
        }
        write!(f, ": {}", self.check)
    }
}

impl std::error::Error for Fault {}

impl fmt::Display for Voucher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NextRecord(index) => write!(f, "the next record (leaf {index})"),
            Self::Tile => f.write_str("the tile"),
            Self::Head => f.write_str("the sealed head"),
        }
    }
}

#[expect(clippy::ref_option, reason = "thiserror hands fields over by reference")]
fn shown(index: &Option<Index>) -> String {
    index.map_or_else(|| "none".to_owned(), |index| index.to_string())
}
