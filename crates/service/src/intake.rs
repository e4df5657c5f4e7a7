//! Intake speaks for applicants: it files and withdraws applications and answers queries.

use portbook_domain::{CloseOutcome, EventData, EventKind, ServiceName};

use crate::remit::Remit;

pub(crate) const REMIT: Remit = Remit {
    service: ServiceName::Intake,
    verbs: &[
        "submit-application",
        "withdraw-application",
        "answer-query",
        "correct-record",
        "annul-record",
    ],
    kinds: &[
        EventKind::ApplicationSubmitted,
        EventKind::ApplicationClosed,
        EventKind::PaperworkAnswered,
        EventKind::RecordCorrected,
        EventKind::RecordAnnulled,
    ],
    is_foreign,
};

/// An applicant ends an application only by taking it back.
fn is_foreign(data: &EventData) -> bool {
    matches!(data, EventData::ApplicationClosed(closed) if closed.outcome != CloseOutcome::Withdrawn)
}
