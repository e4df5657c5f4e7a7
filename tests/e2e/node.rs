//! A portbook in a directory of its own, run through its binary.

use std::fs;
use std::io::{BufRead, BufReader};
use std::ops::{Deref, DerefMut};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use flate2::read::GzDecoder;
use serde_json::Value;
use tempfile::TempDir;

/// The repository, from where `.tools/nats-server` is found.
pub(crate) fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .unwrap()
        .to_owned()
}

/// The shipped scenario.
pub(crate) fn scenario(name: &str) -> PathBuf {
    repository().join("examples/scenario").join(name)
}

/// The first facts of the scenario, a line each.
pub(crate) fn first_lines(count: usize) -> String {
    let packed = fs::File::open(scenario("events.jsonl.gz")).unwrap();
    let lines = BufReader::new(GzDecoder::new(packed)).lines();
    lines.take(count).map(|line| line.unwrap() + "\n").collect()
}

/// One home directory and the state directory of one auditor.
pub(crate) struct Node {
    directory: TempDir,
    up: Option<Running>,
}

/// A process that is killed when the story ends before it does.
pub(crate) struct Running(pub(crate) Child);

impl Deref for Running {
    type Target = Child;

    fn deref(&self) -> &Child {
        &self.0
    }
}

impl DerefMut for Running {
    fn deref_mut(&mut self) -> &mut Child {
        &mut self.0
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.0.try_wait().unwrap().is_none() {
            self.0.kill().unwrap();
            self.0.wait().unwrap();
        }
    }
}

/// What a run of the binary said.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Said {
    /// Insists on an exit code.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(
            self.code,
            Some(code),
            "stdout: {}\nstderr: {}",
            self.out,
            self.err
        );
        self
    }

    /// The answer as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

impl Node {
    /// An empty place.
    pub(crate) fn new() -> Self {
        Self {
            directory: TempDir::new().unwrap(),
            up: None,
        }
    }

    /// A place with a new ledger.
    pub(crate) fn init() -> Self {
        let node = Self::new();
        node.run(&["init", "--origin", "test.example/port"]).exits(0);
        node
    }

    pub(crate) fn home(&self) -> PathBuf {
        self.directory.path().join("home")
    }

    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_portbook"));
        command
            .current_dir(repository())
            .env("PORTBOOK_HOME", self.home())
            .env("XDG_STATE_HOME", self.directory.path().join("state"))
            .env_remove("NATS_URL")
            .stdin(Stdio::null());
        command
    }

    /// Runs the binary to its end.
    pub(crate) fn run(&self, args: &[&str]) -> Said {
        said(self.command().args(args).output().unwrap())
    }

    /// Starts a long-running command; what it says goes to a file in the directory.
    pub(crate) fn spawn(&self, args: &[&str], name: &str) -> Running {
        let log = fs::File::options()
            .create(true)
            .append(true)
            .open(self.log(name))
            .unwrap();
        let mut command = self.command();
        command.args(args).stdout(log.try_clone().unwrap()).stderr(log);
        Running(command.spawn().unwrap())
    }

    pub(crate) fn log(&self, name: &str) -> PathBuf {
        self.directory.path().join(format!("{name}.log"))
    }

    /// Starts everything, which is expected to end by itself; gives its exit code and what it said.
    #[track_caller]
    pub(crate) fn up_to_its_end(&mut self) -> Said {
        let before = fs::read_to_string(self.log("up")).unwrap_or_default().len();
        self.up = Some(self.spawn(&["up"], "up"));
        let (code, told) = self.ended();
        Said {
            code,
            out: String::new(),
            err: told.get(before..).unwrap_or_default().to_owned(),
        }
    }

    /// Starts everything and waits until it serves.
    pub(crate) fn up(&mut self) {
        let before = fs::read_to_string(self.log("up")).unwrap_or_default().len();
        self.up = Some(self.spawn(&["up"], "up"));
        let log = self.log("up");
        let started = wait_for(|| {
            let text = fs::read_to_string(&log).ok()?;
            text.get(before..)?.contains("is running on").then_some(())
        });
        assert!(
            started.is_some(),
            "up did not start: {}",
            fs::read_to_string(&log).unwrap()
        );
    }

    /// Kills the process, and leaves its nats-server an orphan.
    pub(crate) fn kill(&mut self) {
        let mut up = self.up.take().expect("nothing is up");
        up.kill().unwrap();
        up.wait().unwrap();
    }

    /// Waits until the process ends by itself; gives its exit code and what it said.
    #[track_caller]
    pub(crate) fn ended(&mut self) -> (Option<i32>, String) {
        let mut up = self.up.take().expect("nothing is up");
        let Some(status) = wait_for(|| up.try_wait().unwrap()) else {
            // Stopped like everything that is up, when the story ends here.
            self.up = Some(up);
            panic!("it goes on");
        };
        (status.code(), fs::read_to_string(self.log("up")).unwrap())
    }

    /// Stops everything as a person would.
    pub(crate) fn stop(&mut self) {
        let mut up = self.up.take().expect("nothing is up");
        signal("-TERM", up.id());
        assert_eq!(
            up.wait().unwrap().code(),
            Some(0),
            "{}",
            fs::read_to_string(self.log("up")).unwrap()
        );
    }

    /// Removes the store and what was published; only what was signed stays.
    pub(crate) fn forget_ledger(&self) {
        let ledger = self.home().join("ledger");
        fs::remove_dir_all(ledger.join("store")).unwrap();
        fs::remove_dir_all(ledger.join("checkpoints")).unwrap();
        fs::remove_file(ledger.join("checkpoint")).unwrap();
    }

    /// Size of the newest published checkpoint.
    pub(crate) fn signed_size(&self) -> u64 {
        let note = fs::read_to_string(self.home().join("ledger/checkpoint")).unwrap_or_default();
        note.lines()
            .nth(1)
            .and_then(|size| size.parse().ok())
            .unwrap_or(0)
    }

    /// The newest published checkpoint.
    pub(crate) fn checkpoint(&self) -> String {
        fs::read_to_string(self.home().join("ledger/checkpoint")).unwrap()
    }

    /// Waits until a checkpoint covers at least `size` leaves and nothing new was signed for a while.
    #[track_caller]
    pub(crate) fn wait_until_signed(&self, size: u64) {
        let reached = wait_for(|| (self.signed_size() >= size).then_some(()));
        assert!(reached.is_some(), "signed {} of {size}", self.signed_size());
    }

    /// Verifies everything and gives the report.
    #[track_caller]
    pub(crate) fn verify(&self) -> Value {
        self.run(&["verify", "--all", "--json"]).exits(0).json()
    }

    /// Number of records of a chain in a report of [`Node::verify`].
    pub(crate) fn records_in(report: &Value, chain: &str) -> u64 {
        let chains = report["chains"].as_array().unwrap();
        chains
            .iter()
            .find(|found| found["chain"] == chain)
            .map_or(0, |found| found["records"].as_u64().unwrap())
    }

    /// Timeline rows of a chain, in chain order.
    #[track_caller]
    pub(crate) fn timeline(&self, chain: &str) -> Vec<Value> {
        let document = self
            .run(&["timeline", chain, "--chain-order", "--json"])
            .exits(0)
            .json();
        document["rows"].as_array().unwrap().clone()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        if let Some(mut up) = self.up.take() {
            signal("-TERM", up.id());
            up.wait().unwrap();
        }
    }
}

/// What a process that ended had said.
pub(crate) fn said(output: Output) -> Said {
    Said {
        code: output.status.code(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Runs the binary with one more variable in its environment.
pub(crate) fn run_with(node: &Node, variable: &str, value: &str, args: &[&str]) -> Said {
    said(node.command().env(variable, value).args(args).output().unwrap())
}

/// Sends a signal to a process of our own, by pid.
pub(crate) fn signal(signal: &str, pid: u32) {
    assert!(
        Command::new("kill")
            .args([signal, &pid.to_string()])
            .status()
            .unwrap()
            .success()
    );
}

/// Asks until there is an answer or two minutes have passed.
pub(crate) fn wait_for<T>(mut ask: impl FnMut() -> Option<T>) -> Option<T> {
    let deadline = Instant::now() + Duration::from_mins(2);
    while Instant::now() < deadline {
        if let Some(answer) = ask() {
            return Some(answer);
        }
        // The pace of asking, not a wait for something to be true.
        std::thread::park_timeout(Duration::from_millis(20));
    }
    None
}

/// Copies a directory that nobody writes to.
pub(crate) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}
