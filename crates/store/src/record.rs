//! Records by leaf index, for readers who go through them in rising order.

use portbook_fold::{ChainEntry, row_of};
use portbook_ledger::{Index, Leaf};
use portbook_views::TimelineRow;

use crate::codec::RowError;
use crate::durable::StoreError;
use crate::key;
use crate::packed::{PackedValue, items, restored};
use crate::shelf::Shelf;

/// Keeps the packed value that was read last: the next record is often in it as well.
#[derive(Debug)]
pub(crate) struct RecordCursor {
    shelf: Shelf,
    held: Option<(u64, PackedValue)>,
}

impl RecordCursor {
    pub(crate) fn new(shelf: &Shelf) -> Self {
        Self {
            shelf: shelf.clone(),
            held: None,
        }
    }

    /// The timeline row of the record that a chain lists as `entry`.
    pub(crate) fn row(&mut self, entry: &ChainEntry) -> Result<TimelineRow, StoreError> {
        let leaf = self.leaf(entry.index)?;
        let leaf = leaf.ok_or(StoreError::LeafMissing {
            index: entry.index.get(),
            size: entry.index.size_through().get(),
        })?;
        match Leaf::decode(leaf) {
            Ok(Leaf::Record(record)) => Ok(row_of(entry.index, &record, &entry.remark)),
            Ok(Leaf::Seal(_)) | Err(_) => Err(StoreError::Row {
                what: "record",
                source: RowError::NotCanonical,
            }),
        }
    }

    fn leaf(&mut self, index: Index) -> Result<Option<&[u8]>, StoreError> {
        if self.held_at(index).is_none() {
            self.held = match self.shelf.holding(key::LEAVES, index.get())? {
                Some((first, value)) => Some((first, restored(key::LEAVES, value)?)),
                None => None,
            };
        }
        Ok(self.held_at(index))
    }

    fn held_at(&self, index: Index) -> Option<&[u8]> {
        let (first, value) = self.held.as_ref()?;
        let skipped = usize::try_from(index.get().checked_sub(*first)?).ok()?;
        items(value).nth(skipped)
    }
}
