//! The suspicion: something is wrong, and what follows may still show that an earlier leaf is.

use std::collections::BTreeMap;

use super::{
    dispute::Dispute,
    fault::{Check, Fault, Voucher},
    tip::Tip,
};
use crate::{
    chain::Chain,
    hash::Hash,
    head::{Head, heads_root},
    position::Index,
    record::Record,
    seal::Seal,
};

/// The earliest fault known, and whose word is still to be heard before an earlier one is ruled out.
#[derive(Debug)]
pub(super) struct Suspicion {
    fault: Fault,
    /// A later record speaks against this leaf while a dispute is open.
    accused: Option<Fault>,
    dispute: Option<Dispute>,
    /// Newest records that neither a seal nor a later record has spoken for, when the suspicion arose.
    unheard: Vec<(Chain, Index)>,
}

impl Suspicion {
    /// Opens a suspicion. With a dispute, `tips` then hold what later records see if the predecessor was changed.
    pub(super) fn open(fault: Fault, dispute: Option<Dispute>, tips: &mut BTreeMap<Chain, Tip>) -> Self {
        let unheard = tips
            .iter()
            .filter(|(_, tip)| !tip.sealed && tip.index < fault.last)
            .map(|(chain, tip)| (*chain, tip.index))
            .collect();
        if let Some(dispute) = &dispute {
            tips.insert(dispute.chain(), dispute.if_predecessor().clone());
        }
        Self {
            fault,
            accused: None,
            dispute,
            unheard,
        }
    }

    /// A suspicion that nothing later can change.
    pub(super) const fn settled(fault: Fault) -> Self {
        Self {
            fault,
            accused: None,
            dispute: None,
            unheard: Vec::new(),
        }
    }

    /// Whether no earlier leaf can turn out to be the first bad one.
    pub(super) const fn is_settled(&self) -> bool {
        self.unheard.is_empty()
    }

    /// The first bad leaf, as far as it is known.
    pub(super) fn outcome(self) -> Fault {
        match self.accused {
            Some(accused) if accused.last < self.fault.last => {
                let first = accused.first.min(self.fault.first);
                accused.since(first)
            }
            Some(_) | None => self.fault,
        }
    }

    /// Takes in what a record says about its predecessor, and moves the tip of its chain on.
    ///
    /// A record that does not stand right behind the tip says nothing about it, and being later it is not the first bad leaf.
    pub(super) fn hear_record(
        &mut self,
        tips: &mut BTreeMap<Chain, Tip>,
        index: Index,
        record: &Record<'_>,
        hash: Hash,
    ) {
        let Some(tip) = tips.get_mut(&record.chain) else {
            return;
        };
        if Tip::misplaced(Some(tip), record).is_some() {
            return;
        }
        let heard = self.unheard.iter().position(|(chain, _)| *chain == record.chain);
        if let Some(place) = heard {
            self.unheard.swap_remove(place);
            if let Some(dispute) = self.dispute.take_if(|dispute| dispute.chain() == record.chain) {
                self.decide(dispute.decided_by(record));
            } else if record.prev_hash != tip.hash {
                let by = Voucher::NextRecord(index);
                let check = Check::LeafHash {
                    computed: tip.hash,
                    committed: record.prev_hash,
                    by,
                };
                self.accuse(Fault::at(tip.index, check).in_chain(record.chain, tip.seq));
            }
            let last = self
                .accused
                .as_ref()
                .map_or(self.fault.last, |accused| accused.last.min(self.fault.last));
            self.unheard.retain(|(_, unheard)| *unheard < last);
        }
        tip.advance(index, hash);
    }

    /// Takes in a seal: if it fits all that was read but for one side of the dispute, that side was changed and nothing else.
    pub(super) fn hear_seal(&mut self, tips: &BTreeMap<Chain, Tip>, seal: &Seal) {
        let Some(dispute) = &self.dispute else { return };
        let fits = |disputed: &Tip| {
            let heads: Vec<Head> = tips
                .iter()
                .map(|(chain, tip)| if *chain == dispute.chain() { disputed } else { tip }.head(*chain))
                .collect();
            heads_root(&heads).is_ok_and(|root| root == seal.heads_root)
        };
        let fault = if fits(dispute.if_link()) {
            dispute.link_changed()
        } else if fits(dispute.if_predecessor()) {
            dispute.predecessor_changed()
        } else {
            return;
        };
        *self = Self::settled(fault);
    }

    fn decide(&mut self, fault: Fault) {
        self.fault = fault;
        if let Some(accused) = self.accused.take() {
            self.accuse(accused);
        }
    }

    fn accuse(&mut self, fault: Fault) {
        if self.dispute.is_some() {
            if self
                .accused
                .as_ref()
                .is_none_or(|earlier| fault.last < earlier.last)
            {
                self.accused = Some(fault);
            }
        } else if fault.last < self.fault.last {
            self.fault = fault;
        }
    }
}
