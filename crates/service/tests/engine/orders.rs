//! Commands of a case that could have happened: dysprosium oxide to Germany through Ningbo.

use portbook_domain::Order;
use portbook_wire::command::parse_order;
use serde_json::{Value, json};

/// The licence every case is granted.
pub(crate) const LICENSE: &str = "25AA-1";

/// A command as a client would send it.
pub(crate) fn order(case: &str, command_id: &str, verb: &str, fields: &Value) -> Order {
    let order = json!({"command_id": command_id, "case": case, "command": {verb: fields}});
    parse_order(order.to_string().as_bytes()).unwrap_or_else(|error| panic!("{verb}: {error}"))
}

pub(crate) fn submit(case: &str, command_id: &str) -> Order {
    let line =
        json!({"line": 1, "hs": "284690", "control_code": "1C905", "element": "Dy", "net_mass_g": 1_000});
    let fields = json!({"applicant": "a-1", "destination": "DE", "exit_port": "CNNBG", "lines": [line],
        "kind": "general", "lane": "standard"});
    order(case, command_id, "submit-application", &fields)
}

pub(crate) fn withdraw(case: &str, command_id: &str) -> Order {
    order(
        case,
        command_id,
        "withdraw-application",
        &json!({"reason_code": "changed-plans"}),
    )
}

pub(crate) fn ask(case: &str, command_id: &str) -> Order {
    let fields = json!({"stage": "licensing", "authority": "MOFCOM", "reason": "end user unclear"});
    order(case, command_id, "raise-query", &fields)
}

pub(crate) fn challenge(case: &str, command_id: &str, declaration_no: &str) -> Order {
    let fields = json!({"stage": "customs", "authority": "GACC", "reason": "weight differs",
        "declaration_no": declaration_no});
    order(case, command_id, "raise-query", &fields)
}

pub(crate) fn answer(case: &str, command_id: &str, query_id: &str) -> Order {
    order(
        case,
        command_id,
        "answer-query",
        &json!({"query_id": query_id, "complete": true}),
    )
}

pub(crate) fn grant(case: &str, command_id: &str) -> Order {
    let line =
        json!({"line": 1, "hs": "284690", "control_code": "1C905", "element": "Dy", "granted_g": 1_000});
    let fields = json!({"license_no": LICENSE, "kind": "general", "valid_from": "2025-06-01",
        "valid_until": "2026-05-31", "destination": "DE", "lines": [line], "lane": "standard", "authority": "MOFCOM"});
    order(case, command_id, "grant-license", &fields)
}

pub(crate) fn declare(case: &str, command_id: &str, declaration_no: &str, mass_g: u64) -> Order {
    order(
        case,
        command_id,
        "declare-shipment",
        &shipment(declaration_no, mass_g),
    )
}

pub(crate) fn clear(case: &str, command_id: &str, declaration_no: &str, mass_g: u64) -> Order {
    order(
        case,
        command_id,
        "clear-shipment",
        &shipment(declaration_no, mass_g),
    )
}

pub(crate) fn reverse(case: &str, command_id: &str, declaration_no: &str) -> Order {
    let fields = json!({"declaration_no": declaration_no, "outcome": "reversed", "reason_code": "returned"});
    order(case, command_id, "close-shipment", &fields)
}

pub(crate) fn annul(case: &str, command_id: &str, event: &str) -> Order {
    let fields = json!({"target_event_id": event, "target_leaf": "0".repeat(64), "reason": "typing error",
        "requested_by": "officer-1", "approved_by": "officer-2"});
    order(case, command_id, "annul-record", &fields)
}

fn shipment(declaration_no: &str, mass_g: u64) -> Value {
    let line =
        json!({"line": 1, "hs": "284690", "control_code": "1C905", "element": "Dy", "cleared_g": mass_g});
    json!({"declaration_no": declaration_no, "port": "CNNBG", "license_no": LICENSE, "control_status": "controlled",
        "destination": "DE", "lines": [line]})
}
