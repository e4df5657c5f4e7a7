//! Auditing one chain: its records in order, against the head that a seal commits to.

use super::{
    dispute::Dispute,
    fault::{Check, Fault, Voucher},
    tip::Tip,
};
use crate::{
    chain::{Chain, Origin, genesis},
    hash::Hash,
    head::Head,
    leaf::Leaf,
    position::{ChainSeq, Index, Size},
    record::Record,
};

/// Checks the records of one chain, fed in order.
///
/// Checked per record: that it decodes, belongs to the chain, continues `port_seq`, `prev_index` and `prev_hash` from the
/// genesis of this log and chain, comes later in the log than its predecessor, and refers backwards only. At the end: that
/// count, newest leaf and root are those of the head. The head itself must have been found in a seal by
/// [`crate::HeadProof::verify`], and the seal in a signed log. Not checked: that what `refers_to` names is an event, because
/// it may be in another chain.
#[derive(Debug, Clone)]
pub struct ChainAuditor {
    chain: Chain,
    genesis: Hash,
    tip: Option<Tip>,
    dispute: Option<Dispute>,
    fault: Option<Fault>,
}

/// What an audited chain amounts to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainVerdict {
    /// The head all records lead to; none when the chain has no records.
    pub head: Option<Head>,
}

impl ChainAuditor {
    /// An audit that has read nothing of `chain` in the log `origin`.
    #[must_use]
    pub fn new(origin: &Origin, chain: Chain) -> Self {
        Self {
            chain,
            genesis: genesis(origin, chain),
            tip: None,
            dispute: None,
            fault: None,
        }
    }

    /// Reads the next record. `hash` must be [`crate::leaf_hash`] of `leaf`; it is passed in so that callers can hash on
    /// several threads.
    ///
    /// # Errors
    /// The first [`Fault`]. When a record contradicts its predecessor, the fault comes with the record after it, which says
    /// which of the two was changed. After a fault every call returns it again.
    pub fn feed(&mut self, leaf: &[u8], hash: Hash) -> Result<(), Fault> {
        if let Some(fault) = &self.fault {
            return Err(fault.clone());
        }
        let read = self.read(leaf, hash);
        self.fault = read.clone().err();
        read
    }

    /// Compares all that was read with the head of the chain; `head` is none when the chain is proven to have no records.
    ///
    /// # Errors
    /// The first [`Fault`].
    pub fn finish(self, head: Option<&Head>) -> Result<ChainVerdict, Fault> {
        if let Some(fault) = self.fault {
            return Err(fault);
        }
        if let Some(dispute) = &self.dispute {
            return Err(decided_by_head(dispute, self.chain, head));
        }
        let found = self.tip.as_ref().map(|tip| tip.head(self.chain));
        compare_heads(found.as_ref(), head, self.tip.as_ref())?;
        Ok(ChainVerdict { head: found })
    }

    fn read(&mut self, leaf: &[u8], hash: Hash) -> Result<(), Fault> {
        let record = self.decode(leaf)?;
        let index = record.stream_seq.index();
        // By place, not by what the record says: its number may be what is wrong.
        let seq = self.next_seq();
        let fault = |check| Err(Fault::at(index, check).in_chain(self.chain, seq));
        if let Some(dispute) = &self.dispute {
            return Err(dispute.decided_by(&record));
        }
        if record.chain != self.chain {
            return fault(Check::OtherChain {
                expected: self.chain,
                found: record.chain,
            });
        }
        if let Some(check) = Tip::miscounted(self.tip.as_ref(), &record) {
            return fault(check);
        }
        // The hash comes first: the predecessor's index is only what it says itself, so a changed index shows there.
        if let Some(tip) = self.tip.as_ref().filter(|tip| record.prev_hash != tip.hash) {
            self.dispute = Some(Dispute::open(tip, &record, index, leaf, hash));
            return Ok(());
        }
        if self.tip.is_none() && record.prev_hash != self.genesis {
            return fault(Check::PrevHash {
                expected: self.genesis,
                found: record.prev_hash,
            });
        }
        if let Some(check) = self.misplaced(index, &record) {
            return fault(check);
        }
        match &mut self.tip {
            Some(tip) => tip.advance(index, hash),
            None => self.tip = Some(Tip::first(index, hash)),
        }
        Ok(())
    }

    fn next_seq(&self) -> ChainSeq {
        self.tip
            .as_ref()
            .and_then(|tip| tip.seq.next())
            .unwrap_or(ChainSeq::FIRST)
    }

    fn misplaced(&self, index: Index, record: &Record<'_>) -> Option<Check> {
        if let Some(check) = Tip::misreferenced(self.tip.as_ref(), record) {
            return Some(check);
        }
        if let Some(tip) = self.tip.as_ref().filter(|tip| index <= tip.index) {
            return Some(Check::NotRising {
                previous: tip.index,
                found: index,
            });
        }
        record
            .refers_to
            .filter(|original| *original >= index)
            .map(|found| Check::RefersForward { found })
    }

    fn decode<'a>(&self, leaf: &'a [u8]) -> Result<Record<'a>, Fault> {
        let check = match Leaf::decode(leaf) {
            Ok(Leaf::Record(record)) => return Ok(record),
            Ok(Leaf::Seal(_)) => Check::SealInChain,
            Err(error) => Check::Leaf(error),
        };
        if let Some(dispute) = &self.dispute {
            return Err(dispute.undecided());
        }
        // Where the leaf was meant to be is not known: it comes after the newest record.
        let after = self
            .tip
            .as_ref()
            .and_then(|tip| tip.index.next())
            .unwrap_or(Index::FIRST);
        let seq = self
            .tip
            .as_ref()
            .and_then(|tip| tip.seq.next())
            .unwrap_or(crate::ChainSeq::FIRST);
        Err(Fault::at(after, check).in_chain(self.chain, seq))
    }
}

fn decided_by_head(dispute: &Dispute, chain: Chain, head: Option<&Head>) -> Fault {
    match head {
        Some(head) if *head == dispute.if_link().head(chain) => dispute.link_changed(),
        Some(head) if *head == dispute.if_predecessor().head(chain) => dispute.predecessor_changed(),
        Some(_) | None => dispute.undecided(),
    }
}

/// Compares field by field, so that a fault says what differs.
fn compare_heads(found: Option<&Head>, sealed: Option<&Head>, tip: Option<&Tip>) -> Result<(), Fault> {
    let (count, sealed_count) = (count_of(found), count_of(sealed));
    let index = tip.map_or(Index::FIRST, |tip| tip.index);
    let fault = |check| {
        let fault = Fault::at(index, check);
        Err(match (found, tip) {
            (Some(head), Some(tip)) => fault.in_chain(head.chain, tip.seq),
            (Some(_) | None, Some(_) | None) => fault,
        })
    };
    if count != sealed_count {
        return fault(differs("count", &count, &sealed_count));
    }
    let (Some(found), Some(sealed)) = (found, sealed) else {
        return Ok(());
    };
    if found.chain != sealed.chain {
        return fault(Check::OtherChain {
            expected: found.chain,
            found: sealed.chain,
        });
    }
    if found.head_index != sealed.head_index {
        return fault(differs("head_index", &found.head_index, &sealed.head_index));
    }
    if found.head_hash != sealed.head_hash {
        let by = Voucher::Head;
        return fault(Check::LeafHash {
            computed: found.head_hash,
            committed: sealed.head_hash,
            by,
        });
    }
    if found.chain_root != sealed.chain_root {
        return fault(differs("port_root", &found.chain_root, &sealed.chain_root));
    }
    Ok(())
}

fn count_of(head: Option<&Head>) -> Size {
    head.map_or(Size::ZERO, |head| head.count)
}

fn differs(what: &'static str, expected: &dyn ToString, found: &dyn ToString) -> Check {
    Check::Head {
        what,
        expected: expected.to_string(),
        found: found.to_string(),
    }
}
