//! The streams: how they are created, who they are, and whether they still are what was created.

use crate::connection::Bus;

/// A stream as portbook wants it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamSpec {}

impl StreamSpec {
    /// The ledger stream `PORTBOOK`: facts and control messages, kept for ever.
    #[must_use]
    pub fn ledger(replicas: u8) -> Self {
        todo!("{replicas}")
    }
    /// `PORTBOOK_CHECKPOINTS`: the register of checkpoints.
    #[must_use]
    pub fn checkpoints(replicas: u8) -> Self {
        todo!("{replicas}")
    }
    /// `PORTBOOK_FEED`: the verified feed, which can be created again from the ledger; oldest messages go beyond `max_bytes`.
    #[must_use]
    pub fn feed(replicas: u8, max_bytes: u64) -> Self {
        todo!("{replicas} {max_bytes}")
    }
}

/// One setting of a stream that is not what it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigDrift {
    /// The setting, as NATS names it.
    pub field: String,
    /// Its value as specified, as JSON.
    pub expected: String,
    /// Its value as found, as JSON.
    pub found: String,
}

/// What pins a stream: if any of the first three changes, it is another stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamIdentity {
    /// Its name.
    pub name: String,
    /// When it was created, RFC 3339 as the server writes it.
    pub created: String,
    /// SHA-256, hexadecimal, over the canonical JSON of every setting that decides what is kept.
    pub config_sha256: String,
    /// Sequence of the first message, 1 unless messages were removed; 0 or 1 when empty.
    pub first_seq: u64,
    /// Sequence of the last message, 0 when there was none.
    pub last_seq: u64,
    /// Number of messages.
    pub messages: u64,
}

/// Why a stream cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StreamError {
    /// The request failed.
    #[error(transparent)]
    Api(#[from] crate::api::ApiError),
    /// There is no such stream.
    #[error("stream {stream} does not exist")]
    Missing {
        /// Its name.
        stream: String,
    },
    /// Settings differ.
    #[error("stream {stream} is not configured as it was created: {}", .drifts.len())]
    Drifted {
        /// Its name.
        stream: String,
        /// Each setting that differs.
        drifts: Vec<ConfigDrift>,
    },
}

impl Bus {
    /// Creates the stream; done only by `init`. Creating one that exists with the same settings changes nothing.
    ///
    /// # Errors
    /// [`StreamError::Drifted`] when it exists with other settings.
    pub async fn create_stream(&self, spec: &StreamSpec) -> Result<StreamIdentity, StreamError> {
        todo!("{spec:?}")
    }

    /// Identity and extent of a stream.
    ///
    /// # Errors
    /// [`StreamError::Missing`] when there is none.
    pub async fn stream_identity(&self, name: &str) -> Result<StreamIdentity, StreamError> {
        todo!("{name}")
    }

    /// Checks every setting of the stream against `spec`.
    ///
    /// # Errors
    /// [`StreamError::Drifted`] names each setting that differs.
    pub async fn check_stream(&self, spec: &StreamSpec) -> Result<StreamIdentity, StreamError> {
        todo!("{spec:?}")
    }
}
