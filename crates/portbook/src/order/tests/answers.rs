//! What a service answered, as the user sees it.

use portbook_domain::{CommandId, EventId};
use portbook_wire::TypeName;
use portbook_wire::command::{Appended, CommandReply, Outcome, Refusal};

use super::super::reply::{csv_row, document, exit_of, refusal, table_row};

fn accepted() -> CommandReply {
    CommandReply {
        command_id: CommandId::new("cmd-1").ok(),
        outcome: Outcome::Accepted,
        case_version: 3,
        events: vec![Appended {
            id: EventId::new("371cd45b-31ce-56ec-8194-64fb67c689b1").unwrap(),
            type_name: TypeName::new("license.granted").unwrap(),
            seq: 4711,
        }],
        rejection: None,
    }
}

fn refused(outcome: Outcome) -> CommandReply {
    let rejection = Refusal {
        rule: "query-open".to_owned(),
        message: "query \u{1b}[2J1 is open".to_owned(),
    };
    CommandReply {
        outcome,
        events: vec![],
        rejection: Some(rejection),
        ..accepted()
    }
}

#[test]
fn an_accepted_command_is_one_line_an_event() {
    let reply = accepted();
    assert_eq!(
        table_row(&reply, &reply.events[0]),
        "accepted  license.granted  seq 4711  case version 3  id 371cd45b-31ce-56ec-8194-64fb67c689b1  command cmd-1"
    );
    assert_eq!(
        csv_row(&reply, &reply.events[0]),
        "accepted,license.granted,4711,3,371cd45b-31ce-56ec-8194-64fb67c689b1,cmd-1"
    );
    assert!(refusal(&reply).is_none());
}

#[test]
fn the_document_has_these_bytes() {
    assert_eq!(
        serde_json::to_string(&document(&accepted())).unwrap(),
        r#"{"schema":"portbook.command/v1","command_id":"cmd-1","outcome":"accepted","case_version":3,"events":[{"id":"371cd45b-31ce-56ec-8194-64fb67c689b1","type":"license.granted","seq":4711}]}"#
    );
    assert_eq!(
        serde_json::to_string(&document(&refused(Outcome::Rejected))).unwrap(),
        r#"{"schema":"portbook.command/v1","command_id":"cmd-1","outcome":"rejected","case_version":3,"events":[],"rejection":{"rule":"query-open","message":"query \u001b[2J1 is open"}}"#
    );
}

#[test]
fn every_outcome_has_its_exit_code() {
    for (outcome, code) in [
        (Outcome::Accepted, 0),
        (Outcome::Already, 0),
        (Outcome::Rejected, 20),
        (Outcome::Conflict, 21),
        (Outcome::Invalid, 2),
        (Outcome::Unavailable, 69),
    ] {
        assert_eq!(exit_of(outcome).code(), code, "{outcome:?}");
    }
}

#[test]
fn a_refusal_names_the_rule_and_what_to_do() {
    let told = |outcome| refusal(&refused(outcome)).unwrap().to_string();
    assert_eq!(
        told(Outcome::Rejected),
        "error: refused by rule query-open: query \u{fffd}[2J1 is open\n\nhint: portbook case <CASE> shows where the case stands"
    );
    for outcome in [Outcome::Conflict, Outcome::Unavailable] {
        assert!(told(outcome).ends_with(
            "hint: send the same command again with --command-id cmd-1: it is accepted once, however often it is sent"
        ));
    }
    assert!(
        told(Outcome::Invalid)
            .starts_with("error: the service could not read the command: rule query-open: query")
    );
}

#[test]
fn a_refusal_without_a_rule_is_still_a_failure() {
    let bare = CommandReply {
        rejection: None,
        ..refused(Outcome::Rejected)
    };
    let told = refusal(&bare).unwrap().to_string();
    assert!(
        told.starts_with("error: the service answered rejected and gave no rule"),
        "{told}"
    );
}
