//! Clearance speaks for customs: it takes declarations, challenges them and releases the goods.

use portbook_domain::{EventData, EventKind, QueryStage, ServiceName};

use crate::remit::Remit;

pub(crate) const REMIT: Remit = Remit {
    service: ServiceName::Clearance,
    verbs: &[
        "declare-shipment",
        "raise-query",
        "clear-shipment",
        "close-shipment",
        "correct-record",
        "annul-record",
    ],
    kinds: &[
        EventKind::ShipmentDeclared,
        EventKind::PaperworkQueried,
        EventKind::ShipmentCleared,
        EventKind::ShipmentClosed,
        EventKind::RecordCorrected,
        EventKind::RecordAnnulled,
    ],
    is_foreign,
};

/// Questions about the application are for the licensing authority.
fn is_foreign(data: &EventData) -> bool {
    matches!(data, EventData::PaperworkQueried(queried) if queried.stage != QueryStage::Customs)
}
