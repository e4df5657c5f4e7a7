//! Rules about declarations and clearances: what may leave, under which licence, and how much.

use super::{Proposal, Verdict};
use crate::calendar::local_date;
use crate::case::{Declaration, DeclarationStatus, License, LicenseCondition, mass_of};
use crate::event::{ClearedLine, ControlStatus, EventData, LicenseChange, QueryStage, ShipmentOutcome};
use crate::identifier::{DeclarationNo, LicenseNo};
use crate::rejection::Rejection;

/// What declarations and clearances have in common: goods move under a licence, or under none.
#[derive(Debug, Clone, Copy)]
struct Movement<'a> {
    declaration_no: &'a DeclarationNo,
    license_no: Option<&'a LicenseNo>,
    control_status: ControlStatus,
    lines: &'a [ClearedLine],
}

pub(super) fn license_required(proposal: Proposal<'_>) -> Verdict {
    if let Some(movement) = movement_of(proposal)
        && movement.control_status == ControlStatus::Controlled
        && movement.license_no.is_none()
    {
        return Err(Rejection::LicenseRequired {
            declaration_no: movement.declaration_no.clone(),
            control_status: movement.control_status,
        });
    }
    Ok(())
}

pub(super) fn declaration_repeated(proposal: Proposal<'_>) -> Verdict {
    let EventData::ShipmentDeclared(it) = proposal.data else {
        return Ok(());
    };
    match proposal.standing.declarations.get(&it.declaration_no) {
        Some(declaration) => Err(Rejection::DeclarationRepeated {
            declaration_no: it.declaration_no.clone(),
            declared_at: declaration.occurred_at,
        }),
        None => Ok(()),
    }
}

pub(super) fn declaration_missing(proposal: Proposal<'_>) -> Verdict {
    if let EventData::PaperworkQueried(it) = proposal.data
        && it.stage == QueryStage::Customs
        && it.declaration_no.is_none()
    {
        return Err(Rejection::DeclarationMissing {});
    }
    Ok(())
}

pub(super) fn declaration_unknown(proposal: Proposal<'_>) -> Verdict {
    match declaration_named(proposal) {
        Some(number) if !proposal.standing.declarations.contains_key(number) => {
            Err(Rejection::DeclarationUnknown {
                declaration_no: number.clone(),
            })
        }
        _ => Ok(()),
    }
}

pub(super) fn declaration_not_open(proposal: Proposal<'_>) -> Verdict {
    let reverses =
        matches!(proposal.data, EventData::ShipmentClosed(it) if it.outcome == ShipmentOutcome::Reversed);
    match declaration_of(proposal) {
        Some((number, declaration)) if !reverses && declaration.status != DeclarationStatus::Open => {
            Err(Rejection::DeclarationNotOpen {
                declaration_no: number.clone(),
                status: status_word(&declaration.status),
            })
        }
        _ => Ok(()),
    }
}

pub(super) fn declaration_not_cleared(proposal: Proposal<'_>) -> Verdict {
    let reverses =
        matches!(proposal.data, EventData::ShipmentClosed(it) if it.outcome == ShipmentOutcome::Reversed);
    match declaration_of(proposal) {
        Some((number, declaration))
            if reverses && !matches!(declaration.status, DeclarationStatus::Cleared { .. }) =>
        {
            Err(Rejection::DeclarationNotCleared {
                declaration_no: number.clone(),
                status: status_word(&declaration.status),
            })
        }
        _ => Ok(()),
    }
}

pub(super) fn license_not_declared(proposal: Proposal<'_>) -> Verdict {
    match (proposal.data, declaration_of(proposal)) {
        (EventData::ShipmentCleared(it), Some((_, declaration)))
            if it.license_no != declaration.declared.license_no =>
        {
            Err(Rejection::LicenseNotDeclared {
                cleared: it.license_no.clone(),
                declared: declaration.declared.license_no.clone(),
            })
        }
        _ => Ok(()),
    }
}

pub(super) fn cleared_over_declared(proposal: Proposal<'_>) -> Verdict {
    let (EventData::ShipmentCleared(it), Some((_, declaration))) = (proposal.data, declaration_of(proposal))
    else {
        return Ok(());
    };
    for line in &it.lines {
        let cleared_g = mass_like(&it.lines, line);
        let declared_g = mass_like(&declaration.declared.lines, line);
        if cleared_g > declared_g {
            let hs = line.hs.to_string();
            return Err(Rejection::ClearedOverDeclared {
                line: line.line,
                hs,
                cleared_g,
                declared_g,
            });
        }
    }
    Ok(())
}

pub(super) fn overdrawn(proposal: Proposal<'_>) -> Verdict {
    let Some(movement) = movement_of(proposal) else {
        return Ok(());
    };
    let Some(license) = license_named(proposal, movement.license_no) else {
        return Ok(());
    };
    let license_no = &license.granted.license_no;
    let own = proposal.standing.declarations.get(movement.declaration_no);
    for granted in &license.granted.lines {
        let others_g = proposal
            .standing
            .drawn_g(license_no, granted.line)
            .saturating_sub(own.map_or(0, |declaration| declaration.drawn_g(granted.line)));
        let asked_g: u128 = movement
            .lines
            .iter()
            .filter(|line| line.line == Some(granted.line))
            .map(|line| u128::from(line.cleared_g.get()))
            .sum();
        let drawn_g = others_g + asked_g;
        if drawn_g > u128::from(granted.granted_g.get()) {
            return Err(Rejection::Overdrawn {
                license_no: license_no.clone(),
                line: granted.line,
                drawn_g,
                granted_g: granted.granted_g,
            });
        }
    }
    Ok(())
}

pub(super) fn uses_exceeded(proposal: Proposal<'_>) -> Verdict {
    let EventData::ShipmentDeclared(it) = proposal.data else {
        return Ok(());
    };
    let Some(license) = license_named(proposal, it.license_no.as_ref()) else {
        return Ok(());
    };
    let uses = proposal.standing.uses_of(&license.granted.license_no).count();
    match license.uses_max() {
        Some(uses_max) if u32::try_from(uses).is_ok_and(|uses| uses < uses_max) => Ok(()),
        Some(uses_max) => Err(Rejection::UsesExceeded {
            license_no: license.granted.license_no.clone(),
            uses,
            uses_max,
        }),
        None => Ok(()),
    }
}

pub(super) fn license_not_valid(proposal: Proposal<'_>) -> Verdict {
    let EventData::ShipmentCleared(it) = proposal.data else {
        return Ok(());
    };
    let date = local_date(proposal.occurred_at);
    match license_named(proposal, it.license_no.as_ref()) {
        Some(license) if !license.is_valid_on(date) => Err(Rejection::LicenseNotValid {
            license_no: license.granted.license_no.clone(),
            date,
            valid_from: license.granted.valid_from,
            valid_until: license.granted.valid_until,
        }),
        _ => Ok(()),
    }
}

pub(super) fn license_not_active(proposal: Proposal<'_>) -> Verdict {
    let EventData::ShipmentCleared(it) = proposal.data else {
        return Ok(());
    };
    let Some(license) = license_named(proposal, it.license_no.as_ref()) else {
        return Ok(());
    };
    let condition = match license.condition_at(proposal.occurred_at) {
        LicenseCondition::Active => return Ok(()),
        LicenseCondition::Suspended => LicenseChange::Suspended,
        LicenseCondition::Ended(change) => change,
    };
    let license_no = license.granted.license_no.clone();
    Err(Rejection::LicenseNotActive {
        license_no,
        condition,
        at: proposal.occurred_at,
    })
}

pub(super) fn return_out_of_range(proposal: Proposal<'_>) -> Verdict {
    let EventData::ShipmentClosed(it) = proposal.data else {
        return Ok(());
    };
    let cleared_g = match declaration_of(proposal).map(|(_, declaration)| &declaration.status) {
        Some(DeclarationStatus::Cleared { lines, .. }) => mass_of(lines),
        Some(DeclarationStatus::Open | DeclarationStatus::Ended(_) | DeclarationStatus::Reversed { .. })
        | None => 0,
    };
    match it.returned_g {
        Some(returned_g) if !(1..=cleared_g).contains(&u128::from(returned_g.get())) => {
            Err(Rejection::ReturnOutOfRange {
                outcome: it.outcome,
                returned_g,
                cleared_g,
            })
        }
        _ => Ok(()),
    }
}

pub(super) fn return_ambiguous(proposal: Proposal<'_>) -> Verdict {
    let EventData::ShipmentClosed(it) = proposal.data else {
        return Ok(());
    };
    let Some((_, declaration)) = declaration_of(proposal) else {
        return Ok(());
    };
    match (&declaration.status, it.returned_g) {
        (DeclarationStatus::Cleared { lines, .. }, Some(returned_g))
            if lines.len() > 1 && u128::from(returned_g.get()) < mass_of(lines) =>
        {
            Err(Rejection::ReturnAmbiguous {
                returned_g,
                lines: lines.len(),
            })
        }
        _ => Ok(()),
    }
}

/// The declaration that an event takes a step of.
fn declaration_named(proposal: Proposal<'_>) -> Option<&DeclarationNo> {
    match proposal.data {
        EventData::PaperworkQueried(it) => it.declaration_no.as_ref(),
        EventData::ShipmentCleared(it) => Some(&it.declaration_no),
        EventData::ShipmentClosed(it) => Some(&it.declaration_no),
        EventData::ApplicationSubmitted(_)
        | EventData::ApplicationClosed(_)
        | EventData::PaperworkAnswered(_)
        | EventData::LicenseGranted(_)
        | EventData::LicenseChanged(_)
        | EventData::ShipmentDeclared(_)
        | EventData::RecordCorrected(_)
        | EventData::RecordAnnulled(_) => None,
    }
}

fn declaration_of(proposal: Proposal<'_>) -> Option<(&DeclarationNo, &Declaration)> {
    let number = declaration_named(proposal)?;
    proposal
        .standing
        .declarations
        .get(number)
        .map(|declaration| (number, declaration))
}

fn license_named<'a>(proposal: Proposal<'a>, named: Option<&LicenseNo>) -> Option<&'a License> {
    proposal
        .standing
        .license
        .as_ref()
        .filter(|license| Some(&license.granted.license_no) == named)
}

fn movement_of(proposal: Proposal<'_>) -> Option<Movement<'_>> {
    match proposal.data {
        EventData::ShipmentDeclared(it) => Some(Movement {
            declaration_no: &it.declaration_no,
            license_no: it.license_no.as_ref(),
            control_status: it.control_status,
            lines: &it.lines,
        }),
        EventData::ShipmentCleared(it) => Some(Movement {
            declaration_no: &it.declaration_no,
            license_no: it.license_no.as_ref(),
            control_status: it.control_status,
            lines: &it.lines,
        }),
        EventData::ApplicationSubmitted(_)
        | EventData::ApplicationClosed(_)
        | EventData::PaperworkQueried(_)
        | EventData::PaperworkAnswered(_)
        | EventData::LicenseGranted(_)
        | EventData::LicenseChanged(_)
        | EventData::ShipmentClosed(_)
        | EventData::RecordCorrected(_)
        | EventData::RecordAnnulled(_) => None,
    }
}

/// Grams of the lines that name the same goods as `like`.
fn mass_like(lines: &[ClearedLine], like: &ClearedLine) -> u128 {
    lines
        .iter()
        .filter(|line| {
            (line.line, &line.hs, &line.control_code, &line.element)
                == (like.line, &like.hs, &like.control_code, &like.element)
        })
        .map(|line| u128::from(line.cleared_g.get()))
        .sum()
}

const fn status_word(status: &DeclarationStatus) -> &'static str {
    match status {
        DeclarationStatus::Open => "open",
        DeclarationStatus::Cleared { .. } => "cleared",
        DeclarationStatus::Ended(outcome) => outcome.word(),
        DeclarationStatus::Reversed { .. } => "reversed",
    }
}
