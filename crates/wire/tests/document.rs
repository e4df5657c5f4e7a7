//! docs/events.md names everything that is published, and its examples are what the code does.

#![expect(clippy::panic, reason = "a test that cannot go on has failed")]

use std::{fs, path::Path};

use portbook_wire::{
    control::ControlKind,
    observation::COLUMNS,
    schema::Schema,
    subject::{
        CHECKPOINT_REGISTER, HEADER_CHECKPOINT_SIZE, HEADER_CONTENT_TYPE, HEADER_FINDINGS, HEADER_LEAF_HASH,
        HEADER_LEAF_INDEX, HEADER_MSG_ID, HEADER_PORT_SEQ, HEADER_PREV_LEAF, HEADER_RECORDED_AT,
        HEADER_SIGNATURE, STREAM_CHECKPOINTS, STREAM_FEED, STREAM_LEDGER,
    },
};
use serde_json::Value;

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path);
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{error}"))
}

/// The cells of the table row that begins with `first`.
fn row(document: &str, first: &str) -> Vec<String> {
    let start = format!("| `{first}` |");
    let line = document.lines().find(|line| line.starts_with(&start));
    let line = line.unwrap_or_else(|| panic!("docs/events.md has no row {first}"));
    line.split('|').map(|cell| cell.trim().to_owned()).collect()
}

/// Whether `text` names `word`, and not just a longer word that has it inside.
fn names(text: &str, word: &str) -> bool {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .any(|part| part == word)
}

#[test]
fn every_type_has_a_row_with_every_field() {
    let document = read("docs/events.md");
    for schema in Schema::ALL {
        let cells = row(&document, schema.type_).join(" ");
        let described: Value = schema.text.parse().unwrap_or_else(|error| panic!("{error}"));
        for field in described["properties"]
            .as_object()
            .into_iter()
            .flatten()
            .map(|(name, _)| name)
        {
            assert!(names(&cells, field), "{field} of {}", schema.type_);
            let is_required = described["required"]
                .as_array()
                .into_iter()
                .flatten()
                .any(|name| name == field);
            assert_eq!(
                cells.contains(&format!("{field}?")),
                !is_required,
                "{field} of {}",
                schema.type_
            );
        }
    }
}

#[test]
fn every_attribute_of_an_event_has_a_row() {
    let document = read("docs/events.md");
    let example = read("tests/golden/events/record.corrected/v1/full.json");
    let example: Value = example.parse().unwrap_or_else(|error| panic!("{error}"));
    for (name, _) in example.as_object().into_iter().flatten() {
        row(&document, name);
    }
}

#[test]
fn every_control_kind_has_a_row_with_every_field() {
    let document = read("docs/events.md");
    for &kind in ControlKind::ALL {
        let cells = row(&document, kind.name()).join(" ");
        assert!(
            cells.contains(&format!("`{}`", kind.subject())),
            "{}",
            kind.name()
        );
        let example = read(&format!("tests/golden/control/{}/v1/full.json", kind.name()));
        let example: Value = example.parse().unwrap_or_else(|error| panic!("{error}"));
        for (field, _) in example["body"].as_object().into_iter().flatten() {
            assert!(names(&cells, field), "{field} of {}", kind.name());
        }
    }
}

#[test]
fn the_columns_are_listed_in_the_order_they_are_hashed_in() {
    let listed: Vec<String> = COLUMNS.iter().map(|column| format!("`{column}`")).collect();
    let document = read("docs/events.md")
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    assert!(document.contains(&listed.join(", ")), "{}", listed.join(", "));
}

#[test]
fn every_reason_of_quarantine_and_every_name_on_the_bus_is_there() {
    let document = read("docs/events.md");
    let vectors = read("tests/golden/head.ndjson");
    for vector in vectors.lines() {
        let vector: Value = vector.parse().unwrap_or_else(|error| panic!("{error}"));
        let verdict = vector["verdict"].as_str().unwrap_or_default();
        assert!(
            verdict == "event" || document.contains(&format!("`{verdict}`")),
            "{verdict}"
        );
    }
    for name in [
        STREAM_LEDGER,
        STREAM_FEED,
        STREAM_CHECKPOINTS,
        CHECKPOINT_REGISTER,
        HEADER_CONTENT_TYPE,
        HEADER_MSG_ID,
        HEADER_SIGNATURE,
        HEADER_LEAF_INDEX,
        HEADER_LEAF_HASH,
        HEADER_PORT_SEQ,
        HEADER_PREV_LEAF,
        HEADER_RECORDED_AT,
        HEADER_CHECKPOINT_SIZE,
        HEADER_FINDINGS,
    ] {
        let stands_alone = [format!("`{name}`"), format!("`{name}: ")]
            .iter()
            .any(|text| document.contains(text));
        assert!(stands_alone, "{name}");
    }
}
