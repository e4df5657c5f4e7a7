//! Auditing damaged ledgers: everything is found, and the first bad leaf is named.

mod chain;
mod forged;

use portbook_ledger::{
    Auditor, Chain, Check, Fault, Hash, Leaf, LogVerdict, RecordKind, SignedRoot, Size, Voucher, leaf_hash,
};

use crate::book::{Book, Message, event, index, port};

/// 26 leaves: three ports, both other chains, every kind of record, three seals, the last leaf a seal.
pub(crate) fn sample() -> (Book, Vec<SignedRoot>) {
    let (nbg, sha, tao) = (port("CNNBG"), port("CNSHA"), port("CNTAO"));
    let mut book = Book::new();
    let control = |subject| Message {
        kind: RecordKind::Control,
        ..event(Chain::CONTROL, subject, b"{}")
    };
    let unreadable = Message {
        kind: RecordKind::Quarantine,
        ..event(Chain::QUARANTINE, "portbook.events.q", b"?")
    };
    let again = |kind, refers_to| Message {
        kind,
        refers_to: Some(refers_to),
        ..event(nbg, "portbook.events.a", b"{}")
    };
    let mut roots = Vec::new();
    book.append(control("portbook.control.ledger.opened"))
        .append(event(nbg, "portbook.events.a", b"{\"n\":1}"))
        .append(event(nbg, "portbook.events.a", b"{\"n\":2}"))
        .append(event(sha, "portbook.events.b", b"{\"n\":3}"))
        .append(again(RecordKind::Redelivery, 1))
        .append(event(nbg, "portbook.events.c", b"{\"n\":5}"))
        .append(event(sha, "portbook.events.b", b"{\"n\":6}"));
    roots.push(book.seal(Hash::ZERO).signed_root());
    book.append(event(nbg, "portbook.events.c", b"{\"n\":8}"))
        .append(again(RecordKind::Conflict, 2))
        .append(unreadable)
        .append(event(tao, "portbook.events.d", b"{\"n\":11}"))
        .append(event(sha, "portbook.events.b", b"{\"n\":12}"))
        .append(control("portbook.control.key.registered"))
        .append(event(nbg, "portbook.events.a", b"{\"n\":14}"));
    roots.push(book.seal(Hash::from_bytes([7; 32])).signed_root());
    book.append(event(sha, "portbook.events.b", b"{\"n\":16}"))
        .append(event(tao, "portbook.events.d", b"{\"n\":17}"))
        .append(event(nbg, "portbook.events.a", b"{\"n\":18}"))
        .append(unreadable)
        .append(control("portbook.control.source.stated"))
        .append(event(sha, "portbook.events.b", b"{\"n\":21}"))
        .append(event(tao, "portbook.events.d", b"{\"n\":22}"))
        .append(event(nbg, "portbook.events.a", b"{\"n\":23}"))
        .append(unreadable);
    roots.push(book.seal(Hash::from_bytes([8; 32])).signed_root());
    (book, roots)
}

pub(crate) fn audit(book: &Book, leaves: &[Vec<u8>], roots: &[SignedRoot]) -> Result<LogVerdict, Fault> {
    let mut auditor = Auditor::new(&book.origin, roots.iter().copied());
    for leaf in leaves {
        auditor.feed(leaf, leaf_hash(leaf))?;
    }
    auditor.finish()
}

/// With the leaf hashes of the undamaged ledger as tiles.
fn audit_with_tiles(book: &Book, leaves: &[Vec<u8>]) -> Result<LogVerdict, Fault> {
    let mut auditor = Auditor::new(&book.origin, [book.signed_root()]);
    for (leaf, committed) in leaves.iter().zip(&book.leaves) {
        auditor.feed_committed(leaf, leaf_hash(leaf), leaf_hash(committed))?;
    }
    auditor.finish()
}

fn chain_of(leaf: &[u8]) -> Option<Chain> {
    match Leaf::decode(leaf).unwrap() {
        Leaf::Record(record) => Some(record.chain),
        Leaf::Seal(_) => None,
    }
}

/// Whether a later record links to the leaf at `at`.
fn is_linked_to(leaves: &[Vec<u8>], at: usize) -> bool {
    let chain = chain_of(&leaves[at]);
    chain.is_some() && leaves[at + 1..].iter().any(|leaf| chain_of(leaf) == chain)
}

fn at(place: usize) -> portbook_ledger::Index {
    index(u64::try_from(place).unwrap())
}

/// Calls `damage` with every leaf's place and the ledger with one bit of that leaf flipped.
fn for_every_flipped_bit(leaves: &[Vec<u8>], mut damage: impl FnMut(usize, usize, &[Vec<u8>])) {
    let mut damaged = leaves.to_vec();
    for place in 0..leaves.len() {
        for byte in 0..leaves[place].len() {
            for bit in 0..8 {
                damaged[place][byte] ^= 1 << bit;
                damage(place, byte, &damaged);
                damaged[place][byte] ^= 1 << bit;
            }
        }
    }
}

#[test]
fn an_undamaged_ledger_is_verified() {
    let (book, roots) = sample();
    let verdict = audit(&book, &book.leaves, &roots).unwrap();
    assert_eq!(verdict.size, book.next_index().size_before());
    assert_eq!(verdict.root, book.signed_root().root);
    assert_eq!(verdict.reproduced, roots.last().copied());
    assert_eq!(verdict.last_seal, Some(index(25)));
    assert_eq!(verdict.heads, book.heads());
    assert_eq!(audit_with_tiles(&book, &book.leaves).unwrap().root, verdict.root);
    // Every prefix is a ledger too, as far as it goes.
    for size in 0..=book.leaves.len() {
        audit(&book, &book.leaves[..size], &[]).unwrap();
    }
}

#[test]
fn with_tiles_every_flipped_bit_names_its_leaf() {
    let (book, _) = sample();
    for_every_flipped_bit(&book.leaves, |place, byte, damaged| {
        let fault = audit_with_tiles(&book, damaged).unwrap_err();
        assert_eq!(
            (fault.first, fault.last),
            (at(place), at(place)),
            "byte {byte}: {fault}"
        );
        assert!(
            matches!(
                *fault.check,
                Check::LeafHash {
                    by: Voucher::Tile,
                    ..
                }
            ),
            "{fault}"
        );
    });
}

#[test]
fn without_tiles_every_flipped_bit_names_its_leaf_once_a_record_links_to_it() {
    let (book, roots) = sample();
    for_every_flipped_bit(&book.leaves, |place, byte, damaged| {
        let fault = audit(&book, damaged, &roots).unwrap_err();
        let exact = fault.is_exact() && fault.last == at(place);
        let within = (fault.first..=fault.last).contains(&at(place));
        let decidable = is_linked_to(&book.leaves, place);
        assert!(
            if decidable { exact } else { within },
            "leaf {place} byte {byte}: {fault}"
        );
    });
}

/// No record links to the newest one of a chain, but the seal over it says whether it or its predecessor was changed.
#[test]
fn a_changed_link_is_told_from_a_changed_predecessor_by_the_next_seal() {
    let (book, roots) = sample();
    let newest = (0..book.leaves.len()).filter(|place| !is_linked_to(&book.leaves, *place));
    let mut linked = 0;
    for place in newest {
        let Leaf::Record(record) = Leaf::decode(&book.leaves[place]).unwrap() else {
            continue;
        };
        let link = 4 + 1 + 1 + 1 + record.chain.as_bytes().len() + 8 + 8;
        for byte in link..link + 32 {
            let mut damaged = book.leaves.clone();
            damaged[place][byte] ^= 1;
            let fault = audit(&book, &damaged, &roots).unwrap_err();
            assert_eq!(
                (fault.first, fault.last),
                (at(place), at(place)),
                "byte {byte}: {fault}"
            );
            assert!(matches!(*fault.check, Check::PrevHash { .. }), "{fault}");
        }
        linked += 1;
    }
    assert_eq!(linked, 5);
}

/// A seal speaks about files outside the log; nothing in the log speaks about that but the next signed root.
#[test]
fn without_signed_roots_only_what_seals_say_about_the_outside_goes_unseen() {
    let (book, _) = sample();
    let (checkpoint, sealed_at) = (53..85, 101..109);
    for_every_flipped_bit(&book.leaves, |place, byte, damaged| {
        let unseen = chain_of(&book.leaves[place]).is_none()
            && (checkpoint.contains(&byte) || sealed_at.contains(&byte));
        let verdict = audit(&book, damaged, &[]);
        assert_eq!(verdict.is_ok(), unseen, "leaf {place} byte {byte}: {verdict:?}");
    });
}

#[test]
fn a_missing_leaf_is_named() {
    let (book, roots) = sample();
    for place in 0..book.leaves.len() {
        let mut damaged = book.leaves.clone();
        damaged.remove(place);
        let fault = audit(&book, &damaged, &roots).unwrap_err();
        assert!(
            fault.is_exact() && fault.last == at(place),
            "leaf {place}: {fault}"
        );
    }
    let fault = audit(&book, &book.leaves[..20], &roots).unwrap_err();
    let missing = Check::Missing {
        signed: Size::new(26),
        found: Size::new(20),
    };
    assert_eq!(
        (fault.last, *fault.check, fault.last_good_size),
        (index(20), missing, Some(Size::new(16)))
    );
}

#[test]
fn swapped_and_duplicated_leaves_are_named() {
    let (book, roots) = sample();
    for place in 0..book.leaves.len() {
        for other in place + 1..book.leaves.len() {
            let mut damaged = book.leaves.clone();
            damaged.swap(place, other);
            let fault = audit(&book, &damaged, &roots).unwrap_err();
            assert!(
                fault.is_exact() && fault.last == at(place),
                "{place} and {other}: {fault}"
            );
        }
        let mut damaged = book.leaves.clone();
        damaged.insert(place + 1, book.leaves[place].clone());
        let fault = audit(&book, &damaged, &roots);
        match fault {
            Err(fault) => assert!(
                fault.is_exact() && fault.last == at(place + 1),
                "{place}: {fault}"
            ),
            Ok(_) => panic!("duplicate of {place} unseen"),
        }
    }
}

#[test]
fn of_two_damaged_leaves_the_first_is_named() {
    let (book, roots) = sample();
    let count = book.leaves.len();
    for first in 0..count {
        for second in first + 1..count {
            let mut damaged = book.leaves.clone();
            for place in [first, second] {
                let last_byte = damaged[place].len() - 1;
                damaged[place][last_byte] ^= 1;
            }
            let fault = audit_with_tiles(&book, &damaged).unwrap_err();
            assert!(
                fault.is_exact() && fault.last == at(first),
                "{first} and {second}: {fault}"
            );
            let fault = audit(&book, &damaged, &roots).unwrap_err();
            let within = (fault.first..=fault.last).contains(&at(first));
            // Where nothing later speaks about the first, the second is all that can be seen.
            assert!(
                within || !is_linked_to(&book.leaves, first),
                "{first} and {second}: {fault}"
            );
        }
    }
}

#[test]
fn a_fault_is_evidence_in_words() {
    let (book, roots) = sample();
    let mut damaged = book.leaves.clone();
    let last_byte = damaged[8].len() - 1;
    damaged[8][last_byte] ^= 1;
    let fault = audit(&book, &damaged, &roots).unwrap_err();
    let (stored, original) = (leaf_hash(&damaged[8]), leaf_hash(&book.leaves[8]));
    assert_eq!(
        fault.to_string(),
        format!(
            "leaf 8 (CNNBG record 5): leaf: stored bytes hash to {stored}, the next record (leaf 9) commits to {original}"
        )
    );
    assert_eq!(fault.last_good_size, Some(Size::new(8)));
}

#[test]
fn a_fault_stays() {
    let (book, _) = sample();
    let mut auditor = Auditor::new(&book.origin, []);
    let fault = auditor.feed(b"PBR1", leaf_hash(b"PBR1")).unwrap_err();
    for leaf in &book.leaves {
        assert_eq!(auditor.feed(leaf, leaf_hash(leaf)), Err(fault.clone()));
        assert_eq!(
            auditor.feed_committed(leaf, leaf_hash(leaf), leaf_hash(leaf)),
            Err(fault.clone())
        );
    }
    assert_eq!(auditor.finish(), Err(fault));
}
