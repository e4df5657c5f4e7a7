//! The projector's reader: every message of a stream, contiguous, in order.
//!
//! The position is the caller's alone. The server-side consumer is a disposable pipe: it acknowledges nothing, lives in
//! memory, and is made anew at the next sequence whenever anything about it is in doubt.

mod pipe;

use std::time::Duration;

use tokio::time::Instant;

use self::pipe::{Arrival, Pipe};
use crate::api::ApiError;
use crate::connection::Bus;
use crate::log::{Log, ReadError};
use crate::message::Stored;
use crate::stream::StreamError;

/// Most messages asked for at a time; twice as many fit into a subscription.
const BATCH_MAX: usize = 20_000;
/// Pause before a consumer that could not be made is tried again.
const RETRY_PAUSE: Duration = Duration::from_millis(20);
/// A message that breaks the connection this often is fetched singly: no client can parse its headers.
const LOSSES_MAX: u32 = 2;

/// What to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReaderSpec {
    /// The stream.
    pub stream: String,
    /// Sequence of the first message wanted: the ledger's last plus one.
    pub start_seq: u64,
    /// Messages asked for at a time, at most 20,000; from 5,000 on the server is at full speed.
    pub batch: usize,
}

/// Why reading cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum ReaderError {
    /// The request failed, and trying again is of no use.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// There is no such stream.
    #[error("stream {stream} does not exist")]
    Missing {
        /// The stream.
        stream: String,
    },
    /// Messages are missing from the stream.
    #[error("stream {stream} has a gap: message {expected} is missing, {found} follows")]
    Gap {
        /// The stream.
        stream: String,
        /// The sequence that should have come.
        expected: u64,
        /// The sequence that came.
        found: u64,
    },
    /// The stream ends before what was already read: it lost messages or is another stream.
    #[error("stream {stream} ends at {last_seq}, before message {read_seq} that was already read")]
    Behind {
        /// The stream.
        stream: String,
        /// Its last sequence.
        last_seq: u64,
        /// The last sequence read.
        read_seq: u64,
    },
    /// A message that was read is now another: sequences were used again.
    #[error("message {seq} of stream {stream} is not the one that was read")]
    Changed {
        /// The stream.
        stream: String,
        /// The sequence.
        seq: u64,
    },
}

/// Reads a stream from a position on, for ever.
#[derive(Debug)]
pub struct Reader {
    bus: Bus,
    log: Log,
    spec: ReaderSpec,
    pipe: Option<Pipe>,
    next_seq: u64,
    /// The last message handed out, to be compared with the stream whenever the pipe is made anew.
    last: Option<Stored>,
    /// Connections lost since the last message came.
    losses: u32,
}

/// What became of a failed step.
enum Setback {
    /// It passes by itself.
    Passing,
    /// It does not.
    Final(ReaderError),
}

impl Reader {
    /// Opens a reader. Nothing is acknowledged, and no other reader may use the same identity at the same time.
    ///
    /// # Errors
    /// [`ReaderError::Behind`] when the stream ends before `start_seq - 1`; [`ReaderError::Gap`] when it begins after
    /// `start_seq`.
    pub async fn open(bus: &Bus, spec: ReaderSpec) -> Result<Self, ReaderError> {
        let spec = ReaderSpec {
            batch: spec.batch.clamp(1, BATCH_MAX),
            start_seq: spec.start_seq.max(1),
            ..spec
        };
        let mut reader = Self {
            bus: bus.clone(),
            log: Log::of(bus, &spec.stream),
            next_seq: spec.start_seq,
            spec,
            pipe: None,
            last: None,
            losses: 0,
        };
        match reader.reopen().await {
            Ok(()) | Err(Setback::Passing) => Ok(reader),
            Err(Setback::Final(error)) => Err(error),
        }
    }

    /// Waits up to `wait` for the first message, then answers with what has come by then, at most `messages_max`; empty
    /// when nothing came. Sequences are contiguous, within an answer and from answer to answer. Lost connections and
    /// restarts of the server are survived. Giving up waiting (dropping the future) loses nothing.
    ///
    /// # Errors
    /// [`ReaderError::Gap`], [`ReaderError::Behind`], [`ReaderError::Changed`]: the stream is not what it was. Stop.
    pub async fn next(&mut self, messages_max: usize, wait: Duration) -> Result<Vec<Stored>, ReaderError> {
        let deadline = Instant::now().checked_add(wait);
        let mut batch = Vec::new();
        while batch.is_empty() {
            match self.fill(&mut batch, messages_max.max(1), deadline).await {
                Ok(()) => {}
                Err(Setback::Final(error)) => return Err(error),
                Err(Setback::Passing) => tokio::time::sleep(RETRY_PAUSE).await,
            }
            if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                break;
            }
        }
        if let Some(last) = batch.last() {
            self.last = Some(last.clone());
        }
        Ok(batch)
    }

    /// Sequence of the message that comes next.
    #[must_use]
    pub fn next_seq(&self) -> u64 {
        self.next_seq
    }

    /// Takes what has come; waits for one message if there is none.
    async fn fill(
        &mut self,
        batch: &mut Vec<Stored>,
        messages_max: usize,
        deadline: Option<Instant>,
    ) -> Result<(), Setback> {
        if self.pipe.is_none() {
            self.reopen().await?;
        }
        if self.losses >= LOSSES_MAX {
            self.step(batch).await?;
        }
        let Some(pipe) = &mut self.pipe else { return Ok(()) };
        let mut arrival = pipe.wait(deadline).await.map_err(setback)?;
        loop {
            match arrival {
                Arrival::Message(stored) if stored.seq == self.next_seq => {
                    self.next_seq = self.next_seq.saturating_add(1);
                    self.losses = 0;
                    batch.push(stored);
                }
                Arrival::Nothing => return Ok(()),
                // What is in hand is handed out before anything is waited for: a caller may give up waiting at any time,
                // and must not lose messages by it.
                _ if !batch.is_empty() => {
                    self.pipe = None;
                    return Ok(());
                }
                Arrival::Message(stored) => return self.out_of_order(&stored).await,
                Arrival::Lost => {
                    self.losses = self.losses.saturating_add(1);
                    self.pipe = None;
                    return Err(Setback::Passing);
                }
                Arrival::Broken => {
                    self.pipe = None;
                    return Err(Setback::Passing);
                }
            }
            if batch.len() >= messages_max {
                return Ok(());
            }
            let Some(pipe) = &mut self.pipe else { return Ok(()) };
            arrival = pipe.take().map_err(setback)?;
        }
    }

    /// A message that is not the next one. A pipe may have dropped some: only what a fresh pipe and the stream's leader say
    /// is a gap is one.
    async fn out_of_order(&mut self, stored: &Stored) -> Result<(), Setback> {
        let was_fresh = self.pipe.take().is_some_and(|pipe| pipe.starts_with(stored.seq));
        if stored.seq < self.next_seq || !was_fresh {
            return Ok(());
        }
        match self.log.get(self.next_seq).await {
            Ok(_) => Ok(()),
            Err(ReadError::Missing { stream, seq }) => Err(Setback::Final(ReaderError::Gap {
                stream,
                expected: seq,
                found: stored.seq,
            })),
            Err(ReadError::Api(error)) => Err(setback(error)),
        }
    }

    /// Fetches the next message singly.
    async fn step(&mut self, batch: &mut Vec<Stored>) -> Result<(), Setback> {
        self.losses = 0;
        match self.log.get(self.next_seq).await {
            Ok(stored) => {
                tracing::warn!(
                    seq = stored.seq,
                    "a message was fetched singly: it breaks the connection"
                );
                self.next_seq = self.next_seq.saturating_add(1);
                batch.push(stored);
                self.pipe = None;
                self.last = batch.last().cloned();
                Ok(())
            }
            Err(ReadError::Missing { .. }) => Ok(()),
            Err(ReadError::Api(error)) => Err(setback(error)),
        }
    }

    /// Makes the pipe anew at the next sequence, after checking that the stream still holds what was read.
    async fn reopen(&mut self) -> Result<(), Setback> {
        self.pipe = None;
        self.check_stream().await?;
        let pipe = Pipe::open(&self.bus, &self.spec.stream, self.next_seq, self.spec.batch).await;
        self.pipe = Some(pipe.map_err(setback)?);
        Ok(())
    }

    async fn check_stream(&self) -> Result<(), Setback> {
        let stream = self.spec.stream.clone();
        let read_seq = self.next_seq.saturating_sub(1);
        let identity = match self.bus.stream_identity_from(&stream, read_seq).await {
            Ok(identity) => identity,
            Err(StreamError::Api(error)) => return Err(setback(error)),
            Err(StreamError::Missing { .. } | StreamError::Drifted { .. }) => {
                return Err(Setback::Final(ReaderError::Missing { stream }));
            }
        };
        if identity.last_seq < read_seq {
            return Err(Setback::Final(ReaderError::Behind {
                stream,
                last_seq: identity.last_seq,
                read_seq,
            }));
        }
        if identity.first_seq > self.next_seq {
            let (expected, found) = (self.next_seq, identity.first_seq);
            return Err(Setback::Final(ReaderError::Gap {
                stream,
                expected,
                found,
            }));
        }
        let Some(last) = &self.last else { return Ok(()) };
        match self.log.get(last.seq).await {
            Ok(stored) if stored == *last => Ok(()),
            Ok(_) | Err(ReadError::Missing { .. }) => Err(Setback::Final(ReaderError::Changed {
                stream,
                seq: last.seq,
            })),
            Err(ReadError::Api(error)) => Err(setback(error)),
        }
    }
}

fn setback(error: ApiError) -> Setback {
    if error.is_transient() {
        tracing::debug!(%error, "the reader tries again");
        Setback::Passing
    } else {
        Setback::Final(error.into())
    }
}
