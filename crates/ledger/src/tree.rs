//! The RFC 6962 Merkle tree: hashing of leaves and nodes, the right edge, proofs, and tiles to serve it from.

mod frontier;
mod plan;
mod proof;
mod tile;

pub use frontier::{Frontier, InvalidFrontier};
pub use plan::{Plan, PlanError, plan_consistency, plan_inclusion, plan_root};
pub use proof::{ProofError, verify_consistency, verify_inclusion};
pub use tile::{InvalidTilePath, TileContent, TileId, TileWidth, tiles_between};

use crate::hash::{Hash, sha256};

/// A complete subtree: the hash over leaves `index << level` up to, not including, `(index + 1) << level`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId {
    /// Height above the leaves: 0 is a leaf hash. At most 63.
    pub level: u8,
    /// Place among the nodes of this level, from 0.
    pub index: u64,
}

/// Hash of a leaf: `H(0x00 || bytes)`.
#[must_use]
pub fn leaf_hash(bytes: &[u8]) -> Hash {
    sha256(&[&[0], bytes])
}

/// Hash of an interior node: `H(0x01 || left || right)`.
#[must_use]
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    // One contiguous input keeps the hasher out of its buffering path; this runs once per leaf and chain.
    let mut input = [1; 65];
    let (_, hashes) = input.split_at_mut(1);
    let (first, second) = hashes.split_at_mut(32);
    first.copy_from_slice(left.as_bytes());
    second.copy_from_slice(right.as_bytes());
    sha256(&[&input])
}

/// Root of the tree without leaves: `H("")`.
#[must_use]
pub fn empty_root() -> Hash {
    sha256(&[])
}

/// Root of the tree over `leaf_hashes`, in order.
pub fn root_of<'a>(leaf_hashes: impl IntoIterator<Item = &'a Hash>) -> Hash {
    let mut frontier = Frontier::new();
    for hash in leaf_hashes {
        frontier.push(*hash);
    }
    frontier.root()
}
