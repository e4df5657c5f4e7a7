//! Observation files as a whole: formats, compression, damage, and lines of any length.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::io::{BufReader, Cursor, Read as _, Write as _};

use flate2::{Compression, write::GzEncoder};
use portbook_wire::{
    Source, decode_event, encode,
    observation::{LINE_BYTES_MAX, Observation, ReadError, read_observations},
};
use proptest::prelude::*;
use serde_json::{Value, json};

fn read(text: impl AsRef<[u8]>, name: &str) -> Vec<Result<Observation, ReadError>> {
    read_observations(Cursor::new(text.as_ref()), name)
        .unwrap()
        .collect()
}

fn bytes(observation: Observation) -> String {
    let (envelope, data) = observation.into_event(&Source::outside("x").unwrap());
    String::from_utf8(encode(&envelope, &data).unwrap()).unwrap()
}

fn cleared() -> Value {
    json!({
        "event_id": "371cd45b-31ce-56ec-8194-64fb67c689b1", "type": "shipment_cleared", "case_id": "c1",
        "occurred_at": "2025-04-01T01:04:30Z", "port": "CNNBG", "declaration_no": "310420250000000001",
        "destination": "SG", "hs": "8505111000", "control_status": "not_controlled", "qty_kg": 7260,
    })
}

fn as_csv(line: &Value) -> String {
    let line = line.as_object().unwrap();
    let written = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let header: Vec<&str> = line.keys().map(String::as_str).collect();
    let fields: Vec<String> = line.values().map(written).collect();
    format!("{}\n{}\n", header.join(","), fields.join(","))
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
        bytes(read(cleared().to_string(), "-").remove(0).unwrap()),
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
}
