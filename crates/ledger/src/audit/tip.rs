//! The tip: what an audit knows about one chain after its newest record.

use super::fault::Check;
use crate::{
    chain::Chain,
    hash::Hash,
    head::Head,
    position::{ChainSeq, Index, Size},
    record::Record,
    tree::Frontier,
};

/// The newest record of a chain and the tree over those before it.
#[derive(Debug, Clone)]
pub(super) struct Tip {
    pub(super) index: Index,
    pub(super) seq: ChainSeq,
    pub(super) hash: Hash,
    /// Whether a seal that fits everything read commits to this record.
    pub(super) sealed: bool,
    /// Without the newest record, so that its hash can still be doubted when the next record speaks about it.
    behind: Frontier,
}

impl Tip {
    pub(super) const fn first(index: Index, hash: Hash) -> Self {
        Self {
            index,
            seq: ChainSeq::FIRST,
            hash,
            sealed: false,
            behind: Frontier::new(),
        }
    }

    /// What is wrong with where `record` says it stands, not looking at hashes. `tip` is none before the first record.
    pub(super) fn misplaced(tip: Option<&Self>, record: &Record<'_>) -> Option<Check> {
        Self::miscounted(tip, record).or_else(|| Self::misreferenced(tip, record))
    }

    /// Whether the record is not the next of its chain by number.
    pub(super) fn miscounted(tip: Option<&Self>, record: &Record<'_>) -> Option<Check> {
        let expected = tip
            .map_or(Some(ChainSeq::FIRST), |tip| tip.seq.next())
            .unwrap_or(ChainSeq::FIRST);
        (record.chain_seq != expected).then_some(Check::ChainSeq {
            expected,
            found: record.chain_seq,
        })
    }

    /// Whether the record names another leaf as its predecessor.
    pub(super) fn misreferenced(tip: Option<&Self>, record: &Record<'_>) -> Option<Check> {
        let expected = tip.map(|tip| tip.index);
        (record.prev_index != expected).then_some(Check::PrevIndex {
            expected,
            found: record.prev_index,
        })
    }

    /// Moves on to the record after this one.
    pub(super) fn advance(&mut self, index: Index, hash: Hash) {
        self.behind.push(self.hash);
        self.seq = self.seq.next().unwrap_or(self.seq);
        self.index = index;
        self.hash = hash;
        self.sealed = false;
    }

    /// This tip, had its record another hash.
    pub(super) fn with_hash(&self, hash: Hash) -> Self {
        Self { hash, ..self.clone() }
    }

    pub(super) fn head(&self, chain: Chain) -> Head {
        let mut all = self.behind.clone();
        all.push(self.hash);
        Head {
            chain,
            count: Size::new(self.seq.get()),
            head_index: self.index,
            head_hash: self.hash,
            chain_root: all.root(),
        }
    }
}
