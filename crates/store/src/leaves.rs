//! Packed values in order: leaves of the ledger, their hashes, entries of a chain.

use std::ops::Range;

use crate::durable::StoreError;
use crate::packed::{PackedValue, StoredValue, items};
use crate::shelf::{Ahead, Shelf};

/// Iterator over packed values.
#[derive(Debug)]
pub struct Leaves {
    shelf: Shelf,
    /// What came along with the value asked for last.
    ahead: Ahead,
    prefix: Vec<u8>,
    next: u64,
    end: u64,
}

/// Consecutive items of one packed value.
#[derive(Debug, Clone)]
pub struct Packed {
    /// Number of the first item.
    pub first: u64,
    value: PackedValue,
    skip: usize,
    take: usize,
}

/// A packed value as it is stored. Opening leaves takes time, which whoever reads on has better uses for.
#[derive(Debug)]
pub(crate) struct StoredPacked {
    first: u64,
    value: StoredValue,
    skip: usize,
    take: usize,
}

impl Packed {
    /// How many items.
    #[must_use]
    pub const fn count(&self) -> usize {
        self.take
    }

    /// The items in order.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        items(&self.value).skip(self.skip).take(self.take)
    }
}

impl StoredPacked {
    pub(crate) fn open(self) -> Result<Packed, StoreError> {
        Ok(Packed {
            first: self.first,
            value: self.value.open()?,
            skip: self.skip,
            take: self.take,
        })
    }
}

impl Iterator for Leaves {
    type Item = Result<Packed, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        let opened = self.next_stored()?.and_then(StoredPacked::open);
        Some(opened.map_err(|error| self.fail(error)))
    }
}

impl Leaves {
    pub(crate) fn new(shelf: &Shelf, prefix: Vec<u8>, range: Range<u64>) -> Self {
        Self {
            shelf: shelf.clone(),
            ahead: Ahead::new(),
            prefix,
            next: range.start,
            end: range.end,
        }
    }

    /// The next value, not opened.
    pub(crate) fn next_stored(&mut self) -> Option<Result<StoredPacked, StoreError>> {
        if self.next >= self.end {
            return None;
        }
        let found = match self.holding_next() {
            Ok(found) => found,
            Err(error) => return Some(Err(self.fail(error))),
        };
        let missing = StoreError::LeafMissing {
            index: self.next,
            size: self.end,
        };
        let Some((first, value)) = found else {
            return Some(Err(self.fail(missing)));
        };
        let skip = usize::try_from(self.next - first).unwrap_or(usize::MAX);
        let take = usize::try_from(self.end - self.next).unwrap_or(usize::MAX);
        let count = value.count().saturating_sub(skip).min(take);
        if count == 0 {
            return Some(Err(self.fail(missing)));
        }
        let stored = StoredPacked {
            first: self.next,
            value,
            skip,
            take: count,
        };
        self.next += u64::try_from(count).unwrap_or(u64::MAX);
        Some(Ok(stored))
    }

    /// The value that holds the next item. What came along is behind it, unless values were joined meanwhile.
    fn holding_next(&mut self) -> Result<Option<(u64, StoredValue)>, StoreError> {
        let found = match self.ahead.pop_front().filter(|(first, _)| *first == self.next) {
            Some(found) => Some(found),
            None => self
                .shelf
                .holding_and_more(&self.prefix, self.next, &mut self.ahead)?,
        };
        let Some((first, value)) = found else {
            return Ok(None);
        };
        Ok(Some((first, StoredValue::read(&self.prefix, value)?)))
    }

    /// Ends the iteration after `error`.
    fn fail(&mut self, error: StoreError) -> StoreError {
        self.next = self.end;
        error
    }
}
