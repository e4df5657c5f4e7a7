//! `portbook stream check`, and streams that are no longer what they were: each change is found and named.

use std::fs;
use std::path::{Path, PathBuf};

use portbook_bus::{ManagedServer, ServerPort, ServerSpec};
use portbook_store::{Forgery, LedgerDirectory, forge};
use portbook_testkit::operator::operate;
use serde_json::{Value, json};

use crate::node::{Node, Said, copy, first_lines, wait_for};

/// A ledger with observed facts and one case of two decisions, stopped cleanly.
fn decided() -> Node {
    let mut node = Node::init();
    node.up();
    decide(&node, "DECIDED");
    let facts = node.home().join("facts.ndjson");
    fs::write(&facts, first_lines(60)).unwrap();
    node.run(&["import", &facts.display().to_string()]).exits(0);
    node.wait_until_signed(68);
    node.stop();
    node
}

/// Files an application and asks for papers.
fn decide(node: &Node, case: &str) {
    let line = "1,hs=8505111000,code=1C905.a,element=Dy,kg=1";
    let command_id = format!("{case}-submit");
    let submit = [
        "submit",
        "--case",
        case,
        "--command-id",
        &command_id,
        "--applicant",
        "test",
        "--destination",
        "DE",
        "--exit-port",
        "CNNBG",
        "--line",
        line,
        "--kind",
        "single",
        "--occurred-at",
        "2025-06-02T01:00:00Z",
    ];
    until_accepted(node, &submit);
    let query = json!({"stage": "licensing", "query_id": "q", "authority": "MOFCOM", "reason": "unclear"});
    let file = node.home().join("query.json");
    fs::write(&file, query.to_string()).unwrap();
    let file = file.display().to_string();
    let command_id = format!("{case}-query");
    let query = [
        "query",
        "--case",
        case,
        "--command-id",
        &command_id,
        "--occurred-at",
        "2025-06-03T01:00:00Z",
        "--from",
        &file,
    ];
    until_accepted(node, &query);
}

/// Sends a command again, with the same id, until the services have come up.
fn until_accepted(node: &Node, command: &[&str]) {
    wait_for(|| (node.run(command).code == Some(0)).then_some(())).unwrap();
}

#[track_caller]
fn check(node: &Node, code: i32) -> Value {
    let said = node.run(&["stream", "check", "--json"]).exits(code);
    let document = said.json();
    assert_eq!(document["schema"], "portbook.stream-check/v1");
    document
}

#[track_caller]
fn finds(document: &Value, check: &str, says: &str) {
    let findings = document["findings"].as_array().unwrap();
    let found = findings
        .iter()
        .any(|it| it["check"] == check && it["says"].as_str().unwrap().contains(says));
    assert!(found, "no {check}: {says} in {document:#}");
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap()
}

fn url(node: &Node) -> String {
    fs::read_to_string(node.home().join("nats.url")).unwrap()
}

fn as_operator(node: &Node, subject: &str, question: Value) -> Value {
    let seeds = node.home().join("keys/nats");
    runtime().block_on(operate(&url(node), &seeds, subject, question))
}

#[test]
fn a_whole_stream_is_told_whole_running_and_stopped() {
    let mut node = decided();
    let document = check(&node, 0);
    assert_eq!(
        (&document["verdict"], &document["cases"]),
        (&json!("holds"), &json!(1))
    );
    assert_eq!(document["messages"], document["compared"]);
    node.up();
    decide(&node, "RUNNING");
    let document = check(&node, 0);
    assert_eq!(document["cases"], 2);
    node.stop();
    let Said { out, .. } = node.run(&["stream", "check"]).exits(0);
    assert!(out.contains("WHOLE PORTBOOK"), "{out}");
    // Without a ledger to compare with it is not a pass.
    fs::rename(node.home().join("ledger"), node.home().join("elsewhere")).unwrap();
    let document = check(&node, 12);
    assert_eq!(
        (&document["verdict"], &document["compared"]),
        (&json!("incomplete"), &Value::Null)
    );
}

#[test]
fn a_message_removed_from_the_middle_is_named() {
    let node = decided();
    let other = Node::new();
    copy(&node.home(), &other.home());
    // An insider with the operator's seed lowers a limit, which makes the server forget, and sets it back: the settings, the
    // date of creation and both ends of the stream are as they were.
    runtime().block_on(async {
        let seeds = other.home().join("keys/nats");
        let spec = ServerSpec {
            binary: portbook_testkit::nats::server_binary(),
            store_dir: other.home().join("nats"),
            seeds_dir: seeds.clone(),
            port: ServerPort::Free,
            file_store_bytes_max: 1 << 34,
        };
        let server = ManagedServer::start(spec).await.unwrap();
        let asked =
            async |subject: &str, question: Value| operate(server.url(), &seeds, subject, question).await;
        let config = asked("STREAM.INFO.PORTBOOK", Value::Null).await["config"].clone();
        let mut lowered = config.clone();
        lowered["max_msgs_per_subject"] = json!(1);
        asked("STREAM.UPDATE.PORTBOOK", lowered).await;
        asked("STREAM.UPDATE.PORTBOOK", config).await;
        server.stop().await.unwrap();
    });
    let document = check(&other, 10);
    finds(&document, "gap", "message 7 is missing");
    // The case lost its first decision, and the second follows from nothing.
    finds(
        &document,
        "case",
        "case DECIDED: message 8 is version 2 of the case, expected 1",
    );
    finds(&document, "identity", "some are gone");
    let said = other.run(&["stream", "check"]).exits(10);
    assert!(said.out.contains("FAILED PORTBOOK"), "{said:?}");
    check(&node, 0);
}

#[test]
fn a_flipped_bit_in_the_middle_of_a_block_is_noticed() {
    let node = decided();
    let path = blocks(&node.home()).join("1.blk");
    let mut bytes = fs::read(&path).unwrap();
    let at = bytes.windows(7).position(|window| window == b"DECIDED").unwrap();
    bytes[at + 200] ^= 1;
    fs::write(&path, bytes).unwrap();
    // The server says nothing and still counts the message, or drops all that follow it in the block as well.
    let document = check(&node, 10);
    let says = document["findings"].to_string();
    assert!(
        says.contains("message 7 is missing") || says.contains("ends at message 6"),
        "{document:#}"
    );
}

#[test]
fn a_stream_that_was_created_again_is_named() {
    let mut node = decided();
    let other = Node::new();
    copy(&node.home(), &other.home());
    node.up();
    let created = as_operator(&node, "STREAM.INFO.PORTBOOK", Value::Null);
    node.stop();
    let mut up = other;
    up.up();
    let config = created["config"].clone();
    as_operator(&up, "STREAM.DELETE.PORTBOOK", Value::Null);
    as_operator(&up, "STREAM.CREATE.PORTBOOK", config);
    let (code, said) = up.ended();
    // Between the two it was not there at all.
    assert!(matches!(code, Some(10 | 69)), "{said}");
    let reasons = [
        "ends at",
        "was created",
        "does not exist",
        "not found",
        "has a gap",
    ];
    assert!(reasons.iter().any(|reason| said.contains(reason)), "{said}");
    let document = check(&up, 10);
    finds(&document, "identity", "was created");
}

#[test]
fn lowered_limits_stop_a_running_projector_and_are_named() {
    let mut node = decided();
    node.up();
    let mut config = as_operator(&node, "STREAM.INFO.PORTBOOK", Value::Null)["config"].clone();
    config["max_msgs"] = json!(50);
    config["discard"] = json!("old");
    config["max_age"] = json!(86_400_000_000_000_u64);
    as_operator(&node, "STREAM.UPDATE.PORTBOOK", config);
    let (code, said) = node.ended();
    assert_eq!(code, Some(10), "{said}");
    assert!(
        said.contains("the configuration of stream PORTBOOK has digest"),
        "{said}"
    );
    let document = check(&node, 10);
    finds(&document, "settings", "PORTBOOK: max_msgs is 50, not unset");
    finds(
        &document,
        "settings",
        "PORTBOOK: max_age is 86400000000000, not unset",
    );
    finds(&document, "settings", "PORTBOOK: discard is \"old\", not \"new\"");
    finds(&document, "gap", "messages 1 to ");
}

#[test]
fn a_record_that_is_not_its_message_is_named() {
    let node = decided();
    let store = LedgerDirectory::at(node.home().join("ledger")).store();
    let leaf = |index: u64| {
        let reader = portbook_store::StoreReader::open(&store).unwrap();
        reader
            .leaf(portbook_ledger::Index::new(index).unwrap())
            .unwrap()
            .unwrap()
    };
    let (mut bytes, at) = (leaf(30), 30);
    let last = bytes.len() - 2;
    bytes[last] ^= 1;
    forge(&store, &Forgery::Replace { index: at, bytes }).unwrap();
    let document = check(&node, 10);
    finds(&document, "record", "message 31 differs from leaf 30: signature");
    assert_eq!(document["findings"].as_array().unwrap().len(), 1, "{document:#}");
}

/// Where the server keeps the messages of the ledger stream.
fn blocks(home: &Path) -> PathBuf {
    let accounts = home.join("nats/streams/jetstream");
    let account = fs::read_dir(accounts).unwrap().next().unwrap().unwrap().path();
    account.join("streams/PORTBOOK/msgs")
}
