//! The state a batch starts from: size, tree, chain heads, and what control messages have settled.

use std::collections::BTreeMap;

use portbook_ledger::{Chain, Frontier, Hash, Index, Origin};
use serde::{Deserialize, Serialize};

use crate::codec::RowError;
use crate::durable::StoreError;

/// State of a ledger after some number of leaves; everything the fold needs beside the messages themselves.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Book {
    /// The tree over all leaves; its size is the number of leaves and the sequence of the last message.
    pub frontier: Frontier,
    /// Head of each chain.
    pub heads: BTreeMap<Chain, ChainHead>,
    /// The last seal.
    pub last_seal: Option<Index>,
    /// What `ledger.opened` said; absent only while the ledger is empty.
    pub opened: Option<Opened>,
    /// Trade aliases of ports in force: code as written to code of the chain.
    pub port_aliases: BTreeMap<String, String>,
    /// Producer keys, by key id.
    pub keys: BTreeMap<[u8; 8], ProducerKey>,
    /// How many leaves of each kind there are.
    pub counts: Counts,
}

/// Head of one chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainHead {
    /// Leaf index of the last record.
    pub index: Index,
    /// Its leaf hash.
    pub hash: Hash,
    /// The tree over exactly this chain's records; its size is their number.
    pub frontier: Frontier,
}

/// Number of leaves by kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Events recorded for the first time.
    pub events: u64,
    /// Events that reached the stream again.
    pub redeliveries: u64,
    /// Other contents under a known event id.
    pub conflicts: u64,
    /// Messages that could not be placed.
    pub quarantined: u64,
    /// Messages of the ledger's own.
    pub control: u64,
    /// Seals.
    pub seals: u64,
}

/// What the first message of the stream settled for good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// Name of the log.
    pub origin: Origin,
    /// Public half of the log key.
    pub log_key: [u8; 32],
    /// Name of the ledger stream.
    pub stream: String,
    /// When the stream was created, as the server says it.
    pub stream_created: String,
    /// SHA-256 of the stream's configuration.
    pub stream_config: Hash,
}

/// A key that signs events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProducerKey {
    /// Its public half.
    pub public_key: [u8; 32],
    /// The source it signs for.
    pub source: String,
    /// Types of event it may sign, as `<entity>.<verb>`; empty means every type.
    pub event_types: Vec<String>,
    /// Start of its validity by the stream's clock, nanoseconds since 1970.
    pub valid_from_ns: i128,
    /// End of its validity by the stream's clock, nanoseconds since 1970.
    pub valid_until_ns: i128,
    /// Leaf index of its registration; it is in force for later leaves.
    pub registered: u64,
    /// Leaf index of its revocation; it is not in force for later leaves.
    pub revoked: Option<u64>,
}

impl Book {
    /// Number of leaves, which is the stream sequence of the last message.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.frontier.size().get()
    }

    pub(crate) fn row(&self) -> BookRow {
        BookRow {
            tree: tree_row(&self.frontier),
            last_seal: self.last_seal.map(Index::get),
            opened: self.opened.as_ref().map(|opened| OpenedRow {
                origin: opened.origin.as_str().to_owned(),
                log_key: opened.log_key,
                stream: opened.stream.clone(),
                stream_created: opened.stream_created.clone(),
                stream_config: *opened.stream_config.as_bytes(),
            }),
            port_aliases: self.port_aliases.clone(),
            keys: self.keys.clone(),
            counts: self.counts,
        }
    }

    pub(crate) fn from_rows(row: BookRow, heads: BTreeMap<Chain, ChainHead>) -> Result<Self, StoreError> {
        let opened = row.opened.map(OpenedRow::into_opened).transpose()?;
        Ok(Self {
            frontier: frontier_of(row.tree)?,
            heads,
            last_seal: row.last_seal.map(index_of).transpose()?,
            opened,
            port_aliases: row.port_aliases,
            keys: row.keys,
            counts: row.counts,
        })
    }
}

impl ChainHead {
    pub(crate) fn row(&self) -> HeadRow {
        HeadRow { index: self.index.get(), hash: *self.hash.as_bytes(), tree: tree_row(&self.frontier) }
    }

    pub(crate) fn from_row(row: HeadRow) -> Result<Self, StoreError> {
        let hash = Hash::from_bytes(row.hash);
        Ok(Self { index: index_of(row.index)?, hash, frontier: frontier_of(row.tree)? })
    }
}

/// Size and hashes of a frontier.
pub(crate) type TreeRow = (u64, Vec<[u8; 32]>);

/// [`Book`] without its heads, as stored.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct BookRow {
    tree: TreeRow,
    last_seal: Option<u64>,
    opened: Option<OpenedRow>,
    port_aliases: BTreeMap<String, String>,
    keys: BTreeMap<[u8; 8], ProducerKey>,
    counts: Counts,
}

#[derive(Debug, Serialize, Deserialize)]
struct OpenedRow {
    origin: String,
    log_key: [u8; 32],
    stream: String,
    stream_created: String,
    stream_config: [u8; 32],
}

impl OpenedRow {
    fn into_opened(self) -> Result<Opened, StoreError> {
        let origin = Origin::new(&self.origin)
            .map_err(|_| StoreError::Row { what: "book", source: RowError::NotCanonical })?;
        Ok(Opened {
            origin,
            log_key: self.log_key,
            stream: self.stream,
            stream_created: self.stream_created,
            stream_config: Hash::from_bytes(self.stream_config),
        })
    }
}

/// [`ChainHead`] as stored.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct HeadRow {
    index: u64,
    hash: [u8; 32],
    tree: TreeRow,
}

pub(crate) fn tree_row(frontier: &Frontier) -> TreeRow {
    (frontier.size().get(), frontier.hashes().iter().map(|hash| *hash.as_bytes()).collect())
}

pub(crate) fn frontier_of((size, hashes): TreeRow) -> Result<Frontier, StoreError> {
    let hashes = hashes.into_iter().map(Hash::from_bytes).collect();
    Frontier::from_parts(portbook_ledger::Size::new(size), hashes)
        .map_err(|_| StoreError::Row { what: "frontier", source: RowError::NotCanonical })
}

fn index_of(raw: u64) -> Result<Index, StoreError> {
    Index::new(raw).ok_or(StoreError::Row { what: "leaf index", source: RowError::NotCanonical })
}
