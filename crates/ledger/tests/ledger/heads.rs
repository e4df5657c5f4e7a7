//! Heads in a seal: presence and absence of chains, and the lies that must not pass.

use portbook_ledger::{
    Chain, Hash, Head, HeadPath, HeadProof, HeadProofError, Leaf, Origin, Seal, Size, heads_root, prove_head,
};

use crate::book::{Book, event, index, port};

const PORTS: [&str; 7] = ["CNDLC", "CNGZG", "CNNBG", "CNQZJ", "CNSHA", "CNTAO", "CNXMN"];

/// Heads of the first `count` ports and the seal over them.
fn sealed(count: usize) -> (Vec<Head>, Seal) {
    let mut book = Book::new();
    for (at, code) in PORTS[..count].iter().enumerate() {
        for _ in 0..=at {
            book.append(event(port(code), "portbook.events.a", b"{}"));
        }
    }
    book.seal(Hash::ZERO);
    let Leaf::Seal(seal) = Leaf::decode(book.leaves.last().unwrap()).unwrap() else {
        panic!("a record")
    };
    (book.heads(), seal)
}

#[test]
fn every_chain_is_shown_present_or_absent() {
    for count in 0..=PORTS.len() {
        let (heads, seal) = sealed(count);
        for (at, code) in PORTS.iter().enumerate() {
            let proof = prove_head(&heads, port(code)).unwrap();
            assert_eq!(
                proof.verify(&seal, port(code)),
                Ok(heads.get(at)),
                "{code} of {count}"
            );
        }
        for code in ["AAAAA", "CNDLD", "CNNBA", "CNNBH", "CNZZZ"] {
            let proof = prove_head(&heads, port(code)).unwrap();
            assert_eq!(proof.verify(&seal, port(code)), Ok(None), "{code} of {count}");
        }
        let proof = prove_head(&heads, Chain::CONTROL).unwrap();
        assert_eq!(proof.verify(&seal, Chain::CONTROL), Ok(None));
    }
}

fn path(heads: &[Head], chain: Chain) -> HeadPath {
    let HeadProof::Present(path) = prove_head(heads, chain).unwrap() else {
        panic!("{chain} is absent")
    };
    path
}

#[test]
fn a_chain_cannot_be_hidden() {
    let (heads, seal) = sealed(7);
    let paths: Vec<HeadPath> = heads.iter().map(|head| path(&heads, head.chain)).collect();
    let mut options: Vec<Option<HeadPath>> = paths.into_iter().map(Some).collect();
    options.push(None);
    for before in &options {
        for after in &options {
            let proof = HeadProof::Absent {
                before: before.clone(),
                after: after.clone(),
            };
            for head in &heads {
                assert!(
                    proof.verify(&seal, head.chain).is_err(),
                    "{} hidden by {proof:?}",
                    head.chain
                );
            }
        }
    }
}

#[test]
fn a_chain_cannot_be_invented_or_altered() {
    let (heads, seal) = sealed(5);
    let good = path(&heads, port("CNNBG"));
    let fails = |path: HeadPath, chain| HeadProof::Present(path).verify(&seal, chain).unwrap_err();
    let other = Head {
        chain: port("CNXMN"),
        ..good.head
    };
    assert!(matches!(
        fails(good.clone(), port("CNXMN")),
        HeadProofError::Chain { .. }
    ));
    assert!(matches!(
        fails(
            HeadPath {
                head: other,
                ..good.clone()
            },
            port("CNXMN")
        ),
        HeadProofError::Path { .. }
    ));
    for head in [
        Head {
            count: Size::new(2),
            ..good.head
        },
        Head {
            head_index: index(0),
            ..good.head
        },
        Head {
            head_hash: Hash::ZERO,
            ..good.head
        },
        Head {
            chain_root: Hash::ZERO,
            ..good.head
        },
    ] {
        assert!(matches!(
            fails(HeadPath { head, ..good.clone() }, port("CNNBG")),
            HeadProofError::Path { .. }
        ));
    }
    for place in [0, 1, 3, 4, 5, u64::MAX - 1] {
        let moved = HeadPath {
            place: index(place),
            ..good.clone()
        };
        assert!(
            matches!(fails(moved, port("CNNBG")), HeadProofError::Path { .. }),
            "place {place}"
        );
    }
}

#[test]
fn a_head_beyond_the_seal_is_refused() {
    let (heads, seal) = sealed(3);
    let proof = prove_head(&heads, port("CNNBG")).unwrap();
    let early = Seal {
        covered_size: Size::new(5),
        ..seal
    };
    assert!(matches!(
        proof.verify(&early, port("CNNBG")),
        Err(HeadProofError::NotCovered { .. })
    ));
}

#[test]
fn heads_have_one_order() {
    let (heads, _) = sealed(4);
    heads_root(&heads).unwrap();
    for at in 0..3 {
        let mut swapped = heads.clone();
        swapped.swap(at, at + 1);
        assert!(heads_root(&swapped).is_err());
        assert!(prove_head(&swapped, port("CNNBG")).is_err());
    }
    for at in 0..4 {
        let mut twice = heads.clone();
        twice.insert(at, heads[at]);
        assert!(heads_root(&twice).is_err());
    }
}

#[test]
fn a_seal_belongs_to_one_log() {
    let (_, seal) = sealed(1);
    assert!(seal.is_of(&Origin::new(crate::book::ORIGIN).unwrap()));
    assert!(!seal.is_of(&Origin::new("portbook.example/rf").unwrap()));
}
