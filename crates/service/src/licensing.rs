//! Licensing grants, refuses and changes licences.

use portbook_domain::{CloseOutcome, EventData, EventKind, ServiceName};

use crate::remit::Remit;

pub(crate) const REMIT: Remit = Remit {
    service: ServiceName::Licensing,
    verbs: &[
        "grant-license",
        "close-application",
        "change-license",
        "correct-record",
        "annul-record",
    ],
    kinds: &[
        EventKind::LicenseGranted,
        EventKind::ApplicationClosed,
        EventKind::LicenseChanged,
        EventKind::RecordCorrected,
        EventKind::RecordAnnulled,
    ],
    is_foreign,
};

/// Taking an application back is for its applicant.
fn is_foreign(data: &EventData) -> bool {
    matches!(data, EventData::ApplicationClosed(closed) if closed.outcome == CloseOutcome::Withdrawn)
}
