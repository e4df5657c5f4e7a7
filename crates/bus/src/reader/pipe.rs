//! One server-side consumer and the inbox it delivers to.

use std::time::Duration;

use async_nats::{HeaderMap, Message, StatusCode, Subscriber};
use futures_util::{FutureExt as _, StreamExt as _};
use serde_json::json;
use tokio::time::Instant;

use crate::api::ApiError;
use crate::connection::Bus;
use crate::message::Stored;
use crate::signal::{Break, Signals};

/// Bytes one request for messages may bring, so that memory stays bounded whatever the size of a message.
const PULL_BYTES_MAX: u64 = 32 << 20;
/// A request for messages stands this long.
const PULL_EXPIRES: Duration = Duration::from_secs(30);
/// While there is nothing to deliver the server says so this often.
const HEARTBEAT: Duration = Duration::from_secs(5);
/// Without a message or a heartbeat for this long the consumer counts as gone.
const SILENCE_MAX: Duration = Duration::from_secs(12);
/// The server forgets a consumer nobody asks this long.
const INACTIVE_THRESHOLD: Duration = Duration::from_mins(2);
const CONSUMER_NOT_FOUND: u64 = 10_014;

/// A consumer that starts at one sequence, and the requests for messages under way.
#[derive(Debug)]
pub(super) struct Pipe {
    bus: Bus,
    deliveries: Subscriber,
    inbox: String,
    next_subject: String,
    signals: Signals,
    batch: usize,
    /// Messages asked for that have not come yet.
    outstanding: usize,
    heard_at: Instant,
    first_seq: Option<u64>,
}

/// What came out of a pipe.
#[derive(Debug)]
pub(super) enum Arrival {
    /// A message.
    Message(Stored),
    /// Nothing yet.
    Nothing,
    /// The connection was lost: the consumer may be gone with it.
    Lost,
    /// The consumer is gone or does not speak any more.
    Broken,
}

impl Pipe {
    /// Makes the consumer of this identity anew, to deliver from `start_seq` on.
    pub(super) async fn open(
        bus: &Bus,
        stream: &str,
        start_seq: u64,
        batch: usize,
    ) -> Result<Self, ApiError> {
        let name = bus.identity().name();
        let timeout = bus.request_timeout();
        let mut signals = bus.signals();
        if !signals.connected(timeout).await {
            return Err(ApiError::Unanswered {
                subject: stream.to_owned(),
                waited_ms: timeout.as_millis(),
            });
        }
        let delete = format!("$JS.API.CONSUMER.DELETE.{stream}.{name}");
        match bus.api(&delete, &serde_json::Value::Null).await {
            Ok(_) => {}
            Err(error) if error.refusal_code() == Some(CONSUMER_NOT_FOUND) => {}
            Err(error) => return Err(error),
        }
        let create = json!({
            "stream_name": stream,
            "action": "create",
            "config": {
                "name": name,
                "deliver_policy": "by_start_sequence",
                "opt_start_seq": start_seq,
                "ack_policy": "none",
                "replay_policy": "instant",
                "max_waiting": 16,
                "mem_storage": true,
                "num_replicas": 1,
                "inactive_threshold": nanoseconds(INACTIVE_THRESHOLD),
            },
        });
        bus.api(&format!("$JS.API.CONSUMER.CREATE.{stream}.{name}"), &create)
            .await?;
        let inbox = bus.client().new_inbox();
        let deliveries = bus.client().subscribe(inbox.clone()).await;
        let next_subject = format!("$JS.API.CONSUMER.MSG.NEXT.{stream}.{name}");
        let deliveries = deliveries.map_err(|_gone| ApiError::Unanswered {
            subject: next_subject.clone(),
            waited_ms: 0,
        })?;
        Ok(Self {
            bus: bus.clone(),
            deliveries,
            inbox,
            next_subject,
            signals,
            batch,
            outstanding: 0,
            heard_at: Instant::now(),
            first_seq: None,
        })
    }

    /// Whether the first message that came out was `seq`.
    pub(super) fn starts_with(&self, seq: u64) -> bool {
        self.first_seq == Some(seq)
    }

    /// What has come, without waiting.
    pub(super) fn take(&mut self) -> Result<Arrival, ApiError> {
        // Tokio's budget would end a run of ready messages after 128 of them.
        match tokio::task::unconstrained(self.deliveries.next()).now_or_never() {
            Some(Some(message)) => self.accept(message),
            Some(None) => Ok(Arrival::Broken),
            None => Ok(Arrival::Nothing),
        }
    }

    /// What comes next, at the latest at `deadline`. Asks for more messages in time.
    pub(super) async fn wait(&mut self, deadline: Option<Instant>) -> Result<Arrival, ApiError> {
        self.ask_for_more().await?;
        let silent_at = self.heard_at.checked_add(SILENCE_MAX).unwrap_or(self.heard_at);
        let until = deadline.map_or(silent_at, |deadline| deadline.min(silent_at));
        tokio::select! {
            biased;
            message = self.deliveries.next() => match message {
                Some(message) => self.accept(message),
                None => Ok(Arrival::Broken),
            },
            cause = self.signals.broken(&self.next_subject) => match cause {
                Break::Denied => Err(ApiError::Denied { subject: self.next_subject.clone() }),
                Break::Lost => Ok(Arrival::Lost),
            },
            () = tokio::time::sleep_until(until) => {
                if until == silent_at {
                    tracing::warn!(subject = %self.next_subject, "the consumer has gone silent");
                    return Ok(Arrival::Broken);
                }
                Ok(Arrival::Nothing)
            }
        }
    }

    /// Keeps between half a batch and one and a half of them asked for, so that the server never waits for us.
    async fn ask_for_more(&mut self) -> Result<(), ApiError> {
        if self.outstanding > self.batch / 2 {
            return Ok(());
        }
        let pull = json!({
            "batch": self.batch,
            "max_bytes": PULL_BYTES_MAX,
            "expires": nanoseconds(PULL_EXPIRES),
            "idle_heartbeat": nanoseconds(HEARTBEAT),
        });
        let (subject, inbox) = (self.next_subject.clone(), self.inbox.clone());
        let sent = self
            .bus
            .client()
            .publish_with_reply(subject, inbox, pull.to_string().into())
            .await;
        sent.map_err(|_gone| ApiError::Unanswered {
            subject: self.next_subject.clone(),
            waited_ms: 0,
        })?;
        self.outstanding = self.outstanding.saturating_add(self.batch);
        Ok(())
    }

    fn accept(&mut self, message: Message) -> Result<Arrival, ApiError> {
        self.heard_at = Instant::now();
        if let Some(status) = message.status {
            return Ok(self.hear(status, message.headers.as_ref()));
        }
        self.outstanding = self.outstanding.saturating_sub(1);
        let Some(stored) = Stored::from_delivery(message) else {
            let rule = "a stored message with its place in the reply subject";
            return Err(ApiError::Malformed {
                subject: self.next_subject.clone(),
                rule,
            });
        };
        self.first_seq.get_or_insert(stored.seq);
        Ok(Arrival::Message(stored))
    }

    /// A status says that a request ended early and how many of its messages will not come any more, or, without that
    /// number, that the consumer is gone.
    fn hear(&mut self, status: StatusCode, headers: Option<&HeaderMap>) -> Arrival {
        if status == StatusCode::IDLE_HEARTBEAT {
            return Arrival::Nothing;
        }
        let unsent = headers
            .and_then(|headers| headers.get("Nats-Pending-Messages"))
            .map(|value| value.as_str().parse());
        if let Some(Ok(unsent)) = unsent {
            self.outstanding = self.outstanding.saturating_sub(unsent);
            return Arrival::Nothing;
        }
        tracing::debug!(%status, subject = %self.next_subject, "the consumer is gone");
        Arrival::Broken
    }
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
