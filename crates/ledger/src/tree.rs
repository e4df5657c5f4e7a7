//! The RFC 6962 Merkle tree: hashing of leaves and nodes, the right edge, proofs, and tiles to serve it from.

mod frontier;
mod plan;
mod proof;
mod tile;

pub use frontier::{Frontier, InvalidFrontier};
pub use plan::{Plan, PlanError, plan_consistency, plan_inclusion, plan_root};
pub use proof::{ProofError, verify_consistency, verify_inclusion};
pub use tile::{InvalidTilePath, TileContent, TileId, TileWidth, tiles_between};

use crate::hash::{Hash, sha256, sha256_padded};

/// What an interior node is hashed over, without its two hashes: `0x01`, room for 64 bytes, and the padding of FIPS 180-4
/// section 5.1.1 behind 65 bytes, which are 520 bits.
const NODE_BLOCKS: [[u8; 64]; 2] = {
    let mut blocks = [[0; 64]; 2];
    let [first, second] = &mut blocks;
    first[0] = 0x01;
    second[1] = 0x80;
    [second[62], second[63]] = 520_u16.to_be_bytes();
    blocks
};

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
    // Its 65 bytes and their padding are always two blocks. This runs twice per record, so they go past the hasher's buffer.
    let mut blocks = NODE_BLOCKS;
    let (_, rest) = blocks.as_flattened_mut().split_at_mut(1);
    let (first, rest) = rest.split_at_mut(32);
    let (second, _) = rest.split_at_mut(32);
    first.copy_from_slice(left.as_bytes());
    second.copy_from_slice(right.as_bytes());
    sha256_padded(blocks)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_is_hashed_as_any_other_bytes_are() {
        for byte in 0..=255_u8 {
            let (left, right) = (leaf_hash(&[byte]), leaf_hash(&[byte, byte]));
            let expected = sha256(&[&[1], left.as_bytes(), right.as_bytes()]);
            assert_eq!(node_hash(&left, &right), expected, "{byte}");
        }
    }
}
