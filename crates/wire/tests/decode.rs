//! What decoding refuses, and how it says so: every error names a JSON pointer and a rule.

#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test that cannot go on has failed"
)]

use portbook_domain::EventKind;
use portbook_wire::{DecodeError, Mode, decode_event, encode, schema::Schema};
use proptest::prelude::*;
use serde_json::{Value, json};

fn observed() -> Value {
    json!({
        "specversion": "1.0", "id": "371cd45b-31ce-56ec-8194-64fb67c689b1", "source": "urn:portbook:src:x",
        "type": "portbook.license.granted.v1", "subject": "case-1", "time": "2025-04-27T02:13:05Z",
        "partitionkey": "CNNBG", "pbmode": "observed",
        "data": {
            "license_no": "25DU000001", "valid_until": "2025-10-27", "destination": "DE", "lane": "standard",
            "lines": [{ "line": 1, "hs": "850511", "control_code": "1C905.a", "element": "Dy", "granted_g": 5 }],
        },
    })
}

fn decided() -> Value {
    let mut event = observed();
    event["pbmode"] = json!("authoritative");
    event["sequence"] = json!("0000000002");
    event["pbprev"] = json!("a".repeat(64));
    event["pbcmd"] = json!("cmd-1");
    event
}

fn said_of(event: &Value) -> String {
    decode_event(event.to_string().as_bytes())
        .unwrap_err()
        .to_string()
}

/// What is said of `event` after the value at `pointer` was replaced.
fn said_with(mut event: Value, pointer: &str, value: Value) -> String {
    let (parent, field) = pointer.rsplit_once('/').unwrap();
    let parent = event.pointer_mut(parent).unwrap();
    let place = match field.parse::<usize>() {
        Ok(index) => &mut parent[index],
        Err(_) => &mut parent[field],
    };
    *place = value;
    said_of(&event)
}

const FLAWS: &[(&str, &str, &str)] = &[
    (
        "/specversion",
        r#""0.3""#,
        "/specversion: expected 1.0, found \"0.3\"",
    ),
    (
        "/datacontenttype",
        r#""text/plain""#,
        "/datacontenttype: expected application/json, found \"text/plain\"",
    ),
    ("/id", "7", "/id: expected a text, found an integer"),
    (
        "/time",
        r#""2025-04-27T02:13:05+08:00""#,
        "/time: expected an RFC 3339 time in UTC that ends in Z, found \"2025-04-27T02:13:05+08:00\"",
    ),
    (
        "/recordedtime",
        r#""yesterday""#,
        "/recordedtime: expected an RFC 3339 time in UTC that ends in Z, found \"yesterday\"",
    ),
    (
        "/partitionkey",
        r#""Ningbo""#,
        "/partitionkey: port must be a UN/LOCODE: two letters, then three of A-Z 2-9, found \"Ningbo\"",
    ),
    (
        "/type",
        r#""portbook.goods.seized.v1""#,
        "/type: this build does not know \"portbook.goods.seized.v1\"",
    ),
    (
        "/pbmode",
        r#""guessed""#,
        "/pbmode: expected authoritative or observed, found \"guessed\"",
    ),
    (
        "/pbsimulated",
        r#""yes""#,
        "/pbsimulated: expected true or false, found a text",
    ),
    (
        "/sequence",
        r#""0000000001""#,
        "/sequence: cannot stand in an observed event",
    ),
    (
        "/pbprev",
        r#""aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa""#,
        "/pbprev: cannot stand in an observed event",
    ),
    ("/pbcmd", r#""cmd""#, "/pbcmd: cannot stand in an observed event"),
    ("/data", "[]", "/data: expected an object, found a list"),
    (
        "/data/lane",
        r#""fast""#,
        "/data/lane: expected one of standard, expedited, found \"fast\"",
    ),
    (
        "/data/lane",
        "null",
        "/data/lane: null is not a value: leave the field out",
    ),
    (
        "/data/valid_until",
        r#""2025-10-27T00:00:00Z""#,
        "/data/valid_until: expected a date as YYYY-MM-DD, found \"2025-10-27T00:00:00Z\"",
    ),
    (
        "/data/valid_from",
        r#""20250427""#,
        "/data/valid_from: expected a date as YYYY-MM-DD, found \"20250427\"",
    ),
    (
        "/data/uses_allowed",
        "4294967296",
        "/data/uses_allowed: expected u32, found integer `4294967296`",
    ),
    (
        "/data/lines/0/granted_g",
        "5.5",
        "/data/lines/0/granted_g: 5.5 is not an integer from -9007199254740991 to 9007199254740991",
    ),
    (
        "/data/lines/0/granted_g",
        "-5",
        "/data/lines/0/granted_g: expected u64, found integer `-5`",
    ),
    (
        "/data/lines/0/granted_g",
        r#""5""#,
        "/data/lines/0/granted_g: expected u64, found string \"5\"",
    ),
    (
        "/data/lines/0/element",
        r#""dy""#,
        "/data/lines/0/element: element must be a capital letter and at most one small letter, found \"dy\"",
    ),
    (
        "/data/lines/0",
        "{}",
        "/data/lines/0: the field \"line\" is missing",
    ),
];

#[test]
fn every_error_names_its_place() {
    for (pointer, value, said) in FLAWS {
        assert_eq!(said_with(observed(), pointer, value.parse().unwrap()), *said);
    }
}

#[test]
fn a_schema_of_another_type_is_refused_and_a_newer_text_is_not() {
    let urn = Schema::current(EventKind::LicenseGranted).urn;
    let mut event = observed();
    event["dataschema"] = json!(urn);
    assert!(decode_event(event.to_string().as_bytes()).is_ok());
    event["dataschema"] = json!(
        urn.replace(|c: char| c.is_ascii_digit(), "0")
            .replacen(":0:", ":1:", 1)
            .replace("sha000", "sha256")
    );
    assert!(
        decode_event(event.to_string().as_bytes()).is_ok(),
        "{}",
        event["dataschema"]
    );
    event["dataschema"] = json!(Schema::current(EventKind::LicenseChanged).urn);
    assert!(
        said_of(&event).starts_with("/dataschema: expected the URN of a schema of this type and version")
    );
}

#[test]
fn a_decided_event_has_its_place_in_the_case() {
    let (envelope, _) = decode_event(decided().to_string().as_bytes()).unwrap();
    assert!(matches!(&envelope.mode, Mode::Authoritative(decided) if decided.sequence == 2));
    for (field, said) in [
        ("sequence", "/sequence: missing from an authoritative event"),
        ("pbcmd", "/pbcmd: missing from an authoritative event"),
        ("pbprev", "/sequence: case version 2 names no previous event"),
    ] {
        let mut event = decided();
        event.as_object_mut().unwrap().remove(field);
        assert_eq!(said_of(&event), said);
    }
    for (sequence, said) in [
        (
            "0000000001",
            "/sequence: the first event of a case names a previous one",
        ),
        (
            "0000000000",
            "/sequence: case version 0 is not between 1 and 9999999999",
        ),
        ("2", "/sequence: expected ten digits, found \"2\""),
        (
            "+000000002",
            "/sequence: expected ten digits, found \"+000000002\"",
        ),
    ] {
        assert_eq!(said_with(decided(), "/sequence", json!(sequence)), said);
    }
}

#[test]
fn a_moment_in_the_data_has_one_spelling() {
    let mut event = observed();
    event["type"] = json!("portbook.license.changed.v1");
    event["data"] = json!({ "license_no": "L", "change": "revoked", "effective_at": "2025-06-02T01:00:00Z" });
    assert!(decode_event(event.to_string().as_bytes()).is_ok());
    let said = said_with(event, "/data/effective_at", json!("2025-06-02T09:00:00+08:00"));
    assert!(
        said.starts_with("/data/effective_at: expected an RFC 3339 time in UTC"),
        "{said}"
    );
}

#[test]
fn what_is_not_known_is_accepted() {
    let known = decode_event(observed().to_string().as_bytes()).unwrap();
    let mut event = observed();
    event["traceparent"] = json!("00-abc");
    event["data"]["color"] = json!({ "nested": [true] });
    event["data"]["lines"][0]["batch"] = json!("7");
    assert_eq!(decode_event(event.to_string().as_bytes()).unwrap(), known);
}

#[test]
fn repeats_are_refused_at_any_depth() {
    let text = observed().to_string();
    let twice = text.replace("\"line\":1", "\"line\":1,\"line\":1");
    let error = decode_event(twice.as_bytes()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "/data/lines/0/line: the name stands twice in its object"
    );
    let twice = text.replace("\"subject\"", "\"subject\":\"case-2\",\"subject\"");
    assert_eq!(
        decode_event(twice.as_bytes()).unwrap_err().to_string(),
        "/subject: the name stands twice in its object"
    );
}

#[test]
fn an_event_that_is_too_long_is_refused() {
    let mut text = observed().to_string();
    text.push_str(&" ".repeat(32_768 - text.len()));
    assert!(decode_event(text.as_bytes()).is_ok());
    text.push(' ');
    assert!(matches!(decode_event(text.as_bytes()), Err(DecodeError::Json(_))));
}

proptest! {
    #[test]
    fn changed_bytes_never_panic(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4)) {
        let mut body = decided().to_string().into_bytes();
        for (at, byte) in changes {
            let at = at.index(body.len());
            body[at] = byte;
        }
        let once = decode_event(&body);
        prop_assert_eq!(&once, &decode_event(&body));
        // What was understood is written and understood again as the same.
        if let Ok((envelope, event)) = once {
            let again = encode(&envelope, &event.data).unwrap();
            prop_assert_eq!(decode_event(&again).unwrap(), (envelope, event));
        }
    }
}
