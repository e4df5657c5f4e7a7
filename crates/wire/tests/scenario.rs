//! The simulated year as it is shipped: every line becomes an event, and the events keep their bytes.

#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test that cannot go on has failed"
)]

use std::{
    collections::BTreeMap,
    fs::File,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
};

use flate2::bufread::MultiGzDecoder;
use portbook_wire::{
    Source, decode_event, encode, event_digest, head_of,
    observation::{Observation, read_observations},
    read_head,
    subject::events_subject,
};
use serde_json::Value;

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../examples/scenario")
        .join(name)
}

fn observations(name: &str) -> Vec<Observation> {
    let input = BufReader::new(File::open(file(name)).unwrap());
    read_observations(input, name)
        .unwrap()
        .map(|line| line.unwrap())
        .collect()
}

fn source() -> Source {
    Source::outside("scenario").unwrap()
}

fn counts(observations: &[Observation]) -> BTreeMap<&'static str, usize> {
    let mut counts = BTreeMap::new();
    for observation in observations {
        *counts.entry(observation.data.kind().name()).or_default() += 1;
    }
    counts
}

#[test]
fn every_line_of_the_clean_file_is_read() {
    let observations = observations("events.jsonl.gz");
    assert_eq!(observations.len(), 24_735);
    let expected = [
        ("application.closed", 552),
        ("application.submitted", 5_178),
        ("license.granted", 2_692),
        ("paperwork.queried", 4_629),
        ("shipment.cleared", 11_684),
    ];
    assert_eq!(counts(&observations), BTreeMap::from(expected));
    assert!(
        observations
            .iter()
            .zip(1..)
            .all(|(observation, line)| observation.line == line)
    );
    assert!(observations.iter().all(|observation| observation.simulated));
}

#[test]
fn every_line_of_the_file_with_defects_is_read() {
    // A broken rule of customs is a finding, not an input error: the file has 217 of them and no malformed line.
    let observations = observations("events_anom.jsonl.gz");
    let expected = [
        ("application.closed", 552),
        ("application.submitted", 5_178),
        ("license.granted", 2_687),
        ("paperwork.queried", 4_629),
        ("shipment.cleared", 11_728),
    ];
    assert_eq!(counts(&observations), BTreeMap::from(expected));
}

#[test]
fn every_event_is_read_back_as_it_was_written() {
    for observation in observations("events.jsonl.gz") {
        let line = observation.line;
        let (envelope, data) = observation.into_event(&source());
        let body = encode(&envelope, &data).unwrap();
        let head = read_head(&events_subject(&envelope.case), &body).unwrap();
        assert_eq!(head_of(&envelope, &data), Ok(head));
        assert_eq!(
            (head.id, head.case, head.port),
            (
                envelope.id.as_str(),
                envelope.case.as_str(),
                envelope.port.as_str()
            )
        );
        let (envelope_again, event) =
            decode_event(&body).unwrap_or_else(|error| panic!("line {line}: {error}"));
        assert_eq!(envelope_again, envelope, "line {line}");
        assert_eq!(event.data, data, "line {line}");
        assert_eq!(encode(&envelope_again, &event.data).unwrap(), body, "line {line}");
    }
}

/// The event says what the line says: compared with a general JSON parser, column by column.
#[test]
fn nothing_of_a_line_is_lost() {
    let input = BufReader::new(MultiGzDecoder::new(BufReader::new(
        File::open(file("events.jsonl.gz")).unwrap(),
    )));
    for (line, observation) in input.lines().zip(observations("events.jsonl.gz")) {
        let line: Value = serde_json::from_str(&line.unwrap()).unwrap();
        let (envelope, data) = observation.into_event(&source());
        let event: Value = serde_json::from_slice(&encode(&envelope, &data).unwrap()).unwrap();
        for (column, value) in line.as_object().unwrap() {
            assert_eq!(said(&event, column), *value, "{column} of {line} in {event}");
        }
    }
}

/// The value of a column, found again in the event.
fn said(event: &Value, column: &str) -> Value {
    let data = &event["data"];
    let line = &data["lines"][0];
    match column {
        "event_id" => event["id"].clone(),
        "type" => {
            let name = event["type"]
                .as_str()
                .unwrap()
                .strip_prefix("portbook.")
                .unwrap()
                .strip_suffix(".v1")
                .unwrap();
            Value::from(
                name.replace("paperwork.queried", "paperwork.query")
                    .replace('.', "_"),
            )
        }
        "case_id" => event["subject"].clone(),
        "occurred_at" => event["time"].clone(),
        "recorded_at" => event["recordedtime"].clone(),
        "port" => event["partitionkey"].clone(),
        "simulated" => event["pbsimulated"].clone(),
        "hs" | "control_code" | "element" => line[column].clone(),
        "qty_kg" => {
            let grams = ["net_mass_g", "granted_g", "cleared_g"]
                .iter()
                .find_map(|field| line[field].as_u64())
                .unwrap();
            assert_eq!(grams % 1_000, 0);
            Value::from(grams / 1_000)
        }
        "expedited" => Value::from(data["lane"] == "expedited"),
        "doc_digest" => data["evidence"][0]["sha256"].clone(),
        _ => data[column].clone(),
    }
}

/// Importing today and in ten years must give the same events: their bytes are pinned
/// (the digest was computed by another implementation).
#[test]
fn the_bytes_of_the_imported_file_are_these() {
    let mut digests = String::new();
    for observation in observations("events.jsonl.gz") {
        let (envelope, data) = observation.into_event(&source());
        digests.push_str(event_digest(&encode(&envelope, &data).unwrap()).as_str());
    }
    assert_eq!(
        event_digest(digests.as_bytes()).as_str(),
        "0df11995a848a6a62e3cc86baead95720f663b7e47d0d8d11f74312401a6f062"
    );
}
