//! The upper part of one log's tree, kept in memory: every complete node over 256 leaves or more.
//!
//! That is 64 bytes for 256 leaves: 250 KB for a million. Nodes below are computed from the 256 stored leaf hashes they stand
//! on, so that no proof reads more than two such blocks.

use portbook_ledger::{Hash, NodeId, node_hash};

/// Leaves below one node of the lowest level that is kept.
pub(crate) const BLOCK_LEAVES: u64 = 256;
/// Level of that node.
pub(crate) const BLOCK_LEVEL: u8 = 8;

/// Complete nodes from [`BLOCK_LEVEL`] upwards.
#[derive(Debug, Default)]
pub(crate) struct UpperTree {
    levels: Vec<Vec<Hash>>,
}

impl UpperTree {
    /// Number of complete blocks.
    pub(crate) fn blocks(&self) -> u64 {
        self.levels
            .first()
            .map_or(0, |level| u64::try_from(level.len()).unwrap_or(u64::MAX))
    }

    /// Appends the node over the next block, and every node that becomes complete with it.
    pub(crate) fn push(&mut self, block: Hash) {
        let mut hash = block;
        for level in 0.. {
            if self.levels.len() == level {
                self.levels.push(Vec::new());
            }
            let Some(nodes) = self.levels.get_mut(level) else {
                return;
            };
            nodes.push(hash);
            if !nodes.len().is_multiple_of(2) {
                return;
            }
            let Some([.., left, right]) = nodes.last_chunk::<2>() else {
                return;
            };
            hash = node_hash(left, right);
        }
    }

    /// The hash of a node that is kept.
    pub(crate) fn hash(&self, node: NodeId) -> Option<Hash> {
        let level = usize::from(node.level.checked_sub(BLOCK_LEVEL)?);
        let index = usize::try_from(node.index).ok()?;
        self.levels.get(level)?.get(index).copied()
    }
}

#[cfg(test)]
mod tests {
    use portbook_ledger::{Frontier, leaf_hash, tree::root_of};

    use super::*;

    #[test]
    fn it_keeps_every_complete_node_from_the_block_level_on() {
        let (mut edge, mut upper) = (Frontier::new(), UpperTree::default());
        let mut nodes = Vec::new();
        let mut block = Vec::new();
        for leaf in 0..256_u64 * 21 {
            let hash = leaf_hash(&leaf.to_be_bytes());
            edge.push_visiting(hash, |node, hash| nodes.push((node, hash)));
            block.push(hash);
            if block.len() == 256 {
                upper.push(root_of(&block));
                block.clear();
            }
        }
        assert_eq!(upper.blocks(), 21);
        for (node, hash) in nodes {
            let expected = (node.level >= BLOCK_LEVEL).then_some(hash);
            assert_eq!(upper.hash(node), expected, "{node:?}");
        }
        assert_eq!(upper.hash(NodeId { level: 8, index: 21 }), None);
        assert_eq!(upper.hash(NodeId { level: 63, index: 0 }), None);
    }
}
