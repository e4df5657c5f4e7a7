//! The event that a command asks for.

use jiff::civil::Date;

use crate::command::{ClearShipment, Command, DeclareShipment, GrantLicense, RaiseQuery, SubmitApplication};
use crate::event::{
    ApplicationClosed, ApplicationSubmitted, CloseOutcome, EventData, LicenseChanged, LicenseGranted,
    PaperworkAnswered, PaperworkQueried, RecordAnnulled, RecordCorrected, ShipmentCleared, ShipmentClosed,
    ShipmentDeclared,
};
use crate::identifier::QueryId;

/// The parts of a query that the case and the law fill in.
#[derive(Debug)]
pub(crate) struct QueryTerms {
    pub(crate) query_id: QueryId,
    pub(crate) round: u16,
    pub(crate) reply_due: Option<Date>,
}

/// The event `command` asks for; `terms` completes a query.
pub(crate) fn data_of<E>(
    command: &Command,
    terms: impl FnOnce(&RaiseQuery) -> Result<QueryTerms, E>,
) -> Result<EventData, E> {
    Ok(match command.clone() {
        Command::SubmitApplication(it) => EventData::ApplicationSubmitted(submitted(it)),
        Command::WithdrawApplication(it) => EventData::ApplicationClosed(ApplicationClosed {
            outcome: CloseOutcome::Withdrawn,
            reason_code: Some(it.reason_code),
            evidence: it.evidence,
        }),
        Command::RaiseQuery(it) => EventData::PaperworkQueried(queried(terms(&it)?, it)),
        Command::AnswerQuery(it) => EventData::PaperworkAnswered(PaperworkAnswered {
            query_id: it.query_id,
            answered_by: it.answered_by,
            evidence: it.evidence,
            complete: it.complete,
        }),
        Command::GrantLicense(it) => EventData::LicenseGranted(granted(it)),
        Command::CloseApplication(it) => EventData::ApplicationClosed(ApplicationClosed {
            outcome: it.outcome.into(),
            reason_code: Some(it.reason_code),
            evidence: it.evidence,
        }),
        Command::ChangeLicense(it) => EventData::LicenseChanged(LicenseChanged {
            license_no: it.license_no,
            change: it.change,
            effective_at: it.effective_at,
            reason_code: Some(it.reason_code),
            replaced_by: it.replaced_by,
        }),
        Command::DeclareShipment(it) => EventData::ShipmentDeclared(declared(it)),
        Command::ClearShipment(it) => EventData::ShipmentCleared(cleared(it)),
        Command::CloseShipment(it) => EventData::ShipmentClosed(ShipmentClosed {
            declaration_no: it.declaration_no,
            outcome: it.outcome,
            reason_code: Some(it.reason_code),
            returned_g: it.returned_g,
        }),
        Command::CorrectRecord(it) => EventData::RecordCorrected(RecordCorrected {
            target_event_id: it.target_event_id,
            target_leaf: it.target_leaf,
            field_patches: it.field_patches,
            reason: it.reason,
            requested_by: Some(it.requested_by),
            approved_by: it.approved_by,
        }),
        Command::AnnulRecord(it) => EventData::RecordAnnulled(RecordAnnulled {
            target_event_id: it.target_event_id,
            target_leaf: it.target_leaf,
            reason: it.reason,
            requested_by: Some(it.requested_by),
            approved_by: it.approved_by,
        }),
    })
}

fn submitted(it: SubmitApplication) -> ApplicationSubmitted {
    ApplicationSubmitted {
        external_ref: it.external_ref,
        applicant: Some(it.applicant),
        end_user_commitment: it.end_user_commitment,
        end_use: it.end_use,
        destination: it.destination,
        exit_port: it.exit_port,
        lines: it.lines,
        kind: Some(it.kind),
        lane: it.lane,
        evidence: it.evidence,
    }
}

fn queried(terms: QueryTerms, it: RaiseQuery) -> PaperworkQueried {
    PaperworkQueried {
        query_id: terms.query_id,
        stage: it.stage,
        round: terms.round,
        authority: it.authority,
        reason: it.reason,
        notice_no: it.notice_no,
        declaration_no: it.declaration_no,
        reply_due: terms.reply_due,
    }
}

fn granted(it: GrantLicense) -> LicenseGranted {
    LicenseGranted {
        license_no: it.license_no,
        kind: Some(it.kind),
        uses_allowed: it.uses_allowed,
        valid_from: Some(it.valid_from),
        valid_until: it.valid_until,
        destination: it.destination,
        exit_ports: it.exit_ports,
        lines: it.lines,
        lane: it.lane,
        authority: Some(it.authority),
        evidence: it.evidence,
    }
}

fn declared(it: DeclareShipment) -> ShipmentDeclared {
    ShipmentDeclared {
        declaration_no: it.declaration_no,
        port: it.port,
        license_no: it.license_no,
        control_status: it.control_status,
        destination: Some(it.destination),
        lines: it.lines,
        consignee_commitment: it.consignee_commitment,
        transport_mode: it.transport_mode,
    }
}

fn cleared(it: ClearShipment) -> ShipmentCleared {
    ShipmentCleared {
        declaration_no: it.declaration_no,
        port: it.port,
        license_no: it.license_no,
        control_status: it.control_status,
        destination: it.destination,
        lines: it.lines,
        evidence: it.evidence,
    }
}
