//! The store against a plain `Vec`: any split into batches, any reopening, every way of reading.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test's model")]

use std::collections::BTreeMap;
use std::convert::Infallible;

use portbook_fold::{
    Book, ChainEntry, ChainHead, Commit, GapKind, LeafBatch, LookupKey, Lookups, SourceBook, SourceGap,
};
use portbook_ledger::{Chain, Index, leaf_hash, sha256};
use portbook_store::{Forgery, Store, StoreError, StoreReader, VERDICTS_TOGETHER, Verdict, forge};
use proptest::prelude::*;

/// What a ledger of arbitrary bytes should look like.
#[derive(Default)]
struct Model {
    book: Book,
    leaves: Vec<Vec<u8>>,
    chains: BTreeMap<Chain, Vec<u64>>,
    events: Vec<(LookupKey, u64)>,
    cases: BTreeMap<LookupKey, Vec<u64>>,
}

fn chain_of(number: u64) -> Chain {
    Chain::port(["CNNBG", "CNSHG", "CNTXG"][usize::try_from(number % 3).unwrap()]).unwrap()
}

fn key_of(kind: &str, number: u64) -> LookupKey {
    let hash = sha256(&[kind.as_bytes(), &number.to_be_bytes()]);
    *hash.as_bytes().first_chunk().unwrap()
}

/// Leaves of very different lengths, so that chunks close for both of their reasons.
fn leaf_of(number: u64) -> Vec<u8> {
    let length = match number % 7 {
        0 => 0,
        1..=5 => 300 + usize::try_from(number % 50).unwrap(),
        _ => 33_000,
    };
    let mut leaf = number.to_be_bytes().to_vec();
    leaf.resize(8 + length, u8::try_from(number % 251).unwrap());
    leaf
}

fn remark_of(number: u64) -> String {
    "remark ".repeat(usize::try_from(number % 3).unwrap())
}

impl Model {
    /// The commit of `count` further leaves.
    fn commit(&mut self, count: u64) -> Commit {
        let mut leaves = LeafBatch::default();
        let mut leaf_hashes = Vec::new();
        let mut entries: BTreeMap<Chain, Vec<ChainEntry>> = BTreeMap::new();
        let mut lookups = Lookups::default();
        for _ in 0..count {
            let number = self.book.size();
            let (index, bytes, chain) = (Index::new(number).unwrap(), leaf_of(number), chain_of(number));
            leaves
                .push_with(|out| {
                    out.extend_from_slice(&bytes);
                    Ok::<(), Infallible>(())
                })
                .unwrap();
            let hash = leaf_hash(&bytes);
            leaf_hashes.push(hash);
            self.book.frontier.push(hash);
            let fresh = ChainHead {
                index,
                hash,
                frontier: portbook_ledger::Frontier::new(),
            };
            let head = self.book.heads.entry(chain).or_insert(fresh);
            (head.index, head.hash) = (index, hash);
            head.frontier.push(hash);
            entries.entry(chain).or_default().push(ChainEntry {
                index,
                remark: remark_of(number),
            });
            lookups.events.push((key_of("event", number), index));
            lookups.cases.push((key_of("case", number % 10), index));
            self.events.push((key_of("event", number), number));
            self.cases
                .entry(key_of("case", number % 10))
                .or_default()
                .push(number);
            self.chains.entry(chain).or_default().push(number);
            self.leaves.push(bytes);
        }
        Commit {
            book: self.book.clone(),
            leaves,
            leaf_hashes,
            entries,
            lookups,
            seals: Vec::new(),
        }
    }

    fn check(&self, store: &Store) {
        let reader = store.reader();
        assert_eq!(&reader.book().unwrap(), &self.book);
        assert_eq!(read_leaves(&reader, 0, self.book.size()), self.leaves);
        for (chain, numbers) in &self.chains {
            let entries = reader.entries(*chain, 1..u64::MAX).map_while(Result::ok);
            let found: Vec<(u64, String)> = entries.map(|entry| (entry.index.get(), entry.remark)).collect();
            let expected: Vec<_> = numbers
                .iter()
                .map(|number| (*number, remark_of(*number)))
                .collect();
            assert_eq!(found, expected);
        }
        for (key, number) in self.events.iter().step_by(17) {
            assert_eq!(store.event(key).unwrap(), Index::new(*number));
        }
        assert_eq!(store.event(&key_of("event", u64::MAX)).unwrap(), None);
        for (key, numbers) in &self.cases {
            assert_eq!(&reader.case_records(key).unwrap(), numbers);
        }
    }
}

fn read_leaves(reader: &StoreReader, from: u64, to: u64) -> Vec<Vec<u8>> {
    let mut leaves = Vec::new();
    for packed in reader.leaves(from..to) {
        let packed = packed.unwrap();
        assert_eq!(packed.first, from + u64::try_from(leaves.len()).unwrap());
        leaves.extend(packed.iter().map(<[u8]>::to_vec));
    }
    leaves
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn any_split_into_batches_and_any_reopening_reads_alike(
        batches in prop::collection::vec((1_u64..400, any::<bool>()), 1..12),
        single in 0_usize..40,
    ) {
        let directory = tempfile::tempdir().unwrap();
        let mut store = Store::create(directory.path()).unwrap();
        let mut model = Model::default();
        let singles = std::iter::repeat_n((1, false), single);
        for (count, reopen) in batches.into_iter().chain(singles) {
            store.apply(model.commit(count)).unwrap();
            if reopen {
                drop(store);
                store = Store::open(directory.path()).unwrap();
            }
        }
        model.check(&store);
        drop(store);
        model.check(&Store::open(directory.path()).unwrap());
        let size = model.book.size();
        let middle = size / 3;
        let reader = StoreReader::open(directory.path()).unwrap();
        prop_assert_eq!(read_leaves(&reader, middle, size), &model.leaves[usize::try_from(middle).unwrap()..]);
    }
}

#[test]
fn a_batch_that_does_not_continue_the_ledger_changes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let mut store = Store::create(directory.path()).unwrap();
    let mut model = Model::default();
    store.apply(model.commit(5)).unwrap();
    let mut ahead = Model::default();
    ahead.commit(7);
    let gap = store.apply(ahead.commit(1)).unwrap_err();
    assert!(
        matches!(gap, StoreError::NotNext { offered: 7, size: 5 }),
        "{gap}"
    );
    let again = store.apply(Model::default().commit(5)).unwrap_err();
    assert!(
        matches!(again, StoreError::NotNext { offered: 0, size: 5 }),
        "{again}"
    );
    model.check(&store);
    store.apply(model.commit(1)).unwrap();
    model.check(&store);
}

#[test]
fn everything_lies_in_the_one_file_that_is_synced() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::create(dir.path()).unwrap();
    let mut model = Model::default();
    for _ in 0..12 {
        store.apply(model.commit(500)).unwrap();
    }
    let blobs: Vec<_> = std::fs::read_dir(dir.path().join("blobs")).unwrap().collect();
    assert!(blobs.is_empty(), "{} files that sled never syncs", blobs.len());
}

#[test]
fn a_store_is_created_once_and_opened_by_one_process() {
    let directory = tempfile::tempdir().unwrap();
    assert!(matches!(
        Store::open(directory.path()),
        Err(StoreError::Missing { .. })
    ));
    let store = Store::create(directory.path()).unwrap();
    assert!(matches!(
        StoreReader::open(directory.path()),
        Err(StoreError::InUse { .. })
    ));
    drop(store);
    assert!(matches!(
        Store::create(directory.path()),
        Err(StoreError::Exists { .. })
    ));
    Store::open(directory.path()).unwrap();
}

#[test]
fn verdicts_are_kept_in_order_and_written_over_from_where_checking_stopped() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::create(directory.path()).unwrap();
    let reader = store.reader();
    let at = |index| reader.verdict(Index::new(index).unwrap()).unwrap();
    assert_eq!(reader.sources().unwrap(), SourceBook::default());
    let mut sources = SourceBook::default();
    let keep = |first, verdicts: &[Verdict], sources: &SourceBook| {
        reader.keep_verdicts(first, verdicts, sources).unwrap();
        assert_eq!(&reader.sources().unwrap(), sources);
    };
    keep(0, &[Verdict::Valid, Verdict::BadSignature], &sources);
    sources.event("urn:portbook:src:a", 1, &sha256(&[b"a body"]));
    sources.gaps.push(SourceGap {
        source: "urn:portbook:src:b".into(),
        leaf: 1,
        kind: GapKind::Surplus,
        after_seq: 0,
        stated: 1,
        found: 2,
    });
    sources.gap_count = 1;
    keep(2, &[Verdict::UnknownKey], &sources);
    assert_eq!(reader.verdict_position().unwrap(), 3);
    assert_eq!(
        [at(0), at(1), at(2), at(3)],
        [
            Some(Verdict::Valid),
            Some(Verdict::BadSignature),
            Some(Verdict::UnknownKey),
            None
        ]
    );
    keep(VERDICTS_TOGETHER, &[Verdict::Valid], &sources);
    for verdict in Verdict::ALL {
        assert_eq!(Verdict::from_byte(verdict.byte()), Some(*verdict));
    }
    assert_eq!(at(VERDICTS_TOGETHER), Some(Verdict::Valid));
    assert_eq!(at(VERDICTS_TOGETHER - 1), None);
}

#[test]
fn forgeries_do_what_they_say() {
    let directory = tempfile::tempdir().unwrap();
    let mut store = Store::create(directory.path()).unwrap();
    let mut model = Model::default();
    store.apply(model.commit(6)).unwrap();
    drop(store);
    let read = || read_leaves(&StoreReader::open(directory.path()).unwrap(), 0, 6);
    forge(
        directory.path(),
        &Forgery::Replace {
            index: 4,
            bytes: b"other".to_vec(),
        },
    )
    .unwrap();
    model.leaves[4] = b"other".to_vec();
    assert_eq!(read(), model.leaves);
    forge(directory.path(), &Forgery::Double { index: 2 }).unwrap();
    model.leaves.insert(2, model.leaves[2].clone());
    assert_eq!(
        read_leaves(&StoreReader::open(directory.path()).unwrap(), 0, 7),
        model.leaves
    );
    forge(directory.path(), &Forgery::Remove { index: 0 }).unwrap();
    model.leaves.remove(0);
    assert_eq!(read(), model.leaves);
}
