//! Why bytes are not a record.

use super::{BODY_BYTES_MAX, LEAF_BYTES_MAX, RecordKind};
use crate::{
    chain::Chain,
    decoder::Ended,
    position::{ChainSeq, Index},
};

/// Why bytes are not a record, or a record has no bytes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// The bytes do not begin like a record.
    #[error("a record begins with PBR1, found bytes {found:02x?}")]
    Magic {
        /// The first bytes, at most 4.
        found: Vec<u8>,
    },
    /// The bytes end inside a field.
    #[error("the record ends inside {field}")]
    Ended {
        /// Name of the field in the format document.
        field: &'static str,
    },
    /// Bytes follow the last field.
    #[error("{count} bytes follow the last field")]
    TrailingBytes {
        /// How many.
        count: usize,
    },
    /// The kind is none of 1 to 5.
    #[error("unknown kind {found}")]
    Kind {
        /// The byte found.
        found: u8,
    },
    /// A flag other than bit 0 is set.
    #[error("unknown flags {found:#04x}")]
    Flags {
        /// The byte found.
        found: u8,
    },
    /// The name is neither a port nor one of the two other chains.
    #[error("no chain has the name {}", .found.escape_ascii())]
    ChainName {
        /// The name found.
        found: Vec<u8>,
    },
    /// Events, redeliveries and conflicts belong to ports, quarantine and control to their own chains.
    #[error("a record of kind {kind} cannot be in chain {chain}")]
    ChainOfKind {
        /// Kind of the record.
        kind: RecordKind,
        /// Chain it names.
        chain: Chain,
    },
    /// Places in a chain begin at 1.
    #[error("port_seq is 0")]
    ChainSeqZero,
    /// Stream sequences begin at 1.
    #[error("stream_seq is 0")]
    StreamSeqZero,
    /// The first record of a chain has no previous index, every other one has.
    #[error("prev_index {} does not go with port_seq {chain_seq}", shown(.prev_index))]
    PrevIndex {
        /// Place in the chain.
        chain_seq: ChainSeq,
        /// Index that was given.
        prev_index: Option<Index>,
    },
    /// Redeliveries and conflicts refer to an original, other kinds to nothing.
    #[error("refers_to {} does not go with kind {kind}", shown(.refers_to))]
    RefersTo {
        /// Kind of the record.
        kind: RecordKind,
        /// Index that was given.
        refers_to: Option<Index>,
    },
    /// A subject is 1 or more bytes of UTF-8.
    #[error("the subject is empty or not UTF-8")]
    Subject,
    /// The body is larger than a record may carry.
    #[error("the body has {found} bytes, at most {BODY_BYTES_MAX} are allowed")]
    BodyTooLarge {
        /// Its length in bytes.
        found: usize,
    },
    /// The record is larger than a leaf may be.
    #[error("the record has {found} bytes, at most {LEAF_BYTES_MAX} are allowed")]
    TooLarge {
        /// Its length in bytes.
        found: usize,
    },
}

impl From<Ended> for RecordError {
    fn from(ended: Ended) -> Self {
        Self::Ended { field: ended.field }
    }
}

#[expect(clippy::ref_option, reason = "thiserror hands fields over by reference")]
fn shown(index: &Option<Index>) -> String {
    index.map_or_else(|| "none".to_owned(), |index| index.to_string())
}
