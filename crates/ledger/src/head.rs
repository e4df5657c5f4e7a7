//! The head: what a chain amounts to at a seal.

mod proof;
mod text;

pub use proof::{HeadPath, HeadProof, HeadProofError, prove_head};
pub use text::HeadProofText;

use crate::{
    chain::Chain,
    decoder::{Decoder, Ended},
    hash::Hash,
    position::{Index, Size},
    tree,
};

const MAGIC: [u8; 4] = *b"PBH1";

/// The newest record of a chain and the root over all of them: a leaf of the heads tree, never of the main tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// The chain.
    pub chain: Chain,
    /// How many records it has; at least 1.
    pub count: Size,
    /// Leaf of its newest record.
    pub head_index: Index,
    /// Leaf hash of its newest record.
    pub head_hash: Hash,
    /// RFC 6962 root over the leaf hashes of exactly its records, in order; `port_root` in the format document.
    pub chain_root: Hash,
}

/// Why bytes are not a head.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HeadError {
    /// The bytes do not begin like a head.
    #[error("a head begins with PBH1, found bytes {found:02x?}")]
    Magic {
        /// The first bytes, at most 4.
        found: Vec<u8>,
    },
    /// The bytes end inside a field.
    #[error("the head ends inside {field}")]
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
    /// The name is neither a port nor one of the two other chains.
    #[error("no chain has the name {}", .found.escape_ascii())]
    ChainName {
        /// The name found.
        found: Vec<u8>,
    },
    /// A chain without records has no head.
    #[error("count is 0")]
    CountZero,
    /// No leaf has the index 2^64-1.
    #[error("head_index is 2^64-1")]
    NoIndex,
}

/// Heads that cannot be the leaves of one heads tree.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("heads must be strictly ascending, found {second} after {first}")]
pub struct UnsortedHeads {
    /// Chain of the earlier head.
    pub first: Chain,
    /// Chain of the head after it.
    pub second: Chain,
}

impl Head {
    /// The bytes of this head.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(4 + 12 + 8 + 8 + 32 + 32);
        out.extend_from_slice(&MAGIC);
        self.chain.encode_into(&mut out);
        out.extend_from_slice(&self.count.get().to_be_bytes());
        out.extend_from_slice(&self.head_index.get().to_be_bytes());
        out.extend_from_slice(self.head_hash.as_bytes());
        out.extend_from_slice(self.chain_root.as_bytes());
        out
    }

    /// Reads a head and nothing else. What decodes encodes to the same bytes again.
    ///
    /// # Errors
    /// [`HeadError`] names the first field that is not as the format says.
    pub fn decode(bytes: &[u8]) -> Result<Self, HeadError> {
        let mut input = Decoder::new(bytes);
        if input.array("magic") != Ok(MAGIC) {
            return Err(HeadError::Magic {
                found: bytes.iter().copied().take(MAGIC.len()).collect(),
            });
        }
        let len = input.u8("port")?;
        let name = input.bytes(usize::from(len), "port")?;
        let head = Self {
            chain: Chain::from_bytes(name).ok_or_else(|| HeadError::ChainName { found: name.to_vec() })?,
            count: Size::new(input.u64("count")?),
            head_index: input.index("head_index")?.ok_or(HeadError::NoIndex)?,
            head_hash: input.hash("head_hash")?,
            chain_root: input.hash("port_root")?,
        };
        if head.count == Size::ZERO {
            return Err(HeadError::CountZero);
        }
        if !input.rest().is_empty() {
            return Err(HeadError::TrailingBytes {
                count: input.rest().len(),
            });
        }
        Ok(head)
    }

    /// The head as a leaf of the heads tree.
    #[must_use]
    pub fn leaf_hash(&self) -> Hash {
        tree::leaf_hash(&self.encode())
    }
}

impl From<Ended> for HeadError {
    fn from(ended: Ended) -> Self {
        Self::Ended { field: ended.field }
    }
}

/// Root of the heads tree: what a seal commits to.
///
/// # Errors
/// [`UnsortedHeads`] unless the heads are sorted by raw name, each chain once.
pub fn heads_root(heads: &[Head]) -> Result<Hash, UnsortedHeads> {
    Ok(tree::root_of(&leaf_hashes(heads)?))
}

fn leaf_hashes(heads: &[Head]) -> Result<Vec<Hash>, UnsortedHeads> {
    for (first, second) in heads.iter().zip(heads.iter().skip(1)) {
        if first.chain >= second.chain {
            return Err(UnsortedHeads {
                first: first.chain,
                second: second.chain,
            });
        }
    }
    Ok(heads.iter().map(Head::leaf_hash).collect())
}
