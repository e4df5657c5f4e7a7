//! Fields and documents that come from files.

use std::fs;
use std::path::Path;

use portbook_domain::Command;
use portbook_wire::BODY_BYTES_MAX;

use super::super::payload;
use super::{head, order, verbs};
use crate::exit::Exit;

const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

#[test]
fn the_fields_of_every_verb_can_come_from_a_file() {
    let folder = tempfile::tempdir().unwrap();
    for verb in verbs::ALL {
        let path = folder.path().join(verb.typed);
        fs::write(&path, verb.fields).unwrap();
        let from_file = [
            "portbook",
            verb.typed,
            "--case",
            "C-1",
            "--from",
            path.to_str().unwrap(),
        ];
        assert_eq!(
            order(&from_file).unwrap().command,
            order(&verb.line()).unwrap().command,
            "{}",
            verb.typed
        );
    }
}

#[test]
fn a_file_cannot_reach_beyond_its_fields() {
    for (text, told) in [
        (
            r#"{"reason_code":"r"}},"case":"other","x":{"y":{}"#,
            "not JSON: trailing characters at line 1 column 20",
        ),
        (
            r#"{"reason_code":"r","case":"other"}"#,
            "the field \"case\" is not known here",
        ),
        (
            r#"{"reason_code":"r","reason_code":"s"}"#,
            "/reason_code: the name stands twice in its object",
        ),
        (
            r#"{"reason_code":null}"#,
            "/reason_code: null is not a value: leave the field out",
        ),
        (
            r#"{"reason_code":""}"#,
            "/reason_code: text must be 1 to 500 characters",
        ),
        (r#"{"evidence":[]}"#, "the field \"reason_code\" is missing"),
        (
            r#"{"reason_code":"r","evidence":[{"kind":"k","sha256":"0"}]}"#,
            "/evidence/0/sha256: digest must be 64",
        ),
        (r#"["r",[]]"#, "expected an object with the command's fields"),
        ("", "not JSON: EOF while parsing a value at line 1 column 0"),
    ] {
        let broken = payload::parse(text.as_bytes(), "withdraw-application", &head()).unwrap_err();
        assert!(broken.starts_with(told), "{text}: {broken}");
    }
}

#[test]
fn the_head_is_the_one_that_was_typed() {
    let head = payload::Head {
        occurred_at: Some("2025-04-07T02:36:44Z".parse().unwrap()),
        ..head()
    };
    let order = payload::parse(br#"{"reason_code":"r"}"#, "withdraw-application", &head).unwrap();
    assert_eq!(
        (order.command_id, order.case, order.occurred_at),
        (head.command_id, head.case, head.occurred_at)
    );
}

#[test]
fn a_file_longer_than_a_message_is_refused_as_such() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("long.json");
    fs::write(
        &path,
        format!(r#"{{"reason_code":"{}"}}"#, "r".repeat(2 * BODY_BYTES_MAX)),
    )
    .unwrap();
    let told = order(&[
        "portbook",
        "withdraw",
        "--case",
        "C-1",
        "--from",
        path.to_str().unwrap(),
    ])
    .unwrap_err();
    assert!(
        told.contains("long.json: more than the 32768 bytes a message may have"),
        "{told}"
    );
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let failure = payload::read(Path::new("/nowhere/f.json"), "withdraw-application", &head()).unwrap_err();
    assert_eq!(failure.exit, Exit::InputOutput);
    assert!(
        failure
            .to_string()
            .starts_with("error: could not read /nowhere/f.json\n  caused by: No such file"),
        "{failure}"
    );
}

#[test]
fn a_document_is_hashed_and_follows_those_named_by_digest() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a,b=c.txt");
    fs::write(&path, "abc").unwrap();
    let file = format!("contract={}", path.display());
    let digest = format!("invoice={}", "0".repeat(64));
    let withdraw = ["portbook", "withdraw", "--case", "C-1", "--reason-code", "r"];
    let typed = order(&[&withdraw[..], &["--evidence-file", &file, "--evidence", &digest]].concat()).unwrap();
    let Command::WithdrawApplication(withdrawn) = typed.command else {
        panic!("{typed:?}")
    };
    let [named, hashed] = &withdrawn.evidence[..] else {
        panic!("{withdrawn:?}")
    };
    assert_eq!((named.kind.as_str(), named.size), ("invoice", None));
    assert_eq!(
        (hashed.kind.as_str(), hashed.sha256.as_str(), hashed.size),
        ("contract", ABC, Some(3))
    );
}

#[test]
fn a_document_says_what_is_wrong_with_it() {
    for (flag, value, told) in [
        (
            "--evidence",
            "contract".to_owned(),
            "a document is written as KIND=SHA256, found \"contract\"".to_owned(),
        ),
        (
            "--evidence",
            format!("={ABC}"),
            "kind: text must be 1 to 500 characters".to_owned(),
        ),
        (
            "--evidence",
            "contract=0".to_owned(),
            "digest must be 64 lower-case hexadecimal digits, found \"0\"".to_owned(),
        ),
        (
            "--evidence",
            format!("contract={ABC},size=-3"),
            "size must be whole bytes, found \"-3\"".to_owned(),
        ),
        (
            "--evidence",
            format!("contract={ABC},size=1,size=2"),
            "\"size=2\" is neither size=BYTES nor type=".to_owned(),
        ),
        (
            "--evidence",
            format!("contract={ABC},pages=2"),
            "\"pages=2\" is neither size=BYTES nor type=".to_owned(),
        ),
        (
            "--evidence-file",
            "contract".to_owned(),
            "a document is written as KIND=PATH, found \"contract\"".to_owned(),
        ),
        (
            "--evidence-file",
            "contract=/nowhere".to_owned(),
            "could not read /nowhere\n  caused by:".to_owned(),
        ),
    ] {
        let line = [
            "portbook",
            "withdraw",
            "--case",
            "C-1",
            "--reason-code",
            "r",
            flag,
            &value,
        ];
        let text = order(&line).unwrap_err();
        assert!(text.contains(&told), "{value}: {text}");
    }
}
