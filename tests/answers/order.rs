//! The same facts in another order, in several batches, through rows and back: the same answers.

use portbook_answers::{Asked, By, Grounds, Question, Rule, answer, findings};
use portbook_domain::{
    CaseId, Event, EventData, EventId, FieldPatch, RecordAnnulled, RecordCorrected, Reference, Text,
};
use portbook_views::{Facts, Placement, RecordClass, Recorded};

use crate::scenario::{Message, facts, messages, record, reference};

/// Everything that is printed, as text: every question in every breakdown, and every finding without its leaves.
pub(crate) fn told(facts: &Facts, reference: &Reference) -> Vec<String> {
    let grounds = Grounds::new(facts, reference, None);
    let mut told = Vec::new();
    for question in Question::ALL {
        let dimensions = question.dimensions().iter().copied().map(Some);
        for by in dimensions.chain([None]) {
            let asked = Asked {
                by,
                ..Asked::default()
            };
            told.push(format!(
                "{by:?} {:?}",
                answer(&grounds, *question, &asked).unwrap()
            ));
        }
    }
    for mut finding in findings(&grounds, Rule::ALL) {
        finding.records = vec![u64::try_from(finding.records.len()).unwrap()];
        // Which record of a conflict is the original is a matter of order and nothing else.
        if finding.rule == Rule::IdConflict {
            finding.evidence.clear();
        }
        told.push(format!("{finding:?}"));
    }
    told
}

#[track_caller]
pub(crate) fn same(found: &[String], expected: &[String]) {
    for (found, expected) in found.iter().zip(expected) {
        assert_eq!(found, expected);
    }
    assert_eq!(found.len(), expected.len());
}

/// Messages in an order that has nothing to do with time. A conflict stays behind its original: which comes first is what it
/// is about.
fn shuffled(messages: &[Message]) -> Vec<&Message> {
    let mut order: Vec<(u64, usize)> = (0..messages.len())
        .map(|at| {
            let id = messages[at].event.id.as_str();
            let mixed = id.bytes().fold(7_u64, |hash, byte| {
                (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
            });
            (mixed, at)
        })
        .collect();
    order.sort_unstable();
    order.into_iter().map(|(_, at)| &messages[at]).collect()
}

#[test]
fn another_order_gives_the_same_answers() {
    let reference = reference();
    let messages = messages("events_anom.jsonl.gz");
    let expected = told(&facts(&messages, &reference), &reference);
    same(
        &told(&facts(shuffled(&messages), &reference), &reference),
        &expected,
    );
}

#[test]
fn rows_hold_everything() {
    let reference = reference();
    let messages = messages("events_anom.jsonl.gz");
    let whole = facts(&messages, &reference);
    let rows: Vec<_> = whole.rows().map(|(leaf, row)| (leaf, row.into_owned())).collect();
    assert!(rows.is_sorted_by(|a, b| a.0 < b.0));
    assert_eq!(rows.len(), messages.len());
    let again = Facts::from_rows(rows.clone());
    assert!(
        again
            .rows()
            .map(|(leaf, row)| (leaf, row.into_owned()))
            .eq(rows.iter().cloned())
    );
    same(&told(&again, &reference), &told(&whole, &reference));
    // Half from rows, half from records: what a program does that was stopped in between.
    let (half, rest) = messages.split_at(messages.len() / 2);
    let mut resumed = Facts::from_rows(
        facts(half, &reference)
            .rows()
            .map(|(leaf, row)| (leaf, row.into_owned())),
    );
    let mut passed = 0;
    record(half.iter().chain(rest), &reference, |recorded| {
        passed += 1;
        if passed > half.len() {
            resumed.take(recorded);
        }
    });
    assert!(
        resumed
            .rows()
            .map(|(leaf, row)| (leaf, row.into_owned()))
            .eq(rows)
    );
}

/// A record about another record, as a service would state it.
fn repair(case: &CaseId, id: &str, data: EventData, like: &Message) -> Event {
    Event {
        case: case.clone(),
        id: EventId::new(id).unwrap(),
        occurred_at: like.event.occurred_at,
        data,
    }
}

fn text(text: &str) -> Text {
    Text::new(text).unwrap()
}

fn take(facts: &mut Facts, index: u64, event: &Event, like: &Message) {
    facts.take(&Recorded {
        place: Placement {
            index,
            chain_seq: index,
            recorded_at_ns: index,
        },
        class: RecordClass::Event,
        refers_to: None,
        port: &like.envelope.port,
        port_as_written: &like.envelope.port,
        source: "urn:portbook:svc:licensing",
        source_recorded_at: None,
        simulated: true,
        event,
    });
}

/// A grant of the scenario, its correction to another quantity, and the annulment of that correction.
fn repairs(messages: &[Message]) -> (usize, Event, Event) {
    let at = messages
        .iter()
        .position(|message| matches!(message.event.data, EventData::LicenseGranted(_)))
        .unwrap();
    let target = &messages[at];
    let leaf = "0".repeat(64).parse().unwrap();
    let correction = RecordCorrected {
        target_event_id: target.event.id.clone(),
        target_leaf: leaf,
        field_patches: vec![FieldPatch {
            pointer: text("/lines/0/granted_g"),
            old: text("6240000"),
            new: text("1000"),
        }],
        reason: text("typing error"),
        requested_by: None,
        approved_by: text("b"),
    };
    let correction = repair(
        &target.event.case,
        "00000000-0000-7000-8000-000000000001",
        EventData::RecordCorrected(correction),
        target,
    );
    let annulment = RecordAnnulled {
        target_event_id: correction.id.clone(),
        target_leaf: "0".repeat(64).parse().unwrap(),
        reason: text("was right"),
        requested_by: None,
        approved_by: text("b"),
    };
    let annulment = repair(
        &target.event.case,
        "00000000-0000-7000-8000-000000000002",
        EventData::RecordAnnulled(annulment),
        target,
    );
    (at, correction, annulment)
}

/// The facts of messages, one of them corrected, and one annulled that nobody recorded.
pub(crate) fn repaired(messages: &[Message], reference: &Reference) -> Facts {
    let mut facts = facts(messages, reference);
    let (at, correction, mut annulment) = repairs(messages);
    take(&mut facts, 1_000_000, &correction, &messages[at]);
    if let EventData::RecordAnnulled(it) = &mut annulment.data {
        it.target_event_id = EventId::new("00000000-0000-7000-8000-00000000000f").unwrap();
    }
    take(&mut facts, 1_000_001, &annulment, &messages[at]);
    facts
}

fn licensed_g(facts: &Facts, reference: &Reference) -> u64 {
    let grounds = Grounds::new(facts, reference, None);
    let asked = Asked {
        by: Some(By::Month),
        ..Asked::default()
    };
    let licensed = answer(&grounds, Question::Licensed, &asked).unwrap();
    let cells = licensed
        .table("licensed")
        .unwrap()
        .rows
        .iter()
        .map(|row| row[2].clone());
    cells
        .map(|cell| {
            if let portbook_answers::Cell::Grams(grams) = cell {
                grams
            } else {
                panic!("{cell:?}")
            }
        })
        .sum()
}

#[test]
fn corrections_apply_and_can_be_left_out_and_annulled_in_every_order() {
    let reference = reference();
    let messages = messages("events.jsonl.gz");
    let recorded = facts(&messages, &reference);
    let (at, correction, annulment) = repairs(&messages);
    let whole = licensed_g(&recorded, &reference);
    let like = &messages[at];
    let corrected = whole - 6_240_000 + 1000;

    // The repairs after their targets, and before them, as a view may take a case late.
    for late in [false, true] {
        let mut facts = Facts::default();
        let repair_all = |facts: &mut Facts, steps: &[&Event]| {
            for (place, event) in (1_000_000..).zip(steps) {
                take(facts, place, event, like);
            }
        };
        if late {
            repair_all(&mut facts, &[&correction]);
        }
        record(&messages, &reference, |recorded| facts.take(recorded));
        if !late {
            repair_all(&mut facts, &[&correction]);
        }
        assert_eq!(licensed_g(&facts, &reference), corrected, "late {late}");
        assert_eq!(facts.repaired(), (1, 0));
        assert_eq!(licensed_g(&facts.as_recorded(), &reference), whole);
        let rows: Vec<_> = facts.rows().map(|(leaf, row)| (leaf, row.into_owned())).collect();
        assert_eq!(rows.len(), messages.len() + 1);
        assert_eq!(licensed_g(&Facts::from_rows(rows), &reference), corrected);
        take(&mut facts, 2_000_000, &annulment, like);
        assert_eq!(
            licensed_g(&facts, &reference),
            whole,
            "an annulled correction corrects nothing"
        );
        same(
            &told(&facts.as_recorded(), &reference),
            &told(&recorded, &reference),
        );
    }
}

#[test]
fn an_annulled_grant_leaves_no_trace_in_answers() {
    let reference = reference();
    let messages = messages("events.jsonl.gz");
    let (at, correction, _) = repairs(&messages);
    let target = &messages[at];
    let annulment = RecordAnnulled {
        target_event_id: target.event.id.clone(),
        target_leaf: "0".repeat(64).parse().unwrap(),
        reason: text("never happened"),
        requested_by: None,
        approved_by: text("b"),
    };
    let annulment = repair(
        &target.event.case,
        "00000000-0000-7000-8000-000000000003",
        EventData::RecordAnnulled(annulment),
        target,
    );
    let mut annulled = facts(&messages, &reference);
    take(&mut annulled, 1_000_000, &correction, target);
    take(&mut annulled, 1_000_001, &annulment, target);
    let without: Vec<&Message> = messages
        .iter()
        .filter(|message| message.event.id != target.event.id)
        .collect();
    let without = facts(without, &reference);
    let rules = [Rule::LicenseUnknown, Rule::LicenseNumberGap];
    let grounds = Grounds::new(&annulled, &reference, None);
    let found = findings(&grounds, &rules);
    assert!(
        !found.is_empty(),
        "the clearances of the annulled licence rest on nothing now"
    );
    let expected = findings(&Grounds::new(&without, &reference, None), &rules);
    let subjects = |found: &[portbook_answers::Finding]| {
        found
            .iter()
            .map(|it| (it.rule, it.subject.clone()))
            .collect::<Vec<_>>()
    };
    assert_eq!(subjects(&found), subjects(&expected));
    assert_eq!(
        licensed_g(&annulled, &reference),
        licensed_g(&without, &reference)
    );
}

#[test]
fn of_several_grants_the_first_in_time_counts_whichever_was_recorded_first() {
    let reference = reference();
    let messages = messages("events.jsonl.gz");
    let (at, _, _) = repairs(&messages);
    let granted = &messages[at];
    let submitted = messages
        .iter()
        .find(|message| message.event.case == granted.event.case)
        .unwrap();
    let mut again = granted.clone();
    again.event.id = EventId::new("00000000-0000-7000-8000-000000000009").unwrap();
    again.event.occurred_at += jiff::SignedDuration::from_hours(24 * 30);
    let days = |order: [&Message; 3]| {
        let facts = facts(order, &reference);
        let grounds = Grounds::new(&facts, &reference, None);
        let latency = answer(&grounds, Question::Latency, &Asked::default()).unwrap();
        let table = latency.table("calendar_days").unwrap();
        (
            table.cell(&["all"], "n").unwrap().to_text(),
            table.cell(&["all"], "max").unwrap().to_text(),
        )
    };
    let expected = days([submitted, granted, &again]);
    assert_eq!(expected.0, "1");
    assert_eq!(days([submitted, &again, granted]), expected);
    assert_eq!(days([&again, granted, submitted]), expected);
    let later = facts([submitted, &again], &reference);
    assert_ne!(
        told(&later, &reference),
        told(&facts([submitted, granted], &reference), &reference)
    );
}
