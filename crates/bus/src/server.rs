//! The managed nats-server: a child process on loopback with a store of its own.

mod binary;
mod config;
mod port;
mod ports;
mod store_lock;

use std::io;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::process::{Child, Command};
use tokio::time::timeout;

pub use self::binary::find_binary;
pub use self::config::keys_conf;
pub use self::port::ServerPort;
use self::store_lock::StoreLock;
use crate::identity::{IdentityError, create_private_dir, create_seeds};

/// Longest wait for a started server: a large store is read through after an unclean stop.
const READY_TIMEOUT: Duration = Duration::from_mins(2);
/// Longest wait for a server that was asked to stop, before it is killed.
const STOP_TIMEOUT: Duration = Duration::from_secs(10);

/// What to start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerSpec {
    /// The nats-server binary, see [`find_binary`].
    pub binary: PathBuf,
    /// Its private store; created (mode 0700) when missing.
    pub store_dir: PathBuf,
    /// Folder of the seed files; missing ones are created.
    pub seeds_dir: PathBuf,
    /// TCP port on 127.0.0.1.
    pub port: ServerPort,
    /// Largest size of all streams together, in bytes.
    pub file_store_bytes_max: u64,
}

/// Why the server is not running.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// No binary was found.
    #[error(
        "no nats-server found (looked for it at {looked_at}); `make nats-server` fetches one, \
         PORTBOOK_NATS_SERVER names another"
    )]
    NotFound {
        /// Where.
        looked_at: String,
    },
    /// Another server works on the store. Two would both start and lose what they acknowledge.
    #[error("the store {store_dir} is in use by process {holder}", store_dir = .store_dir.display())]
    StoreInUse {
        /// The store.
        store_dir: PathBuf,
        /// Process id, as the holder wrote it down.
        holder: String,
    },
    /// A file or folder of the server cannot be used.
    #[error("{path}: {source}", path = .path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A path that a server configuration cannot hold.
    #[error("{path} holds characters that a nats-server configuration cannot", path = .path.display())]
    Path {
        /// The path.
        path: PathBuf,
    },
    /// The keys of the users cannot be used.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// The server ended before it was ready.
    #[error("nats-server ended with {status} before it was ready: {said}")]
    EndedEarly {
        /// How it ended.
        status: ExitStatus,
        /// Its last words.
        said: String,
    },
    /// The server had been ready, and ended without having been asked to.
    #[error("nats-server ended with {status}; it said last: {said}")]
    Ended {
        /// How it ended.
        status: ExitStatus,
        /// Its last words.
        said: String,
    },
    /// The server runs but does not accept clients.
    #[error("nats-server was not ready within {waited_s} s; see {log_file}", log_file = .log_file.display())]
    NotReady {
        /// How long was waited, in seconds.
        waited_s: u64,
        /// Its log.
        log_file: PathBuf,
    },
}

/// A running nats-server. Dropping it kills the process; [`ManagedServer::stop`] lets it finish.
#[derive(Debug)]
pub struct ManagedServer {
    child: Child,
    url: String,
    port: u16,
    files: ServerFiles,
    binary: PathBuf,
    /// Held until the process is gone. The process itself holds it too: see [`StoreLock`].
    _lock: StoreLock,
}

/// The files of one server, all in its store folder.
#[derive(Debug, Clone)]
struct ServerFiles {
    config: PathBuf,
    users: PathBuf,
    keys: PathBuf,
    log: PathBuf,
    last_words: PathBuf,
    run_dir: PathBuf,
    streams_dir: PathBuf,
}

impl ManagedServer {
    /// Starts the server and waits until it accepts clients.
    ///
    /// # Errors
    /// [`ServerError`]; nothing is left running.
    pub async fn start(spec: ServerSpec) -> Result<Self, ServerError> {
        let files = ServerFiles::of(&spec.store_dir);
        for dir in [&spec.store_dir, &files.run_dir, &files.streams_dir] {
            create_private_dir(dir).map_err(|source| at(dir, source))?;
        }
        let lock = StoreLock::take(&spec.store_dir, &spec.binary, &files.config).await?;
        create_seeds(&spec.seeds_dir)?;
        config::write(&spec, &files)?;
        ports::remove_stale(&files.run_dir).map_err(|source| at(&files.run_dir, source))?;

        let last_words =
            std::fs::File::create(&files.last_words).map_err(|source| at(&files.last_words, source))?;
        let mut child = Command::new(&spec.binary)
            .arg("--config")
            .arg(&files.config)
            .arg("--ports_file_dir")
            .arg(&files.run_dir)
            .stdin(lock.share().map_err(|source| at(&spec.store_dir, source))?)
            .stdout(Stdio::null())
            .stderr(last_words)
            .kill_on_drop(true)
            .spawn()
            .map_err(|source| at(&spec.binary, source))?;
        lock.note_server(child.id())
            .map_err(|source| at(&spec.store_dir, source))?;
        let url = tokio::select! {
            url = timeout(READY_TIMEOUT, ports::wait(&files.run_dir)) => url,
            status = child.wait() => return Err(match status {
                Ok(status) => ServerError::EndedEarly { status, said: files.last_words() },
                Err(source) => at(&spec.binary, source),
            }),
        };
        match url {
            Ok((url, port)) => {
                tracing::info!(%url, store_dir = %spec.store_dir.display(), "nats-server is ready");
                Ok(Self {
                    child,
                    url,
                    port,
                    files,
                    binary: spec.binary,
                    _lock: lock,
                })
            }
            Err(_elapsed) => Err(ServerError::NotReady {
                waited_s: READY_TIMEOUT.as_secs(),
                log_file: files.log,
            }),
        }
    }

    /// Where it listens: `nats://127.0.0.1:<port>`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The port it listens on.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Its process id; `None` once it has ended.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.child.id()
    }

    /// Waits until the server ends without having been asked to, and says how. It is not restarted: who depends on it
    /// must hear of it.
    pub async fn ended(&mut self) -> ServerError {
        match self.child.wait().await {
            Ok(status) => ServerError::Ended {
                status,
                said: self.files.last_words(),
            },
            Err(source) => at(&self.binary, source),
        }
    }

    /// Asks the server to finish, and waits until it is gone. One that does not finish in 10 s is killed.
    ///
    /// # Errors
    /// [`ServerError::File`] when the process cannot be signalled.
    pub async fn stop(mut self) -> Result<(), ServerError> {
        if let Some(pid) = self.child.id() {
            store_lock::signal(&self.binary, "term", pid)
                .await
                .map_err(|source| at(&self.binary, source))?;
        }
        if timeout(STOP_TIMEOUT, self.child.wait()).await.is_err() {
            tracing::warn!("nats-server did not finish in time and is killed");
            self.kill().await?;
        }
        ports::remove_stale(&self.files.run_dir).map_err(|source| at(&self.files.run_dir, source))
    }

    /// Kills the server without notice, as a power cut would, and waits until it is gone.
    ///
    /// # Errors
    /// [`ServerError::File`] when the process cannot be signalled.
    pub async fn kill(&mut self) -> Result<(), ServerError> {
        self.child.kill().await.map_err(|source| at(&self.binary, source))
    }
}

impl ServerFiles {
    fn of(store_dir: &Path) -> Self {
        Self {
            config: store_dir.join("nats-server.conf"),
            users: store_dir.join("users.conf"),
            keys: store_dir.join("keys.conf"),
            log: store_dir.join("nats-server.log"),
            last_words: store_dir.join("nats-server.err"),
            run_dir: store_dir.join("run"),
            streams_dir: store_dir.join("streams"),
        }
    }

    /// What it said on standard error, or else in its log, at the end.
    fn last_words(&self) -> String {
        let last_line = |path: &Path| {
            let text = std::fs::read_to_string(path).ok()?;
            text.lines()
                .rev()
                .find(|line| !line.trim().is_empty())
                .map(|line| line.trim().to_owned())
        };
        last_line(&self.last_words)
            .or_else(|| last_line(&self.log))
            .unwrap_or_else(|| "nothing".to_owned())
    }
}

fn at(path: &Path, source: io::Error) -> ServerError {
    ServerError::File {
        path: path.to_owned(),
        source,
    }
}
