//! Folding on and writing down: the same rows whatever the steps, and never another program's.

use portbook_domain::{CaseId, EventKind};
use portbook_projection::{Kind, VIEWS};
use portbook_store::{StateRoot, ViewStore};
use portbook_views::{CaseStage, Cases, PortActivity};

use crate::ledger::{Ledger, case_name, data_of};

fn roots(ledger: &Ledger) -> Vec<String> {
    let names = VIEWS.iter().map(|kind| kind.name);
    names.map(|name| ledger.live(name).root.to_hex()).collect()
}

#[test]
fn every_split_into_steps_gives_the_same_roots() {
    let mut expected = None;
    for step in [1, 7, 1_000] {
        let mut ledger = Ledger::new();
        ledger.append_cases(0..50);
        let projections = ledger.open(VIEWS);
        let mut size = 0;
        while size < ledger.size() {
            size = ledger.size().min(size + step);
            projections.catch_up_to(size, &mut |_, _| true).unwrap();
            if size % 3 == 0 {
                projections.snapshot().unwrap();
            }
        }
        projections.snapshot().unwrap();
        let found = roots(&ledger);
        assert_eq!(expected.get_or_insert(found.clone()), &found, "steps of {step}");
    }
}

#[test]
fn what_was_written_down_is_gone_on_with() {
    let mut ledger = Ledger::new();
    ledger.append_cases(0..200);
    drop(ledger.fold(VIEWS));
    ledger.append_cases(200..300);

    let projections = ledger.open(VIEWS);
    let loaded = projections.views().read().size();
    assert_eq!(loaded, 1 + 200 * 4);
    assert_eq!(projections.catch_up(&mut |_, _| true).unwrap(), 100 * 4);
    projections.snapshot().unwrap();

    let mut whole = Ledger::new();
    whole.append_cases(0..200);
    whole.append_cases(200..300);
    drop(whole.fold(VIEWS));
    assert_eq!(roots(&ledger), roots(&whole));
    assert_eq!(ledger.live("cases").number, 1);
}

#[test]
fn a_view_says_what_its_events_say() {
    let mut ledger = Ledger::new();
    ledger.append_cases(0..20);
    let projections = ledger.fold(VIEWS);
    let views = projections.views();
    let views = views.read();
    let cases = views.view::<Cases>().unwrap();
    let row = cases.get(&CaseId::new(&case_name(3)).unwrap()).unwrap();
    assert_eq!(row.progress.stage, CaseStage::Cleared);
    assert_eq!((row.events, row.first_leaf), (4, 4));
    assert!(row.progress.open_queries.is_empty());
    let activity = views.view::<PortActivity>().unwrap();
    let cleared = activity.iter().filter(|(key, _)| key.event == "shipment.cleared");
    let grams: u64 = cleared.map(|(_, cell)| cell.grams).sum();
    assert_eq!(grams, (0..20).map(|case| 1_000 + case).sum::<u64>());
}

#[test]
fn what_another_process_wrote_is_loaded_before_anything_is_written() {
    let mut ledger = Ledger::new();
    ledger.append_cases(0..10);
    let ours = ledger.fold(VIEWS);
    ledger.append_cases(10..20);
    drop(ledger.fold(VIEWS));
    let theirs = ledger.live("cases");
    ours.snapshot().unwrap();
    assert_eq!(ledger.live("cases"), theirs);
    assert_eq!(ours.views().read().size(), theirs.cursor);
}

#[test]
fn rows_of_another_code_version_are_not_read() {
    let mut ledger = Ledger::new();
    ledger.append_cases(0..10);
    drop(ledger.fold(VIEWS));
    let mut newer = Kind::of::<Cases>();
    newer.version = 2;
    let projections = ledger.open(&[newer]);
    assert_eq!(projections.views().read().size(), 0, "folded again from nothing");
    projections.catch_up(&mut |_, _| true).unwrap();
    projections.snapshot().unwrap();
    let live = ledger.live("cases");
    assert_eq!((live.number, live.version, live.created_from), (2, 2, Some(1)));
    let pointer = ViewStore::open(&ledger.views_path())
        .unwrap()
        .pointer("cases")
        .unwrap();
    assert_eq!(pointer.unwrap().before, Some(1), "the way back is kept");
}

#[test]
fn rows_of_another_ledger_are_not_read() {
    let mut ledger = Ledger::new();
    ledger.append_cases(0..10);
    drop(ledger.fold(VIEWS));
    let mut other = Ledger::new();
    let message = other.event(
        EventKind::ApplicationClosed,
        "other",
        &data_of(EventKind::ApplicationClosed, 0),
    );
    other.append(&[message]);
    other.append_cases(0..10);
    let projections =
        portbook_projection::Projections::open(other.reader(), &ledger.views_path(), VIEWS).unwrap();
    assert_eq!(projections.views().read().size(), 0);
}

#[test]
fn a_snapshot_that_was_not_finished_leaves_the_older_one() {
    let mut ledger = Ledger::new();
    ledger.append_cases(0..100);
    drop(ledger.fold(VIEWS));
    let whole = ledger.live("cases");
    let rows = |generation| -> Vec<_> {
        let store = ViewStore::open(&ledger.views_path()).unwrap();
        store.rows(generation).unwrap().map(Result::unwrap).collect()
    };
    let before = rows(&whole);
    let store = ViewStore::open(&ledger.views_path()).unwrap();
    let mut writer = store
        .write_rows(&mut whole.clone(), StateRoot::of("cases"))
        .unwrap();
    for number in 0..3_000_u64 {
        writer.row(&number.to_be_bytes(), b"half of a snapshot").unwrap();
    }
    writer.finish().unwrap();
    drop(store);
    assert_eq!(ledger.live("cases"), whole);
    assert_eq!(rows(&whole), before);
    assert_eq!(before.len(), 100);
}
