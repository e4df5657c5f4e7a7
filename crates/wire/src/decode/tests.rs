//! The two readers of events against each other: what the quick one takes, the whole one reads as the same value.

use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use serde_json::Value;

use super::*;

/// Bodies of the frozen examples.
fn golden() -> Vec<Vec<u8>> {
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/events")];
    let mut files: Vec<PathBuf> = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "json") {
                files.push(path);
            }
        }
    }
    files.sort();
    files.iter().map(|path| fs::read(path).unwrap()).collect()
}

/// Holds the readers against each other; gives whether the quick one took `body`.
fn compared(body: &[u8]) -> Result<bool, TestCaseError> {
    let whole = decode_whole(&PUBLISHED, body);
    let quick = quick::decode(&PUBLISHED, body);
    let text = || String::from_utf8_lossy(body).into_owned();
    prop_assert_eq!(&decode_event(body), &whole, "{}", text());
    if let Some(read) = &quick {
        prop_assert_eq!(whole.as_ref(), Ok(read), "{}", text());
    }
    Ok(quick.is_some())
}

/// Pieces that are put in the place of others: signs of the grammar, and values of the wrong kind or nearly right.
const PIECES: &[&str] = &[
    "",
    " ",
    "\n",
    "\"",
    "\\",
    "\\u0061",
    "\\/",
    ",",
    ":",
    "{",
    "}",
    "[",
    "]",
    "null",
    "true",
    "false",
    "0",
    "-0",
    "-1",
    "1.0",
    "1e3",
    "65536",
    "9007199254740992",
    "{}",
    "[]",
    "\"\"",
    "\"x\"",
    "\"2025-04-01\"",
    "\"2025-04-01T00:00:00Z\"",
    "\"2025-04-01T00:00:00+00:00\"",
    "\"20250401\"",
    "{\"standard\":1}",
    "\u{7f}",
    "\u{1}",
    "\u{e9}",
];

/// Every value and member in `document`, as pointers.
fn pointers(document: &Value, at: &str, found: &mut Vec<String>) {
    match document {
        Value::Object(members) => {
            for (name, value) in members {
                found.push(format!("{at}/{name}"));
                pointers(value, &format!("{at}/{name}"), found);
            }
        }
        Value::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                found.push(format!("{at}/{index}"));
                pointers(value, &format!("{at}/{index}"), found);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The text of `document` with the value at `pointer` written as `piece`, and once more behind itself if `twice`.
fn with_piece(document: &Value, pointer: &str, piece: &str, twice: bool) -> String {
    const MARK: &str = "the place of the piece";
    let mut document = document.clone();
    let old = document.pointer_mut(pointer).map(std::mem::take).unwrap();
    *document.pointer_mut(pointer).unwrap() = Value::from(MARK);
    let old = old.to_string();
    let name = pointer.rsplit('/').next().unwrap();
    let mark = format!("\"{MARK}\"");
    let written = match (twice, name.parse::<usize>()) {
        (true, Err(_)) => format!("{old},\"{name}\":{old}"),
        (true, Ok(_)) => format!("{old},{old}"),
        (false, _) => piece.to_owned(),
    };
    let Value::Object(members) = document else {
        panic!("no object")
    };
    // As events are written: their data last.
    let (data, mut others): (Vec<_>, Vec<_>) = members.into_iter().partition(|(name, _)| name == "data");
    others.extend(data);
    let others = others.iter().map(|(name, value)| format!("\"{name}\":{value}"));
    let text = format!("{{{}}}", others.collect::<Vec<_>>().join(","));
    text.replacen(&mark, &written, 1)
}

#[test]
fn every_frozen_example_is_read_quickly() {
    let golden = golden();
    assert!(golden.len() > 20, "{}", golden.len());
    for body in golden {
        assert!(compared(&body).unwrap(), "{}", String::from_utf8_lossy(&body));
    }
}

#[test]
fn both_readers_say_the_same_of_every_changed_value() {
    let (mut taken, mut declined) = (0, 0);
    for body in golden() {
        let document: Value = serde_json::from_slice(&body).unwrap();
        let mut found = Vec::new();
        pointers(&document, "", &mut found);
        for pointer in found {
            for (piece, twice) in PIECES.iter().map(|piece| (*piece, false)).chain([("", true)]) {
                let changed = with_piece(&document, &pointer, piece, twice);
                if compared(changed.as_bytes()).unwrap() {
                    taken += 1;
                } else {
                    declined += 1;
                }
            }
        }
    }
    assert!(
        taken > 100 && declined > 1_000,
        "{taken} taken, {declined} declined"
    );
}

#[test]
fn members_in_any_order_and_unknown_ones_are_read_as_ever() {
    for body in golden() {
        let document: Value = serde_json::from_slice(&body).unwrap();
        let members = document.as_object().unwrap();
        let written: Vec<String> = members
            .iter()
            .map(|(name, value)| format!("\"{name}\":{value}"))
            .collect();
        let reversed: Vec<String> = written.iter().rev().cloned().collect();
        compared(format!("{{{}}}", reversed.join(",")).as_bytes()).unwrap();
        compared(format!(" {{ {} }} ", written.join(" , ")).as_bytes()).unwrap();
        for more in [
            "\"more\":1",
            "\"more\":null",
            "\"more\":{\"a\":1,\"a\":1}",
            "\"data\":{}",
        ] {
            let longer = format!("{{{},{more}}}", written.join(","));
            assert!(!compared(longer.as_bytes()).unwrap(), "{longer}");
            // In every object, once and twice.
            let text = String::from_utf8_lossy(&body).into_owned();
            for (place, _) in text.match_indices('}') {
                let (before, behind) = text.split_at(place);
                let deeper = format!("{before},{more},{more}{behind}");
                assert!(!compared(deeper.as_bytes()).unwrap(), "{deeper}");
                let deeper = format!("{before},{more}{behind}");
                assert!(!compared(deeper.as_bytes()).unwrap(), "{deeper}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    /// Frozen examples with pieces of their text replaced.
    #[test]
    fn both_readers_say_the_same_of_every_mutilated_text(
        example in any::<prop::sample::Index>(),
        edits in prop::collection::vec((any::<prop::sample::Index>(), 0_usize..4, prop::sample::select(PIECES)), 1..4),
    ) {
        let golden = golden();
        let mut body = example.get(&golden).clone();
        for (place, removed, piece) in edits {
            let start = place.index(body.len() + 1);
            let end = body.len().min(start + removed);
            body.splice(start..end, piece.bytes());
        }
        compared(&body)?;
    }
}
