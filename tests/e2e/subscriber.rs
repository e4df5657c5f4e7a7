//! Subscribers in the languages of those who subscribe: what `connect` prints, run by its own runtime against a real server,
//! hears every sealed event of two ports once and in order, whoever is killed meanwhile.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::kill::{PROJECTOR, Parts, SERVER};
use crate::node::{Node, Running, first_lines, repository, signal, wait_for};

/// The two ports.
const PORTS: [&str; 2] = ["CNNBG", "CNSHG"];
/// Facts imported between two kills.
const STEP: usize = 120;

#[test]
fn a_python_subscriber_hears_every_sealed_event_once_and_in_order() {
    let heard = story("python", on_python);
    // Events are what the SDK of CloudEvents and the published schemas take them for.
    let said = Command::new(python())
        .arg(repository().join("tests/interop/check_events.py"))
        .arg(env!("CARGO_BIN_EXE_portbook"))
        .arg(heard.path())
        .output()
        .unwrap();
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    let types: Value = serde_json::from_slice(&said.stdout).unwrap();
    assert!(types.as_object().unwrap().len() >= 3, "{types}");
}

#[test]
fn a_subscriber_finds_a_portbook_that_was_started_again() {
    let mut node = Node::init();
    node.up();
    let mut subscriber = Subscriber::start(&node, "python", on_python);
    import(&node, STEP);
    subscriber.goes_on(0);
    // Killed: its nats-server is an orphan that the next start ends. Then stopped in order.
    node.kill();
    node.up();
    import(&node, 2 * STEP);
    subscriber.goes_on(subscriber.count());
    node.stop();
    node.up();
    import(&node, 3 * STEP);
    let expected = wanted(all_fed(&node, 3 * STEP));
    let heard = subscriber.heard(expected.len());
    assert_eq!(keys(&heard), keys(&expected));
    subscriber.stop();
    node.stop();
}

#[cfg(feature = "interop")]
#[test]
fn a_node_subscriber_hears_every_sealed_event_once_and_in_order() {
    let packages = node_packages();
    let heard = story("node", on_node);
    let check = |script: &str, argument: &Path| {
        let mut command = Command::new("node");
        command
            .current_dir(&packages)
            .arg(repository().join("tests/interop").join(script))
            .arg(argument);
        serde_json::from_slice::<Value>(&done(&mut command).stdout).unwrap()
    };
    let events = check("check_events.mjs", heard.path());
    assert!(events["events"].as_u64().unwrap() > 100, "{events}");
    let document = check("check_asyncapi.mjs", &repository().join("docs/asyncapi.json"));
    assert_eq!(document["version"], "3.0.0");
    assert_eq!(document["messages"], document["channels"]);
}

#[cfg(feature = "interop")]
#[test]
fn a_go_subscriber_hears_every_sealed_event_once_and_in_order() {
    story("go", compiled_go);
}

#[cfg(feature = "interop")]
#[test]
fn a_rust_subscriber_hears_every_sealed_event_once_and_in_order() {
    story("rust", compiled_rust);
}

/// Makes a program that was printed ready to run in a folder, and gives its command.
type Prepare = fn(program: &str, folder: &Path) -> Vec<PathBuf>;

fn python() -> PathBuf {
    installed(".tools/subscriber/bin/python", "make subscriber-packages")
}

fn on_python(program: &str, folder: &Path) -> Vec<PathBuf> {
    let script = folder.join("subscriber.py");
    fs::write(&script, program).unwrap();
    vec![python(), script]
}

#[cfg(feature = "interop")]
fn node_packages() -> PathBuf {
    installed(".tools/subscriber-node", "make interop-feed")
}

#[cfg(feature = "interop")]
fn on_node(program: &str, folder: &Path) -> Vec<PathBuf> {
    let script = folder.join("subscriber.mjs");
    fs::write(&script, program).unwrap();
    // Node looks for packages beside the script.
    std::os::unix::fs::symlink(node_packages().join("node_modules"), folder.join("node_modules")).unwrap();
    vec!["node".into(), script]
}

/// Vetted and compiled with the nats.go of others, without anything else that would have to be downloaded.
#[cfg(feature = "interop")]
fn compiled_go(program: &str, folder: &Path) -> Vec<PathBuf> {
    let packages = installed(".tools/subscriber-go", "make interop-feed");
    fs::write(folder.join("main.go"), program).unwrap();
    for words in [&["vet", "."][..], &["build", "-o", "subscriber", "."]] {
        let mut command = Command::new(packages.join("go/bin/go"));
        command
            .current_dir(folder)
            .args(words)
            .env("GO111MODULE", "off")
            .env("GOTOOLCHAIN", "local")
            .env("GOPATH", packages.join("gocode"))
            .env("GOCACHE", packages.join("cache"));
        done(&mut command);
    }
    vec![folder.join("subscriber")]
}

/// Compiled as a crate of its own, which has only what `connect` says it needs.
#[cfg(feature = "interop")]
fn compiled_rust(program: &str, folder: &Path) -> Vec<PathBuf> {
    let manifest = format!(
        r#"[package]
name = "subscriber"
edition = "2024"

[dependencies]
portbook-subscribe = {{ path = "{}" }}
serde_json = "1"
tokio = {{ version = "1", features = ["macros", "rt-multi-thread", "signal"] }}

[workspace]
"#,
        repository().join("crates/subscribe").display()
    );
    fs::create_dir(folder.join("src")).unwrap();
    fs::write(folder.join("src/main.rs"), program).unwrap();
    fs::write(folder.join("Cargo.toml"), manifest).unwrap();
    // The same versions as here, which are on this machine.
    fs::copy(repository().join("Cargo.lock"), folder.join("Cargo.lock")).unwrap();
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("subscriber");
    let mut command = Command::new(env!("CARGO"));
    command
        .current_dir(folder)
        .args(["build", "--offline", "--target-dir"])
        .arg(&target);
    done(&mut command);
    vec![target.join("debug/subscriber")]
}

#[cfg(feature = "interop")]
#[track_caller]
fn done(command: &mut Command) -> std::process::Output {
    let said = command.output().unwrap();
    assert!(
        said.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&said.stderr)
    );
    said
}

/// Imports facts while parts and the subscriber are killed in turn, compares what was heard with the timelines, and gives
/// the file of what was heard.
fn story(language: &str, prepare: Prepare) -> tempfile::NamedTempFile {
    let runs = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    runs.block_on(async {
        let node = Node::init();
        let mut parts = Parts::start(&node).await;
        let mut subscriber = Subscriber::start(&node, language, prepare);
        for (step, turn) in [PROJECTOR, SERVER, PROJECTOR, SERVER].into_iter().enumerate() {
            import(&node, (step + 1) * STEP);
            parts.kill(&node, turn).await;
            subscriber.goes_on(step * 10 + 1);
        }
        import(&node, 5 * STEP);
        subscriber.restart();
        import(&node, 6 * STEP);
        let expected = wanted(all_fed(&node, 6 * STEP));
        let heard = subscriber.heard(expected.len());
        assert_eq!(
            keys(&heard),
            keys(&expected),
            "what was heard is not what was fed"
        );
        subscriber.stop();
        parts.stop().await;
        // And not what anybody says who had it from the feed: what the ledger itself shows.
        for port in PORTS {
            let rows = node.timeline(port);
            let recorded = rows
                .iter()
                .filter(|row| row["class"] == "event")
                .map(|row| &row["event_id"]);
            let of_port = heard
                .iter()
                .filter(|line| line["port"] == port)
                .map(|line| &line["event"]["id"]);
            assert_eq!(
                of_port.collect::<Vec<_>>(),
                recorded.collect::<Vec<_>>(),
                "{port}"
            );
        }
        let mut file = tempfile::NamedTempFile::new().unwrap();
        std::io::copy(&mut fs::File::open(&subscriber.lines).unwrap(), &mut file).unwrap();
        file
    })
}

/// What a subscriber to the two ports is to hear.
fn wanted(mut fed: Vec<Value>) -> Vec<Value> {
    fed.retain(|line| PORTS.contains(&line["port"].as_str().unwrap()));
    fed
}

/// Everything the feed holds once it holds everything of `facts`, as `watch` shows it.
fn all_fed(node: &Node, facts: usize) -> Vec<Value> {
    let caught_up = || {
        let status = node.run(&["feed", "status", "--json"]).exits(0).json();
        let messages = usize::try_from(status["messages"].as_u64().unwrap()).unwrap();
        (messages >= facts && status["waiting_at_most"] == 0).then_some(messages)
    };
    let messages = wait_for(caught_up).expect("the feed catches up");
    let count = messages.to_string();
    let said = node
        .run(&["watch", "--from", "0", "--count", &count, "--json"])
        .exits(0);
    lines(&said.out)
}

fn import(node: &Node, count: usize) {
    let facts = node.home().join("facts.ndjson");
    fs::write(&facts, first_lines(count)).unwrap();
    let imported = || {
        let said = node.run(&["import", &facts.display().to_string()]);
        (said.code == Some(0)).then_some(())
    };
    wait_for(imported).expect("the import ends");
}

fn lines(text: &str) -> Vec<Value> {
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// What makes two lines the same event in the same place.
fn keys(lines: &[Value]) -> Vec<(u64, &str, u64, &str)> {
    let number = |line: &Value, name: &str| line[name].as_u64().unwrap();
    let mut keys = Vec::new();
    for line in lines {
        let id = line["event"]["id"].as_str().unwrap();
        keys.push((
            number(line, "leaf"),
            line["port"].as_str().unwrap(),
            number(line, "port_seq"),
            id,
        ));
    }
    keys
}

/// Where something was installed to.
fn installed(path: &str, with: &str) -> PathBuf {
    let path = repository().join(path);
    assert!(path.exists(), "{} is missing: {with} installs it", path.display());
    path
}

/// A subscriber as a process of its own, with a folder of its own.
struct Subscriber {
    command: Vec<PathBuf>,
    folder: PathBuf,
    lines: PathBuf,
    log: PathBuf,
    process: Running,
}

impl Subscriber {
    fn start(node: &Node, language: &str, prepare: Prepare) -> Self {
        let said = node
            .run(&["connect", language, "--port", PORTS[0], "--port", PORTS[1]])
            .exits(0);
        let folder = node.home().join("subscriber");
        fs::create_dir(&folder).unwrap();
        let command = prepare(&said.out, &folder);
        let (lines, log) = (folder.join("lines.ndjson"), folder.join("log"));
        let process = spawn(&command, &folder, &lines, &log);
        Self {
            command,
            folder,
            lines,
            log,
            process,
        }
    }

    /// Waits until it has heard more than `count` events, and makes sure that it still runs.
    fn goes_on(&mut self, count: usize) {
        let more = || (self.count() > count).then_some(());
        let waited = wait_for(more);
        assert!(
            waited.is_some() && self.process.try_wait().unwrap().is_none(),
            "{}",
            self.said()
        );
    }

    /// Stops it as a person would and starts it again: it goes on where it was.
    fn restart(&mut self) {
        self.stop();
        self.process = spawn(&self.command, &self.folder, &self.lines, &self.log);
    }

    /// What it has heard, once that is `count` events.
    fn heard(&self, count: usize) -> Vec<Value> {
        let all = || (self.count() >= count).then_some(());
        assert!(
            wait_for(all).is_some(),
            "{} of {count}: {}",
            self.count(),
            self.said()
        );
        lines(&fs::read_to_string(&self.lines).unwrap())
    }

    fn count(&self) -> usize {
        let text = fs::read_to_string(&self.lines).unwrap_or_default();
        text.matches('\n').count()
    }

    fn said(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    fn stop(&mut self) {
        if self.process.try_wait().unwrap().is_none() {
            signal("-TERM", self.process.id());
        }
        let status = self.process.wait().unwrap();
        assert!(status.success(), "{status}: {}", self.said());
    }
}

fn spawn(words: &[PathBuf], folder: &Path, lines: &Path, log: &Path) -> Running {
    let append = |path: &Path| fs::File::options().create(true).append(true).open(path).unwrap();
    let mut command = Command::new(&words[0]);
    command
        .args(&words[1..])
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(append(lines))
        .stderr(append(log));
    Running(command.spawn().unwrap())
}
