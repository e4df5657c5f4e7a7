//! Rules about licences: their dates, their number, their changes.

use super::{Entry, Proposal, Verdict};
use crate::case::{License, LicenseCondition};
use crate::event::{EventData, Lane, LicenseChange, LicenseChanged, LicenseGranted};
use crate::rejection::Rejection;

pub(super) fn validity_reversed(proposal: Proposal<'_>) -> Verdict {
    let EventData::LicenseGranted(LicenseGranted {
        valid_from: Some(valid_from),
        valid_until,
        ..
    }) = proposal.data
    else {
        return Ok(());
    };
    if valid_from <= valid_until {
        return Ok(());
    }
    Err(Rejection::ValidityReversed {
        valid_from: *valid_from,
        valid_until: *valid_until,
    })
}

pub(super) fn validity_too_long(proposal: Proposal<'_>, entry: Entry<'_>) -> Verdict {
    let EventData::LicenseGranted(LicenseGranted {
        kind: Some(kind),
        valid_from: Some(valid_from),
        valid_until,
        ..
    }) = proposal.data
    else {
        return Ok(());
    };
    match entry.policy.valid_until_max(*kind, *valid_from) {
        Some(valid_until_max) if *valid_until > valid_until_max => Err(Rejection::ValidityTooLong {
            kind: *kind,
            valid_from: *valid_from,
            valid_until: *valid_until,
            valid_until_max,
        }),
        _ => Ok(()),
    }
}

pub(super) fn uses_zero(proposal: Proposal<'_>) -> Verdict {
    if let EventData::LicenseGranted(it) = proposal.data
        && it.uses_allowed == Some(0)
    {
        return Err(Rejection::UsesZero {
            license_no: it.license_no.clone(),
        });
    }
    Ok(())
}

pub(super) fn lane_not_eligible(proposal: Proposal<'_>, entry: Entry<'_>) -> Verdict {
    if let EventData::LicenseGranted(it) = proposal.data
        && it.lane == Lane::Expedited
        && !entry.policy.is_expedited_eligible(&it.destination)
    {
        return Err(Rejection::LaneNotEligible {
            destination: it.destination.clone(),
            lane: it.lane,
            policy: entry.policy.id.clone(),
        });
    }
    Ok(())
}

pub(super) fn license_unknown(proposal: Proposal<'_>) -> Verdict {
    let named = match proposal.data {
        EventData::LicenseChanged(it) => Some(&it.license_no),
        EventData::ShipmentDeclared(it) => it.license_no.as_ref(),
        EventData::ApplicationSubmitted(_)
        | EventData::ApplicationClosed(_)
        | EventData::PaperworkQueried(_)
        | EventData::PaperworkAnswered(_)
        | EventData::LicenseGranted(_)
        | EventData::ShipmentCleared(_)
        | EventData::ShipmentClosed(_)
        | EventData::RecordCorrected(_)
        | EventData::RecordAnnulled(_) => None,
    };
    let held = proposal
        .standing
        .license
        .as_ref()
        .map(|license| &license.granted.license_no);
    match named {
        Some(named) if Some(named) != held => Err(Rejection::LicenseUnknown {
            named: named.clone(),
            held: held.cloned(),
        }),
        _ => Ok(()),
    }
}

pub(super) fn license_ended(proposal: Proposal<'_>) -> Verdict {
    match change_of(proposal) {
        Some((license, it)) => match license.condition() {
            LicenseCondition::Ended(ended) => Err(Rejection::LicenseEnded {
                license_no: it.license_no.clone(),
                ended,
                attempted: it.change,
            }),
            LicenseCondition::Active | LicenseCondition::Suspended => Ok(()),
        },
        None => Ok(()),
    }
}

pub(super) fn license_already_suspended(proposal: Proposal<'_>) -> Verdict {
    match change_of(proposal) {
        Some((license, it))
            if it.change == LicenseChange::Suspended
                && license.condition() == LicenseCondition::Suspended =>
        {
            Err(Rejection::LicenseAlreadySuspended {
                license_no: it.license_no.clone(),
            })
        }
        _ => Ok(()),
    }
}

pub(super) fn license_not_suspended(proposal: Proposal<'_>) -> Verdict {
    match change_of(proposal) {
        Some((license, it))
            if it.change == LicenseChange::Reinstated && license.condition() == LicenseCondition::Active =>
        {
            Err(Rejection::LicenseNotSuspended {
                license_no: it.license_no.clone(),
            })
        }
        _ => Ok(()),
    }
}

pub(super) fn replacement_mismatch(proposal: Proposal<'_>) -> Verdict {
    let EventData::LicenseChanged(it) = proposal.data else {
        return Ok(());
    };
    let names_another = it
        .replaced_by
        .as_ref()
        .is_some_and(|other| *other != it.license_no);
    let holds = match it.change {
        LicenseChange::Replaced => names_another,
        LicenseChange::Suspended
        | LicenseChange::Reinstated
        | LicenseChange::Revoked
        | LicenseChange::Surrendered => it.replaced_by.is_none(),
    };
    if holds {
        return Ok(());
    }
    Err(Rejection::ReplacementMismatch {
        license_no: it.license_no.clone(),
        change: it.change,
        replaced_by: it.replaced_by.clone(),
    })
}

pub(super) fn change_out_of_order(proposal: Proposal<'_>) -> Verdict {
    let Some((license, it)) = change_of(proposal) else {
        return Ok(());
    };
    let previous = license
        .changes
        .last()
        .map_or(license.occurred_at, |changed| changed.effective_at);
    if previous <= it.effective_at {
        return Ok(());
    }
    Err(Rejection::ChangeOutOfOrder {
        effective_at: it.effective_at,
        previous,
    })
}

/// A change together with the licence it is about.
fn change_of(proposal: Proposal<'_>) -> Option<(&License, &LicenseChanged)> {
    let EventData::LicenseChanged(it) = proposal.data else {
        return None;
    };
    let license = proposal.standing.license.as_ref()?;
    (license.granted.license_no == it.license_no).then_some((license, it))
}
