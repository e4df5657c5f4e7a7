//! Producers: keys that are rotated, registered and revoked by records, and statements that show what the ledger never saw.

use std::fs;

use portbook_bus::{ManagedServer, ServerPort, ServerSpec};
use serde_json::Value;

use crate::node::{Node, copy, first_lines, wait_for};

/// Facts of the scenario from `from` on, as a file in the home.
fn facts(node: &Node, from: usize, count: usize) -> String {
    let file = node.home().join(format!("facts-{from}.ndjson"));
    let text: Vec<String> = first_lines(from + count)
        .lines()
        .skip(from)
        .map(str::to_owned)
        .collect();
    fs::write(&file, text.join("\n") + "\n").unwrap();
    file.display().to_string()
}

/// Statements come so often that a test need not wait.
fn state_often(node: &Node) {
    fs::write(
        node.home().join("portbook.toml"),
        "[sources]\nstatement_interval_ms = 200\n",
    )
    .unwrap();
}

fn submit(node: &Node, case: &str, more: &[&str]) -> Value {
    let line = "1,hs=8505111000,code=1C905.a,element=Dy,form=magnet,kg=840";
    let mut args = vec![
        "submit",
        "--case",
        case,
        "--applicant",
        "a",
        "--destination",
        "DE",
        "--exit-port",
        "CNNBG",
        "--line",
        line,
        "--kind",
        "single",
        "--lane",
        "standard",
        "--json",
    ];
    args.extend(more);
    node.run(&args).exits(0).json()
}

fn key_of(node: &Node, source: &str, state: &str) -> String {
    let keys = node.run(&["key", "ls", "--json"]).exits(0).json();
    let keys = keys["keys"].as_array().unwrap();
    let found = keys
        .iter()
        .find(|key| key["source"] == source && key["state"] == state);
    let found = found.unwrap_or_else(|| panic!("{source} has no key {state}: {keys:?}"));
    found["key_id"].as_str().unwrap().to_owned()
}

fn signatures(report: &Value, verdict: &str) -> u64 {
    report["signatures"][verdict].as_u64().unwrap()
}

#[test]
fn keys_are_registered_and_revoked_and_nothing_they_signed_is_deleted() {
    let mut node = Node::init();
    node.up();
    node.run(&["import", &facts(&node, 0, 10)]).exits(0);
    // The importer's key is not registered for another source.
    node.run(&["import", "--source", "customs", &facts(&node, 10, 3)])
        .exits(0);
    node.run(&[
        "key",
        "register",
        "customs",
        "--type",
        "shipment.declared",
        "--json",
    ])
    .exits(0);
    let refused = node.run(&["key", "register", "customs"]).exits(20);
    assert!(refused.err.contains("which is in force"), "{refused:?}");
    node.run(&["import", "--source", "customs", &facts(&node, 13, 20)])
        .exits(0);
    let importer = key_of(&node, "urn:portbook:src:import", "in force");
    node.run(&[
        "key",
        "revoke",
        &importer[..6],
        "--contested-from",
        "2020-01-01",
        "--reason",
        "laptop stolen",
    ])
    .exits(0);
    assert_eq!(key_of(&node, "urn:portbook:src:import", "revoked"), importer);
    let again = node
        .run(&["key", "revoke", &importer, "--reason", "again"])
        .exits(20);
    assert!(again.err.contains("already"), "{again:?}");
    node.run(&["import", &facts(&node, 33, 4)]).exits(0);
    node.wait_until_signed(6 + 37 + 2);
    node.stop();
    check_report(&node);
    check_marks(&node);
}

/// What verification counts.
fn check_report(node: &Node) {
    let report = node.verify();
    let all = [
        "valid",
        "wrong_source",
        "wrong_type",
        "out_of_validity",
        "revoked_key",
        "unknown_key",
        "bad",
        "unsigned",
    ];
    assert_eq!(
        all.map(|verdict| signatures(&report, verdict))
            .iter()
            .sum::<u64>(),
        37
    );
    assert_eq!(signatures(&report, "wrong_source"), 3);
    assert_eq!(signatures(&report, "revoked_key"), 4);
    assert_eq!(signatures(&report, "contested"), 10);
    assert!(
        signatures(&report, "wrong_type") > 0,
        "only declarations were allowed: {report}"
    );
    assert_eq!(
        signatures(&report, "valid") + signatures(&report, "wrong_type"),
        30
    );
    let said = node.run(&["verify", "--all"]).exits(0);
    assert!(
        said.out.contains("✗ producers") && said.out.contains("10 of the signatures that hold are contested"),
        "{said:?}"
    );
}

/// The marks on timelines and records say the same as the report.
fn check_marks(node: &Node) {
    let chains = node.verify()["chains"].clone();
    let ports = chains
        .as_array()
        .unwrap()
        .iter()
        .map(|chain| chain["chain"].as_str().unwrap());
    let rows: Vec<Value> = ports.flat_map(|port| node.timeline(port)).collect();
    let marked = |field: &str, value: &str| rows.iter().filter(|row| row[field] == value).count();
    assert_eq!(marked("signature", "wrong-source"), 3);
    assert_eq!(marked("signature", "revoked-key"), 4);
    let contested: Vec<&Value> = rows.iter().filter(|row| row["contested_by"].is_u64()).collect();
    assert_eq!(contested.len(), 10);
    let leaf = contested[0]["leaf"].to_string();
    let shown = node.run(&["record", "show", &leaf, "--json"]).exits(0).json();
    assert_eq!(shown["contested_by"], contested[0]["contested_by"]);
    let by = shown["contested_by"].to_string();
    let revocation = node.run(&["record", "show", &by, "--json"]).exits(0).json();
    assert_eq!(revocation["subject"], "portbook.control.key-revoked");
}

#[test]
fn a_rotated_service_is_recognised_by_the_others() {
    let mut node = Node::init();
    node.up();
    submit(&node, "BEFORE", &[]);
    let old = key_of(&node, "urn:portbook:svc:intake", "in force");
    node.run(&["key", "rotate", "intake"]).exits(0);
    assert_eq!(key_of(&node, "urn:portbook:svc:intake", "in overlap"), old);
    // Still the old key: both are good.
    submit(&node, "OVERLAP", &[]);
    node.stop();
    node.up();
    submit(&node, "AFTER", &[]);
    let line = "1,hs=8505111000,code=1C905.a,element=Dy,kg=840";
    for case in ["BEFORE", "OVERLAP", "AFTER"] {
        let grant = [
            "grant",
            "--case",
            case,
            "--license-no",
            case,
            "--kind",
            "single",
            "--valid-from",
            "2026-12-01",
            "--valid-until",
            "2027-05-01",
            "--destination",
            "DE",
            "--line",
            line,
            "--lane",
            "standard",
            "--authority",
            "MOFCOM",
        ];
        let said = node.run(&grant);
        assert_eq!(said.code, Some(0), "{case}: {said:?}");
    }
    node.wait_until_signed(6 + 1 + 6);
    node.stop();
    let report = node.verify();
    assert_eq!(
        (signatures(&report, "valid"), signatures(&report, "not_entitled")),
        (6, 0)
    );
    let rows = node.timeline("CNNBG");
    let submitted = |case: &str| {
        let row = rows.iter().find(|row| row["case"] == case).unwrap();
        let leaf = row["leaf"].to_string();
        let shown = node.run(&["record", "show", &leaf, "--json"]).exits(0).json();
        shown["signature"].as_str().unwrap()[..16].to_owned()
    };
    let new = key_of(&node, "urn:portbook:svc:intake", "in force");
    assert_eq!(
        ["BEFORE", "OVERLAP", "AFTER"].map(submitted),
        [old.clone(), old, new]
    );
}

/// A nats-server of the home, without anything on top of it.
async fn server(node: &Node) -> ManagedServer {
    ManagedServer::start(ServerSpec {
        binary: portbook_testkit::nats::server_binary(),
        store_dir: node.home().join("nats"),
        seeds_dir: node.home().join("keys/nats"),
        port: ServerPort::Free,
        file_store_bytes_max: 1 << 34,
    })
    .await
    .unwrap()
}

/// Lets intake alone take one application, then kills it before it states anything.
async fn take_one_and_die(node: &Node, case: &str) {
    let server = server(node).await;
    let url = server.url().to_owned();
    let (at, url) = ("--server", url.as_str());
    let mut intake = node.spawn(&["run", "intake", at, url], "intake");
    let accepted = wait_for(|| {
        let line = "1,hs=8505111000,code=1C905.a,element=Dy,form=magnet,kg=840";
        let said = node.run(&[
            "submit",
            "--case",
            case,
            "--command-id",
            case,
            "--applicant",
            "a",
            "--destination",
            "DE",
            "--exit-port",
            "CNNBG",
            "--line",
            line,
            "--kind",
            "single",
            "--lane",
            "standard",
            at,
            url,
        ]);
        (said.code == Some(0)).then_some(())
    });
    assert!(
        accepted.is_some(),
        "{}",
        fs::read_to_string(node.log("intake")).unwrap()
    );
    intake.kill().unwrap();
    intake.wait().unwrap();
    server.stop().await.unwrap();
}

fn intake_account(node: &Node) -> Option<Value> {
    let sources = node.run(&["source", "ls", "--json"]).exits(0).json();
    let all = sources["sources"].as_array().unwrap().clone();
    all.into_iter()
        .find(|source| source["source"] == "urn:portbook:svc:intake")
}

fn gaps(node: &Node) -> Vec<Value> {
    let sources = node.run(&["source", "ls", "--json"]).exits(0).json();
    sources["gaps"].as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_acknowledged_event_that_the_stream_lost_is_found_though_the_ledger_never_saw_it() {
    let mut node = Node::init();
    state_often(&node);
    node.up();
    node.run(&["import", &facts(&node, 0, 5)]).exits(0);
    node.wait_until_signed(6 + 5 + 1);
    node.stop();

    // Killed before it stated: what it left in the stream is stated when it runs again, and there is no gap.
    take_one_and_die(&node, "KEPT").await;
    node.up();
    let stated = wait_for(|| intake_account(&node).filter(|account| account["events_stated"] == 1));
    assert!(stated.is_some(), "{:?}", intake_account(&node));
    assert_eq!(gaps(&node), Vec::<Value>::new());
    node.stop();

    // The same again, but the stream forgets it before any projector has read it.
    let (nats, older) = (node.home().join("nats"), node.home().join("older"));
    copy(&nats, &older);
    take_one_and_die(&node, "LOST").await;
    fs::remove_dir_all(&nats).unwrap();
    copy(&older, &nats);
    node.up();
    let found = wait_for(|| gaps(&node).first().cloned()).expect("no gap was found");
    assert_eq!(
        [&found["source"], &found["kind"]],
        ["urn:portbook:svc:intake", "missing"]
    );
    assert_eq!((&found["stated"], &found["found"]), (&1.into(), &0.into()));
    let leaf = found["leaf"].as_u64().unwrap();
    node.wait_until_signed(leaf + 1);
    node.stop();
    // The ledger itself holds: the gap is a finding, and everybody who verifies derives the same one.
    let report = node.verify();
    assert_eq!(report["source_gaps"], Value::Array(vec![found]));
    let said = node.run(&["verify", "--all"]).exits(0);
    assert!(
        said.out.contains("✗ sources") && said.out.contains(&format!("source_gap missing at leaf {leaf}")),
        "{said:?}"
    );
    let said = node.run(&["source", "ls"]).exits(0);
    assert!(said.out.contains("source_gap missing"), "{said:?}");
}
