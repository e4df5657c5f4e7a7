//! A stream as bytes: taken from a running server, and put back with every sequence, time and header as it was.
//!
//! The bytes are the server's own; only a nats-server reads them. Publishing the messages again would not do: the server
//! would give them other times, and a ledger made of them would be another one.

use std::io;
use std::time::Duration;

use async_nats::HeaderMap;
use bytes::Bytes;
use futures_util::StreamExt as _;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::api::{ApiError, Refusal, decode};
use crate::connection::Bus;
use crate::stream::{StreamError, StreamIdentity};

/// Bytes of one piece; below the largest message of every server of ours.
const PIECE_BYTES: usize = 128 * 1024;
/// Longest wait for the next piece: the server reads the stream through before it sends the first.
const PIECE_TIMEOUT: Duration = Duration::from_mins(5);
/// Longest wait until the server has put a stream together again.
const RESTORE_TIMEOUT: Duration = Duration::from_mins(10);
/// A piece, or the end, is good under this status or none.
const GOOD: u16 = 204;

/// What a server needs to put a stream back beside the bytes: its settings and its extent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnapshotHead {
    config: Value,
    state: Value,
}

/// Why a stream was not taken or put back.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// The request failed.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// The stream is not there, or not after it was put back.
    #[error(transparent)]
    Stream(#[from] StreamError),
    /// The server broke off.
    #[error("the server broke off the snapshot of stream {stream}: {said}")]
    BrokenOff {
        /// The stream.
        stream: String,
        /// What it said.
        said: String,
    },
    /// The bytes could not be written or read on this side.
    #[error("could not copy stream {stream}")]
    Copy {
        /// The stream.
        stream: String,
        /// Why.
        #[source]
        source: io::Error,
    },
}

#[derive(Deserialize)]
struct RestoreAnswer {
    deliver_subject: String,
}

#[derive(Deserialize)]
struct PieceAnswer {
    error: Option<Refusal>,
}

impl Bus {
    /// Hands the bytes of a stream to `take`, as it stands now, while others go on writing; only the operator may. The
    /// server checks every message on the way.
    ///
    /// # Errors
    /// [`SnapshotError::BrokenOff`] when the server meets damage or loses patience.
    pub async fn snapshot(
        &self,
        stream: &str,
        take: &mut (dyn FnMut(&[u8]) -> io::Result<()> + Send),
    ) -> Result<SnapshotHead, SnapshotError> {
        let subject = format!("$JS.API.STREAM.SNAPSHOT.{stream}");
        let gone = || ApiError::Unanswered {
            subject: subject.clone(),
            waited_ms: PIECE_TIMEOUT.as_millis(),
        };
        let inbox = self.client().new_inbox();
        let mut pieces = self
            .client()
            .subscribe(inbox.clone())
            .await
            .map_err(|_gone| gone())?;
        let question =
            json!({"deliver_subject": inbox, "no_consumers": true, "chunk_size": PIECE_BYTES, "jsck": true});
        let head: SnapshotHead = decode(&subject, &self.api(&subject, &question).await?)?;
        loop {
            let piece = tokio::time::timeout(PIECE_TIMEOUT, pieces.next()).await;
            let Ok(Some(piece)) = piece else {
                return Err(gone().into());
            };
            if let Some(status) = piece.status.filter(|status| status.as_u16() != GOOD) {
                let said = piece.description.unwrap_or_else(|| status.to_string());
                return Err(SnapshotError::BrokenOff {
                    stream: stream.to_owned(),
                    said,
                });
            }
            if piece.payload.is_empty() {
                return Ok(head);
            }
            take(&piece.payload).map_err(|source| SnapshotError::Copy {
                stream: stream.to_owned(),
                source,
            })?;
            // The server sends on when it knows that this much has arrived.
            if let Some(receipt) = piece.reply {
                self.client()
                    .publish(receipt, Bytes::new())
                    .await
                    .map_err(|_gone| gone())?;
            }
        }
    }

    /// Puts a stream back that is not there; `next` gives its bytes, empty at the end. Only the operator may.
    ///
    /// # Errors
    /// [`SnapshotError::Api`] with the server's refusal, for example because there is a stream of this name.
    pub async fn restore(
        &self,
        stream: &str,
        head: &SnapshotHead,
        next: &mut (dyn FnMut() -> io::Result<Vec<u8>> + Send),
    ) -> Result<StreamIdentity, SnapshotError> {
        let subject = format!("$JS.API.STREAM.RESTORE.{stream}");
        let question = json!({"config": head.config, "state": head.state});
        let answer: RestoreAnswer = decode(&subject, &self.api(&subject, &question).await?)?;
        loop {
            let piece = next().map_err(|source| SnapshotError::Copy {
                stream: stream.to_owned(),
                source,
            })?;
            let is_end = piece.is_empty();
            for part in piece.chunks(PIECE_BYTES) {
                self.hand_over(&answer.deliver_subject, part, PIECE_TIMEOUT)
                    .await?;
            }
            if is_end {
                self.hand_over(&answer.deliver_subject, &[], RESTORE_TIMEOUT)
                    .await?;
                return Ok(self.stream_identity(stream).await?);
            }
        }
    }

    async fn hand_over(&self, subject: &str, piece: &[u8], timeout: Duration) -> Result<(), ApiError> {
        let piece = Bytes::copy_from_slice(piece);
        let answer = self.ask(subject, HeaderMap::new(), piece, timeout).await?.payload;
        if answer.is_empty() {
            return Ok(());
        }
        match decode::<PieceAnswer>(subject, &answer)?.error {
            Some(refusal) => Err(refusal.on(subject)),
            None => Ok(()),
        }
    }
}
