//! Tiles against the tree they are cut from: every node, every leaf, every size, nothing beyond the checkpoint.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test's model"
)]

use std::collections::BTreeMap;

use portbook_evidence::{Evidence, EvidenceError, LogName, Media};
use portbook_ledger::{
    Chain, Frontier, Hash, Head, KeyName, NodeId, NoteAlgorithm, OpenedCheckpoint, Seal, Size, VerifierKey,
    heads_root, leaf_hash,
    tree::{TileContent, tiles_between, verify_consistency, verify_inclusion},
};
use portbook_testkit::ledger::TestLedger;

const ORIGIN: &str = "test.example/tiles";

fn evidence(ledger: &TestLedger) -> Evidence {
    Evidence::signing(ledger.store().reader(), ledger.directory(), ledger.key().clone()).unwrap()
}

fn bytes(evidence: &Evidence, path: &str) -> Vec<u8> {
    let found = evidence.resource(path).unwrap();
    found.unwrap_or_else(|| panic!("nothing under {path}")).bytes
}

fn ports() -> [Chain; 3] {
    ["CNNBG", "CNSHG", "CNTXG"].map(|code| Chain::port(code).unwrap())
}

/// Fills a ledger to `size` leaves, the last of which is a seal; the third port gets few records.
fn fill(ledger: &mut TestLedger, size: u64) {
    while ledger.size() + 1 < size {
        let number = ledger.size();
        let port = ports()[match number % 20 {
            0 => 2,
            odd if odd % 3 == 1 => 1,
            _ => 0,
        }];
        ledger.append(port, &number.to_be_bytes()).unwrap();
    }
    assert_eq!(ledger.seal().unwrap(), Size::new(size));
}

/// Reads all entries below `prefix` and rebuilds the tree: every hash tile must be cut from it.
fn check_log(evidence: &Evidence, prefix: &str, size: Size) -> (Hash, Vec<Vec<u8>>) {
    let (mut edge, mut nodes, mut leaves) = (Frontier::new(), BTreeMap::new(), Vec::new());
    for tile in tiles_between(Size::ZERO, size).filter(|tile| tile.content == TileContent::Entries) {
        let bundle = bytes(evidence, &format!("{prefix}{tile}"));
        let mut rest = bundle.as_slice();
        while let Some((length, after)) = rest.split_first_chunk::<2>() {
            let (leaf, after) = after.split_at(usize::from(u16::from_be_bytes(*length)));
            edge.push_visiting(leaf_hash(leaf), |node, hash| {
                nodes.insert(node, hash);
            });
            leaves.push(leaf.to_vec());
            rest = after;
        }
    }
    assert_eq!(edge.size(), size);
    for tile in tiles_between(Size::ZERO, size) {
        let TileContent::Hashes { level } = tile.content else {
            continue;
        };
        let expected: Vec<u8> = (0..u64::from(tile.width.get()))
            .flat_map(|at| {
                let index = tile.index * 256 + at;
                *nodes[&NodeId {
                    level: level * 8,
                    index,
                }]
                    .as_bytes()
            })
            .collect();
        assert_eq!(
            bytes(evidence, &format!("{prefix}{tile}")),
            expected,
            "{prefix}{tile}"
        );
    }
    (edge.root(), leaves)
}

fn open(evidence: &Evidence, ledger: &TestLedger, prefix: &str, chain: Option<Chain>) -> OpenedCheckpoint {
    let origin = chain.map_or_else(
        || ledger.origin().clone(),
        |chain| ledger.origin().of_chain(chain).unwrap(),
    );
    let key = VerifierKey::new(
        KeyName::new(origin.as_str()).unwrap(),
        NoteAlgorithm::Ed25519,
        *ledger.key().verifier().public(),
    );
    OpenedCheckpoint::open(
        &bytes(evidence, &format!("{prefix}checkpoint")),
        &origin,
        &key,
        &[],
    )
    .unwrap()
}

#[test]
fn every_tile_of_the_ledger_and_of_every_port_is_cut_from_its_tree() {
    let mut ledger = TestLedger::create(ORIGIN).unwrap();
    for size in [2, 3, 257, 700, 66_000] {
        fill(&mut ledger, size);
    }
    // What comes after the newest checkpoint is nobody's business yet.
    ledger.append(ports()[0], b"later").unwrap();
    ledger.commit().unwrap();
    let evidence = evidence(&ledger);
    let opened = open(&evidence, &ledger, "", None);
    let (root, leaves) = check_log(&evidence, "", opened.checkpoint.size);
    assert_eq!(
        (opened.checkpoint.size.get(), opened.checkpoint.root),
        (66_000, root)
    );
    let heads = bytes(&evidence, "heads/65999");
    let mut sealed = Vec::new();
    let mut rest = heads.as_slice();
    while let Some((length, after)) = rest.split_first_chunk::<2>() {
        let (head, after) = after.split_at(usize::from(u16::from_be_bytes(*length)));
        sealed.push(Head::decode(head).unwrap());
        rest = after;
    }
    assert_eq!(
        heads_root(&sealed).unwrap(),
        Seal::decode(leaves.last().unwrap()).unwrap().heads_root
    );
    assert_eq!(sealed.len(), 4);
    for head in sealed {
        let prefix = format!("port/{}/", head.chain);
        let opened = open(&evidence, &ledger, &prefix, Some(head.chain));
        assert_eq!(
            (opened.checkpoint.size, opened.checkpoint.root),
            (head.count, head.chain_root)
        );
        let (root, records) = check_log(&evidence, &prefix, head.count);
        assert_eq!(root, head.chain_root);
        assert_eq!(leaf_hash(records.last().unwrap()), head.head_hash);
    }
}

#[test]
fn tiles_of_a_growing_ledger_stay_what_they_were() {
    let mut ledger = TestLedger::create(ORIGIN).unwrap();
    fill(&mut ledger, 300);
    let evidence = evidence(&ledger);
    let mut given: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    let mut seals = Vec::new();
    for size in [300, 301, 511, 512, 513, 900, 1400] {
        if size > 300 {
            fill(&mut ledger, size);
        }
        seals.push(size - 1);
        for tile in tiles_between(Size::ZERO, Size::new(size)) {
            given
                .entry(tile.to_string())
                .or_insert_with(|| bytes(&evidence, &tile.to_string()));
        }
        let heads = format!("heads/{}", size - 1);
        given.insert(heads.clone(), bytes(&evidence, &heads));
    }
    assert!(given.contains_key("tile/1/000.p/1") && given.contains_key("tile/1/000.p/5"));
    for (path, expected) in given {
        let found = evidence.resource(&path).unwrap().unwrap();
        assert_eq!(found.bytes, expected, "{path}");
        assert!(found.immutable && found.media == Media::Octets);
    }
    let checkpoint = evidence.resource("checkpoint").unwrap().unwrap();
    assert_eq!(checkpoint.cache_control(), "no-store");
}

/// Paths with nothing under them in a ledger of 300 published leaves.
const NOTHING: &[&str] = &[
    "",
    "/",
    "checkpoint/",
    "/checkpoint",
    "Checkpoint",
    "checkpoint?x",
    "tile/",
    "tile/0/001.p/45",
    "tile/0/001",
    "tile/entries/001.p/45",
    "tile/entries/002.p/1",
    "tile/1/000.p/2",
    "tile/1/000",
    "tile/8/64/000",
    "tile/0/../0/000",
    "../checkpoint",
    "tile/0/000/",
    "tile//0/000",
    "tile/0/00",
    "tile/0/x000/000",
    "heads/",
    "heads/298",
    "heads/300",
    "heads/0299",
    "heads/+299",
    "heads/x",
    "heads/18446744073709551615",
    "port/",
    "port/CNNBG",
    "port/CNNBG/",
    "port/cnnbg/checkpoint",
    "port/CNXXX/checkpoint",
    "port/CNXXX/tile/0/000.p/1",
    "port/CNNBG/heads/299",
    "port/../checkpoint",
    "port/CNNBG/../checkpoint",
    "port/CNNBG/port/CNSHG/checkpoint",
    "port//checkpoint",
    "signed.log",
    "port/%43NNBG/checkpoint",
    "tile/7/x018/x446/x744/073",
    "tile/0/x099/x999/x999/x999/x999/x999/999",
];

#[test]
fn nothing_is_under_any_other_path() {
    let mut ledger = TestLedger::create(ORIGIN).unwrap();
    let evidence = evidence(&ledger);
    assert_eq!(
        evidence.resource("checkpoint").unwrap(),
        None,
        "nothing is signed yet"
    );
    assert_eq!(evidence.resource("tile/0/000.p/1").unwrap(), None);
    fill(&mut ledger, 300);
    ledger.append(ports()[0], b"unsealed").unwrap();
    ledger.commit().unwrap();
    for path in NOTHING {
        assert_eq!(evidence.resource(path).unwrap(), None, "{path}");
    }
    assert!(evidence.resource("port/CNNBG/checkpoint").unwrap().is_some());
    assert!(
        evidence
            .resource("port/~CONTROL/tile/entries/000.p/1")
            .unwrap()
            .is_some()
    );
    let keyless = Evidence::new(
        ledger.store().reader(),
        ledger.directory(),
        ledger.key().verifier().clone(),
    );
    assert_eq!(keyless.unwrap().resource("port/CNNBG/checkpoint").unwrap(), None);
}

#[test]
fn proofs_of_every_leaf_and_between_every_two_seals_hold() {
    let mut ledger = TestLedger::create(ORIGIN).unwrap();
    let sizes = [2, 5, 256, 257, 600, 1300];
    for size in sizes {
        fill(&mut ledger, size);
    }
    let evidence = evidence(&ledger);
    let size = Size::new(1300);
    let log = LogName::Ledger;
    let root = evidence.published().unwrap().unwrap().checkpoint.root;
    let (_, leaves) = check_log(&evidence, "", size);
    for (at, leaf) in (0..).zip(&leaves) {
        let index = portbook_ledger::Index::new(at).unwrap();
        let proof = evidence.inclusion(log, index, size).unwrap();
        verify_inclusion(&leaf_hash(leaf), index, size, &proof, &root).unwrap();
    }
    for old in sizes.map(Size::new) {
        let proof = evidence.consistency(log, old, size).unwrap();
        let old_root = evidence.published_at(old).unwrap().unwrap().checkpoint.root;
        assert_eq!(evidence.root(log, old).unwrap(), old_root);
        verify_consistency(old, size, &proof, &old_root, &root).unwrap();
    }
}

#[test]
fn a_store_that_does_not_lead_to_the_seal_signs_no_port() {
    let mut ledger = TestLedger::create(ORIGIN).unwrap();
    fill(&mut ledger, 40);
    let evidence = evidence(&ledger);
    let mut published = (*evidence.published().unwrap().unwrap()).clone();
    published.seal.heads_root = Hash::ZERO;
    assert!(matches!(
        evidence.chain_checkpoint(&published, ports()[0]),
        Err(EvidenceError::Heads { .. })
    ));
}

#[test]
fn a_store_that_does_not_lead_to_the_signed_root_gives_nothing() {
    let mut ledger = TestLedger::create(ORIGIN).unwrap();
    fill(&mut ledger, 40);
    let checkpoint = portbook_ledger::Checkpoint {
        origin: ledger.origin().clone(),
        size: Size::new(40),
        root: leaf_hash(b"another tree"),
    };
    let note = checkpoint.sign(ledger.key()).unwrap().to_string();
    ledger
        .directory()
        .publish_checkpoint(Size::new(40), &note)
        .unwrap();
    for path in ["checkpoint", "tile/0/000.p/40", "port/CNNBG/checkpoint"] {
        let refused = evidence(&ledger).resource(path);
        assert!(matches!(refused, Err(EvidenceError::Root { .. })), "{path}");
    }
}
