//! The head: what a chain amounts to at a seal, and proofs that a chain has this head or does not exist.

use crate::{
    chain::Chain,
    decoder::{Decoder, Ended},
    hash::Hash,
    position::{Index, Size},
    seal::Seal,
    tree::{self, ProofError},
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

/// A head and its path to the heads root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeadPath {
    /// The head.
    pub head: Head,
    /// Place among the sorted heads.
    pub place: Index,
    /// RFC 6962 inclusion proof in the heads tree.
    pub proof: Vec<Hash>,
}

/// What a seal says about one chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HeadProof {
    /// The chain has this head.
    Present(HeadPath),
    /// The chain has no records: the two heads that would be next to its own are next to each other.
    Absent {
        /// The last head before the name; none when the name comes before all heads.
        before: Option<HeadPath>,
        /// The first head after the name; none when the name comes after all heads.
        after: Option<HeadPath>,
    },
}

/// Why a head proof does not show what it should.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HeadProofError {
    /// The head is of another chain.
    #[error("the proof is about {found}, not about {expected}")]
    Chain {
        /// Chain in question.
        expected: Chain,
        /// Chain of the head offered.
        found: Chain,
    },
    /// A head is not in the heads tree of the seal.
    #[error("the head of {chain} is not in the seal")]
    Path {
        /// Chain of that head.
        chain: Chain,
        /// Why its path does not hold.
        #[source]
        source: ProofError,
    },
    /// The neighbours offered do not enclose the name.
    #[error("the neighbours offered do not enclose {chain}")]
    NotEnclosed {
        /// Chain in question.
        chain: Chain,
    },
    /// The head speaks about leaves the seal does not cover.
    #[error("the head of {chain} is leaf {head_index}, the seal covers {covered_size} leaves")]
    NotCovered {
        /// Chain of that head.
        chain: Chain,
        /// Leaf of its newest record.
        head_index: Index,
        /// What the seal covers.
        covered_size: Size,
    },
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

/// Proves what the seal over `heads` says about `chain`.
///
/// # Errors
/// [`UnsortedHeads`] unless the heads are sorted by raw name, each chain once.
pub fn prove_head(heads: &[Head], chain: Chain) -> Result<HeadProof, UnsortedHeads> {
    let leaves = leaf_hashes(heads)?;
    let path = |place: usize| {
        let head = *heads.get(place)?;
        let at = Index::new(u64::try_from(place).ok()?)?;
        Some(HeadPath {
            head,
            place: at,
            proof: inclusion_proof(&leaves, place),
        })
    };
    let place = heads.partition_point(|head| head.chain < chain);
    Ok(match path(place) {
        Some(found) if found.head.chain == chain => HeadProof::Present(found),
        after => HeadProof::Absent {
            before: place.checked_sub(1).and_then(path),
            after,
        },
    })
}

impl HeadProof {
    /// What this proof shows about `chain` at `seal`: its head, or that it has none.
    ///
    /// The seal itself must have been found in a signed log before.
    ///
    /// # Errors
    /// [`HeadProofError`] says what does not fit; nothing is proven then.
    pub fn verify(&self, seal: &Seal, chain: Chain) -> Result<Option<&Head>, HeadProofError> {
        match self {
            Self::Present(path) if path.head.chain != chain => Err(HeadProofError::Chain {
                expected: chain,
                found: path.head.chain,
            }),
            Self::Present(path) => path.verify(seal).map(|()| Some(&path.head)),
            Self::Absent { before, after } => {
                for path in before.iter().chain(after) {
                    path.verify(seal)?;
                }
                if encloses(before.as_ref(), after.as_ref(), seal.chain_count, chain) {
                    Ok(None)
                } else {
                    Err(HeadProofError::NotEnclosed { chain })
                }
            }
        }
    }
}

impl HeadPath {
    fn verify(&self, seal: &Seal) -> Result<(), HeadProofError> {
        let Head {
            chain, head_index, ..
        } = self.head;
        if head_index.get() >= seal.covered_size.get() {
            return Err(HeadProofError::NotCovered {
                chain,
                head_index,
                covered_size: seal.covered_size,
            });
        }
        let size = Size::new(seal.chain_count);
        tree::verify_inclusion(
            &self.head.leaf_hash(),
            self.place,
            size,
            &self.proof,
            &seal.heads_root,
        )
        .map_err(|source| HeadProofError::Path { chain, source })
    }
}

/// Whether no head fits between the two: they are neighbours, or the one is the first or the last of all.
fn encloses(before: Option<&HeadPath>, after: Option<&HeadPath>, count: u64, chain: Chain) -> bool {
    let ordered =
        before.is_none_or(|path| path.head.chain < chain) && after.is_none_or(|path| chain < path.head.chain);
    let adjacent = match (before, after) {
        (None, None) => count == 0,
        (None, Some(first)) => first.place == Index::FIRST,
        (Some(last), None) => last.place.size_through() == Size::new(count),
        (Some(left), Some(right)) => left.place.next() == Some(right.place),
    };
    ordered && adjacent
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

/// Inclusion proof in a tree whose leaf hashes are all at hand.
fn inclusion_proof(leaves: &[Hash], place: usize) -> Vec<Hash> {
    let (mut part, mut at) = (leaves, place);
    let mut proof = Vec::new();
    while part.len() > 1 {
        let (left, right) = part.split_at(part.len().div_ceil(2).next_power_of_two());
        let sibling = if at < left.len() {
            part = left;
            right
        } else {
            at -= left.len();
            part = right;
            left
        };
        proof.push(tree::root_of(sibling));
    }
    proof.reverse();
    proof
}
