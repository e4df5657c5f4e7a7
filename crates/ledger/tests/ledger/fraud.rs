//! Proofs of fraud: each lie is proven by its file, no honest log is, and no byte of a proof can be changed.

use portbook_ledger::fraud::{CoveredLeaf, Fraud, FraudError, FraudProof};
use portbook_ledger::{
    Chain, Checkpoint, Hash, Head, HeadProof, KeyName, Leaf, NoteAlgorithm, Origin, Seal, SecretKey,
    SignerKey, heads_root, leaf_hash, prove_head, tree,
};

use crate::book::{Book, ORIGIN, event, index, port};

fn origin() -> Origin {
    Origin::new(ORIGIN).unwrap()
}

fn log() -> SignerKey {
    let name = KeyName::new(ORIGIN).unwrap();
    SignerKey::new(name, NoteAlgorithm::Ed25519, SecretKey::from_seed(&[1; 32]))
}

/// Three ports, the last records of NGB and the only one of SHA just before the seal, which ends the ledger.
fn honest() -> Book {
    let mut book = Book::new();
    for round in 0..5_u8 {
        book.append(event(port("CNNBG"), "a.b", &[round]));
        book.append(event(port("CNLYG"), "a.b", &[round]));
    }
    book.seal(Hash::ZERO);
    book.append(event(port("CNLYG"), "a.b", b"x"));
    book.append(event(port("CNSHA"), "a.b", b"y"));
    book.append(event(port("CNNBG"), "a.b", b"z"));
    book.seal(Hash::ZERO);
    book
}

/// The same leaves, the last seal over other heads.
fn lying(change: impl Fn(&mut Vec<Head>)) -> (Book, Vec<Head>) {
    let mut book = honest();
    let mut heads = book.heads();
    change(&mut heads);
    let last = book.leaves.pop().unwrap();
    let Leaf::Seal(seal) = Leaf::decode(&last).unwrap() else {
        panic!("the ledger ends with a record")
    };
    let seal = Seal {
        chain_count: u64::try_from(heads.len()).unwrap(),
        heads_root: heads_root(&heads).unwrap(),
        ..seal
    };
    book.leaves.push(seal.encode());
    (book, heads)
}

fn checkpoint(book: &Book, leaves: usize) -> Vec<u8> {
    let hashes: Vec<Hash> = book
        .leaves
        .iter()
        .take(leaves)
        .map(|leaf| leaf_hash(leaf))
        .collect();
    let checkpoint = Checkpoint {
        origin: origin(),
        size: index(u64::try_from(leaves).unwrap()).size_before(),
        root: tree::root_of(&hashes),
    };
    checkpoint.sign(&log()).unwrap().to_string().into_bytes()
}

fn node(book: &Book, node: tree::NodeId) -> Hash {
    let width = 1_usize << node.level;
    let first = usize::try_from(node.index).unwrap() * width;
    let hashes: Vec<Hash> = book.leaves[first..first + width]
        .iter()
        .map(|leaf| leaf_hash(leaf))
        .collect();
    tree::root_of(&hashes)
}

fn carried_out(book: &Book, plan: &tree::Plan) -> Vec<Hash> {
    let read: Vec<Hash> = plan.nodes().iter().map(|id| node(book, *id)).collect();
    plan.hashes(&read).unwrap()
}

fn covered(book: &Book, at: u64) -> CoveredLeaf {
    let plan = tree::plan_inclusion(index(at), book.next_index().size_before()).unwrap();
    CoveredLeaf {
        index: index(at),
        bytes: book.leaves[usize::try_from(at).unwrap()].clone(),
        proof: carried_out(book, &plan),
    }
}

fn false_seal(book: &Book, heads: &[Head], chain: Chain, record: u64) -> FraudProof {
    FraudProof::FalseSeal {
        checkpoint: checkpoint(book, book.leaves.len()),
        seal: covered(book, 14),
        said: Box::new(prove_head(heads, chain).unwrap()),
        record: covered(book, record),
    }
}

fn verify(proof: &FraudProof) -> Result<Fraud, FraudError> {
    let text = proof.to_string();
    assert_eq!(FraudProof::parse(text.as_bytes()).as_ref(), Ok(proof));
    proof.verify(&origin(), log().verifier())
}

fn old_head(heads: &mut [Head], book: &Book, chain: Chain, at: u64) {
    let head = heads.iter_mut().find(|head| head.chain == chain).unwrap();
    head.head_index = index(at);
    head.head_hash = leaf_hash(&book.leaves[usize::try_from(at).unwrap()]);
    head.count = index(head.count.get() - 1).size_before();
}

#[test]
fn a_seal_that_hides_the_newest_record_is_proven_false() {
    let (book, heads) = lying(|heads| old_head(heads, &honest(), port("CNNBG"), 8));
    let proof = false_seal(&book, &heads, port("CNNBG"), 13);
    let expected = Fraud::HiddenRecord {
        seal: index(14),
        chain: port("CNNBG"),
        head: index(8),
        record: index(13),
    };
    assert_eq!(verify(&proof), Ok(expected));
}

#[test]
fn a_seal_that_hides_a_whole_port_is_proven_false() {
    for hidden in ["CNLYG", "CNNBG", "CNSHA"] {
        let (book, heads) = lying(|heads| heads.retain(|head| head.chain != port(hidden)));
        let record = book
            .heads()
            .iter()
            .find(|head| head.chain == port(hidden))
            .unwrap()
            .head_index
            .get();
        let found = verify(&false_seal(&book, &heads, port(hidden), record)).unwrap();
        assert!(
            matches!(found, Fraud::HiddenChain { chain, .. } if chain == port(hidden)),
            "{found}"
        );
    }
}

#[test]
fn a_head_that_is_not_what_its_leaf_says_is_proven_false() {
    let changes: [fn(&mut Head); 2] = [
        |head| head.head_hash = leaf_hash(b"another"),
        |head| head.count = index(head.count.get() + 5).size_before(),
    ];
    for change in changes {
        let (book, heads) = lying(|heads| heads.iter_mut().for_each(change));
        let found = verify(&false_seal(&book, &heads, port("CNNBG"), 13)).unwrap();
        assert!(matches!(found, Fraud::FalseHead { .. }), "{found}");
    }
}

#[test]
fn an_honest_seal_cannot_be_proven_false() {
    let book = honest();
    let heads = book.heads();
    for chain in ["CNLYG", "CNNBG", "CNSHA"].map(port) {
        for record in 0..14 {
            let found = verify(&false_seal(&book, &heads, chain, record));
            assert!(
                matches!(
                    found,
                    Err(FraudError::NoContradiction { .. } | FraudError::Leaf { .. })
                ),
                "{found:?}"
            );
        }
    }
    // A record behind the seal is no business of the seal.
    let mut longer = honest();
    longer.append(event(port("CNNBG"), "a.b", b"later"));
    let found = verify(&false_seal(&longer, &heads, port("CNNBG"), 15));
    assert!(
        matches!(found, Err(FraudError::NoContradiction { .. })),
        "{found:?}"
    );
}

#[test]
fn two_histories_are_a_fork_and_one_is_not() {
    let mut other = Book::new();
    other.append(event(port("CNNBG"), "a.b", b"another beginning"));
    while other.leaves.len() < 15 {
        other.append(event(port("CNLYG"), "a.b", b"."));
    }
    let book = honest();
    for smaller in 1..=15_usize {
        let old = index(u64::try_from(smaller).unwrap()).size_before();
        let hashes: Vec<Hash> = book.leaves[..smaller]
            .iter()
            .map(|leaf| leaf_hash(leaf))
            .collect();
        let plan = tree::plan_consistency(old, book.next_index().size_before()).unwrap();
        let mut proof = FraudProof::Fork {
            smaller: checkpoint(&other, smaller),
            larger: checkpoint(&book, 15),
            beginning: tree::root_of(&hashes),
            proof: carried_out(&book, &plan),
        };
        assert!(matches!(verify(&proof), Ok(Fraud::Fork { .. })), "{smaller}");
        if let FraudProof::Fork { smaller: note, .. } = &mut proof {
            *note = checkpoint(&book, smaller);
        }
        assert!(
            matches!(verify(&proof), Err(FraudError::NoContradiction { .. })),
            "{smaller}"
        );
        if let FraudProof::Fork {
            smaller: note,
            beginning,
            ..
        } = &mut proof
        {
            *note = checkpoint(&other, smaller);
            *beginning = Hash::ZERO;
        }
        assert!(
            matches!(verify(&proof), Err(FraudError::Tree { .. })),
            "{smaller}"
        );
    }
}

#[test]
fn a_rollback_is_two_genuine_checkpoints_and_never_conclusive() {
    let book = honest();
    let proof = FraudProof::Rollback {
        before: checkpoint(&book, 15),
        after: checkpoint(&book, 11),
    };
    let found = verify(&proof).unwrap();
    assert!(matches!(found, Fraud::Rollback { .. }) && !found.is_conclusive());
    let grown = FraudProof::Rollback {
        before: checkpoint(&book, 11),
        after: checkpoint(&book, 15),
    };
    assert!(matches!(verify(&grown), Err(FraudError::NoContradiction { .. })));
}

#[test]
fn a_proof_holds_as_it_is_or_not_at_all() {
    let (book, heads) = lying(|heads| heads.retain(|head| head.chain != port("CNNBG")));
    let proof = false_seal(&book, &heads, port("CNNBG"), 13);
    let claimed = verify(&proof).unwrap();
    let bytes = proof.to_string().into_bytes();
    let mut refused = 0;
    for at in 0..bytes.len() {
        for change in [1, 0x20] {
            let mut changed = bytes.clone();
            changed[at] ^= change;
            let read = FraudProof::parse(&changed);
            let Ok(found) = read
                .map_err(drop)
                .and_then(|read| read.verify(&origin(), log().verifier()).map_err(drop))
            else {
                refused += 1;
                continue;
            };
            // The signature of an unknown key says nothing, so it may be anything; nothing else may.
            assert_eq!(found, claimed, "byte {at}");
            panic!("byte {at} can be changed");
        }
        let cut = FraudProof::parse(&bytes[..at]).map(|read| read.verify(&origin(), log().verifier()));
        assert!(!matches!(cut, Ok(Ok(_))), "the first {at} bytes are a proof");
    }
    assert_eq!(refused, bytes.len() * 2);
    let stranger = SignerKey::new(
        KeyName::new(ORIGIN).unwrap(),
        NoteAlgorithm::Ed25519,
        SecretKey::from_seed(&[2; 32]),
    );
    assert!(matches!(
        proof.verify(&origin(), stranger.verifier()),
        Err(FraudError::Checkpoint(_))
    ));
}

#[test]
fn another_chains_absence_does_not_help() {
    let (book, heads) = lying(|heads| heads.retain(|head| head.chain != port("CNNBG")));
    let FraudProof::FalseSeal {
        checkpoint,
        seal,
        record,
        ..
    } = false_seal(&book, &heads, port("CNNBG"), 13)
    else {
        panic!("another claim")
    };
    let said = Box::new(prove_head(&heads, port("CNAAA")).unwrap());
    assert!(matches!(*said, HeadProof::Absent { .. }));
    let proof = FraudProof::FalseSeal {
        checkpoint,
        seal,
        said,
        record,
    };
    assert!(matches!(verify(&proof), Err(FraudError::Said(_))));
}
