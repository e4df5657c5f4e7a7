//! Answers over a real ledger: what was printed once is printed again as of then, whatever came later, also after a rebuild.

use std::fs;

use serde_json::Value;

use crate::node::{Node, first_lines, scenario};

const ASKED: &[&[&str]] = &[
    &["stats", "outcomes", "--by", "group"],
    &["stats", "shift", "--as-of", "2025-12-31"],
    &["stats", "latency", "--by", "port", "--json"],
    &["stats", "integrity", "--json"],
    &["findings", "--explain"],
    &["findings", "--json"],
    &["claims", "--json"],
];

fn told(node: &Node, at: Option<u64>) -> Vec<String> {
    let at = at.map(|size| size.to_string());
    let ask = |words: &&[&str]| {
        let mut words = words.to_vec();
        if let Some(at) = &at {
            words.extend(["--at", at]);
        }
        node.run(&words).exits(0).out
    };
    ASKED.iter().map(ask).collect()
}

#[test]
fn an_answer_as_of_a_checkpoint_is_what_was_printed_then() {
    let mut node = Node::init();
    let part = node.home().join("part.ndjson");
    fs::write(&part, first_lines(3000)).unwrap();
    node.up();
    node.run(&["import", &part.display().to_string()]).exits(0);
    node.wait_until_signed(3006);
    let then = told(&node, None);
    let early: Value = serde_json::from_str(&then[3]).unwrap();
    let size = early["rests_on"]["checkpoint"]["size"].as_u64().unwrap();
    assert_eq!(size, node.signed_size());
    assert!(
        node.checkpoint()
            .contains(early["rests_on"]["checkpoint"]["root"].as_str().unwrap())
    );
    assert_eq!(told(&node, Some(size)), then);

    // The rest in a second batch, with the defects of the other file beside it.
    let rest = scenario("events_anom.jsonl.gz").display().to_string();
    node.run(&["import", &rest]).exits(0);
    node.wait_until_signed(24_700);
    let now = told(&node, None);
    assert_ne!(now, then);
    assert_eq!(told(&node, Some(size)), then);
    let found: Value = serde_json::from_str(&now[5]).unwrap();
    assert_eq!(found["counts"]["grant_burst"], 60);
    assert_eq!(found["counts"]["cleared_over_licensed"], 10);
    let counts: Value = serde_json::from_str(&now[3]).unwrap();
    let counts = counts["tables"][1]["rows"].as_array().unwrap().clone();
    assert!(
        counts.len() == 3 && counts.iter().all(|row| row["equal"] == "yes"),
        "{counts:?}"
    );
    // A finding leads to its record, and the record says what the finding says.
    let burst = found["findings"]
        .as_array()
        .unwrap()
        .iter()
        .find(|it| it["rule"] == "grant_burst")
        .unwrap();
    let leaf = burst["records"][0].to_string();
    let record = node.run(&["record", "show", &leaf, "--json"]).exits(0).json();
    assert_eq!(record["body"]["id"], burst["event_id"]);
    assert_eq!(record["body"]["type"], "portbook.license.granted.v1");
    let newest = node.signed_size();
    node.stop();

    // A store that is built again from the stream gives the same answers, at both points.
    node.forget_ledger();
    node.run(&["init", "--replay"]).exits(0);
    node.up();
    node.wait_until_signed(newest);
    assert_eq!(told(&node, Some(size)), then);
    assert_eq!(told(&node, Some(newest)), now);
    node.stop();
}

#[test]
fn what_cannot_be_answered_is_refused_with_the_way_out() {
    let mut node = Node::init();
    node.up();
    node.wait_until_signed(1);
    let said = node.run(&["stats", "challenges", "--by", "lane"]).exits(2);
    assert!(
        said.err
            .contains("challenges cannot be broken down by lane; it can by port, month"),
        "{said:?}"
    );
    let said = node.run(&["stats", "latency", "--at", "3"]).exits(69);
    assert!(said.err.contains("hint: portbook checkpoint ls"), "{said:?}");
    assert!(
        node.run(&["stats", "fastest"])
            .exits(2)
            .err
            .contains("portbook stats lists them")
    );
    let empty = node.run(&["stats", "latency", "--json"]).exits(0).json();
    assert_eq!(
        (&empty["n"], &empty["schema"]),
        (&0.into(), &"portbook.stats/v1".into())
    );
    assert_eq!(
        node.run(&["findings", "--json"]).exits(0).json()["findings"],
        Value::Array(Vec::new())
    );
    let claim = node.home().join("claim.toml");
    fs::write(
        &claim,
        "id = \"a\"\ntext = \"b\"\nsource = \"c\"\ndate = \"2025-05-27\"\nsurprise = 1\n",
    )
    .unwrap();
    let said = node.run(&["claims", &claim.display().to_string()]).exits(78);
    assert!(
        said.err.contains("claim.toml") && said.err.contains("surprise"),
        "{said:?}"
    );
    let listed = node.run(&["stats", "--json"]).exits(0).json();
    assert_eq!(listed["questions"].as_array().unwrap().len(), 25);
    node.stop();
}
