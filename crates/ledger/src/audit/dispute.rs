//! The dispute: a record contradicts its predecessor, and what comes later says which of the two was changed.

use super::{
    fault::{Check, Fault, Voucher},
    tip::Tip,
};
use crate::{
    chain::Chain,
    hash::Hash,
    position::{ChainSeq, Index},
    record::{Record, leaf_hash_relinked},
};

/// A predecessor and the record after it, of which one was changed.
#[derive(Debug, Clone)]
pub(super) struct Dispute {
    chain: Chain,
    index: Index,
    seq: ChainSeq,
    predecessor_index: Index,
    predecessor_seq: ChainSeq,
    computed: Hash,
    committed: Hash,
    /// The chain if the predecessor was changed: its original hash is the one committed to.
    if_predecessor: Tip,
    /// The chain if the link was changed: the record's original hash is the one with the right link.
    if_link: Tip,
}

impl Dispute {
    /// Opens the dispute between the record of `tip` and `record`, whose `bytes` hash to `hash`.
    pub(super) fn open(tip: &Tip, record: &Record<'_>, index: Index, bytes: &[u8], hash: Hash) -> Self {
        let mut if_predecessor = tip.with_hash(record.prev_hash);
        if_predecessor.advance(index, hash);
        let mut if_link = tip.clone();
        if_link.advance(
            index,
            leaf_hash_relinked(bytes, record.chain, &tip.hash).unwrap_or(hash),
        );
        Self {
            chain: record.chain,
            index,
            seq: record.chain_seq,
            predecessor_index: tip.index,
            predecessor_seq: tip.seq,
            computed: tip.hash,
            committed: record.prev_hash,
            if_predecessor,
            if_link,
        }
    }

    pub(super) const fn chain(&self) -> Chain {
        self.chain
    }

    /// The chain as the later records see it if the predecessor was changed.
    pub(super) const fn if_predecessor(&self) -> &Tip {
        &self.if_predecessor
    }

    /// The chain as the later records see it if the link was changed.
    pub(super) const fn if_link(&self) -> &Tip {
        &self.if_link
    }

    /// The predecessor was changed: its bytes are not those the record commits to.
    pub(super) fn predecessor_changed(&self) -> Fault {
        let by = Voucher::NextRecord(self.index);
        let check = Check::LeafHash {
            computed: self.computed,
            committed: self.committed,
            by,
        };
        Fault::at(self.predecessor_index, check).in_chain(self.chain, self.predecessor_seq)
    }

    /// The record was changed: what follows it commits to it with the right link.
    pub(super) fn link_changed(&self) -> Fault {
        let check = Check::PrevHash {
            expected: self.computed,
            found: self.committed,
        };
        Fault::at(self.index, check).in_chain(self.chain, self.seq)
    }

    /// Nothing later speaks about the two: either may have been changed.
    pub(super) fn undecided(&self) -> Fault {
        self.link_changed().since(self.predecessor_index)
    }

    /// What the next record of the chain says about the two.
    ///
    /// When it fits neither or is not the next record, more than one leaf was changed, and either may be the first.
    pub(super) fn decided_by(&self, next: &Record<'_>) -> Fault {
        let speaks_about_it = next.chain == self.chain && Tip::misplaced(Some(&self.if_link), next).is_none();
        if speaks_about_it && next.prev_hash == self.if_link.hash {
            self.link_changed()
        } else if speaks_about_it && next.prev_hash == self.if_predecessor.hash {
            self.predecessor_changed()
        } else {
            self.undecided()
        }
    }
}
