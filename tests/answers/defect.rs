//! Every labelled defect is found, and nothing else is reported.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use portbook_answers::{Asked, Grounds, Question, Rule, answer, findings, uuid};
use portbook_domain::Reference;
use portbook_views::Facts;
use serde_json::Value;

use crate::scenario::{Message, facts, messages, messages_of, reference, repository};

/// A label, as rule and what it names: a licence or a number for rules about those, otherwise the event.
fn labels(path: &Path) -> Vec<(String, String)> {
    let text = std::fs::read_to_string(path).unwrap();
    let labels = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    let named = labels.map(|label| {
        let rule = label["rule"].as_str().unwrap().to_owned();
        let by = match rule.as_str() {
            "cleared_over_licensed" | "license_number_gap" => "license_no",
            _ => "event_id",
        };
        (rule, label[by].as_str().unwrap().to_owned())
    });
    named.collect()
}

/// Findings of messages as labels are: rule, and licence, number or event.
fn reported(facts: &Facts, reference: &Reference) -> Vec<(String, String)> {
    let grounds = Grounds::new(facts, reference, None);
    let found = findings(&grounds, &Rule::defects()).into_iter().map(|finding| {
        let is_about_a_number = matches!(finding.rule, Rule::ClearedOverLicensed | Rule::LicenseNumberGap);
        let subject = if is_about_a_number {
            finding.subject
        } else {
            uuid(finding.event.unwrap())
        };
        (finding.rule.word().to_owned(), subject)
    });
    found.collect()
}

/// Holds what is found in messages against their labels; gives how many defects there are.
#[track_caller]
fn held_against(messages: &[Message], labels: Vec<(String, String)>) -> usize {
    let reference = reference();
    let facts = facts(messages, &reference);
    let found = reported(&facts, &reference);
    let (absorbed, labels): (Vec<_>, Vec<_>) =
        labels.into_iter().partition(|(rule, _)| rule == "redelivery_ok");
    let labelled: BTreeSet<_> = labels.iter().collect();
    let reported: BTreeSet<_> = found.iter().collect();
    let missed: Vec<_> = labelled.difference(&reported).collect();
    let extra: Vec<_> = reported.difference(&labelled).collect();
    assert!(
        missed.is_empty() && extra.is_empty(),
        "missed {missed:?}, extra {extra:?}"
    );
    assert_eq!(found.len(), labels.len(), "a finding is reported twice");
    let repeated = facts.repeats().iter().filter(|repeat| !repeat.is_conflict);
    assert_eq!(repeated.count(), absorbed.len());
    labels.len()
}

#[test]
fn every_label_is_found_and_nothing_else() {
    let truth = labels(&repository().join("examples/scenario/truth.jsonl"));
    assert_eq!(held_against(&messages("events_anom.jsonl.gz"), truth), 177);
}

/// Facts that the product's own simulator makes up, and their labels.
fn simulated(more: &[&str]) -> (Vec<Message>, Vec<(String, String)>) {
    let directory = tempfile::TempDir::new().unwrap();
    let file = directory.path().join("facts.ndjson.gz");
    let made = Command::new(env!("CARGO_BIN_EXE_portbook"))
        .args(["simulate", "--out"])
        .arg(&file)
        .args(more)
        .output()
        .unwrap();
    assert!(made.status.success(), "{made:?}");
    let truth = directory.path().join("facts.truth.jsonl");
    let labels = if truth.exists() {
        labels(&truth)
    } else {
        Vec::new()
    };
    (messages_of(&file), labels)
}

#[test]
fn defects_of_other_seeds_are_found_as_well() {
    for seed in ["7", "424242"] {
        let (messages, labels) = simulated(&["--seed", seed, "--defects"]);
        assert!(held_against(&messages, labels) > 100, "seed {seed}");
        let (clean, none) = simulated(&["--seed", seed]);
        assert_eq!(held_against(&clean, none), 0, "seed {seed}");
    }
}

#[test]
fn simulated_declarations_are_what_ports_are_compared_by() {
    let (messages, labels) = simulated(&["--seed", "7", "--defects", "--declarations"]);
    held_against(&messages, labels);
    let reference = reference();
    let facts = facts(&messages, &reference);
    let grounds = Grounds::new(&facts, &reference, None);
    let ports = answer(&grounds, Question::Ports, &Asked::default()).unwrap();
    assert!(ports.n > 10_000, "{}", ports.n);
    let table = ports.table("declaration_to_clearance_hours").unwrap();
    assert!(table.rows.len() >= 10 && ports.table("kruskal_wallis").unwrap().rows.len() == 1);
}

#[test]
fn the_clean_file_has_no_finding() {
    let reference = reference();
    let facts = facts(&messages("events.jsonl.gz"), &reference);
    let grounds = Grounds::new(&facts, &reference, None);
    assert_eq!(findings(&grounds, &Rule::defects()), Vec::new());
}
