//! Invariants 5 to 9 and 12 of declarations and clearances.

use std::collections::{BTreeMap, BTreeSet};

use super::application::is_open;
use super::{Claim, change, clearance, declaration, each, ending, grant, query};
use crate::calendar::local_date;
use crate::{
    ClearedLine, ControlStatus, DeclarationNo, Event, EventData, LicenseChange, QueryStage, ShipmentCleared,
    ShipmentOutcome,
};

pub(super) const CLAIMS: &[Claim] = &[
    ("5: a declaration takes each step once, in order", steps_in_order),
    (
        "5: no more cleared than declared, of the same goods",
        cleared_within_declared,
    ),
    (
        "5: no more back than was cleared, and it is known of which line",
        returned_within_cleared,
    ),
    (
        "5: cleared, less returned, with what is declared and open, within the grant",
        drawn_within_granted,
    ),
    (
        "6: controlled goods move under the licence of the case",
        controlled_goods_have_license,
    ),
    (
        "6: a clearance falls within the dates of its licence",
        cleared_within_dates,
    ),
    (
        "6: a clearance falls while the licence is active",
        cleared_while_active,
    ),
    (
        "7: declared and cleared goods are the goods granted",
        goods_stay_the_same,
    ),
    ("7: lines are listed once and have mass", lines_are_sound),
    (
        "8: customs asks about an open declaration",
        challenges_name_open_declarations,
    ),
    (
        "8: nothing is cleared while customs waits for an answer",
        cleared_after_answers,
    ),
    (
        "9: no licence is used more often than it allows",
        uses_within_limit,
    ),
    (
        "12: declarations, clearances and endings follow one another",
        order_of_times,
    ),
];

/// Where a declaration stands after `events`: `None` unmade, else whether it is open, cleared or over.
fn status_of(events: &[&Event], number: &DeclarationNo) -> Option<&'static str> {
    let mut status = None;
    for event in events {
        let (of, step) = if let EventData::ShipmentDeclared(it) = &event.data {
            (&it.declaration_no, "open")
        } else if let EventData::ShipmentCleared(it) = &event.data {
            (&it.declaration_no, "cleared")
        } else if let EventData::ShipmentClosed(it) = &event.data {
            (&it.declaration_no, "over")
        } else {
            continue;
        };
        status = if of == number { Some(step) } else { status };
    }
    status
}

fn steps_in_order(events: &[&Event]) -> bool {
    each(events, declaration).all(|(before, _, it)| status_of(before, &it.declaration_no).is_none())
        && each(events, clearance)
            .all(|(before, _, it)| status_of(before, &it.declaration_no) == Some("open"))
        && each(events, ending).all(|(before, _, it)| {
            let expected = if it.outcome == ShipmentOutcome::Reversed {
                "cleared"
            } else {
                "open"
            };
            status_of(before, &it.declaration_no) == Some(expected)
        })
}

fn cleared_within_declared(events: &[&Event]) -> bool {
    each(events, clearance).all(|(before, _, it)| {
        let declared = each(before, declaration).find(|(_, _, d)| d.declaration_no == it.declaration_no);
        declared.is_some_and(|(_, _, declared)| {
            it.lines.iter().all(|cleared| {
                declared.lines.iter().any(|line| {
                    let same = ClearedLine {
                        cleared_g: cleared.cleared_g,
                        ..line.clone()
                    } == *cleared;
                    same && cleared.cleared_g <= line.cleared_g
                })
            })
        })
    })
}

fn cleared_before<'a>(before: &'a [&'a Event], number: &DeclarationNo) -> Option<&'a ShipmentCleared> {
    each(before, clearance)
        .map(|(_, _, it)| it)
        .find(|it| it.declaration_no == *number)
}

fn total(lines: &[ClearedLine]) -> u64 {
    lines.iter().map(|line| line.cleared_g.get()).sum()
}

fn returned_within_cleared(events: &[&Event]) -> bool {
    each(events, ending).all(|(before, _, it)| {
        let Some(returned) = it.returned_g.map(crate::Grams::get) else {
            return true;
        };
        cleared_before(before, &it.declaration_no).is_some_and(|cleared| {
            returned == total(&cleared.lines)
                || (returned < total(&cleared.lines) && cleared.lines.len() == 1)
        }) && it.outcome == ShipmentOutcome::Reversed
    })
}

/// Grams drawn per line and declaration under a licence, told step by step.
fn drawn(events: &[&Event]) -> BTreeMap<(DeclarationNo, u16), u64> {
    let mut drawn: BTreeMap<(DeclarationNo, u16), u64> = BTreeMap::new();
    for event in events {
        if let EventData::ShipmentDeclared(it) = &event.data
            && it.license_no.is_some()
        {
            replace_drawn(&mut drawn, &it.declaration_no, &it.lines);
        }
        if let EventData::ShipmentCleared(it) = &event.data
            && it.license_no.is_some()
        {
            replace_drawn(&mut drawn, &it.declaration_no, &it.lines);
        }
        if let EventData::ShipmentClosed(it) = &event.data {
            match it.returned_g {
                None => replace_drawn(&mut drawn, &it.declaration_no, &[]),
                Some(returned) => drawn
                    .iter_mut()
                    .filter(|((number, _), _)| *number == it.declaration_no)
                    .for_each(|(_, grams)| *grams = grams.saturating_sub(returned.get())),
            }
        }
    }
    drawn
}

fn replace_drawn(
    drawn: &mut BTreeMap<(DeclarationNo, u16), u64>,
    number: &DeclarationNo,
    lines: &[ClearedLine],
) {
    drawn.retain(|(of, _), _| of != number);
    for line in lines {
        *drawn
            .entry((number.clone(), line.line.unwrap_or_default()))
            .or_default() += line.cleared_g.get();
    }
}

fn drawn_within_granted(events: &[&Event]) -> bool {
    (0..=events.len()).all(|upto| {
        let drawn = drawn(&events[..upto]);
        each(&events[..upto], grant).all(|(_, _, it)| {
            it.lines.iter().all(|granted| {
                let sum: u64 = drawn
                    .iter()
                    .filter(|((_, line), _)| *line == granted.line)
                    .map(|(_, grams)| grams)
                    .sum();
                sum <= granted.granted_g.get()
            })
        })
    })
}

fn controlled_goods_have_license(events: &[&Event]) -> bool {
    let declared =
        each(events, declaration).map(|(before, _, it)| (before, &it.license_no, it.control_status));
    let cleared = each(events, clearance).map(|(before, _, it)| (before, &it.license_no, it.control_status));
    declared
        .chain(cleared)
        .all(|(before, license_no, status)| match license_no {
            Some(named) => each(before, grant).any(|(_, _, it)| it.license_no == *named),
            None => status != ControlStatus::Controlled,
        })
}

fn cleared_within_dates(events: &[&Event]) -> bool {
    each(events, clearance)
        .filter(|(_, _, it)| it.license_no.is_some())
        .all(|(before, event, _)| {
            let date = local_date(event.occurred_at);
            each(before, grant)
                .all(|(_, _, it)| it.valid_from.is_some_and(|from| from <= date) && date <= it.valid_until)
        })
}

fn cleared_while_active(events: &[&Event]) -> bool {
    each(events, clearance)
        .filter(|(_, _, it)| it.license_no.is_some())
        .all(|(before, event, _)| {
            let in_effect = each(before, change).filter(|(_, _, it)| it.effective_at <= event.occurred_at);
            in_effect
                .last()
                .is_none_or(|(_, _, it)| it.change == LicenseChange::Reinstated)
        })
}

fn goods_stay_the_same(events: &[&Event]) -> bool {
    let under_license = each(events, declaration).filter(|(_, _, it)| it.license_no.is_some());
    let declared_as_granted = { under_license }.all(|(before, _, it)| {
        each(before, grant).all(|(_, _, granted)| {
            it.destination.as_ref() == Some(&granted.destination)
                && it.lines.iter().all(|line| {
                    granted.lines.iter().any(|granted| {
                        line.line == Some(granted.line)
                            && line.hs == granted.hs
                            && line.control_code.as_ref() == Some(&granted.control_code)
                            && line.element.as_ref() == Some(&granted.element)
                    })
                })
        })
    });
    let cleared_as_declared = each(events, clearance).all(|(before, _, it)| {
        each(before, declaration)
            .filter(|(_, _, d)| d.declaration_no == it.declaration_no)
            .all(|(_, _, d)| d.license_no == it.license_no && d.destination.as_ref() == Some(&it.destination))
    });
    declared_as_granted && cleared_as_declared
}

fn lines_are_sound(events: &[&Event]) -> bool {
    let declared = each(events, declaration).map(|(_, _, it)| &it.lines);
    declared
        .chain(each(events, clearance).map(|(_, _, it)| &it.lines))
        .all(|lines| {
            let mut seen = BTreeSet::new();
            !lines.is_empty()
                && lines.iter().all(|line| {
                    line.cleared_g.get() > 0 && line.line.is_none_or(|number| seen.insert(number))
                })
        })
}

fn challenges_name_open_declarations(events: &[&Event]) -> bool {
    each(events, query)
        .filter(|(_, _, it)| it.stage == QueryStage::Customs)
        .all(|(before, event, it)| {
            it.declaration_no.as_ref().is_some_and(|number| {
                status_of(before, number) == Some("open")
                    && each(before, declaration)
                        .filter(|(_, _, d)| d.declaration_no == *number)
                        .all(|(_, declared, _)| declared.occurred_at <= event.occurred_at)
            })
        })
}

fn cleared_after_answers(events: &[&Event]) -> bool {
    each(events, clearance).all(|(before, event, it)| {
        // An answer given after the goods left came too late.
        let in_time: Vec<&Event> = before
            .iter()
            .filter(|told| told.occurred_at <= event.occurred_at)
            .copied()
            .collect();
        each(before, query)
            .filter(|(_, _, asked)| asked.declaration_no.as_ref() == Some(&it.declaration_no))
            .all(|(_, _, asked)| !is_open(&in_time, asked))
    })
}

fn uses_within_limit(events: &[&Event]) -> bool {
    (0..=events.len()).all(|upto| {
        let events = &events[..upto];
        let used: BTreeSet<_> = drawn(events)
            .into_iter()
            .filter(|(_, grams)| *grams > 0)
            .map(|(of, _)| of.0)
            .collect();
        each(events, grant).all(|(_, _, it)| {
            it.uses_allowed
                .is_none_or(|max| used.len() <= usize::try_from(max).unwrap())
        })
    })
}

fn order_of_times(events: &[&Event]) -> bool {
    let declared_after_grant = each(events, declaration).all(|(before, event, it)| {
        it.license_no.is_none()
            || each(before, grant).all(|(_, granted, _)| granted.occurred_at <= event.occurred_at)
    });
    let cleared_after_declared = each(events, clearance).all(|(before, event, it)| {
        each(before, declaration)
            .filter(|(_, _, d)| d.declaration_no == it.declaration_no)
            .all(|(_, declared, _)| declared.occurred_at <= event.occurred_at)
    });
    let reversed_after_cleared = each(events, ending).all(|(before, event, it)| {
        each(before, clearance)
            .filter(|(_, _, c)| c.declaration_no == it.declaration_no)
            .all(|(_, cleared, _)| cleared.occurred_at <= event.occurred_at)
    });
    declared_after_grant && cleared_after_declared && reversed_after_cleared
}
