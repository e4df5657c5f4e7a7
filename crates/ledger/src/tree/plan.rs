//! Which nodes a root or a proof is made of: everything to read is known at once, then one pure computation.

use super::{NodeId, empty_root, node_hash};
use crate::{
    hash::Hash,
    position::{Index, Size},
};

/// The nodes to read for a root or a proof, and how they combine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    nodes: Vec<NodeId>,
    /// How many consecutive nodes make one hash of the result; never 0.
    group_lens: Vec<usize>,
}

/// A proof that does not exist, or an answer that does not fit the question.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// The leaf is not in the tree.
    #[error("leaf {index} is not in a tree of {size} leaves")]
    OutsideTree {
        /// Leaf that was asked for.
        index: Index,
        /// Size of the tree.
        size: Size,
    },
    /// The tree said to be older is the larger one.
    #[error("a tree of {old} leaves cannot be an earlier state of one of {new}")]
    Shrinking {
        /// Size of the tree said to be older.
        old: Size,
        /// Size of the tree said to be newer.
        new: Size,
    },
    /// The number of hashes read is not the number of nodes asked for.
    #[error("asked for {expected} nodes, read {found}")]
    NodeCount {
        /// Nodes of the plan.
        expected: usize,
        /// Hashes offered.
        found: usize,
    },
}

impl Plan {
    /// The nodes to read, in the order in which [`Plan::hashes`] takes them.
    #[must_use]
    pub fn nodes(&self) -> &[NodeId] {
        &self.nodes
    }

    /// Combines the hashes of [`Plan::nodes`] into the hashes of the proof, in proof order.
    ///
    /// # Errors
    /// [`PlanError::NodeCount`] when there is not exactly one hash for each node.
    pub fn hashes(&self, read: &[Hash]) -> Result<Vec<Hash>, PlanError> {
        if read.len() != self.nodes.len() {
            return Err(PlanError::NodeCount {
                expected: self.nodes.len(),
                found: read.len(),
            });
        }
        let mut rest = read;
        let mut proof = Vec::with_capacity(self.group_lens.len());
        for len in &self.group_lens {
            let (group, after) = rest.split_at_checked(*len).unwrap_or((rest, &[]));
            rest = after;
            let mut right_first = group.iter().rev();
            if let Some(rightmost) = right_first.next() {
                proof.push(right_first.fold(*rightmost, |right, left| node_hash(left, &right)));
            }
        }
        Ok(proof)
    }

    /// The single hash of a plan made by [`plan_root`]; the empty root when that plan has no nodes.
    ///
    /// # Errors
    /// [`PlanError::NodeCount`] when there is not exactly one hash for each node.
    pub fn root(&self, read: &[Hash]) -> Result<Hash, PlanError> {
        Ok(self.hashes(read)?.first().copied().unwrap_or_else(empty_root))
    }

    const fn empty() -> Self {
        Self {
            nodes: Vec::new(),
            group_lens: Vec::new(),
        }
    }

    /// Adds the hash over leaves `start..end`, where `start` is a multiple of the largest power of two not above the length.
    fn add_range(&mut self, start: u64, end: u64) {
        let before = self.nodes.len();
        let mut from = start;
        while let Some(left) = end.checked_sub(from).and_then(u64::checked_ilog2) {
            let level = u8::try_from(left).unwrap_or(u8::MAX);
            self.nodes.push(NodeId {
                level,
                index: from >> left,
            });
            from = from.saturating_add(1 << left);
        }
        self.group_lens.push(self.nodes.len() - before);
    }
}

/// What the root of a tree of `size` leaves is made of: its right edge, largest subtree first.
#[must_use]
pub fn plan_root(size: Size) -> Plan {
    let mut plan = Plan::empty();
    if size > Size::ZERO {
        plan.add_range(0, size.get());
    }
    plan
}

/// What proves that the leaf at `index` is in the tree of `size` leaves.
///
/// # Errors
/// [`PlanError::OutsideTree`] when it is not.
pub fn plan_inclusion(index: Index, size: Size) -> Result<Plan, PlanError> {
    if index.get() >= size.get() {
        return Err(PlanError::OutsideTree { index, size });
    }
    let mut siblings = Vec::new();
    let (mut start, mut end) = (0, size.get());
    while end - start > 1 {
        let middle = start + split_of(end - start);
        if index.get() < middle {
            siblings.push((middle, end));
            end = middle;
        } else {
            siblings.push((start, middle));
            start = middle;
        }
    }
    Ok(from_leaf_upwards(siblings))
}

/// What proves that the tree of `new` leaves begins with the tree of `old` leaves. Nothing when one is empty or both are equal.
///
/// # Errors
/// [`PlanError::Shrinking`] when `old` is larger than `new`.
pub fn plan_consistency(old: Size, new: Size) -> Result<Plan, PlanError> {
    if old > new {
        return Err(PlanError::Shrinking { old, new });
    }
    if old == Size::ZERO || old == new {
        return Ok(Plan::empty());
    }
    let mut parts = Vec::new();
    let (mut start, mut end) = (0, new.get());
    // RFC 6962, 2.1.2: SUBPROOF(m, D[n], b), where b says whether the subtree is the whole old tree.
    while end != old.get() {
        let middle = start + split_of(end - start);
        if old.get() <= middle {
            parts.push((middle, end));
            end = middle;
        } else {
            parts.push((start, middle));
            start = middle;
        }
    }
    if start > 0 {
        parts.push((start, end));
    }
    Ok(from_leaf_upwards(parts))
}

/// The largest power of two smaller than `len`, for `len` of at least 2.
const fn split_of(len: u64) -> u64 {
    match (len.saturating_sub(1)).checked_ilog2() {
        Some(level) => 1 << level,
        None => 1,
    }
}

fn from_leaf_upwards(parts_from_root: Vec<(u64, u64)>) -> Plan {
    let mut plan = Plan::empty();
    for (start, end) in parts_from_root.into_iter().rev() {
        plan.add_range(start, end);
    }
    plan
}
