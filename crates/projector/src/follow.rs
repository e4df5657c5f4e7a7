//! Following a stream into a ledger without signing: how a restored ledger is filled again, and how a standby keeps up.

use std::time::Duration;

use portbook_bus::{Bus, Log, ReadError, Reader, ReaderSpec, StreamError};
use portbook_fold::Book;
use portbook_store::StoreReader;
use tokio::task::spawn_blocking;

use crate::anchor::{AnchorError, check_anchor};
use crate::projector::{Batch, Projector};
use crate::run::{RunError, compare, delivery_of};

/// Records a stream and does nothing else.
#[derive(Debug)]
pub struct Follower {
    bus: Bus,
    stream: String,
    reader: Reader,
    /// Taken out while a worker thread records with it.
    projector: Option<Projector>,
    batch_messages_max: usize,
}

impl Follower {
    /// Goes on where `projector` ends, after comparing its ledger with the stream.
    ///
    /// # Errors
    /// [`RunError`] when the stream is not the one the ledger was made from.
    pub async fn open(
        bus: &Bus,
        stream: &str,
        projector: Projector,
        batch_messages_max: usize,
    ) -> Result<Self, RunError> {
        compare(bus, stream, &projector).await?;
        let spec = ReaderSpec {
            stream: stream.to_owned(),
            start_seq: projector.book().size() + 1,
            batch: batch_messages_max,
        };
        Ok(Self {
            reader: Reader::open(bus, spec).await?,
            bus: bus.clone(),
            stream: stream.to_owned(),
            projector: Some(projector),
            batch_messages_max,
        })
    }

    /// Records what comes within `wait`; answers the size of the ledger. Dropping the future before it has recorded loses
    /// nothing; after that it must be waited for.
    ///
    /// # Errors
    /// [`RunError`]: nothing was recorded after what it names.
    pub async fn step(&mut self, wait: Duration) -> Result<u64, RunError> {
        let stored = self.reader.next(self.batch_messages_max, wait).await?;
        let mut projector = self.projector.take().ok_or(RunError::ReadingEnded)?;
        let recorded = spawn_blocking(move || {
            let batch = Batch::read(stored.into_iter().filter_map(delivery_of).collect());
            let taken = projector.take(batch);
            (projector, taken)
        });
        let (projector, taken) = recorded.await?;
        self.projector = Some(projector);
        Ok(taken?.size.get())
    }

    /// Compares the stream with the ledger once more.
    ///
    /// # Errors
    /// As [`Follower::open`]. A server that is away is no contradiction.
    pub async fn look_at_stream(&self) -> Result<(), RunError> {
        let book = self.book()?;
        let identity = match self.bus.stream_identity_from(&self.stream, book.size()).await {
            Ok(identity) => identity,
            Err(StreamError::Api(error)) if error.is_transient() => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        match check_anchor(&Log::ledger(&self.bus), &identity, book).await {
            Err(AnchorError::Read(ReadError::Api(error))) if error.is_transient() => Ok(()),
            checked => Ok(checked?),
        }
    }

    /// State of the ledger.
    ///
    /// # Errors
    /// [`RunError::ReadingEnded`] after a step that was given up while it recorded.
    pub fn book(&self) -> Result<&Book, RunError> {
        Ok(self.projector.as_ref().ok_or(RunError::ReadingEnded)?.book())
    }

    /// A reading end of the ledger.
    ///
    /// # Errors
    /// As [`Follower::book`].
    pub fn ledger(&self) -> Result<StoreReader, RunError> {
        Ok(self.projector.as_ref().ok_or(RunError::ReadingEnded)?.reader())
    }

    /// The projector, which may go on to sign.
    ///
    /// # Errors
    /// As [`Follower::book`].
    pub fn into_projector(self) -> Result<Projector, RunError> {
        self.projector.ok_or(RunError::ReadingEnded)
    }
}
