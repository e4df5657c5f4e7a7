//! Every case in one row: how far it has come, when, and what is open.

use std::borrow::Cow;
use std::collections::BTreeMap;

use portbook_domain::CaseId;
use serde::{Deserialize, Serialize};

use crate::case::CaseProgress;
use crate::timeline::RecordClass;
use crate::view::{Recorded, View};

/// Every case in one row.
#[derive(Debug, Default)]
pub struct Cases {
    cases: BTreeMap<CaseId, CaseRow>,
}

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

impl Cases {
    /// The row of `case`.
    #[must_use]
    pub fn get(&self, case: &CaseId) -> Option<&CaseRow> {
        self.cases.get(case)
    }

    /// Every case and its row, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&CaseId, &CaseRow)> {
        self.cases.iter()
    }
}

impl View for Cases {
    const NAME: &'static str = "cases";
    const VERSION: u32 = 1;
    type Key = CaseId;
    type Row = CaseRow;

    fn empty() -> Self {
        Self::default()
    }

    fn take(&mut self, recorded: &Recorded<'_>) {
        match recorded.class {
            RecordClass::Event => {}
            // A repeat says nothing new, a conflict is evidence only.
            RecordClass::Redelivery
            | RecordClass::Conflict
            | RecordClass::Quarantine
            | RecordClass::Control => return,
        }
        let leaf = recorded.place.index;
        let row = match self.cases.get_mut(&recorded.event.case) {
            Some(row) => row,
            None => self.cases.entry(recorded.event.case.clone()).or_insert(CaseRow {
                progress: CaseProgress::new(),
                events: 0,
                first_leaf: leaf,
                last_leaf: leaf,
            }),
        };
        row.progress.take(recorded.event);
        row.events += 1;
        row.last_leaf = leaf;
    }

    fn rows(&self) -> impl Iterator<Item = (CaseId, Cow<'_, CaseRow>)> {
        self.cases
            .iter()
            .map(|(case, row)| (case.clone(), Cow::Borrowed(row)))
    }

    fn from_rows(rows: impl IntoIterator<Item = (CaseId, CaseRow)>) -> Self {
        Self {
            cases: rows.into_iter().collect(),
        }
    }
}
