//! Paperwork asks for missing papers while an application is examined.

use portbook_domain::{EventData, EventKind, QueryStage, ServiceName};

use crate::remit::Remit;

pub(crate) const REMIT: Remit = Remit {
    service: ServiceName::Paperwork,
    verbs: &["raise-query", "correct-record", "annul-record"],
    kinds: &[
        EventKind::PaperworkQueried,
        EventKind::RecordCorrected,
        EventKind::RecordAnnulled,
    ],
    is_foreign,
};

/// Challenging a declaration is for customs.
fn is_foreign(data: &EventData) -> bool {
    matches!(data, EventData::PaperworkQueried(queried) if queried.stage != QueryStage::Licensing)
}
