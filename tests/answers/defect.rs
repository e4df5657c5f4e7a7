//! Every labelled defect is found, and nothing else is reported.

use std::collections::BTreeSet;

use portbook_answers::{Grounds, Rule, findings, uuid};
use serde_json::Value;

use crate::scenario::{facts, messages, reference, repository};

/// A label, as rule and what it names: a licence or a number for rules about those, otherwise the event.
fn labels() -> Vec<(String, String)> {
    let text = std::fs::read_to_string(repository().join("examples/scenario/truth.jsonl")).unwrap();
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

#[test]
fn every_label_is_found_and_nothing_else() {
    let reference = reference();
    let facts = facts(&messages("events_anom.jsonl.gz"), &reference);
    let grounds = Grounds::new(&facts, &reference, None);
    let found: Vec<(String, String)> = findings(&grounds, &Rule::defects())
        .into_iter()
        .map(|finding| {
            let is_about_a_number =
                matches!(finding.rule, Rule::ClearedOverLicensed | Rule::LicenseNumberGap);
            let subject = if is_about_a_number {
                finding.subject
            } else {
                uuid(finding.event.unwrap())
            };
            (finding.rule.word().to_owned(), subject)
        })
        .collect();
    let labels = labels();
    let (absorbed, labels): (Vec<_>, Vec<_>) =
        labels.into_iter().partition(|(rule, _)| rule == "redelivery_ok");
    assert_eq!(labels.len(), 177);
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
}

#[test]
fn the_clean_file_has_no_finding() {
    let reference = reference();
    let facts = facts(&messages("events.jsonl.gz"), &reference);
    let grounds = Grounds::new(&facts, &reference, None);
    assert_eq!(findings(&grounds, &Rule::defects()), Vec::new());
}
