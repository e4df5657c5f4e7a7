//! The mechanism, shown on versions that were never published.

use std::borrow::Cow;

use portbook_domain::EventData;

use super::*;
use crate::{
    decode::{DecodeError, decode_with},
    json::{JsonRule, Node},
};

/// Versions 1 and 2 of `license.granted` said `until` and `expiry` for what version 3 calls `valid_until`.
const RENAMED_TWICE: Upcasts = Upcasts(&[
    Step {
        kind: EventKind::LicenseGranted,
        from: 1,
        lift: name_last_day_expiry,
    },
    Step {
        kind: EventKind::LicenseGranted,
        from: 2,
        lift: name_last_day,
    },
]);

fn name_last_day(data: Object<'_>) -> Result<Object<'_>, JsonError> {
    rename(data, "expiry", "valid_until")
}

fn name_last_day_expiry(data: Object<'_>) -> Result<Object<'_>, JsonError> {
    rename(data, "until", "expiry")
}

fn rename<'a>(mut data: Object<'a>, old: &str, new: &'static str) -> Result<Object<'a>, JsonError> {
    let missing = || {
        JsonError::document(JsonRule::Missing {
            field: old.to_owned(),
        })
    };
    let value: Node<'a> = data.remove(old).ok_or_else(missing)?;
    data.enter(Cow::Borrowed(new), value).unwrap();
    Ok(data)
}

fn granted(version: u16, last_day: &str) -> Vec<u8> {
    let body = format!(
        r#"{{"specversion":"1.0","id":"371cd45b-31ce-56ec-8194-64fb67c689b1","source":"urn:portbook:src:x",
        "type":"portbook.license.granted.v{version}","subject":"c","time":"2025-04-01T00:00:00Z","partitionkey":"CNNBG",
        "pbmode":"observed","data":{{"license_no":"L1","{last_day}":"2025-10-27","destination":"DE","lines":[],
        "lane":"standard"}}}}"#
    );
    body.into_bytes()
}

fn last_day(upcasts: &Upcasts, body: &[u8]) -> Result<String, DecodeError> {
    let EventData::LicenseGranted(granted) = decode_with(upcasts, body)?.1.data else {
        panic!("another kind")
    };
    Ok(granted.valid_until.to_string())
}

#[test]
fn steps_are_taken_one_after_the_other() {
    assert_eq!(RENAMED_TWICE.current(EventKind::LicenseGranted), 3);
    for (version, field) in [(1, "until"), (2, "expiry"), (3, "valid_until")] {
        assert_eq!(
            last_day(&RENAMED_TWICE, &granted(version, field)).unwrap(),
            "2025-10-27",
            "v{version}"
        );
    }
}

#[test]
fn a_version_that_was_never_published_is_named() {
    let error = last_day(&RENAMED_TWICE, &granted(4, "valid_until")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "/type: this build reads license.granted up to version 3, found 4"
    );
    let error = last_day(&PUBLISHED, &granted(2, "valid_until")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "/type: this build reads license.granted up to version 1, found 2"
    );
}

#[test]
fn an_error_of_a_step_names_the_place() {
    let error = last_day(&RENAMED_TWICE, &granted(1, "valid_until")).unwrap_err();
    assert_eq!(error.to_string(), "/data: the field \"until\" is missing");
}

#[test]
fn published_steps_have_no_gap_and_end_at_the_schema_written_today() {
    for &kind in EventKind::ALL {
        let steps = PUBLISHED.0.iter().filter(|step| step.kind == kind);
        for (step, version) in steps.zip(1..) {
            assert_eq!(step.from, version, "{}", kind.name());
        }
        assert_eq!(
            PUBLISHED.current(kind),
            crate::schema::Schema::current(kind).version
        );
    }
}
