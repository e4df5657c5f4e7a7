//! Observation files: what a line may say, and what is said about a line that may not be.

use std::io::{BufReader, Cursor, Read as _, Write as _};

use flate2::{Compression, write::GzEncoder};
use portbook_domain::{EventData, EventKind};
use portbook_wire::{
    Envelope, Source, decode_event, encode,
    observation::{BadLine, COLUMNS, LINE_BYTES_MAX, Observation, ReadError, read_observations},
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

/// One line of each type, with the columns it must have and those it may have.
fn lines_of_every_type() -> Vec<(Value, Value)> {
    let goods = json!({ "hs": "8505111000", "control_code": "1C905.a", "element": "Dy", "qty_kg": 2.5 });
    let joined = |type_: &str, parts: &[&Value]| {
        let mut line =
            json!({ "type": type_, "case_id": "c1", "occurred_at": "2025-04-01T01:04:30Z", "port": "CNNBG" });
        for part in parts {
            line.as_object_mut()
                .unwrap()
                .append(&mut part.as_object().unwrap().clone());
        }
        line
    };
    let query = json!({ "stage": "customs", "round": 2 });
    vec![
        (
            joined(
                "application_submitted",
                &[&goods, &json!({ "destination": "NA", "expedited": true })],
            ),
            json!({ "doc_digest": DIGEST }),
        ),
        (
            joined(
                "paperwork_query",
                &[&query, &json!({ "authority": "GACC", "reason": "contract" })],
            ),
            json!({ "declaration_no": "D1", "reply_due": "2025-04-16" }),
        ),
        (
            joined("paperwork_answer", &[&query]),
            json!({ "declaration_no": "D1", "doc_digest": DIGEST }),
        ),
        (
            joined(
                "license_granted",
                &[
                    &goods,
                    &json!({ "license_no": "L1", "valid_until": "2025-10-27", "destination": "DE", "expedited": false }),
                ],
            ),
            json!({ "valid_from": "2025-04-27", "uses_allowed": 3, "authority": "MOFCOM", "doc_digest": DIGEST }),
        ),
        (
            joined(
                "license_changed",
                &[&json!({ "license_no": "L1", "outcome": "revoked" })],
            ),
            json!({ "reason": "r" }),
        ),
        (
            joined("application_closed", &[&json!({ "outcome": "lapsed" })]),
            json!({ "reason": "r", "doc_digest": DIGEST }),
        ),
        (
            joined(
                "shipment_declared",
                &[&json!({ "declaration_no": "D1", "control_status": "exempt", "hs": "850511", "qty_g": 1 })],
            ),
            json!({ "license_no": "L1", "destination": "DE", "control_code": "1C905.a", "element": "Dy" }),
        ),
        (
            joined(
                "shipment_cleared",
                &[
                    &json!({ "declaration_no": "D1", "control_status": "exempt", "hs": "850511", "qty_g": 1, "destination": "DE" }),
                ],
            ),
            json!({ "license_no": "L1", "control_code": "1C905.a", "element": "Dy", "doc_digest": DIGEST }),
        ),
        (
            joined(
                "shipment_closed",
                &[&json!({ "declaration_no": "D1", "outcome": "reversed" })],
            ),
            json!({ "reason": "r", "qty_kg": "0.001" }),
        ),
    ]
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
    let line = |text: &Value| match one(text.to_string(), "-").data {
        EventData::ShipmentCleared(cleared) => cleared.lines[0].line,
        other => panic!("{other:?}"),
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
    let id = |line: &Value| match one(line.to_string(), "-").data {
        EventData::PaperworkQueried(query) => query.query_id.to_string(),
        EventData::PaperworkAnswered(answer) => answer.query_id.to_string(),
        other => panic!("{other:?}"),
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

#[test]
fn every_flaw_is_named_with_its_column() {
    for (column, value, said) in [
        (
            "type",
            json!("shipment_lost"),
            "type: expected one of application_submitted, paperwork_query, paperwork_answer, license_granted, license_changed, application_closed, shipment_declared, shipment_cleared, shipment_closed, found \"shipment_lost\"",
        ),
        ("colour", json!("red"), "colour: there is no such column"),
        (
            "port",
            json!("Ningbo"),
            "port: port must be a UN/LOCODE: two letters, then three of A-Z 2-9, found \"Ningbo\"",
        ),
        ("port", json!(5), "port: expected a text, found \"5\""),
        (
            "hs",
            json!(8_505_111_000_u64),
            "hs: expected a text, found \"8505111000\"",
        ),
        (
            "destination",
            json!(null),
            "destination: null is not a value: leave the column out",
        ),
        (
            "destination",
            json!(["SG"]),
            "destination: a text, a number, true or false belongs here",
        ),
        (
            "occurred_at",
            json!("2025-04-01"),
            "occurred_at: expected an RFC 3339 time in UTC that ends in Z, found \"2025-04-01\"",
        ),
        (
            "qty_kg",
            json!(7.0005),
            "qty_kg: expected kilograms with at most three decimal places, at most 9007199254740.991, found \"7.0005\"",
        ),
        (
            "qty_kg",
            json!("7,5"),
            "qty_kg: expected kilograms with at most three decimal places, at most 9007199254740.991, found \"7,5\"",
        ),
        (
            "qty_kg",
            json!(-1),
            "qty_kg: expected kilograms with at most three decimal places, at most 9007199254740.991, found \"-1\"",
        ),
        (
            "qty_g",
            json!(5),
            "qty_g: the mass is given twice, as qty_kg and as qty_g",
        ),
        (
            "simulated",
            json!("perhaps"),
            "simulated: expected true or false, found \"perhaps\"",
        ),
        (
            "control_status",
            json!("unknown"),
            "control_status: expected one of controlled, not_controlled, determined_not_controlled, exempt, found \"unknown\"",
        ),
        (
            "event_id",
            json!(""),
            "event_id: expected an id of 1 to 128 bytes, found \"\"",
        ),
        (
            "round",
            json!(1),
            "round: the column does not belong to shipment_cleared",
        ),
    ] {
        let line = with(cleared(), column, value).to_string();
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

#[test]
fn a_bad_line_is_kept_whole_and_the_others_are_read() {
    let good = cleared().to_string();
    let text = [
        good.as_bytes(),
        b"{\"type\":",
        b"",
        b"{\"a\xff\":1}",
        b"[1]",
        good.as_bytes(),
        b"",
    ]
    .join(&b'\n');
    let lines = read(&text, "day.ndjson");
    let said: Vec<String> = lines
        .iter()
        .map(|line| match line {
            Ok(observation) => observation.line.to_string(),
            Err(error) => error.to_string(),
        })
        .collect();
    assert_eq!(
        said,
        [
            "1",
            "day.ndjson:2: type: a text, a number, true or false belongs here",
            "day.ndjson:4: not UTF-8 after byte 3 of the line",
            "day.ndjson:5: not a JSON object: byte 0: expected an object",
            "6",
        ]
    );
    let Err(ReadError::Line(bad_line)) = &lines[1] else {
        panic!()
    };
    assert_eq!(
        bad_line.to_json().unwrap(),
        r#"{"file":"day.ndjson","line":2,"column":"type","rule":"a text, a number, true or false belongs here","text":"{\"type\":"}"#
    );
}

#[test]
fn a_line_without_end_takes_no_memory() {
    let good = cleared().to_string();
    let padded = |length: usize| format!("{good}{}", " ".repeat(length - good.len()));
    for (length, is_read) in [
        (LINE_BYTES_MAX - 1, true),
        (LINE_BYTES_MAX, false),
        (LINE_BYTES_MAX + 1, false),
    ] {
        let lines = read(format!("{}\n{good}\n", padded(length)), "-");
        assert_eq!(lines[0].is_ok(), is_read, "{length}");
        assert_eq!(lines[1].as_ref().unwrap().line, 2);
    }
    // More than fits into this machine's memory, were it kept.
    let endless = std::io::repeat(b'x').take(1 << 30);
    let mut lines = read_observations(BufReader::new(endless), "x.jsonl").unwrap();
    let Some(Err(ReadError::Line(bad_line))) = lines.next() else {
        panic!()
    };
    assert_eq!(bad_line.text.len(), LINE_BYTES_MAX);
    assert!(lines.next().is_none());
}

#[test]
fn gzip_is_seen_by_its_first_bytes() {
    let line = format!("{}\n", cleared());
    let zipped = |text: &str| {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(text.as_bytes()).unwrap();
        encoder.finish().unwrap()
    };
    let twice = [zipped(&line), zipped(&line)].concat();
    assert_eq!(read(&twice, "-").iter().filter(|line| line.is_ok()).count(), 2);
    let cut = &twice[..twice.len() - 4];
    let lines = read(cut, "cut.jsonl.gz");
    let Some(Err(error @ ReadError::Unreadable { .. })) = lines.last() else {
        panic!("{lines:?}")
    };
    assert_eq!(error.to_string(), "cut.jsonl.gz: cannot be read on after line 2");
}

#[test]
fn the_name_or_the_first_line_says_what_the_file_is() {
    let ndjson = cleared().to_string();
    let csv = as_csv(&cleared());
    for (text, name) in [
        (&ndjson, "-"),
        (&ndjson, "a.ndjson"),
        (&csv, "-"),
        (&csv, "a.csv"),
        (&csv, "a.csv.gz"),
    ] {
        assert_eq!(
            read(text, name).iter().filter(|line| line.is_ok()).count(),
            1,
            "{name}"
        );
    }
    assert!(matches!(read(&csv, "a.jsonl")[0], Err(ReadError::Line(_))));
    let header = read(&ndjson, "a.csv").remove(0).unwrap_err();
    assert!(matches!(header, ReadError::Header(_)), "{header}");
    assert!(read("", "-").is_empty());
    assert!(read("\n \r\n", "a.csv").is_empty());
}

#[test]
fn a_header_that_cannot_be_read_ends_the_file() {
    for (text, said) in [
        (
            "type;case_id\nx;y\n",
            "h:1: type;case_id: there is no such column",
        ),
        ("type,type\nx,y\n", "h:1: type: the column is there twice"),
        (
            "type,\"port\nx,y\n",
            "h:1: a quote must open and close a whole field on its line; a quote inside is doubled",
        ),
    ] {
        let lines = read(text, "h");
        assert_eq!(lines.len(), 1);
        let Err(ReadError::Header(bad_line)) = &lines[0] else {
            panic!("{lines:?}")
        };
        assert_eq!(bad_line.to_string(), said);
    }
}

#[test]
fn a_file_of_a_spreadsheet_is_read() {
    let csv = as_csv(&cleared()).replace('\n', "\r\n").replace("SG", "\"SG\"");
    let (header, row) = csv.split_once("\r\n").unwrap();
    let text = format!(
        "\u{feff}{header},license_no\r\n{}\r\n{}",
        row.replace("\r\n", ",\r\n"),
        "1,2\r\n"
    );
    let lines = read(&text, "-");
    assert_eq!(
        bytes(one(cleared().to_string(), "-")),
        bytes(lines.into_iter().next().unwrap().unwrap())
    );
    let Err(ReadError::Line(short)) = &read(&text, "-")[1] else {
        panic!()
    };
    assert_eq!(
        short.to_string(),
        "-:4: the header names 11 columns, the line has 2 fields"
    );
}

proptest! {
    #[test]
    fn changed_bytes_never_panic(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4), csv in any::<bool>()) {
        let mut text = if csv { as_csv(&cleared()) } else { format!("{}\n", cleared()) }.into_bytes();
        for (at, byte) in changes {
            let at = at.index(text.len());
            text[at] = byte;
        }
        for observation in read(&text, "-").into_iter().flatten() {
            let again = bytes(observation.clone());
            prop_assert_eq!(&bytes(observation), &again);
            prop_assert!(decode_event(again.as_bytes()).is_ok());
        }
    }

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
