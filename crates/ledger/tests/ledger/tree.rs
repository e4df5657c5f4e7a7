//! Roots and proofs against the recursive definition of RFC 6962, at every small size and at the borders of u64.

use std::collections::BTreeMap;

use portbook_ledger::{
    Frontier, Hash, NodeId, Size, leaf_hash, node_hash,
    tree::{
        Plan, ProofError, empty_root, plan_consistency, plan_inclusion, plan_root, verify_consistency,
        verify_inclusion,
    },
};
use proptest::prelude::*;

use crate::book::index;

/// MTH as RFC 6962 writes it.
fn mth(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => empty_root(),
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(leaves.len().div_ceil(2).next_power_of_two());
            node_hash(&mth(left), &mth(right))
        }
    }
}

fn leaves(count: u64) -> Vec<Hash> {
    (0..count).map(|leaf| leaf_hash(&leaf.to_be_bytes())).collect()
}

struct Grown {
    edge: Frontier,
    nodes: BTreeMap<NodeId, Hash>,
    roots: Vec<Hash>,
}

impl Grown {
    fn to(count: u64) -> Self {
        let (mut edge, mut nodes, mut roots) = (Frontier::new(), BTreeMap::new(), vec![empty_root()]);
        for leaf in leaves(count) {
            edge.push_visiting(leaf, |node, hash| {
                nodes.insert(node, hash);
            });
            roots.push(edge.root());
        }
        Self { edge, nodes, roots }
    }

    fn answer(&self, plan: &Plan) -> Vec<Hash> {
        let read: Vec<Hash> = plan.nodes().iter().map(|node| self.nodes[node]).collect();
        plan.hashes(&read).unwrap()
    }
}

#[test]
fn roots_follow_the_definition_at_every_size() {
    let grown = Grown::to(300);
    let leaves = leaves(300);
    for (size, root) in grown.roots.iter().enumerate() {
        assert_eq!(*root, mth(&leaves[..size]), "size {size}");
        let plan = plan_root(Size::new(u64::try_from(size).unwrap()));
        let read: Vec<Hash> = plan.nodes().iter().map(|node| grown.nodes[node]).collect();
        assert_eq!(plan.root(&read).unwrap(), *root, "size {size}");
    }
    let plan = plan_root(grown.edge.size());
    assert_eq!(
        plan.nodes()
            .iter()
            .map(|node| grown.nodes[node])
            .collect::<Vec<_>>(),
        grown.edge.hashes()
    );
}

#[test]
fn roots_follow_the_definition_around_powers_of_two() {
    let grown = Grown::to(65_537);
    let leaves = leaves(65_537);
    for size in [511, 512, 513, 1023, 1024, 1025, 65_535, 65_536, 65_537] {
        assert_eq!(grown.roots[size], mth(&leaves[..size]), "size {size}");
    }
}

#[test]
fn every_inclusion_proof_holds_for_its_leaf_only() {
    let grown = Grown::to(100);
    let leaves = leaves(100);
    for size in 1..=100_u64 {
        let root = grown.roots[usize::try_from(size).unwrap()];
        for at in 0..size {
            let proof = grown.answer(&plan_inclusion(index(at), Size::new(size)).unwrap());
            for claimed in 0..size {
                let leaf = leaves[usize::try_from(claimed).unwrap()];
                let holds = verify_inclusion(&leaf, index(at), Size::new(size), &proof, &root).is_ok();
                assert_eq!(holds, claimed == at, "leaf {claimed} at {at} in {size}");
            }
        }
    }
}

#[test]
fn every_consistency_proof_holds_for_its_two_trees_only() {
    let grown = Grown::to(70);
    for new in 0..=70_usize {
        for old in 0..=new {
            let (old_size, new_size) = (
                Size::new(u64::try_from(old).unwrap()),
                Size::new(u64::try_from(new).unwrap()),
            );
            let proof = grown.answer(&plan_consistency(old_size, new_size).unwrap());
            for claimed in 0..=70 {
                let verdict =
                    |a: &Hash, b: &Hash| verify_consistency(old_size, new_size, &proof, a, b).is_ok();
                let root = &grown.roots[claimed];
                assert_eq!(
                    verdict(root, &grown.roots[new]),
                    claimed == old,
                    "old {claimed} for {old} in {new}"
                );
                // The empty tree is the beginning of every tree, whatever the other root.
                assert_eq!(
                    verdict(&grown.roots[old], root),
                    claimed == new || (old == 0 && new > 0),
                    "new {claimed}, {old} in {new}"
                );
            }
        }
    }
}

#[test]
fn an_interior_node_is_no_leaf() {
    let grown = Grown::to(8);
    let node = grown.nodes[&NodeId { level: 1, index: 0 }];
    let path = grown.answer(&plan_inclusion(index(0), Size::new(8)).unwrap());
    for at in 0..8 {
        assert!(verify_inclusion(&node, index(at), Size::new(8), &path[1..], &grown.roots[8]).is_err());
    }
    let children = [0, 1].map(|at| *grown.nodes[&NodeId { level: 0, index: at }].as_bytes());
    assert_ne!(leaf_hash(&children.concat()), node);
}

/// A tree of equal leaves: the hash of a node depends on its level only, so a tree of any size fits in memory.
struct Uniform {
    by_level: Vec<Hash>,
}

impl Uniform {
    fn new() -> Self {
        let mut by_level = vec![leaf_hash(b"same")];
        for level in 0..63 {
            by_level.push(node_hash(&by_level[level], &by_level[level]));
        }
        Self { by_level }
    }

    fn read(&self, plan: &Plan) -> Vec<Hash> {
        plan.nodes()
            .iter()
            .map(|node| self.by_level[usize::from(node.level)])
            .collect()
    }

    fn root(&self, size: u64) -> Hash {
        let plan = plan_root(Size::new(size));
        plan.root(&self.read(&plan)).unwrap()
    }

    fn inclusion(&self, at: u64, size: u64) -> Vec<Hash> {
        let plan = plan_inclusion(index(at), Size::new(size)).unwrap();
        plan.hashes(&self.read(&plan)).unwrap()
    }

    fn consistency(&self, old: u64, new: u64) -> Vec<Hash> {
        let plan = plan_consistency(Size::new(old), Size::new(new)).unwrap();
        plan.hashes(&self.read(&plan)).unwrap()
    }
}

const BORDERS: [u64; 20] = [
    0,
    1,
    2,
    3,
    255,
    256,
    257,
    65_535,
    65_536,
    65_537,
    1 << 32,
    (1 << 62) - 1,
    (1 << 63) - 1,
    1 << 63,
    (1 << 63) + 1,
    (1 << 63) + 2,
    u64::MAX / 3 * 2,
    u64::MAX - 2,
    u64::MAX - 1,
    u64::MAX,
];

#[test]
fn proofs_hold_at_the_borders_of_u64() {
    let uniform = Uniform::new();
    let leaf = uniform.by_level[0];
    for size in BORDERS {
        let root = uniform.root(size);
        for at in BORDERS.into_iter().filter(|at| *at < size) {
            let proof = uniform.inclusion(at, size);
            verify_inclusion(&leaf, index(at), Size::new(size), &proof, &root).unwrap();
            assert_broken_proofs_fail(&proof, |proof| {
                verify_inclusion(&leaf, index(at), Size::new(size), proof, &root)
            });
        }
        for old in BORDERS.into_iter().filter(|old| *old <= size) {
            let proof = uniform.consistency(old, size);
            let old_root = uniform.root(old);
            verify_consistency(Size::new(old), Size::new(size), &proof, &old_root, &root).unwrap();
            assert_broken_proofs_fail(&proof, |proof| {
                verify_consistency(Size::new(old), Size::new(size), proof, &old_root, &root)
            });
        }
    }
}

fn assert_broken_proofs_fail(proof: &[Hash], verify: impl Fn(&[Hash]) -> Result<(), ProofError>) {
    let longer = [proof, &[leaf_hash(b"more")]].concat();
    assert!(matches!(verify(&longer), Err(ProofError::TooLong { .. })));
    if let Some((_, shorter)) = proof.split_last() {
        assert!(verify(shorter).is_err());
    }
    for at in 0..proof.len() {
        let mut altered = proof.to_vec();
        altered[at] = leaf_hash(b"other");
        assert!(verify(&altered).is_err(), "hash {at}");
    }
}

#[test]
fn what_cannot_be_proven_is_refused_before_it_is_computed() {
    let root = leaf_hash(b"x");
    for (at, size) in [(0, 0), (1, 1), (5, 5), (u64::MAX - 1, 1)] {
        assert!(plan_inclusion(index(at), Size::new(size)).is_err());
        let verdict = verify_inclusion(&root, index(at), Size::new(size), &[], &root);
        assert!(matches!(verdict, Err(ProofError::OutsideTree { .. })));
    }
    assert!(plan_consistency(Size::new(2), Size::new(1)).is_err());
    let verdict = verify_consistency(Size::new(2), Size::new(1), &[], &root, &root);
    assert!(matches!(verdict, Err(ProofError::Shrinking { .. })));
}

#[test]
fn an_answer_of_another_length_is_refused() {
    let plan = plan_inclusion(index(2), Size::new(7)).unwrap();
    let hash = leaf_hash(b"x");
    for count in 0..10 {
        assert_eq!(
            plan.hashes(&vec![hash; count]).is_ok(),
            count == plan.nodes().len()
        );
    }
}

proptest! {
    #[test]
    fn verifiers_never_panic(a: u64, b: u64, hashes in proptest::collection::vec(any::<[u8; 32]>(), 0..70)) {
        let proof: Vec<Hash> = hashes.into_iter().map(Hash::from_bytes).collect();
        let root = leaf_hash(b"x");
        let at = index(a.min(u64::MAX - 1));
        prop_assert!(verify_inclusion(&root, at, Size::new(b), &proof, &empty_root()).is_err());
        let holds = verify_consistency(Size::new(a), Size::new(b), &proof, &root, &empty_root());
        prop_assert!(holds.is_err());
    }

    #[test]
    fn proofs_hold_at_any_size(size in 1..=u64::MAX, at: u64, old: u64) {
        let (at, old, uniform) = (at % size, old % size, Uniform::new());
        let root = uniform.root(size);
        let proof = uniform.inclusion(at, size);
        prop_assert!(proof.len() <= 64);
        prop_assert_eq!(verify_inclusion(&uniform.by_level[0], index(at), Size::new(size), &proof, &root), Ok(()));
        let proof = uniform.consistency(old, size);
        prop_assert_eq!(
            verify_consistency(Size::new(old), Size::new(size), &proof, &uniform.root(old), &root),
            Ok(())
        );
    }
}
