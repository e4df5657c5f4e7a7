//! Entries: the records of a ledger, decoded, in the order of the ledger.

use portbook_domain::{CaseId, Event};
use portbook_fold::lookup;
use portbook_ledger::{Chain, Hash, Index, Leaf, RecordKind, leaf_hash};
use portbook_store::StoreReader;
use portbook_wire::{Envelope, decode_event};

use crate::error::ExportError;

/// What an export is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Every chain.
    All,
    /// One chain.
    Chain(Chain),
}

/// A ledger as far as a published checkpoint covers it.
#[derive(Debug, Clone, Copy)]
pub struct Book<'a> {
    /// The store.
    pub reader: &'a StoreReader,
    /// Leaves the checkpoint covers.
    pub size: u64,
}

/// One record.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Leaf index.
    pub index: u64,
    /// Leaf hash.
    pub hash: Hash,
    /// The chain that holds it.
    pub chain: Chain,
    /// Place in its chain, from 1.
    pub chain_seq: u64,
    /// What the ledger made of the message.
    pub kind: RecordKind,
    /// Leaf index of the original of a redelivery or conflict.
    pub refers_to: Option<u64>,
    /// The stream's timestamp, nanoseconds since 1970.
    pub recorded_at_ns: u64,
    /// The message as it was recorded.
    pub body: Vec<u8>,
    /// The event, where there is one.
    pub content: Content,
}

/// What a body says.
#[derive(Debug, Clone)]
pub enum Content {
    /// An event.
    Event(Box<(Envelope, Event)>),
    /// It should be an event, and why it cannot be read as one.
    Unreadable(String),
    /// It is none.
    Other,
}

impl Entry {
    /// Decodes a leaf; seals are no entries.
    fn decode(index: u64, bytes: &[u8]) -> Result<Option<Self>, ExportError> {
        let leaf = Leaf::decode(bytes).map_err(|source| ExportError::Leaf { index, source })?;
        let Leaf::Record(record) = leaf else {
            return Ok(None);
        };
        let content = match record.kind {
            RecordKind::Event | RecordKind::Redelivery | RecordKind::Conflict => {
                match decode_event(record.body) {
                    Ok(decoded) => Content::Event(Box::new(decoded)),
                    Err(error) => Content::Unreadable(error.to_string()),
                }
            }
            RecordKind::Quarantine | RecordKind::Control => Content::Other,
        };
        Ok(Some(Self {
            index,
            hash: leaf_hash(bytes),
            chain: record.chain,
            chain_seq: record.chain_seq.get(),
            kind: record.kind,
            refers_to: record.refers_to.map(Index::get),
            recorded_at_ns: record.recorded_at_ns,
            body: record.body.to_vec(),
            content,
        }))
    }

    /// The same record with another body, as a correction makes it; none when that is no event.
    pub(crate) fn with_body(&self, body: Vec<u8>) -> Option<Self> {
        let decoded = decode_event(&body).ok()?;
        Some(Self {
            content: Content::Event(Box::new(decoded)),
            body,
            ..self.clone()
        })
    }

    /// The event, where this record counts: new, and readable.
    #[must_use]
    pub fn event(&self) -> Option<(&Envelope, &Event)> {
        match (&self.content, self.kind) {
            (Content::Event(decoded), RecordKind::Event) => Some((&decoded.0, &decoded.1)),
            (Content::Event(_) | Content::Unreadable(_) | Content::Other, _) => None,
        }
    }
}

impl Book<'_> {
    /// The entry of a leaf; a seal is none.
    ///
    /// # Errors
    /// [`ExportError::NoLeaf`] when there is no such leaf.
    pub fn entry(&self, index: u64) -> Result<Option<Entry>, ExportError> {
        let missing = || ExportError::NoLeaf { index };
        let at = Index::new(index).ok_or_else(missing)?;
        let bytes = self.reader.leaf(at)?.ok_or_else(missing)?;
        Entry::decode(index, &bytes)
    }

    /// When the stream took the message of a leaf, nanoseconds since 1970.
    ///
    /// # Errors
    /// [`ExportError::NoLeaf`] when there is no such leaf.
    pub fn recorded_at_ns(&self, index: u64) -> Result<u64, ExportError> {
        let missing = || ExportError::NoLeaf { index };
        let at = Index::new(index).ok_or_else(missing)?;
        let bytes = self.reader.leaf(at)?.ok_or_else(missing)?;
        match Leaf::decode(&bytes).map_err(|source| ExportError::Leaf { index, source })? {
            Leaf::Record(record) => Ok(record.recorded_at_ns),
            Leaf::Seal(seal) => Ok(seal.sealed_at_ns),
        }
    }

    /// Gives every entry of `scope` to `take`, in the order of the ledger.
    ///
    /// # Errors
    /// [`ExportError`], also from `take`.
    pub fn each(
        &self,
        scope: Scope,
        take: &mut dyn FnMut(Entry) -> Result<(), ExportError>,
    ) -> Result<(), ExportError> {
        match scope {
            Scope::All => {
                for packed in self.reader.leaves(0..self.size) {
                    let packed = packed?;
                    for (index, bytes) in (packed.first..).zip(packed.iter()) {
                        if let Some(entry) = Entry::decode(index, bytes)? {
                            take(entry)?;
                        }
                    }
                }
            }
            Scope::Chain(chain) => {
                let heads = self.reader.book()?.heads;
                let count = heads.get(&chain).map_or(0, |head| head.frontier.size().get());
                for row in self.reader.rows(chain, 1..count.saturating_add(1)) {
                    let index = row?.place.index;
                    if index >= self.size {
                        break;
                    }
                    if let Some(entry) = self.entry(index)? {
                        take(entry)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// The entries of a case in the order of the ledger, those that count.
    ///
    /// # Errors
    /// [`ExportError`].
    pub fn case(&self, case: &CaseId) -> Result<Vec<Entry>, ExportError> {
        let mut entries = Vec::new();
        for index in self.reader.case_records(&lookup::of_case(case.as_str()))? {
            if index < self.size
                && let Some(entry) = self.entry(index)?
                && entry.event().is_some_and(|(_, event)| event.case == *case)
            {
                entries.push(entry);
            }
        }
        Ok(entries)
    }
}
