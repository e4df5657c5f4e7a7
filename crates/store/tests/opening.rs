//! What a process leaves that was killed while it opened a database: never taken for damage.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test's database")]

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use portbook_store::{Resolution, Store, StoreError, ViewStore};
use tempfile::TempDir;

fn skip(leaf: u64) -> Resolution {
    Resolution {
        leaf,
        case: "2025DU000001".to_owned(),
        reason: "a test".to_owned(),
        declared_at_ns: 7,
    }
}

/// sled's newest snapshot of its page table in `path`.
fn snapshot(path: &Path) -> PathBuf {
    let listed = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path());
    let mut found: Vec<_> = listed
        .filter(|file| file.file_name().unwrap().to_str().unwrap().starts_with("snap."))
        .collect();
    found.sort();
    found.pop().unwrap()
}

/// Every way in which a later snapshot of `path` can have been begun and not been finished.
fn half_written(path: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let newest = snapshot(path);
    let whole = fs::read(&newest).unwrap();
    let begun = newest.with_file_name("snap.00000000000FFFFF.generating");
    let mut longer = whole.clone();
    longer.extend_from_slice(&whole);
    let cuts = [0, 5, 12, 13, whole.len() / 2, whole.len() - 1].map(|end| whole[..end].to_vec());
    cuts.into_iter()
        .chain([whole, longer])
        .map(|bytes| (begun.clone(), bytes))
        .collect()
}

#[test]
fn a_snapshot_that_was_never_finished_is_no_damage() {
    let path = TempDir::new().unwrap();
    let (ledger, views) = (path.path().join("store"), path.path().join("views"));
    drop(Store::create(&ledger).unwrap());
    ViewStore::open(&views).unwrap().resolve(&skip(3)).unwrap();
    // Opened once more, they have a snapshot.
    drop(Store::open(&ledger).unwrap());
    drop(ViewStore::open(&views).unwrap());
    for (file, bytes) in half_written(&ledger) {
        fs::write(&file, &bytes).unwrap();
        let opened = Store::open(&ledger);
        assert!(opened.is_ok(), "{} bytes: {}", bytes.len(), opened.unwrap_err());
        assert_eq!(opened.unwrap().book().size(), 0);
        assert!(!file.exists());
    }
    for (file, bytes) in half_written(&views) {
        fs::write(&file, &bytes).unwrap();
        let opened = ViewStore::open(&views);
        assert!(opened.is_ok(), "{} bytes: {}", bytes.len(), opened.unwrap_err());
        assert_eq!(opened.unwrap().resolutions().unwrap(), [skip(3)]);
    }
}

#[test]
fn a_finished_snapshot_that_is_damaged_is_damage() {
    let path = TempDir::new().unwrap();
    ViewStore::open(path.path()).unwrap().resolve(&skip(3)).unwrap();
    drop(ViewStore::open(path.path()).unwrap());
    let newest = snapshot(path.path());
    let mut bytes = fs::read(&newest).unwrap();
    bytes[0] ^= 1;
    fs::write(&newest, bytes).unwrap();
    let error = ViewStore::open(path.path()).unwrap_err();
    assert!(matches!(error, StoreError::Damaged { .. }), "{error}");
}

#[test]
fn a_configuration_that_was_never_finished_is_no_damage() {
    let written = TempDir::new().unwrap();
    drop(ViewStore::open(written.path()).unwrap());
    let whole = fs::read(written.path().join("conf")).unwrap();
    for end in 0..whole.len() {
        let path = TempDir::new().unwrap();
        fs::write(path.path().join("conf"), &whole[..end]).unwrap();
        let created = ViewStore::open(path.path());
        assert!(created.is_ok(), "{end} bytes: {}", created.unwrap_err());
    }
}

#[test]
fn a_store_that_was_never_finished_is_none_and_is_created_again() {
    let directory = TempDir::new().unwrap();
    let (path, new) = (directory.path().join("store"), directory.path().join("store.new"));
    drop(Store::create(&path).unwrap());
    fs::rename(&path, &new).unwrap();
    fs::remove_file(new.join("conf")).unwrap();
    let error = Store::open(&path).unwrap_err();
    assert!(matches!(error, StoreError::Missing { .. }), "{error}");
    assert_eq!(Store::create(&path).unwrap().book().size(), 0);
    assert!(!new.exists());
    let error = Store::create(&path).unwrap_err();
    assert!(matches!(error, StoreError::Exists { .. }), "{error}");
}

#[test]
fn what_another_process_is_writing_meanwhile_is_left_to_it() {
    let path = TempDir::new().unwrap();
    drop(Store::create(path.path()).unwrap());
    let being_written = path.path().join("snap.00000000000FFFFF.generating");
    fs::write(&being_written, b"half").unwrap();
    let opening = File::open(path.path().join("opening")).unwrap();
    opening.lock().unwrap();
    let error = Store::open(path.path()).unwrap_err();
    assert!(matches!(error, StoreError::InUse { .. }), "{error}");
    assert!(being_written.exists());
    drop(opening);
    drop(Store::open(path.path()).unwrap());
    assert!(!being_written.exists());
}
