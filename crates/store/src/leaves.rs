//! Packed values in order: leaves of the ledger, their hashes, entries of a chain.

use std::fmt;
use std::ops::Range;

use sled::IVec;

use crate::durable::StoreError;
use crate::key;
use crate::packed::{items, restored, value_holding};
use crate::reader::reading;

/// Iterator over packed values.
pub struct Leaves {
    db: sled::Db,
    prefix: Vec<u8>,
    next: u64,
    end: u64,
    /// Reads on from the value that came last. Finding each value anew costs several times as much.
    ahead: Option<sled::Iter>,
}

/// Consecutive items of one packed value.
#[derive(Debug, Clone)]
pub struct Packed {
    /// Number of the first item.
    pub first: u64,
    value: IVec,
    skip: usize,
    take: usize,
}

impl Packed {
    /// The items in order.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        items(&self.value).skip(self.skip).take(self.take)
    }
}

impl fmt::Debug for Leaves {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Leaves")
            .field("next", &self.next)
            .field("end", &self.end)
            .finish_non_exhaustive()
    }
}

impl Leaves {
    pub(crate) fn new(db: &sled::Db, prefix: Vec<u8>, range: Range<u64>) -> Self {
        Self {
            db: db.clone(),
            prefix,
            next: range.start,
            end: range.end,
            ahead: None,
        }
    }

    /// The value that holds the next item, and the number of its first.
    fn value(&mut self) -> Result<Option<(u64, IVec)>, StoreError> {
        let ahead = self.ahead.as_mut().and_then(Iterator::next);
        if let Some((at, value)) = ahead.transpose().map_err(reading)?
            && let Some(number) = at.strip_prefix(self.prefix.as_slice()).and_then(key::number_of)
            && number == self.next
        {
            return Ok(Some((number, restored(&self.prefix, value)?)));
        }
        // The first value; or a writer has meanwhile joined the pieces that stood here.
        let found = value_holding(&self.db, &self.prefix, self.next)?;
        self.ahead = found.as_ref().and_then(|(first, _)| first.checked_add(1)).map(|after| {
            let last = key::numbered(&self.prefix, u64::MAX);
            self.db.range(key::numbered(&self.prefix, after)..=last)
        });
        Ok(found)
    }

    /// Ends the iteration after `error`.
    fn fail(&mut self, error: StoreError) -> StoreError {
        self.next = self.end;
        error
    }
}

impl Iterator for Leaves {
    type Item = Result<Packed, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.next >= self.end {
            return None;
        }
        let found = match self.value() {
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
        let packed = Packed {
            first: self.next,
            value,
            skip,
            take,
        };
        let count = packed.iter().count();
        if count == 0 {
            return Some(Err(self.fail(missing)));
        }
        self.next += u64::try_from(count).unwrap_or(u64::MAX);
        Some(Ok(packed))
    }
}
