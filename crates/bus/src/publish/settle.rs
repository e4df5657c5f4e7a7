//! One message: sent until it is known whether it is stored.

use std::time::Duration;

use portbook_wire::subject::STREAM_LEDGER;

use super::batch::unsendable;
use super::{Flights, Patience, PublishError, ack};
use crate::api::ApiError;
use crate::log::ReadError;
use crate::message::{Appended, Outgoing};

/// Pause before something is tried again.
const RETRY_PAUSE: Duration = Duration::from_millis(20);
/// The guard did not hold.
const WRONG_LAST_SEQUENCE: u64 = 10_071;
/// The guard cannot be checked yet: another message on the subject is on its way through the replicas.
const WRONG_LAST_SEQUENCE_CONSTANT: u64 = 10_164;

impl Flights {
    /// Sends one message until it is stored, refused, or time is over.
    pub(super) async fn settle(&self, outgoing: &Outgoing, patience: Patience) -> Result<Appended, PublishError> {
        loop {
            match self.send(outgoing).await {
                Ok(ack) if ack.duplicate => return self.same_as(outgoing, ack.seq, patience).await,
                Ok(ack) => return Ok(Appended { seq: ack.seq, duplicate: false }),
                Err(error) => match error.refusal_code() {
                    Some(WRONG_LAST_SEQUENCE) => return self.after_conflict(outgoing, patience).await,
                    Some(WRONG_LAST_SEQUENCE_CONSTANT) => {}
                    _ => {
                        tracing::debug!(%error, "not acknowledged");
                        if let Some(definite) = PublishError::definite(error) {
                            return Err(definite);
                        }
                        if let Some(seq) = self.find_patiently(outgoing, patience).await? {
                            return Ok(Appended { seq, duplicate: true });
                        }
                    }
                },
            }
            self.pause(outgoing, patience).await?;
        }
    }

    /// Where the message is stored, if it is.
    pub(super) async fn find_patiently(
        &self,
        outgoing: &Outgoing,
        patience: Patience,
    ) -> Result<Option<u64>, PublishError> {
        loop {
            match self.find(outgoing).await {
                Ok(found) => return Ok(found),
                Err(error) => tracing::debug!(%error, "what became of a message could not be read"),
            }
            self.pause(outgoing, patience).await?;
        }
    }

    /// Whether the message is stored as `seq`.
    pub(super) async fn is_at(&self, outgoing: &Outgoing, seq: u64, patience: Patience) -> Result<bool, PublishError> {
        loop {
            match self.log.get(seq).await {
                Ok(stored) => return Ok(outgoing.is(&stored)),
                Err(ReadError::Missing { .. }) => return Ok(false),
                Err(ReadError::Api(error)) => tracing::debug!(%error, seq, "a message could not be read"),
            }
            self.pause(outgoing, patience).await?;
        }
    }

    /// Asks the stream's leader, because a replica may lag behind.
    ///
    /// A guarded message can only be the first one on its subject after the sequence its guard names. An unguarded one can
    /// be anywhere; the newest message with its bytes counts.
    async fn find(&self, outgoing: &Outgoing) -> Result<Option<u64>, ReadError> {
        let found = match outgoing.expected_last_subject_seq {
            Some(expected) => {
                let next = self.log.next_on(&outgoing.subject, expected.saturating_add(1)).await?;
                next.filter(|stored| outgoing.is(stored))
            }
            None => match self.log.last_on(&outgoing.subject).await? {
                Some(last) if outgoing.is(&last) => Some(last),
                None => None,
                Some(last) => {
                    let messages = self.log.load_subject_through(&outgoing.subject, last.seq).await?;
                    messages.into_iter().rev().find(|stored| outgoing.is(stored))
                }
            },
        };
        Ok(found.map(|stored| stored.seq))
    }

    async fn send(&self, outgoing: &Outgoing) -> Result<ack::Ack, ApiError> {
        let headers = outgoing.headers().ok_or_else(|| unsendable(outgoing))?;
        let body = outgoing.body.clone();
        let answer = self.bus.ask(&outgoing.subject, headers, body, self.limits.ack_timeout).await?;
        ack::read(STREAM_LEDGER, &outgoing.subject, &answer.payload)
    }

    /// The server took the message for a repeat of `seq`: it is one only if the bytes are the same.
    async fn same_as(&self, outgoing: &Outgoing, seq: u64, patience: Patience) -> Result<Appended, PublishError> {
        if self.is_at(outgoing, seq, patience).await? {
            return Ok(Appended { seq, duplicate: true });
        }
        tracing::error!(subject = %outgoing.subject, seq, "a message id was used for other bytes");
        let Outgoing { subject, msg_id, .. } = outgoing.clone();
        Err(PublishError::Poisoned { subject, msg_id, seq })
    }

    /// The guard did not hold. The server checks it before it looks at the message id, so it may be this very message,
    /// sent before and acknowledged to nobody, that moved the subject on.
    async fn after_conflict(&self, outgoing: &Outgoing, patience: Patience) -> Result<Appended, PublishError> {
        if let Some(seq) = self.find_patiently(outgoing, patience).await? {
            return Ok(Appended { seq, duplicate: true });
        }
        let subject = outgoing.subject.clone();
        let expected = outgoing.expected_last_subject_seq.unwrap_or(0);
        loop {
            match self.log.last_on(&subject).await {
                Ok(last) => {
                    let found = last.map_or(0, |stored| stored.seq);
                    return Err(PublishError::Conflict { subject, expected, found });
                }
                Err(error) => tracing::debug!(%error, "the last message could not be read"),
            }
            self.pause(outgoing, patience).await?;
        }
    }

    /// Before another attempt: gives up when time is over.
    async fn pause(&self, outgoing: &Outgoing, patience: Patience) -> Result<(), PublishError> {
        if patience.is_over() {
            return Err(patience.unacknowledged(&outgoing.subject));
        }
        tokio::time::sleep(RETRY_PAUSE).await;
        Ok(())
    }
}
