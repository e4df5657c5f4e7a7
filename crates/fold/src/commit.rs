//! What one batch of messages changes: plain data, made by the projector's fold and written by the store.

use std::collections::BTreeMap;

use crate::book::Book;
use crate::lookup::LookupKey;
use portbook_ledger::{Chain, Frontier, Hash, Index};

/// Consecutive leaves, packed one behind the other.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LeafBatch {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl LeafBatch {
    /// Lets `write` append one leaf to the bytes given to it.
    ///
    /// # Errors
    /// What `write` returns; nothing is kept of a leaf that failed.
    pub fn push_with<E>(&mut self, write: impl FnOnce(&mut Vec<u8>) -> Result<(), E>) -> Result<&[u8], E> {
        let start = self.bytes.len();
        if let Err(error) = write(&mut self.bytes) {
            self.bytes.truncate(start);
            return Err(error);
        }
        self.ends.push(self.bytes.len());
        Ok(self.bytes.get(start..).unwrap_or_default())
    }

    /// The leaves in order.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts
            .zip(&self.ends)
            .map(|(start, end)| self.bytes.get(start..*end).unwrap_or_default())
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Their bytes together.
    #[must_use]
    pub fn byte_len(&self) -> usize {
        self.bytes.len()
    }
}

/// New entries of the three families of lookups: hashed name to leaf index.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lookups {
    /// Event identities; each leads to the record that holds the event first.
    pub events: Vec<(LookupKey, Index)>,
    /// Cases.
    pub cases: Vec<(LookupKey, Index)>,
    /// Licence and declaration numbers.
    pub licenses: Vec<(LookupKey, Index)>,
}

/// One record as its chain lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainEntry {
    /// Its leaf index.
    pub index: Index,
    /// What the record itself cannot say again: the kind of a control message, or why a message is in quarantine. Empty for
    /// events.
    pub remark: String,
}

/// The tree as it stood at one seal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    /// Leaf index of the seal; the sealed tree has one leaf more than that.
    pub index: Index,
    /// Root of that tree.
    pub root: Hash,
    /// Its frontier.
    pub frontier: Frontier,
}

/// Everything one batch changes, written at once or not at all.
#[derive(Debug, Clone)]
pub struct Commit {
    /// The book after the batch.
    pub book: Book,
    /// The batch's leaves; the first has the index that the stored book calls its size.
    pub leaves: LeafBatch,
    /// Their leaf hashes: what names the bad leaf beyond doubt when leaves were changed.
    pub leaf_hashes: Vec<Hash>,
    /// Which of them are records of which chain, in order. Chains named here are those whose head changed.
    pub entries: BTreeMap<Chain, Vec<ChainEntry>>,
    /// Their lookups.
    pub lookups: Lookups,
    /// Seals among them.
    pub seals: Vec<Sealed>,
}
