//! Requests to the server and what can go wrong with one.

use std::time::Duration;

use async_nats::client::RequestErrorKind;
use async_nats::{HeaderMap, Message, Request};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::Value;

use crate::connection::Bus;
use crate::signal::Break;

/// A request to the server that was not answered with what was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ApiError {
    /// This identity may not publish on the subject of the request.
    #[error("permission denied for subject {subject}")]
    Denied {
        /// The refused subject.
        subject: String,
    },
    /// Nobody listens on the subject: JetStream is off, the stream or consumer is missing, or it has no leader.
    #[error("nobody answers on {subject}")]
    NoResponders {
        /// The subject asked.
        subject: String,
    },
    /// No answer in time, or the connection was lost while waiting for it. What was asked for may have been done.
    #[error("no answer on {subject} within {waited_ms} ms")]
    Unanswered {
        /// The subject asked.
        subject: String,
        /// How long was waited, in milliseconds.
        waited_ms: u128,
    },
    /// The request is larger than the server takes, or its subject is not one.
    #[error("{subject} cannot carry a message of {bytes} bytes")]
    Unsendable {
        /// The subject asked.
        subject: String,
        /// Size of the body in bytes.
        bytes: usize,
    },
    /// The server refused the request.
    #[error("the server refused {subject}: {description} (error {code})")]
    Refused {
        /// The subject asked.
        subject: String,
        /// Class of the error, as HTTP has them: 503 passes by itself.
        status: u16,
        /// JetStream's error code, for example 10071.
        code: u64,
        /// The server's own words.
        description: String,
    },
    /// The answer is not what the protocol says.
    #[error("the answer on {subject} is malformed: it should be {rule}")]
    Malformed {
        /// The subject asked.
        subject: String,
        /// What it should have been.
        rule: &'static str,
    },
}

impl ApiError {
    /// JetStream's code of a refusal.
    pub(crate) fn refusal_code(&self) -> Option<u64> {
        if let Self::Refused { code, .. } = self {
            Some(*code)
        } else {
            None
        }
    }

    /// Whether the same request may succeed a moment later.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::NoResponders { .. } | Self::Unanswered { .. } => true,
            Self::Refused { status, .. } => *status == 503,
            Self::Denied { .. } | Self::Unsendable { .. } | Self::Malformed { .. } => false,
        }
    }
}

/// The `error` object of a JetStream answer.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Refusal {
    #[serde(default)]
    pub(crate) code: u16,
    #[serde(default)]
    pub(crate) err_code: u64,
    #[serde(default)]
    pub(crate) description: String,
}

impl Refusal {
    pub(crate) fn on(self, subject: &str) -> ApiError {
        ApiError::Refused {
            subject: subject.to_owned(),
            status: self.code,
            code: self.err_code,
            description: self.description,
        }
    }
}

#[derive(Deserialize)]
struct Refusable {
    error: Option<Refusal>,
}

impl Bus {
    /// Sends one request and waits for one answer. A lost connection and a refused permission end the wait at once.
    pub(crate) async fn ask(
        &self,
        subject: &str,
        headers: HeaderMap,
        body: Bytes,
        timeout: Duration,
    ) -> Result<Message, ApiError> {
        let started = tokio::time::Instant::now();
        let unanswered = || ApiError::Unanswered {
            subject: subject.to_owned(),
            waited_ms: started.elapsed().as_millis(),
        };
        let mut signals = self.signals();
        if !signals.connected(timeout).await {
            return Err(unanswered());
        }
        let bytes = body.len();
        let mut request = Request::new().payload(body).timeout(Some(timeout));
        if !headers.is_empty() {
            request = request.headers(headers);
        }
        let answer = tokio::select! {
            biased;
            answer = self.client().send_request(subject.to_owned(), request) => answer,
            cause = signals.broken(subject) => return Err(match cause {
                Break::Denied => ApiError::Denied { subject: subject.to_owned() },
                Break::Lost => unanswered(),
            }),
        };
        answer.map_err(|error| match error.kind() {
            RequestErrorKind::NoResponders => ApiError::NoResponders {
                subject: subject.to_owned(),
            },
            RequestErrorKind::TimedOut | RequestErrorKind::Other => unanswered(),
            RequestErrorKind::InvalidSubject | RequestErrorKind::MaxPayloadExceeded => ApiError::Unsendable {
                subject: subject.to_owned(),
                bytes,
            },
        })
    }

    /// Asks the JetStream API and answers its JSON, or the refusal in it.
    pub(crate) async fn api(&self, subject: &str, question: &Value) -> Result<Bytes, ApiError> {
        let body = if question.is_null() {
            Bytes::new()
        } else {
            question.to_string().into()
        };
        let answer = self
            .ask(subject, HeaderMap::new(), body, self.request_timeout())
            .await?
            .payload;
        let refusable: Refusable = decode(subject, &answer)?;
        match refusable.error {
            Some(refusal) => Err(refusal.on(subject)),
            None => Ok(answer),
        }
    }
}

/// Reads the JSON of an answer.
pub(crate) fn decode<'a, T: Deserialize<'a>>(subject: &str, answer: &'a [u8]) -> Result<T, ApiError> {
    serde_json::from_slice(answer).map_err(|error| {
        tracing::debug!(%error, subject, "malformed answer");
        ApiError::Malformed {
            subject: subject.to_owned(),
            rule: "a JSON object of the JetStream API",
        }
    })
}
