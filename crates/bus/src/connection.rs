//! One connection to the server under one identity.

use std::path::PathBuf;
use std::time::Duration;

use crate::identity::{Identity, IdentityError};

/// How an identity proves itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Login {
    /// Not at all: a server without users, for experiments.
    Open,
    /// By an NKey seed, one line in a file nobody else may read.
    Nkey {
        /// The seed file.
        seed_file: PathBuf,
    },
    /// By a `.creds` file of a decentralised account.
    Creds {
        /// The credentials file.
        file: PathBuf,
    },
}

/// Where and as whom to connect.
#[derive(Debug, Clone)]
pub struct BusOptions {
    /// `nats://host:port` or `tls://host:port`; several separated by commas for a cluster.
    pub url: String,
    /// Who connects: decides the inbox prefix and the name of the projector's consumer.
    pub identity: Identity,
    /// How it proves itself.
    pub login: Login,
    /// Certificate authority to trust beside the system's.
    pub ca_file: Option<PathBuf>,
    /// Client certificate and its key, for mutual TLS.
    pub certificate: Option<(PathBuf, PathBuf)>,
    /// Longest wait for the connection.
    pub connect_timeout: Duration,
    /// Longest wait for one answer.
    pub request_timeout: Duration,
}

impl BusOptions {
    /// Options with a connect timeout of 5 s and a request timeout of 5 s, without TLS files.
    #[must_use]
    pub fn new(url: &str, identity: Identity, login: Login) -> Self {
        Self {
            url: url.to_owned(),
            identity,
            login,
            ca_file: None,
            certificate: None,
            connect_timeout: Duration::from_secs(5),
            request_timeout: Duration::from_secs(5),
        }
    }
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// Nobody answers at the address.
    #[error("no NATS server answers at {url}")]
    Unreachable {
        /// The address.
        url: String,
    },
    /// The server is older than portbook can rely on: it would ignore guards and batches silently.
    #[error("nats-server {version} at {url} is too old (JetStream API level {api_level}): 2.12 or newer is needed")]
    TooOld {
        /// The address.
        url: String,
        /// Version it reports.
        version: String,
        /// JetStream API level it reports, 0 when it reports none.
        api_level: u64,
    },
}

/// A connection; clones share it.
#[derive(Debug, Clone)]
pub struct Bus {}

impl Bus {
    /// Connects, and refuses a server without JetStream or older than 2.12.
    ///
    /// # Errors
    /// [`ConnectError`] says what is missing.
    pub async fn connect(options: BusOptions) -> Result<Self, ConnectError> {
        todo!("{options:?}")
    }

    /// Whether the connection stands now. It is re-established for ever in the background.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        todo!()
    }

    /// Asks `subject` and waits for the answer's body.
    ///
    /// # Errors
    /// [`crate::endpoint::RequestError`]: no answer, or a failure answered by the service.
    pub async fn request(
        &self,
        subject: &str,
        body: bytes::Bytes,
        timeout: Duration,
    ) -> Result<bytes::Bytes, crate::endpoint::RequestError> {
        todo!("{subject} {body:?} {timeout:?}")
    }

    /// Sends what is buffered and closes the connection.
    pub async fn close(&self) {}
}

/// Keeps the error of an identity file reachable from here.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct LoginError(#[from] IdentityError);
