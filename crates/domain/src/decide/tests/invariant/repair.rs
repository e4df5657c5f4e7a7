//! Invariants 11 and 12, and what must hold of corrections and annulments.

use std::collections::BTreeSet;

use jiff::SignedDuration;

use super::{Told, is_annulled};
use crate::{Event, EventData, EventId, FieldPatch, Text};

/// A claim about everything told, annulled events included.
type Claim = (&'static str, fn(&[Told]) -> bool);

pub(super) const CLAIMS: &[Claim] = &[
    ("11: a command id is answered once", commands_are_answered_once),
    (
        "12: nothing is told of the future, two minutes aside",
        nothing_of_the_future,
    ),
    (
        "repairs are of an earlier event that stands",
        repairs_are_of_standing_events,
    ),
    ("repairs need two persons", repairs_need_two),
    ("annulments are not annulled", annulments_stand),
    (
        "corrections change what decides nothing",
        corrections_are_harmless,
    ),
];

fn commands_are_answered_once(told: &[Told]) -> bool {
    let mut seen = BTreeSet::new();
    told.iter().all(|it| seen.insert(&it.command))
}

fn nothing_of_the_future(told: &[Told]) -> bool {
    told.iter()
        .all(|it| it.event.occurred_at <= it.now + SignedDuration::from_secs(120))
}

struct Repair<'a> {
    before: &'a [Told],
    event: &'a Event,
    target: &'a EventId,
    persons: (&'a Option<Text>, &'a Text),
    patches: Option<&'a [FieldPatch]>,
}

fn repairs(told: &[Told]) -> impl Iterator<Item = Repair<'_>> {
    told.iter().enumerate().filter_map(|(at, it)| {
        let (target, persons, patches) = if let EventData::RecordCorrected(of) = &it.event.data {
            (
                &of.target_event_id,
                (&of.requested_by, &of.approved_by),
                Some(of.field_patches.as_slice()),
            )
        } else if let EventData::RecordAnnulled(of) = &it.event.data {
            (&of.target_event_id, (&of.requested_by, &of.approved_by), None)
        } else {
            return None;
        };
        Some(Repair {
            before: &told[..at],
            event: &it.event,
            target,
            persons,
            patches,
        })
    })
}

fn target<'a>(repair: &Repair<'a>) -> Option<&'a Event> {
    repair
        .before
        .iter()
        .map(|it| &it.event)
        .find(|event| event.id == *repair.target)
}

fn repairs_are_of_standing_events(told: &[Told]) -> bool {
    repairs(told).all(|repair| {
        target(&repair).is_some_and(|target| target.occurred_at <= repair.event.occurred_at)
            && !is_annulled(repair.before, repair.target)
    })
}

fn repairs_need_two(told: &[Told]) -> bool {
    repairs(told).all(|repair| {
        repair
            .persons
            .0
            .as_ref()
            .is_some_and(|first| first != repair.persons.1)
    })
}

fn annulments_stand(told: &[Told]) -> bool {
    repairs(told)
        .filter(|repair| repair.patches.is_none())
        .all(|repair| {
            target(&repair).is_some_and(|target| !matches!(target.data, EventData::RecordAnnulled(_)))
        })
}

fn corrections_are_harmless(told: &[Told]) -> bool {
    let decides = [
        "_g",
        "/valid_until",
        "/destination",
        "/license_no",
        "/hs",
        "/line",
        "/control_code",
    ];
    repairs(told).filter_map(|repair| repair.patches).all(|patches| {
        patches.iter().any(|patch| patch.old != patch.new)
            && patches.iter().all(|patch| {
                !decides
                    .iter()
                    .any(|field| patch.pointer.as_str().ends_with(field))
            })
    })
}
