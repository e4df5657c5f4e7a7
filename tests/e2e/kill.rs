//! SIGKILL, again and again, under load: nothing acknowledged is lost, nothing is recorded twice, and the bytes are those of an
//! undisturbed replay.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use portbook_bus::{Bus, BusOptions, Identity, Login, ManagedServer, ServerPort, ServerSpec};
use portbook_domain::Order;
use portbook_service::Client;
use portbook_wire::command::{Outcome, parse_order};
use serde_json::json;
use tokio::sync::Mutex;

use crate::node::{Node, Running, copy, first_lines, scenario, signal, wait_for};

/// Callers that send commands at once.
const CALLERS: u64 = 8;
/// Commands acknowledged between two kills.
const PROGRESS: u64 = 40;

#[test]
fn twenty_six_kills_in_turn_lose_nothing_and_change_nothing() {
    storm(26);
}

#[test]
fn a_killed_portbook_starts_again_without_hands() {
    let mut node = Node::init();
    let facts = node.home().join("facts.ndjson");
    for count in [20, 40, 60] {
        node.up();
        fs::write(&facts, first_lines(count)).unwrap();
        node.run(&["import", &facts.display().to_string()]).exits(0);
        node.kill();
    }
    node.up();
    node.wait_until_signed(66);
    node.stop();
    let report = node.verify();
    assert_eq!(report["signatures"]["valid"], 60);
}

#[cfg(feature = "soak")]
#[test]
fn soak() {
    storm(400);
}

fn storm(kills: usize) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(storm_of(kills));
}

async fn storm_of(kills: usize) {
    let node = Node::init();
    let mut parts = Parts::start(&node).await;
    let load = Load::start(&node, &parts.url).await;
    let mut importing = node.spawn(
        &["import", &scenario("events.jsonl.gz").display().to_string()],
        "import",
    );
    for kill in 0..kills {
        load.progress();
        parts.kill(&node, kill).await;
        // An importer that lost its server ends with a hint to run it again, which is what a person would do.
        if importing
            .try_wait()
            .unwrap()
            .is_some_and(|status| !status.success())
        {
            importing = node.spawn(
                &["import", &scenario("events.jsonl.gz").display().to_string()],
                "import",
            );
        }
    }
    let acknowledged = load.finish().await;
    wait_for(|| importing.try_wait().unwrap()).expect("the import ends");
    node.run(&["import", &scenario("events.jsonl.gz").display().to_string()])
        .exits(0);
    let events = parts.messages().await;
    node.wait_until_signed(events);
    parts.stop().await;
    check(&node, &acknowledged, 24_735);
    check_replay(&node).await;
}

/// Every acknowledged event once, every imported fact once, and a ledger that verifies.
pub(crate) fn check(node: &Node, acknowledged: &BTreeSet<String>, imported: usize) {
    let report = node.verify();
    let mut recorded: Vec<String> = Vec::new();
    for chain in report["chains"].as_array().unwrap() {
        let rows = node.timeline(chain["chain"].as_str().unwrap());
        let events = rows.iter().filter(|row| row["class"] == "event");
        recorded.extend(events.map(|row| row["event_id"].as_str().unwrap().to_owned()));
    }
    let distinct: BTreeSet<String> = recorded.iter().cloned().collect();
    assert_eq!(distinct.len(), recorded.len(), "an event was recorded twice");
    let lost: Vec<&String> = acknowledged.difference(&distinct).collect();
    assert!(lost.is_empty(), "acknowledged and not recorded: {lost:?}");
    assert!(recorded.len() >= imported + acknowledged.len());
}

/// The same stream into an empty store, without any disturbance, gives the same checkpoint.
async fn check_replay(node: &Node) {
    let other = Node::new();
    copy(&node.home(), &other.home());
    other.forget_ledger();
    other.run(&["init", "--replay"]).exits(0);
    let parts = Parts::start(&other).await;
    let size = node.signed_size();
    other.wait_until_signed(size);
    parts.stop().await;
    other
        .run(&["verify", "--all", "--quick", "--at", &size.to_string()])
        .exits(0);
    let signed = |node: &Node| fs::read(node.home().join(format!("ledger/checkpoints/{size:020}"))).unwrap();
    assert_eq!(signed(node), signed(&other));
}

/// The parts of a portbook, each a process of its own.
pub(crate) struct Parts {
    server: Option<ManagedServer>,
    url: String,
    port: u16,
    processes: Vec<(&'static str, Running)>,
    seeds: PathBuf,
}

/// The turn in which [`Parts::kill`] kills the projector.
pub(crate) const PROJECTOR: usize = 0;
/// The turn in which it kills the nats-server.
pub(crate) const SERVER: usize = PROCESSES.len();

pub(crate) const PROCESSES: [&str; 5] = ["projector", "intake", "paperwork", "licensing", "clearance"];

impl Parts {
    pub(crate) async fn start(node: &Node) -> Self {
        let server = start_server(node, ServerPort::Free).await;
        let url = server.url().to_owned();
        fs::write(node.home().join("nats.url"), &url).unwrap();
        let port = server.port();
        let processes = PROCESSES
            .map(|name| (name, node.spawn(&["run", name], name)))
            .into();
        Self {
            server: Some(server),
            url,
            port,
            processes,
            seeds: seeds(node),
        }
    }

    /// Kills the part whose turn it is, and starts it again.
    pub(crate) async fn kill(&mut self, node: &Node, turn: usize) {
        let turn = turn % (PROCESSES.len() + 1);
        if turn == PROCESSES.len() {
            // The lock on the store goes with the value, so it goes first.
            self.server.take().unwrap().kill().await.unwrap();
            self.server = Some(start_server(node, ServerPort::Exactly(self.port)).await);
            return;
        }
        let (name, process) = &mut self.processes[turn];
        assert_eq!(
            process.try_wait().unwrap(),
            None,
            "{name} ended: {}",
            fs::read_to_string(node.log(name)).unwrap()
        );
        process.kill().unwrap();
        process.wait().unwrap();
        *process = node.spawn(&["run", name], name);
    }

    async fn messages(&self) -> u64 {
        let bus = connect(&self.url, Identity::Auditor, &self.seeds).await;
        let identity = bus.stream_identity("PORTBOOK").await.unwrap();
        bus.close().await;
        identity.last_seq
    }

    pub(crate) async fn stop(mut self) {
        for (name, mut process) in std::mem::take(&mut self.processes) {
            signal("-TERM", process.id());
            let status = wait_for(|| process.try_wait().unwrap()).unwrap();
            assert!(status.success(), "{name}: {status}");
        }
        self.server.take().unwrap().stop().await.unwrap();
    }
}

async fn start_server(node: &Node, port: ServerPort) -> ManagedServer {
    let spec = ServerSpec {
        binary: portbook_testkit::nats::server_binary(),
        store_dir: node.home().join("nats"),
        seeds_dir: seeds(node),
        port,
        file_store_bytes_max: 1 << 34,
    };
    ManagedServer::start(spec).await.unwrap()
}

fn seeds(node: &Node) -> PathBuf {
    node.home().join("keys/nats")
}

pub(crate) async fn connect(url: &str, identity: Identity, seeds: &std::path::Path) -> Bus {
    let login = Login::Nkey {
        seed_file: identity.seed_file(seeds),
    };
    let mut options = BusOptions::new(url, identity, login);
    options.request_timeout = Duration::from_secs(5);
    Bus::connect(options).await.unwrap()
}

/// Commands, sent until they are accepted.
pub(crate) struct Load {
    stop: Arc<AtomicBool>,
    accepted: Arc<AtomicU64>,
    events: Arc<Mutex<BTreeSet<String>>>,
    callers: Vec<tokio::task::JoinHandle<()>>,
}

impl Load {
    pub(crate) async fn start(node: &Node, url: &str) -> Self {
        let bus = connect(url, Identity::Client, &seeds(node)).await;
        let load = Self {
            stop: Arc::default(),
            accepted: Arc::default(),
            events: Arc::default(),
            callers: Vec::new(),
        };
        let callers = (0..CALLERS).map(|caller| {
            let client = Client::new(&bus, Duration::from_secs(2));
            let (stop, accepted, events) = (load.stop.clone(), load.accepted.clone(), load.events.clone());
            tokio::spawn(async move {
                let mut case = 0;
                while !stop.load(Ordering::Relaxed) {
                    for order in orders(&format!("KILL{caller}-{case}")) {
                        let reply = until_accepted(&client, &order).await;
                        events.lock().await.extend(reply);
                        accepted.fetch_add(1, Ordering::Relaxed);
                    }
                    case += 1;
                }
            })
        });
        Self {
            callers: callers.collect(),
            ..load
        }
    }

    /// Waits for further commands to be accepted.
    pub(crate) fn progress(&self) {
        let before = self.accepted.load(Ordering::Relaxed);
        let enough = || self.accepted.load(Ordering::Relaxed) >= before + PROGRESS;
        let waiting = tokio::task::block_in_place(|| wait_for(|| enough().then_some(())));
        assert!(waiting.is_some(), "no progress since {before}");
    }

    pub(crate) async fn finish(self) -> BTreeSet<String> {
        self.stop.store(true, Ordering::Relaxed);
        for caller in self.callers {
            caller.await.unwrap();
        }
        Arc::into_inner(self.events).unwrap().into_inner()
    }
}

async fn until_accepted(client: &Client, order: &Order) -> Vec<String> {
    for _ in 0..200 {
        match client.request(order).await {
            Ok(reply) => match reply.outcome {
                Outcome::Accepted | Outcome::Already => {
                    return reply
                        .events
                        .iter()
                        .map(|event| event.id.as_str().to_owned())
                        .collect();
                }
                Outcome::Conflict | Outcome::Unavailable => {}
                Outcome::Rejected | Outcome::Invalid => panic!("{reply:?}"),
            },
            // Killed services and servers do not answer; the same command is sent again.
            Err(_) => tokio::task::yield_now().await,
        }
        tokio::time::timeout(Duration::from_millis(50), std::future::pending::<()>())
            .await
            .unwrap_err();
    }
    panic!("{order:?} was not answered");
}

/// An application, a query and its answer: three services, one case.
fn orders(case: &str) -> Vec<Order> {
    let line = json!({"line": 1, "hs": "8505111000", "control_code": "1C905.a", "element": "Dy", "net_mass_g": 1000});
    let submit = json!({"applicant": "test", "destination": "DE", "exit_port": "CNNBG", "lines": [line],
        "kind": "single", "lane": "standard"});
    let query = json!({"stage": "licensing", "query_id": "q", "authority": "MOFCOM", "reason": "unclear"});
    let answer = json!({"query_id": "q", "complete": true});
    let steps = [
        ("submit-application", submit, "2025-06-02T01:00:00Z"),
        ("raise-query", query, "2025-06-03T01:00:00Z"),
        ("answer-query", answer, "2025-06-04T01:00:00Z"),
    ];
    let order = |(verb, payload, at): (&str, serde_json::Value, &str)| {
        let command_id = format!("{case}-{verb}");
        let order =
            json!({"command_id": command_id, "case": case, "occurred_at": at, "command": {verb: payload}});
        parse_order(order.to_string().as_bytes()).unwrap()
    };
    steps.into_iter().map(order).collect()
}
