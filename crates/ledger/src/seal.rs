//! The seal: one leaf that commits to the head of every chain.

use crate::{
    chain::Origin,
    decoder::{Decoder, Ended},
    hash::Hash,
    position::{Index, Seq, Size},
};

/// First bytes of a seal.
pub(crate) const MAGIC: [u8; 4] = *b"PBS1";
/// Length of every seal in bytes.
pub const SEAL_BYTES: usize = 141;
/// SHA-256 and Ed25519.
const SUITE: u8 = 1;

/// What the ledger consisted of at one moment, chain by chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seal {
    /// Number of leaves this seal speaks about: all before its own.
    pub covered_size: Size,
    /// Number of chains with at least one record, `~CONTROL` and `~QUARANTINE` included; `port_count` in the format document.
    pub chain_count: u64,
    /// Merkle root over the heads of those chains, sorted by raw name.
    pub heads_root: Hash,
    /// SHA-256 of the last published checkpoint file, cosignatures included; zeros when there is none.
    pub prev_checkpoint: Hash,
    /// Leaf of the previous seal.
    pub prev_seal: Option<Index>,
    /// Sequence of the seal message in the stream.
    pub stream_seq: Seq,
    /// The stream's timestamp of the seal message, in nanoseconds since 1970-01-01T00:00:00Z.
    pub sealed_at_ns: u64,
    /// SHA-256 of the origin.
    pub origin_hash: Hash,
}

/// Why bytes are not a seal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The bytes do not begin like a seal.
    #[error("a seal begins with PBS1, found bytes {found:02x?}")]
    Magic {
        /// The first bytes, at most 4.
        found: Vec<u8>,
    },
    /// The bytes end inside a field.
    #[error("the seal ends inside {field}")]
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
    /// The suite of hash and signature is not 1.
    #[error("unknown suite {found}")]
    Suite {
        /// The byte found.
        found: u8,
    },
    /// Stream sequences begin at 1.
    #[error("stream_seq is 0")]
    StreamSeqZero,
}

impl Seal {
    /// The 141 bytes of this seal.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(SEAL_BYTES);
        out.extend_from_slice(&MAGIC);
        out.push(SUITE);
        out.extend_from_slice(&self.covered_size.get().to_be_bytes());
        out.extend_from_slice(&self.chain_count.to_be_bytes());
        out.extend_from_slice(self.heads_root.as_bytes());
        out.extend_from_slice(self.prev_checkpoint.as_bytes());
        out.extend_from_slice(&Index::encode(self.prev_seal));
        out.extend_from_slice(&self.stream_seq.get().to_be_bytes());
        out.extend_from_slice(&self.sealed_at_ns.to_be_bytes());
        out.extend_from_slice(self.origin_hash.as_bytes());
        out
    }

    /// Reads a seal and nothing else. What decodes encodes to the same bytes again.
    ///
    /// # Errors
    /// [`SealError`] says what is not as the format says.
    pub fn decode(bytes: &[u8]) -> Result<Self, SealError> {
        let mut input = Decoder::new(bytes);
        if input.array("magic") != Ok(MAGIC) {
            return Err(SealError::Magic {
                found: bytes.iter().copied().take(MAGIC.len()).collect(),
            });
        }
        let suite = input.u8("suite")?;
        if suite != SUITE {
            return Err(SealError::Suite { found: suite });
        }
        let seal = Self {
            covered_size: Size::new(input.u64("covered_size")?),
            chain_count: input.u64("port_count")?,
            heads_root: input.hash("heads_root")?,
            prev_checkpoint: input.hash("prev_checkpoint")?,
            prev_seal: input.index("prev_seal")?,
            stream_seq: Seq::new(input.u64("stream_seq")?).ok_or(SealError::StreamSeqZero)?,
            sealed_at_ns: input.u64("sealed_at")?,
            origin_hash: input.hash("origin_hash")?,
        };
        if input.rest().is_empty() {
            Ok(seal)
        } else {
            Err(SealError::TrailingBytes {
                count: input.rest().len(),
            })
        }
    }

    /// Whether this seal speaks about the log called `origin`.
    #[must_use]
    pub fn is_of(&self, origin: &Origin) -> bool {
        self.origin_hash == origin.hash()
    }
}

impl From<Ended> for SealError {
    fn from(ended: Ended) -> Self {
        Self::Ended { field: ended.field }
    }
}
