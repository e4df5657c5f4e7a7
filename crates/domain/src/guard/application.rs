//! Rules about the application as a whole: one, first, and decided once.

use super::{Proposal, Verdict};
use crate::case::ApplicationStatus;
use crate::event::{EventData, QueryStage};
use crate::rejection::Rejection;

pub(super) fn already_submitted(proposal: Proposal<'_>) -> Verdict {
    match (proposal.data, &proposal.standing.application) {
        (EventData::ApplicationSubmitted(_), Some(application)) => Err(Rejection::AlreadySubmitted {
            filed_at: application.occurred_at,
        }),
        _ => Ok(()),
    }
}

pub(super) fn not_submitted(proposal: Proposal<'_>) -> Verdict {
    let follows = !matches!(
        proposal.data,
        EventData::ApplicationSubmitted(_) | EventData::RecordCorrected(_) | EventData::RecordAnnulled(_)
    );
    if follows && proposal.standing.application.is_none() {
        return Err(Rejection::NotSubmitted {
            attempted: proposal.data.kind().name(),
        });
    }
    Ok(())
}

pub(super) fn already_decided(proposal: Proposal<'_>) -> Verdict {
    let needs_open = match proposal.data {
        EventData::ApplicationClosed(_) | EventData::LicenseGranted(_) => true,
        EventData::PaperworkQueried(it) => it.stage == QueryStage::Licensing,
        EventData::ApplicationSubmitted(_)
        | EventData::PaperworkAnswered(_)
        | EventData::LicenseChanged(_)
        | EventData::ShipmentDeclared(_)
        | EventData::ShipmentCleared(_)
        | EventData::ShipmentClosed(_)
        | EventData::RecordCorrected(_)
        | EventData::RecordAnnulled(_) => false,
    };
    let status = match proposal
        .standing
        .application
        .as_ref()
        .map(|application| application.status)
    {
        Some(ApplicationStatus::Granted) => "granted",
        Some(ApplicationStatus::Closed(outcome)) => outcome.word(),
        Some(ApplicationStatus::Open) | None => return Ok(()),
    };
    if needs_open {
        return Err(Rejection::AlreadyDecided {
            attempted: proposal.data.kind().name(),
            status,
        });
    }
    Ok(())
}
