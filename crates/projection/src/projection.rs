//! One view being folded: its rows in memory, what waits, and how far it has come.

use std::panic::{AssertUnwindSafe, catch_unwind};

use portbook_domain::CaseId;
use portbook_store::Generation;

use crate::kind::{Fold, Kind};
use crate::parking::Parking;
use crate::reading::Reading;
use crate::selection::Selection;

/// One view being folded.
#[derive(Debug)]
pub(crate) struct Projection {
    pub(crate) kind: Kind,
    /// The generation it belongs to, as of its newest snapshot.
    pub(crate) generation: Generation,
    /// Leaf index of the next leaf to fold.
    pub(crate) cursor: u64,
    pub(crate) fold: Box<dyn Fold>,
    pub(crate) parking: Parking,
    /// An event stopped the fold midway: what it holds is not a state, and must be folded again.
    pub(crate) broken: bool,
    /// Parked cases were let go since the newest snapshot.
    pub(crate) touched: bool,
}

impl Projection {
    /// A view that has folded nothing, as a generation of its own.
    pub(crate) fn begun(kind: Kind, generation: Generation) -> Self {
        Self {
            fold: kind.empty(),
            kind,
            cursor: 0,
            generation,
            parking: Parking::default(),
            broken: false,
            touched: false,
        }
    }

    /// Takes the leaves from `first` on as far as they continue what it has. What it has already is left out.
    pub(crate) fn take_all(&mut self, first: u64, readings: &[Reading], selection: &Selection) {
        if first > self.cursor || self.broken {
            return;
        }
        self.guarded(|it| {
            for (index, reading) in (first..).zip(readings) {
                if index == it.cursor {
                    it.take(index, reading, selection);
                    it.cursor += 1;
                }
            }
        });
    }

    /// Runs `work`; an event on which the fold itself fails is remembered, so that its case is parked the next time.
    fn guarded(&mut self, work: impl FnOnce(&mut Self)) {
        let done = catch_unwind(AssertUnwindSafe(|| work(self)));
        if let Err(panic) = done {
            self.poison(self.cursor, panic.as_ref());
        }
    }

    fn poison(&mut self, leaf: u64, panic: &(dyn std::any::Any + Send)) {
        self.parking.poisoned.insert(leaf, reason_of(panic));
        self.broken = true;
    }

    fn take(&mut self, index: u64, reading: &Reading, selection: &Selection) {
        let Some(case) = reading.case() else { return };
        if !selection.takes(index, reading) || self.parking.waits(case, index) {
            return;
        }
        match (self.parking.poisoned.get(&index), reading) {
            (Some(reason), _) | (None, Reading::Unreadable { reason, .. }) => {
                self.parking.park(case, index, reason.clone());
            }
            (None, Reading::Event(read)) => self.fold.take(&read.recorded()),
            (None, Reading::Nothing | Reading::Damaged(_)) => {}
        }
    }

    /// Lets `case` go on with the readings of waiting leaves, as far as it can.
    ///
    /// Folding late is folding all the same: the state of a view does not depend on the order in which cases come.
    pub(crate) fn go_on(&mut self, case: &CaseId, readings: &[(u64, Reading)], selection: &Selection) {
        let waited = self.parking.release(case);
        if waited.is_empty() || self.broken {
            return;
        }
        self.touched = true;
        let mut at = 0;
        let done = catch_unwind(AssertUnwindSafe(|| {
            for (index, reading) in readings.iter().filter(|(index, _)| waited.contains(index)) {
                at = *index;
                self.parking.poisoned.remove(index);
                self.take(*index, reading, selection);
            }
        }));
        if let Err(panic) = done {
            self.poison(at, panic.as_ref());
        }
    }
}

/// Why the code of a view failed on an event, in words.
pub(crate) fn reason_of(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied());
    format!("the fold failed on it: {}", text.unwrap_or("no reason given"))
}
