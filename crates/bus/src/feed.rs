//! The verified feed: what the ledger holds, published again with its place.
//!
//! Whoever publishes appends at the end it knows, under the guard that the stream still ends there. A guard that does not
//! hold, an answer that got lost and a start after a crash are the same thing: ask where the feed ends and go on behind it.

mod reader;

use async_nats::HeaderMap;
use async_nats::header::{
    HeaderName, NATS_BATCH_COMMIT, NATS_BATCH_COMMIT_FINAL, NATS_BATCH_ID, NATS_BATCH_SEQUENCE,
    NATS_EXPECTED_LAST_SEQUENCE,
};
use bytes::Bytes;
use portbook_wire::feed::{FeedPlace, FeedPlaceError};
use portbook_wire::subject::{
    CONTENT_TYPE_EVENT, HEADER_CONTENT_TYPE, HEADER_SIGNATURE, LEDGER_SUBJECTS, STREAM_FEED, STREAM_LEDGER,
};

pub use self::reader::{Fed, FeedFilter, FeedReader};
use crate::api::ApiError;
use crate::connection::Bus;
use crate::log::{Log, ReadError};
use crate::publish::{BatchIds, ack};
use crate::stream::StreamError;

/// Messages in one atomic batch: the server's own limit.
const GROUP_MESSAGES_MAX: usize = 1_000;
/// Fewer messages than this travel singly, as in the ledger stream.
const GROUP_MESSAGES_MIN: usize = 8;
const LEDGER_EVENTS: &str = LEDGER_SUBJECTS[0];
const WRONG_LAST_SEQUENCE: u64 = 10_071;

/// A verified event for subscribers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedMessage {
    /// `portbook.feed.<port>.<entity>.<verb>.<case>`.
    pub subject: String,
    /// The producer's signature, passed on.
    pub signature: Option<String>,
    /// Its place in the ledger.
    pub place: FeedPlace,
    /// The event, byte for byte as in the ledger.
    pub body: Bytes,
}

/// Where the feed ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedEnd {
    /// Sequence of the last message the stream ever stored; 0 before the first.
    pub last_seq: u64,
    /// Place of the last message; none when the stream holds none.
    pub last: Option<FeedPlace>,
}

/// Why the feed could not be read or published.
#[derive(Debug, thiserror::Error)]
pub enum FeedError {
    /// A request failed. After a failed publish the messages may be stored or not.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// The stream is missing.
    #[error(transparent)]
    Stream(#[from] StreamError),
    /// A message could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The feed does not end where it was thought to end: another projector publishes, or an earlier attempt was stored
    /// after all.
    #[error("the feed does not end at message {expected} any more")]
    Moved {
        /// Sequence of the message it was thought to end with.
        expected: u64,
    },
    /// The server did not take messages, and stored none of them: a batch whose connection was lost midway is refused as
    /// incomplete.
    #[error("the server did not take messages of the feed")]
    NotTaken {
        /// What it said.
        #[source]
        source: ApiError,
    },
    /// A message of the stream is none that the projector published.
    #[error("message {seq} of the feed is none of the ledger's")]
    Foreign {
        /// Its sequence.
        seq: u64,
        /// What is wrong with it.
        #[source]
        source: FeedPlaceError,
    },
    /// A message cannot travel.
    #[error("the signature of leaf {leaf_index} is no header text")]
    Unsendable {
        /// Leaf of the message.
        leaf_index: u64,
    },
    /// What was asked for is not kept any more.
    #[error("the feed holds nothing before leaf {first_leaf} any more; leaf {wanted_leaf} was asked for")]
    Gone {
        /// First leaf asked for.
        wanted_leaf: u64,
        /// First leaf there is.
        first_leaf: u64,
    },
}

/// How far the feed is behind the ledger stream, as it shows from the streams alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedLag {
    /// Place of the last message.
    pub last: Option<FeedPlace>,
    /// Messages of the ledger stream from the first event behind that place on. Repeats and control messages among them
    /// are never fed, so this is the most that can wait.
    pub waiting_at_most: u64,
    /// When the first of them was stored, nanoseconds since 1970-01-01T00:00:00Z.
    pub waiting_since_ns: Option<u64>,
}

/// Publishes to the feed stream.
#[derive(Debug, Clone)]
pub struct Feed {
    bus: Bus,
    log: Log,
    ids: BatchIds,
}

impl FeedError {
    /// Whether the same may succeed a moment later: after asking anew where the feed ends.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Api(error) | Self::Stream(StreamError::Api(error)) | Self::Read(ReadError::Api(error)) => {
                error.is_transient()
            }
            // A stream that is missing may be made again, from the ledger.
            Self::NotTaken { .. }
            | Self::Stream(StreamError::Missing { .. })
            | Self::Read(ReadError::Missing { .. })
            | Self::Moved { .. } => true,
            Self::Stream(StreamError::Drifted { .. })
            | Self::Foreign { .. }
            | Self::Unsendable { .. }
            | Self::Gone { .. } => false,
        }
    }
}

impl Feed {
    /// The feed as `bus` may publish it.
    #[must_use]
    pub fn new(bus: &Bus) -> Self {
        Self {
            bus: bus.clone(),
            log: Log::feed(bus),
            ids: BatchIds::new(bus.client()),
        }
    }

    /// Where the feed ends now.
    ///
    /// # Errors
    /// [`FeedError::Stream`] when there is no feed stream, [`FeedError::Foreign`] when its last message is not the ledger's.
    pub async fn end(&self) -> Result<FeedEnd, FeedError> {
        let identity = self.bus.stream_identity(STREAM_FEED).await?;
        let last = if identity.messages == 0 {
            None
        } else {
            let raw = self.log.get_raw(identity.last_seq).await?;
            Some(Fed::from_raw(raw)?.place)
        };
        Ok(FeedEnd {
            last_seq: identity.last_seq,
            last,
        })
    }

    /// Place of the first message the stream keeps.
    ///
    /// # Errors
    /// As [`Feed::end`].
    pub async fn first(&self) -> Result<Option<FeedPlace>, FeedError> {
        let identity = self.bus.stream_identity(STREAM_FEED).await?;
        if identity.messages == 0 {
            return Ok(None);
        }
        let raw = self.log.get_raw(identity.first_seq).await?;
        Ok(Some(Fed::from_raw(raw)?.place))
    }

    /// How far the feed is behind the ledger stream.
    ///
    /// # Errors
    /// As [`Feed::end`].
    pub async fn lag(&self) -> Result<FeedLag, FeedError> {
        let last = self.end().await?.last;
        // The message behind leaf n has sequence n + 2.
        let next_seq = last.as_ref().map_or(1, |last| last.leaf_index.saturating_add(2));
        let ledger = Log::ledger(&self.bus);
        let waiting = ledger.next_on(LEDGER_EVENTS, next_seq).await?;
        let last_seq = self.bus.stream_identity(STREAM_LEDGER).await?.last_seq;
        Ok(FeedLag {
            last,
            waiting_at_most: waiting
                .as_ref()
                .map_or(0, |first| last_seq.saturating_sub(first.seq).saturating_add(1)),
            waiting_since_ns: waiting.map(|first| first.time_ns),
        })
    }

    /// Appends `messages` behind `end`, in their order, in atomic batches of at most 1,000; answers where the feed ends then.
    ///
    /// # Errors
    /// After any [`FeedError`] some of the messages may be stored: [`Feed::end`] says which.
    pub async fn append(&self, end: FeedEnd, messages: &[FeedMessage]) -> Result<FeedEnd, FeedError> {
        let mut last_seq = end.last_seq;
        for group in messages.chunks(GROUP_MESSAGES_MAX) {
            if group.len() < GROUP_MESSAGES_MIN {
                for message in group {
                    last_seq = self.append_one(last_seq, message).await?;
                }
            } else {
                last_seq = self.append_group(last_seq, group).await?;
            }
        }
        let last = messages.last().map(|message| message.place.clone());
        Ok(FeedEnd {
            last_seq,
            last: last.or(end.last),
        })
    }

    async fn append_one(&self, last_seq: u64, message: &FeedMessage) -> Result<u64, FeedError> {
        let mut headers = headers_of(message)?;
        headers.insert(NATS_EXPECTED_LAST_SEQUENCE, last_seq.to_string());
        self.commit(message, headers, last_seq, 1).await
    }

    /// Only the first member of a batch carries the guard; the server holds the others to it.
    async fn append_group(&self, last_seq: u64, group: &[FeedMessage]) -> Result<u64, FeedError> {
        let Some((last, others)) = group.split_last() else {
            return Ok(last_seq);
        };
        let id = self.ids.next();
        let batched = |message, place: u64| {
            let mut headers = headers_of(message)?;
            headers.insert(NATS_BATCH_ID, id.as_str());
            headers.insert(NATS_BATCH_SEQUENCE, place.to_string());
            Ok::<_, FeedError>(headers)
        };
        let mut place = 1;
        for message in others {
            let mut headers = batched(message, place)?;
            if place == 1 {
                headers.insert(NATS_EXPECTED_LAST_SEQUENCE, last_seq.to_string());
            }
            let (subject, body) = (message.subject.clone(), message.body.clone());
            let sent = self
                .bus
                .client()
                .publish_with_headers(subject, headers, body)
                .await;
            sent.map_err(|error| {
                tracing::debug!(%error, "a message of the feed was not sent");
                ApiError::Unanswered {
                    subject: message.subject.clone(),
                    waited_ms: 0,
                }
            })?;
            place += 1;
        }
        let mut headers = batched(last, place)?;
        headers.insert(NATS_BATCH_COMMIT, NATS_BATCH_COMMIT_FINAL);
        self.commit(last, headers, last_seq, place).await
    }

    /// Sends the message that ends a group of `count`, and answers its sequence.
    async fn commit(
        &self,
        message: &FeedMessage,
        headers: HeaderMap,
        last_seq: u64,
        count: u64,
    ) -> Result<u64, FeedError> {
        let timeout = self.bus.request_timeout();
        let (subject, body) = (&message.subject, message.body.clone());
        let answer = self.bus.ask(subject, headers, body, timeout).await?;
        let ack =
            ack::read(STREAM_FEED, subject, &answer.payload).map_err(|error| match error.refusal_code() {
                Some(WRONG_LAST_SEQUENCE) => FeedError::Moved { expected: last_seq },
                Some(_) => FeedError::NotTaken { source: error },
                None => FeedError::Api(error),
            })?;
        let is_counted = count == 1 || ack.count == Some(count);
        if is_counted && ack.seq == last_seq.saturating_add(count) {
            return Ok(ack.seq);
        }
        Err(FeedError::Moved { expected: last_seq })
    }
}

/// No message id: the guard keeps repeats out, and an id would keep out what is published again after the stream was
/// emptied.
fn headers_of(message: &FeedMessage) -> Result<HeaderMap, FeedError> {
    let mut headers = HeaderMap::new();
    headers.insert(HeaderName::from_static(HEADER_CONTENT_TYPE), CONTENT_TYPE_EVENT);
    if let Some(signature) = &message.signature {
        let is_text = signature.bytes().all(|byte| byte.is_ascii_graphic());
        if !is_text {
            return Err(FeedError::Unsendable {
                leaf_index: message.place.leaf_index,
            });
        }
        headers.insert(HeaderName::from_static(HEADER_SIGNATURE), signature.as_str());
    }
    for (name, text) in message.place.headers() {
        headers.insert(HeaderName::from_static(name), text);
    }
    Ok(headers)
}
