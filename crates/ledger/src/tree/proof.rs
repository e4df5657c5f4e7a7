//! Checking proofs by the algorithms of RFC 9162, for every size up to 2^64-1.

use super::{empty_root, node_hash};
use crate::{
    hash::Hash,
    position::{Index, Size},
};

/// Why a proof does not show what it should.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// The leaf cannot be in the tree.
    #[error("leaf {index} is not in a tree of {size} leaves")]
    OutsideTree {
        /// Leaf the proof is about.
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
    /// The proof ends before it reaches the root.
    #[error("the proof ends after {found} hashes, before it reaches the root")]
    TooShort {
        /// Hashes offered.
        found: usize,
    },
    /// The proof goes on after the root is reached.
    #[error("the proof goes on after the root: it has {found} hashes")]
    TooLong {
        /// Hashes offered.
        found: usize,
    },
    /// The proof leads to another root than the one of the newer (or only) tree.
    #[error("the proof leads to root {computed}, the tree of {size} leaves has {expected}")]
    Root {
        /// Size of the tree.
        size: Size,
        /// Root to be reached.
        expected: Hash,
        /// Root the proof leads to.
        computed: Hash,
    },
    /// The proof leads to another root than the one of the older tree.
    #[error("the proof leads to root {computed} for the earlier {size} leaves, which had {expected}")]
    OldRoot {
        /// Size of the older tree.
        size: Size,
        /// Root to be reached.
        expected: Hash,
        /// Root the proof leads to.
        computed: Hash,
    },
}

/// Checks that the leaf with hash `leaf` is at `index` in the tree of `size` leaves with `root` (RFC 9162, 2.1.3.2).
///
/// # Errors
/// [`ProofError`] says what does not fit; nothing is proven then.
pub fn verify_inclusion(
    leaf: &Hash,
    index: Index,
    size: Size,
    proof: &[Hash],
    root: &Hash,
) -> Result<(), ProofError> {
    // 1.
    if index.get() >= size.get() {
        return Err(ProofError::OutsideTree { index, size });
    }
    // 2. and 3.
    let (mut place, mut last) = (index.get(), size.get() - 1);
    let mut computed = *leaf;
    // 4.
    for sibling in proof {
        if last == 0 {
            return Err(ProofError::TooLong { found: proof.len() });
        }
        if place & 1 == 1 || place == last {
            computed = node_hash(sibling, &computed);
            (place, last) = without_trailing_zeros(place, last);
        } else {
            computed = node_hash(&computed, sibling);
        }
        (place, last) = (place >> 1, last >> 1);
    }
    // 5.
    if last != 0 {
        return Err(ProofError::TooShort { found: proof.len() });
    }
    if computed == *root {
        Ok(())
    } else {
        Err(ProofError::Root {
            size,
            expected: *root,
            computed,
        })
    }
}

/// Checks that the tree of `new` leaves begins with the tree of `old` leaves (RFC 9162, 2.1.4.2).
///
/// The empty tree is the beginning of every tree; the proof is empty then, as it is for two equal sizes.
///
/// # Errors
/// [`ProofError`] says what does not fit; nothing is proven then.
pub fn verify_consistency(
    old: Size,
    new: Size,
    proof: &[Hash],
    old_root: &Hash,
    new_root: &Hash,
) -> Result<(), ProofError> {
    if old > new {
        return Err(ProofError::Shrinking { old, new });
    }
    if old == new {
        no_hashes(proof)?;
        return same_old_root(old, old_root, *new_root);
    }
    if old == Size::ZERO {
        no_hashes(proof)?;
        return same_old_root(old, old_root, empty_root());
    }
    // 1. and 2.
    let (seed, path) = match (old.get().is_power_of_two(), proof.split_first()) {
        (true, _) => (*old_root, proof),
        (false, Some((first, rest))) => (*first, rest),
        (false, None) => return Err(ProofError::TooShort { found: 0 }),
    };
    // 3. to 5.
    let (mut place, mut last) = (old.get() - 1, new.get() - 1);
    let ones = place.trailing_ones();
    (place, last) = (place >> ones, last >> ones);
    let (mut old_computed, mut new_computed) = (seed, seed);
    // 6.
    for hash in path {
        if last == 0 {
            return Err(ProofError::TooLong { found: proof.len() });
        }
        if place & 1 == 1 || place == last {
            old_computed = node_hash(hash, &old_computed);
            new_computed = node_hash(hash, &new_computed);
            (place, last) = without_trailing_zeros(place, last);
        } else {
            new_computed = node_hash(&new_computed, hash);
        }
        (place, last) = (place >> 1, last >> 1);
    }
    // 7.
    if last != 0 {
        return Err(ProofError::TooShort { found: proof.len() });
    }
    same_old_root(old, old_root, old_computed)?;
    if new_computed == *new_root {
        Ok(())
    } else {
        Err(ProofError::Root {
            size: new,
            expected: *new_root,
            computed: new_computed,
        })
    }
}

/// Shifts both numbers until the lowest bit of `place` is set or `place` is 0.
const fn without_trailing_zeros(place: u64, last: u64) -> (u64, u64) {
    if place == 0 {
        (place, last)
    } else {
        (place >> place.trailing_zeros(), last >> place.trailing_zeros())
    }
}

const fn no_hashes(proof: &[Hash]) -> Result<(), ProofError> {
    if proof.is_empty() {
        Ok(())
    } else {
        Err(ProofError::TooLong { found: proof.len() })
    }
}

fn same_old_root(size: Size, expected: &Hash, computed: Hash) -> Result<(), ProofError> {
    if *expected == computed {
        Ok(())
    } else {
        Err(ProofError::OldRoot {
            size,
            expected: *expected,
            computed,
        })
    }
}
