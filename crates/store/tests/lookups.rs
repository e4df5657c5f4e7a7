//! Lookups under load: merging keeps every entry, and the runs stay few.

#![expect(clippy::unwrap_used, reason = "a test's model")]

use std::collections::BTreeMap;

use portbook_fold::{Book, Commit, LeafBatch, LookupKey, Lookups};
use portbook_ledger::{Index, leaf_hash, sha256};
use portbook_store::Store;

fn key_of(number: u64) -> LookupKey {
    *sha256(&[&number.to_be_bytes()]).as_bytes().first_chunk().unwrap()
}

/// A commit of `count` empty leaves, each with an event of its own and one of four cases.
fn commit(book: &mut Book, count: u64) -> Commit {
    let mut commit = Commit {
        book: Book::default(),
        leaves: LeafBatch::default(),
        leaf_hashes: Vec::new(),
        entries: BTreeMap::new(),
        lookups: Lookups::default(),
        seals: Vec::new(),
    };
    for _ in 0..count {
        let index = Index::new(book.size()).unwrap();
        commit
            .leaves
            .push_with(|_| Ok::<(), std::convert::Infallible>(()))
            .unwrap();
        commit.leaf_hashes.push(leaf_hash(b""));
        book.frontier.push(leaf_hash(b""));
        commit.lookups.events.push((key_of(index.get()), index));
        commit.lookups.cases.push((key_of(index.get() % 4), index));
    }
    commit.book = book.clone();
    commit
}

#[test]
fn every_entry_is_found_after_many_small_and_large_commits_and_a_reopening() {
    let directory = tempfile::tempdir().unwrap();
    let mut store = Store::create(directory.path()).unwrap();
    let mut book = Book::default();
    for count in std::iter::repeat_n(1, 70)
        .chain([3_000, 1, 9_000, 500, 40, 20_000])
        .chain(std::iter::repeat_n(7, 30))
    {
        store.apply(commit(&mut book, count)).unwrap();
    }
    let check = |store: &Store| {
        for number in (0..book.size()).step_by(13) {
            assert_eq!(store.event(&key_of(number)).unwrap(), Index::new(number));
        }
        for number in book.size()..book.size() + 500 {
            assert_eq!(store.event(&key_of(number)).unwrap(), None);
        }
        for case in 0..4 {
            let found = store.reader().case_records(&key_of(case)).unwrap();
            assert!(
                found
                    .into_iter()
                    .eq((0..book.size()).filter(|number| number % 4 == case))
            );
        }
    };
    check(&store);
    drop(store);
    check(&Store::open(directory.path()).unwrap());
}
