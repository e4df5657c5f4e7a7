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
    #[serde(with = "crate::moment")]
    pub since: Timestamp,
    /// Last day of the answer.
    pub reply_due: Option<Date>,
}

/// What an event says about queries that were asked before it. A decision settles those that stood before it: sources that
/// do not state answers still state decisions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Settlement {
    /// A query was answered in full.
    Answered(QueryId),
    /// The application was decided, which settles what was asked about it.
    Decided,
    /// A declaration came to its end, which settles what customs asked about it.
    Ended(DeclarationNo),
}

/// How far a case has come, as its events tell it one after the other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseProgress {
    /// How far it has come.
    pub stage: CaseStage,
    /// When the application was filed.
    #[serde(with = "crate::moment::optional")]
    pub submitted_at: Option<Timestamp>,
    /// When it ended without a licence.
    #[serde(with = "crate::moment::optional")]
    pub closed_at: Option<Timestamp>,
    /// When the licence was granted.
    #[serde(with = "crate::moment::optional")]
    pub granted_at: Option<Timestamp>,
    /// When goods were first cleared.
    #[serde(with = "crate::moment::optional")]
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
        let (progress, settled) = Self::of(event);
        self.join(progress, settled.as_slice());
    }

    /// How far a case has come of which this event alone is known, and what it says about queries asked before it.
    #[must_use]
    pub fn of(event: &Event) -> (Self, Option<Settlement>) {
        let (mut it, at) = (Self::new(), Some(event.occurred_at));
        let settled = match &event.data {
            EventData::ApplicationSubmitted(_) => {
                (it.stage, it.submitted_at) = (CaseStage::Submitted, at);
                None
            }
            EventData::ApplicationClosed(closed) => {
                (it.stage, it.closed_at) = (CaseStage::Closed(closed.outcome), at);
                None
            }
            EventData::PaperworkQueried(asked) => {
                it.open_queries.push(OpenQuery {
                    query_id: asked.query_id.clone(),
                    stage: asked.stage,
                    declaration_no: asked.declaration_no.clone(),
                    since: event.occurred_at,
                    reply_due: asked.reply_due,
                });
                None
            }
            EventData::PaperworkAnswered(answer) => {
                let query = answer.complete.then(|| answer.query_id.clone());
                query.map(Settlement::Answered)
            }
            EventData::LicenseGranted(granted) => {
                (it.stage, it.granted_at) = (CaseStage::Granted, at);
                it.license_no = Some(granted.license_no.clone());
                Some(Settlement::Decided)
            }
            EventData::ShipmentCleared(cleared) => {
                (it.stage, it.cleared_at) = (CaseStage::Cleared, at);
                Some(Settlement::Ended(cleared.declaration_no.clone()))
            }
            EventData::ShipmentClosed(closed) => Some(Settlement::Ended(closed.declaration_no.clone())),
            EventData::LicenseChanged(_)
            | EventData::ShipmentDeclared(_)
            | EventData::RecordCorrected(_)
            | EventData::RecordAnnulled(_) => None,
        };
        (it, settled)
    }

    /// Takes what later events of the case tell, and what they say about queries asked before them.
    pub(crate) fn join(&mut self, later: Self, settled: &[Settlement]) {
        self.stage = self.stage.max(later.stage);
        self.submitted_at = self.submitted_at.or(later.submitted_at);
        self.closed_at = self.closed_at.or(later.closed_at);
        self.granted_at = self.granted_at.or(later.granted_at);
        self.cleared_at = self.cleared_at.or(later.cleared_at);
        self.license_no = later.license_no.or_else(|| self.license_no.take());
        self.open_queries
            .retain(|open| settled.iter().all(|settlement| !settlement.settles(open)));
        self.open_queries.extend(later.open_queries);
    }
}

impl Settlement {
    fn settles(&self, open: &OpenQuery) -> bool {
        match self {
            Self::Answered(query_id) => open.query_id == *query_id,
            Self::Decided => open.stage == QueryStage::Licensing,
            Self::Ended(declaration_no) => {
                open.stage == QueryStage::Customs && open.declaration_no.as_ref() == Some(declaration_no)
            }
        }
    }
}

impl Default for CaseProgress {
    fn default() -> Self {
        Self::new()
    }
}
