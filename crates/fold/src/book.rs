//! The state a batch starts from: size, tree, chain heads, and what control messages have settled.

use std::collections::BTreeMap;

use portbook_ledger::{Chain, Frontier, Hash, Index, Origin};

use crate::key::ProducerKey;

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
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
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

impl Book {
    /// Number of leaves, which is the stream sequence of the last message.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.frontier.size().get()
    }
}
