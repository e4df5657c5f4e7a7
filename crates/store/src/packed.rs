//! Runs of consecutive items packed into values of a few KiB, as `u16 length || bytes` each.
//!
//! An item per key costs sled several times its size; a packed value costs little more than its bytes, and its form
//! is that of the C2SP entry bundle. A batch appends a *piece*; once the pieces since the last boundary fill a *chunk* they are
//! replaced by it. Pieces and chunks read alike: a value under the number of its first item.

//!
//! Leaves are compressed: sled writes each value about eight times before it rests, and the disk is what bounds a replay.

use std::ops::Deref;

use sled::IVec;

use crate::codec::RowError;
use crate::durable::StoreError;
use crate::key;

/// Bytes of a stored chunk, unless a single item is longer.
///
/// Larger ones cost memory and save nothing: sled keeps whole nodes, each of up to 17 values, and looks only after some
/// thousand accesses whether its cache is full. Chunks of 60 KiB made that 600 MB.
pub(crate) const CHUNK_BYTES_MAX: usize = 7 * 1024;
/// Bytes of a chunk of leaves before it is compressed, which halves them.
const LEAVES_BYTES_MAX: usize = 2 * CHUNK_BYTES_MAX;
/// More than any chunk of leaves holds: what claims more was not written here.
const INFLATED_BYTES_MAX: usize = LEAVES_BYTES_MAX + 2 + 65_535;
/// A chunk never crosses a multiple of this number of items, so that entry bundles are whole chunks.
const CHUNK_ITEMS_MAX: u64 = 256;

/// The writing end of one packed sequence.
#[derive(Debug)]
pub(crate) struct PackedWriter {
    prefix: Vec<u8>,
    first: u64,
    next: u64,
    bytes: Vec<u8>,
    pieces: Vec<u64>,
}

impl PackedWriter {
    /// A writer whose next item has number `next`.
    ///
    /// Pieces that an earlier process left before `next` stay as they are: they read as well as a chunk.
    pub(crate) fn new(prefix: Vec<u8>, next: u64) -> Self {
        Self {
            prefix,
            first: next,
            next,
            bytes: Vec::new(),
            pieces: Vec::new(),
        }
    }

    /// Appends `items` and adds the values this changes to `batch`.
    ///
    /// `items` must be at most 65,535 bytes each; longer ones were refused where they were made.
    pub(crate) fn append<'a>(&mut self, items: impl Iterator<Item = &'a [u8]>, batch: &mut sled::Batch) {
        let mut piece = (self.next, self.bytes.len());
        let bytes_max = if is_compressed(&self.prefix) {
            LEAVES_BYTES_MAX
        } else {
            CHUNK_BYTES_MAX
        };
        for item in items {
            if self.bytes.len() + 2 + item.len() > bytes_max && !self.bytes.is_empty() {
                self.close(batch);
                piece = (self.next, 0);
            }
            let length = u16::try_from(item.len()).unwrap_or(u16::MAX);
            self.bytes.extend_from_slice(&length.to_be_bytes());
            self.bytes.extend_from_slice(item);
            self.next += 1;
            if self.next.is_multiple_of(CHUNK_ITEMS_MAX) {
                self.close(batch);
                piece = (self.next, 0);
            }
        }
        if let Some(bytes) = self.bytes.get(piece.1..)
            && !bytes.is_empty()
        {
            batch.insert(key::numbered(&self.prefix, piece.0), stored(&self.prefix, bytes));
            self.pieces.push(piece.0);
        }
    }

    fn close(&mut self, batch: &mut sled::Batch) {
        for piece in self.pieces.drain(..).filter(|piece| *piece != self.first) {
            batch.remove(key::numbered(&self.prefix, piece));
        }
        batch.insert(
            key::numbered(&self.prefix, self.first),
            stored(&self.prefix, &self.bytes),
        );
        self.bytes.clear();
        self.first = self.next;
    }
}

/// The value that holds item `number`, and the number of its first item.
pub(crate) fn value_holding(db: &sled::Db, prefix: &[u8], number: u64) -> sled::Result<Option<(u64, IVec)>> {
    let last = db
        .range(prefix.to_vec()..=key::numbered(prefix, number))
        .next_back()
        .transpose()?;
    Ok(last.and_then(|(found, value)| Some((key::number_of(&found)?, value))))
}

fn is_compressed(prefix: &[u8]) -> bool {
    prefix == key::LEAVES
}

/// A packed value as it is stored under `prefix`: leaves as `u16 count || u32 length || compressed`, all else as it is.
pub(crate) fn stored(prefix: &[u8], packed: &[u8]) -> IVec {
    if !is_compressed(prefix) {
        return packed.into();
    }
    let count = u16::try_from(items(packed).count()).unwrap_or(u16::MAX);
    let mut value = count.to_be_bytes().to_vec();
    value.extend(lz4_flex::block::compress_prepend_size(packed));
    value.into()
}

/// The packed value that is stored under `prefix` as `value`.
pub(crate) fn restored(prefix: &[u8], value: IVec) -> Result<PackedValue, StoreError> {
    StoredValue::read(prefix, value)?.open()
}

/// A packed value, to be read through [`items`].
#[derive(Debug, Clone)]
pub(crate) enum PackedValue {
    /// As it is stored.
    Stored(IVec),
    /// Decompressed.
    Inflated(Vec<u8>),
}

impl Deref for PackedValue {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Stored(value) => value,
            Self::Inflated(value) => value,
        }
    }
}

/// A packed value that may still have to be decompressed.
#[derive(Debug)]
pub(crate) enum StoredValue {
    /// As it reads.
    Plain(IVec),
    /// Leaves, with their number.
    Compressed { count: usize, value: IVec },
}

impl StoredValue {
    pub(crate) fn read(prefix: &[u8], value: IVec) -> Result<Self, StoreError> {
        if !is_compressed(prefix) {
            return Ok(Self::Plain(value));
        }
        let count = value.first_chunk().copied().ok_or(UNREADABLE)?;
        Ok(Self::Compressed {
            count: usize::from(u16::from_be_bytes(count)),
            value,
        })
    }

    /// How many items it holds.
    pub(crate) fn count(&self) -> usize {
        match self {
            Self::Plain(value) => items(value).count(),
            Self::Compressed { count, .. } => *count,
        }
    }

    /// The packed value.
    pub(crate) fn open(self) -> Result<PackedValue, StoreError> {
        let (count, value) = match self {
            Self::Plain(value) => return Ok(PackedValue::Stored(value)),
            Self::Compressed { count, value } => (count, value),
        };
        let compressed = value.get(2..).unwrap_or_default();
        match lz4_flex::block::uncompressed_size(compressed) {
            Ok((bytes, compressed)) if bytes <= INFLATED_BYTES_MAX => {
                let packed = lz4_flex::block::decompress(compressed, bytes);
                let packed = packed.ok().filter(|packed| items(packed).count() == count);
                Ok(PackedValue::Inflated(packed.ok_or(UNREADABLE)?))
            }
            Ok(_) | Err(_) => Err(UNREADABLE),
        }
    }
}

const UNREADABLE: StoreError = StoreError::Row {
    what: "chunk of leaves",
    source: RowError::NotCanonical,
};

/// The items of one packed value; stops early where the value is cut short.
pub(crate) fn items(value: &[u8]) -> Items<'_> {
    Items { rest: value }
}

/// Iterator of [`items`].
#[derive(Debug, Clone)]
pub(crate) struct Items<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Items<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let (length, rest) = self.rest.split_first_chunk::<2>()?;
        let (item, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
        self.rest = rest;
        Some(item)
    }
}
