//! Auditing one chain of a ledger from a bundle that may lie.

use portbook_ledger::{
    Chain, ChainAuditor, ChainSeq, ChainVerdict, Check, Fault, Hash, Head, Leaf, Origin, Record, RecordKind,
    Size, leaf_hash, tree,
};

use super::sample;
use crate::book::{Book, index, port};

fn audit_chain(book: &Book, leaves: &[Vec<u8>], head: Option<&Head>) -> Result<ChainVerdict, Fault> {
    audit_as(&book.origin, port("CNNBG"), leaves, head)
}

fn audit_as(
    origin: &Origin,
    chain: Chain,
    leaves: &[Vec<u8>],
    head: Option<&Head>,
) -> Result<ChainVerdict, Fault> {
    let mut auditor = ChainAuditor::new(origin, chain);
    for leaf in leaves {
        auditor.feed(leaf, leaf_hash(leaf))?;
    }
    auditor.finish(head)
}

fn bundle() -> (Book, Vec<Vec<u8>>, Head) {
    let (book, _) = sample();
    let head = *book
        .heads()
        .iter()
        .find(|head| head.chain == port("CNNBG"))
        .unwrap();
    let leaves = book.leaves_of(port("CNNBG"));
    assert_eq!(leaves.len(), 9);
    (book, leaves, head)
}

#[test]
fn every_chain_of_the_ledger_is_verified() {
    let (book, _) = sample();
    for head in book.heads() {
        let verdict = audit_as(&book.origin, head.chain, &book.leaves_of(head.chain), Some(&head)).unwrap();
        assert_eq!(verdict.head, Some(head));
    }
    assert_eq!(
        audit_as(&book.origin, port("CNXMN"), &[], None),
        Ok(ChainVerdict { head: None })
    );
}

#[test]
fn every_flipped_bit_names_its_record() {
    let (book, leaves, head) = bundle();
    let mut damaged = leaves.clone();
    for place in 0..leaves.len() {
        for byte in 0..leaves[place].len() {
            for bit in 0..8 {
                damaged[place][byte] ^= 1 << bit;
                let fault = audit_chain(&book, &damaged, Some(&head)).unwrap_err();
                damaged[place][byte] ^= 1 << bit;
                let seq = fault.chain_seq.map(ChainSeq::get);
                assert_eq!(
                    seq,
                    Some(u64::try_from(place).unwrap() + 1),
                    "record {place} byte {byte}: {fault}"
                );
                assert!(fault.is_exact(), "record {place} byte {byte}: {fault}");
            }
        }
    }
}

#[test]
fn records_left_out_added_or_moved_are_found() {
    let (book, leaves, head) = bundle();
    let found = |leaves: &[Vec<u8>]| audit_chain(&book, leaves, Some(&head)).unwrap_err();
    for place in 0..leaves.len() {
        let mut fewer = leaves.clone();
        fewer.remove(place);
        found(&fewer);
        let mut more = leaves.clone();
        more.insert(place, leaves[place].clone());
        found(&more);
        for other in 0..place {
            let mut swapped = leaves.clone();
            swapped.swap(other, place);
            found(&swapped);
        }
    }
    assert!(matches!(
        *found(&leaves[..8]).check,
        Check::Head { what: "count", .. }
    ));
    assert!(matches!(*found(&[]).check, Check::Head { what: "count", .. }));
    assert!(audit_chain(&book, &leaves, None).is_err());
}

#[test]
fn leaves_of_elsewhere_do_not_belong() {
    let (book, leaves, head) = bundle();
    let other_chain = [leaves.clone(), book.leaves_of(port("CNSHA"))].concat();
    let fault = audit_chain(&book, &other_chain, Some(&head)).unwrap_err();
    assert!(matches!(*fault.check, Check::OtherChain { .. }), "{fault}");
    let seal = [leaves.clone(), vec![book.leaves[25].clone()]].concat();
    let fault = audit_chain(&book, &seal, Some(&head)).unwrap_err();
    assert!(matches!(*fault.check, Check::SealInChain), "{fault}");
    let other_log = Origin::new("portbook.example/rf").unwrap();
    let fault = audit_as(&other_log, port("CNNBG"), &leaves, Some(&head)).unwrap_err();
    assert!(matches!(*fault.check, Check::PrevHash { .. }), "{fault}");
}

#[test]
fn a_bundle_under_an_older_head_is_found() {
    let (book, leaves, head) = bundle();
    let fewer = &leaves[..4];
    let hashes: Vec<Hash> = fewer.iter().map(|leaf| leaf_hash(leaf)).collect();
    let old_head = Head {
        count: Size::new(4),
        head_index: index(5),
        head_hash: hashes[3],
        chain_root: tree::root_of(&hashes),
        ..head
    };
    audit_chain(&book, fewer, Some(&old_head)).unwrap();
    assert!(audit_chain(&book, &leaves, Some(&old_head)).is_err());
    assert!(audit_chain(&book, fewer, Some(&head)).is_err());
}

#[test]
fn every_field_of_the_head_counts() {
    let (book, leaves, head) = bundle();
    for wrong in [
        Head {
            chain: port("CNSHA"),
            ..head
        },
        Head {
            count: Size::new(8),
            ..head
        },
        Head {
            head_index: index(24),
            ..head
        },
        Head {
            head_hash: Hash::ZERO,
            ..head
        },
        Head {
            chain_root: Hash::ZERO,
            ..head
        },
    ] {
        assert!(audit_chain(&book, &leaves, Some(&wrong)).is_err(), "{wrong:?}");
    }
}

#[test]
fn places_in_the_log_rise_along_a_chain() {
    let (book, leaves, head) = bundle();
    let Leaf::Record(last) = Leaf::decode(&leaves[8]).unwrap() else {
        panic!("a seal")
    };
    let early = Record {
        stream_seq: index(3).seq(),
        ..last
    };
    let mut damaged = leaves.clone();
    damaged[8].clear();
    early.encode_into(&mut damaged[8]).unwrap();
    let fault = audit_chain(&book, &damaged, Some(&head)).unwrap_err();
    assert!(matches!(*fault.check, Check::NotRising { .. }), "{fault}");
}

#[test]
fn originals_come_before_the_record() {
    let (book, leaves, head) = bundle();
    let Leaf::Record(last) = Leaf::decode(&leaves[8]).unwrap() else {
        panic!("a seal")
    };
    for (refers_to, forward) in [(22, false), (23, true), (24, true)] {
        let again = Record {
            kind: RecordKind::Redelivery,
            refers_to: Some(index(refers_to)),
            ..last
        };
        let mut damaged = leaves.clone();
        damaged[8].clear();
        again.encode_into(&mut damaged[8]).unwrap();
        let fault = audit_chain(&book, &damaged, Some(&head)).unwrap_err();
        assert_eq!(
            matches!(*fault.check, Check::RefersForward { .. }),
            forward,
            "{fault}"
        );
    }
}
