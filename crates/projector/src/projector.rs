//! From messages to a durable ledger: read, look up, fold, commit. The recovery path is the same path.

use portbook_fold::{Book, Delivery, FoldError, Known, Original, Reading, Sealed, fold, read_all};
use portbook_ledger::{Leaf, Size};
use portbook_store::{Store, StoreError, StoreReader, Unsynced};

/// The writing half of a ledger.
#[derive(Debug)]
pub struct Projector {
    store: Store,
}

/// Messages of the stream, read. That needs no ledger, so the next batch is read while one is recorded.
#[derive(Debug)]
pub struct Batch {
    deliveries: Vec<Delivery>,
    /// One for each delivery.
    readings: Vec<Reading>,
}

/// What one batch did.
#[derive(Debug, Clone)]
pub struct Taken {
    /// Size of the ledger after it.
    pub size: Size,
    /// The last seal in it.
    pub sealed: Option<Sealed>,
}

/// A batch that is written and would not yet survive power loss.
#[derive(Debug)]
pub struct Written {
    taken: Taken,
    /// Nothing, when every message of the batch was recorded before.
    unsynced: Option<Unsynced>,
}

impl Written {
    /// Returns once the batch would survive power loss. The next one may be written meanwhile.
    ///
    /// # Errors
    /// [`StoreError`] when the disk failed; that is never tried again.
    pub fn sync(self) -> Result<Taken, StoreError> {
        self.unsynced.map_or(Ok(()), Unsynced::sync)?;
        Ok(self.taken)
    }
}

/// Why a batch was not recorded.
#[derive(Debug, thiserror::Error)]
pub enum TakeError {
    /// The messages contradict the ledger.
    #[error(transparent)]
    Fold(#[from] FoldError),
    /// The store could not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Batch {
    /// Reads consecutive messages.
    #[must_use]
    pub fn read(deliveries: Vec<Delivery>) -> Self {
        let readings = read_all(&deliveries);
        Self { deliveries, readings }
    }

    /// This batch and `next`, which continues it.
    #[must_use]
    pub fn followed_by(mut self, next: Self) -> Self {
        self.deliveries.extend(next.deliveries);
        self.readings.extend(next.readings);
        self
    }

    /// Number of messages.
    #[must_use]
    pub fn len(&self) -> usize {
        self.deliveries.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.deliveries.is_empty()
    }
}

impl Projector {
    /// A projector that continues `store`.
    #[must_use]
    pub const fn new(store: Store) -> Self {
        Self { store }
    }

    /// The store, to be continued by another.
    #[must_use]
    pub fn into_store(self) -> Store {
        self.store
    }

    /// State after the last batch.
    #[must_use]
    pub const fn book(&self) -> &Book {
        self.store.book()
    }

    /// A reading end of the ledger.
    #[must_use]
    pub fn reader(&self) -> StoreReader {
        self.store.reader()
    }

    /// Records a batch, which must continue the ledger, and returns once it would survive power loss.
    ///
    /// # Errors
    /// As [`Projector::write`] and [`Written::sync`].
    pub fn take(&mut self, batch: Batch) -> Result<Taken, TakeError> {
        Ok(self.write(batch)?.sync()?)
    }

    /// Writes a batch, which must continue the ledger. It counts once it is synced.
    ///
    /// Messages the ledger has already are dropped: reading a little too much is how a restart goes on.
    ///
    /// # Errors
    /// [`TakeError::Fold`] when a message is missing or cannot follow; nothing of the batch is recorded then.
    pub fn write(&mut self, batch: Batch) -> Result<Written, TakeError> {
        let Batch {
            deliveries,
            mut readings,
        } = batch;
        let size = self.store.book().size();
        let seen = deliveries.partition_point(|delivery| delivery.seq.get() <= size);
        let fresh = deliveries.get(seen..).unwrap_or_default();
        if fresh.is_empty() {
            return Ok(self.written(None, None));
        }
        readings.drain(..seen);
        let known = self.known(&readings)?;
        let commit = fold(self.store.book(), fresh, readings, &known)?;
        let sealed = commit.seals.last().cloned();
        let unsynced = self.store.write(commit)?;
        Ok(self.written(sealed, Some(unsynced)))
    }

    fn written(&self, sealed: Option<Sealed>, unsynced: Option<Unsynced>) -> Written {
        let size = self.store.book().frontier.size();
        Written {
            taken: Taken { size, sealed },
            unsynced,
        }
    }

    fn known(&self, readings: &[Reading]) -> Result<Known, StoreError> {
        let mut known = Known::new();
        let reader = self.store.reader();
        for reading in readings {
            let Reading::Event(event) = reading else { continue };
            let Some(index) = self.store.event(&event.key)? else {
                continue;
            };
            let missing = || StoreError::LeafMissing {
                index: index.get(),
                size: self.store.book().size(),
            };
            let leaf = reader.leaf(index)?.ok_or_else(missing)?;
            let Ok(Leaf::Record(record)) = Leaf::decode(&leaf) else {
                return Err(missing());
            };
            known.insert(
                event.key,
                Original {
                    index,
                    body: record.body.to_vec(),
                },
            );
        }
        Ok(known)
    }
}
