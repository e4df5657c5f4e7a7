//! The read side of a stream without a consumer: direct gets.

use std::collections::BTreeMap;

use crate::api::ApiError;
use crate::connection::Bus;
use crate::message::Stored;

/// Why a read failed.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The request failed.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// The stream holds no such message.
    #[error("stream {stream} holds no message {seq}")]
    Missing {
        /// The stream.
        stream: String,
        /// The sequence asked for.
        seq: u64,
    },
}

/// Reads one stream by sequence and subject.
#[derive(Debug, Clone)]
pub struct Log {}

impl Log {
    /// The log of `stream`.
    #[must_use]
    pub fn new(bus: &Bus, stream: &str) -> Self {
        todo!("{bus:?} {stream}")
    }

    /// Every message of an exact subject, in order, complete up to the subject's last.
    ///
    /// # Errors
    /// [`ReadError::Api`].
    pub async fn load_subject(&self, subject: &str) -> Result<Vec<Stored>, ReadError> {
        todo!("{subject}")
    }

    /// As [`Log::load_subject`], but waits until message `seq` is visible: a replica may lag behind the acknowledgement that named it.
    ///
    /// # Errors
    /// [`ReadError::Api`]; [`ReadError::Missing`] when `seq` does not show up in time.
    pub async fn load_subject_through(&self, subject: &str, seq: u64) -> Result<Vec<Stored>, ReadError> {
        todo!("{subject} {seq}")
    }

    /// The last message of each exact subject that has one; asks for at most 1,000 subjects at a time.
    ///
    /// # Errors
    /// [`ReadError::Api`].
    pub async fn last_by_subjects(&self, subjects: &[String]) -> Result<BTreeMap<String, Stored>, ReadError> {
        todo!("{subjects:?}")
    }

    /// The message with sequence `seq`, from the stream's leader.
    ///
    /// # Errors
    /// [`ReadError::Missing`] when there is none.
    pub async fn get(&self, seq: u64) -> Result<Stored, ReadError> {
        todo!("{seq}")
    }

    /// Up to `max` messages from `start_seq` on, whatever their subject, in order; fewer when the stream ends or the answer grows large, none past its end.
    ///
    /// # Errors
    /// [`ReadError::Api`].
    pub async fn read_from(&self, start_seq: u64, max: usize) -> Result<Vec<Stored>, ReadError> {
        todo!("{start_seq} {max}")
    }
}
