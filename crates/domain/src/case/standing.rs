//! What stands of a case: the fold of the events that were not annulled.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{Declaration, DeclarationStatus, License};
use crate::event::{
    ApplicationSubmitted, CloseOutcome, Event, EventData, PaperworkQueried, QueryStage, ShipmentCleared,
    ShipmentDeclared,
};
use crate::identifier::{DeclarationNo, LicenseNo, PortCode, QueryId};

/// Where an application stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ApplicationStatus {
    /// It waits for a decision.
    Open,
    /// A licence was granted.
    Granted,
    /// It ended without a licence.
    Closed(CloseOutcome),
}

/// The application of a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Application {
    /// The application as recorded.
    pub submitted: ApplicationSubmitted,
    /// When it was filed.
    pub occurred_at: Timestamp,
    /// Where it stands.
    pub status: ApplicationStatus,
}

/// A query of a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaperworkQuery {
    /// The query as recorded.
    pub queried: PaperworkQueried,
    /// When it was asked.
    pub occurred_at: Timestamp,
    /// When it was answered in full.
    pub answered_at: Option<Timestamp>,
}

/// What stands of a case.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Standing {
    pub(crate) application: Option<Application>,
    pub(crate) queries: BTreeMap<QueryId, PaperworkQuery>,
    pub(crate) license: Option<License>,
    pub(crate) declarations: BTreeMap<DeclarationNo, Declaration>,
}

impl Standing {
    /// The application.
    #[must_use]
    pub const fn application(&self) -> Option<&Application> {
        self.application.as_ref()
    }

    /// Every query, by id.
    #[must_use]
    pub const fn queries(&self) -> &BTreeMap<QueryId, PaperworkQuery> {
        &self.queries
    }

    /// The licence.
    #[must_use]
    pub const fn license(&self) -> Option<&License> {
        self.license.as_ref()
    }

    /// Every declaration, by number.
    #[must_use]
    pub const fn declarations(&self) -> &BTreeMap<DeclarationNo, Declaration> {
        &self.declarations
    }

    /// Grams drawn from one line of the licence: cleared, less what came back, and declared and open.
    #[must_use]
    pub fn drawn_g(&self, license: &LicenseNo, line: u16) -> u128 {
        self.uses_of(license)
            .map(|declaration| declaration.drawn_g(line))
            .sum()
    }

    /// The declarations that use `license`.
    pub(crate) fn uses_of<'a>(&'a self, license: &'a LicenseNo) -> impl Iterator<Item = &'a Declaration> {
        self.declarations
            .values()
            .filter(move |declaration| declaration.declared.license_no.as_ref() == Some(license))
            .filter(|declaration| declaration.is_use())
    }

    /// The queries of the licensing stage.
    pub(crate) fn licensing_queries(&self) -> impl Iterator<Item = &PaperworkQuery> {
        self.queries
            .values()
            .filter(|query| query.queried.stage == QueryStage::Licensing)
    }

    /// The customs queries about one declaration; an observed one that names none is about all.
    pub(crate) fn customs_queries<'a>(
        &'a self,
        declaration: &'a DeclarationNo,
    ) -> impl Iterator<Item = &'a PaperworkQuery> {
        self.queries
            .values()
            .filter(|query| query.queried.stage == QueryStage::Customs)
            .filter(move |query| {
                query
                    .queried
                    .declaration_no
                    .as_ref()
                    .is_none_or(|number| number == declaration)
            })
    }

    /// This standing after one more event. Total; a repair changes nothing here.
    pub(crate) fn with(mut self, event: &Event) -> Self {
        match &event.data {
            EventData::ApplicationSubmitted(it) => self.submit(it, event.occurred_at),
            EventData::ApplicationClosed(it) => self.decide(ApplicationStatus::Closed(it.outcome)),
            EventData::PaperworkQueried(it) => {
                let query = PaperworkQuery {
                    queried: it.clone(),
                    occurred_at: event.occurred_at,
                    answered_at: None,
                };
                self.queries.insert(it.query_id.clone(), query);
            }
            EventData::PaperworkAnswered(it) => {
                if let Some(query) = self.queries.get_mut(&it.query_id).filter(|_| it.complete) {
                    query.answered_at = Some(event.occurred_at);
                }
            }
            EventData::LicenseGranted(it) => {
                self.decide(ApplicationStatus::Granted);
                self.license = Some(License {
                    granted: it.clone(),
                    occurred_at: event.occurred_at,
                    changes: Vec::new(),
                });
            }
            EventData::LicenseChanged(it) => {
                if let Some(license) = &mut self.license {
                    license.changes.push(it.clone());
                }
            }
            EventData::ShipmentDeclared(it) => self.declare(it.clone(), event.occurred_at),
            EventData::ShipmentCleared(it) => self.clear(it, event.occurred_at),
            EventData::ShipmentClosed(it) => {
                if let Some(declaration) = self.declarations.get_mut(&it.declaration_no) {
                    declaration.close(it);
                }
            }
            EventData::RecordCorrected(_) | EventData::RecordAnnulled(_) => {}
        }
        self
    }

    /// The port of an event that repairs nothing; see [`super::CaseState::port_of`].
    pub(super) fn port_of(&self, data: &EventData) -> Option<PortCode> {
        let declaration_no = match data {
            EventData::ApplicationSubmitted(it) => return Some(it.exit_port.clone()),
            EventData::ShipmentDeclared(it) => return Some(it.port.clone()),
            EventData::ShipmentCleared(it) => return Some(it.port.clone()),
            EventData::ShipmentClosed(it) => Some(&it.declaration_no),
            EventData::PaperworkQueried(it) => it.declaration_no.as_ref(),
            EventData::PaperworkAnswered(it) => self
                .queries
                .get(&it.query_id)
                .and_then(|query| query.queried.declaration_no.as_ref()),
            EventData::ApplicationClosed(_)
            | EventData::LicenseGranted(_)
            | EventData::LicenseChanged(_)
            | EventData::RecordCorrected(_)
            | EventData::RecordAnnulled(_) => None,
        };
        declaration_no
            .and_then(|number| self.declarations.get(number))
            .map(|declaration| declaration.declared.port.clone())
            .or_else(|| {
                self.application
                    .as_ref()
                    .map(|application| application.submitted.exit_port.clone())
            })
    }

    fn submit(&mut self, submitted: &ApplicationSubmitted, occurred_at: Timestamp) {
        self.application = Some(Application {
            submitted: submitted.clone(),
            occurred_at,
            status: ApplicationStatus::Open,
        });
    }

    fn decide(&mut self, status: ApplicationStatus) {
        if let Some(application) = &mut self.application {
            application.status = status;
        }
    }

    fn declare(&mut self, declared: ShipmentDeclared, occurred_at: Timestamp) {
        self.declarations.insert(
            declared.declaration_no.clone(),
            Declaration {
                declared,
                occurred_at,
                status: DeclarationStatus::Open,
            },
        );
    }

    /// An observed clearance may have no declaration: what was released is then taken as declared.
    fn clear(&mut self, cleared: &ShipmentCleared, occurred_at: Timestamp) {
        if !self.declarations.contains_key(&cleared.declaration_no) {
            self.declare(declared_by(cleared), occurred_at);
        }
        if let Some(declaration) = self.declarations.get_mut(&cleared.declaration_no) {
            declaration.status = DeclarationStatus::Cleared {
                occurred_at,
                lines: cleared.lines.clone(),
            };
        }
    }
}

fn declared_by(cleared: &ShipmentCleared) -> ShipmentDeclared {
    ShipmentDeclared {
        declaration_no: cleared.declaration_no.clone(),
        port: cleared.port.clone(),
        license_no: cleared.license_no.clone(),
        control_status: cleared.control_status,
        destination: Some(cleared.destination.clone()),
        lines: cleared.lines.clone(),
        consignee_commitment: None,
        transport_mode: None,
    }
}
