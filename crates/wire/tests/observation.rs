//! Lines of observation files: what they may say, and what is said about one that may not be.

#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on has failed"
)]

use std::io::Cursor;

use portbook_domain::{EventData, EventKind};
use portbook_wire::{
    Envelope, Source, decode_event, encode,
    observation::{BadLine, COLUMNS, Observation, ReadError, read_observations},
};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

const DIGEST: &str = "247ce181e397a0dfd614535860a6c6a89319964be1e3bca818f6b664954c4642";

fn read(text: impl AsRef<[u8]>, name: &str) -> Vec<Result<Observation, ReadError>> {
    read_observations(Cursor::new(text.as_ref()), name)
        .unwrap()
        .collect()
}

fn one(text: impl AsRef<[u8]>, name: &str) -> Observation {
    let mut lines = read(text, name);
    assert_eq!(lines.len(), 1);
    lines.remove(0).unwrap()
}

fn bad_line(text: impl AsRef<[u8]>, name: &str) -> BadLine {
    let mut lines = read(text, name);
    match lines.remove(0) {
        Err(ReadError::Line(bad_line)) => *bad_line,
        other => panic!("{other:?}"),
    }
}

fn event(observation: Observation) -> (Envelope, EventData) {
    observation.into_event(&Source::outside("x").unwrap())
}

fn bytes(observation: Observation) -> String {
    let (envelope, data) = event(observation);
    String::from_utf8(encode(&envelope, &data).unwrap()).unwrap()
}

fn cleared() -> Value {
    json!({
        "event_id": "371cd45b-31ce-56ec-8194-64fb67c689b1", "type": "shipment_cleared", "case_id": "c1",
        "occurred_at": "2025-04-01T01:04:30Z", "port": "CNNBG", "declaration_no": "310420250000000001",
        "destination": "SG", "hs": "8505111000", "control_status": "not_controlled", "qty_kg": 7260,
    })
}

fn with(mut line: Value, column: &str, value: Value) -> Value {
    line[column] = value;
    line
}

fn without(mut line: Value, column: &str) -> Value {
    line.as_object_mut().unwrap().remove(column).unwrap();
    line
}

/// The columns a line of each type must have beside the common ones, and those it may have.
const TYPES: &[(&str, &str, &str)] = &[
    (
        "application_submitted",
        r#""destination":"NA","hs":"8505111000","control_code":"1C905.a","element":"Dy","qty_kg":2.5,"expedited":true"#,
        r#""doc_digest":"DIGEST""#,
    ),
    (
        "paperwork_query",
        r#""stage":"customs","round":2,"authority":"GACC","reason":"contract""#,
        r#""declaration_no":"D1","reply_due":"2025-04-16""#,
    ),
    (
        "paperwork_answer",
        r#""stage":"customs","round":2"#,
        r#""declaration_no":"D1","doc_digest":"DIGEST""#,
    ),
    (
        "license_granted",
        r#""license_no":"L1","valid_until":"2025-10-27","destination":"DE","hs":"850511","control_code":"1C905.a","element":"Dy","qty_kg":2.5,"expedited":false"#,
        r#""valid_from":"2025-04-27","uses_allowed":3,"authority":"MOFCOM","doc_digest":"DIGEST""#,
    ),
    (
        "license_changed",
        r#""license_no":"L1","outcome":"revoked""#,
        r#""reason":"r""#,
    ),
    (
        "application_closed",
        r#""outcome":"lapsed""#,
        r#""reason":"r","doc_digest":"DIGEST""#,
    ),
    (
        "shipment_declared",
        r#""declaration_no":"D1","control_status":"exempt","hs":"850511","qty_g":1"#,
        r#""license_no":"L1","destination":"DE","control_code":"1C905.a","element":"Dy""#,
    ),
    (
        "shipment_cleared",
        r#""declaration_no":"D1","control_status":"exempt","hs":"850511","qty_g":1,"destination":"DE""#,
        r#""license_no":"L1","control_code":"1C905.a","element":"Dy","doc_digest":"DIGEST""#,
    ),
    (
        "shipment_closed",
        r#""declaration_no":"D1","outcome":"reversed""#,
        r#""reason":"r","qty_kg":"0.001""#,
    ),
];

/// A line of each type as small as it may be, and what may be added to it.
fn lines_of_every_type() -> Vec<(Value, Value)> {
    let common = r#""case_id":"c1","occurred_at":"2025-04-01T01:04:30Z","port":"CNNBG""#;
    let lines = TYPES.iter().map(|(type_, required, optional)| {
        let required = format!("{{\"type\":\"{type_}\",{common},{required}}}");
        let optional = format!("{{{}}}", optional.replace("DIGEST", DIGEST));
        (required.parse().unwrap(), optional.parse().unwrap())
    });
    lines.collect()
}

fn as_csv(line: &Value) -> String {
    let line = line.as_object().unwrap();
    let written = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let header: Vec<&str> = line.keys().map(String::as_str).collect();
    let fields: Vec<String> = line.values().map(written).collect();
    format!("{}\n{}\n", header.join(","), fields.join(","))
}

#[test]
fn every_type_has_these_columns_and_no_others() {
    for (required, optional) in lines_of_every_type() {
        let smallest = one(required.to_string(), "-");
        let mut full = required.clone();
        full.as_object_mut()
            .unwrap()
            .append(&mut optional.as_object().unwrap().clone());
        let largest = one(full.to_string(), "-");
        assert_eq!(smallest.data.kind(), largest.data.kind());
        for column in COLUMNS {
            if required.get(column).is_some() {
                let said = bad_line(without(required.clone(), column).to_string(), "-").to_string();
                let named = if *column == "qty_g" { "qty_kg" } else { column };
                assert_eq!(said, format!("-:1: {named}: the column is missing"), "{required}");
            } else if optional.get(column).is_some() {
                assert_ne!(
                    one(without(full.clone(), column).to_string(), "-").data,
                    largest.data,
                    "{column} of {full}"
                );
            } else if !["event_id", "recorded_at", "simulated", "qty_kg", "qty_g"].contains(column) {
                let said = bad_line(with(full.clone(), column, json!("x")).to_string(), "-").to_string();
                assert_eq!(
                    said,
                    format!(
                        "-:1: {column}: the column does not belong to {}",
                        full["type"].as_str().unwrap()
                    )
                );
            }
        }
    }
}

#[test]
fn every_type_is_the_same_event_from_csv() {
    let mut kinds = Vec::new();
    for (required, optional) in lines_of_every_type() {
        let mut line = required;
        line.as_object_mut()
            .unwrap()
            .append(&mut optional.as_object().unwrap().clone());
        let from_csv = Observation {
            line: 1,
            ..one(as_csv(&line), "-")
        };
        let from_ndjson = one(line.to_string(), "-");
        assert_eq!(from_csv, from_ndjson);
        let (envelope, data) = event(from_ndjson);
        let body = encode(&envelope, &data).unwrap();
        assert_eq!(decode_event(&body).unwrap().1.data, data);
        kinds.push(data.kind());
    }
    kinds.sort();
    let observable: Vec<EventKind> = EventKind::ALL
        .iter()
        .copied()
        .filter(|kind| *kind < EventKind::RecordCorrected)
        .collect();
    assert_eq!(kinds, observable);
}

#[test]
fn a_fact_is_published_as_these_bytes() {
    assert_eq!(
        bytes(one(cleared().to_string(), "-")),
        concat!(
            r#"{"specversion":"1.0","id":"371cd45b-31ce-56ec-8194-64fb67c689b1","source":"urn:portbook:src:x","#,
            r#""type":"portbook.shipment.cleared.v1","subject":"c1","time":"2025-04-01T01:04:30Z","#,
            r#""datacontenttype":"application/json","dataschema":"urn:portbook:schema:shipment.cleared:1:sha256:"#,
            "b63ab954715dd7bd0b195421d4d9f161538d9ac6e9d0b1d218014a8103cf2bb6",
            r#"","correlationid":"c1","partitionkey":"CNNBG","pbmode":"observed","#,
            r#""data":{"declaration_no":"310420250000000001","port":"CNNBG","control_status":"not_controlled","#,
            r#""destination":"SG","lines":[{"hs":"8505111000","cleared_g":7260000}]}}"#
        )
    );
}

#[test]
fn the_licence_line_is_named_exactly_when_there_is_a_licence() {
    let line = |text: &Value| {
        let EventData::ShipmentCleared(cleared) = one(text.to_string(), "-").data else {
            panic!("{text}")
        };
        cleared.lines[0].line
    };
    assert_eq!(line(&cleared()), None);
    assert_eq!(line(&with(cleared(), "license_no", json!("L1"))), Some(1));
}

#[test]
fn a_query_is_named_by_stage_declaration_and_round() {
    let query = json!({
        "type": "paperwork_query", "case_id": "c1", "occurred_at": "2025-04-01T01:04:30Z", "port": "CNNBG",
        "stage": "licensing", "round": 3, "authority": "MOFCOM", "reason": "contract",
    });
    let id = |line: &Value| {
        let (envelope, data) = event(one(line.to_string(), "-"));
        let written: Value = serde_json::from_slice(&encode(&envelope, &data).unwrap()).unwrap();
        written["data"]["query_id"].as_str().unwrap().to_owned()
    };
    assert_eq!(id(&query), "licensing-3");
    let challenge = with(
        with(query.clone(), "stage", json!("customs")),
        "declaration_no",
        json!("D9"),
    );
    assert_eq!(id(&challenge), "customs-D9-3");
    let answer = without(
        without(with(challenge, "type", json!("paperwork_answer")), "authority"),
        "reason",
    );
    assert_eq!(id(&answer), "customs-D9-3");
}

#[test]
fn an_id_of_the_file_names_the_event() {
    let id = |line: Value, source: &str| {
        one(line.to_string(), "-")
            .into_event(&Source::outside(source).unwrap())
            .0
            .id
            .to_string()
    };
    assert_eq!(id(cleared(), "a"), "371cd45b-31ce-56ec-8194-64fb67c689b1");
    // UUIDv5 in the namespace that is the UUIDv5 of the source's URN; computed with another implementation.
    assert_eq!(
        id(with(cleared(), "event_id", json!("K-17")), "a"),
        "34a8fb69-d8f9-579b-99d4-1be1e3d25f91"
    );
    assert_eq!(
        id(without(cleared(), "event_id"), "a"),
        "45523b14-8306-5384-9e1f-504fe931a57a"
    );
    let upper = cleared()["event_id"].as_str().unwrap().to_uppercase();
    let ids = [
        id(with(cleared(), "event_id", json!("K-17")), "b"),
        id(with(cleared(), "event_id", json!("K-18")), "a"),
        id(with(cleared(), "event_id", json!(upper)), "a"),
        id(without(cleared(), "event_id"), "b"),
        id(without(with(cleared(), "qty_kg", json!(7261)), "event_id"), "a"),
    ];
    for (at, one) in ids.iter().enumerate() {
        assert!(!ids[at + 1..].contains(one), "{ids:?}");
    }
}

#[test]
fn a_line_without_id_keeps_its_id_in_another_format_and_order() {
    let line = without(cleared(), "event_id");
    let reversed: Map<String, Value> = line.as_object().unwrap().clone().into_iter().rev().collect();
    let id = |text: String| event(one(text, "-")).0.id;
    assert_eq!(id(line.to_string()), id(Value::from(reversed).to_string()));
    assert_eq!(id(line.to_string()), id(as_csv(&line)));
    assert_eq!(
        id(line.to_string()),
        id(serde_json::to_string(&line)
            .unwrap()
            .replace(':', " : ")
            .replace("01 : 04 : 30", "01:04:30"))
    );
}

const FLAWS: &[(&str, &str, &str)] = &[
    (
        "type",
        r#""shipment_lost""#,
        "type: expected one of application_submitted, paperwork_query, paperwork_answer, license_granted, license_changed, application_closed, shipment_declared, shipment_cleared, shipment_closed, found \"shipment_lost\"",
    ),
    ("colour", r#""red""#, "colour: there is no such column"),
    (
        "port",
        r#""Ningbo""#,
        "port: port must be a UN/LOCODE: two letters, then three of A-Z 2-9, found \"Ningbo\"",
    ),
    ("port", "5", "port: expected a text, found \"5\""),
    ("hs", "8505111000", "hs: expected a text, found \"8505111000\""),
    (
        "destination",
        "null",
        "destination: null is not a value: leave the column out",
    ),
    (
        "destination",
        r#"["SG"]"#,
        "destination: a text, a number, true or false belongs here",
    ),
    (
        "occurred_at",
        r#""2025-04-01""#,
        "occurred_at: expected an RFC 3339 time in UTC that ends in Z, found \"2025-04-01\"",
    ),
    (
        "qty_kg",
        "7.0005",
        "qty_kg: expected kilograms with at most three decimal places, at most 9007199254740.991, found \"7.0005\"",
    ),
    (
        "qty_kg",
        r#""7,5""#,
        "qty_kg: expected kilograms with at most three decimal places, at most 9007199254740.991, found \"7,5\"",
    ),
    (
        "qty_kg",
        "-1",
        "qty_kg: expected kilograms with at most three decimal places, at most 9007199254740.991, found \"-1\"",
    ),
    (
        "qty_g",
        "5",
        "qty_g: the mass is given twice, as qty_kg and as qty_g",
    ),
    (
        "simulated",
        r#""perhaps""#,
        "simulated: expected true or false, found \"perhaps\"",
    ),
    (
        "control_status",
        r#""unknown""#,
        "control_status: expected one of controlled, not_controlled, determined_not_controlled, exempt, found \"unknown\"",
    ),
    (
        "event_id",
        r#""""#,
        "event_id: expected an id of 1 to 128 bytes, found \"\"",
    ),
    (
        "round",
        "1",
        "round: the column does not belong to shipment_cleared",
    ),
];

#[test]
fn every_flaw_is_named_with_its_column() {
    for (column, value, said) in FLAWS {
        let line = with(cleared(), column, value.parse().unwrap()).to_string();
        assert_eq!(
            bad_line(&line, "f.jsonl").to_string(),
            format!("f.jsonl:1: {said}")
        );
    }
    let twice = cleared().to_string().replacen('{', "{\"port\":\"CNNBG\",", 1);
    assert_eq!(
        bad_line(twice, "f").to_string(),
        "f:1: port: the column is there twice"
    );
}

proptest! {
    #[test]
    fn masses_are_exact(grams in 0..=9_007_199_254_740_991_u64) {
        let kilograms = format!("{}.{:03}", grams / 1_000, grams % 1_000);
        let number: Value = json!(kilograms);
        let line = with(cleared(), "qty_kg", number).to_string();
        // Once as text, once as a JSON number written out in full.
        for line in [line.clone(), line.replace(&format!("\"{kilograms}\""), &kilograms)] {
            let EventData::ShipmentCleared(cleared) = one(line, "-").data else { panic!() };
            prop_assert_eq!(cleared.lines[0].cleared_g.get(), grams);
        }
    }
}
