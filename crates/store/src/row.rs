//! The book and the chain heads as rows, and back.

use std::collections::BTreeMap;

use portbook_fold::{Book, ChainHead, Counts, Opened, Sealed};
use portbook_ledger::{Chain, Frontier, Hash, Index, Origin, Size};
use serde::{Deserialize, Serialize};

use crate::codec::RowError;
use crate::durable::StoreError;

mod key;
mod source;

use self::key::KeyRow;
pub(crate) use self::source::SourcesRow;

/// Size and hashes of a frontier.
type TreeRow = (u64, Vec<[u8; 32]>);

/// [`Book`] without its heads, as stored.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct BookRow {
    tree: TreeRow,
    last_seal: Option<u64>,
    opened: Option<OpenedRow>,
    port_aliases: BTreeMap<String, String>,
    keys: BTreeMap<[u8; 8], KeyRow>,
    counts: [u64; 6],
}

#[derive(Debug, Serialize, Deserialize)]
struct OpenedRow {
    origin: String,
    log_key: [u8; 32],
    stream: String,
    stream_created: String,
    stream_config: [u8; 32],
}

/// [`ChainHead`] as stored.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct HeadRow {
    index: u64,
    hash: [u8; 32],
    tree: TreeRow,
}

/// [`Sealed`] as stored, without the index that is its key.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SealedRow {
    root: [u8; 32],
    tree: TreeRow,
}

impl BookRow {
    pub(crate) fn of(book: &Book) -> Self {
        let Counts {
            events,
            redeliveries,
            conflicts,
            quarantined,
            control,
            seals,
        } = book.counts;
        Self {
            tree: tree_row(&book.frontier),
            last_seal: book.last_seal.map(Index::get),
            opened: book.opened.as_ref().map(OpenedRow::of),
            port_aliases: book.port_aliases.clone(),
            keys: book.keys.iter().map(|(id, key)| (*id, KeyRow::of(key))).collect(),
            counts: [events, redeliveries, conflicts, quarantined, control, seals],
        }
    }

    pub(crate) fn into_book(self, heads: BTreeMap<Chain, ChainHead>) -> Result<Book, StoreError> {
        let [events, redeliveries, conflicts, quarantined, control, seals] = self.counts;
        Ok(Book {
            frontier: frontier_of(self.tree)?,
            heads,
            last_seal: self.last_seal.map(index_of).transpose()?,
            opened: self.opened.map(OpenedRow::into_opened).transpose()?,
            port_aliases: self.port_aliases,
            keys: self
                .keys
                .into_iter()
                .map(|(id, key)| (id, key.into_key()))
                .collect(),
            counts: Counts {
                events,
                redeliveries,
                conflicts,
                quarantined,
                control,
                seals,
            },
        })
    }
}

impl OpenedRow {
    fn of(opened: &Opened) -> Self {
        Self {
            origin: opened.origin.as_str().to_owned(),
            log_key: opened.log_key,
            stream: opened.stream.clone(),
            stream_created: opened.stream_created.clone(),
            stream_config: *opened.stream_config.as_bytes(),
        }
    }

    fn into_opened(self) -> Result<Opened, StoreError> {
        let origin = Origin::new(&self.origin).ok().ok_or(unreadable("origin"))?;
        Ok(Opened {
            origin,
            log_key: self.log_key,
            stream: self.stream,
            stream_created: self.stream_created,
            stream_config: Hash::from_bytes(self.stream_config),
        })
    }
}

impl HeadRow {
    pub(crate) fn of(head: &ChainHead) -> Self {
        Self {
            index: head.index.get(),
            hash: *head.hash.as_bytes(),
            tree: tree_row(&head.frontier),
        }
    }

    pub(crate) fn into_head(self) -> Result<ChainHead, StoreError> {
        let hash = Hash::from_bytes(self.hash);
        Ok(ChainHead {
            index: index_of(self.index)?,
            hash,
            frontier: frontier_of(self.tree)?,
        })
    }
}

impl SealedRow {
    pub(crate) fn of(sealed: &Sealed) -> Self {
        Self {
            root: *sealed.root.as_bytes(),
            tree: tree_row(&sealed.frontier),
        }
    }

    pub(crate) fn into_sealed(self, index: Index) -> Result<Sealed, StoreError> {
        Ok(Sealed {
            index,
            root: Hash::from_bytes(self.root),
            frontier: frontier_of(self.tree)?,
        })
    }
}

fn tree_row(frontier: &Frontier) -> TreeRow {
    (
        frontier.size().get(),
        frontier.hashes().iter().map(|hash| *hash.as_bytes()).collect(),
    )
}

fn frontier_of((size, hashes): TreeRow) -> Result<Frontier, StoreError> {
    let hashes = hashes.into_iter().map(Hash::from_bytes).collect();
    Frontier::from_parts(Size::new(size), hashes)
        .ok()
        .ok_or(unreadable("frontier"))
}

fn index_of(raw: u64) -> Result<Index, StoreError> {
    Index::new(raw).ok_or(unreadable("leaf index"))
}

const fn unreadable(what: &'static str) -> StoreError {
    StoreError::Row {
        what,
        source: RowError::NotCanonical,
    }
}
