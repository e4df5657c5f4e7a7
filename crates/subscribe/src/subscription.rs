//! A subscription: one event after the other, from a leaf on, for as long as it is asked.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use portbook_bus::{Bus, Fed, FeedError, FeedFilter, FeedReader};
use portbook_wire::feed::FeedTopic;
use tokio::time::{Instant, sleep};

use crate::verified::{Mismatch, Verified};

/// Messages looked at with one request.
const PAGE_MESSAGES_MAX: usize = 500;
/// Pause before a server that is away is asked again.
const RETRY_PAUSE: Duration = Duration::from_millis(200);

/// Reads events from the feed.
#[derive(Debug)]
pub struct Subscription {
    reader: FeedReader,
    ready: VecDeque<Fed>,
    /// First leaf that was not given yet.
    next_leaf: u64,
    /// Leaf and hash of the last record of each port that was given.
    heads: BTreeMap<String, (u64, String)>,
}

/// Why a subscription cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum SubscribeError {
    /// The feed cannot be read.
    #[error(transparent)]
    Feed(#[from] FeedError),
    /// A message is not the leaf it claims to be.
    #[error("message {seq} of the feed is not leaf {leaf} of the ledger")]
    Changed {
        /// Its sequence in the feed.
        seq: u64,
        /// The leaf it claims to be.
        leaf: u64,
        /// What differs.
        #[source]
        source: Mismatch,
    },
    /// An event came out of order.
    #[error("leaf {found} came where leaf {expected} or a later one was due")]
    Order {
        /// First leaf that was due.
        expected: u64,
        /// Leaf that came.
        found: u64,
    },
    /// The chain of a port does not hold together.
    #[error("leaf {leaf} of {port} follows leaf {prev}, but names another hash of it than the feed gave")]
    Link {
        /// The port.
        port: String,
        /// The leaf.
        leaf: u64,
        /// The leaf before it in the chain of the port.
        prev: u64,
    },
}

impl Subscription {
    /// Subscribes to the events that `filter` lets through, from leaf `from_leaf` on: 0, or what
    /// [`Subscription::next_leaf`] said before.
    ///
    /// # Errors
    /// [`FeedError::Gone`] when the feed does not reach back that far.
    pub async fn open(bus: &Bus, filter: FeedFilter, from_leaf: u64) -> Result<Self, SubscribeError> {
        Ok(Self {
            reader: FeedReader::open(bus, filter, from_leaf).await?,
            ready: VecDeque::new(),
            next_leaf: from_leaf,
            heads: BTreeMap::new(),
        })
    }

    /// Subscribes to what is fed from now on.
    ///
    /// # Errors
    /// [`SubscribeError::Feed`] when the feed cannot be read.
    pub async fn at_end(bus: &Bus, filter: FeedFilter) -> Result<Self, SubscribeError> {
        let reader = FeedReader::at_end(bus, filter).await?;
        Ok(Self {
            next_leaf: reader.next_leaf(),
            reader,
            ready: VecDeque::new(),
            heads: BTreeMap::new(),
        })
    }

    /// The next event; nothing when none came within `wait`. A server that is away is waited for as well.
    ///
    /// # Errors
    /// [`SubscribeError`]; nothing is skipped, so the same call gives the same error again.
    pub async fn next(&mut self, wait: Duration) -> Result<Option<Verified>, SubscribeError> {
        let started = Instant::now();
        while self.ready.is_empty() {
            let left = wait.saturating_sub(started.elapsed());
            match self.reader.next(PAGE_MESSAGES_MAX, left).await {
                Ok(page) => self.ready.extend(page),
                Err(error) if error.is_transient() => {
                    tracing::debug!(%error, "the feed is waited for");
                    sleep(RETRY_PAUSE.min(left)).await;
                }
                Err(error) => return Err(error.into()),
            }
            if self.ready.is_empty() && started.elapsed() >= wait {
                return Ok(None);
            }
        }
        let Some(fed) = self.ready.front() else {
            return Ok(None);
        };
        let verified = self.check(fed)?;
        self.ready.pop_front();
        self.next_leaf = verified.place.leaf_index.saturating_add(1);
        let head = (verified.place.leaf_index, verified.place.leaf_hash.to_string());
        self.heads.insert(verified.port.clone(), head);
        Ok(Some(verified))
    }

    /// Where to go on from: the leaf behind the last event that was given.
    #[must_use]
    pub const fn next_leaf(&self) -> u64 {
        self.next_leaf
    }

    fn check(&self, fed: &Fed) -> Result<Verified, SubscribeError> {
        let place = &fed.place;
        if place.leaf_index < self.next_leaf {
            return Err(SubscribeError::Order {
                expected: self.next_leaf,
                found: place.leaf_index,
            });
        }
        let port = FeedTopic::of(&fed.subject).map_or("", |topic| topic.port);
        if let (Some(prev), Some((head, hash))) = (place.prev_index, self.heads.get(port))
            && prev == *head
            && place.prev_hash.as_str() != hash
        {
            return Err(SubscribeError::Link {
                port: port.to_owned(),
                leaf: place.leaf_index,
                prev,
            });
        }
        Verified::check(fed.clone()).map_err(|source| SubscribeError::Changed {
            seq: fed.seq,
            leaf: place.leaf_index,
            source,
        })
    }
}
