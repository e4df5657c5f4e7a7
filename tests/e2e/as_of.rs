//! Cases, licences, timelines and rows as they were known then, and as it had happened by then.

use std::collections::BTreeSet;
use std::fs;

use jiff::Timestamp;
use serde_json::Value;

use crate::node::{Node, first_lines};

fn import(node: &Node, count: usize) -> u64 {
    let facts = node.home().join("facts.ndjson");
    fs::write(&facts, first_lines(count)).unwrap();
    node.run(&["import", &facts.display().to_string()]).exits(0);
    node.wait_until_signed(u64::try_from(count).unwrap());
    node.signed_size()
}

/// What is asked of the ledger, and what it says.
fn asked(node: &Node, question: &[&str], as_of: &[&str]) -> String {
    let mut args = question.to_vec();
    args.extend(as_of);
    args.push("--json");
    let said = node.run(&args).exits(0).out;
    // A time stands for the leaves recorded until then; seals that came later change no answer.
    let lines = said
        .lines()
        .filter(|line| !line.trim_start().starts_with("\"size\":"));
    lines.collect::<Vec<_>>().join("\n")
}

/// Values of a field in the rows of every port's timeline.
fn values(node: &Node, field: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for port in ["CNNBG", "CNSHG", "CNTXG"] {
        let rows = node.timeline(port);
        found.extend(
            rows.iter()
                .filter_map(|row| row[field].as_str().map(str::to_owned)),
        );
    }
    found
}

#[test]
fn what_was_known_then_is_told_by_size_time_and_checkpoint() {
    let mut node = Node::init();
    node.up();
    let size = import(&node, 3_000);
    let (cases, licenses) = (values(&node, "case"), values(&node, "license_no"));
    let questions = |node: &Node| {
        let of_cases = cases.iter().step_by(40).map(|case| vec!["case", case]);
        let of_licenses = licenses.iter().step_by(8).map(|number| vec!["license", number]);
        let others = [
            vec!["timeline", "CNNBG"],
            vec!["projection", "rows", "port-activity"],
        ];
        let questions: Vec<Vec<String>> = of_cases
            .chain(of_licenses)
            .chain(others)
            .map(|words| words.into_iter().map(str::to_owned).collect())
            .collect();
        assert!(questions.len() > 20, "{} questions", questions.len());
        let ask = |words: &Vec<String>, as_of: &[&str]| {
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            asked(node, &words, as_of)
        };
        let now: Vec<String> = questions.iter().map(|it| ask(it, &[])).collect();
        let then =
            |as_of: &str| -> Vec<String> { questions.iter().map(|it| ask(it, &["--at", as_of])).collect() };
        (
            now,
            [
                size.to_string(),
                format!("checkpoint:{size}"),
                time_of(node, size),
            ]
            .map(|at| then(&at)),
        )
    };
    let (before, _) = questions(&node);
    import(&node, 9_000);
    let (now, then) = questions(&node);
    for (found, how) in then.iter().zip(["size", "checkpoint", "time"]) {
        for (at, (found, before)) in found.iter().zip(&before).enumerate() {
            assert!(
                found == before,
                "answer {at} by {how} is {found:.2000}\nand was {before:.2000}"
            );
        }
    }
    let changed = now
        .iter()
        .zip(&before)
        .filter(|(now, before)| now != before)
        .count();
    assert!(changed > 5, "{changed} answers are others now");
    node.run(&["case", "X", "--at", "99999999"]).exits(2);
}

/// When the last of the first `size` leaves was recorded, by the stream's clock.
fn time_of(node: &Node, size: u64) -> String {
    let mut last = 0;
    for chain in ["~CONTROL", "CNNBG", "CNSHG", "CNTXG", "CNPVG", "CNQDG"] {
        let rows = node.timeline(chain);
        let known = rows.iter().filter(|row| row["leaf"].as_u64() < Some(size));
        last = last.max(
            known
                .filter_map(|row| row["recorded_at_ns"].as_i64())
                .max()
                .unwrap_or(0),
        );
    }
    Timestamp::from_nanosecond(i128::from(last)).unwrap().to_string()
}

#[test]
fn what_had_happened_by_then_leaves_out_what_came_later() {
    let mut node = Node::init();
    node.up();
    import(&node, 3_000);
    let case = values(&node, "case").into_iter().find_map(|case| {
        let told: Value = serde_json::from_str(&asked(&node, &["case", &case], &[])).unwrap();
        let events = told["events"].as_array().unwrap().clone();
        let is_story = events.len() > 2 && told["as_recorded"]["license"]["license_no"].is_string();
        is_story.then_some((case, events))
    });
    let (case, events) = case.expect("a case with a licence");
    for event in &events {
        let time = event["occurred_at"].as_str().unwrap();
        let told = asked(&node, &["case", &case], &["--as-of-occurred", time]);
        let told: Value = serde_json::from_str(&told).unwrap();
        let expected = events
            .iter()
            .filter(|other| other["occurred_at"].as_str().unwrap() <= time);
        assert_eq!(
            told["events"].as_array().unwrap().len(),
            expected.count(),
            "{time}: {told:#}"
        );
    }
}
