//! Publishing with guards and group commit.

use std::time::Duration;

use crate::api::ApiError;
use crate::connection::Bus;
use crate::message::{Appended, Outgoing};

/// Bounds of a publisher.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PublishLimits {
    /// Messages that may wait; the next caller waits for room.
    pub queue_messages_max: usize,
    /// Longest wait for one acknowledgement before it counts as lost.
    pub ack_timeout: Duration,
    /// Longest time spent on one message, retries included.
    pub deadline: Duration,
}

/// Why a message is not known to be stored.
#[derive(Debug, Clone, thiserror::Error)]
pub enum PublishError {
    /// The guard did not hold: somebody else wrote to the subject. Nothing was stored.
    #[error("{subject} has moved on: its last message is {found}, not {expected}")]
    Conflict {
        /// The subject.
        subject: String,
        /// The guard.
        expected: u64,
        /// Sequence of the last message, 0 when there is none.
        found: u64,
    },
    /// This identity may not publish on the subject. Nothing was stored.
    #[error("permission denied for subject {subject}")]
    Denied {
        /// The subject.
        subject: String,
    },
    /// The message id had been used for other bytes: somebody tried to make this message vanish. Nothing was stored.
    #[error("message id {msg_id} was used for another message, stored as {seq}")]
    Poisoned {
        /// The subject.
        subject: String,
        /// The id.
        msg_id: String,
        /// Where the other message is.
        seq: u64,
    },
    /// The server refused the message. Nothing was stored.
    #[error("the server refused a message on {subject}: {description} (error {code})")]
    Refused {
        /// The subject.
        subject: String,
        /// JetStream's error code.
        code: u64,
        /// The server's own words.
        description: String,
    },
    /// No acknowledgement: the message may or may not be stored. Offer the same bytes again, or read the subject.
    #[error("no acknowledgement for {subject} within {waited_ms} ms")]
    Unacknowledged {
        /// The subject.
        subject: String,
        /// How long was waited, in milliseconds.
        waited_ms: u64,
    },
    /// The publisher has been shut down.
    #[error("the publisher is closed")]
    Closed,
}

/// Publishes to the ledger stream; clones share one queue and one task.
#[derive(Debug, Clone)]
pub struct Publisher {}

impl Publisher {
    /// Starts the publisher's task on the current runtime.
    #[must_use]
    pub fn start(bus: &Bus, limits: PublishLimits) -> Self {
        todo!("{bus:?} {limits:?}")
    }

    /// Stores one message. While a group is under way, messages gather for the next.
    ///
    /// # Errors
    /// [`PublishError`]; see there which of them leave the message stored or not.
    pub async fn publish(&self, outgoing: Outgoing) -> Result<Appended, PublishError> {
        todo!("{outgoing:?}")
    }

    /// Stores messages in order, in atomic batches of at most 1,000; answers one result per message.
    pub async fn publish_batch(&self, messages: Vec<Outgoing>) -> Vec<Result<Appended, PublishError>> {
        todo!("{messages:?}")
    }
}

/// Only here until the flight is written.
impl From<ApiError> for PublishError {
    fn from(_: ApiError) -> Self {
        Self::Closed
    }
}
