//! What is remembered of cases, one lock each: commands on one case queue up, others pass.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use portbook_domain::CaseId;

use crate::history::CaseHistory;

/// One case: locked while a command on it is worked on, empty while nothing is known of it.
///
/// What it holds may be behind the stream; whoever decides on it has to allow for that.
pub(crate) type Slot = Arc<tokio::sync::Mutex<Option<CaseHistory>>>;

/// The cases used last, at most so many beside those in use.
#[derive(Debug)]
pub(crate) struct CaseCache {
    cases_max: usize,
    slots: Mutex<Slots>,
}

#[derive(Debug, Default)]
struct Slots {
    by_case: HashMap<CaseId, Entry>,
    /// The same cases, the one used longest ago first.
    by_use: BTreeMap<u64, CaseId>,
    uses: u64,
}

#[derive(Debug)]
struct Entry {
    slot: Slot,
    last_use: u64,
}

impl CaseCache {
    pub(crate) fn new(cases_max: usize) -> Self {
        Self {
            cases_max,
            slots: Mutex::default(),
        }
    }

    /// The slot of a case. While anybody holds it, everybody gets the same.
    pub(crate) fn slot(&self, case: &CaseId) -> Slot {
        // Nothing in here can panic half-way, so what a poisoned lock guards is whole.
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        let slot = slots.used(case);
        slots.forget_down_to(self.cases_max);
        slot
    }
}

impl Slots {
    fn used(&mut self, case: &CaseId) -> Slot {
        self.uses = self.uses.saturating_add(1);
        self.by_use.insert(self.uses, case.clone());
        if let Some(entry) = self.by_case.get_mut(case) {
            self.by_use.remove(&entry.last_use);
            entry.last_use = self.uses;
            return Arc::clone(&entry.slot);
        }
        let slot = Slot::default();
        self.by_case.insert(
            case.clone(),
            Entry {
                slot: Arc::clone(&slot),
                last_use: self.uses,
            },
        );
        slot
    }

    /// Forgets the cases used longest ago. One that is in use stays, so that there are never two locks for it.
    fn forget_down_to(&mut self, cases_max: usize) {
        while self.by_case.len() > cases_max {
            let is_idle = |case: &CaseId| {
                self.by_case
                    .get(case)
                    .is_some_and(|entry| Arc::strong_count(&entry.slot) == 1)
            };
            let idle = self
                .by_use
                .iter()
                .find(|(_, case)| is_idle(case))
                .map(|(used, case)| (*used, case.clone()));
            let Some((last_use, case)) = idle else { return };
            self.by_use.remove(&last_use);
            self.by_case.remove(&case);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn case(number: usize) -> CaseId {
        CaseId::new(&format!("C{number}")).unwrap()
    }

    fn remember(cache: &CaseCache, number: usize) {
        *cache.slot(&case(number)).try_lock().unwrap() = Some(CaseHistory::default());
    }

    fn is_remembered(cache: &CaseCache, number: usize) -> bool {
        let slots = cache.slots.lock().unwrap();
        slots
            .by_case
            .get(&case(number))
            .is_some_and(|entry| entry.slot.try_lock().unwrap().is_some())
    }

    #[test]
    fn the_case_used_longest_ago_is_forgotten_first() {
        let cache = CaseCache::new(2);
        remember(&cache, 1);
        remember(&cache, 2);
        remember(&cache, 1);
        remember(&cache, 3);
        assert_eq!(
            [1, 2, 3].map(|number| is_remembered(&cache, number)),
            [true, false, true]
        );
    }

    #[test]
    fn a_case_in_use_has_one_lock_however_full_the_cache_is() {
        let cache = CaseCache::new(1);
        let slot = cache.slot(&case(1));
        let locked = slot.try_lock().unwrap();
        for number in 2..10 {
            remember(&cache, number);
        }
        assert!(cache.slot(&case(1)).try_lock().is_err());
        drop(locked);
        drop(slot);
        remember(&cache, 10);
        remember(&cache, 11);
        assert!(!is_remembered(&cache, 1));
        assert!(cache.slots.lock().unwrap().by_case.len() <= 2);
    }

    #[test]
    fn the_two_orders_name_the_same_cases() {
        let cache = CaseCache::new(3);
        for number in [1, 2, 3, 1, 4, 2, 5, 5, 1] {
            remember(&cache, number);
        }
        let slots = cache.slots.lock().unwrap();
        assert_eq!(slots.by_case.len(), slots.by_use.len());
        assert!(
            slots
                .by_use
                .iter()
                .all(|(used, case)| slots.by_case[case].last_use == *used)
        );
    }
}
