//! The reading end: leaves in order, rows of a chain, lookups, seals and verdicts.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

use portbook_fold::{Book, ChainEntry, LookupKey, Sealed, SourceBook};
use portbook_ledger::{Chain, Index};
use portbook_views::TimelineRow;

use crate::codec;
use crate::durable::StoreError;
use crate::entry;
use crate::key;
use crate::layout;
use crate::leaves::Leaves;
use crate::packed::{items, restored};
use crate::record::RecordCursor;
use crate::row::{BookRow, HeadRow, SealedRow, SourcesRow};
use crate::shelf::{Shelf, reading};
use crate::store::{CASES, EVENTS, LICENSES};
use crate::verdict::Verdict;

/// Verdicts are kept in blocks of this many leaves.
pub const VERDICTS_TOGETHER: u64 = 1024;

/// A cheap handle for reading; it can be cloned and used from many threads, also while a [`crate::Store`] writes.
#[derive(Debug, Clone)]
pub struct StoreReader {
    shelf: Shelf,
}

impl StoreReader {
    /// Opens the store in `path` for reading. When another process has it open and answers readers, see
    /// [`crate::Store::answer_readers`], values are asked of that process.
    ///
    /// # Errors
    /// As [`crate::Store::open`].
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let shelf = Shelf::open(path)?;
        layout::check(path, |at| shelf.get(at))?;
        Ok(Self { shelf })
    }

    pub(crate) const fn over(db: sled::Db) -> Self {
        Self {
            shelf: Shelf::Own(db),
        }
    }

    /// The book after the last commit.
    ///
    /// # Errors
    /// [`StoreError::Row`] when a row is not readable.
    pub fn book(&self) -> Result<Book, StoreError> {
        self.shelf.settled(|| self.book_now())
    }

    fn book_now(&self) -> Result<Book, StoreError> {
        let mut heads = BTreeMap::new();
        for (at, row) in self.shelf.family(key::HEADS)? {
            let chain = key::chain_of_head(&at).ok_or(StoreError::Row {
                what: "chain head",
                source: codec::RowError::NotCanonical,
            })?;
            heads.insert(chain, decode::<HeadRow>("chain head", &row)?.into_head()?);
        }
        let row = self.shelf.get(key::BOOK)?;
        let row = row.ok_or(StoreError::Row {
            what: "book",
            source: codec::RowError::NotCanonical,
        })?;
        decode::<BookRow>("book", &row)?.into_book(heads)
    }

    /// The leaf at `index`, when the store has it.
    ///
    /// # Errors
    /// [`StoreError::Sled`] when it cannot be read.
    pub fn leaf(&self, index: Index) -> Result<Option<Vec<u8>>, StoreError> {
        self.item(key::LEAVES, index.get())
    }

    /// The leaves from `range.start` to before `range.end`, packed as they are stored.
    ///
    /// The iterator ends early when the store does; each packed value is checked to continue the one before.
    #[must_use]
    pub fn leaves(&self, range: Range<u64>) -> Leaves {
        Leaves::new(&self.shelf, key::LEAVES.to_vec(), range)
    }

    /// The stored leaf hashes of `range`, packed as they are stored, 32 bytes each. What they are worth shows in the root
    /// they give.
    #[must_use]
    pub fn leaf_hashes(&self, range: Range<u64>) -> Leaves {
        Leaves::new(&self.shelf, key::HASHES.to_vec(), range)
    }

    /// The entries of `chain` at the positions `range` (from 1), streamed in order: where its records stand in the ledger.
    ///
    /// # Errors
    /// Per entry: [`StoreError::Row`] when it is not readable, [`StoreError::LeafMissing`] when entries are missing.
    pub fn entries(
        &self,
        chain: Chain,
        range: Range<u64>,
    ) -> impl Iterator<Item = Result<ChainEntry, StoreError>> + use<> {
        Leaves::new(&self.shelf, key::entries(chain), range).flat_map(|value| {
            let entries: Vec<_> = match value {
                Ok(packed) => packed.iter().map(entry::unpack).collect(),
                Err(error) => vec![Err(error)],
            };
            entries
        })
    }

    /// The timeline rows of `chain` at the positions `range` (from 1), streamed in order and made from the records
    /// themselves.
    ///
    /// # Errors
    /// Per row: as [`StoreReader::entries`], and [`StoreError::Row`] when its record is not readable.
    pub fn rows(
        &self,
        chain: Chain,
        range: Range<u64>,
    ) -> impl Iterator<Item = Result<TimelineRow, StoreError>> + use<> {
        let mut records = RecordCursor::new(&self.shelf);
        self.entries(chain, range).map(move |entry| records.row(&entry?))
    }

    /// The timeline row at `position` (from 1) of `chain`.
    ///
    /// # Errors
    /// As [`StoreReader::rows`].
    pub fn row(&self, chain: Chain, position: u64) -> Result<Option<TimelineRow>, StoreError> {
        let Some(entry) = self.item(&key::entries(chain), position)? else {
            return Ok(None);
        };
        RecordCursor::new(&self.shelf)
            .row(&entry::unpack(&entry)?)
            .map(Some)
    }

    /// Leaf indexes of the records of the case with this hashed name, in ledger order.
    ///
    /// # Errors
    /// [`StoreError::Sled`] when the lookups cannot be read.
    pub fn case_records(&self, case: &LookupKey) -> Result<Vec<u64>, StoreError> {
        self.shelf.find(CASES, case)
    }

    /// Leaf indexes of the records that carry the licence or declaration with this hashed name, in ledger order.
    ///
    /// # Errors
    /// [`StoreError::Sled`] when the lookups cannot be read.
    pub fn license_records(&self, license: &LookupKey) -> Result<Vec<u64>, StoreError> {
        self.shelf.find(LICENSES, license)
    }

    /// Leaf indexes of the records that hold the event with this hashed identity.
    ///
    /// # Errors
    /// [`StoreError::Sled`] when the lookups cannot be read.
    pub fn event_records(&self, event: &LookupKey) -> Result<Vec<u64>, StoreError> {
        self.shelf.find(EVENTS, event)
    }

    /// The tree as it stood at the seal at `index`.
    ///
    /// # Errors
    /// [`StoreError::Row`] when the row is not readable.
    pub fn sealed(&self, index: Index) -> Result<Option<Sealed>, StoreError> {
        let row = self.shelf.get(&key::numbered(key::SEALS, index.get()))?;
        row.map(|row| decode::<SealedRow>("seal", &row)?.into_sealed(index))
            .transpose()
    }

    /// How many leaves have had their signatures checked.
    ///
    /// # Errors
    /// [`StoreError::Sled`] when it cannot be read.
    pub fn verdict_position(&self) -> Result<u64, StoreError> {
        let stored = self.shelf.get(key::VERDICT_POSITION)?;
        Ok(stored.as_deref().and_then(key::number_of).unwrap_or(0))
    }

    /// What checking the signature of the leaf at `index` found; none when it was not checked yet.
    ///
    /// # Errors
    /// [`StoreError::Sled`] when it cannot be read.
    pub fn verdict(&self, index: Index) -> Result<Option<Verdict>, StoreError> {
        let found = self.shelf.holding(key::VERDICTS, index.get())?;
        Ok(found.and_then(|(first, verdicts)| {
            let at = usize::try_from(index.get() - first).ok()?;
            Verdict::from_byte(*verdicts.get(at)?)
        }))
    }

    /// What is known of each source, as far as signatures have been checked.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be read.
    pub fn sources(&self) -> Result<SourceBook, StoreError> {
        match self.shelf.get(key::SOURCES)? {
            Some(row) => decode::<SourcesRow>("accounts of sources", &row)?.into_book(),
            None => Ok(SourceBook::default()),
        }
    }

    /// Keeps the verdicts of the leaves from `first` on, which must be where checking stopped, and what `sources` amount
    /// to with them. `verdicts` must not cross a multiple of [`VERDICTS_TOGETHER`]. They are made durable by the next
    /// commit.
    ///
    /// # Errors
    /// [`StoreError::Sled`] when they cannot be written, [`StoreError::Foreign`] when another process has the store.
    pub fn keep_verdicts(
        &self,
        first: u64,
        verdicts: &[Verdict],
        sources: &SourceBook,
    ) -> Result<(), StoreError> {
        let db = self.shelf.own().ok_or(StoreError::Foreign)?;
        let block = first - first % VERDICTS_TOGETHER;
        let at = key::numbered(key::VERDICTS, block);
        let mut bytes = db
            .get(&at)
            .map_err(reading)?
            .map_or_else(Vec::new, |kept| kept.to_vec());
        // Checking stopped at `first`: what the block holds beyond was never kept.
        bytes.truncate(usize::try_from(first - block).unwrap_or(0));
        bytes.extend(verdicts.iter().map(|verdict| verdict.byte()));
        let next = first.saturating_add(u64::try_from(verdicts.len()).unwrap_or(u64::MAX));
        let mut batch = sled::Batch::default();
        batch.insert(at, bytes);
        batch.insert(key::VERDICT_POSITION, &next.to_be_bytes());
        let row = codec::encode(&SourcesRow::of(sources)).map_err(|source| StoreError::Unstorable {
            what: "accounts of sources",
            source,
        })?;
        batch.insert(key::SOURCES, row);
        db.apply_batch(batch).map_err(|source| StoreError::Sled {
            doing: "keep signature verdicts",
            source,
        })
    }

    fn item(&self, prefix: &[u8], number: u64) -> Result<Option<Vec<u8>>, StoreError> {
        let Some((first, value)) = self.shelf.holding(prefix, number)? else {
            return Ok(None);
        };
        let value = restored(prefix, value)?;
        let skipped = usize::try_from(number - first).unwrap_or(usize::MAX);
        Ok(items(&value).nth(skipped).map(<[u8]>::to_vec))
    }
}

fn decode<T: serde::Serialize + serde::de::DeserializeOwned>(
    what: &'static str,
    row: &[u8],
) -> Result<T, StoreError> {
    codec::decode(row).map_err(|source| StoreError::Row { what, source })
}
