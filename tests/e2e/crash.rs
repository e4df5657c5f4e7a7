//! Exact crash points: the real projector under strace, killed or failed at the k-th system call on each file it signs with.
//!
//! A signal at a system call kills before the call is made, so the point behind one call is the point before the next. What
//! a kill cannot show is power loss: see docs/verification.md.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use portbook_bus::{ManagedServer, ServerPort, ServerSpec};

use crate::node::{Node, first_lines, wait_for};
use crate::signing::signed_roots;

/// Files of the ledger directory and the system calls of the signing order on them.
const STEPS: &[(&str, &[&str])] = &[
    ("store/db", &["pwrite64", "fsync"]),
    ("signed.log", &["openat", "write", "fsync"]),
    ("checkpoints", &["openat", "fsync"]),
    ("checkpoint.new", &["openat", "write", "fsync", "rename"]),
    ("", &["fsync"]),
];
/// What happens there.
const FATES: &[&str] = &["signal=KILL", "error=EIO", "error=ENOSPC"];
/// Calls of one kind on one file that are looked at.
const TURNS: u32 = 3;
/// Facts that each run has to sign.
const FACTS: usize = 3;

struct Story {
    node: Node,
    url: String,
    lines: usize,
    /// Every tree that was ever about to be signed, and every one that was published.
    seen: BTreeMap<u64, String>,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_crash_point_signs_ahead_of_the_store_or_two_roots_for_one_size() {
    insist_on_strace();
    let node = Node::init();
    let server = ManagedServer::start(ServerSpec {
        binary: portbook_testkit::nats::server_binary(),
        store_dir: node.home().join("nats"),
        seeds_dir: node.home().join("keys/nats"),
        port: ServerPort::Free,
        file_store_bytes_max: 1 << 34,
    })
    .await
    .unwrap();
    let url = server.url().to_owned();
    let mut story = Story {
        node,
        url,
        lines: 0,
        seen: BTreeMap::new(),
    };
    story.run_undisturbed();
    let mut reached = BTreeMap::new();
    for (file, calls) in STEPS {
        for call in *calls {
            for fate in FATES {
                for turn in 1..=TURNS {
                    let hit = story.run_to(file, call, fate, turn);
                    *reached.entry((*file, *call)).or_insert(0) += u32::from(hit);
                    story.run_undisturbed();
                }
            }
        }
    }
    server.stop().await.unwrap();
    let missed: Vec<_> = reached.iter().filter(|(_, hits)| **hits == 0).collect();
    assert!(missed.is_empty(), "never reached: {missed:?}");
    assert!(reached.values().sum::<u32>() >= 40, "{reached:?}");
}

/// System calls that change what is on disk, and the calls of each that are looked at: past the last one nothing is killed.
const CHANGES: &[&str] = &[
    "openat", "write", "pwrite64", "fsync", "rename", "unlink", "mkdir",
];
const TURNS_MAX: u32 = 400;

#[test]
fn no_crash_point_of_a_rebuild_leaves_views_that_cannot_be_opened() {
    insist_on_strace();
    let mut node = Node::init();
    let facts = node.home().join("facts.ndjson");
    fs::write(&facts, first_lines(300)).unwrap();
    node.up();
    node.run(&["import", &facts.display().to_string()]).exits(0);
    node.stop();
    let rows = |node: &Node| node.run(&["projection", "rows", "cases"]).exits(0).out;
    node.run(&["rebuild", "--all"]).exits(0);
    let right = rows(&node);
    let (log, mut killed) = (node.home().join("strace.log"), BTreeMap::new());
    for call in CHANGES {
        for turn in 1..=TURNS_MAX {
            let inject = format!("inject={call}:signal=KILL:when={turn}");
            let mut rebuilding = traced(&node, &log, &["-e", &inject], &["rebuild", "--all"]);
            let status = rebuilding
                .stderr(Stdio::null())
                .stdout(Stdio::null())
                .status()
                .unwrap();
            assert_eq!(rows(&node), right, "{call} {turn}");
            if status.success() {
                break;
            }
            *killed.entry(*call).or_insert(0) += 1;
        }
    }
    assert!(killed.values().sum::<u32>() >= 60, "{killed:?}");
}

/// Of the calls of each kind, those that are looked at when a ledger is created.
const INIT_STEP: usize = 23;

#[test]
fn no_crash_point_of_init_leaves_a_home_that_cannot_be_used() {
    insist_on_strace();
    let init = ["init", "--origin", "test.example/port"];
    let mut killed = BTreeMap::new();
    for call in CHANGES {
        for turn in (1..=TURNS_MAX).step_by(INIT_STEP) {
            let mut node = Node::new();
            let log = node.log("strace");
            let inject = format!("inject={call}:signal=KILL:when={turn}");
            let mut first = traced(&node, &log, &["-e", &inject], &init);
            let status = first
                .stderr(Stdio::null())
                .stdout(Stdio::null())
                .status()
                .unwrap();
            if status.success() {
                break;
            }
            let again = node.run(&init);
            // Killed behind its last step, it had done everything.
            let is_done = again.code == Some(0) || again.err.contains("there is a ledger at");
            assert!(is_done, "{call} {turn}: {again:?}");
            node.up();
            node.wait_until_signed(1);
            node.verify();
            node.stop();
            *killed.entry(*call).or_insert(0) += 1;
        }
    }
    assert!(killed.values().sum::<u32>() >= 20, "{killed:?}");
}

fn insist_on_strace() {
    let has_strace = Command::new("strace")
        .arg("-V")
        .stdout(Stdio::null())
        .status()
        .is_ok();
    assert!(has_strace, "strace is needed for this: apt-get install strace");
}

/// The binary with `args` under strace, which writes to `log` what it does.
fn traced(node: &Node, log: &Path, fate: &[&str], args: &[&str]) -> Command {
    let portbook = node.command();
    let mut traced = Command::new("strace");
    traced
        .args(["-f", "-qq", "-o", &log.display().to_string()])
        .args(fate)
        .arg(portbook.get_program())
        .args(args);
    for (name, value) in portbook.get_envs() {
        if let Some(value) = value {
            traced.env(name, value);
        }
    }
    traced.stdin(Stdio::null());
    traced
}

/// The processes that `pid` started.
fn children_of(pid: u32) -> Vec<u32> {
    let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    children
        .split_whitespace()
        .map(|pid| pid.parse().unwrap())
        .collect()
}

impl Story {
    fn ledger(&self) -> PathBuf {
        self.node.home().join("ledger")
    }

    /// More facts wait in the stream.
    fn publish(&mut self) {
        self.lines += FACTS;
        let file = self.node.home().join("facts.ndjson");
        fs::write(&file, first_lines(self.lines)).unwrap();
        let file = file.display().to_string();
        self.node.run(&["import", &file, "--server", &self.url]).exits(0);
    }

    /// Runs the projector until the system call with its fate, or until it has signed; gives whether the call came.
    fn run_to(&mut self, file: &str, call: &str, fate: &str, turn: u32) -> bool {
        self.publish();
        let log = self.node.home().join("strace.log");
        let (path, before) = (self.ledger().join(file), self.node.signed_size());
        let fate = [
            "-e",
            &format!("trace={call}"),
            "-P",
            path.to_str().unwrap().trim_end_matches('/'),
            "-e",
            &format!("inject={call}:{fate}:when={turn}"),
        ];
        let mut traced = traced(
            &self.node,
            &log,
            &fate,
            &["run", "projector", "--server", &self.url],
        );
        let mut child = traced.stderr(Stdio::null()).spawn().unwrap();
        let ended = wait_for(|| {
            let ended = child.try_wait().unwrap().is_some();
            (ended || self.node.signed_size() >= before + 4).then_some(ended)
        });
        if ended != Some(true) {
            // The call never came so often: stopped as a person would, and the tracer goes with it.
            for traced in children_of(child.id()) {
                crate::node::signal("-TERM", traced);
            }
            child.wait().unwrap();
        }
        self.remember();
        let text = fs::read_to_string(&log).unwrap_or_default();
        text.contains("(INJECTED)") || text.contains("killed by SIGKILL")
    }

    /// Runs the projector until it has signed everything, then verifies.
    fn run_undisturbed(&mut self) {
        self.publish();
        let before = self.node.signed_size();
        let mut child = self
            .node
            .spawn(&["run", "projector", "--server", &self.url], "projector");
        let signed = wait_for(|| (self.node.signed_size() >= before + 4).then_some(()));
        assert!(
            signed.is_some() && child.try_wait().unwrap().is_none(),
            "the projector does not go on: {}",
            fs::read_to_string(self.node.log("projector")).unwrap()
        );
        crate::node::signal("-TERM", child.id());
        child.wait().unwrap();
        self.node.verify();
        self.remember();
    }

    /// What was signed stays what it was.
    fn remember(&mut self) {
        let note = fs::read_to_string(self.ledger().join("checkpoint")).unwrap_or_default();
        let mut words = note.lines().skip(1);
        let published = words.next().and_then(|size| size.parse().ok()).zip(words.next());
        let published = published.map(|(size, root): (u64, &str)| (size, root.to_owned()));
        let signed = signed_roots(&self.node);
        if let Some((size, root)) = &published {
            assert_eq!(
                signed.get(size),
                Some(root),
                "published without having been written down"
            );
        }
        for (size, root) in signed.into_iter().chain(published) {
            let before = self.seen.insert(size, root.clone());
            assert!(
                before.is_none_or(|before| before == root),
                "two roots for {size} leaves"
            );
        }
        // A checkpoint whose leaves are not in the store would fail here.
        let said = self.node.run(&["verify", "--all", "--quick"]);
        assert!(matches!(said.code, Some(0 | 12)), "{said:?}");
    }
}
