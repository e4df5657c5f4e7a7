//! Proofs that a seal gives a chain this head, or none.

use super::{Head, UnsortedHeads, leaf_hashes};
use crate::{
    chain::Chain,
    hash::Hash,
    position::{Index, Size},
    seal::Seal,
    tree::{self, ProofError},
};

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
