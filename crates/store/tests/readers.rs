//! Reading a store that another process holds: the same values, while it is written, over a socket that is nobody else's.
//!
//! Who finds the store taken asks over the socket, whatever process he is in: these tests ask from their own.

#![expect(clippy::unwrap_used, reason = "a test's ledger")]

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use portbook_fold::{Book, ChainEntry, ChainHead, Commit, LeafBatch, LookupKey, Lookups, SourceBook};
use portbook_ledger::{Chain, Frontier, Index, leaf_hash, sha256};
use portbook_store::{Store, StoreError, StoreReader, Verdict};

const CASES: u64 = 5;

fn chain() -> Chain {
    Chain::port("CNNBG").unwrap()
}

fn key_of(number: u64) -> LookupKey {
    *sha256(&[&number.to_be_bytes()]).as_bytes().first_chunk().unwrap()
}

fn leaf_of(number: u64) -> Vec<u8> {
    let mut leaf = number.to_be_bytes().to_vec();
    leaf.resize(100 + usize::try_from(number % 400).unwrap(), 7);
    leaf
}

/// The commit of the next `count` leaves, all of one chain.
fn commit(book: &mut Book, count: u64) -> Commit {
    let (mut leaves, mut leaf_hashes, mut entries) = (LeafBatch::default(), Vec::new(), Vec::new());
    let mut lookups = Lookups::default();
    for _ in 0..count {
        let number = book.size();
        let (index, bytes) = (Index::new(number).unwrap(), leaf_of(number));
        let hash = leaf_hash(&bytes);
        leaves
            .push_with(|out| {
                out.extend_from_slice(&bytes);
                Ok::<(), std::convert::Infallible>(())
            })
            .unwrap();
        leaf_hashes.push(hash);
        book.frontier.push(hash);
        let head = book.heads.entry(chain()).or_insert(ChainHead {
            index,
            hash,
            frontier: Frontier::new(),
        });
        (head.index, head.hash) = (index, hash);
        head.frontier.push(hash);
        entries.push(ChainEntry {
            index,
            remark: String::new(),
        });
        lookups.events.push((key_of(number), index));
        lookups.cases.push((key_of(number % CASES), index));
    }
    Commit {
        book: book.clone(),
        leaves,
        leaf_hashes,
        entries: BTreeMap::from([(chain(), entries)]),
        lookups,
        seals: Vec::new(),
    }
}

/// A store of `count` leaves that answers readers.
fn served(directory: &Path, count: u64) -> (Store, Book) {
    let mut store = Store::create(directory).unwrap();
    let mut book = Book::default();
    store.apply(commit(&mut book, count)).unwrap();
    store.answer_readers().unwrap();
    (store, book)
}

/// Everything a reader says about the first `size` leaves.
fn check(reader: &StoreReader, size: u64) {
    let mut number = 0;
    for packed in reader.leaves(0..size) {
        for leaf in packed.unwrap().iter() {
            assert_eq!(leaf, leaf_of(number));
            number += 1;
        }
    }
    assert_eq!(number, size);
    let entries = reader
        .entries(chain(), 1..size + 1)
        .map(|entry| entry.unwrap().index.get());
    assert!(entries.eq(0..size));
    assert_eq!(
        reader.leaf(Index::new(size - 1).unwrap()).unwrap().unwrap(),
        leaf_of(size - 1)
    );
    let first = reader.event_records(&key_of(0)).unwrap();
    assert_eq!(first, [0]);
    for case in 0..CASES {
        let mut found = reader.case_records(&key_of(case)).unwrap();
        // More may have been recorded meanwhile.
        found.retain(|index| *index < size);
        assert!(
            found
                .into_iter()
                .eq((0..size).filter(|number| number % CASES == case))
        );
    }
}

fn socket_of(store: &Path) -> PathBuf {
    store.with_extension("sock")
}

#[test]
fn what_another_process_holds_reads_as_if_it_were_ones_own() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store");
    let (store, book) = served(&path, 3000);
    let elsewhere = StoreReader::open(&path).unwrap();
    assert_eq!(elsewhere.book().unwrap(), book);
    check(&elsewhere, 3000);
    assert_eq!(elsewhere.leaf(Index::new(3000).unwrap()).unwrap(), None);
    assert_eq!(elsewhere.event_records(&key_of(3000)).unwrap(), Vec::<u64>::new());
    drop(store);
    let own = StoreReader::open(&path).unwrap();
    assert_eq!(own.book().unwrap(), book);
    check(&own, 3000);
}

#[test]
fn every_reading_is_whole_while_commits_go_on() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store");
    let (mut store, mut book) = served(&path, 10);
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                let reader = StoreReader::open(&path).unwrap();
                let mut last = 0;
                while !done.load(Ordering::Relaxed) {
                    let book = reader.book().unwrap();
                    let size = book.size();
                    assert!(size >= last);
                    // One chain holds every leaf: a book between two commits would say otherwise.
                    assert_eq!(book.heads[&chain()].frontier.size().get(), size);
                    check(&reader, size);
                    last = size;
                }
            });
        }
        // Small commits merge pieces and runs all the time.
        for count in (1..150).map(|turn| 1 + turn % 9) {
            store.apply(commit(&mut book, count)).unwrap();
        }
        done.store(true, Ordering::Relaxed);
    });
}

#[test]
fn the_socket_is_this_users_alone_and_gone_with_the_store() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store");
    let (store, _) = served(&path, 3);
    let there = fs::metadata(socket_of(&path)).unwrap();
    assert!(there.file_type().is_socket());
    assert_eq!(there.permissions().mode() & 0o777, 0o600);
    // A reader that is connected does not keep the store from being closed and opened again.
    let elsewhere = StoreReader::open(&path).unwrap();
    drop(store);
    assert!(!socket_of(&path).exists());
    drop(Store::open(&path).unwrap());
    assert!(matches!(elsewhere.book(), Err(StoreError::Unanswered { .. })));
}

#[test]
fn a_socket_that_a_killed_process_left_is_in_nobodys_way() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store");
    drop(served(&path, 3));
    drop(UnixListener::bind(socket_of(&path)).unwrap());
    assert!(socket_of(&path).exists());
    let mut store = Store::open(&path).unwrap();
    assert!(matches!(StoreReader::open(&path), Err(StoreError::InUse { .. })));
    store.answer_readers().unwrap();
    check(&StoreReader::open(&path).unwrap(), 3);
    drop(store);
    drop(UnixListener::bind(socket_of(&path)).unwrap());
    check(&StoreReader::open(&path).unwrap(), 3);
}

#[test]
fn nothing_can_be_written_from_outside() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store");
    let (store, _) = served(&path, 3);
    let elsewhere = StoreReader::open(&path).unwrap();
    assert!(matches!(
        elsewhere.keep_verdicts(0, &[Verdict::Valid], &SourceBook::default()),
        Err(StoreError::Foreign)
    ));
    assert_eq!(store.reader().verdict_position().unwrap(), 0);
}

#[test]
fn what_is_no_question_ends_that_conversation_and_no_other() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store");
    let (_store, _) = served(&path, 3);
    let elsewhere = StoreReader::open(&path).unwrap();
    let mut stranger = UnixStream::connect(socket_of(&path)).unwrap();
    stranger.write_all(b"\x00\x00\x00\x03PUT").unwrap();
    let mut answer = [0; 5];
    stranger.read_exact(&mut answer).unwrap();
    assert_eq!(answer[4], 1, "an answer in words");
    let mut flood = UnixStream::connect(socket_of(&path)).unwrap();
    flood.write_all(&[0xff; 64]).unwrap();
    // Closed with what was sent still unread: some systems say so with an error.
    assert!(matches!(flood.read(&mut answer), Ok(0) | Err(_)));
    check(&elsewhere, 3);
}

#[test]
fn more_readers_than_are_answered_at_once_wait_for_their_turn() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store");
    let (_store, _) = served(&path, 200);
    let mut idle: Vec<UnixStream> = (0..32)
        .map(|_| UnixStream::connect(socket_of(&path)).unwrap())
        .collect();
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| check(&StoreReader::open(&path).unwrap(), 200));
        idle.pop();
        waiting
            .join()
            .unwrap_or_else(|_| panic!("the reader was not answered"));
    });
}

#[test]
fn a_path_longer_than_an_address_is_reached_all_the_same() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("p".repeat(120)).join("store");
    let (_store, _) = served(&path, 3);
    check(&StoreReader::open(&path).unwrap(), 3);
}
