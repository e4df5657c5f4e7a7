//! The views' database: rows in files, found damaged when they are, and layouts of other versions.

#![expect(clippy::unwrap_used, reason = "a test's database")]

use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use portbook_store::{
    Generation, Parked, Pointer, Resolution, StateRoot, Store, StoreError, StoreReader, ViewStore,
};
use tempfile::TempDir;

/// Rows in two files that continue each other, committed and live.
fn written(path: &Path) -> Generation {
    let store = ViewStore::open(path).unwrap();
    let mut generation = Generation::begun("cases", 1, 1, None);
    let mut root = StateRoot::of("cases");
    for half in 0..2_u32 {
        let mut writer = store.write_rows(&mut generation, root).unwrap();
        for number in half * 100..half * 100 + 100 {
            writer.row(&number.to_be_bytes(), b"a row of this case").unwrap();
        }
        let written = writer.finish().unwrap();
        generation.append_rows(&written);
        root = written.root;
    }
    let parked = Parked {
        case: "2025DU000001".to_owned(),
        reason: "a test".to_owned(),
        waiting: vec![7, 9],
    };
    store.write_parked(&mut generation, [parked].into_iter()).unwrap();
    let pointer = Pointer {
        live: 1,
        before: None,
    };
    store
        .commit(std::slice::from_ref(&generation), &[("cases", pointer)])
        .unwrap();
    generation
}

fn files(path: &Path) -> Vec<String> {
    let listed = fs::read_dir(path.join("rows")).unwrap();
    let mut names: Vec<String> = listed
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn rows_come_back_in_order_and_lead_to_the_state_root() {
    let path = TempDir::new().unwrap();
    let generation = written(path.path());
    let store = ViewStore::open(path.path()).unwrap();
    let stored = store.generation("cases", 1).unwrap().unwrap();
    assert_eq!(stored, generation);
    assert_eq!((stored.rows, stored.parked), (200, 1));
    let mut root = StateRoot::of("cases");
    for (number, stored) in (0_u32..).zip(store.rows(&stored).unwrap()) {
        let (key, row) = stored.unwrap();
        assert_eq!(key, number.to_be_bytes());
        root.row(&key, &row);
    }
    assert_eq!((root.rows(), root.finish()), (200, stored.root));
    assert_eq!(store.parked(&stored).unwrap()[0].waiting, [7, 9]);
}

#[test]
fn a_changed_or_missing_byte_is_found_before_the_rows_end() {
    for name in ["cases.1.1", "cases.1.2"] {
        let path = TempDir::new().unwrap();
        let generation = written(path.path());
        let file = path.path().join("rows").join(name);
        let whole = fs::read(&file).unwrap();
        let reads = |bytes: &[u8]| {
            fs::write(&file, bytes).unwrap();
            let store = ViewStore::open(path.path()).unwrap();
            let rows = store.rows(&generation).unwrap();
            rows.collect::<Result<Vec<_>, _>>()
        };
        assert_eq!(reads(&whole).unwrap().len(), 200);
        for at in [0, 3, 5, whole.len() / 2, whole.len() - 1] {
            let mut changed = whole.clone();
            changed[at] ^= 0x40;
            let error = reads(&changed).unwrap_err();
            assert!(
                matches!(error, StoreError::Rows { .. }),
                "{name}, byte {at}: {error}"
            );
        }
        let error = reads(&whole[..whole.len() - 1]).unwrap_err();
        assert!(matches!(error, StoreError::Rows { .. }), "{name}, cut: {error}");
    }
}

#[test]
fn files_that_no_generation_holds_are_removed() {
    let path = TempDir::new().unwrap();
    let mut generation = written(path.path());
    let kept = files(path.path());
    assert_eq!(kept.len(), 3);
    let store = ViewStore::open(path.path()).unwrap();
    let root = StateRoot::of("cases");
    let mut writer = store.write_rows(&mut generation, root).unwrap();
    writer.row(b"key", b"row").unwrap();
    writer.finish().unwrap();
    assert_eq!(files(path.path()).len(), 4);
    drop(store);
    // A crash came before the commit.
    let store = ViewStore::open(path.path()).unwrap();
    assert_eq!(files(path.path()), kept);
    store.discard("cases", 1).unwrap();
    assert_eq!(files(path.path()).len(), 0);
}

/// The database in `path`, opened by somebody else.
fn sled_of(path: &Path) -> sled::Db {
    let config = sled::Config::new()
        .path(path)
        .segment_size(8 * 1024 * 1024)
        .use_compression(false);
    // A thread of sled's own lets go of a database some time after it was dropped.
    let started = Instant::now();
    loop {
        match config.open() {
            Err(_) if started.elapsed() < Duration::from_secs(10) => thread::yield_now(),
            opened => return opened.unwrap(),
        }
    }
}

#[test]
fn of_another_layout_only_the_declared_skips_are_kept() {
    let path = TempDir::new().unwrap();
    written(path.path());
    let resolution = Resolution {
        leaf: 7,
        case: "2025DU000001".to_owned(),
        reason: "somebody said so".to_owned(),
        declared_at_ns: 1,
    };
    let store = ViewStore::open(path.path()).unwrap();
    store.resolve(&resolution).unwrap();
    drop(store);
    let db = sled_of(path.path());
    db.insert("V", "1").unwrap();
    db.insert("Rsomething of that layout", "rows").unwrap();
    db.flush().unwrap();
    drop(db);
    let store = ViewStore::open(path.path()).unwrap();
    assert_eq!(store.generations().unwrap(), []);
    assert_eq!(store.pointer("cases").unwrap(), None);
    assert_eq!(store.resolutions().unwrap(), [resolution]);
    assert_eq!(files(path.path()).len(), 0);
}

#[test]
fn a_store_of_another_version_says_so_and_is_not_called_damaged() {
    let path = TempDir::new().unwrap();
    drop(Store::create(path.path()).unwrap());
    drop(Store::open(path.path()).unwrap());
    for (named, expected) in [(None, None), (Some("0"), Some("0".to_owned()))] {
        let db = sled_of(path.path());
        match named {
            Some(layout) => db.insert("A", layout).unwrap(),
            None => db.remove("A").unwrap(),
        };
        db.flush().unwrap();
        drop(db);
        let errors = [
            Store::open(path.path()).map(drop).unwrap_err(),
            StoreReader::open(path.path()).map(drop).unwrap_err(),
        ];
        for error in errors {
            let StoreError::OtherLayout { found, .. } = &error else {
                unreachable!("{error}")
            };
            assert_eq!(*found, expected);
            assert!(
                error.to_string().contains("another version of portbook"),
                "{error}"
            );
        }
    }
    // Without a book it is no store of any version.
    let db = sled_of(path.path());
    db.remove("A").unwrap();
    db.remove("B").unwrap();
    db.flush().unwrap();
    drop(db);
    let error = Store::open(path.path()).map(drop).unwrap_err();
    assert!(matches!(error, StoreError::Row { what: "book", .. }), "{error}");
}
