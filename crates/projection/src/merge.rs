//! Rows and what is to be added to them, joined in the order of keys while they are read.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, btree_map};

use portbook_store::{StoreError, StoredRow, StoredRows, decode_row, encode_row};
use portbook_views::View;

/// Rows, files of parts and parts in memory, the earlier recorded first.
pub(crate) struct Merged<'a, V: View> {
    sources: Vec<Source<'a, V>>,
    /// The next key of each source; of equal keys the earlier source comes first.
    next: BinaryHeap<Reverse<(V::Key, usize)>>,
}

struct Source<'a, V: View> {
    rest: Rest<'a, V>,
    /// What stands under its next key.
    found: Option<Found<V>>,
}

enum Rest<'a, V: View> {
    Rows(StoredRows),
    Parts(StoredRows),
    Held(btree_map::Iter<'a, V::Key, V::Part>),
}

enum Found<V: View> {
    Row(StoredRow),
    Part(V::Part),
}

/// What stands under a key.
type Entry<V> = (<V as View>::Key, Found<V>);

/// What is known of one row so far.
struct Joined<V: View> {
    row: Option<StoredRow>,
    part: Option<V::Part>,
}

impl<'a, V: View> Merged<'a, V> {
    pub(crate) fn new(
        rows: StoredRows,
        parts: Vec<StoredRows>,
        held: btree_map::Iter<'a, V::Key, V::Part>,
    ) -> Result<Self, StoreError> {
        let parts = parts.into_iter().map(Rest::Parts);
        let rests = [Rest::Rows(rows)]
            .into_iter()
            .chain(parts)
            .chain([Rest::Held(held)]);
        let mut merged = Self {
            sources: rests.map(|rest| Source { rest, found: None }).collect(),
            next: BinaryHeap::new(),
        };
        for at in 0..merged.sources.len() {
            merged.advance(at)?;
        }
        Ok(merged)
    }

    /// Reads the next entry of a source.
    fn advance(&mut self, at: usize) -> Result<(), StoreError> {
        let Some(source) = self.sources.get_mut(at) else {
            return Ok(());
        };
        if let Some((key, found)) = source.rest.read()? {
            source.found = Some(found);
            self.next.push(Reverse((key, at)));
        }
        Ok(())
    }

    fn row(&mut self) -> Result<Option<StoredRow>, StoreError> {
        let Some(Reverse((key, at))) = self.next.pop() else {
            return Ok(None);
        };
        let mut joined = Joined {
            row: None,
            part: None,
        };
        self.join(at, &mut joined)?;
        while let Some(Reverse((_, at))) = self.next.peek().filter(|Reverse((next, _))| *next == key) {
            let at = *at;
            self.next.pop();
            self.join(at, &mut joined)?;
        }
        joined.finish(&key).map(Some)
    }

    fn join(&mut self, at: usize, joined: &mut Joined<V>) -> Result<(), StoreError> {
        let found = self.sources.get_mut(at).and_then(|source| source.found.take());
        match (found, &mut joined.part) {
            (Some(Found::Row(row)), _) => joined.row = Some(row),
            (Some(Found::Part(later)), Some(part)) => V::join(part, later),
            (Some(Found::Part(part)), none @ None) => *none = Some(part),
            (None, _) => {}
        }
        self.advance(at)
    }
}

impl<V: View> Rest<'_, V> {
    fn read(&mut self) -> Result<Option<Entry<V>>, StoreError> {
        Ok(match self {
            Self::Rows(rows) => match rows.next().transpose()? {
                Some(stored) => Some((decode_row(&stored.0)?, Found::Row(stored))),
                None => None,
            },
            Self::Parts(parts) => match parts.next().transpose()? {
                Some((key, part)) => Some((decode_row(&key)?, Found::Part(decode_row(&part)?))),
                None => None,
            },
            Self::Held(held) => held
                .next()
                .map(|(key, part)| (key.clone(), Found::Part(part.clone()))),
        })
    }
}

impl<V: View> Joined<V> {
    /// Rows to which nothing is added stay as they are stored.
    fn finish(self, key: &V::Key) -> Result<StoredRow, StoreError> {
        match (self.row, self.part) {
            (Some((key, row)), Some(part)) => {
                let row = V::row(Some(decode_row(&row)?), part);
                Ok((key, encode_row(&row)?))
            }
            (Some(stored), None) => Ok(stored),
            (None, Some(part)) => Ok((encode_row(key)?, encode_row(&V::row(None, part))?)),
            (None, None) => Ok((encode_row(key)?, Vec::new())),
        }
    }
}

impl<V: View> Iterator for Merged<'_, V> {
    type Item = Result<StoredRow, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        let row = self.row();
        if row.is_err() {
            // Behind an error nothing is read.
            self.next.clear();
        }
        row.transpose()
    }
}
