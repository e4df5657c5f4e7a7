//! The managed nats-server: a child process on loopback with a store of its own.

use std::path::{Path, PathBuf};

/// What to start.
#[derive(Debug, Clone)]
pub struct ServerSpec {
    /// The nats-server binary, see [`find_binary`].
    pub binary: PathBuf,
    /// Its private store; created when missing.
    pub store_dir: PathBuf,
    /// TCP port on 127.0.0.1; `None` lets the system choose.
    pub port: Option<u16>,
    /// Folder of the seed files, see [`crate::identity`].
    pub seeds_dir: PathBuf,
}

/// Why the server is not running.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// No binary was found.
    #[error("no nats-server found (looked at {looked_at})")]
    NotFound {
        /// Where.
        looked_at: String,
    },
}

/// A running nats-server.
#[derive(Debug)]
pub struct ManagedServer {}

/// Finds nats-server: `configured`, then each folder of `search_path`, then `<root>/.tools/nats-server`.
///
/// # Errors
/// [`ServerError::NotFound`].
pub fn find_binary(
    configured: Option<&Path>,
    search_path: Option<&std::ffi::OsStr>,
    root: &Path,
) -> Result<PathBuf, ServerError> {
    todo!("{configured:?} {search_path:?} {root:?}")
}

impl ManagedServer {
    /// Starts the server and waits until it accepts clients.
    ///
    /// # Errors
    /// [`ServerError`].
    pub async fn start(spec: ServerSpec) -> Result<Self, ServerError> {
        todo!("{spec:?}")
    }

    /// `nats://127.0.0.1:<port>`.
    #[must_use]
    pub fn url(&self) -> &str {
        todo!()
    }

    /// Waits until the server exits by itself, and says how.
    pub async fn exited(&mut self) -> String {
        todo!()
    }

    /// Stops it and waits until it is gone.
    ///
    /// # Errors
    /// [`ServerError`].
    pub async fn stop(self) -> Result<(), ServerError> {
        todo!()
    }
}
