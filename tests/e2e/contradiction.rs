//! Streams and stores that contradict each other: the projector stops with a code and a reason, and appends nothing.

use std::fs;
use std::path::Path;

use crate::node::{Node, copy, first_lines, scenario};

/// A small ledger that was stopped cleanly.
fn stopped() -> Node {
    let mut node = Node::init();
    node.up();
    let facts = node.home().join("facts.ndjson");
    fs::write(&facts, first_lines(30)).unwrap();
    node.run(&["import", &facts.display().to_string()]).exits(0);
    node.wait_until_signed(36);
    node.stop();
    node
}

fn replace(from: &Path, to: &Path) {
    fs::remove_dir_all(to).unwrap();
    copy(from, to);
}

#[track_caller]
fn stops(node: &mut Node, code: i32, reason: &str) {
    let before = node.checkpoint();
    let said = node.run(&["up"]);
    assert_eq!(said.code, Some(code), "{said:?}");
    assert!(
        said.err.contains(reason),
        "{reason:?} is missing from {}",
        said.err
    );
    assert_eq!(node.checkpoint(), before, "something was signed");
}

#[test]
fn a_stream_behind_the_ledger_stops_the_projector() {
    let mut node = stopped();
    let (nats, older) = (node.home().join("nats"), node.home().join("older"));
    copy(&nats, &older);
    node.up();
    let file = scenario("events.jsonl.gz").display().to_string();
    node.run(&["import", &file]).exits(0);
    node.wait_until_signed(24_000);
    node.stop();
    replace(&older, &nats);
    stops(&mut node, 10, "the stream PORTBOOK ends at message");
}

#[test]
fn a_stream_that_was_created_again_stops_the_projector() {
    let mut node = stopped();
    let other = stopped();
    replace(&other.home().join("nats"), &node.home().join("nats"));
    replace(&other.home().join("keys/nats"), &node.home().join("keys/nats"));
    stops(&mut node, 10, "this ledger was made from the one created");
}

#[test]
fn an_older_store_catches_up_and_an_older_signed_log_is_a_rollback() {
    let mut node = stopped();
    let older = node.home().join("older");
    copy(&node.home().join("ledger"), &older);
    node.up();
    let facts = node.home().join("more.ndjson");
    fs::write(&facts, first_lines(60)).unwrap();
    node.run(&["import", &facts.display().to_string()]).exits(0);
    node.wait_until_signed(67);
    node.stop();
    let signed = node.signed_size();
    // Yesterday's store under today's signed.log: the stream brings it up to date, with the same bytes.
    replace(&older.join("store"), &node.home().join("ledger/store"));
    node.run(&["verify", "--all"]).exits(10);
    node.up();
    fs::write(&facts, first_lines(61)).unwrap();
    node.run(&["import", &facts.display().to_string()]).exits(0);
    node.wait_until_signed(signed + 1);
    node.stop();
    let report = node.verify();
    assert!(
        report["roots"].as_u64() > Some(1),
        "every tree signed before is reproduced"
    );
    // Yesterday's signed.log as well: the register knows better.
    replace(&older, &node.home().join("ledger"));
    let said = node.run(&["up"]).exits(11);
    assert!(said.err.contains("rolled back"), "{said:?}");
    // And whoever verified before does not accept the past as the present.
    let said = node.run(&["verify", "--all"]).exits(11);
    assert!(said.out.contains("ROLLBACK"), "{said:?}");
}

#[test]
fn a_missing_signed_log_is_not_a_new_ledger() {
    let mut node = stopped();
    fs::remove_file(node.home().join("ledger/signed.log")).unwrap();
    stops(&mut node, 11, "signed.log is missing");
}

#[test]
fn an_empty_store_is_replayed_to_the_same_bytes() {
    let mut node = stopped();
    let (newest, report) = (node.checkpoint(), node.verify());
    node.forget_ledger();
    let said = node.run(&["up"]).exits(69);
    assert!(said.err.contains("there is no ledger at"), "{said:?}");
    node.run(&["init", "--replay"]).exits(0);
    node.up();
    node.wait_until_signed(36);
    node.stop();
    assert_eq!(node.checkpoint(), newest);
    assert_eq!(node.verify()["chains"], report["chains"]);
    node.run(&["verify", "--all", "--against-stream"]).exits(0);
}
