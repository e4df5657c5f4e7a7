//! The leaf: everything the main tree commits to is a record or a seal.

use crate::{
    record::{self, Record, RecordError},
    seal::{self, Seal, SealError},
};

/// One entry of the log, decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leaf<'a> {
    /// A link of a chain.
    Record(Record<'a>),
    /// A commitment to the heads of all chains.
    Seal(Seal),
}

/// Why bytes are not a leaf.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LeafError {
    /// The bytes begin like neither.
    #[error("a leaf begins with PBR1 or PBS1, found bytes {found:02x?}")]
    Magic {
        /// The first bytes, at most 4.
        found: Vec<u8>,
    },
    /// It begins like a record.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// It begins like a seal.
    #[error(transparent)]
    Seal(#[from] SealError),
}

impl<'a> Leaf<'a> {
    /// Reads a leaf and nothing else. What decodes encodes to the same bytes again.
    ///
    /// # Errors
    /// [`LeafError`] says what is not as the format says.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, LeafError> {
        match bytes.first_chunk() {
            Some(&record::MAGIC) => Ok(Self::Record(Record::decode(bytes)?)),
            Some(&seal::MAGIC) => Ok(Self::Seal(Seal::decode(bytes)?)),
            Some(_) | None => Err(LeafError::Magic {
                found: bytes.iter().copied().take(4).collect(),
            }),
        }
    }
}
