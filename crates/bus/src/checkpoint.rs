//! The checkpoint register: compare-and-swap, so that of two projectors only one can go on.

use std::time::Duration;

use async_nats::HeaderMap;
use async_nats::header::{NATS_EXPECTED_LAST_SUBJECT_SEQUENCE, NATS_MESSAGE_ID};
use bytes::Bytes;
use portbook_wire::subject::STREAM_CHECKPOINTS;
use serde::Deserialize;
use tokio::time::Instant;

use crate::api::{ApiError, Refusal, decode};
use crate::connection::Bus;
use crate::log::Log;
use crate::message::Stored;

const WRONG_LAST_SEQUENCE: u64 = 10_071;
/// Pause before a registration is tried again.
const RETRY_PAUSE: Duration = Duration::from_millis(20);
/// Longest time spent on one registration, retries included.
const DEADLINE: Duration = Duration::from_secs(30);

/// Why a checkpoint was not read or registered.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// The request failed; after a failed `put` the checkpoint may be registered or not.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// Somebody else registered a checkpoint in between: another projector works on this ledger.
    #[error("another checkpoint was registered on {subject}: {found}, not {expected}, is the last")]
    Conflict {
        /// The subject.
        subject: String,
        /// Sequence of the last checkpoint as the writer knew it.
        expected: u64,
        /// As it is.
        found: u64,
    },
}

/// The register of one ledger.
#[derive(Debug, Clone)]
pub struct CheckpointRegister {
    bus: Bus,
    log: Log,
    subject: String,
    /// Tells this writer from every other: two that sign the same tree sign the same bytes.
    writer: String,
}

#[derive(Deserialize)]
struct PutAnswer {
    error: Option<Refusal>,
    #[serde(default)]
    seq: u64,
}

impl CheckpointRegister {
    /// The register on `subject`, `portbook.checkpoint.<name>`.
    #[must_use]
    pub fn new(bus: &Bus, subject: &str) -> Self {
        Self {
            bus: bus.clone(),
            log: Log::of(bus, STREAM_CHECKPOINTS),
            subject: subject.to_owned(),
            writer: bus.client().new_inbox(),
        }
    }

    /// Registers `checkpoint` if `expected_last_seq` (0: none) still names the last one; answers its sequence. When an
    /// acknowledgement is lost, the register is read before anything is sent again.
    ///
    /// # Errors
    /// [`CheckpointError::Conflict`] when another checkpoint is the last; [`CheckpointError::Api`] after 30 s in vain.
    pub async fn put(&self, checkpoint: Bytes, expected_last_seq: u64) -> Result<u64, CheckpointError> {
        let started = Instant::now();
        loop {
            let error = match self.send(&checkpoint, expected_last_seq).await {
                Ok(seq) => return Ok(seq),
                Err(error) if error.refusal_code() == Some(WRONG_LAST_SEQUENCE) => {
                    match self.stored().await {
                        Ok(last) => return self.own(last, &checkpoint, expected_last_seq),
                        Err(error) => error,
                    }
                }
                Err(error) => error,
            };
            if !error.is_transient() || started.elapsed() >= DEADLINE {
                return Err(error.into());
            }
            tokio::time::sleep(RETRY_PAUSE).await;
        }
    }

    /// Sequence and bytes of the last checkpoint, if there is one, from the stream's leader.
    ///
    /// # Errors
    /// [`ApiError`] when it cannot be read.
    pub async fn last(&self) -> Result<Option<(u64, Bytes)>, ApiError> {
        Ok(self.stored().await?.map(|stored| (stored.seq, stored.body)))
    }

    async fn stored(&self) -> Result<Option<Stored>, ApiError> {
        self.log.last_on(&self.subject).await
    }

    /// Names a message of this writer behind `expected_last_seq`.
    fn msg_id(&self, expected_last_seq: u64) -> String {
        format!("{}.{expected_last_seq}", self.writer)
    }

    async fn send(&self, checkpoint: &Bytes, expected_last_seq: u64) -> Result<u64, ApiError> {
        let mut headers = HeaderMap::new();
        headers.insert(NATS_EXPECTED_LAST_SUBJECT_SEQUENCE, expected_last_seq.to_string());
        headers.insert(NATS_MESSAGE_ID, self.msg_id(expected_last_seq));
        let timeout = self.bus.request_timeout();
        let answer = self
            .bus
            .ask(&self.subject, headers, checkpoint.clone(), timeout)
            .await?;
        let put: PutAnswer = decode(&self.subject, &answer.payload)?;
        match put.error {
            Some(refusal) => Err(refusal.on(&self.subject)),
            None if put.seq > expected_last_seq => Ok(put.seq),
            None => Err(ApiError::Malformed {
                subject: self.subject.clone(),
                rule: "an acknowledgement",
            }),
        }
    }

    /// A refused checkpoint that is the last one, and in this writer's name, is ours: only its acknowledgement was lost.
    fn own(&self, last: Option<Stored>, checkpoint: &Bytes, expected: u64) -> Result<u64, CheckpointError> {
        let found = last.as_ref().map_or(0, |last| last.seq);
        let named = Some(self.msg_id(expected));
        if last.is_some_and(|last| last.seq > expected && last.body == *checkpoint && last.msg_id == named) {
            return Ok(found);
        }
        Err(CheckpointError::Conflict {
            subject: self.subject.clone(),
            expected,
            found,
        })
    }
}
