//! Views as of then, on both clocks, and events replayed as they came.

use portbook_domain::{CaseId, EventKind};
use portbook_projection::{
    Filter, ProjectionError, Replayed, TranscriptError, VIEWS, replay, size_at, transcribe,
};
use portbook_store::Store;
use portbook_views::{CaseStage, Cases};

use crate::ledger::{FIRST_NS, Ledger, case_name, data_of, odd_messages, seal};

fn stages(ledger: &Ledger, size: u64, filter: Filter) -> Vec<CaseStage> {
    let cases = ledger.rows_at::<Cases>(size, filter);
    cases.iter().map(|(_, row)| row.progress.stage).collect()
}

#[test]
fn as_known_then_is_a_fold_of_the_prefix_wherever_it_starts() {
    let mut ledger = Ledger::new();
    ledger.append_cases(0..10);
    drop(ledger.fold(VIEWS));
    let whole = ledger.size();
    // Ten applications, then ten queries, then five of ten licences.
    let known = stages(&ledger, 1 + 25, Filter::default());
    assert_eq!(known[..5], [CaseStage::Granted; 5]);
    assert_eq!(known[5..], [CaseStage::Submitted; 5]);
    // Later than the snapshot, it starts there.
    ledger.append_cases(10..20);
    assert_eq!(
        stages(&ledger, whole, Filter::default()),
        [CaseStage::Cleared; 10]
    );
    assert_eq!(stages(&ledger, whole + 10, Filter::default()).len(), 20);
}

#[test]
fn as_it_happened_then_leaves_out_what_came_later() {
    let mut ledger = Ledger::new();
    ledger.append_cases(0..10);
    // Events happen an hour apart from 2025-05-01T01:00:00Z on: the 25 first ones.
    let filter = Filter {
        until: Some("2025-05-02T02:00:00Z".parse().unwrap()),
        ..Filter::default()
    };
    let happened = stages(&ledger, ledger.size(), filter);
    assert_eq!(happened[..5], [CaseStage::Granted; 5]);
    assert_eq!(happened[5..], [CaseStage::Submitted; 5]);
}

#[test]
fn a_time_stands_for_the_leaves_recorded_until_then() {
    let mut ledger = Ledger::new();
    ledger.append_cases(0..5);
    let at = |seq: u64, ns: i128| {
        let ns = i128::from(FIRST_NS + seq * 1_000_000_000) + ns;
        size_at(&ledger.reader(), jiff::Timestamp::from_nanosecond(ns).unwrap()).unwrap()
    };
    assert_eq!(
        (at(1, -1), at(1, 0), at(7, 0), at(7, 1), at(8, -1)),
        (0, 1, 7, 7, 7)
    );
    assert_eq!(at(1_000, 0), ledger.size());
}

#[test]
fn events_come_again_byte_for_byte_and_a_replay_goes_on_where_it_was_stopped() {
    let mut ledger = Ledger::new();
    ledger.append_cases(0..200);
    let filter = Filter {
        kind: Some(EventKind::LicenseGranted),
        element: Some("Dy".parse().unwrap()),
        hs: Some("8505".to_owned()),
        ..Filter::default()
    };
    let mut found: Vec<Replayed> = Vec::new();
    let take = |it: &Replayed| {
        found.push(it.clone());
        Ok::<(), ProjectionError>(())
    };
    let at = replay(&ledger.reader(), 0..ledger.size(), &filter, take, &mut |at, _| {
        at < 450
    })
    .unwrap();
    assert!(at < ledger.size() && at >= 450);
    let take = |it: &Replayed| {
        found.push(it.clone());
        Ok::<(), ProjectionError>(())
    };
    let end = replay(&ledger.reader(), at..ledger.size(), &filter, take, &mut |_, _| {
        true
    })
    .unwrap();
    assert_eq!(end, ledger.size());
    let leaves: Vec<u64> = found.iter().map(|it| it.leaf).collect();
    assert_eq!(leaves, (401..601).collect::<Vec<_>>());
    let text = String::from_utf8(found[0].body.clone()).unwrap();
    assert!(text.starts_with(r#"{"specversion":"1.0""#) && text.contains(r#""license_no":"25DU000000""#));
    let one = Filter {
        case: Some(CaseId::new(&case_name(3)).unwrap()),
        ..Filter::default()
    };
    let mut count = 0;
    let take = |_: &Replayed| {
        count += 1;
        Ok::<(), ProjectionError>(())
    };
    replay(&ledger.reader(), 0..ledger.size(), &one, take, &mut |_, _| true).unwrap();
    assert_eq!(count, 4);
}

#[test]
fn a_ledger_comes_out_again_byte_for_byte_and_goes_on_where_it_was_stopped() {
    let mut ledger = Ledger::new();
    ledger.append_cases(0..30);
    ledger.append(&[seal()]);
    let granted = ledger.event(
        EventKind::LicenseGranted,
        "again",
        &data_of(EventKind::LicenseGranted, 1),
    );
    let conflict = granted.with("again", "25DU000001", "25DU000002");
    ledger.append(&[granted.clone(), granted, conflict]);
    ledger.append(&odd_messages());
    ledger.append_cases(30..60);
    ledger.append(&[seal()]);

    let place = tempfile::TempDir::new().unwrap();
    let mut target = Store::create(place.path()).unwrap();
    let mut asked = 0;
    let size = ledger.size();
    let stopped = transcribe(&ledger.reader(), &mut target, 100, &mut |_, _| {
        asked += 1;
        asked < 2
    });
    assert_eq!(stopped.unwrap(), 100);
    drop(target);
    let mut target = Store::open(place.path()).unwrap();
    assert_eq!(
        transcribe(&ledger.reader(), &mut target, size, &mut |_, _| true).unwrap(),
        size
    );
    let (made, source) = (target.book(), ledger.store.book());
    assert_eq!(made.frontier.root(), source.frontier.root());
    assert_eq!(
        (&made.heads, &made.counts, &made.keys),
        (&source.heads, &source.counts, &source.keys)
    );
    assert!(source.counts.seals == 2 && source.counts.conflicts == 1 && source.counts.quarantined == 3);

    // Another ledger cannot be gone on with.
    let mut other = Ledger::new();
    other.append_cases(5..70);
    let refused = transcribe(&other.reader(), &mut target, other.size(), &mut |_, _| true);
    assert!(
        matches!(refused, Err(TranscriptError::Different { .. })),
        "{refused:?}"
    );
}
