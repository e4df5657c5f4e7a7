//! Three nats-servers on loopback, from the production configuration but for its TLS blocks.
#![expect(
    clippy::panic,
    reason = "a test that cannot have its servers must fail and say why"
)]

use std::fs;
use std::io;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use portbook_bus::{Bus, BusOptions, Identity, Login, StreamSpec, create_seeds, keys_conf};
use tempfile::TempDir;

use crate::nats::server_binary;

const NODES: u8 = 3;
/// Longest wait until the nodes have found each other and elected leaders.
const READY_TIMEOUT: Duration = Duration::from_mins(1);
const READY_PERIOD: Duration = Duration::from_millis(50);

/// A cluster of three with every identity's rights and the streams of portbook in three replicas each.
#[derive(Debug)]
pub struct NatsCluster {
    nodes: Vec<Node>,
    dir: TempDir,
}

#[derive(Debug)]
struct Node {
    config: PathBuf,
    url: String,
    process: Option<Child>,
}

/// Addresses of one node.
struct Ports {
    client: u16,
    route: u16,
}

impl NatsCluster {
    /// Starts three nodes and creates the streams.
    ///
    /// # Panics
    /// When they do not find each other within a minute.
    pub async fn start() -> Self {
        let dir = or_panic(tempfile::tempdir());
        create_seeds(&dir.path().join("keys")).unwrap_or_else(|error| panic!("no keys: {error}"));
        let ports = free_ports();
        let nodes = (1..=NODES).zip(&ports).map(|(number, own)| {
            let node_dir = dir.path().join(format!("node-{number}"));
            let config = write_node(&node_dir, &dir.path().join("keys"), number, own, &ports);
            Node {
                config,
                url: format!("nats://127.0.0.1:{}", own.client),
                process: None,
            }
        });
        let mut cluster = Self {
            nodes: nodes.collect(),
            dir,
        };
        (0..usize::from(NODES)).for_each(|node| cluster.start_node(node));
        cluster.create_streams().await;
        cluster
    }

    /// Where the nodes listen, separated by commas.
    #[must_use]
    pub fn urls(&self) -> String {
        let urls: Vec<&str> = self.nodes.iter().map(|node| node.url.as_str()).collect();
        urls.join(",")
    }

    /// Folder of every identity's seed.
    #[must_use]
    pub fn seeds_dir(&self) -> PathBuf {
        self.dir.path().join("keys")
    }

    /// Options to connect as `identity` to whichever node is there.
    #[must_use]
    pub fn options(&self, identity: Identity) -> BusOptions {
        let seed_file = identity.seed_file(&self.seeds_dir());
        BusOptions::new(&self.urls(), identity, Login::Nkey { seed_file })
    }

    /// Connects as `identity` to whichever node is there.
    ///
    /// # Panics
    /// When all refuse.
    pub async fn connect(&self, identity: Identity) -> Bus {
        let bus = Bus::connect(self.options(identity)).await;
        bus.unwrap_or_else(|error| panic!("{identity} cannot connect: {error}"))
    }

    /// Kills a node (0 to 2) without notice.
    ///
    /// # Panics
    /// When it cannot be killed.
    pub fn kill_node(&mut self, node: usize) {
        let process = self.nodes.get_mut(node).and_then(|node| node.process.take());
        if let Some(mut process) = process {
            or_panic(process.kill());
            or_panic(process.wait());
        }
    }

    /// Starts a killed node again on its store.
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn start_node(&mut self, node: usize) {
        let node = self
            .nodes
            .get_mut(node)
            .unwrap_or_else(|| panic!("there is no node {node}"));
        let mut command = Command::new(server_binary());
        command
            .arg("--config")
            .arg(&node.config)
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        let log = or_panic(
            fs::OpenOptions::new()
                .create(true)
                .append(true)
                .open(node.config.with_extension("log")),
        );
        node.process = Some(or_panic(command.stderr(log).spawn()));
    }

    async fn create_streams(&self) {
        let mut last = "nothing was tried".to_owned();
        let created = tokio::time::timeout(READY_TIMEOUT, async {
            let mut period = tokio::time::interval(READY_PERIOD);
            loop {
                period.tick().await;
                match self.try_create_streams().await {
                    Ok(()) => return,
                    Err(error) => last = error,
                }
            }
        });
        let is_ready = created.await.is_ok();
        assert!(is_ready, "the cluster is not ready: {last}");
    }

    async fn try_create_streams(&self) -> Result<(), String> {
        let operator = Bus::connect(self.options(Identity::Operator))
            .await
            .map_err(|error| error.to_string())?;
        for spec in [
            StreamSpec::ledger(NODES),
            StreamSpec::checkpoints(NODES),
            StreamSpec::feed(NODES, 1 << 28),
        ] {
            operator
                .create_stream(&spec)
                .await
                .map_err(|error| format!("{}: {error}", spec.name()))?;
        }
        operator.close().await;
        Ok(())
    }
}

impl Drop for NatsCluster {
    fn drop(&mut self) {
        for process in self.nodes.iter_mut().filter_map(|node| node.process.as_mut()) {
            // Already gone is as good as killed.
            drop(process.kill().and_then(|()| process.wait()));
        }
    }
}

/// Writes the configuration of a node that is only to be checked, and answers its path.
///
/// # Panics
/// When it cannot be written.
#[must_use]
pub fn production_config(dir: &Path) -> PathBuf {
    let seeds_dir = dir.join("keys");
    create_seeds(&seeds_dir).unwrap_or_else(|error| panic!("no keys: {error}"));
    let ports: Vec<Ports> = (1..=u16::from(NODES))
        .map(|route| Ports { client: 4222, route })
        .collect();
    let own = ports.first().unwrap_or_else(|| panic!("there is no node"));
    write_node(dir, &seeds_dir, 1, own, &ports)
}

fn write_node(dir: &Path, seeds_dir: &Path, number: u8, own: &Ports, all: &[Ports]) -> PathBuf {
    or_panic(fs::create_dir_all(dir));
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config/nats");
    let keys = keys_conf(seeds_dir).unwrap_or_else(|error| panic!("no keys: {error}"));
    let routes: Vec<String> = all
        .iter()
        .map(|ports| format!("nats-route://127.0.0.1:{}", ports.route))
        .collect();
    let [first, second, third] = routes.as_slice() else {
        panic!("a cluster has three nodes")
    };
    let node = format!(
        "NODE_NAME: \"portbook-{number}\"\nROUTE_1: \"{first}\"\nROUTE_2: \"{second}\"\nROUTE_3: \"{third}\"\n"
    );
    let store_dir = dir.join("store");
    let cluster = without_tls(&or_panic(fs::read_to_string(shipped.join("cluster.conf"))))
        .replace("0.0.0.0:4222", &format!("127.0.0.1:{}", own.client))
        .replace("0.0.0.0:6222", &format!("127.0.0.1:{}", own.route))
        .replace("/var/lib/portbook/nats", &store_dir.display().to_string());
    or_panic(fs::copy(shipped.join("users.conf"), dir.join("users.conf")));
    or_panic(fs::write(dir.join("keys.conf"), keys));
    or_panic(fs::write(dir.join("node.conf"), node));
    let config = dir.join("cluster.conf");
    or_panic(fs::write(&config, cluster));
    config
}

/// The server opens certificates even to check a configuration, and tests have none.
fn without_tls(config: &str) -> String {
    let mut inside = false;
    let mut kept = String::new();
    for line in config.lines() {
        inside |= line.trim() == "tls {";
        if !inside {
            kept.push_str(line);
            kept.push('\n');
        }
        inside &= line.trim() != "}";
    }
    kept
}

/// Ports that were free a moment ago: each node must know the others' before any of them runs.
fn free_ports() -> Vec<Ports> {
    let listen = || or_panic(TcpListener::bind("127.0.0.1:0"));
    let listeners: Vec<_> = (0..NODES).map(|_| (listen(), listen())).collect();
    let port = |listener: &TcpListener| or_panic(listener.local_addr()).port();
    listeners
        .iter()
        .map(|(client, route)| Ports {
            client: port(client),
            route: port(route),
        })
        .collect()
}

fn or_panic<T>(result: io::Result<T>) -> T {
    result.unwrap_or_else(|error| panic!("{error}"))
}
