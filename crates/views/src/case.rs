//! One case from first application to last clearance, as its events tell it.

use jiff::{Timestamp, civil::Date};
use portbook_domain::{
    CaseId, CloseOutcome, DeclarationNo, Event, EventData, LicenseNo, QueryId, QueryStage,
};
use serde::{Deserialize, Serialize};

use crate::balance::LicenseBalance;
use crate::timeline::Placement;

/// How far a case has come. Observed facts may arrive in any order; the furthest stage that an event states counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CaseStage {
    /// Events exist, but no application among them (an uncontrolled shipment, or a late submission).
    NotSubmitted,
    /// An application was filed and is open.
    Submitted,
    /// It ended without a licence.
    Closed(CloseOutcome),
    /// A licence was granted.
    Granted,
    /// Goods were cleared.
    Cleared,
}

/// A query nobody has answered in full.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenQuery {
    /// Names the query.
    pub query_id: QueryId,
    /// Who asks.
    pub stage: QueryStage,
    /// The challenged declaration.
    pub declaration_no: Option<DeclarationNo>,
    /// When it was asked.
    pub since: Timestamp,
    /// Last day of the answer.
    pub reply_due: Option<Date>,
}

/// How far a case has come, as its events tell it one after the other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseProgress {
    /// How far it has come.
    pub stage: CaseStage,
    /// When the application was filed.
    pub submitted_at: Option<Timestamp>,
    /// When it ended without a licence.
    pub closed_at: Option<Timestamp>,
    /// When the licence was granted.
    pub granted_at: Option<Timestamp>,
    /// When goods were first cleared.
    pub cleared_at: Option<Timestamp>,
    /// Its licence.
    pub license_no: Option<LicenseNo>,
    /// Queries nobody has answered in full, in the order they were asked.
    pub open_queries: Vec<OpenQuery>,
}

/// A case as its events tell it, in ledger order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaseTimeline {
    /// The case.
    pub case: CaseId,
    /// How far it has come.
    pub stage: CaseStage,
    /// When the application was filed.
    pub submitted_at: Option<Timestamp>,
    /// When the licence was granted.
    pub granted_at: Option<Timestamp>,
    /// Its licence.
    pub license_no: Option<LicenseNo>,
    /// Queries nobody has answered in full, in the order they were asked.
    pub open_queries: Vec<OpenQuery>,
    /// Balance of its licence as far as this case's own events tell it.
    pub balance: Option<LicenseBalance>,
    /// Its events and where they stand, in ledger order.
    pub events: Vec<(Placement, Event)>,
}

impl CaseTimeline {
    /// Folds the events of `case`, which must come in ledger order.
    #[must_use]
    pub fn of(case: CaseId, events: Vec<(Placement, Event)>) -> Self {
        let mut progress = CaseProgress::new();
        for (_, event) in &events {
            progress.take(event);
        }
        let balance = progress.license_no.clone().map(|license_no| {
            let data = events.iter().map(|(place, event)| (place.index, &event.data));
            LicenseBalance::of(license_no, data)
        });
        Self {
            case,
            stage: progress.stage,
            submitted_at: progress.submitted_at,
            granted_at: progress.granted_at,
            license_no: progress.license_no,
            open_queries: progress.open_queries,
            balance,
            events,
        }
    }
}

impl CaseProgress {
    /// A case of which no event is known.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            stage: CaseStage::NotSubmitted,
            submitted_at: None,
            closed_at: None,
            granted_at: None,
            cleared_at: None,
            license_no: None,
            open_queries: Vec::new(),
        }
    }

    /// Takes the next event of the case, in ledger order.
    pub fn take(&mut self, event: &Event) {
        match &event.data {
            EventData::ApplicationSubmitted(_) => {
                self.submitted_at = self.submitted_at.or(Some(event.occurred_at));
                self.stage = self.stage.max(CaseStage::Submitted);
            }
            EventData::ApplicationClosed(it) => {
                self.closed_at = self.closed_at.or(Some(event.occurred_at));
                self.stage = self.stage.max(CaseStage::Closed(it.outcome));
            }
            EventData::PaperworkQueried(it) => self.open_queries.push(OpenQuery {
                query_id: it.query_id.clone(),
                stage: it.stage,
                declaration_no: it.declaration_no.clone(),
                since: event.occurred_at,
                reply_due: it.reply_due,
            }),
            EventData::PaperworkAnswered(it) => {
                self.open_queries
                    .retain(|open| !it.complete || open.query_id != it.query_id);
            }
            EventData::LicenseGranted(it) => {
                self.granted_at = self.granted_at.or(Some(event.occurred_at));
                self.license_no = Some(it.license_no.clone());
                self.stage = self.stage.max(CaseStage::Granted);
                self.settle_queries(QueryStage::Licensing, None);
            }
            EventData::ShipmentCleared(it) => {
                self.cleared_at = self.cleared_at.or(Some(event.occurred_at));
                self.stage = self.stage.max(CaseStage::Cleared);
                self.settle_queries(QueryStage::Customs, Some(&it.declaration_no));
            }
            EventData::ShipmentClosed(it) => {
                self.settle_queries(QueryStage::Customs, Some(&it.declaration_no));
            }
            EventData::LicenseChanged(_)
            | EventData::ShipmentDeclared(_)
            | EventData::RecordCorrected(_)
            | EventData::RecordAnnulled(_) => {}
        }
    }

    /// A decision settles the queries that stood before it: sources that do not state answers still state decisions.
    fn settle_queries(&mut self, stage: QueryStage, declaration_no: Option<&DeclarationNo>) {
        self.open_queries.retain(|open| {
            open.stage != stage
                || (declaration_no.is_some() && open.declaration_no.as_ref() != declaration_no)
        });
    }
}

impl Default for CaseProgress {
    fn default() -> Self {
        Self::new()
    }
}
