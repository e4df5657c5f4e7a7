//! Ledgers rewritten by someone who knows the format and recomputes what depends on his changes.

use portbook_ledger::{
    Chain, ChainAuditor, ChainSeq, Check, Fault, Hash, Head, Index, Leaf, Origin, Record, RecordKind, Seal,
    SignedRoot, Size, heads_root, leaf_hash,
};

use super::{at, audit, audit_with_tiles, chain_of, sample};
use crate::book::{Book, Message, event, index, port};

fn record_at(leaves: &[Vec<u8>], place: usize) -> Record<'_> {
    let Leaf::Record(record) = Leaf::decode(&leaves[place]).unwrap() else {
        panic!("leaf {place} is a seal")
    };
    record
}

fn seal_at(leaves: &[Vec<u8>], place: usize) -> Seal {
    let Leaf::Seal(seal) = Leaf::decode(&leaves[place]).unwrap() else {
        panic!("leaf {place} is a record")
    };
    seal
}

fn encoded(record: &Record<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    record.encode_into(&mut bytes).unwrap();
    bytes
}

/// Links every later record of the chain of `place` to its changed predecessor; seals stay as they were.
fn rechained(leaves: &[Vec<u8>], place: usize) -> Vec<Vec<u8>> {
    let mut leaves = leaves.to_vec();
    let chain = record_at(&leaves, place).chain;
    let mut prev = place;
    for later in place + 1..leaves.len() {
        if chain_of(&leaves[later]) == Some(chain) {
            let prev_hash = leaf_hash(&leaves[prev]);
            leaves[later] = encoded(&Record {
                prev_hash,
                ..record_at(&leaves, later)
            });
            prev = later;
        }
    }
    leaves
}

/// Writes the whole ledger anew with another body in one record: links, heads and seals all fit.
fn rewritten(leaves: &[Vec<u8>], place: usize) -> Book {
    let mut book = Book::new();
    for (at, leaf) in leaves.iter().enumerate() {
        match Leaf::decode(leaf).unwrap() {
            Leaf::Seal(seal) => {
                book.seal(seal.prev_checkpoint);
            }
            Leaf::Record(record) => {
                book.append(Message {
                    kind: record.kind,
                    chain: record.chain,
                    subject: record.subject,
                    body: if at == place { b"{\"n\":999}" } else { record.body },
                    refers_to: record.refers_to.map(Index::get),
                    signature: record.signature,
                });
            }
        }
    }
    book
}

fn records() -> impl Iterator<Item = usize> {
    let (book, _) = sample();
    (0..book.leaves.len()).filter(move |place| chain_of(&book.leaves[*place]).is_some())
}

#[test]
fn a_chain_linked_anew_stops_fitting_at_the_next_seal() {
    let (book, roots) = sample();
    for place in records() {
        let mut damaged = book.leaves.clone();
        let changed = Record {
            recorded_at_ns: 7,
            ..record_at(&book.leaves, place)
        };
        damaged[place] = encoded(&changed);
        let damaged = rechained(&damaged, place);
        let fault = audit(&book, &damaged, &roots).unwrap_err();
        assert!(
            (fault.first..=fault.last).contains(&at(place)),
            "leaf {place}: {fault}"
        );
        assert!(
            matches!(*fault.check, Check::HeadsRoot { .. }),
            "leaf {place}: {fault}"
        );
        let fault = audit_with_tiles(&book, &damaged).unwrap_err();
        assert!(
            fault.is_exact() && fault.last == at(place),
            "leaf {place}: {fault}"
        );
    }
}

#[test]
fn a_ledger_written_anew_fits_in_itself_and_no_signed_root() {
    let (book, roots) = sample();
    for place in records() {
        let forged = rewritten(&book.leaves, place);
        assert!(
            audit(&forged, &forged.leaves, &[]).is_ok(),
            "leaf {place}: the forgery is not whole"
        );
        let fault = audit(&book, &forged.leaves, &roots).unwrap_err();
        assert!(
            matches!(*fault.check, Check::Root { .. }),
            "leaf {place}: {fault}"
        );
        assert!(
            (fault.first..=fault.last).contains(&at(place)),
            "leaf {place}: {fault}"
        );
        let next_signed = roots
            .iter()
            .find(|root| root.size > at(place).size_before())
            .unwrap();
        assert_eq!(Some(fault.last), next_signed.size.last());
        let fault = audit_with_tiles(&book, &forged.leaves).unwrap_err();
        assert!(
            fault.is_exact() && fault.last == at(place),
            "leaf {place}: {fault}"
        );
    }
}

#[test]
fn another_log_or_chain_has_another_beginning() {
    let (book, _) = sample();
    let mut elsewhere = book.clone();
    elsewhere.origin = Origin::new("portbook.example/rf").unwrap();
    let fault = audit(&elsewhere, &book.leaves, &[]).unwrap_err();
    assert_eq!(fault.last, index(0));
    assert!(matches!(*fault.check, Check::PrevHash { .. }), "{fault}");
    let mut renamed = book.leaves;
    renamed[1] = encoded(&Record {
        chain: port("CNNBH"),
        ..record_at(&renamed, 1)
    });
    let fault = audit(&elsewhere, &renamed[1..2], &[]).unwrap_err();
    assert!(matches!(*fault.check, Check::StreamSeq { .. }), "{fault}");
}

#[test]
fn two_roots_signed_for_one_size_cannot_both_be_reproduced() {
    let (book, roots) = sample();
    let fork = SignedRoot {
        root: Hash::ZERO,
        ..roots[1]
    };
    for order in [[roots[1], fork], [fork, roots[1]]] {
        let fault = audit(&book, &book.leaves, &order).unwrap_err();
        assert!(matches!(*fault.check, Check::Root { .. }), "{fault}");
        assert_eq!(fault.last, index(15));
    }
}

/// A ledger whose second seal is what `lie` makes of the true heads.
fn sealed_with(lie: impl Fn(Vec<Head>) -> Vec<Head>) -> (Book, Fault) {
    let mut book = Book::new();
    let (nbg, sha) = (port("CNNBG"), port("CNSHA"));
    book.append(event(nbg, "portbook.events.a", b"1"))
        .append(event(sha, "portbook.events.b", b"2"))
        .seal(Hash::ZERO);
    book.append(event(nbg, "portbook.events.a", b"3"))
        .append(event(sha, "portbook.events.b", b"4"))
        .seal(Hash::ZERO);
    let heads = lie(book.heads());
    let honest = seal_at(&book.leaves, 5);
    let chain_count = u64::try_from(heads.len()).unwrap();
    let lying = Seal {
        chain_count,
        heads_root: heads_root(&heads).unwrap(),
        ..honest
    };
    book.leaves[5] = lying.encode();
    // The liar holds the log key: he signs what he shows.
    let fault = audit(&book, &book.leaves, &[book.signed_root()]).unwrap_err();
    (book, fault)
}

#[test]
fn a_seal_that_hides_something_is_named() {
    let (_, fault) = sealed_with(|heads| heads[..1].to_vec());
    assert_eq!((fault.first, fault.last), (index(5), index(5)));
    assert_eq!(
        *fault.check,
        Check::ChainCount {
            expected: 2,
            found: 1
        }
    );

    let old_head = |heads: Vec<Head>| {
        let (book, _) = sealed_with(|_| Vec::new());
        let first = leaf_hash(&book.leaves[0]);
        vec![
            Head {
                count: Size::new(1),
                head_index: index(0),
                head_hash: first,
                chain_root: first,
                ..heads[0]
            },
            heads[1],
        ]
    };
    let (_, fault) = sealed_with(old_head);
    assert!(matches!(*fault.check, Check::HeadsRoot { .. }), "{fault}");
    assert_eq!((fault.first, fault.last), (index(3), index(5)));
}

#[test]
fn when_a_signed_root_fits_the_right_seal_the_seal_is_named_alone() {
    let (book, roots) = sample();
    let mut damaged = book.leaves.clone();
    damaged[15] = Seal {
        heads_root: Hash::ZERO,
        ..seal_at(&book.leaves, 15)
    }
    .encode();
    let fault = audit(&book, &damaged, &roots).unwrap_err();
    assert_eq!((fault.first, fault.last), (index(15), index(15)));
    let fault = audit(&book, &damaged, &[]).unwrap_err();
    assert_eq!((fault.first, fault.last), (index(8), index(15)));
}

#[test]
fn every_field_of_a_seal_is_derived_again() {
    let (book, _) = sample();
    let honest = seal_at(&book.leaves, 15);
    let check = |seal: Seal| {
        let mut damaged = book.leaves.clone();
        damaged[15] = seal.encode();
        let fault = audit(&book, &damaged, &[]).unwrap_err();
        assert_eq!(fault.last, index(15));
        *fault.check
    };
    assert!(matches!(
        check(Seal {
            covered_size: Size::new(14),
            ..honest
        }),
        Check::CoveredSize { .. }
    ));
    assert!(matches!(
        check(Seal {
            prev_seal: None,
            ..honest
        }),
        Check::PrevSeal { .. }
    ));
    assert!(matches!(
        check(Seal {
            prev_seal: Some(index(6)),
            ..honest
        }),
        Check::PrevSeal { .. }
    ));
    assert!(matches!(
        check(Seal {
            origin_hash: Hash::ZERO,
            ..honest
        }),
        Check::SealOrigin { .. }
    ));
    assert!(matches!(
        check(Seal {
            chain_count: 6,
            ..honest
        }),
        Check::ChainCount { .. }
    ));
    assert!(matches!(
        check(Seal {
            stream_seq: index(3).seq(),
            ..honest
        }),
        Check::StreamSeq { .. }
    ));
    assert!(matches!(
        check(Seal {
            heads_root: Hash::ZERO,
            ..honest
        }),
        Check::HeadsRoot { .. }
    ));
}

/// A chain in which one record counts or refers wrongly and everything after it fits: hashes alone show nothing.
fn second_record(change: impl Fn(Record<'_>) -> Record<'_>) -> (Fault, Fault) {
    let nbg = port("CNNBG");
    let mut book = Book::new();
    book.append(event(nbg, "portbook.events.a", b"1")).append(event(
        port("CNSHA"),
        "portbook.events.b",
        b"2",
    ));
    book.append(event(nbg, "portbook.events.a", b"3"))
        .append(event(nbg, "portbook.events.a", b"4"));
    book.leaves[2] = encoded(&change(record_at(&book.leaves, 2)));
    let changed = record_at(&book.leaves, 2);
    let next = Record {
        chain_seq: changed.chain_seq.next().unwrap(),
        prev_hash: leaf_hash(&book.leaves[2]),
        ..record_at(&book.leaves, 3)
    };
    book.leaves[3] = encoded(&next);
    book.seal(Hash::ZERO);
    let fault = audit(&book, &book.leaves, &[book.signed_root()]).unwrap_err();
    let mut chain = ChainAuditor::new(&book.origin, nbg);
    let chain_fault = book
        .leaves_of(nbg)
        .iter()
        .find_map(|leaf| chain.feed(leaf, leaf_hash(leaf)).err())
        .unwrap();
    (fault, chain_fault)
}

#[test]
fn a_gap_in_a_chain_is_found_though_every_hash_fits() {
    let (fault, chain_fault) = second_record(|record| Record {
        chain_seq: ChainSeq::new(3).unwrap(),
        ..record
    });
    for fault in [fault, chain_fault] {
        let (expected, found) = (ChainSeq::new(2).unwrap(), ChainSeq::new(3).unwrap());
        assert_eq!(
            (fault.first, fault.last, *fault.check),
            (at(2), at(2), Check::ChainSeq { expected, found })
        );
    }
}

#[test]
fn a_reference_past_the_predecessor_is_found_though_every_hash_fits() {
    let (fault, chain_fault) = second_record(|record| Record {
        prev_index: Some(index(1)),
        ..record
    });
    for fault in [fault, chain_fault] {
        let (expected, found) = (Some(index(0)), Some(index(1)));
        assert_eq!(
            (fault.first, fault.last, *fault.check),
            (at(2), at(2), Check::PrevIndex { expected, found })
        );
    }
}

#[test]
fn originals_are_earlier_events() {
    let refer_to = |kind, refers_to| {
        let mut book = Book::new();
        let control = Message {
            kind: RecordKind::Control,
            ..event(Chain::CONTROL, "c", b"")
        };
        let again = |refers_to| Message {
            kind,
            refers_to: Some(refers_to),
            ..event(port("CNNBG"), "portbook.events.a", b"")
        };
        book.append(control)
            .append(event(port("CNSHA"), "portbook.events.a", b""))
            .append(again(1));
        book.append(again(refers_to));
        audit(&book, &book.leaves, &[]).map_err(|fault| (fault.last, *fault.check))
    };
    for kind in [RecordKind::Redelivery, RecordKind::Conflict] {
        refer_to(kind, 1).unwrap();
        for no_event in [0, 2] {
            let found = index(no_event);
            assert_eq!(
                refer_to(kind, no_event),
                Err((index(3), Check::RefersToNoEvent { found }))
            );
        }
        for later in [3, 4, 1 << 40] {
            let found = index(later);
            assert_eq!(
                refer_to(kind, later),
                Err((index(3), Check::RefersForward { found }))
            );
        }
    }
}
