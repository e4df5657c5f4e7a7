//! Invariants 1 to 3, 7 and 12 of the application, its queries and its decision.

use std::collections::BTreeSet;

use super::{Claim, answer, closing, each, grant, query, submission};
use crate::calendar::local_date;
use crate::{Event, EventData, PaperworkQueried, QueryStage};

pub(super) const CLAIMS: &[Claim] = &[
    ("1: one submission, first", one_submission_first),
    (
        "2: at most one decision, and no licensing query after it",
        one_decision,
    ),
    ("3: an answer names an open query", answers_name_open_queries),
    ("3: a query id is asked once", query_ids_are_unique),
    (
        "3: no grant while a licensing query is open",
        grants_wait_for_answers,
    ),
    (
        "4: what is applied for has lines, each once, each with mass",
        applied_lines_are_sound,
    ),
    (
        "12: decisions, queries and answers follow what they are about",
        order_of_times,
    ),
    ("a reply is not due before the query", replies_are_due_later),
];

fn one_submission_first(events: &[&Event]) -> bool {
    let facts: Vec<_> = events
        .iter()
        .filter(|it| {
            !matches!(
                it.data,
                EventData::RecordCorrected(_) | EventData::RecordAnnulled(_)
            )
        })
        .collect();
    let is_submission = |it: &&&Event| matches!(it.data, EventData::ApplicationSubmitted(_));
    facts.is_empty() || (is_submission(&facts[0]) && facts.iter().filter(|it| is_submission(it)).count() == 1)
}

fn one_decision(events: &[&Event]) -> bool {
    let decided = |it: &Event| {
        matches!(
            it.data,
            EventData::ApplicationClosed(_) | EventData::LicenseGranted(_)
        )
    };
    let asked_after = each(events, query)
        .any(|(before, _, it)| it.stage == QueryStage::Licensing && before.iter().any(|it| decided(it)));
    events.iter().filter(|it| decided(it)).count() <= 1 && !asked_after
}

/// Whether a query is open after `events`.
pub(super) fn is_open(events: &[&Event], asked: &PaperworkQueried) -> bool {
    !each(events, answer).any(|(_, _, it)| it.query_id == asked.query_id && it.complete)
}

fn answers_name_open_queries(events: &[&Event]) -> bool {
    each(events, answer).all(|(before, _, it)| {
        each(before, query).any(|(_, _, asked)| asked.query_id == it.query_id && is_open(before, asked))
    })
}

fn query_ids_are_unique(events: &[&Event]) -> bool {
    let mut seen = BTreeSet::new();
    each(events, query).all(|(_, _, it)| seen.insert(&it.query_id))
}

fn grants_wait_for_answers(events: &[&Event]) -> bool {
    each(events, grant).all(|(before, event, _)| {
        each(before, query)
            .filter(|(_, _, asked)| asked.stage == QueryStage::Licensing)
            .all(|(_, _, asked)| {
                each(before, answer).any(|(_, at, it)| {
                    it.query_id == asked.query_id && it.complete && at.occurred_at <= event.occurred_at
                })
            })
    })
}

fn applied_lines_are_sound(events: &[&Event]) -> bool {
    each(events, submission).all(|(_, _, it)| {
        let mut seen = BTreeSet::new();
        !it.lines.is_empty()
            && it
                .lines
                .iter()
                .all(|line| line.net_mass_g.get() > 0 && seen.insert(line.line))
    })
}

fn order_of_times(events: &[&Event]) -> bool {
    let filed = each(events, submission)
        .map(|(_, event, _)| event.occurred_at)
        .next();
    let decisions = each(events, closing).map(|(_, event, _)| event);
    let after_filing = decisions
        .chain(each(events, grant).map(|(_, event, _)| event))
        .chain(each(events, query).map(|(_, event, _)| event))
        .all(|event| filed.is_none_or(|filed| filed <= event.occurred_at));
    let answers_follow = each(events, answer).all(|(before, event, it)| {
        each(before, query)
            .any(|(_, asked, q)| q.query_id == it.query_id && asked.occurred_at <= event.occurred_at)
    });
    after_filing && answers_follow
}

fn replies_are_due_later(events: &[&Event]) -> bool {
    each(events, query).all(|(_, event, it)| {
        it.reply_due
            .is_none_or(|due| due >= local_date(event.occurred_at))
    })
}
