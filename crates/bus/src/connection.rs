//! One connection to the server under one identity.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_nats::{Client, ConnectErrorKind, ConnectOptions};
use serde::Deserialize;
use serde_json::Value;
use tokio::time::timeout;

use crate::api::{ApiError, decode};
use crate::identity::{Identity, IdentityError, read_secret};
use crate::signal::{Signals, Switchboard};

/// JetStream API level of nats-server 2.12, the first with atomic batches.
const API_LEVEL_MIN: u64 = 2;
/// How often a server that says nothing is asked whether it offers JetStream.
const ANSWER_TRIES_MAX: u32 = 3;
/// Slowest pace of reconnecting: an outage ends for us at most this long after it ended for the server.
const RECONNECT_DELAY_MAX: Duration = Duration::from_secs(1);
/// Room for messages a subscription has received and nobody has taken yet; beyond it the client drops messages.
pub(crate) const SUBSCRIPTION_MESSAGES_MAX: usize = 65_536;

/// How an identity proves itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Login {
    /// Not at all: a server without users, for experiments.
    Open,
    /// By a seed of an `NKey`, one line in a file nobody else may read.
    Nkey {
        /// The seed file.
        seed_file: PathBuf,
    },
    /// By a `.creds` file of a decentralised account, which nobody else may read.
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

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// Nobody answers at the address.
    #[error("no NATS server answers at {url}")]
    Unreachable {
        /// The address.
        url: String,
        /// What the client met.
        source: async_nats::ConnectError,
    },
    /// The server does not know this identity by this key.
    #[error("the NATS server at {url} refused the login of {identity}")]
    Refused {
        /// The address.
        url: String,
        /// Who tried.
        identity: Identity,
    },
    /// The key of the identity cannot be used.
    #[error("the key of {identity} cannot be used")]
    Key {
        /// Who tried.
        identity: Identity,
        /// Why.
        source: IdentityError,
    },
    /// The server took the login and then answered nothing: it waits for its disk, or for its cluster.
    #[error("the NATS server at {url} was asked {ANSWER_TRIES_MAX} times and does not answer {identity}")]
    Silent {
        /// The address.
        url: String,
        /// Who asked.
        identity: Identity,
        /// How the last question ended.
        source: ApiError,
    },
    /// The server runs without JetStream, or this account may not use it.
    #[error("the NATS server at {url} offers no JetStream to {identity}")]
    NoJetStream {
        /// The address.
        url: String,
        /// Who asked.
        identity: Identity,
        /// What its answer was.
        source: ApiError,
    },
    /// The server is older than portbook can rely on: it would ignore guards and batches silently.
    #[error(
        "nats-server {version} at {url} is too old (JetStream API level {api_level}): 2.12 or newer is needed; \
         `make nats-server` fetches one, PORTBOOK_NATS_SERVER names another"
    )]
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
pub struct Bus {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    client: Client,
    identity: Identity,
    request_timeout: Duration,
    switchboard: Arc<Switchboard>,
}

#[derive(Deserialize)]
struct AccountAnswer {
    #[serde(default)]
    api: ApiAnswer,
}

#[derive(Deserialize, Default)]
struct ApiAnswer {
    #[serde(default)]
    level: u64,
}

impl BusOptions {
    /// Options with a connect timeout and a request timeout of 5 s, without TLS files.
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

    fn client_options(&self) -> Result<ConnectOptions, IdentityError> {
        let mut options = ConnectOptions::new()
            .name(format!("portbook-{}", self.identity))
            .custom_inbox_prefix(self.identity.inbox_prefix())
            .connection_timeout(self.connect_timeout)
            .request_timeout(Some(self.request_timeout))
            .subscription_capacity(SUBSCRIPTION_MESSAGES_MAX)
            .reconnect_delay_callback(reconnect_delay);
        options = match &self.login {
            Login::Open => options,
            Login::Nkey { seed_file } => options.nkey(read_secret(seed_file)?.trim().to_owned()),
            Login::Creds { file } => {
                let text = read_secret(file)?;
                options
                    .credentials(&text)
                    .map_err(|source| IdentityError::unreadable(file, source))?
            }
        };
        if let Some(ca_file) = &self.ca_file {
            options = options.add_root_certificates(ca_file.clone()).require_tls(true);
        }
        if let Some((certificate, key)) = &self.certificate {
            options = options
                .add_client_certificate(certificate.clone(), key.clone())
                .require_tls(true);
        }
        Ok(options)
    }
}

impl Bus {
    /// Connects, and refuses a server without JetStream or older than 2.12.
    ///
    /// # Errors
    /// [`ConnectError`] says what is missing.
    pub async fn connect(options: BusOptions) -> Result<Self, ConnectError> {
        let identity = options.identity;
        let client_options = options
            .client_options()
            .map_err(|source| ConnectError::Key { identity, source })?;
        let switchboard = Arc::new(Switchboard::new());
        let events = Arc::clone(&switchboard);
        let servers: Vec<String> = options.url.split(',').map(|url| url.trim().to_owned()).collect();
        let client = client_options
            .event_callback(move |event| {
                let events = Arc::clone(&events);
                async move { events.take(event, identity) }
            })
            .connect(servers)
            .await
            .map_err(|source| refusal(&options, source))?;
        switchboard.link_up();
        let bus = Self {
            inner: Arc::new(Inner {
                client,
                identity,
                request_timeout: options.request_timeout,
                switchboard,
            }),
        };
        bus.check_age(&options.url).await?;
        Ok(bus)
    }

    /// Whether the connection stands now. It is re-established for ever in the background.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.inner.switchboard.is_connected()
    }

    /// Who is connected.
    #[must_use]
    pub fn identity(&self) -> Identity {
        self.inner.identity
    }

    /// Version the server reports, for example `2.15.1`.
    #[must_use]
    pub fn server_version(&self) -> String {
        self.inner.client.server_info().version
    }

    /// Sends what is buffered and closes the connection; errors are of no use to anybody any more and only logged. A server
    /// that does not come back is not waited for.
    pub async fn close(&self) {
        match timeout(self.inner.request_timeout, self.inner.client.flush()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::debug!(%error, "nothing could be flushed at the end"),
            Err(error) => tracing::debug!(%error, "nothing was flushed at the end"),
        }
        if let Err(error) = self.inner.client.drain().await {
            tracing::debug!(%error, "the connection was already closed");
        }
    }

    pub(crate) fn client(&self) -> &Client {
        &self.inner.client
    }

    pub(crate) fn request_timeout(&self) -> Duration {
        self.inner.request_timeout
    }

    pub(crate) fn signals(&self) -> Signals {
        self.inner.switchboard.signals()
    }

    async fn check_age(&self, url: &str) -> Result<(), ConnectError> {
        let identity = self.identity();
        let level = match self.api_level().await {
            Ok(level) => level,
            Err(source @ ApiError::Unanswered { .. }) => {
                return Err(ConnectError::Silent {
                    url: url.to_owned(),
                    identity,
                    source,
                });
            }
            Err(source) => {
                return Err(ConnectError::NoJetStream {
                    url: url.to_owned(),
                    identity,
                    source,
                });
            }
        };
        if level < API_LEVEL_MIN {
            let version = self.server_version();
            return Err(ConnectError::TooOld {
                url: url.to_owned(),
                version,
                api_level: level,
            });
        }
        Ok(())
    }

    /// The JetStream API level the server reports. A server whose disk stalls answers nobody for seconds, which is no
    /// reason to give up on it at once.
    async fn api_level(&self) -> Result<u64, ApiError> {
        let subject = "$JS.API.INFO";
        let mut tries = 1;
        loop {
            match self.api(subject, &Value::Null).await {
                Err(ApiError::Unanswered { .. }) if tries < ANSWER_TRIES_MAX => tries += 1,
                answer => return Ok(decode::<AccountAnswer>(subject, &answer?)?.api.level),
            }
        }
    }
}

fn reconnect_delay(attempts: usize) -> Duration {
    let tries = u32::try_from(attempts).unwrap_or(u32::MAX).saturating_sub(1);
    Duration::from_millis(20)
        .saturating_mul(tries)
        .min(RECONNECT_DELAY_MAX)
}

fn refusal(options: &BusOptions, source: async_nats::ConnectError) -> ConnectError {
    match source.kind() {
        ConnectErrorKind::AuthorizationViolation | ConnectErrorKind::Authentication => {
            ConnectError::Refused {
                url: options.url.clone(),
                identity: options.identity,
            }
        }
        ConnectErrorKind::ServerParse
        | ConnectErrorKind::Dns
        | ConnectErrorKind::TimedOut
        | ConnectErrorKind::Tls
        | ConnectErrorKind::Io
        | ConnectErrorKind::MaxReconnects => ConnectError::Unreachable {
            url: options.url.clone(),
            source,
        },
    }
}
