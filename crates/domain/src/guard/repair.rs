//! Rules about commands sent twice, corrections and annulments.

use super::{Check, Entry, Guard, Proposal, Verdict};
use crate::case::{PastEvent, Standing, target_of};
use crate::event::{EventData, EventKind};
use crate::identifier::Text;
use crate::rejection::Rejection;

/// Whoever asks twice with the same content was answered before the guards are asked.
pub(super) fn command_id_reused(proposal: Proposal<'_>, entry: Entry<'_>) -> Verdict {
    match proposal.case.answer_to(&entry.order.command_id) {
        Some(past) => Err(Rejection::CommandIdReused {
            command_id: entry.order.command_id.clone(),
            event: past.event.id.clone(),
        }),
        None => Ok(()),
    }
}

pub(super) fn target_unknown(proposal: Proposal<'_>, _: Entry<'_>) -> Verdict {
    match target_of(proposal.data) {
        Some(target) if proposal.case.event(target).is_none() => Err(Rejection::TargetUnknown {
            event: target.clone(),
        }),
        _ => Ok(()),
    }
}

pub(super) fn target_annulled(proposal: Proposal<'_>, _: Entry<'_>) -> Verdict {
    match repaired(proposal) {
        Some(past) if past.annulled => Err(Rejection::TargetAnnulled {
            event: past.event.id.clone(),
        }),
        _ => Ok(()),
    }
}

pub(super) fn annulment_final(proposal: Proposal<'_>, _: Entry<'_>) -> Verdict {
    let EventData::RecordAnnulled(_) = proposal.data else {
        return Ok(());
    };
    match repaired(proposal) {
        Some(past) if past.event.data.kind() == EventKind::RecordAnnulled => Err(Rejection::AnnulmentFinal {
            event: past.event.id.clone(),
        }),
        _ => Ok(()),
    }
}

pub(super) fn correction_empty(proposal: Proposal<'_>, _: Entry<'_>) -> Verdict {
    if let EventData::RecordCorrected(it) = proposal.data
        && it.field_patches.iter().all(|patch| patch.old == patch.new)
    {
        return Err(Rejection::CorrectionEmpty {
            event: it.target_event_id.clone(),
        });
    }
    Ok(())
}

pub(super) fn field_not_correctable(proposal: Proposal<'_>, _: Entry<'_>) -> Verdict {
    let EventData::RecordCorrected(it) = proposal.data else {
        return Ok(());
    };
    let Some(past) = repaired(proposal) else {
        return Ok(());
    };
    // No rule looks at what others observed, so all of it may be corrected.
    if past.command.is_none() {
        return Ok(());
    }
    let kind = past.event.data.kind();
    match it
        .field_patches
        .iter()
        .find(|patch| !is_correctable(kind, patch.pointer.as_str()))
    {
        Some(patch) => Err(Rejection::FieldNotCorrectable {
            pointer: patch.pointer.clone(),
            kind: kind.name(),
        }),
        None => Ok(()),
    }
}

pub(super) fn approver_is_requester(proposal: Proposal<'_>, _: Entry<'_>) -> Verdict {
    let persons: Option<(&Option<Text>, &Text)> = match proposal.data {
        EventData::RecordCorrected(it) => Some((&it.requested_by, &it.approved_by)),
        EventData::RecordAnnulled(it) => Some((&it.requested_by, &it.approved_by)),
        EventData::ApplicationSubmitted(_)
        | EventData::ApplicationClosed(_)
        | EventData::PaperworkQueried(_)
        | EventData::PaperworkAnswered(_)
        | EventData::LicenseGranted(_)
        | EventData::LicenseChanged(_)
        | EventData::ShipmentDeclared(_)
        | EventData::ShipmentCleared(_)
        | EventData::ShipmentClosed(_) => None,
    };
    match persons {
        Some((requested_by, approved_by)) if requested_by.as_ref() == Some(approved_by) => {
            Err(Rejection::ApproverIsRequester {
                person: approved_by.clone(),
            })
        }
        _ => Ok(()),
    }
}

/// Replays what would remain: an event that the lasting rules would now refuse rests on the annulled one.
pub(super) fn annulment_breaks_history(proposal: Proposal<'_>, _: Entry<'_>) -> Verdict {
    let EventData::RecordAnnulled(it) = proposal.data else {
        return Ok(());
    };
    let mut standing = Standing::default();
    for event in proposal.case.standing_events(&it.target_event_id) {
        let remaining = Proposal {
            standing: &standing,
            occurred_at: event.occurred_at,
            data: &event.data,
            ..proposal
        };
        if let Some(refusal) = first_lasting_refusal(remaining) {
            return Err(Rejection::AnnulmentBreaksHistory {
                event: it.target_event_id.clone(),
                dependent: event.id.clone(),
                rule: refusal.rule(),
            });
        }
        standing = standing.with(event);
    }
    Ok(())
}

fn first_lasting_refusal(proposal: Proposal<'_>) -> Option<Rejection> {
    Guard::ALL.iter().find_map(|guard| match guard.check {
        Check::Lasting(check) => check(proposal).err(),
        Check::OnEntry(_) => None,
    })
}

fn repaired(proposal: Proposal<'_>) -> Option<&PastEvent> {
    proposal.case.event(target_of(proposal.data)?)
}

/// Whether a field may be corrected: one that no rule looks at. `*` stands for the index of a list.
fn is_correctable(kind: EventKind, pointer: &str) -> bool {
    correctable_fields(kind).iter().any(|pattern| {
        let evidence = pointer
            .strip_prefix("/evidence")
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        (*pattern == "/evidence" && evidence) || matches_pattern(pattern, pointer)
    })
}

fn matches_pattern(pattern: &str, pointer: &str) -> bool {
    let mut found = pointer.split('/');
    let matched = pattern.split('/').all(|expected| {
        found.next().is_some_and(|segment| match expected {
            "*" => !segment.is_empty() && segment.bytes().all(|b| b.is_ascii_digit()),
            _ => segment == expected,
        })
    });
    matched && found.next().is_none()
}

const fn correctable_fields(kind: EventKind) -> &'static [&'static str] {
    match kind {
        EventKind::ApplicationSubmitted => &[
            "/external_ref",
            "/applicant",
            "/end_user_commitment",
            "/end_use",
            "/lines/*/form",
            "/evidence",
        ],
        EventKind::ApplicationClosed => &["/reason_code", "/evidence"],
        EventKind::PaperworkQueried => &["/authority", "/reason", "/notice_no"],
        EventKind::PaperworkAnswered => &["/answered_by", "/evidence"],
        EventKind::LicenseGranted => &["/exit_ports", "/exit_ports/*", "/authority", "/evidence"],
        EventKind::LicenseChanged | EventKind::ShipmentClosed => &["/reason_code"],
        EventKind::ShipmentDeclared => &["/consignee_commitment", "/transport_mode"],
        EventKind::ShipmentCleared => &["/evidence"],
        EventKind::RecordCorrected | EventKind::RecordAnnulled => &["/reason"],
    }
}
