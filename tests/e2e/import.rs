//! Imports: once each, whatever is repeated; nothing lost, whatever is malformed.

use std::collections::BTreeMap;
use std::fs;

use portbook_bus::{Bus, BusOptions, Identity, Log, Login, Outgoing, PublishLimits, Publisher};
use serde_json::Value;

use crate::node::{Node, first_lines, scenario};

fn tally(node: &Node, file: &str, code: i32) -> Value {
    node.run(&["import", file, "--json"]).exits(code).json()
}

fn counts(tally: &Value) -> [u64; 5] {
    ["lines", "recorded", "redelivered", "conflicting", "rejected"]
        .map(|count| tally[count].as_u64().unwrap())
}

/// Ids of all events, in the order of the ledger.
fn recorded_order(node: &Node, report: &Value) -> Vec<String> {
    let mut events = BTreeMap::new();
    for chain in report["chains"].as_array().unwrap() {
        for row in node.timeline(chain["chain"].as_str().unwrap()) {
            if row["class"] == "event" {
                let id = row["event_id"].as_str().unwrap();
                events.insert(row["leaf"].as_u64().unwrap(), id.to_owned());
            }
        }
    }
    events.into_values().collect()
}

/// Ids of the facts of a file, in its order.
fn order_of(lines: &str) -> Vec<String> {
    lines
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .map(|fact| fact["event_id"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn the_scenario_is_recorded_once_and_a_second_import_after_a_restart_adds_nothing() {
    let mut node = Node::init();
    let file = scenario("events.jsonl.gz").display().to_string();
    node.up();
    assert_eq!(counts(&tally(&node, &file, 0)), [24_735, 24_735, 0, 0, 0]);
    node.stop();
    node.up();
    assert_eq!(counts(&tally(&node, &file, 0)), [24_735, 0, 24_735, 0, 0]);
    node.wait_until_signed(24_741);
    node.stop();
    let report = node.verify();
    assert_eq!(report["signatures"]["valid"], 24_735);
    assert_eq!(recorded_order(&node, &report), order_of(&first_lines(usize::MAX)));
    // Trade aliases land on their port's chain, with the code as written beside it.
    assert_eq!(Node::records_in(&report, "CNSHA"), 0);
    let written: Vec<Value> = node
        .timeline("CNSHG")
        .iter()
        .map(|row| row["port_as_written"].clone())
        .collect();
    assert!(written.iter().any(|code| code == "CNSHA") && written.iter().any(Value::is_null));
    assert_eq!(
        node.run(&["timeline", "CNSHA", "--json"]).exits(0).json()["port"],
        "CNSHG"
    );
}

#[test]
fn defects_are_evidence_redeliveries_absorbed_conflicts_recorded_as_such() {
    let mut node = Node::init();
    node.up();
    let file = scenario("events_anom.jsonl.gz").display().to_string();
    let first = counts(&tally(&node, &file, 0));
    assert_eq!((first[2], first[3], first[4]), (40, 4, 0), "{first:?}");
    let again = counts(&tally(&node, &file, 0));
    assert_eq!(
        (again[1], again[3]),
        (0, 0),
        "conflicts that are there are not published again"
    );
    node.wait_until_signed(first[1] + first[3]);
    node.stop();
    let report = node.verify();
    let mut classes: BTreeMap<String, u64> = BTreeMap::new();
    for chain in report["chains"].as_array().unwrap() {
        for row in node.timeline(chain["chain"].as_str().unwrap()) {
            *classes
                .entry(row["class"].as_str().unwrap().to_owned())
                .or_default() += 1;
        }
    }
    assert_eq!(classes.get("conflict"), Some(&4));
    assert_eq!(classes.get("redelivery"), None);
    assert_eq!(classes.get("event"), Some(&first[1]));
    assert_eq!(
        Node::records_in(&report, "CNZZ9"),
        5,
        "an unknown port has a chain of its own"
    );
}

#[test]
fn malformed_lines_are_kept_with_their_reason_and_the_others_go_on() {
    let mut node = Node::init();
    node.up();
    let file = node.home().join("mixed.ndjson");
    let good = r#"{"event_id":"371cd45b-31ce-56ec-8194-64fb67c689b1","type":"shipment_cleared","case_id":"2025LT04ROW00187","occurred_at":"2025-04-01T01:04:30Z","port":"CNNBG","declaration_no":"310420250000000001","destination":"SG","hs":"8505111000","control_status":"not_controlled","qty_kg":7260.125,"doc_digest":"247ce181e397a0dfd614535860a6c6a89319964be1e3bca818f6b664954c4642"}"#;
    let lines = [
        good.to_owned(),
        "not json".to_owned(),
        good.replace("CNNBG", "cnnbg").replace("371c", "471c"),
        good.replace("7260.125", "7260.1255").replace("371c", "571c"),
        good.replace("\"hs\"", "\"hss\"").replace("371c", "671c"),
    ];
    fs::write(&file, lines.join("\n")).unwrap();
    let said = tally(&node, &file.display().to_string(), 20);
    assert_eq!(counts(&said), [5, 1, 0, 0, 4]);
    let rejects = fs::read_to_string(said["rejects"].as_str().unwrap()).unwrap();
    let rejects: Vec<Value> = rejects
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(
        rejects
            .iter()
            .map(|bad| bad["line"].as_u64().unwrap())
            .collect::<Vec<_>>(),
        [2, 3, 4, 5]
    );
    assert_eq!(rejects[1]["column"], "port");
    assert_eq!(rejects[2]["column"], "qty_kg");
    assert_eq!(rejects[0]["text"], "not json");
    node.stop();
}

#[test]
fn a_known_event_that_reaches_the_stream_again_is_a_redelivery_and_changes_no_view() {
    let mut node = Node::init();
    node.up();
    let facts = node.home().join("facts.ndjson");
    fs::write(&facts, first_lines(20)).unwrap();
    tally(&node, &facts.display().to_string(), 0);
    publish_again(&node);
    node.wait_until_signed(28);
    node.stop();
    let report = node.verify();
    let chains = report["chains"].as_array().unwrap();
    let rows: Vec<Value> = chains
        .iter()
        .flat_map(|chain| node.timeline(chain["chain"].as_str().unwrap()))
        .collect();
    let again: Vec<&Value> = rows.iter().filter(|row| row["class"] == "redelivery").collect();
    let original = rows
        .iter()
        .find(|row| row["leaf"] == again[0]["refers_to"])
        .unwrap();
    assert_eq!(again.len(), 1);
    assert_eq!(original["event_id"], again[0]["event_id"]);
    let case = node
        .run(&["case", original["case"].as_str().unwrap(), "--json"])
        .exits(0)
        .json();
    assert_eq!(
        case["events"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|event| event["event_id"] == original["event_id"])
            .count(),
        1
    );
}

/// Publishes the first fact of the stream once more, under another message id, as the importer could.
fn publish_again(node: &Node) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let seed_file = Identity::Importer.seed_file(&node.home().join("keys/nats"));
        let url = fs::read_to_string(node.home().join("nats.url")).unwrap();
        let bus = Bus::connect(BusOptions::new(
            &url,
            Identity::Importer,
            Login::Nkey { seed_file },
        ))
        .await
        .unwrap();
        let stored = Log::ledger(&bus).get(7).await.unwrap();
        let outgoing = Outgoing {
            subject: stored.subject,
            msg_id: "again".into(),
            signature: stored.signature,
            body: stored.body,
            expected_last_subject_seq: None,
        };
        Publisher::start(&bus, PublishLimits::default())
            .publish(outgoing)
            .await
            .unwrap();
        bus.close().await;
    });
}

#[test]
fn what_is_simulated_imports_whole_and_says_so() {
    let mut node = Node::init();
    let file = node.home().join("simulated.ndjson.gz").display().to_string();
    let simulate = ["simulate", "--seed", "9", "--defects", "--out", &file, "--json"];
    let made = node.run(&simulate).exits(0).json();
    assert_eq!(
        (&made["labels"], &made["simulated"]),
        (&Value::from(217), &Value::from(true))
    );
    let first = fs::read(&file).unwrap();
    node.run(&simulate).exits(0);
    assert!(
        first == fs::read(&file).unwrap(),
        "the same seed gave other bytes"
    );
    node.up();
    let [lines, recorded, redelivered, conflicting, rejected] = counts(&tally(&node, &file, 0));
    assert_eq!(
        (made["lines"].as_u64(), redelivered, conflicting, rejected),
        (Some(lines), 40, 4, 0)
    );
    node.wait_until_signed(recorded + conflicting);
    node.stop();
    assert!(node.timeline("CNNBG").iter().all(|row| row["simulated"] == true));
}
