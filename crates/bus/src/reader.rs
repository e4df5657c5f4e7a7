//! The projector's reader: every message of a stream, contiguous, in order.

use std::time::Duration;

use crate::api::ApiError;
use crate::connection::Bus;
use crate::message::Stored;

/// What to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReaderSpec {
    /// The stream.
    pub stream: String,
    /// Sequence of the first message wanted: the ledger's last plus one.
    pub start_seq: u64,
    /// Messages asked for at a time: 5,000 to 20,000 for throughput.
    pub batch: usize,
}

/// Why reading cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum ReaderError {
    /// The request failed.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// Messages are missing from the stream.
    #[error("stream {stream} has a gap: message {expected} is missing, {found} follows")]
    Gap {
        /// The stream.
        stream: String,
        /// The sequence that should have come.
        expected: u64,
        /// The sequence that came.
        found: u64,
    },
    /// The stream ends before what was already read: it lost messages or is another stream.
    #[error("stream {stream} ends at {last_seq}, before message {read_seq} that was already read")]
    Behind {
        /// The stream.
        stream: String,
        /// Its last sequence.
        last_seq: u64,
        /// The last sequence read.
        read_seq: u64,
    },
    /// A message that was read is now another: sequences were used again.
    #[error("message {seq} of stream {stream} is not the one that was read")]
    Changed {
        /// The stream.
        stream: String,
        /// The sequence.
        seq: u64,
    },
}

/// Reads a stream from a position on, for ever.
#[derive(Debug)]
pub struct Reader {}

impl Reader {
    /// Opens a reader. The position is the caller's alone: nothing is acknowledged.
    ///
    /// # Errors
    /// [`ReaderError::Behind`] when the stream ends before `start_seq - 1`.
    pub async fn open(bus: &Bus, spec: ReaderSpec) -> Result<Self, ReaderError> {
        todo!("{bus:?} {spec:?}")
    }

    /// Waits up to `wait` for the first message, then answers with what is there, at most `max`; empty when nothing came.
    /// Sequences are contiguous, within an answer and between answers. Connection loss and server restarts are survived.
    ///
    /// # Errors
    /// [`ReaderError::Gap`], [`ReaderError::Behind`], [`ReaderError::Changed`]: the stream is not what it was; stop.
    pub async fn next(&mut self, max: usize, wait: Duration) -> Result<Vec<Stored>, ReaderError> {
        todo!("{max} {wait:?}")
    }

    /// Sequence of the message that comes next.
    #[must_use]
    pub fn next_seq(&self) -> u64 {
        todo!()
    }
}
