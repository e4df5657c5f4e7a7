//! Commands and replies as JSON.

use portbook_domain::{Command, EventId};
use portbook_wire::{
    TypeName,
    command::{
        Appended, CommandReply, Outcome, Refusal, encode_order, encode_reply, parse_order, parse_reply,
    },
};

const ORDER: &str = r#"{"command_id":"cmd-1","case":"2025DU000002","occurred_at":"2025-04-07T02:36:44Z","command":{"answer-query":{"query_id":"licensing-1","evidence":[{"kind":"contract","sha256":"0000000000000000000000000000000000000000000000000000000000000000"}],"complete":true}}}"#;

#[test]
fn a_command_is_read_and_written_again_as_it_stands() {
    let order = parse_order(ORDER.as_bytes()).unwrap();
    assert_eq!(order.command.name(), "answer-query");
    assert!(matches!(&order.command, Command::AnswerQuery(answer) if answer.complete));
    assert_eq!(String::from_utf8(encode_order(&order).unwrap()).unwrap(), ORDER);
}

#[test]
fn a_command_that_cannot_be_read_says_where() {
    for (from, to, said) in [
        (
            "answer-query",
            "answer-quarry",
            "/command: expected one of submit-application, withdraw-application, raise-query, answer-query, grant-license, close-application, change-license, declare-shipment, clear-shipment, close-shipment, correct-record, annul-record, found \"answer-quarry\"",
        ),
        (
            "\"complete\":true",
            "\"complete\":true,\"final\":true",
            "/command/answer-query: the field \"final\" is not known here",
        ),
        (
            "\"complete\":true",
            "\"complete\":1",
            "/command/answer-query/complete: expected a boolean, found integer `1`",
        ),
        (
            ",\"complete\":true",
            "",
            "/command/answer-query: the field \"complete\" is missing",
        ),
        (
            "\"kind\":\"contract\"",
            "\"kind\":\"\"",
            "/command/answer-query/evidence/0/kind: text must be 1 to 500 characters without control characters, found \"\"",
        ),
        (
            "2025DU000002",
            "2025 DU",
            "/case: case id must be 1 to 64 characters of A-Z a-z 0-9 _ -, found \"2025 DU\"",
        ),
        (
            "{\"answer-query\":",
            "{\"grant-license\":{},\"answer-query\":",
            "/command: expected an object with exactly one member",
        ),
        (
            "\"command_id\":\"cmd-1\",",
            "",
            "the document: the field \"command_id\" is missing",
        ),
    ] {
        let changed = ORDER.replace(from, to);
        assert_ne!(changed, ORDER);
        assert_eq!(parse_order(changed.as_bytes()).unwrap_err().to_string(), said);
    }
}

#[test]
fn a_reply_is_these_bytes() {
    let accepted = CommandReply {
        command_id: parse_order(ORDER.as_bytes()).map(|order| order.command_id).ok(),
        outcome: Outcome::Accepted,
        case_version: 4,
        events: vec![Appended {
            id: EventId::new("371cd45b-31ce-56ec-8194-64fb67c689b1").unwrap(),
            type_name: TypeName::new("paperwork.answered").unwrap(),
            seq: 17,
        }],
        rejection: None,
    };
    let rejected = CommandReply {
        outcome: Outcome::Rejected,
        events: vec![],
        rejection: Some(Refusal {
            rule: "query-not-open".to_owned(),
            message: "no query".to_owned(),
        }),
        ..accepted.clone()
    };
    for (reply, text) in [
        (
            accepted,
            r#"{"command_id":"cmd-1","outcome":"accepted","case_version":4,"events":[{"id":"371cd45b-31ce-56ec-8194-64fb67c689b1","type":"paperwork.answered","seq":17}]}"#,
        ),
        (
            rejected,
            r#"{"command_id":"cmd-1","outcome":"rejected","case_version":4,"rejection":{"rule":"query-not-open","message":"no query"}}"#,
        ),
    ] {
        assert_eq!(String::from_utf8(encode_reply(&reply).unwrap()).unwrap(), text);
        assert_eq!(parse_reply(text.as_bytes()).unwrap(), reply);
    }
}

#[test]
fn a_list_of_values_is_no_object() {
    for order in [
        "[]",
        r#"["c-1","A",null,{}]"#,
        r#"{"command_id":"c-1","case":"A","command":{"withdraw-application":["late"]}}"#,
    ] {
        let error = parse_order(order.as_bytes()).unwrap_err().to_string();
        assert!(
            error.contains("expected an object, found a list") || error.contains("null"),
            "{order}: {error}"
        );
    }
}
