//! The tree against two implementations by others: `tlog_tiles` and `ct-merkle`.

use ct_merkle::{
    ConsistencyProof, InclusionProof, RootHash,
    digest::{FixedOutput, HashMarker, Output, OutputSizeUser, Update, consts::U32},
    mem_backed_tree::MemoryBackedTree,
};
use portbook_ledger::{
    Checkpoint, Frontier, Hash, Origin, Size, leaf_hash, sha256,
    tree::{self, TileId, plan_consistency, plan_inclusion, verify_consistency, verify_inclusion},
};
use tlog_tiles::{HashReader, prove_record, prove_tree, stored_hash_index, stored_hashes};

use crate::book::{ORIGIN, index};

const SIZE_MAX: u64 = 300;

fn leaf(at: u64) -> Vec<u8> {
    format!("leaf {at}").into_bytes()
}

/// Hashes in the order in which `tlog_tiles` numbers them.
struct Stored(Vec<tlog_tiles::Hash>);

impl HashReader for Stored {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<tlog_tiles::Hash>, tlog_tiles::Error> {
        Ok(indexes
            .iter()
            .map(|at| self.0[usize::try_from(*at).unwrap()])
            .collect())
    }
}

impl Stored {
    fn of(size: u64) -> Self {
        let mut stored = Self(Vec::new());
        for at in 0..size {
            let hashes = stored_hashes(at, &leaf(at), &stored).unwrap();
            stored.0.extend(hashes);
        }
        stored
    }

    fn proof(&self, plan: &tree::Plan) -> Vec<Hash> {
        let read: Vec<Hash> = plan
            .nodes()
            .iter()
            .map(|node| ours(self.0[usize::try_from(stored_hash_index(node.level, node.index)).unwrap()]))
            .collect();
        plan.hashes(&read).unwrap()
    }
}

fn ours(hash: tlog_tiles::Hash) -> Hash {
    Hash::from_bytes(hash.0)
}

fn roots() -> Vec<Hash> {
    let mut edge = Frontier::new();
    let mut roots = vec![edge.root()];
    for at in 0..SIZE_MAX {
        edge.push(leaf_hash(&leaf(at)));
        roots.push(edge.root());
    }
    roots
}

#[test]
fn roots_and_proofs_equal_those_of_tlog_tiles() {
    let (stored, roots) = (Stored::of(SIZE_MAX), roots());
    for size in 1..=SIZE_MAX {
        let root = roots[usize::try_from(size).unwrap()];
        assert_eq!(
            ours(tlog_tiles::tree_hash(size, &stored).unwrap()),
            root,
            "size {size}"
        );
        for at in (0..size).step_by(7).chain([size - 1]) {
            let plan = plan_inclusion(index(at), Size::new(size)).unwrap();
            let theirs: Vec<Hash> = prove_record(size, at, &stored)
                .unwrap()
                .into_iter()
                .map(ours)
                .collect();
            assert_eq!(stored.proof(&plan), theirs, "leaf {at} in {size}");
            verify_inclusion(&leaf_hash(&leaf(at)), index(at), Size::new(size), &theirs, &root).unwrap();
        }
        for old in (1..size).step_by(11) {
            let plan = plan_consistency(Size::new(old), Size::new(size)).unwrap();
            let theirs: Vec<Hash> = prove_tree(size, old, &stored)
                .unwrap()
                .into_iter()
                .map(ours)
                .collect();
            assert_eq!(stored.proof(&plan), theirs, "{old} in {size}");
            let old_root = roots[usize::try_from(old).unwrap()];
            verify_consistency(Size::new(old), Size::new(size), &theirs, &old_root, &root).unwrap();
        }
    }
}

#[test]
fn tile_paths_equal_those_of_tlog_tiles() {
    for (old, new) in [
        (0, 1),
        (0, 256),
        (255, 257),
        (256, 512),
        (300, 70_000),
        (65_536, 65_536 + 300),
    ] {
        let mut ours: Vec<String> = tree::tiles_between(Size::new(old), Size::new(new))
            .map(|tile| tile.to_string())
            .filter(|path| !path.starts_with("tile/entries/"))
            .collect();
        let mut theirs: Vec<String> = tlog_tiles::Tile::new_tiles(8, old, new)
            .iter()
            // The crate writes the tile height into its paths, as the Go module proxy does; C2SP does not.
            .map(|tile| tile.path().replacen("tile/8/", "tile/", 1))
            .collect();
        ours.sort();
        theirs.sort();
        assert_eq!(ours, theirs, "{old} to {new}");
        assert!(ours.iter().all(|path| TileId::parse(path).is_ok()));
    }
}

#[test]
fn checkpoint_texts_are_read_by_tlog_tiles() {
    let origin = Origin::new(ORIGIN).unwrap();
    for size in [0, 1, 8, u64::MAX] {
        let ours = Checkpoint {
            origin: origin.clone(),
            size: Size::new(size),
            root: leaf_hash(b"root"),
        };
        let theirs = tlog_tiles::Checkpoint::from_bytes(ours.to_string().as_bytes()).unwrap();
        assert_eq!(theirs.origin(), ORIGIN);
        assert_eq!(theirs.size(), size);
        assert_eq!(theirs.hash().0, *ours.root.as_bytes());
        assert_eq!(
            Checkpoint::parse(&String::from_utf8(theirs.to_bytes()).unwrap()),
            Ok(ours)
        );
    }
}

/// Our SHA-256 behind the trait version that `ct-merkle` wants: it computes the tree, not the hash.
#[derive(Default)]
struct Sha256(Vec<u8>);

impl HashMarker for Sha256 {}

impl OutputSizeUser for Sha256 {
    type OutputSize = U32;
}

impl Update for Sha256 {
    fn update(&mut self, data: &[u8]) {
        self.0.extend_from_slice(data);
    }
}

impl FixedOutput for Sha256 {
    fn finalize_into(self, out: &mut Output<Self>) {
        out.copy_from_slice(sha256(&[&self.0]).as_bytes());
    }
}

fn bytes_of(proof: &[Hash]) -> Vec<u8> {
    proof.iter().flat_map(|hash| *hash.as_bytes()).collect()
}

#[test]
fn ct_merkle_accepts_our_roots_and_proofs() {
    let (stored, roots) = (Stored::of(SIZE_MAX), roots());
    let mut theirs: MemoryBackedTree<Sha256, Vec<u8>> = MemoryBackedTree::new();
    // It panics on an empty tree, so it is asked from the first leaf on.
    for size in 1..=SIZE_MAX {
        theirs.push(leaf(size - 1));
        let root = roots[usize::try_from(size).unwrap()];
        assert_eq!(theirs.root().as_bytes()[..], root.as_bytes()[..], "size {size}");
        for at in (0..size).step_by(13) {
            let proof = stored.proof(&plan_inclusion(index(at), Size::new(size)).unwrap());
            assert_eq!(
                theirs.prove_inclusion(usize::try_from(at).unwrap()).as_bytes(),
                bytes_of(&proof)
            );
            let proof = InclusionProof::<Sha256>::try_from_bytes(bytes_of(&proof)).unwrap();
            theirs.root().verify_inclusion(&leaf(at), at, &proof).unwrap();
        }
        for old in (1..size).step_by(17) {
            let proof = stored.proof(&plan_consistency(Size::new(old), Size::new(size)).unwrap());
            let proof = ConsistencyProof::<Sha256>::try_from_bytes(bytes_of(&proof)).unwrap();
            let mut digest = Output::<Sha256>::default();
            digest.copy_from_slice(roots[usize::try_from(old).unwrap()].as_bytes());
            theirs
                .root()
                .verify_consistency(&RootHash::new(digest, old), &proof)
                .unwrap();
        }
    }
}
