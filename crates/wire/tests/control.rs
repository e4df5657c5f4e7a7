//! Control messages: strict, because they decide how others are recorded.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeMap;

use portbook_domain::{Digest, PortCode, Text};
use portbook_wire::{
    JsonRule, Source,
    control::{
        Control, ControlError, ControlKind, KeyId, KeyRegistered, ModeName, PublicKey, ReferencePublished,
        SealRequested, encode_control, parse_control,
    },
};

fn seal() -> Control {
    Control::from(SealRequested {
        origin: Text::new("portbook.example/re").unwrap(),
        prev_checkpoint: Digest::new(&"0".repeat(64)).unwrap(),
        prev_size: 0,
    })
}

fn text(control: &Control) -> String {
    String::from_utf8(encode_control(control).unwrap()).unwrap()
}

fn said(kind: ControlKind, body: &str) -> String {
    parse_control(kind.subject(), body.as_bytes())
        .unwrap_err()
        .to_string()
}

#[test]
fn a_seal_is_these_bytes() {
    let zeros = "0".repeat(64);
    assert_eq!(
        text(&seal()),
        format!(
            r#"{{"kind":"seal","v":1,"body":{{"origin":"portbook.example/re","prev_checkpoint":"{zeros}","prev_size":0}}}}"#
        )
    );
}

#[test]
fn nothing_in_a_control_message_is_overlooked() {
    let body = text(&seal());
    for (changed, message) in [
        (
            body.replace(r#""v":1"#, r#""v":2"#),
            "/v: this build reads version 1, found 2",
        ),
        (
            body.replace(r#""v":1"#, r#""v":"1""#),
            "/v: expected an integer, found a text",
        ),
        (
            body.replace(r#""v":1,"#, ""),
            "the document: the field \"v\" is missing",
        ),
        (
            body.replace(r#""v":1"#, r#""v":1,"w":1"#),
            "the document: the field \"w\" is not known here",
        ),
        (
            body.replace("prev_size", "previous_size"),
            "/body: the field \"previous_size\" is not known here",
        ),
        (
            body.replace(r#","prev_size":0"#, ""),
            "/body: the field \"prev_size\" is missing",
        ),
        (
            body.replace(r#""prev_size":0"#, r#""prev_size":-1"#),
            "/body/prev_size: expected u64, found integer `-1`",
        ),
        (
            body.replace(r#""prev_size":0"#, r#""prev_size":0,"prev_size":0"#),
            "/body/prev_size: the name stands twice in its object",
        ),
        (
            body.replace(r#""kind":"seal""#, r#""kind":"key.revoked""#),
            "/kind: the subject is for \"seal\", the body says \"key.revoked\"",
        ),
        (
            body.replace(r#""kind":"seal""#, r#""kind":1"#),
            "/kind: expected a text, found an integer",
        ),
    ] {
        assert_ne!(changed, body);
        assert_eq!(said(ControlKind::Seal, &changed), message);
    }
}

#[test]
fn a_message_speaks_only_on_its_own_subject() {
    let body = text(&seal());
    for &kind in ControlKind::ALL {
        let read = parse_control(kind.subject(), body.as_bytes());
        assert_eq!(read.is_ok(), kind == ControlKind::Seal, "{}", kind.name());
    }
    let elsewhere = parse_control("portbook.events.seal", body.as_bytes());
    assert!(matches!(elsewhere, Err(ControlError::UnknownSubject { .. })));
}

#[test]
fn a_key_is_written_in_one_way() {
    let registered = Control::from(KeyRegistered {
        key_id: KeyId([0xab; 8]),
        public_key: PublicKey([7; 32]),
        source: Source::service("licensing").unwrap(),
        mode: ModeName::Authoritative,
        event_types: vec![],
        valid_from: "2025-04-01T00:00:00Z".parse().unwrap(),
        valid_until: "2026-04-01T00:00:00Z".parse().unwrap(),
    });
    let body = text(&registered);
    assert_eq!(
        parse_control(ControlKind::KeyRegistered.subject(), body.as_bytes()),
        Ok(registered)
    );
    for (changed, message) in [
        (
            body.replace("abab", "ABAB"),
            "/body/key_id: expected 8 bytes in lower-case hexadecimal",
        ),
        (
            body.replace("Bwc=", "Bwc"),
            "/body/public_key: expected 32 bytes in padded base64",
        ),
        (
            body.replace("Bwc=", "BwcH"),
            "/body/public_key: expected 32 bytes in padded base64",
        ),
        (
            body.replace("2025-04-01T00:00:00Z", "2025-04-01T00:00:00+00:00"),
            "/body/valid_from: expected an RFC 3339 time in UTC that ends in Z, found \"2025-04-01T00:00:00+00:00\"",
        ),
        (
            body.replace("authoritative", "certain"),
            "/body/mode: expected one of authoritative, observed, found \"certain\"",
        ),
        (
            body.replace("\"event_types\":[]", "\"event_types\":[\"License\"]"),
            "/body/event_types/0: event type must be <entity>.<verb>, each 1 to 32 characters of a-z 0-9 _ beginning with a letter, found \"License\"",
        ),
    ] {
        assert_ne!(changed, body);
        assert_eq!(said(ControlKind::KeyRegistered, &changed), message);
    }
}

#[test]
fn a_message_that_is_too_long_is_not_written() {
    let letters = 'A'..='Z';
    let pairs = letters
        .clone()
        .flat_map(|first| letters.clone().map(move |second| format!("{first}{second}")));
    let port = |code: String| PortCode::new(&code).unwrap();
    let ports =
        pairs.flat_map(|pair| ["CNA", "CNB", "CNC", "CND"].map(|prefix| port(format!("{prefix}{pair}"))));
    let port_aliases: BTreeMap<PortCode, PortCode> = ports.map(|port| (port.clone(), port)).collect();
    let published = Control::from(ReferencePublished {
        name: Text::new("aliases").unwrap(),
        sha256: Digest::new(&"0".repeat(64)).unwrap(),
        port_aliases: Some(port_aliases),
        published_at: "2025-04-01T00:00:00Z".parse().unwrap(),
    });
    let error = encode_control(&published).map(|body| body.len()).unwrap_err();
    assert!(
        matches!(
            error.rule,
            JsonRule::TooLarge {
                bytes_max: 32_768,
                ..
            }
        ),
        "{error}"
    );
}
