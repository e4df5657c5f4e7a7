//! The right edge of a tree: all that is needed to append leaves and to know the root.

use super::{NodeId, empty_root, node_hash};
use crate::{hash::Hash, position::Size};

/// The complete subtrees a tree consists of, largest first: one hash per set bit of the size.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Frontier {
    size: u64,
    hashes: Vec<Hash>,
}

/// Parts that cannot be the right edge of a tree.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidFrontier {
    /// The number of hashes is not the number of set bits of the size.
    #[error("the right edge of {size} leaves has {expected} hashes, found {found}")]
    HashCount {
        /// Size the edge was said to have.
        size: Size,
        /// Hashes an edge of this size has.
        expected: u32,
        /// Hashes offered.
        found: usize,
    },
    /// The size is beyond 2^63, which no ledger reaches and from which appending could not go on.
    #[error("a tree of {size} leaves is larger than 2^63")]
    TooLarge {
        /// Size the edge was said to have.
        size: Size,
    },
}

impl Frontier {
    /// The right edge of the empty tree.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            size: 0,
            hashes: Vec::new(),
        }
    }

    /// Rebuilds the edge of a tree of `size` leaves from its hashes, largest subtree first.
    ///
    /// # Errors
    /// [`InvalidFrontier`] when the parts do not fit together. Whether the hashes are the right ones shows in the root only.
    pub fn from_parts(size: Size, hashes: Vec<Hash>) -> Result<Self, InvalidFrontier> {
        if size.get() > 1 << 63 {
            return Err(InvalidFrontier::TooLarge { size });
        }
        let expected = size.get().count_ones();
        if u32::try_from(hashes.len()) != Ok(expected) {
            return Err(InvalidFrontier::HashCount {
                size,
                expected,
                found: hashes.len(),
            });
        }
        Ok(Self {
            size: size.get(),
            hashes,
        })
    }

    /// Appends a leaf by its hash: one node hash on average.
    pub fn push(&mut self, leaf: Hash) {
        self.push_visiting(leaf, |_, _| {});
    }

    /// Appends a leaf and shows every node that becomes complete with it, the leaf first, the largest last.
    pub fn push_visiting(&mut self, leaf: Hash, mut visit: impl FnMut(NodeId, Hash)) {
        let mut node = NodeId {
            level: 0,
            index: self.size,
        };
        let mut hash = leaf;
        visit(node, hash);
        while node.index & 1 == 1 {
            // A set bit of the size is a complete subtree, so there is one to take.
            let Some(left) = self.hashes.pop() else { break };
            hash = node_hash(&left, &hash);
            node = NodeId {
                level: node.level.saturating_add(1),
                index: node.index >> 1,
            };
            visit(node, hash);
        }
        self.hashes.push(hash);
        // At most 2^63 at construction: the end of u64 is 2^63 pushes away.
        self.size = self.size.saturating_add(1);
    }

    /// Number of leaves.
    #[must_use]
    pub const fn size(&self) -> Size {
        Size::new(self.size)
    }

    /// Hashes of the complete subtrees, largest first: what [`Frontier::from_parts`] takes.
    #[must_use]
    pub fn hashes(&self) -> &[Hash] {
        &self.hashes
    }

    /// Root of the tree.
    #[must_use]
    pub fn root(&self) -> Hash {
        let mut smaller_first = self.hashes.iter().rev();
        let Some(smallest) = smaller_first.next() else {
            return empty_root();
        };
        smaller_first.fold(*smallest, |right, left| node_hash(left, &right))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::leaf_hash;

    #[test]
    fn parts_that_do_not_fit_are_refused() {
        let hash = leaf_hash(b"x");
        assert!(Frontier::from_parts(Size::new(3), vec![hash]).is_err());
        assert!(Frontier::from_parts(Size::ZERO, vec![hash]).is_err());
        assert!(Frontier::from_parts(Size::new((1 << 63) + 1), vec![hash; 2]).is_err());
        assert!(Frontier::from_parts(Size::new(u64::MAX), vec![hash; 64]).is_err());
        assert_eq!(Frontier::from_parts(Size::ZERO, vec![]), Ok(Frontier::new()));
    }

    #[test]
    fn the_largest_edge_still_grows() {
        let mut edge = Frontier::from_parts(Size::new(1 << 63), vec![leaf_hash(b"x")]).unwrap();
        edge.push(leaf_hash(b"y"));
        assert_eq!(edge.size().get(), (1 << 63) + 1);
        assert_eq!(edge.root(), node_hash(&leaf_hash(b"x"), &leaf_hash(b"y")));
    }

    #[test]
    fn an_edge_taken_apart_continues_as_before() {
        let mut whole = Frontier::new();
        for byte in 0..=255_u8 {
            let mut rebuilt = Frontier::from_parts(whole.size(), whole.hashes().to_vec()).unwrap();
            whole.push(leaf_hash(&[byte]));
            rebuilt.push(leaf_hash(&[byte]));
            assert_eq!(rebuilt, whole);
        }
    }
}
