//! Every case in one row: how far it has come, when, and what is open.

use portbook_domain::CaseId;
use serde::{Deserialize, Serialize};

use crate::case::{CaseProgress, Settlement};
use crate::timeline::RecordClass;
use crate::view::{Recorded, View};

/// Every case in one row.
#[derive(Debug, Clone, Copy)]
pub struct Cases;

/// One case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseRow {
    /// How far it has come.
    pub progress: CaseProgress,
    /// Number of its events.
    pub events: u64,
    /// Leaf index of its first event.
    pub first_leaf: u64,
    /// Leaf index of its last event.
    pub last_leaf: u64,
}

/// What consecutive events of a case add to its row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CasePart {
    /// The row of a case that has no other events.
    row: CaseRow,
    /// What they say about queries that were asked before them.
    settled: Vec<Settlement>,
}

impl View for Cases {
    const NAME: &'static str = "cases";
    const VERSION: u32 = 1;
    const IS_LOG: bool = false;
    type Key = CaseId;
    type Row = CaseRow;
    type Part = CasePart;

    fn parts(recorded: &Recorded<'_>, add: &mut impl FnMut(CaseId, CasePart)) {
        match recorded.class {
            RecordClass::Event => {}
            // A repeat says nothing new, a conflict is evidence only.
            RecordClass::Redelivery
            | RecordClass::Conflict
            | RecordClass::Quarantine
            | RecordClass::Control => return,
        }
        let (progress, settled) = CaseProgress::of(recorded.event);
        let row = CaseRow {
            progress,
            events: 1,
            first_leaf: recorded.place.index,
            last_leaf: recorded.place.index,
        };
        let settled = settled.into_iter().collect();
        add(recorded.event.case.clone(), CasePart { row, settled });
    }

    fn join(part: &mut CasePart, later: CasePart) {
        part.row.join(later.row, &later.settled);
        for settlement in later.settled {
            if !part.settled.contains(&settlement) {
                part.settled.push(settlement);
            }
        }
    }

    fn row(before: Option<CaseRow>, part: CasePart) -> CaseRow {
        let Some(mut row) = before else { return part.row };
        row.join(part.row, &part.settled);
        row
    }
}

impl CaseRow {
    fn join(&mut self, later: Self, settled: &[Settlement]) {
        self.progress.join(later.progress, settled);
        self.events = self.events.saturating_add(later.events);
        self.last_leaf = later.last_leaf;
    }
}
