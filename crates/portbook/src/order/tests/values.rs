//! What a flag takes, and what the user is told of a value it does not take.

use portbook_domain::{
    CaseId, CloseOutcome, ControlStatus, Lane, LicenseChange, LicenseKind, QueryStage, ShipmentOutcome,
};

use super::super::word::{day, grams, kilograms, moment};
use super::super::{application, license, line, paperwork, shipment};
use super::{head, order, payload, verbs};

/// Says `flag value` to a verb that has everything else right, and gives what the user is told.
#[track_caller]
fn refusal(typed: &str, flag: &str, value: &[&str]) -> String {
    let verb = verbs::ALL.iter().find(|verb| verb.typed == typed).unwrap();
    let others = verb.flags.iter().filter(|one| one[0] != flag).copied().flatten();
    let mut line = vec!["portbook", typed, "--case", "C-1", flag];
    line.extend(value.iter().chain(others));
    order(&line).unwrap_err()
}

const BAD_VALUES: &[(&str, &str, &str, &str)] = &[
    (
        "submit",
        "--applicant",
        "",
        "text must be 1 to 500 characters without control characters, found \"\"",
    ),
    (
        "submit",
        "--end-user-commitment",
        "AB",
        "digest must be 64 lower-case hexadecimal digits, found \"AB\"",
    ),
    (
        "submit",
        "--destination",
        "de",
        "country must be an ISO 3166-1 alpha-2 code, found \"de\"",
    ),
    (
        "submit",
        "--exit-port",
        "NBG",
        "port must be a UN/LOCODE: two letters, then three of A-Z 2-9, found \"NBG\"",
    ),
    (
        "query",
        "--reply-due",
        "2025-02-30",
        "a day is written as YYYY-MM-DD and is in the calendar, found \"2025-02-30\"",
    ),
    (
        "query",
        "--query-id",
        "a b",
        "query id must be 1 to 64 printable characters without spaces, found \"a b\"",
    ),
    (
        "grant",
        "--license-no",
        "L 1",
        "license number must be 1 to 32 printable characters without spaces, found \"L 1\"",
    ),
    ("grant", "--uses-allowed", "many", "invalid digit found in string"),
    (
        "change-license",
        "--effective-at",
        "tomorrow",
        "a time is written like 2025-04-07T02:36:44Z",
    ),
    (
        "declare",
        "--declaration-no",
        "",
        "declaration number must be 1 to 32 printable characters",
    ),
    (
        "close-shipment",
        "--returned-kg",
        "1.2345",
        "kg must be kilograms with at most three decimal places",
    ),
    (
        "correct",
        "--target-event-id",
        "1",
        "event id must be a UUID in lower-case hyphenated form, found \"1\"",
    ),
    (
        "annul",
        "--target-leaf",
        "1",
        "digest must be 64 lower-case hexadecimal digits, found \"1\"",
    ),
];

#[test]
fn a_bad_value_is_told_with_its_flag_and_its_rule() {
    for (typed, flag, value, told) in BAD_VALUES {
        let text = refusal(typed, flag, &[value]);
        assert!(text.contains(told), "{typed} {flag} {value}: {text}");
        assert!(text.contains(flag), "{typed} {flag} {value}: {text}");
    }
    let text = order(&["portbook", "withdraw", "--case", "a/b", "--reason-code", "r"]).unwrap_err();
    assert!(
        text.contains("'--case <CASE>': case id must be 1 to 64 characters of A-Z a-z 0-9 _ -"),
        "{text}"
    );
}

#[test]
fn a_patch_is_a_pointer_and_two_values_in_json() {
    let unquoted = refusal("correct", "--patch", &["/exit_ports/0", "\"CNNBG\"", "CNSHG"]);
    assert!(
        unquoted.starts_with("error: --patch /exit_ports/0: NEW must be JSON, found \"CNSHG\""),
        "{unquoted}"
    );
    assert!(refusal("correct", "--patch", &["/a", "{", "1"]).contains("OLD must be JSON, found \"{\""));
    let short = refusal("correct", "--patch", &["/a", "1"]);
    assert!(
        short.contains("3 values required for '--patch <POINTER> <OLD> <NEW>' but 2 were provided"),
        "{short}"
    );
}

const BAD_LINES: &[(&str, &str)] = &[
    ("", "the number of a line is 1 to 65535, found \"\""),
    ("0,hs=850511", "the number of a line is 1 to 65535, found \"0\""),
    (
        "65536,hs=850511",
        "the number of a line is 1 to 65535, found \"65536\"",
    ),
    ("+1,hs=850511", "the number of a line is 1 to 65535, found \"+1\""),
    (
        "hs=850511,1",
        "\"1\" is neither the line's number, which comes first, nor field=value",
    ),
    (
        "hs=850511,code=1C905.a,element=Dy,kg=1",
        "the line's number is missing: begin with it, as in 1,hs=8505111000",
    ),
    ("1,code=1C905.a,element=Dy,kg=1", "hs is missing: add hs=…"),
    (
        "1,hs=8505,code=1C905.a,element=Dy,kg=1",
        "hs: hs must be 6 to 10 digits, found \"8505\"",
    ),
    ("1,hs=850511,element=Dy,kg=1", "code is missing: add code=…"),
    (
        "1,hs=850511,code=,element=Dy,kg=1",
        "code: control code must be 1 to 16 characters",
    ),
    (
        "1,hs=850511,code=1C905.a,element=dy,kg=1",
        "element: element must be a capital letter",
    ),
    (
        "1,hs=850511,code=1C905.a,element=Dy",
        "the mass is missing: add kg=… or g=…",
    ),
    (
        "1,hs=850511,code=1C905.a,element=Dy,kg=1,g=1000",
        "the mass is stated twice, as kg and as g",
    ),
    (
        "1,hs=850511,code=1C905.a,element=Dy,kg=1,kg=2",
        "kg is stated twice",
    ),
    (
        "1,hs=850511,code=1C905.a,element=Dy,kg=-1",
        "kg must be kilograms with at most three decimal places",
    ),
    (
        "1,hs=850511,code=1C905.a,element=Dy,g=1.5",
        "g must be whole grams, at most 9007199254740991, found \"1.5\"",
    ),
    (
        "1,hs=850511,mass=1",
        "a line has no field \"mass\"; its fields are hs, code, element, form, kg, g",
    ),
    (
        "1,hs=850511,code=1C905.a,element=Dy,kg=1,",
        "\"\" is neither the line's number",
    ),
];

#[test]
fn a_line_says_what_is_wrong_with_it() {
    for (text, told) in BAD_LINES {
        let found = line::application_line(text).unwrap_err();
        assert!(found.starts_with(told), "{text}: {found}");
    }
    let goods = "1,hs=850511,code=1C905.a,element=Dy,form=magnet,kg=1";
    assert!(line::application_line(goods).is_ok());
    for error in [
        line::granted_line(goods).unwrap_err(),
        line::cleared_line(goods).unwrap_err(),
    ] {
        assert_eq!(error, "form belongs to the lines of an application only");
    }
}

#[test]
fn a_mass_is_exact_or_refused() {
    for (text, expected_g) in [
        ("0", 0),
        ("1", 1_000),
        ("1.5", 1_500),
        ("1.05", 1_050),
        ("0.001", 1),
        ("12345.678", 12_345_678),
        ("9007199254740.991", 9_007_199_254_740_991),
    ] {
        assert_eq!(kilograms(text).unwrap().get(), expected_g, "{text}");
    }
    for wrong in [
        "",
        ".",
        "1.",
        ".5",
        "-1",
        "+1",
        "1.+5",
        "1e3",
        "1.0005",
        "1,5",
        " 1",
        "1_000",
        "1.2.3",
        "9007199254740.992",
        "18446744073709551616",
        "18446744073709552",
        "\u{661}",
    ] {
        kilograms(wrong).unwrap_err();
    }
    assert_eq!(grams("840000").unwrap().get(), 840_000);
    for wrong in ["", "1.0", "-1", "9007199254740992"] {
        grams(wrong).unwrap_err();
    }
}

#[test]
fn a_moment_has_an_offset_and_a_day_has_none() {
    assert_eq!(
        moment("2025-04-07T10:36:44.5+08:00").unwrap().to_string(),
        "2025-04-07T02:36:44.5Z"
    );
    for wrong in [
        "2025-04-07",
        "2025-04-07T02:36:44",
        "2025-04-07 02:36:44Z",
        "2025-04-07T02:36:44Z[UTC]",
        "20250407T023644Z",
        "2025-04-31T00:00:00Z",
    ] {
        moment(wrong).unwrap_err();
    }
    assert_eq!(day("2024-02-29").unwrap().to_string(), "2024-02-29");
    for wrong in [
        "2025-02-29",
        "20250401",
        "2025-4-1",
        "2025-04-01T00:00:00",
        "2025-W14-2",
        "2025-04-1\u{661}",
    ] {
        day(wrong).unwrap_err();
    }
}

/// The reader of files lists the words it knows when it meets one it does not.
fn known_words(command: &'static str, field: &str) -> String {
    let broken = payload::parse(format!(r#"{{"{field}":"?"}}"#).as_bytes(), command, &head()).unwrap_err();
    broken
        .split_once("one of ")
        .unwrap()
        .1
        .split_once(", found")
        .unwrap()
        .0
        .to_owned()
}

fn offered<T: Copy>(all: &[T], word: fn(T) -> &'static str) -> String {
    all.iter().map(|it| word(*it)).collect::<Vec<_>>().join(", ")
}

#[test]
fn the_words_offered_are_all_the_words_there_are() {
    let closing = application::closing_word;
    assert_eq!(
        known_words("submit-application", "kind"),
        offered(application::KINDS, LicenseKind::word)
    );
    assert_eq!(
        known_words("grant-license", "lane"),
        offered(application::LANES, Lane::word)
    );
    assert_eq!(
        known_words("close-application", "outcome"),
        offered(application::CLOSINGS, closing)
    );
    assert_eq!(
        known_words("raise-query", "stage"),
        offered(paperwork::STAGES, QueryStage::word)
    );
    assert_eq!(
        known_words("change-license", "change"),
        offered(license::CHANGES, LicenseChange::word)
    );
    assert_eq!(
        known_words("declare-shipment", "control_status"),
        offered(shipment::STATUSES, ControlStatus::word)
    );
    assert_eq!(
        known_words("close-shipment", "outcome"),
        offered(shipment::OUTCOMES, ShipmentOutcome::word)
    );
    let text = refusal("refuse", "--outcome", &[CloseOutcome::Withdrawn.word()]);
    assert!(
        text.contains("[possible values: refused, returned, lapsed]"),
        "{text}"
    );
}

#[test]
fn the_ordinary_choices_need_not_be_typed() {
    let typed = |line: &[&str]| order(line).unwrap();
    let refused = typed(&["portbook", "refuse", "--case", "C-1", "--reason-code", "r"]);
    let answered = typed(&["portbook", "answer", "--case", "C-1", "--query-id", "q"]);
    for (found, command, fields) in [
        (
            refused,
            "close-application",
            r#"{"outcome":"refused","reason_code":"r"}"#,
        ),
        (answered, "answer-query", r#"{"query_id":"q","complete":true}"#),
    ] {
        assert_eq!(
            found.command,
            payload::parse(fields.as_bytes(), command, &head())
                .unwrap()
                .command
        );
        assert_eq!(found.case, CaseId::new("C-1").unwrap());
    }
}
