//! Reads the feed without a consumer: any number of readers, each of which holds nothing but its own position.

use std::collections::BTreeSet;
use std::time::Duration;

use async_nats::{HeaderMap, Message};
use bytes::Bytes;
use portbook_domain::PortCode;
use portbook_wire::TypeName;
use portbook_wire::feed::{FeedPlace, FeedTopic};
use portbook_wire::subject::{HEADER_SIGNATURE, STREAM_FEED, feed_filter};
use tokio::time::{Instant, sleep};

use super::{Feed, FeedError};
use crate::api::ApiError;
use crate::connection::Bus;
use crate::log::Log;
use crate::message::{RawMessage, Stored, parse_headers};

/// How often a reader at the end of the feed asks whether it has grown.
const END_PAUSE: Duration = Duration::from_millis(100);

/// A message of the feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fed {
    /// Sequence in the feed stream, from 1.
    pub seq: u64,
    /// When the feed stream stored it, nanoseconds since 1970-01-01T00:00:00Z.
    pub time_ns: u64,
    /// `portbook.feed.<port>.<entity>.<verb>.<case>`.
    pub subject: String,
    /// Text of the signature header.
    pub signature: Option<String>,
    /// Its place in the ledger, as the headers have it.
    pub place: FeedPlace,
    /// The event, byte for byte as published.
    pub body: Bytes,
}

/// Which events a reader wants. An empty set lets everything through.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FeedFilter {
    /// Ports, after the alias table.
    pub ports: BTreeSet<PortCode>,
    /// Types, without version.
    pub types: BTreeSet<TypeName>,
}

/// Reads the feed from a leaf on, in order, and waits at its end.
#[derive(Debug)]
pub struct FeedReader {
    bus: Bus,
    log: Log,
    filter: FeedFilter,
    subject: String,
    /// Sequence of the next message to look at.
    next_seq: u64,
    /// First leaf that was not read.
    next_leaf: u64,
    /// When the stream was created: one that was made again counts from 1.
    created: String,
}

impl Fed {
    pub(crate) fn from_raw(raw: RawMessage) -> Result<Self, FeedError> {
        let headers = raw.headers();
        let malformed = || ApiError::Malformed {
            subject: STREAM_FEED.to_owned(),
            rule: "a stored message in base64",
        };
        let stored = Stored::from_raw(raw).ok_or_else(malformed)?;
        Self::of(stored, headers.and_then(|block| parse_headers(&block)).as_ref())
    }

    fn from_direct(message: Message) -> Result<Self, FeedError> {
        let headers = message.headers.clone();
        let malformed = || ApiError::Malformed {
            subject: STREAM_FEED.to_owned(),
            rule: "a stored message with its place",
        };
        let stored = Stored::from_direct(message).ok_or_else(malformed)?;
        Self::of(stored, headers.as_ref())
    }

    fn of(stored: Stored, headers: Option<&HeaderMap>) -> Result<Self, FeedError> {
        let text = |name: &'static str| Some(headers?.get(name)?.as_str());
        let place = FeedPlace::read(text).map_err(|source| FeedError::Foreign {
            seq: stored.seq,
            source,
        })?;
        Ok(Self {
            seq: stored.seq,
            time_ns: stored.time_ns,
            subject: stored.subject,
            signature: text(HEADER_SIGNATURE).map(str::to_owned),
            place,
            body: stored.body,
        })
    }
}

impl FeedFilter {
    /// What the server is asked for: it takes one filter, so of several ports or types it sends all.
    fn subject(&self) -> String {
        let port = self.ports.first().filter(|_| self.ports.len() == 1);
        let type_name = self.types.first().filter(|_| self.types.len() == 1);
        feed_filter(port, type_name)
    }

    /// Whether an event on this subject is wanted.
    #[must_use]
    pub fn lets_through(&self, subject: &str) -> bool {
        let Some(topic) = FeedTopic::of(subject) else {
            return false;
        };
        let has_port = self.ports.iter().any(|port| port.as_str() == topic.port);
        let has_type = self.types.iter().any(|name| name.as_str() == topic.type_name);
        (self.ports.is_empty() || has_port) && (self.types.is_empty() || has_type)
    }
}

impl FeedReader {
    /// A reader that begins with the first event at or behind leaf `from_leaf`.
    ///
    /// # Errors
    /// [`FeedError::Stream`] when there is no feed, [`FeedError::Gone`] when it does not reach back that far.
    pub async fn open(bus: &Bus, filter: FeedFilter, from_leaf: u64) -> Result<Self, FeedError> {
        let mut reader = Self {
            bus: bus.clone(),
            log: Log::feed(bus),
            subject: filter.subject(),
            filter,
            next_seq: 1,
            next_leaf: from_leaf,
            created: String::new(),
        };
        reader.find_place().await?;
        Ok(reader)
    }

    /// A reader that begins with what is fed next.
    ///
    /// # Errors
    /// As [`FeedReader::open`].
    pub async fn at_end(bus: &Bus, filter: FeedFilter) -> Result<Self, FeedError> {
        let last = Feed::new(bus).end().await?.last;
        let next_leaf = last.map_or(0, |last| last.leaf_index.saturating_add(1));
        Self::open(bus, filter, next_leaf).await
    }

    /// First leaf that was not read yet: where another reader would go on.
    #[must_use]
    pub const fn next_leaf(&self) -> u64 {
        self.next_leaf
    }

    /// Reads on: up to `messages_max` messages are looked at, and those that are wanted are given. Waits up to `wait`
    /// while the feed has nothing further; nothing is given when that was in vain.
    ///
    /// # Errors
    /// [`FeedError`]; after a transient one the same call goes on where the reader was.
    pub async fn next(&mut self, messages_max: usize, wait: Duration) -> Result<Vec<Fed>, FeedError> {
        let started = Instant::now();
        loop {
            let page = self.page(messages_max).await?;
            let at_end = page.is_empty();
            let wanted = self.take(page).await?;
            if !wanted.is_empty() {
                return Ok(wanted);
            }
            if at_end {
                if started.elapsed() >= wait {
                    return Ok(Vec::new());
                }
                sleep(END_PAUSE).await;
                self.look_at_stream().await?;
            }
        }
    }

    async fn page(&self, messages_max: usize) -> Result<Vec<Fed>, FeedError> {
        let messages = self
            .log
            .messages_from(self.next_seq, &self.subject, messages_max)
            .await?;
        messages.into_iter().map(Fed::from_direct).collect()
    }

    /// Moves on behind `page` and gives what is wanted of it.
    async fn take(&mut self, page: Vec<Fed>) -> Result<Vec<Fed>, FeedError> {
        let (Some(first), Some(last)) = (page.first(), page.last()) else {
            return Ok(page);
        };
        if first.seq > self.next_seq {
            self.check_kept().await?;
        }
        self.next_seq = last.seq.saturating_add(1);
        self.next_leaf = last.place.leaf_index.saturating_add(1);
        Ok(page
            .into_iter()
            .filter(|fed| self.filter.lets_through(&fed.subject))
            .collect())
    }

    /// A filter skips messages as well, so a jump alone is no loss.
    async fn check_kept(&self) -> Result<(), FeedError> {
        let identity = self.bus.stream_identity(STREAM_FEED).await?;
        if identity.first_seq <= self.next_seq {
            return Ok(());
        }
        Err(FeedError::Gone {
            wanted_leaf: self.next_leaf,
            first_leaf: self.leaf_at(identity.first_seq).await?,
        })
    }

    /// A stream that was made again is read from the leaf where the reader was.
    async fn look_at_stream(&mut self) -> Result<(), FeedError> {
        let identity = self.bus.stream_identity(STREAM_FEED).await?;
        let is_emptied = identity.messages == 0 && identity.last_seq >= self.next_seq;
        if identity.created != self.created || is_emptied {
            self.find_place().await?;
        }
        Ok(())
    }

    /// Finds the first message at or behind the next leaf: leaf indexes grow along the stream, so by halves.
    async fn find_place(&mut self) -> Result<(), FeedError> {
        let identity = self.bus.stream_identity(STREAM_FEED).await?;
        self.created = identity.created;
        let (mut low, mut high) = (identity.first_seq.max(1), identity.last_seq.saturating_add(1));
        if identity.messages == 0 {
            self.next_seq = high;
            return Ok(());
        }
        if low > 1 {
            let first_leaf = self.leaf_at(low).await?;
            if first_leaf > self.next_leaf {
                return Err(FeedError::Gone {
                    wanted_leaf: self.next_leaf,
                    first_leaf,
                });
            }
        }
        while low < high {
            let middle = low.midpoint(high);
            if self.leaf_at(middle).await? < self.next_leaf {
                low = middle.saturating_add(1);
            } else {
                high = middle;
            }
        }
        self.next_seq = low;
        Ok(())
    }

    async fn leaf_at(&self, seq: u64) -> Result<u64, FeedError> {
        let raw = self.log.get_raw(seq).await?;
        Ok(Fed::from_raw(raw)?.place.leaf_index)
    }
}
