//! Answers over a real ledger: what was printed once is printed again as of then, whatever came later, also after a rebuild.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixStream;

use portbook_audit::{FactsAt, KeptFacts, Prefix, sealed_prefix};
use portbook_store::{LedgerDirectory, StoreReader};
use serde_json::{Value, json};

use crate::node::{Node, first_lines, scenario, wait_for};

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

/// Waits until nothing more comes: every source has stated what it published, and a checkpoint covers the last leaf.
fn settle(node: &Node) {
    let quiet = || {
        let told = node.run(&["source", "ls", "--json"]).exits(0).json();
        let sources = told["sources"].as_array().unwrap().iter();
        let stated = sources.filter(|it| it["events_stated"] != 0).count() > 0;
        let sources = told["sources"].as_array().unwrap().iter();
        let whole = sources.filter(|it| it["events_not_stated"] != 0).count() == 0;
        (stated && whole && told["size"] == node.signed_size()).then_some(())
    };
    assert!(wait_for(quiet).is_some(), "it never rests");
}

#[test]
fn an_answer_as_of_a_checkpoint_is_what_was_printed_then() {
    let mut node = Node::init();
    let part = node.home().join("part.ndjson");
    fs::write(&part, first_lines(3000)).unwrap();
    node.up();
    node.run(&["import", &part.display().to_string()]).exits(0);
    settle(&node);
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
    settle(&node);
    let now = told(&node, None);
    assert_ne!(now, then);
    assert_eq!(told(&node, Some(size)), then);
    let found: Value = serde_json::from_str(&now[5]).unwrap();
    assert_eq!(found["counts"]["grant_burst"], 60);
    assert_eq!(found["counts"]["cleared_over_licensed"], 10);
    let counts: Value = serde_json::from_str(&now[3]).unwrap();
    let counts = counts["tables"][2]["rows"].as_array().unwrap().clone();
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
    proofs_are_what_is_printed(&node, &found);
    every_answer_is_the_recomputed_one(&node);
    let newest = node.signed_size();
    node.stop();
    every_answer_is_the_recomputed_one(&node);

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

/// Everything that can be asked, in every form of answer somewhere.
fn everything() -> Vec<Vec<String>> {
    let mut asked: Vec<Vec<String>> = (1..=25)
        .map(|number| vec!["stats".to_owned(), number.to_string()])
        .collect();
    let more: &[&[&str]] = &[
        &["stats", "licensed", "--by", "element", "-o", "csv"],
        &["stats", "shift", "--by", "group", "--explain"],
        &["stats", "latency", "--month", "2025-06..2025-08", "--json"],
        &["stats", "backlog", "--as-of", "2025-09-30", "--tz", "+08:00"],
        &["findings"],
        &["findings", "--explain", "--port", "CNNBG"],
        &["findings", "-o", "ndjson"],
        &["findings", "--rule", "overdue", "-o", "csv"],
        &["claims"],
        &["claims", "--json"],
    ];
    asked.extend(
        more.iter()
            .map(|words| words.iter().map(ToString::to_string).collect()),
    );
    asked
}

/// Whether the process that runs asks memory or the command what it kept: the answer is that of a new fold, to the byte.
fn every_answer_is_the_recomputed_one(node: &Node) {
    for asked in everything() {
        let mut words: Vec<&str> = asked.iter().map(String::as_str).collect();
        let told = node.run(&words).exits(0).out;
        words.push("--recompute");
        assert_eq!(node.run(&words).exits(0).out, told, "{asked:?}");
    }
}

/// The command that a finding prints proves its record.
fn proofs_are_what_is_printed(node: &Node, found: &Value) {
    let mut by_rule: BTreeMap<&str, &Value> = BTreeMap::new();
    for finding in found["findings"].as_array().unwrap() {
        by_rule
            .entry(finding["rule"].as_str().unwrap())
            .or_insert(finding);
    }
    assert!(by_rule.len() >= 15, "{:?}", by_rule.keys());
    for (rule, finding) in by_rule {
        let explained = node.run(&["findings", "--rule", rule, "--explain"]).exits(0).out;
        let printed = explained
            .lines()
            .find_map(|line| line.strip_prefix("  record    "));
        let (show, prove) = printed.unwrap().split_once("  ·  ").unwrap();
        assert_eq!(prove, finding["prove"][0].as_str().unwrap(), "{rule}");
        let run = |command: &str| {
            let mut words: Vec<&str> = command.split(' ').collect();
            assert_eq!(words.remove(0), "portbook");
            words.push("--json");
            node.run(&words).exits(0).json()
        };
        let (proof, record) = (run(prove), run(show));
        assert_eq!(proof["leaf"], finding["records"][0], "{rule}");
        assert_eq!(proof["leaf_hash"], record["leaf_hash"], "{rule}");
        assert_eq!(proof["size"], node.signed_size(), "{rule}");
        if let Some(event) = finding.get("event_id") {
            assert_eq!(record["body"]["id"], *event, "{rule}");
        }
    }
}

/// Says a line to the process that answers questions, and gives its reply.
fn exchange(node: &Node, asking: &Value) -> String {
    let mut stream = UnixStream::connect(node.home().join("answers.sock")).unwrap();
    stream.write_all(format!("{asking}\n").as_bytes()).unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).unwrap();
    reply
}

#[test]
fn the_running_process_answers_its_own_program_and_leaves_the_rest_to_whoever_asks() {
    let mut node = Node::init();
    node.up();
    let file = node.home().join("facts.ndjson");
    fs::write(&file, first_lines(200)).unwrap();
    node.run(&["import", &file.display().to_string()]).exits(0);
    node.wait_until_signed(207);
    let binary = fs::metadata(env!("CARGO_BIN_EXE_portbook")).unwrap();
    let program = format!(
        "{}:{}:{}:{}.{:09}",
        binary.dev(),
        binary.ino(),
        binary.size(),
        binary.mtime(),
        binary.mtime_nsec()
    );
    let words = ["stats", "outcomes", "--json"];
    let reply = exchange(&node, &json!({"program": program, "words": words}));
    let (head, answer) = reply.split_once('\n').unwrap();
    assert_eq!(head, format!("answered {}", answer.len()));
    assert_eq!(answer, node.run(&words).exits(0).out);
    assert_eq!(
        answer,
        node.run(&["stats", "outcomes", "--json", "--recompute"])
            .exits(0)
            .out
    );
    let mode = fs::metadata(node.home().join("answers.sock")).unwrap().mode();
    assert_eq!(mode & 0o777, 0o600);
    for (program, words) in [
        ("another", &["stats", "outcomes"][..]),
        (&program, &["stats", "outcomes", "--at", "7"]),
        (&program, &["stats", "outcomes", "--recompute"]),
        (&program, &["stats", "outcomes", "--as-recorded"]),
        (&program, &["stats", "nothing"]),
        (&program, &["verify", "--all"]),
        (&program, &[]),
    ] {
        let reply = exchange(&node, &json!({"program": program, "words": words}));
        assert_eq!(reply, "not answered\n", "{words:?}");
    }
    assert_eq!(exchange(&node, &json!("nonsense")), "not answered\n");
    node.stop();
    assert!(!node.home().join("answers.sock").exists());
}

#[test]
fn kept_facts_are_used_only_whole_and_of_this_ledger() {
    let mut node = Node::init();
    node.up();
    let file = node.home().join("facts.ndjson");
    fs::write(&file, first_lines(300)).unwrap();
    node.run(&["import", &file.display().to_string()]).exits(0);
    node.wait_until_signed(307);
    node.stop();
    let directory = LedgerDirectory::at(node.home().join("ledger"));
    let (kept, path) = (KeptFacts::in_ledger(&directory), directory.facts());
    let whole = fs::read(&path).unwrap();
    let answer = node.run(&["stats", "integrity", "--json"]).exits(0).out;
    {
        let reader = StoreReader::open(&directory.store()).unwrap();
        let sealed = sealed_prefix(&reader, Prefix::Newest).unwrap();
        let size = sealed.index.get() + 1;
        assert_eq!(kept.size(), Some(size), "a clean stop keeps everything");
        assert!(
            kept.load(&reader, size - 1).unwrap().is_none(),
            "more than was asked for"
        );
        let loaded = kept.load(&reader, size).unwrap().unwrap();
        let mut folded = FactsAt::empty();
        folded.fold_on(&reader, &sealed, |_| {}).unwrap();
        let beside = |at: &FactsAt| (at.size, at.root, at.counted, at.sources.clone(), at.seals.clone());
        assert_eq!(beside(&loaded), beside(&folded));
        assert!(loaded.facts.rows().eq(folded.facts.rows()));

        // Any byte of it, and any end: it is as if nothing were kept.
        for at in (0..whole.len()).step_by(whole.len() / 97) {
            let mut damaged = whole.clone();
            damaged[at] ^= 0x10;
            fs::write(&path, &damaged).unwrap();
            assert!(kept.load(&reader, size).unwrap().is_none(), "byte {at}");
            fs::write(&path, &whole[..at]).unwrap();
            assert!(kept.load(&reader, size).unwrap().is_none(), "cut at {at}");
        }
    }
    // The command folds again, and says the same.
    assert_eq!(node.run(&["stats", "integrity", "--json"]).exits(0).out, answer);
    fs::write(&path, &whole).unwrap();
    assert_eq!(node.run(&["stats", "integrity", "--json"]).exits(0).out, answer);

    // Facts of another ledger of the same size are not this one's.
    let mut other = Node::init();
    other.up();
    let file = other.home().join("facts.ndjson");
    let lines = first_lines(600);
    let rest: Vec<&str> = lines.lines().skip(300).collect();
    fs::write(&file, rest.join("\n") + "\n").unwrap();
    other.run(&["import", &file.display().to_string()]).exits(0);
    other.wait_until_signed(307);
    other.stop();
    let expected = other.run(&["stats", "outcomes", "--json"]).exits(0).out;
    fs::write(other.home().join("ledger/facts"), &whole).unwrap();
    assert_eq!(other.run(&["stats", "outcomes", "--json"]).exits(0).out, expected);
}
