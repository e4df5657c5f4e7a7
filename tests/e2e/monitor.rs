//! The monitor: an honest log is confirmed down to its last leaf, and every lie is found and proven.

use std::fs;
use std::path::PathBuf;

use portbook_ledger::fraud::{Fraud, FraudProof};
use serde_json::Value;
use tempfile::TempDir;

use crate::crooked::{CrookedLog, Stage, port};
use crate::node::{Node, Said, first_lines, wait_for};
use crate::witness::ask;

/// A monitor with a directory of its own.
struct Watcher {
    node: Node,
    seen: TempDir,
    key: String,
}

impl Watcher {
    fn of(key: String) -> Self {
        Self {
            node: Node::new(),
            seen: TempDir::new().unwrap(),
            key,
        }
    }

    fn look(&self, url: &str) -> Said {
        let seen = self.seen.path().to_str().unwrap();
        self.node.run(&[
            "monitor", url, "--key", &self.key, "--dir", seen, "--once", "--json",
        ])
    }

    /// The proof of the alarm that was raised, checked with the log's key alone.
    #[track_caller]
    fn alarm(&self, url: &str, exit: i32, kind: &str) -> (Fraud, PathBuf) {
        let document: Value = self.look(url).exits(exit).json();
        assert_eq!(document["verdict"], kind, "{document}");
        let file = PathBuf::from(document["proof"].as_str().unwrap());
        let proof = FraudProof::parse(&fs::read(&file).unwrap()).unwrap();
        let key = CrookedLog::new().key;
        (proof.verify(&CrookedLog::origin(), key.verifier()).unwrap(), file)
    }
}

fn crooked() -> (CrookedLog, Stage, Watcher) {
    let log = CrookedLog::with_history();
    let stage = Stage::showing(&log);
    let watcher = Watcher::of(log.key.verifier().to_string());
    let seen = watcher.look(&stage.url()).exits(0).json();
    assert_eq!(
        (seen["size"].as_u64(), seen["before"].as_u64()),
        (Some(log.size()), Some(0))
    );
    (log, stage, watcher)
}

#[test]
fn an_honest_log_is_followed_and_nothing_is_read_twice() {
    let (mut log, stage, watcher) = crooked();
    let before = log.size();
    for round in 0..300_u32 {
        log.append(port("CNTXG"), &round.to_be_bytes());
        if round % 7 == 0 {
            log.seal();
            stage.show(&log, log.size());
            watcher.look(&stage.url()).exits(0);
        }
    }
    log.seal();
    stage.show(&log, log.size());
    let seen = watcher.look(&stage.url()).exits(0).json();
    assert!(seen["before"].as_u64().unwrap() > before, "{seen}");
    assert_eq!(seen["root"], log.root(log.size()).to_base64());
    let again = watcher.look(&stage.url()).exits(0).json();
    assert_eq!(again["before"], again["size"]);
    // Bundles that have become full are there once.
    let bundles = watcher.seen.path().join("tile/entries");
    let mut names: Vec<String> = fs::read_dir(bundles)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, ["000", "001", "002.p"]);
}

#[test]
fn a_seal_that_hides_the_newest_record_is_found_and_proven() {
    let (mut log, stage, watcher) = crooked();
    log.append(port("CNNBG"), b"to be hidden");
    let hidden = log.size() - 1;
    let old = log.old_head(port("CNNBG"), 1);
    log.seal_saying(|heads| {
        heads
            .iter_mut()
            .filter(|head| head.chain == old.chain)
            .for_each(|head| *head = old);
    });
    // The lie may be buried under records and seals that are true.
    for _ in 0..300 {
        log.append(port("CNSHA"), b"later");
    }
    log.seal();
    stage.show(&log, log.size());
    let (fraud, file) = watcher.alarm(&stage.url(), 10, "FALSE SEAL");
    assert!(
        matches!(fraud, Fraud::HiddenRecord { record, .. } if record.get() == hidden),
        "{fraud}"
    );
    // It is raised every time, not only once, and nothing of the lie is kept as checked.
    let (_, again) = watcher.alarm(&stage.url(), 10, "FALSE SEAL");
    assert_eq!(file, again);
}

#[test]
fn a_seal_that_hides_a_whole_port_is_found_and_proven() {
    let (mut log, stage, watcher) = crooked();
    log.append(port("CNTXG"), b"nobody shall see this port");
    log.seal_saying(|heads| heads.retain(|head| head.chain != port("CNTXG")));
    stage.show(&log, log.size());
    let (fraud, _) = watcher.alarm(&stage.url(), 10, "FALSE SEAL");
    assert!(
        matches!(fraud, Fraud::HiddenChain { chain, .. } if chain == port("CNTXG")),
        "{fraud}"
    );
}

#[test]
fn a_seal_that_shows_an_old_head_is_found_and_proven() {
    let (mut log, stage, watcher) = crooked();
    let old = log.old_head(port("CNLYG"), 40);
    log.append(port("CNSHA"), b"news");
    log.seal_saying(|heads| {
        heads
            .iter_mut()
            .filter(|head| head.chain == old.chain)
            .for_each(|head| *head = old);
    });
    stage.show(&log, log.size());
    let (fraud, _) = watcher.alarm(&stage.url(), 10, "FALSE SEAL");
    assert!(
        matches!(fraud, Fraud::HiddenRecord { head, .. } if head == old.head_index),
        "{fraud}"
    );
}

#[test]
fn a_lie_whose_heads_are_not_served_is_found_all_the_same() {
    let (mut log, stage, watcher) = crooked();
    log.append(port("CNNBG"), b"x");
    log.seal_saying(|heads| {
        for head in heads {
            head.chain_root = portbook_ledger::Hash::ZERO;
        }
    });
    stage.show(&log, log.size());
    let document = watcher.look(&stage.url()).exits(10).json();
    assert_eq!(
        (&document["verdict"], &document["proof"]),
        (&Value::from("FAULT"), &Value::Null)
    );
    let bundles = watcher.seen.path().join("tile/entries");
    assert!(bundles.is_dir(), "the leaves that prove it are not kept");
}

#[test]
fn two_histories_are_a_fork_whether_the_second_is_shorter_as_long_or_longer() {
    let (log, stage, watcher) = crooked();
    let mut other = CrookedLog::new();
    other.append(port("CNNBG"), b"another history");
    while other.size() + 1 < log.size() {
        other.append(port("CNLYG"), b".");
    }
    other.seal();
    assert_eq!(other.size(), log.size());
    stage.show(&other, other.size());
    let (fraud, _) = watcher.alarm(&stage.url(), 11, "FORK");
    assert!(
        matches!(fraud, Fraud::Fork { smaller, larger, .. } if smaller == larger),
        "{fraud}"
    );
    stage.show(&other, 100);
    let (fraud, _) = watcher.alarm(&stage.url(), 11, "FORK");
    assert!(
        matches!(fraud, Fraud::Fork { smaller, .. } if smaller.get() == 100),
        "{fraud}"
    );
    for _ in 0..300 {
        other.append(port("CNLYG"), b".");
    }
    other.seal();
    stage.show(&other, other.size());
    let (fraud, _) = watcher.alarm(&stage.url(), 11, "FORK");
    assert!(
        matches!(fraud, Fraud::Fork { larger, .. } if larger.get() == other.size()),
        "{fraud}"
    );
    // The history that was seen first is still the one that is followed.
    stage.show(&log, log.size());
    watcher.look(&stage.url()).exits(0);
}

#[test]
fn a_smaller_tree_of_the_same_history_is_a_rollback() {
    let (log, stage, watcher) = crooked();
    stage.show(&log, 154);
    let (fraud, _) = watcher.alarm(&stage.url(), 11, "ROLLBACK");
    assert!(matches!(fraud, Fraud::Rollback { after, .. } if after.get() == 154) && !fraud.is_conclusive());
}

#[test]
fn what_cannot_be_seen_is_no_alarm() {
    let (mut log, stage, watcher) = crooked();
    watcher.look("http://127.0.0.1:1/log").exits(12);
    watcher.look(&stage.url().replace("/log", "/nothing")).exits(12);
    let stranger = Watcher::of(CrookedLog::key_of(9).verifier().to_string());
    let said = stranger.look(&stage.url()).exits(12);
    assert!(said.err.contains("the checkpoint does not hold"), "{said:?}");
    // Leaves that are not the signed ones prove nothing against the log: anybody may have put them there.
    let signed = log.clone();
    log.append(port("CNNBG"), b"x");
    log.seal();
    let mut served = signed;
    served.append(port("CNNBG"), b"y");
    served.seal();
    stage.show_apart(&served, log.note(log.size()));
    let said = watcher.look(&stage.url()).exits(12);
    assert!(said.err.contains("the leaves served give root"), "{said:?}");
    // And they are not kept.
    stage.show(&log, log.size());
    watcher.look(&stage.url()).exits(0);
}

#[test]
fn a_real_ledger_is_confirmed_over_http_and_so_is_its_health() {
    let mut node = Node::init();
    node.up();
    let facts = node.home().join("facts.ndjson");
    fs::write(&facts, first_lines(1500)).unwrap();
    node.run(&["import", facts.to_str().unwrap()]).exits(0);
    node.wait_until_signed(1506);
    let url = fs::read_to_string(node.home().join("http.url")).unwrap();
    let key = node.home().join("keys/log.pub");
    let watcher = Watcher::of(key.display().to_string());
    let seen = watcher.look(&format!("{url}/log")).exits(0).json();
    assert!(seen["size"].as_u64().unwrap() >= 1506, "{seen}");
    health(&url);
    log_paths(&url);
    node.stop();
    assert!(!node.home().join("http.url").exists());
}

fn health(url: &str) {
    assert_eq!(ask(url, "GET", "/healthz", "").status, 200);
    let ready = wait_for(|| {
        let answer = ask(url, "GET", "/readyz", "");
        let document: Value = serde_json::from_str(&answer.body).unwrap();
        (answer.status == 200 && document["size"] == document["stream_last_seq"]).then_some(document)
    });
    assert_eq!(ready.unwrap()["lag_events"], 0);
    let metrics = ask(url, "GET", "/metrics", "").body;
    for name in [
        "ledger_size",
        "ledger_signed_size",
        "ledger_lag_events",
        "ledger_lag_seconds",
        "checkpoint_age_seconds",
    ] {
        assert!(
            metrics.contains(&format!("\nportbook_{name} ")),
            "{name} is missing in {metrics}"
        );
    }
    assert!(metrics.ends_with("# EOF\n"), "{metrics}");
}

fn log_paths(url: &str) {
    let full = ask(url, "GET", "/log/tile/0/000", "");
    assert_eq!(full.status, 200);
    assert!(
        full.head
            .contains("cache-control: public, max-age=31536000, immutable"),
        "{}",
        full.head
    );
    let tag = full
        .head
        .lines()
        .find_map(|line| line.strip_prefix("etag: "))
        .unwrap()
        .to_owned();
    let head = ask(url, "HEAD", "/log/tile/0/000", "");
    assert_eq!((head.status, head.body.as_str()), (200, ""));
    assert!(
        head.head.contains("content-length: 8192") && head.head.contains(&tag),
        "{}",
        head.head
    );
    let again = ask(
        url,
        "GET",
        &format!("/log/tile/0/000 HTTP/1.1\r\nif-none-match: {tag}\r\nx:"),
        "",
    );
    assert_eq!(again.status, 304, "{again:?}");
    let checkpoint = ask(url, "GET", "/log/checkpoint", "");
    assert!(
        checkpoint.head.contains("cache-control: no-store"),
        "{checkpoint:?}"
    );
    assert_eq!(ask(url, "GET", "/log/port/CNNBG/checkpoint", "").status, 200);
    assert_eq!(
        ask(url, "GET", "/log/port/CNNBG/tile/entries/000.p/1", "").status,
        200
    );
    let size: u64 = checkpoint.body.lines().nth(1).unwrap().parse().unwrap();
    assert_eq!(
        ask(url, "GET", &format!("/log/heads/{}", size - 1), "").status,
        200
    );
    for path in [
        "/log/",
        "/log/tile/0/0",
        "/log/tile/0/999",
        "/log/tile/8/000",
        "/log/tile/64/000",
        "/log/tile/0/000.p/0",
        "/log/tile/0/000.p/256",
        "/log/tile/0/../0/000",
        "/log/../log/checkpoint",
        "/log/%2e%2e/keys/log.key",
        "/log/tile%2F0%2F000",
        "/log/checkpoint?x",
        "/log/checkpoint/",
        "/log/port/CNXXX/checkpoint",
        "/log/port/../checkpoint",
        "/log/heads/0",
        "/log/heads/99999999999999999999",
    ] {
        let answer = ask(url, "GET", path, "");
        assert_eq!(answer.status, 404, "{path}: {answer:?}");
        assert!(answer.head.contains("application/problem+json"), "{path}");
    }
    assert_eq!(ask(url, "PUT", "/log/checkpoint", "x").status, 405);
}
