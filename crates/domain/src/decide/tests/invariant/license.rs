//! Invariants 4, 6, 7 and 9 of the licence and its changes.

use std::collections::BTreeSet;

use jiff::ToSpan as _;

use super::{Claim, change, each, grant, submission};
use crate::{Event, Lane, LicenseChange, LicenseKind};

pub(super) const CLAIMS: &[Claim] = &[
    (
        "4: grants lie within what was applied for",
        grants_within_application,
    ),
    (
        "4: a licence lasts a year (single) or three (general)",
        validity_within_law,
    ),
    (
        "7: a grant is for the destination applied for",
        grants_for_destination,
    ),
    ("9: a licence allows a use", grants_allow_use),
    (
        "the expedited lane is for the European Union and China",
        expedited_is_eligible,
    ),
    (
        "6: changes are of the licence, in order, and none after its end",
        changes_are_sound,
    ),
    (
        "a replacement names another licence, nothing else does",
        replacements_name_another,
    ),
];

fn grants_within_application(events: &[&Event]) -> bool {
    each(events, grant).all(|(before, _, it)| {
        let mut seen = BTreeSet::new();
        let Some((_, _, application)) = each(before, submission).next() else {
            return false;
        };
        !it.lines.is_empty()
            && it.lines.iter().all(|granted| {
                seen.insert(granted.line)
                    && granted.granted_g.get() > 0
                    && application.lines.iter().any(|applied| {
                        applied.line == granted.line
                            && applied.hs == granted.hs
                            && applied.control_code == granted.control_code
                            && applied.element == granted.element
                            && granted.granted_g <= applied.net_mass_g
                    })
            })
    })
}

fn validity_within_law(events: &[&Event]) -> bool {
    each(events, grant).all(|(_, _, it)| {
        let years = match it.kind {
            Some(LicenseKind::Single) => 1,
            Some(LicenseKind::General) => 3,
            Some(LicenseKind::Certificate) | None => 100,
        };
        it.valid_from
            .is_some_and(|from| from <= it.valid_until && it.valid_until <= from + years.years())
    })
}

fn grants_for_destination(events: &[&Event]) -> bool {
    each(events, grant).all(|(before, _, it)| {
        each(before, submission).all(|(_, _, filed)| filed.destination == it.destination)
    })
}

fn grants_allow_use(events: &[&Event]) -> bool {
    each(events, grant).all(|(_, _, it)| it.uses_allowed != Some(0))
}

fn expedited_is_eligible(events: &[&Event]) -> bool {
    each(events, grant)
        .all(|(_, _, it)| it.lane == Lane::Standard || ["CN", "DE", "FR"].contains(&it.destination.as_str()))
}

fn changes_are_sound(events: &[&Event]) -> bool {
    each(events, change).all(|(before, event, it)| {
        let Some((_, granted_at, granted)) = each(before, grant).next() else {
            return false;
        };
        let earlier: Vec<_> = each(before, change).map(|(_, _, it)| it).collect();
        let last = earlier.last().map(|it| it.change);
        let may_follow = match last {
            None | Some(LicenseChange::Reinstated) => it.change != LicenseChange::Reinstated,
            Some(LicenseChange::Suspended) => it.change != LicenseChange::Suspended,
            Some(LicenseChange::Revoked | LicenseChange::Surrendered | LicenseChange::Replaced) => false,
        };
        may_follow
            && granted.license_no == it.license_no
            && granted_at.occurred_at <= event.occurred_at
            && granted_at.occurred_at <= it.effective_at
            && earlier
                .iter()
                .all(|earlier| earlier.effective_at <= it.effective_at)
    })
}

fn replacements_name_another(events: &[&Event]) -> bool {
    each(events, change).all(|(_, _, it)| {
        let another = it
            .replaced_by
            .as_ref()
            .is_some_and(|other| *other != it.license_no);
        another == (it.change == LicenseChange::Replaced) && another == it.replaced_by.is_some()
    })
}
