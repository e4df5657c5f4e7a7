//! The files beside the store: what was signed, what was published, and what a crash leaves of them.

#![expect(clippy::unwrap_used, reason = "a test's files")]

use std::fs;

use portbook_ledger::{SignedRoot, Size, sha256};
use portbook_store::{LedgerDirectory, StoreError};

fn root(size: u64) -> SignedRoot {
    SignedRoot {
        size: Size::new(size),
        root: sha256(&[&size.to_be_bytes()]),
    }
}

fn created() -> (tempfile::TempDir, LedgerDirectory) {
    let directory = tempfile::tempdir().unwrap();
    let ledger = LedgerDirectory::at(directory.path().join("ledger"));
    assert!(ledger.signed_log().unwrap().is_none());
    ledger.create().unwrap();
    (directory, ledger)
}

#[test]
fn what_was_signed_is_read_back_and_half_a_line_is_cut_before_the_next() {
    let (_keep, ledger) = created();
    ledger.note_signing(&root(3)).unwrap();
    let path = ledger.path().join("signed.log");
    let mut torn = fs::read(&path).unwrap();
    torn.extend_from_slice(b"9 half a li");
    fs::write(&path, torn).unwrap();
    assert_eq!(ledger.begin_signing().unwrap().unwrap().roots(), [root(3)]);
    ledger.note_signing(&root(9)).unwrap();
    assert_eq!(ledger.signed_log().unwrap().unwrap().roots(), [root(3), root(9)]);
}

#[test]
fn a_changed_line_is_damage_and_a_missing_log_is_told_from_an_empty_one() {
    let (_keep, ledger) = created();
    assert_eq!(ledger.begin_signing().unwrap().unwrap().roots(), []);
    fs::write(ledger.path().join("signed.log"), "three\n").unwrap();
    assert!(matches!(ledger.signed_log(), Err(StoreError::SignedLog { .. })));
    assert!(matches!(ledger.create(), Err(StoreError::Exists { .. })));
    fs::remove_file(ledger.path().join("signed.log")).unwrap();
    assert!(ledger.begin_signing().unwrap().is_none());
}

#[test]
fn checkpoints_are_listed_by_size_and_unfinished_files_are_no_checkpoints() {
    let (_keep, ledger) = created();
    for size in [10, 2, 100_000] {
        ledger
            .publish_checkpoint(Size::new(size), &format!("note of {size}\n"))
            .unwrap();
    }
    fs::write(ledger.path().join("checkpoints/00000000000000000011.new"), "torn").unwrap();
    assert_eq!(
        ledger.checkpoint_sizes().unwrap(),
        [2, 10, 100_000].map(Size::new)
    );
    assert_eq!(
        ledger.checkpoint_at(Size::new(10)).unwrap().as_deref(),
        Some("note of 10\n")
    );
    assert_eq!(ledger.checkpoint().unwrap().as_deref(), Some("note of 100000\n"));
    assert_eq!(ledger.checkpoint_at(Size::new(11)).unwrap(), None);
}
