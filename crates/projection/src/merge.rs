//! Rows and what is to be added to them, joined in the order of keys while they are read.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use portbook_store::{StoreError, StoredRow, StoredRows, decode_row, encode_row, frame_row, frame_stored};
use portbook_views::View;

/// Rows, files of parts and parts in memory, the earlier recorded first.
pub(crate) struct Merged<'a, V: View, H> {
    sources: Vec<Source<'a, V, H>>,
    /// The next key of each source; of equal keys the earlier source comes first.
    next: BinaryHeap<Reverse<(V::Key, usize)>>,
}

struct Source<'a, V: View, H> {
    rest: Rest<'a, V, H>,
    /// What stands under its next key.
    found: Option<Found<V>>,
}

enum Rest<'a, V: View, H> {
    Rows(Box<StoredRows>),
    Parts(PartsRead<'a, V>),
    Held(H),
}

/// Parts out of a file, in the order of keys.
pub(crate) type PartsRead<'a, V> = Box<dyn Iterator<Item = PartRead<V>> + Send + 'a>;
/// A part out of a file, and its key.
pub(crate) type PartRead<V> = Result<(<V as View>::Key, <V as View>::Part), StoreError>;

/// Reads a file of parts.
pub(crate) fn parts_of<'a, V: View + 'static>(stored: StoredRows) -> PartsRead<'a, V> {
    Box::new(stored.map(|stored| {
        let (key, part) = stored?;
        Ok((decode_row(&key)?, decode_row(&part)?))
    }))
}

enum Found<V: View> {
    Row(StoredRow),
    Part(V::Part),
}

/// What stands under a key.
type Entry<V> = (<V as View>::Key, Found<V>);

/// All that is known of one row.
pub(crate) struct Joined<V: View> {
    key: V::Key,
    row: Option<StoredRow>,
    part: Option<V::Part>,
}

impl<'a, V: View, H: Iterator<Item = (V::Key, V::Part)>> Merged<'a, V, H> {
    pub(crate) fn new(rows: StoredRows, parts: Vec<PartsRead<'a, V>>, held: H) -> Result<Self, StoreError> {
        let parts = parts.into_iter().map(Rest::Parts);
        let rests = [Rest::Rows(Box::new(rows))]
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

    fn joined(&mut self) -> Result<Option<Joined<V>>, StoreError> {
        let Some(Reverse((key, at))) = self.next.pop() else {
            return Ok(None);
        };
        let mut joined = Joined {
            key,
            row: None,
            part: None,
        };
        self.join(at, &mut joined)?;
        while let Some(Reverse((_, at))) = self.next.peek().filter(|Reverse((next, _))| *next == joined.key) {
            let at = *at;
            self.next.pop();
            self.join(at, &mut joined)?;
        }
        Ok(Some(joined))
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

impl<V: View, H: Iterator<Item = (V::Key, V::Part)>> Rest<'_, V, H> {
    fn read(&mut self) -> Result<Option<Entry<V>>, StoreError> {
        Ok(match self {
            Self::Rows(rows) => match rows.next().transpose()? {
                Some(stored) => Some((decode_row(&stored.0)?, Found::Row(stored))),
                None => None,
            },
            Self::Parts(parts) => {
                let read = parts.next().transpose()?;
                read.map(|(key, part)| (key, Found::Part(part)))
            }
            Self::Held(held) => held.next().map(|(key, part)| (key, Found::Part(part))),
        })
    }
}

impl<V: View> Joined<V> {
    /// The row as it is stored. Rows to which nothing is added stay as they are.
    pub(crate) fn stored(self) -> Result<StoredRow, StoreError> {
        match (self.row, self.part) {
            (Some((key, row)), Some(part)) => {
                let row = V::row(Some(decode_row(&row)?), part);
                Ok((key, encode_row(&row)?))
            }
            (Some(stored), None) => Ok(stored),
            (None, Some(part)) => Ok((encode_row(&self.key)?, encode_row(&V::row(None, part))?)),
            (None, None) => Ok((encode_row(&self.key)?, Vec::new())),
        }
    }

    /// Appends [`Joined::stored`] to `out`, framed.
    pub(crate) fn frame(self, out: &mut Vec<u8>) -> Result<(), StoreError> {
        match self {
            Self {
                key,
                row: None,
                part: Some(part),
            } => frame_row(&key, &V::row(None, part), out),
            known => {
                let (key, row) = known.stored()?;
                frame_stored(&key, &row, out);
                Ok(())
            }
        }
    }
}

impl<V: View, H: Iterator<Item = (V::Key, V::Part)>> Iterator for Merged<'_, V, H> {
    type Item = Result<Joined<V>, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        let joined = self.joined();
        if joined.is_err() {
            // Behind an error nothing is read.
            self.next.clear();
        }
        joined.transpose()
    }
}
