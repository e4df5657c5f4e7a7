//! Rules about when something occurred.

use jiff::{SignedDuration, Timestamp};

use super::{Entry, Proposal, Verdict};
use crate::case::{DeclarationStatus, Standing, target_of};
use crate::event::{EventData, ShipmentCleared, ShipmentClosed, ShipmentOutcome};
use crate::rejection::Rejection;

pub(super) fn occurred_in_future(proposal: Proposal<'_>, entry: Entry<'_>) -> Verdict {
    let skew_s = entry.policy.clock_skew_s_max;
    let ahead = proposal.occurred_at.duration_since(entry.now);
    if ahead <= SignedDuration::from_secs(i64::from(skew_s)) {
        return Ok(());
    }
    Err(Rejection::OccurredInFuture {
        occurred_at: proposal.occurred_at,
        now: entry.now,
        skew_s,
    })
}

pub(super) fn occurred_before_cause(proposal: Proposal<'_>) -> Verdict {
    match cause_of(proposal) {
        Some(cause) if proposal.occurred_at < cause => Err(Rejection::OccurredBeforeCause {
            occurred_at: proposal.occurred_at,
            cause,
        }),
        _ => Ok(()),
    }
}

/// When the latest of the events occurred that this one follows from.
fn cause_of(proposal: Proposal<'_>) -> Option<Timestamp> {
    let standing = proposal.standing;
    match proposal.data {
        EventData::ApplicationSubmitted(_) => None,
        EventData::ApplicationClosed(_) => submitted_at(standing),
        EventData::PaperworkQueried(it) => it
            .declaration_no
            .as_ref()
            .and_then(|number| standing.declarations.get(number))
            .map(|declaration| declaration.occurred_at)
            .or_else(|| submitted_at(standing)),
        EventData::PaperworkAnswered(it) => standing.queries.get(&it.query_id).map(|query| query.occurred_at),
        EventData::LicenseGranted(_) => standing
            .licensing_queries()
            .filter_map(|query| query.answered_at)
            .chain(submitted_at(standing))
            .max(),
        EventData::LicenseChanged(_) => standing.license.as_ref().map(|license| license.occurred_at),
        EventData::ShipmentDeclared(it) => match &it.license_no {
            Some(_) => standing.license.as_ref().map(|license| license.occurred_at),
            None => submitted_at(standing),
        },
        EventData::ShipmentCleared(it) => cause_of_clearance(standing, it),
        EventData::ShipmentClosed(it) => cause_of_closing(standing, it),
        EventData::RecordCorrected(_) | EventData::RecordAnnulled(_) => target_of(proposal.data)
            .and_then(|target| proposal.case.event(target))
            .map(|past| past.event.occurred_at),
    }
}

fn submitted_at(standing: &Standing) -> Option<Timestamp> {
    standing
        .application
        .as_ref()
        .map(|application| application.occurred_at)
}

fn cause_of_clearance(standing: &Standing, cleared: &ShipmentCleared) -> Option<Timestamp> {
    let declared_at = standing
        .declarations
        .get(&cleared.declaration_no)
        .map(|declaration| declaration.occurred_at);
    standing
        .customs_queries(&cleared.declaration_no)
        .filter_map(|query| query.answered_at)
        .chain(declared_at)
        .max()
}

fn cause_of_closing(standing: &Standing, closed: &ShipmentClosed) -> Option<Timestamp> {
    let declaration = standing.declarations.get(&closed.declaration_no)?;
    if let DeclarationStatus::Cleared { occurred_at, .. } = declaration.status
        && closed.outcome == ShipmentOutcome::Reversed
    {
        return Some(occurred_at);
    }
    Some(declaration.occurred_at)
}
