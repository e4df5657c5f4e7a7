//! Parked cases: a broken event holds back its own case and nothing else.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};

use portbook_domain::{CaseId, EventKind};
use portbook_projection::{Kind, VIEWS};
use portbook_store::{StoredRow, ViewStore};
use portbook_views::{CasePart, CaseRow, CaseStage, Cases, Facts, Recorded, View};

use crate::ledger::{Ledger, case_name, data_of};

/// A thousand cases of which `broken` gets an event of `kind` whose data say nothing, then a good one.
fn with_broken(kind: EventKind, broken: u64) -> Ledger {
    let mut ledger = Ledger::new();
    ledger.append_cases(0..broken);
    let name = case_name(broken);
    let submitted = ledger.event(
        EventKind::ApplicationSubmitted,
        &name,
        &data_of(EventKind::ApplicationSubmitted, broken),
    );
    let poison = ledger.event(kind, &name, r#"{"nothing":true}"#);
    let late = ledger.event(
        EventKind::LicenseGranted,
        &name,
        &data_of(EventKind::LicenseGranted, broken),
    );
    ledger.append(&[submitted, poison, late]);
    ledger.append_cases(broken + 1..1_000);
    ledger
}

#[test]
fn a_broken_event_of_each_kind_parks_one_case_and_the_others_go_on() {
    for kind in EventKind::ALL {
        let ledger = with_broken(*kind, 400);
        let projections = ledger.fold(&[Kind::of::<Cases>()]);
        let parked = projections.parked();
        assert_eq!(parked.len(), 1, "{kind:?}");
        assert_eq!(parked[0].parked.case, case_name(400));
        let poison = 1 + 400 * 4 + 1;
        assert_eq!(parked[0].parked.waiting, [poison, poison + 1], "in ledger order");
        let cases: BTreeMap<_, _> = ledger.rows::<Cases>().into_iter().collect();
        let cleared = cases
            .values()
            .filter(|row| row.progress.stage == CaseStage::Cleared);
        assert_eq!(cleared.count(), 999, "{kind:?}");
        let waits = cases.get(&CaseId::new(&case_name(400)).unwrap()).unwrap();
        assert_eq!((waits.progress.stage, waits.events), (CaseStage::Submitted, 1));
    }
}

#[test]
fn parked_cases_survive_and_a_declared_skip_gives_what_a_clean_fold_gives() {
    let ledger = with_broken(EventKind::PaperworkQueried, 10);
    drop(ledger.fold(VIEWS));
    let projections = ledger.open(VIEWS);
    assert_eq!(projections.parked().len(), VIEWS.len());
    let case = CaseId::new(&case_name(10)).unwrap();
    let again = projections.retry(None).unwrap();
    assert_eq!(again.waiting.len(), VIEWS.len(), "nothing was mended");
    let resolved = projections.resolve(&case, "sent by a test", 7).unwrap();
    assert_eq!(resolved.released, [case_name(10)]);
    assert!(resolved.waiting.is_empty());
    assert_eq!(projections.resolutions().unwrap()[0].reason, "sent by a test");
    assert!(projections.resolve(&case, "again", 8).is_err());
    let views = || VIEWS.iter().map(|kind| ledger.live(kind.name));
    let late: Vec<_> = views().map(|live| (live.root, live.rows)).collect();
    std::fs::remove_dir_all(ledger.views_path().join("rows")).unwrap();
    drop(ledger.fold(VIEWS));
    let clean: Vec<_> = views().map(|live| (live.root, live.rows)).collect();
    assert_eq!(late, clean, "folded late is folded all the same");
    assert!(
        views().all(|live| live.created_from == Some(1)),
        "folded from nothing"
    );
}

#[test]
fn what_waits_goes_on_waiting_when_it_cannot_be_let_in() {
    let ledger = with_broken(EventKind::PaperworkQueried, 10);
    let projections = ledger.fold(&[Kind::of::<Facts>(), Kind::of::<Cases>()]);
    let case = CaseId::new(&case_name(10)).unwrap();
    assert_eq!(projections.parked().len(), 2);
    // Rows of a log are read only where something comes late.
    let facts = ledger.views_path().join("rows").join("facts.1.1");
    std::fs::write(&facts, b"no rows").unwrap();
    assert!(projections.resolve(&case, "sent by a test", 7).is_err());
    assert_eq!(projections.retry(None).unwrap().waiting, []);
    let events: u64 = ledger.rows::<Cases>().iter().map(|(_, row)| row.events).sum();
    assert_eq!(events, 999 * 4 + 2);
    assert_eq!(ledger.live("facts").rows, 999 * 4 + 2);
    assert!(ledger.rows::<Facts>().is_sorted_by_key(|(leaf, _)| *leaf));
}

/// [`Cases`] by code that fails on one case until it is mended.
#[derive(Debug)]
struct Fragile;

static MENDED: AtomicBool = AtomicBool::new(false);

impl View for Fragile {
    const NAME: &'static str = "fragile";
    const VERSION: u32 = 1;
    const IS_LOG: bool = false;
    type Key = CaseId;
    type Row = CaseRow;
    type Part = CasePart;

    fn join(part: &mut CasePart, later: CasePart) {
        Cases::join(part, later);
    }

    fn row(before: Option<CaseRow>, part: CasePart) -> CaseRow {
        Cases::row(before, part)
    }

    fn parts(recorded: &Recorded<'_>, add: &mut impl FnMut(CaseId, CasePart)) {
        let submitted = recorded.event.data.kind() == EventKind::ApplicationSubmitted;
        Cases::parts(recorded, add);
        let fails = recorded.event.case.as_str() == case_name(30) && !submitted;
        assert!(MENDED.load(Ordering::Relaxed) || !fails, "case 30 is too much");
    }
}

#[test]
fn an_event_on_which_the_fold_fails_parks_its_case_until_the_code_is_mended() {
    let kinds = &[Kind::of::<Fragile>(), Kind::of::<Cases>()];
    let mut ledger = Ledger::new();
    ledger.append_cases(0..20);
    let projections = ledger.fold(kinds);
    ledger.append_cases(20..40);
    projections.catch_up(&mut |_, _| true).unwrap();
    projections.snapshot().unwrap();
    let parked = projections.parked();
    assert_eq!(parked.len(), 1, "{parked:?}");
    assert_eq!(
        (parked[0].view, parked[0].parked.case.as_str()),
        ("fragile", case_name(30).as_str())
    );
    assert!(parked[0].parked.reason.contains("case 30 is too much"));
    assert_eq!(parked[0].parked.waiting.len(), 3);
    let rows = ledger.rows::<Fragile>();
    let cleared = rows
        .iter()
        .filter(|(_, row)| row.progress.stage == CaseStage::Cleared);
    assert_eq!(cleared.count(), 39);
    drop(projections);

    // The mark outlives the process; a retry without a fix changes nothing.
    let projections = ledger.open(kinds);
    assert_eq!(projections.retry(None).unwrap().waiting, parked);
    MENDED.store(true, Ordering::Relaxed);
    let retried = projections.retry(None).unwrap();
    assert_eq!((retried.released, retried.waiting), (vec![case_name(30)], vec![]));
    let rows = |name: &str| -> Vec<StoredRow> {
        let generation = ledger.live(name);
        let store = ViewStore::open(&ledger.views_path()).unwrap();
        store.rows(&generation).unwrap().map(Result::unwrap).collect()
    };
    assert_eq!(
        rows("fragile"),
        rows("cases"),
        "folded late is folded all the same"
    );
}
