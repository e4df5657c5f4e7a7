//! Reading while a portbook runs: every command that reads answers as it would offline, from the process that holds the ledger.

use std::fs;

use crate::node::{Node, first_lines, wait_for};

/// A command each, with what comes after `portbook`.
fn questions() -> Vec<Vec<&'static str>> {
    [
        "timeline CNNBG --limit 20",
        "timeline CNNBG --chain-order --json",
        "case 2025DU000012",
        "case 2025DU000012 --json",
        "license X -o json",
        "record show 40",
        "record show CNNBG/3 --json",
        "checkpoint ls -o csv",
        "projection rows facts",
        "projection rows cases --json",
    ]
    .iter()
    .map(|line| line.split_whitespace().collect())
    .collect()
}

#[test]
fn what_is_asked_while_a_portbook_runs_is_answered_as_offline() {
    let mut node = Node::init();
    let facts = node.home().join("facts.ndjson");
    fs::write(&facts, first_lines(2000)).unwrap();
    node.up();
    let mut importing = node.spawn(&["import", &facts.display().to_string()], "import");
    // Whatever has come so far is answered, and grows.
    let mut sizes = Vec::new();
    let imported = wait_for(|| {
        let rows = node.timeline("CNNBG");
        sizes.push(rows.len());
        importing.try_wait().unwrap()
    });
    assert!(imported.unwrap().success());
    assert!(sizes.is_sorted(), "{sizes:?}");
    node.wait_until_signed(2006);
    let report = node
        .run(&["verify", "--all", "--against-stream", "--json"])
        .exits(0)
        .json();
    assert_eq!(report["verdict"], "verified");
    assert!(report["stream_messages"].as_u64().unwrap() >= 2006);
    let doctor = node.run(&["doctor"]).exits(0);
    assert!(doctor.out.contains("leaves in"), "{doctor:?}");
    assert!(node.home().join("ledger/store.sock").exists());

    let answers = |node: &Node| -> Vec<_> {
        questions()
            .iter()
            .map(|question| {
                let said = node.run(question);
                (question.clone(), said.code, said.out, said.err)
            })
            .collect()
    };
    let running = answers(&node);
    node.stop();
    assert!(!node.home().join("ledger/store.sock").exists());
    assert_eq!(running, answers(&node));
    check_forms(&node);
    check_copy(&node);
}

/// A copy of the ledger is made leaf by leaf, goes on where it stopped, and is not taken back.
fn check_copy(node: &Node) {
    let directory = node.home().join("copy").display().to_string();
    let copy = |to: &str| node.run(&["replay", "--to", to, "--into", &directory, "--json"]);
    assert_eq!(copy("700").exits(0).json()["size"], 700);
    let whole = copy("checkpoint").exits(0).json();
    let listed = node.run(&["checkpoint", "ls", "--json"]).exits(0).json();
    let newest = listed["checkpoints"]
        .as_array()
        .unwrap()
        .iter()
        .max_by_key(|it| it["size"].as_u64());
    assert_eq!(whole["size"], newest.unwrap()["size"]);
    let refused = copy("700").exits(2);
    assert!(refused.err.contains("already"), "{refused:?}");
    // As a ledger of its own, with the key it is signed with, it holds what the other one holds.
    let home = node.home().join("of-the-copy");
    fs::create_dir(&home).unwrap();
    fs::rename(node.home().join("copy"), home.join("ledger")).unwrap();
    fs::create_dir(home.join("keys")).unwrap();
    fs::copy(node.home().join("keys/log.pub"), home.join("keys/log.pub")).unwrap();
    let home = home.display().to_string();
    let report = node
        .run(&["--home", &home, "verify", "--all", "--json"])
        .exits(0)
        .json();
    assert_eq!(
        (&report["verdict"], &report["root"]),
        (&serde_json::json!("verified"), &newest.unwrap()["root"])
    );
}

/// A list says where it ends, and what is no table is not given as one.
fn check_forms(node: &Node) {
    for list in ["timeline CNNBG", "findings", "claims", "stats", "checkpoint ls"] {
        let words: Vec<&str> = list.split_whitespace().chain(["-o", "ndjson"]).collect();
        let said = node.run(&words).exits(0).out;
        let mut lines: Vec<serde_json::Value> = said
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        let end = lines.pop();
        assert_eq!(
            end,
            Some(serde_json::json!({"end": true, "rows": lines.len()})),
            "{list}"
        );
    }
    for document in ["case 2025DU000012", "projection ls", "rebuild --all"] {
        let words: Vec<&str> = document.split_whitespace().chain(["-o", "csv"]).collect();
        let said = node.run(&words).exits(2);
        assert!(said.err.contains("no table") && said.out.is_empty(), "{said:?}");
    }
    let generations = node.run(&["projection", "ls", "--json"]).exits(0).json();
    let generations = generations["generations"].as_array().unwrap();
    assert!(
        generations.iter().all(|it| it["generation"]["generation"] == 1),
        "nothing was rebuilt"
    );
}

#[test]
fn a_killed_portbook_leaves_nothing_that_is_in_the_way_of_reading() {
    let mut node = Node::init();
    let facts = node.home().join("facts.ndjson");
    fs::write(&facts, first_lines(50)).unwrap();
    node.up();
    node.run(&["import", &facts.display().to_string()]).exits(0);
    node.wait_until_signed(56);
    node.kill();
    assert!(node.home().join("ledger/store.sock").exists());
    node.verify();
    node.up();
    node.verify();
    node.stop();
}
