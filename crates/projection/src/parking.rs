//! Cases that wait: an event that cannot be folded holds back the later ones of its case, and nothing else.

use std::collections::BTreeMap;

use portbook_domain::CaseId;
use portbook_store::Parked;

/// What waits in one view.
#[derive(Debug, Clone, Default)]
pub(crate) struct Parking {
    cases: BTreeMap<CaseId, Waiting>,
    /// Leaves on which the fold itself failed, and how.
    pub(crate) poisoned: BTreeMap<u64, String>,
}

#[derive(Debug, Clone)]
struct Waiting {
    reason: String,
    leaves: Vec<u64>,
}

impl Parking {
    /// Whether no case waits, and no fold ever failed.
    pub(crate) fn is_empty(&self) -> bool {
        self.cases.is_empty() && self.poisoned.is_empty()
    }

    /// Makes the event at `leaf` wait when its case does; `false` when the case goes on.
    pub(crate) fn waits(&mut self, case: &CaseId, leaf: u64) -> bool {
        match self.cases.get_mut(case) {
            Some(waiting) => {
                waiting.leaves.push(leaf);
                true
            }
            None => false,
        }
    }

    /// Parks a case that goes on so far, because of the event at `leaf`.
    pub(crate) fn park(&mut self, case: &CaseId, leaf: u64, reason: String) {
        let leaves = vec![leaf];
        self.cases.insert(case.clone(), Waiting { reason, leaves });
    }

    /// Lets a case go on and gives the leaves that waited; none when it did not wait.
    pub(crate) fn release(&mut self, case: &CaseId) -> Vec<u64> {
        self.cases
            .remove(case)
            .map_or_else(Vec::new, |waiting| waiting.leaves)
    }

    /// The parked cases in their order.
    pub(crate) fn parked(&self) -> impl Iterator<Item = Parked> {
        self.cases.iter().map(|(case, waiting)| Parked {
            case: case.as_str().to_owned(),
            reason: waiting.reason.clone(),
            waiting: waiting.leaves.clone(),
        })
    }

    /// The parked cases and the leaves that wait.
    pub(crate) fn waiting(&self) -> impl Iterator<Item = (&CaseId, &[u64])> {
        self.cases
            .iter()
            .map(|(case, waiting)| (case, waiting.leaves.as_slice()))
    }

    /// Enters a case that was stored as parked.
    pub(crate) fn restore(&mut self, parked: Parked) {
        // A name that is no case cannot have been parked.
        if let Ok(case) = CaseId::new(&parked.case) {
            let waiting = Waiting {
                reason: parked.reason,
                leaves: parked.waiting,
            };
            self.cases.insert(case, waiting);
        }
    }
}
