//! The frozen rule of the ledger: its vectors, and that no bytes make it panic.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{fs, path::Path};

use portbook_domain::{CaseId, EventId, PortCode};
use portbook_wire::{BODY_BYTES_MAX, EventHead, Quarantine, Source, read_head};
use proptest::prelude::*;
use serde_json::{Value, json};

const SUBJECT: &str = "portbook.events.2025LT04ROW00187";
const EVENT: &str = r#"{"specversion":"1.0","id":"371cd45b-31ce-56ec-8194-64fb67c689b1","source":"urn:portbook:src:customs-feed","type":"portbook.shipment.cleared.v1","subject":"2025LT04ROW00187","partitionkey":"CNNBG","data":{"a":[1,"\u00e9",null]}}"#;

fn vectors() -> Vec<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/head.ndjson");
    fs::read_to_string(path)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn body_of(vector: &Value) -> Vec<u8> {
    let mut body = match vector["body_hex"].as_str() {
        Some(hex) => {
            let pairs = hex.as_bytes().chunks(2);
            pairs
                .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
                .collect()
        }
        None => vector["body"].as_str().unwrap().as_bytes().to_vec(),
    };
    if let Some(length) = vector["pad_to"].as_u64() {
        body.resize(usize::try_from(length).unwrap(), b' ');
    }
    body
}

fn parts(head: &EventHead<'_>) -> Value {
    json!([
        head.id,
        head.source,
        head.type_name,
        head.version,
        head.case,
        head.port
    ])
}

#[test]
fn every_vector_gets_its_verdict() {
    let vectors = vectors();
    assert!(vectors.len() > 140, "vectors are added, never removed");
    for vector in &vectors {
        let body = body_of(vector);
        match read_head(vector["subject"].as_str().unwrap(), &body) {
            Ok(head) => {
                assert_eq!(vector["verdict"], "event", "{}", vector["name"]);
                assert_eq!(vector["head"], parts(&head), "{}", vector["name"]);
                let key = format!("{:032x}", u128::from_be_bytes(head.key()));
                assert_eq!(vector["key"], key, "{}", vector["name"]);
            }
            Err(why) => assert_eq!(vector["verdict"], why.reason(), "{}: {why}", vector["name"]),
        }
    }
}

#[test]
fn every_reason_has_a_vector() {
    let reasons = [
        "not-an-event-subject",
        "body-too-large",
        "not-utf-8",
        "not-an-object",
        "too-many-members",
        "escaped-name",
        "duplicate-member",
        "missing-attribute",
        "not-plain-text",
        "invalid-attribute",
        "subject-mismatch",
    ];
    for reason in reasons {
        assert!(
            vectors().iter().any(|vector| vector["verdict"] == reason),
            "{reason}"
        );
    }
}

#[test]
fn one_identity_has_one_key() {
    let head = read_head(SUBJECT, EVENT.as_bytes()).unwrap();
    let moved = EventHead {
        type_name: "license.granted",
        version: 2,
        case: "other",
        port: "CNSHG",
        ..head
    };
    assert_eq!(moved.key(), head.key());
    let other_source = EventHead {
        source: "urn:portbook:src:customs-feee",
        ..head
    };
    assert_ne!(other_source.key(), head.key());
}

#[test]
fn a_reason_says_what_and_where() {
    let cut = &EVENT.as_bytes()[..22];
    let why = read_head(SUBJECT, cut).unwrap_err();
    assert_eq!(
        why.to_string(),
        "not a JSON object: byte 22: expected the end of the string"
    );
    let why = read_head(SUBJECT, EVENT.replace("CNNBG", "cnnbg").as_bytes()).unwrap_err();
    assert_eq!(why.to_string(), "the attribute partitionkey is not a UN/LOCODE");
}

proptest! {
    #[test]
    fn changed_bytes_never_panic(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)) {
        let mut body = EVENT.as_bytes().to_vec();
        for (at, byte) in changes {
            let at = at.index(body.len());
            body[at] = byte;
        }
        // Whatever is accepted is in the message: the ledger never makes anything up.
        if let Ok(head) = read_head(SUBJECT, &body) {
            let text = std::str::from_utf8(&body).unwrap();
            for part in [head.id, head.source, head.type_name, head.case, head.port] {
                prop_assert!(text.contains(part));
            }
        }
    }

    #[test]
    fn any_bytes_never_panic(body in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(read_head(SUBJECT, &body).is_err());
    }

    #[test]
    fn a_cut_event_is_no_event(length in 0..EVENT.len()) {
        let is_refused = matches!(
            read_head(SUBJECT, &EVENT.as_bytes()[..length]),
            Err(Quarantine::NotAnObject { .. })
        );
        prop_assert!(is_refused);
    }

    /// The rule is frozen apart from the vocabulary; today both must agree.
    #[test]
    fn the_grammars_are_those_of_the_vocabulary(text in "[ -~]{0,8}|[A-Z0-9]{5}|[a-z:]{0,6}urn:portbook:(svc|src):[ -~]{0,4}") {
        let accepts = |from: &str, subject: &str| {
            let body = EVENT.replace(&format!("\"{from}\""), &serde_json::to_string(&text).unwrap());
            read_head(subject, body.as_bytes()).is_ok()
        };
        prop_assert_eq!(accepts("CNNBG", SUBJECT), PortCode::new(&text).is_ok());
        prop_assert_eq!(accepts("371cd45b-31ce-56ec-8194-64fb67c689b1", SUBJECT), EventId::new(&text).is_ok());
        prop_assert_eq!(accepts("urn:portbook:src:customs-feed", SUBJECT), Source::new(&text).is_ok());
        let subject = format!("portbook.events.{text}");
        prop_assert_eq!(accepts("2025LT04ROW00187", &subject), CaseId::new(&text).is_ok());
    }
}

#[test]
fn the_longest_body_is_the_published_one() {
    assert_eq!(BODY_BYTES_MAX, 32_768);
}
