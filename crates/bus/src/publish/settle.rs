//! One message: sent until it is known whether it is stored.

use std::time::Duration;

use tokio::time::{sleep, timeout};

use super::parcel::Parcel;
use super::{Flights, Patience, PublishError, ack};
use crate::api::ApiError;
use crate::log::ReadError;
use crate::message::Appended;

/// Pause before something is tried again.
pub(super) const RETRY_PAUSE: Duration = Duration::from_millis(20);
/// The guard did not hold.
const WRONG_LAST_SEQUENCE: u64 = 10_071;
/// The guard cannot be checked yet: another message on the subject is on its way through the replicas.
const WRONG_LAST_SEQUENCE_CONSTANT: u64 = 10_164;

impl Flights {
    /// Sends one message until it is stored, refused, or time is over.
    pub(super) async fn settle(&self, parcel: &Parcel, patience: Patience) -> Result<Appended, PublishError> {
        let settled = timeout(patience.left(), self.settle_unhurried(parcel)).await;
        settled.unwrap_or_else(|_elapsed| Err(patience.unacknowledged(&parcel.subject)))
    }

    async fn settle_unhurried(&self, parcel: &Parcel) -> Result<Appended, PublishError> {
        loop {
            let error = match self.send(parcel).await {
                Ok(ack) if ack.duplicate => return self.same_as(parcel, ack.seq).await,
                Ok(ack) => {
                    return Ok(Appended {
                        seq: ack.seq,
                        duplicate: false,
                    });
                }
                Err(error) => error,
            };
            match error.refusal_code() {
                Some(WRONG_LAST_SEQUENCE) => return self.after_conflict(parcel).await,
                Some(WRONG_LAST_SEQUENCE_CONSTANT) => {}
                Some(_) | None => {
                    tracing::debug!(%error, "not acknowledged");
                    if let Some(definite) = self.definite(error) {
                        return Err(definite);
                    }
                    if let Some(seq) = self.find_unhurried(parcel).await {
                        return Ok(Appended { seq, duplicate: true });
                    }
                }
            }
            sleep(RETRY_PAUSE).await;
        }
    }

    /// Where the message is stored, if it is. Not to know is no answer: without one the message must not be sent again.
    pub(super) async fn find_unhurried(&self, parcel: &Parcel) -> Option<u64> {
        loop {
            match self.find(parcel).await {
                Ok(found) => return found,
                Err(error) => tracing::debug!(%error, "what became of a message could not be read"),
            }
            sleep(RETRY_PAUSE).await;
        }
    }

    /// Whether the message is stored as `seq`.
    pub(super) async fn is_at(&self, parcel: &Parcel, seq: u64) -> bool {
        loop {
            match self.log.get(seq).await {
                Ok(stored) => return parcel.is(&stored),
                Err(ReadError::Missing { .. }) => return false,
                Err(ReadError::Api(error)) => tracing::debug!(%error, seq, "a message could not be read"),
            }
            sleep(RETRY_PAUSE).await;
        }
    }

    /// Asks the stream's leader, because a replica may lag behind.
    ///
    /// A guarded message can only be the first one on its subject after the sequence its guard names. An unguarded one can
    /// be anywhere; the newest message with its bytes counts.
    async fn find(&self, parcel: &Parcel) -> Result<Option<u64>, ReadError> {
        let found = match parcel.expected {
            Some(expected) => {
                let next = self
                    .log
                    .next_on(&parcel.subject, expected.saturating_add(1))
                    .await?;
                next.filter(|stored| parcel.is(stored))
            }
            None => match self.log.last_on(&parcel.subject).await? {
                Some(last) if parcel.is(&last) => Some(last),
                None => None,
                Some(last) => {
                    let messages = self.log.load_subject_through(&parcel.subject, last.seq).await?;
                    messages.into_iter().rev().find(|stored| parcel.is(stored))
                }
            },
        };
        Ok(found.map(|stored| stored.seq))
    }

    async fn send(&self, parcel: &Parcel) -> Result<ack::Ack, ApiError> {
        let (headers, body) = (parcel.headers(), parcel.body.clone());
        let answer = self
            .bus
            .ask(&parcel.subject, headers, body, self.limits.ack_timeout)
            .await?;
        ack::read(self.stream, &parcel.subject, &answer.payload)
    }

    /// The server took the message for a repeat of `seq`: it is one only if the bytes are the same.
    async fn same_as(&self, parcel: &Parcel, seq: u64) -> Result<Appended, PublishError> {
        if self.is_at(parcel, seq).await {
            return Ok(Appended { seq, duplicate: true });
        }
        tracing::error!(subject = %parcel.subject, seq, "a message id was used for other bytes");
        Err(PublishError::Poisoned {
            subject: parcel.subject.clone(),
            msg_id: parcel.msg_id.clone(),
            seq,
        })
    }

    /// The guard did not hold. The server checks it before it looks at the message id, so it may be this very message,
    /// sent before and acknowledged to nobody, that moved the subject on.
    async fn after_conflict(&self, parcel: &Parcel) -> Result<Appended, PublishError> {
        if let Some(seq) = self.find_unhurried(parcel).await {
            return Ok(Appended { seq, duplicate: true });
        }
        let subject = parcel.subject.clone();
        let expected = parcel.expected.unwrap_or(0);
        loop {
            match self.log.last_on(&subject).await {
                Ok(last) => {
                    let found = last.map_or(0, |stored| stored.seq);
                    return Err(PublishError::Conflict {
                        subject,
                        expected,
                        found,
                    });
                }
                Err(error) => tracing::debug!(%error, "the last message could not be read"),
            }
            sleep(RETRY_PAUSE).await;
        }
    }

    /// What a failed request means for the message in it; `None` when it may still be stored.
    fn definite(&self, error: ApiError) -> Option<PublishError> {
        if error.is_transient() {
            return None;
        }
        match error {
            ApiError::Denied { subject } => Some(PublishError::Denied { subject }),
            ApiError::Unsendable { subject, bytes } => Some(PublishError::Unsendable { subject, bytes }),
            ApiError::Malformed { subject, .. } => Some(PublishError::Foreign {
                subject,
                stream: self.stream,
            }),
            ApiError::Refused {
                subject,
                code,
                description,
                ..
            } => Some(PublishError::Refused {
                subject,
                code,
                description,
            }),
            ApiError::NoResponders { .. } | ApiError::Unanswered { .. } => None,
        }
    }
}
