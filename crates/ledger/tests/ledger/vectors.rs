//! The vectors of docs/format.md, computed by another program in another language.

use std::collections::BTreeMap;

use portbook_ledger::{
    Auditor, Chain, ChainAuditor, Checkpoint, Hash, KeyId, KeyName, Leaf, NoteAlgorithm, OpenedCheckpoint,
    Origin, ProducerSignature, RecordKind, RotatedKey, Rotation, SecretKey, SignatureError, SignedRoot,
    SignerKey, Size, VerifierKey, commitment, genesis, leaf_hash, sha256,
    tree::{self, Frontier, NodeId, Plan},
};

use crate::book::{Book, Message, ORIGIN, event, index, port};

const DOCUMENT: &str = include_str!("../../../../docs/format.md");
const LOG_SEED: &str = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
const PRODUCER_SEED: &str = "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb";
const WITNESS_SEED: &str = "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7";
const COSIGNED_AT_S: u64 = 1_750_000_100;

/// Every vector by name; panics when the document has none, so that nothing is skipped in silence.
fn vectors() -> BTreeMap<&'static str, Vec<u8>> {
    let (_, after) = DOCUMENT.split_once("```vectors\n").unwrap();
    let (block, _) = after.split_once("```").unwrap();
    let mut texts: BTreeMap<&str, String> = BTreeMap::new();
    let mut current = "";
    for line in block.lines() {
        if let Some((name, value)) = line.split_once(" = ") {
            current = name;
            assert!(
                texts.insert(name, value.to_owned()).is_none(),
                "{name} is there twice"
            );
        } else {
            texts.get_mut(current).unwrap().push_str(line.trim_start());
        }
    }
    assert!(texts.len() > 50, "only {} vectors", texts.len());
    texts
        .into_iter()
        .map(|(name, text)| (name, unhex(&text)))
        .collect()
}

fn unhex(text: &str) -> Vec<u8> {
    text.as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

fn secret(seed: &str) -> SecretKey {
    SecretKey::from_seed(&unhex(seed).try_into().unwrap())
}

fn signer(name: &str, algorithm: NoteAlgorithm, seed: &str) -> SignerKey {
    SignerKey::new(KeyName::new(name).unwrap(), algorithm, secret(seed))
}

fn log_key() -> SignerKey {
    signer(ORIGIN, NoteAlgorithm::Ed25519, LOG_SEED)
}

fn witness_key() -> SignerKey {
    signer("witness.example/w", NoteAlgorithm::CosignatureV1, WITNESS_SEED)
}

fn checkpoint(root: SignedRoot) -> Checkpoint {
    Checkpoint {
        origin: Origin::new(ORIGIN).unwrap(),
        size: root.size,
        root: root.root,
    }
}

/// The ten leaves the document describes, and the note published after the first seal.
fn example() -> (Book, String) {
    let (nbg, sha, case) = (port("CNNBG"), port("CNSHA"), "portbook.events.2025DU004417");
    let signature = Some(secret(PRODUCER_SEED).sign_event(case, br#"{"n":1}"#));
    let mut book = Book::new();
    let control = RecordKind::Control;
    let opened = event(Chain::CONTROL, "portbook.control.ledger.opened", br#"{"n":0}"#);
    let repeated = Message {
        refers_to: Some(1),
        ..event(nbg, case, br#"{"n":1}"#)
    };
    let unreadable = event(Chain::QUARANTINE, "portbook.events.x", b"\xff\x00 not an event");
    book.append(Message {
        kind: control,
        ..opened
    })
    .append(Message {
        signature,
        ..event(nbg, case, br#"{"n":1}"#)
    })
    .append(event(sha, "portbook.events.2025DU000001", br#"{"n":2}"#))
    .append(event(nbg, case, br#"{"n":3}"#))
    .append(Message {
        kind: RecordKind::Redelivery,
        signature,
        ..repeated
    })
    .append(Message {
        kind: RecordKind::Conflict,
        body: br#"{"n":5}"#,
        ..repeated
    })
    .append(Message {
        kind: RecordKind::Quarantine,
        ..unreadable
    })
    .seal(Hash::ZERO);
    let note = checkpoint(book.signed_root()).sign(&log_key()).unwrap();
    let published = note.cosigned(&witness_key(), COSIGNED_AT_S).to_string();
    book.append(event(sha, "portbook.events.2025DU000001", br#"{"n":8}"#))
        .seal(sha256(&[published.as_bytes()]));
    (book, published)
}

#[test]
fn every_leaf_is_as_documented() {
    let vectors = vectors();
    let (book, _) = example();
    assert_eq!(book.leaves.len(), 10);
    for (at, leaf) in book.leaves.iter().enumerate() {
        assert_eq!(leaf, &vectors[&*format!("leaf.{at}")], "leaf {at}");
        assert_eq!(
            leaf_hash(leaf).as_bytes()[..],
            vectors[&*format!("leaf_hash.{at}")],
            "leaf {at}"
        );
        Leaf::decode(leaf).unwrap();
    }
    for head in book.heads() {
        assert_eq!(head.encode(), vectors[&*format!("head.{}", head.chain)]);
    }
}

#[test]
fn genesis_hashes_and_key_ids_are_as_documented() {
    let vectors = vectors();
    let origin = Origin::new(ORIGIN).unwrap();
    assert_eq!(origin.hash().as_bytes()[..], vectors["origin_hash"]);
    for chain in [port("CNNBG"), port("CNSHA"), Chain::CONTROL, Chain::QUARANTINE] {
        assert_eq!(
            genesis(&origin, chain).as_bytes()[..],
            vectors[&*format!("genesis.{chain}")]
        );
    }
    let producer = secret(PRODUCER_SEED).public();
    assert_eq!(producer.as_bytes()[..], vectors["producer.public_key"]);
    assert_eq!(producer.id().as_bytes()[..], vectors["producer.key_id"]);
}

#[test]
fn checkpoints_are_as_documented() {
    let vectors = vectors();
    let (book, published) = example();
    let text = |name: &str| String::from_utf8(vectors[name].clone()).unwrap();
    assert_eq!(published, text("checkpoint.8"));
    assert!(published.starts_with(&text("checkpoint.8.text")));
    let last = checkpoint(book.signed_root());
    assert_eq!(last.root.as_bytes()[..], vectors["root.10"]);
    assert_eq!(last.sign(&log_key()).unwrap().to_string(), text("checkpoint.10"));

    let log = VerifierKey::parse(&text("log.verifier_key")).unwrap();
    let witness = VerifierKey::parse(&text("witness.verifier_key")).unwrap();
    assert_eq!((&log, &witness), (log_key().verifier(), witness_key().verifier()));
    let opened = OpenedCheckpoint::open(
        published.as_bytes(),
        &book.origin,
        &log,
        std::slice::from_ref(&witness),
    )
    .unwrap();
    assert_eq!(opened.checkpoint.size, Size::new(8));
    assert_eq!(opened.checkpoint.root.as_bytes()[..], vectors["root.8"]);
    assert_eq!(opened.cosignatures[0].cosigned_at_s, Some(COSIGNED_AT_S));
    assert_eq!(opened.witness_count(&[witness]), 1);
}

#[test]
fn the_documented_log_audits_clean_from_its_bytes_alone() {
    let vectors = vectors();
    let origin = Origin::new(ORIGIN).unwrap();
    let root = |size: u64| SignedRoot {
        size: Size::new(size),
        root: Hash::from_bytes(vectors[&*format!("root.{size}")].clone().try_into().unwrap()),
    };
    let mut auditor = Auditor::new(&origin, [root(8), root(10)]);
    let mut chain = ChainAuditor::new(&origin, port("CNNBG"));
    for at in 0..10 {
        let leaf = &vectors[&*format!("leaf.{at}")];
        auditor.feed(leaf, leaf_hash(leaf)).unwrap();
        if matches!(Leaf::decode(leaf), Ok(Leaf::Record(record)) if record.chain == port("CNNBG")) {
            chain.feed(leaf, leaf_hash(leaf)).unwrap();
        }
    }
    let verdict = auditor.finish().unwrap();
    assert_eq!(verdict.reproduced, Some(root(10)));
    assert_eq!(verdict.last_seal, Some(index(9)));
    for head in &verdict.heads {
        assert_eq!(head.encode(), vectors[&*format!("head.{}", head.chain)]);
    }
    chain
        .finish(verdict.heads.iter().find(|head| head.chain == port("CNNBG")))
        .unwrap();
}

#[test]
fn the_documented_producer_signature_holds_and_the_small_order_one_does_not() {
    let leaf = &vectors()["leaf.1"];
    let Leaf::Record(record) = Leaf::decode(leaf).unwrap() else {
        panic!("a seal")
    };
    let key = secret(PRODUCER_SEED).public();
    key.verify_event(record.subject, record.body, &record.signature.unwrap())
        .unwrap();

    let small_order = vectors()["producer.small_order_signature"].clone();
    let (key_id, bytes) = small_order.split_first_chunk().unwrap();
    let signature = ProducerSignature {
        key_id: KeyId::from_bytes(*key_id),
        bytes: bytes.try_into().unwrap(),
    };
    let verdict = key.verify_event(record.subject, record.body, &signature);
    assert_eq!(verdict, Err(SignatureError::DoesNotHold { key_id: key.id() }));
}

#[test]
fn rotations_are_as_documented() {
    const SUCCESSOR_SEED: &str = "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42";
    let vectors = vectors();
    let (old, next) = (secret(PRODUCER_SEED), secret(SUCCESSOR_SEED));
    assert_eq!(next.public().id().as_bytes()[..], vectors["rotation.new_key_id"]);
    for (name, role) in [("producer", RotatedKey::Producer), ("log", RotatedKey::Log)] {
        let rotation = Rotation {
            origin: &Origin::new(ORIGIN).unwrap(),
            role,
            old: old.public().id(),
            new: &next.public(),
            overlap_until_ns: 1_750_086_400_000_000_000,
        };
        let vector = |what: &str| &vectors[&*format!("rotation.{name}.{what}")];
        for (key, what) in [(&old, "old_signature"), (&next, "new_signature")] {
            assert_eq!(&rotation.sign(key)[..], vector(what), "{name} {what}");
        }
    }
}

#[test]
fn commitments_are_as_documented() {
    let vectors = vectors();
    let salt: [u8; 32] = std::array::from_fn(|at| u8::try_from(at).unwrap());
    for (name, field, value) in [
        ("end_user", "end_user", "M\u{fc}ller & S\u{f6}hne GmbH"),
        ("empty", "end_user", ""),
        ("moved_boundary", "end_userM", "\u{fc}ller & S\u{f6}hne GmbH"),
    ] {
        let made = commitment(&salt, field, value.as_bytes()).unwrap();
        assert_eq!(
            made.as_bytes()[..],
            vectors[&*format!("commitment.{name}")],
            "{name}"
        );
    }
}

/// Leaf hashes and every node of the tree of certificate transparency tests.
fn ct_nodes(leaves: impl IntoIterator<Item = Vec<u8>>) -> (Frontier, BTreeMap<NodeId, Hash>) {
    let (mut edge, mut nodes) = (Frontier::new(), BTreeMap::new());
    for leaf in leaves {
        edge.push_visiting(leaf_hash(&leaf), |node, hash| {
            nodes.insert(node, hash);
        });
    }
    (edge, nodes)
}

fn proof(plan: &Plan, nodes: &BTreeMap<NodeId, Hash>) -> Vec<u8> {
    let read: Vec<Hash> = plan.nodes().iter().map(|node| nodes[node]).collect();
    plan.hashes(&read)
        .unwrap()
        .iter()
        .flat_map(|hash| *hash.as_bytes())
        .collect()
}

#[test]
fn tree_roots_and_proofs_are_as_documented() {
    let vectors = vectors();
    let leaves = [
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    ];
    let leaves: Vec<Vec<u8>> = leaves.iter().map(|text| unhex(text)).collect();
    for size in 0..=leaves.len() {
        let (edge, _) = ct_nodes(leaves[..size].to_vec());
        assert_eq!(
            edge.root().as_bytes()[..],
            vectors[&*format!("tree.root.{size}")],
            "size {size}"
        );
    }
    let (_, nodes) = ct_nodes(leaves);
    for (at, size) in [(5, 8), (2, 3)] {
        let plan = tree::plan_inclusion(index(at), Size::new(size)).unwrap();
        assert_eq!(
            proof(&plan, &nodes),
            vectors[&*format!("tree.inclusion.{at}.{size}")]
        );
    }
    for (old, new) in [(1, 8), (6, 8), (2, 5)] {
        let plan = tree::plan_consistency(Size::new(old), Size::new(new)).unwrap();
        assert_eq!(
            proof(&plan, &nodes),
            vectors[&*format!("tree.consistency.{old}.{new}")]
        );
    }
}

#[test]
fn all_proofs_up_to_size_70_are_as_documented() {
    let vectors = vectors();
    let (_, nodes) = ct_nodes((0..70_u64).map(|leaf| leaf.to_be_bytes().to_vec()));
    let (mut inclusions, mut consistencies) = (Vec::new(), Vec::new());
    for size in 1..=70 {
        for at in 0..size {
            inclusions.extend(proof(
                &tree::plan_inclusion(index(at), Size::new(size)).unwrap(),
                &nodes,
            ));
        }
        for old in 1..=size {
            consistencies.extend(proof(
                &tree::plan_consistency(Size::new(old), Size::new(size)).unwrap(),
                &nodes,
            ));
        }
    }
    assert_eq!(
        sha256(&[&inclusions]).as_bytes()[..],
        vectors["tree.all_inclusions"]
    );
    assert_eq!(
        sha256(&[&consistencies]).as_bytes()[..],
        vectors["tree.all_consistencies"]
    );
}
