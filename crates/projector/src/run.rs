//! The loop: read ahead, write, sync, seal, sign; stop at the first contradiction.
//!
//! Three stages run at once: a batch is read while the one before it is written and the one before that is synced and
//! signed. Each stage hands over in order, so nothing overtakes.

use std::future::Future;
use std::pin::Pin;
use std::time::{Duration, Instant};

use portbook_bus::{
    Bus, Log, PublishError, Publisher, ReadError, Reader, ReaderError, ReaderSpec, Stored, StreamError,
};
use portbook_domain::InvalidText;
use portbook_fold::{Delivery, Sealed};
use portbook_ledger::{Origin, SecretKey, Seq};
use portbook_store::{StoreError, StoreReader};
use portbook_wire::JsonError;
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinError, spawn_blocking};

use crate::anchor::{AnchorError, check_anchor, check_head};
use crate::patience::patiently;
use crate::projector::{Batch, Projector, TakeError, Taken, Written};
use crate::seal::seal_request;
use crate::signer::{SignError, Signer, SignerParts};

/// Batches that wait between two stages: enough to hide the latency of stream and disk, few enough to bound memory.
const BATCHES_AHEAD: usize = 1;
/// Batches below this number of messages are read on one thread: a second one would cost more than it saves.
const SPLIT_FROM: usize = 512;
/// How often the stream's identity is looked at while running.
const IDENTITY_PERIOD: Duration = Duration::from_secs(5);

/// How a projector divides its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// Most messages folded into one commit.
    pub batch_messages_max: usize,
    /// How long a batch may wait for its first message.
    pub batch_wait: Duration,
    /// Seal when this many records are new.
    pub seal_records_max: u64,
    /// Seal when this long has passed since the last seal and there are new records.
    pub seal_interval: Duration,
}

/// What a running projector works with.
#[derive(Debug)]
pub struct RunParts {
    /// The connection.
    pub bus: Bus,
    /// Name of the ledger stream.
    pub stream: String,
    /// Publishes the seals.
    pub publisher: Publisher,
    /// The writing half of the ledger.
    pub projector: Projector,
    /// Signs the checkpoints, and under its key requests the seals.
    pub signer: SignerParts,
    /// How time is divided.
    pub pace: Pace,
    /// Where progress is told.
    pub position: watch::Sender<Position>,
}

/// How far a projector has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Position {
    /// Leaves recorded, which is the last sequence read.
    pub size: u64,
    /// Leaves covered by the newest published checkpoint.
    pub signed_size: u64,
    /// Whether messages are waiting: work beside the ledger stage should wait as well.
    pub behind: bool,
}

/// Why a projector stopped.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The stream is not what the ledger was made from.
    #[error(transparent)]
    Anchor(#[from] AnchorError),
    /// The stream cannot be read on.
    #[error(transparent)]
    Reader(#[from] ReaderError),
    /// The stream's identity could not be read.
    #[error(transparent)]
    Stream(#[from] StreamError),
    /// A batch could not be recorded.
    #[error(transparent)]
    Take(#[from] TakeError),
    /// The disk failed, or the book on it cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A checkpoint must not be signed.
    #[error(transparent)]
    Sign(#[from] SignError),
    /// A seal could not be published.
    #[error("could not publish a seal")]
    Seal(#[from] PublishError),
    /// A seal could not be written.
    #[error("could not write a seal")]
    SealText(#[from] JsonError),
    /// The origin cannot stand in a seal.
    #[error("could not write a seal")]
    SealField(#[from] InvalidText),
    /// A worker thread ended in a panic.
    #[error("a worker ended unexpectedly")]
    Worker(#[from] JoinError),
    /// An earlier stage is gone.
    #[error("reading the stream ended unexpectedly")]
    ReadingEnded,
}

/// Records, seals and signs until `shutdown` or the first contradiction.
///
/// # Errors
/// [`RunError`]: nothing is recorded after a contradiction in the stream, and nothing is signed after any.
pub async fn run(parts: RunParts, shutdown: impl Future<Output = ()>) -> Result<(), RunError> {
    tokio::pin!(shutdown);
    let (log_key, origin) = (parts.signer.key.secret().clone(), parts.signer.origin.clone());
    let signer = Box::pin(async {
        compare(&parts.bus, &parts.stream, &parts.projector).await?;
        Ok::<_, RunError>(Signer::open(parts.signer).await?)
    });
    // A server that is silent is waited for; who asks for the end does not wait with it.
    let signer = tokio::select! {
        signer = signer => signer?,
        () = &mut shutdown => return Ok(()),
    };
    let book = parts.projector.book();
    let unsigned = left_unsigned(&parts.projector, &signer)?;
    let spec = ReaderSpec {
        stream: parts.stream.clone(),
        start_seq: book.size() + 1,
        batch: parts.pace.batch_messages_max,
    };
    let sealed_size = book.last_seal.map_or(0, |seal| seal.size_through().get());
    let reader = Reader::open(&parts.bus, spec).await?;
    let (read, batches) = mpsc::channel(BATCHES_AHEAD);
    let (wrote, written) = mpsc::channel(BATCHES_AHEAD);
    let store = parts.projector.reader();
    let reading = tokio::spawn(read_ahead(reader, parts.pace, read));
    let writing = tokio::spawn(write_ahead(parts.projector, parts.pace, batches, wrote));
    let mut running = Running {
        sealed_at: Instant::now(),
        sealed_size,
        unsigned,
        seal_asked: None,
        looked_at: Instant::now(),
        store,
        bus: parts.bus,
        stream: parts.stream,
        publisher: parts.publisher,
        signer,
        log_key,
        origin,
        pace: parts.pace,
        position: parts.position,
    };
    let ended = running.go_on(written, shutdown).await;
    reading.abort();
    // The store is in its hands: whoever asked for the end may want to open it again.
    writing.await?;
    ended
}

/// Compares the ledger with its stream before anything is read.
pub(crate) async fn compare(bus: &Bus, stream: &str, projector: &Projector) -> Result<(), RunError> {
    let (log, book) = (Log::ledger(bus), projector.book());
    let compare = || async {
        let identity = bus.stream_identity_from(stream, book.size()).await?;
        check_anchor(&log, &identity, book).await?;
        Ok(check_head(&log, stream, &projector.reader()).await?)
    };
    patiently(RunError::is_silence, compare).await
}

impl RunError {
    /// Whether the server did not answer, which says nothing about the stream.
    pub(crate) fn is_silence(&self) -> bool {
        match self {
            Self::Stream(StreamError::Api(error))
            | Self::Anchor(AnchorError::Read(ReadError::Api(error))) => error.is_transient(),
            Self::Stream(_)
            | Self::Anchor(_)
            | Self::Reader(_)
            | Self::Take(_)
            | Self::Store(_)
            | Self::Sign(_)
            | Self::Seal(_)
            | Self::SealText(_)
            | Self::SealField(_)
            | Self::Worker(_)
            | Self::ReadingEnded => false,
        }
    }
}

/// The seal that was recorded but not signed when the process ended: nothing new may come that would bring another.
fn left_unsigned(projector: &Projector, signer: &Signer) -> Result<Option<Sealed>, StoreError> {
    let sealed = match projector.book().last_seal {
        Some(index) => projector.reader().sealed(index)?,
        None => None,
    };
    Ok(sealed.filter(|sealed| sealed.index.size_through() > signer.published().1))
}

async fn read_ahead(mut reader: Reader, pace: Pace, sender: mpsc::Sender<Result<Batch, RunError>>) {
    loop {
        let batch = next_batch(&mut reader, pace).await;
        let failed = batch.is_err();
        // An empty batch is passed on as well: it is the tick by which seals become due.
        if sender.send(batch).await.is_err() || failed {
            return;
        }
    }
}

/// A batch on its way through the last stage.
struct Underway {
    written: Written,
    /// Whether messages were waiting behind it.
    behind: bool,
}

async fn write_ahead(
    mut projector: Projector,
    pace: Pace,
    mut batches: mpsc::Receiver<Result<Batch, RunError>>,
    sender: mpsc::Sender<Result<Underway, RunError>>,
) {
    while let Some(batch) = batches.recv().await {
        let written = match batch {
            Ok(batch) => write(projector, batch, pace).await,
            Err(error) => Err(error),
        };
        let (underway, rest) = match written {
            Ok((rest, underway)) => (Ok(underway), Some(rest)),
            Err(error) => (Err(error), None),
        };
        let sent = sender.send(underway).await;
        match rest {
            Some(rest) if sent.is_ok() => projector = rest,
            Some(_) | None => return,
        }
    }
}

/// Writes `batch` on a thread of its own and gives the projector back.
async fn write(
    mut projector: Projector,
    batch: Batch,
    pace: Pace,
) -> Result<(Projector, Underway), RunError> {
    let behind = batch.len() >= pace.batch_messages_max;
    let written = spawn_blocking(move || {
        let written = projector.write(batch);
        (projector, written)
    });
    let (projector, written) = written.await?;
    let written = written?;
    Ok((projector, Underway { written, behind }))
}

async fn next_batch(reader: &mut Reader, pace: Pace) -> Result<Batch, RunError> {
    let stored = reader.next(pace.batch_messages_max, pace.batch_wait).await?;
    let mut front: Vec<Delivery> = stored.into_iter().filter_map(delivery_of).collect();
    if front.len() < SPLIT_FROM {
        return Ok(spawn_blocking(|| Batch::read(front)).await?);
    }
    let back = front.split_off(front.len() / 2);
    let (front, back) = (
        spawn_blocking(|| Batch::read(front)),
        spawn_blocking(|| Batch::read(back)),
    );
    Ok(front.await?.followed_by(back.await?))
}

struct Running {
    bus: Bus,
    stream: String,
    publisher: Publisher,
    store: StoreReader,
    signer: Signer,
    log_key: SecretKey,
    origin: Origin,
    pace: Pace,
    position: watch::Sender<Position>,
    sealed_at: Instant,
    sealed_size: u64,
    /// A seal that is recorded but not signed yet.
    unsigned: Option<Sealed>,
    /// Sequence of a seal that was published and has not come back yet.
    seal_asked: Option<u64>,
    looked_at: Instant,
}

impl Running {
    async fn go_on(
        &mut self,
        mut written: mpsc::Receiver<Result<Underway, RunError>>,
        mut shutdown: Pin<&mut impl Future<Output = ()>>,
    ) -> Result<(), RunError> {
        loop {
            let Underway { written, behind } = tokio::select! {
                underway = written.recv() => underway.ok_or(RunError::ReadingEnded)??,
                () = &mut shutdown => return Ok(()),
            };
            let taken: Taken = spawn_blocking(|| written.sync()).await??;
            if let Some(sealed) = taken.sealed {
                self.sealed_at = Instant::now();
                self.sealed_size = sealed.index.size_through().get();
                self.unsigned = Some(sealed);
            }
            self.sign().await?;
            self.seal_if_due(taken.size.get()).await?;
            self.look_at_stream().await?;
            let signed_size = self.signer.published().1.get();
            let position = Position {
                size: taken.size.get(),
                signed_size,
                behind,
            };
            self.position.send_replace(position);
        }
    }

    /// Signs the newest seal. A server that is away is no contradiction: signing waits, recording goes on.
    async fn sign(&mut self) -> Result<(), RunError> {
        let Some(sealed) = self.unsigned.take() else {
            return Ok(());
        };
        match self.signer.sign(&sealed).await {
            Err(error) if error.is_transient() => {
                tracing::warn!(%error, "signing waits for the checkpoint register");
                self.unsigned = Some(sealed);
                Ok(())
            }
            signed => Ok(signed?),
        }
    }

    async fn seal_if_due(&mut self, size: u64) -> Result<(), RunError> {
        if self.seal_asked.is_some_and(|seq| size >= seq) {
            self.seal_asked = None;
        }
        let fresh = size - self.sealed_size.min(size);
        let due = fresh >= self.pace.seal_records_max || self.sealed_at.elapsed() >= self.pace.seal_interval;
        if fresh == 0 || !due || self.seal_asked.is_some() {
            return Ok(());
        }
        let (published, published_size) = self.signer.published();
        let outgoing = seal_request(&self.origin, &self.log_key, published, published_size)?;
        match self.publisher.publish(outgoing).await {
            Ok(appended) => self.seal_asked = Some(appended.seq),
            // The same bytes are offered again at the next tick.
            Err(error @ PublishError::Unacknowledged { .. }) => {
                tracing::warn!(%error, "sealing waits for the stream");
            }
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    async fn look_at_stream(&mut self) -> Result<(), RunError> {
        if self.looked_at.elapsed() < IDENTITY_PERIOD {
            return Ok(());
        }
        self.looked_at = Instant::now();
        // Before the stream is asked: what is recorded while it answers is no reason to call it short.
        let book = self.store.book()?;
        match self.bus.stream_identity_from(&self.stream, book.size()).await {
            Ok(identity) => match check_anchor(&Log::ledger(&self.bus), &identity, &book).await {
                Err(AnchorError::Read(ReadError::Api(error))) if error.is_transient() => Ok(()),
                checked => Ok(checked?),
            },
            // Looked at again when the server is back.
            Err(StreamError::Api(error)) if error.is_transient() => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

/// Sequences start at 1; a message without one cannot come from a stream.
pub(crate) fn delivery_of(stored: Stored) -> Option<Delivery> {
    Some(Delivery {
        seq: Seq::new(stored.seq)?,
        recorded_at_ns: stored.time_ns,
        subject: stored.subject,
        signature: stored.signature,
        body: stored.body,
    })
}
