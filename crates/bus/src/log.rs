//! The read side of a stream without a consumer: by sequence, by subject, by run.

use std::collections::BTreeMap;
use std::time::Duration;

use async_nats::{HeaderMap, Message, StatusCode};
use futures_util::StreamExt as _;
use portbook_wire::subject::{STREAM_FEED, STREAM_LEDGER};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::api::{ApiError, decode};
use crate::connection::Bus;
use crate::message::{RawMessage, Stored};
use crate::signal::Break;

/// Messages asked for in one direct get of a subject.
const SUBJECT_MESSAGES_MAX: usize = 1_000;
/// Subjects asked for in one direct get; the server refuses more than 1,024.
const SUBJECTS_MAX: usize = 1_000;
/// How often a replica that lags is asked again.
const LAG_PAUSE: Duration = Duration::from_millis(2);
const MESSAGE_NOT_FOUND: u64 = 10_037;
/// End of a batch of direct gets.
const END_OF_BATCH: u16 = 204;
const NOT_FOUND: u16 = 404;

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

/// Reads one stream.
#[derive(Debug, Clone)]
pub struct Log {
    bus: Bus,
    stream: String,
}

/// What one direct get brought.
struct Page<M> {
    messages: Vec<M>,
    /// Messages that match but were left out.
    pending: u64,
}

#[derive(Deserialize)]
struct RawAnswer {
    message: RawMessage,
}

impl Log {
    /// The log of the ledger stream.
    #[must_use]
    pub fn ledger(bus: &Bus) -> Self {
        Self::of(bus, STREAM_LEDGER)
    }

    /// The log of the feed stream.
    #[must_use]
    pub fn feed(bus: &Bus) -> Self {
        Self::of(bus, STREAM_FEED)
    }

    pub(crate) fn of(bus: &Bus, stream: &str) -> Self {
        Self {
            bus: bus.clone(),
            stream: stream.to_owned(),
        }
    }

    /// Every message of an exact subject, in order, complete up to the subject's last as the answering replica knows it.
    ///
    /// # Errors
    /// [`ReadError::Api`].
    pub async fn load_subject(&self, subject: &str) -> Result<Vec<Stored>, ReadError> {
        let mut messages: Vec<Stored> = Vec::new();
        loop {
            let start_seq = messages.last().map_or(1, |last| last.seq.saturating_add(1));
            let question = json!({"seq": start_seq, "next_by_subj": subject, "batch": SUBJECT_MESSAGES_MAX});
            match self.direct(&question, SUBJECT_MESSAGES_MAX).await {
                Ok(page) => {
                    let is_last = page.pending == 0 || page.messages.is_empty();
                    messages.extend(page.messages);
                    if is_last {
                        return Ok(messages);
                    }
                }
                // A message whose headers no client can parse breaks the connection each time it is sent.
                Err(ApiError::Unanswered { .. }) => return self.walk_subject(subject).await,
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// As [`Log::load_subject`], but asks again until message `seq` is there: a replica may lag behind the
    /// acknowledgement that named it.
    ///
    /// # Errors
    /// [`ReadError::Api`]; [`ReadError::Missing`] when `seq` does not show up within the request timeout.
    pub async fn load_subject_through(&self, subject: &str, seq: u64) -> Result<Vec<Stored>, ReadError> {
        let deadline = Instant::now().checked_add(self.bus.request_timeout());
        loop {
            let messages = self.load_subject(subject).await?;
            if messages.last().is_some_and(|last| last.seq >= seq) {
                return Ok(messages);
            }
            if deadline.is_none_or(|deadline| Instant::now() >= deadline) {
                return Err(ReadError::Missing {
                    stream: self.stream.clone(),
                    seq,
                });
            }
            tokio::time::sleep(LAG_PAUSE).await;
        }
    }

    /// The last message of each exact subject that has one.
    ///
    /// # Errors
    /// [`ReadError::Api`].
    pub async fn last_by_subjects(&self, subjects: &[String]) -> Result<BTreeMap<String, Stored>, ReadError> {
        let mut last = BTreeMap::new();
        for chunk in subjects.chunks(SUBJECTS_MAX) {
            let mut wanted: Vec<&String> = chunk.iter().collect();
            while !wanted.is_empty() {
                let question = json!({"multi_last": wanted, "batch": SUBJECTS_MAX});
                let page = self.direct(&question, SUBJECTS_MAX).await?;
                let is_last = page.pending == 0 || page.messages.is_empty();
                last.extend(
                    page.messages
                        .into_iter()
                        .map(|message| (message.subject.clone(), message)),
                );
                if is_last {
                    break;
                }
                wanted.retain(|subject| !last.contains_key(*subject));
            }
        }
        Ok(last)
    }

    /// Up to `messages_max` messages from `start_seq` on, whatever their subject, in order. Fewer when the stream ends or
    /// the answer grows too large; empty only at the end.
    ///
    /// # Errors
    /// [`ReadError::Api`].
    pub async fn read_from(&self, start_seq: u64, messages_max: usize) -> Result<Vec<Stored>, ReadError> {
        let question = json!({"seq": start_seq.max(1), "next_by_subj": ">", "batch": messages_max});
        Ok(self.direct(&question, messages_max).await?.messages)
    }

    /// Messages on subjects that match `filter`, from `start_seq` on, as the client brings them.
    pub(crate) async fn messages_from(
        &self,
        start_seq: u64,
        filter: &str,
        messages_max: usize,
    ) -> Result<Vec<Message>, ApiError> {
        let question = json!({"seq": start_seq.max(1), "next_by_subj": filter, "batch": messages_max});
        Ok(self.ask_direct(&question, messages_max).await?.messages)
    }

    /// The message with sequence `seq`, from the stream's leader.
    ///
    /// # Errors
    /// [`ReadError::Missing`] when there is none.
    pub async fn get(&self, seq: u64) -> Result<Stored, ReadError> {
        let found = self.leader_get(&json!({"seq": seq})).await?;
        found.ok_or_else(|| ReadError::Missing {
            stream: self.stream.clone(),
            seq,
        })
    }

    /// Sequence of the last message of an exact subject, 0 when there is none, from the stream's leader: a replica may not
    /// have it yet.
    ///
    /// # Errors
    /// [`ReadError::Api`].
    pub async fn last_seq_on(&self, subject: &str) -> Result<u64, ReadError> {
        Ok(self.last_on(subject).await?.map_or(0, |last| last.seq))
    }

    /// The first message on `subject`, which may have wildcards, at or after `start_seq`, from the stream's leader.
    pub(crate) async fn next_on(&self, subject: &str, start_seq: u64) -> Result<Option<Stored>, ApiError> {
        self.leader_get(&json!({"seq": start_seq.max(1), "next_by_subj": subject}))
            .await
    }

    /// The last message of an exact subject, from the stream's leader.
    pub(crate) async fn last_on(&self, subject: &str) -> Result<Option<Stored>, ApiError> {
        self.leader_get(&json!({"last_by_subj": subject})).await
    }

    async fn walk_subject(&self, subject: &str) -> Result<Vec<Stored>, ReadError> {
        let mut messages = Vec::new();
        let mut start_seq = 1;
        while let Some(message) = self.next_on(subject, start_seq).await? {
            start_seq = message.seq.saturating_add(1);
            messages.push(message);
        }
        Ok(messages)
    }

    async fn leader_get(&self, question: &Value) -> Result<Option<Stored>, ApiError> {
        let Some(raw) = self.leader_get_raw(question).await? else {
            return Ok(None);
        };
        match Stored::from_raw(raw) {
            Some(message) => Ok(Some(message)),
            None => Err(ApiError::Malformed {
                subject: self.stream.clone(),
                rule: "a stored message in base64",
            }),
        }
    }

    /// The message with sequence `seq` and all its headers, from the stream's leader.
    pub(crate) async fn get_raw(&self, seq: u64) -> Result<RawMessage, ReadError> {
        let found = self.leader_get_raw(&json!({"seq": seq})).await?;
        found.ok_or_else(|| ReadError::Missing {
            stream: self.stream.clone(),
            seq,
        })
    }

    async fn leader_get_raw(&self, question: &Value) -> Result<Option<RawMessage>, ApiError> {
        let subject = format!("$JS.API.STREAM.MSG.GET.{}", self.stream);
        let answer = match self.bus.api(&subject, question).await {
            Ok(answer) => answer,
            Err(error) if error.refusal_code() == Some(MESSAGE_NOT_FOUND) => return Ok(None),
            Err(error) => return Err(error),
        };
        let raw: RawAnswer = decode(&subject, &answer)?;
        Ok(Some(raw.message))
    }

    /// As [`Log::ask_direct`], with every message taken apart.
    async fn direct(&self, question: &Value, messages_max: usize) -> Result<Page<Stored>, ApiError> {
        let Page { messages, pending } = self.ask_direct(question, messages_max).await?;
        let malformed = || ApiError::Malformed {
            subject: self.stream.clone(),
            rule: "a stored message with its place",
        };
        let stored = messages
            .into_iter()
            .map(|message| Stored::from_direct(message).ok_or_else(malformed));
        Ok(Page {
            messages: stored.collect::<Result<_, _>>()?,
            pending,
        })
    }

    /// Sends one direct get and gathers its answers up to the end of the batch.
    async fn ask_direct(&self, question: &Value, messages_max: usize) -> Result<Page<Message>, ApiError> {
        let subject = format!("$JS.API.DIRECT.GET.{}", self.stream);
        let timeout = self.bus.request_timeout();
        let started = Instant::now();
        let unanswered = || ApiError::Unanswered {
            subject: subject.clone(),
            waited_ms: started.elapsed().as_millis(),
        };
        let mut signals = self.bus.signals();
        if !signals.connected(timeout).await {
            return Err(unanswered());
        }
        let client = self.bus.client();
        let inbox = client.new_inbox();
        let mut answers = client
            .subscribe(inbox.clone())
            .await
            .map_err(|_gone| unanswered())?;
        let sent = client
            .publish_with_reply(subject.clone(), inbox, question.to_string().into())
            .await;
        sent.map_err(|_gone| unanswered())?;

        let mut page = Page {
            messages: Vec::new(),
            pending: 0,
        };
        loop {
            let answer = tokio::select! {
                biased;
                answer = tokio::time::timeout(timeout, answers.next()) => answer,
                cause = signals.broken(&subject) => return Err(match cause {
                    Break::Denied => ApiError::Denied { subject },
                    Break::Lost => unanswered(),
                }),
            };
            let Ok(Some(answer)) = answer else {
                return Err(unanswered());
            };
            if page.take(answer, &subject)? || page.messages.len() > messages_max {
                return Ok(page);
            }
        }
    }
}

impl Page<Message> {
    /// Takes one answer in; answers whether it was the last.
    fn take(&mut self, answer: Message, subject: &str) -> Result<bool, ApiError> {
        let Some(status) = answer.status else {
            self.messages.push(answer);
            return Ok(false);
        };
        match status.as_u16() {
            END_OF_BATCH => {
                self.pending = pending(answer.headers.as_ref());
                Ok(true)
            }
            NOT_FOUND => Ok(true),
            _ if status == StatusCode::NO_RESPONDERS => Err(ApiError::NoResponders {
                subject: subject.to_owned(),
            }),
            code => Err(ApiError::Refused {
                subject: subject.to_owned(),
                status: code,
                code: u64::from(code),
                description: answer.description.unwrap_or_default(),
            }),
        }
    }
}

fn pending(headers: Option<&HeaderMap>) -> u64 {
    headers
        .and_then(|headers| headers.get_last("Nats-Num-Pending"))
        .and_then(|value| value.as_str().parse().ok())
        .unwrap_or(0)
}
