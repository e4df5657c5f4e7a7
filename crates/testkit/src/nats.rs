//! A real nats-server in a folder of its own, gone with the value that holds it.
#![expect(
    clippy::panic,
    reason = "a test that cannot have its server must fail, with the way to get one"
)]

use std::env;
use std::path::{Path, PathBuf};

use portbook_bus::{
    Bus, BusOptions, Identity, Login, ManagedServer, ServerPort, ServerSpec, StreamSpec, create_seeds,
    find_binary,
};
use tempfile::TempDir;

/// Largest size of a test's streams, in bytes.
const FILE_STORE_BYTES_MAX: u64 = 4 << 30;

/// A nats-server with every identity's rights, on a port the system chose.
#[derive(Debug)]
pub struct NatsServer {
    server: Option<ManagedServer>,
    dir: Folder,
}

#[derive(Debug)]
enum Folder {
    Temporary(TempDir),
    Given(PathBuf),
}

impl NatsServer {
    /// Starts a server on an empty store that goes when the value is dropped.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start() -> Self {
        let dir = tempfile::tempdir().unwrap_or_else(|error| panic!("no temporary folder: {error}"));
        Self::start_in(Folder::Temporary(dir)).await
    }

    /// Starts a server on the store in `dir`, which stays.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn with_dir(dir: &Path) -> Self {
        Self::start_in(Folder::Given(dir.to_owned())).await
    }

    /// Starts a server on an empty store and creates the three streams.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn with_streams() -> Self {
        let server = Self::start().await;
        let operator = server.connect(Identity::Operator).await;
        for spec in [
            StreamSpec::ledger(1),
            StreamSpec::checkpoints(1),
            StreamSpec::feed(1, 1 << 28),
        ] {
            let created = operator.create_stream(&spec).await;
            created.unwrap_or_else(|error| panic!("stream {}: {error}", spec.name()));
        }
        operator.close().await;
        server
    }

    /// Where it listens.
    ///
    /// # Panics
    /// While the server is killed.
    #[must_use]
    pub fn url(&self) -> &str {
        self.running().url()
    }

    /// What a managed server is started from; its store is `<dir>/nats`, its seeds are in `<dir>/keys`.
    #[must_use]
    pub fn spec(&self) -> ServerSpec {
        spec_in(self.dir.path())
    }

    /// Options to connect as `identity`.
    #[must_use]
    pub fn options(&self, identity: Identity) -> BusOptions {
        let seed_file = identity.seed_file(&self.spec().seeds_dir);
        BusOptions::new(self.url(), identity, Login::Nkey { seed_file })
    }

    /// Connects as `identity`.
    ///
    /// # Panics
    /// When the server refuses.
    pub async fn connect(&self, identity: Identity) -> Bus {
        let bus = Bus::connect(self.options(identity)).await;
        bus.unwrap_or_else(|error| panic!("{identity} cannot connect: {error}"))
    }

    /// Kills the server as a power cut would. [`NatsServer::restart`] brings it back.
    ///
    /// # Panics
    /// When it cannot be killed.
    pub async fn kill(&mut self) {
        if let Some(mut server) = self.server.take() {
            server
                .kill()
                .await
                .unwrap_or_else(|error| panic!("nats-server cannot be killed: {error}"));
        }
    }

    /// Starts the server again on the same store and the same port, so that clients find it; kills it first if it runs.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn restart_on(&mut self, port: u16) {
        self.kill().await;
        let spec = ServerSpec {
            port: ServerPort::Exactly(port),
            ..self.spec()
        };
        self.server = Some(start(spec).await);
    }

    /// The port it listens on.
    ///
    /// # Panics
    /// While the server is killed.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.running().port()
    }

    async fn start_in(dir: Folder) -> Self {
        let server = start(spec_in(dir.path())).await;
        Self {
            server: Some(server),
            dir,
        }
    }

    fn running(&self) -> &ManagedServer {
        self.server
            .as_ref()
            .unwrap_or_else(|| panic!("the nats-server of this test has been killed"))
    }
}

impl Folder {
    fn path(&self) -> &Path {
        match self {
            Self::Temporary(dir) => dir.path(),
            Self::Given(dir) => dir,
        }
    }
}

/// The binary tests run with.
///
/// # Panics
/// When there is none; the message says how to get one.
#[must_use]
pub fn server_binary() -> PathBuf {
    let configured = env::var_os("PORTBOOK_NATS_SERVER").map(PathBuf::from);
    let tools_dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.tools");
    let found = find_binary(configured.as_deref(), &tools_dir, env::var_os("PATH").as_deref());
    found.unwrap_or_else(|error| panic!("this test needs a nats-server: {error}"))
}

async fn start(spec: ServerSpec) -> ManagedServer {
    ManagedServer::start(spec)
        .await
        .unwrap_or_else(|error| panic!("nats-server does not start: {error}"))
}

fn spec_in(dir: &Path) -> ServerSpec {
    let seeds_dir = dir.join("keys");
    create_seeds(&seeds_dir).unwrap_or_else(|error| panic!("no keys: {error}"));
    ServerSpec {
        binary: server_binary(),
        store_dir: dir.join("nats"),
        seeds_dir,
        port: ServerPort::Free,
        file_store_bytes_max: FILE_STORE_BYTES_MAX,
    }
}
