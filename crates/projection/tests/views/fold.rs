//! Folding on and writing down: the same rows whatever the steps, and never another program's.

use std::collections::BTreeMap;

use portbook_domain::{CaseId, EventKind};
use portbook_projection::{Kind, RebuildOptions, VIEWS, rebuild};
use portbook_store::{StateRoot, ViewStore};
use portbook_views::{CaseStage, Cases, Facts, PortActivity};

use crate::ledger::{Ledger, case_name, data_of};

const ANEW: RebuildOptions = RebuildOptions {
    resume: false,
    promote: true,
    snapshot_leaves: 1_000,
};

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
    assert_eq!(projections.size(), 1 + 200 * 4);
    assert_eq!(projections.catch_up(&mut |_, _| true).unwrap(), 100 * 4);
    projections.snapshot().unwrap();

    let mut whole = Ledger::new();
    whole.append_cases(0..200);
    whole.append_cases(200..300);
    drop(whole.fold(VIEWS));
    assert_eq!(roots(&ledger), roots(&whole));
    let live = ledger.live("cases");
    assert_eq!((live.number, live.whole), (1, true));
}

#[test]
fn a_view_says_what_its_events_say() {
    let mut ledger = Ledger::new();
    ledger.append_cases(0..20);
    drop(ledger.fold(VIEWS));
    let cases: BTreeMap<_, _> = ledger.rows::<Cases>().into_iter().collect();
    let row = cases.get(&CaseId::new(&case_name(3)).unwrap()).unwrap();
    assert_eq!(row.progress.stage, CaseStage::Cleared);
    assert_eq!((row.events, row.first_leaf), (4, 4));
    assert!(row.progress.open_queries.is_empty());
    let activity = ledger.rows::<PortActivity>();
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
    assert_eq!(ours.size(), theirs.cursor);
}

#[test]
fn rows_of_another_code_version_are_not_read() {
    let mut ledger = Ledger::new();
    ledger.append_cases(0..10);
    drop(ledger.fold(VIEWS));
    let mut newer = Kind::of::<Cases>();
    newer.version = 2;
    let projections = ledger.open(&[newer]);
    assert_eq!(projections.size(), 0, "folded again from nothing");
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
fn a_view_that_another_program_made_live_in_other_code_is_left_to_it() {
    let mut ledger = Ledger::new();
    ledger.append_cases(0..10);
    let ours = ledger.fold(VIEWS);
    let mut newer = Kind::of::<Cases>();
    newer.version = 2;
    drop(ledger.fold(&[newer]));
    let theirs = ledger.live("cases");
    ledger.append_cases(10..20);
    ours.catch_up(&mut |_, _| true).unwrap();
    ours.snapshot().unwrap();
    assert_eq!(ledger.live("cases"), theirs);
    let kept: Vec<_> = ours.sizes().into_iter().map(|(view, _)| view).collect();
    assert_eq!(kept, ["port-activity", "facts"], "the others are kept on");
    assert_eq!(ledger.live("facts").cursor, ledger.size());
}

#[test]
fn rows_that_are_damaged_while_they_are_kept_are_folded_again() {
    for view in VIEWS {
        let mut ledger = Ledger::new();
        ledger.append_cases(0..50);
        let projections = ledger.fold(VIEWS);
        // The older generation, which leads back, is no way out.
        let (reader, path) = (ledger.reader(), ledger.views_path());
        rebuild(&reader, &path, VIEWS, ANEW, &mut |_, _| {}, &mut |_, _| true).unwrap();
        projections.snapshot().unwrap();
        let mut damaged = 0;
        for file in std::fs::read_dir(path.join("rows")).unwrap() {
            let path = file.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            if name.starts_with(&format!("{}.2.", view.name)) {
                let mut bytes = std::fs::read(&path).unwrap();
                let middle = bytes.len() / 2;
                bytes[middle] ^= 1;
                std::fs::write(&path, bytes).unwrap();
                damaged += 1;
            }
        }
        assert_eq!(damaged, 1, "{}", view.name);
        ledger.append_cases(50..60);
        projections.catch_up(&mut |_, _| true).unwrap();
        projections.snapshot().unwrap();
        // A log is written on without being read; whoever opens it next reads it.
        drop(projections);
        drop(ledger.fold(VIEWS));
        let mut clean = Ledger::new();
        clean.append_cases(0..50);
        clean.append_cases(50..60);
        drop(clean.fold(VIEWS));
        assert_eq!(roots(&ledger), roots(&clean), "{}", view.name);
        let live = ledger.live(view.name);
        assert_eq!(
            (live.number, live.created_from),
            (3, Some(2)),
            "{} began anew",
            view.name
        );
        assert_eq!(live.cursor, ledger.size());
    }
}

#[test]
fn a_log_that_is_written_down_often_stays_in_few_files() {
    let mut ledger = Ledger::new();
    let projections = ledger.open(&[Kind::of::<Facts>()]);
    let mut files = Vec::new();
    for case in 0..70 {
        let data = data_of(EventKind::ApplicationSubmitted, case);
        let event = ledger.event(EventKind::ApplicationSubmitted, &case_name(case), &data);
        ledger.append(&[event]);
        projections.catch_up(&mut |_, _| true).unwrap();
        projections.snapshot().unwrap();
        files.push(ledger.live("facts").row_files());
    }
    assert_eq!(
        (files.iter().max(), files.last()),
        (Some(&64), Some(&6)),
        "{files:?}"
    );
    assert_eq!(ledger.rows::<Facts>().len(), 70);
    let root = ledger.live("facts").root;
    std::fs::remove_dir_all(ledger.views_path()).unwrap();
    drop(ledger.fold(&[Kind::of::<Facts>()]));
    assert_eq!(ledger.live("facts").root, root);
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
    assert_eq!(projections.size(), 0);
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
