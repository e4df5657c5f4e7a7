//! The verified feed, published beside the ledger stage: sealed, signed events from the store, in the order of the ledger.
//!
//! Only what a published checkpoint covers and whose signature was checked is fed, so the feed is never ahead of the disk
//! and every message names the checkpoint that covers it. The position is the feed's own last message: after a crash, after a
//! lost answer and after the stream was made again, publishing goes on behind it. What an event's message says is a
//! function of the ledger and its published checkpoints, so a feed that is made again says the same.

mod group;

use std::future::Future;
use std::time::{Duration, Instant};

use portbook_bus::{Bus, Feed, FeedEnd, FeedError as BusError};
use portbook_ledger::{Index, Leaf, leaf_hash};
use portbook_store::{LedgerDirectory, StoreError, StoreReader};
use portbook_wire::feed::FeedPlace;
use tokio::sync::watch;
use tokio::task::{JoinError, spawn_blocking};
use tokio::time::sleep;

use self::group::{Checkpoints, Group};
use crate::run::Position;

/// How often the feed looks whether signatures were checked or the ledger stage has caught up.
const LOOK_PAUSE: Duration = Duration::from_millis(50);
/// How often a feed that has nothing to do looks whether it is still what it was: it may be made again at any time.
const END_PERIOD: Duration = Duration::from_secs(1);
/// Pause before the stream is asked again after an error that passes.
const RETRY_PAUSE: Duration = Duration::from_millis(500);

/// What the feed works with.
#[derive(Debug)]
pub struct FeedParts {
    /// The connection.
    pub bus: Bus,
    /// The ledger's files: the published checkpoints are among them.
    pub directory: LedgerDirectory,
    /// The ledger's store.
    pub reader: StoreReader,
    /// How far the ledger stage has come.
    pub ledger: watch::Receiver<Position>,
    /// Where progress is told.
    pub position: watch::Sender<FeedPosition>,
}

/// How far the feed has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FeedPosition {
    /// Leaves the feed has passed: it holds every event among them.
    pub passed: u64,
    /// Sequence of the last message of the feed.
    pub last_seq: u64,
    /// Leaves that are recorded and not passed, seals among them.
    pub waiting: u64,
    /// When the first of the waiting leaves was recorded, nanoseconds since 1970-01-01T00:00:00Z.
    pub waiting_since_ns: Option<u64>,
}

/// Why the feed stopped. The ledger stage goes on without it.
#[derive(Debug, thiserror::Error)]
pub enum FeedError {
    /// The stream took or gave something it should not.
    #[error(transparent)]
    Bus(#[from] BusError),
    /// The store could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The feed was made from another ledger, or this one was.
    #[error("the feed ends with leaf {index} of hash {fed}; this ledger has {recorded} there")]
    Contradiction {
        /// Leaf of the feed's last message.
        index: u64,
        /// Its hash as the feed has it.
        fed: String,
        /// Its hash in this ledger.
        recorded: String,
    },
    /// A leaf is not what the format says.
    #[error("leaf {index} cannot be read")]
    Leaf {
        /// Its index.
        index: u64,
    },
    /// A worker thread ended in a panic.
    #[error("a worker ended unexpectedly")]
    Worker(#[from] JoinError),
}

impl FeedError {
    fn is_transient(&self) -> bool {
        match self {
            Self::Bus(error) => error.is_transient(),
            Self::Store(_) | Self::Contradiction { .. } | Self::Leaf { .. } | Self::Worker(_) => false,
        }
    }
}

/// Publishes the feed until `shutdown` or the end of the ledger stage.
///
/// # Errors
/// [`FeedError`] when going on would publish something else than the ledger.
pub async fn feed(parts: FeedParts, shutdown: impl Future<Output = ()>) -> Result<(), FeedError> {
    let mut feeding = Feeding {
        feed: Feed::new(&parts.bus),
        checkpoints: Checkpoints::new(parts.reader.clone(), parts.directory),
        reader: parts.reader,
        ledger: parts.ledger,
        position: parts.position,
        here: None,
        looked_at: Instant::now(),
    };
    tokio::select! {
        ended = feeding.go_on() => ended,
        () = shutdown => Ok(()),
    }
}

struct Feeding {
    feed: Feed,
    /// Taken along by the worker thread that reads the next group.
    checkpoints: Checkpoints,
    reader: StoreReader,
    ledger: watch::Receiver<Position>,
    position: watch::Sender<FeedPosition>,
    /// Where the feed stands; unknown at the start and after every error.
    here: Option<Here>,
    /// When the stream was asked last where the feed ends.
    looked_at: Instant,
}

/// The end of the feed, and the next leaf to look at.
struct Here {
    end: FeedEnd,
    next: u64,
}

impl Feeding {
    /// Ends only with an error, or with the ledger stage.
    async fn go_on(&mut self) -> Result<(), FeedError> {
        let mut troubled = false;
        while self.ledger.has_changed().is_ok() {
            match self.step().await {
                Ok(Step::Published) => troubled = false,
                Ok(Step::Waiting) => sleep(LOOK_PAUSE).await,
                Err(error) if error.is_transient() => {
                    if !troubled {
                        tracing::warn!(%error, "the feed waits for its stream");
                    }
                    troubled = true;
                    self.here = None;
                    sleep(RETRY_PAUSE).await;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    async fn step(&mut self) -> Result<Step, FeedError> {
        let ledger = *self.ledger.borrow_and_update();
        let Here { end, next } = match self.here.take() {
            Some(here) => here,
            None => self.find_end().await?,
        };
        // Signatures are checked when the ledger stage has nothing to do, so the feed keeps out of its way as well.
        let through = ledger.signed_size.min(self.reader.verdict_position()?);
        if next >= through {
            self.tell(ledger, &end, next)?;
            if self.looked_at.elapsed() < END_PERIOD || self.ask_end().await? == end {
                self.here = Some(Here { end, next });
            }
            return Ok(Step::Waiting);
        }
        self.check_end(&end)?;
        let (reader, mut checkpoints) = (self.reader.clone(), self.checkpoints.clone());
        let read = spawn_blocking(move || {
            checkpoints.reach(next, ledger.signed_size)?;
            let group = Group::read(&reader, &mut checkpoints, next, through)?;
            Ok::<_, FeedError>((group, checkpoints))
        });
        let (group, checkpoints) = read.await??;
        self.checkpoints = checkpoints;
        let end = self.feed.append(end, &group.messages).await?;
        self.tell(ledger, &end, group.next)?;
        self.here = Some(Here {
            end,
            next: group.next,
        });
        Ok(Step::Published)
    }

    async fn find_end(&mut self) -> Result<Here, FeedError> {
        let end = self.ask_end().await?;
        let next = end
            .last
            .as_ref()
            .map_or(0, |last| last.leaf_index.saturating_add(1));
        tracing::info!(leaf = next, "the feed goes on");
        Ok(Here { end, next })
    }

    async fn ask_end(&mut self) -> Result<FeedEnd, FeedError> {
        self.looked_at = Instant::now();
        Ok(self.feed.end().await?)
    }

    /// The feed must end with a leaf of this ledger. A ledger that is being replayed gets there first.
    fn check_end(&self, end: &FeedEnd) -> Result<(), FeedError> {
        let Some(FeedPlace {
            leaf_index,
            leaf_hash: fed,
            ..
        }) = &end.last
        else {
            return Ok(());
        };
        let leaf = Index::new(*leaf_index)
            .map(|index| self.reader.leaf(index))
            .transpose()?
            .flatten();
        let leaf = leaf.ok_or(FeedError::Leaf { index: *leaf_index })?;
        let recorded = leaf_hash(&leaf).to_hex();
        if recorded == fed.as_str() {
            return Ok(());
        }
        Err(FeedError::Contradiction {
            index: *leaf_index,
            fed: fed.to_string(),
            recorded,
        })
    }

    fn tell(&self, ledger: Position, end: &FeedEnd, passed: u64) -> Result<(), FeedError> {
        let waiting_since_ns = if passed < ledger.size {
            self.recorded_at(passed)?
        } else {
            None
        };
        self.position.send_replace(FeedPosition {
            passed,
            last_seq: end.last_seq,
            waiting: ledger.size.saturating_sub(passed),
            waiting_since_ns,
        });
        Ok(())
    }

    fn recorded_at(&self, index: u64) -> Result<Option<u64>, FeedError> {
        let leaf = Index::new(index)
            .map(|index| self.reader.leaf(index))
            .transpose()?;
        let Some(leaf) = leaf.flatten() else {
            return Ok(None);
        };
        match Leaf::decode(&leaf) {
            Ok(Leaf::Record(record)) => Ok(Some(record.recorded_at_ns)),
            Ok(Leaf::Seal(seal)) => Ok(Some(seal.sealed_at_ns)),
            Err(_) => Err(FeedError::Leaf { index }),
        }
    }
}

enum Step {
    Published,
    Waiting,
}
