//! Rebuilding: the same root however it is interrupted, exactly the rows that differ, promotion and the way back.

use portbook_domain::{CaseId, EventKind};
use portbook_projection::{
    Change, Kind, ProjectionError, RebuildEnd, RebuildOptions, Rebuilt, Standing, VIEWS, difference,
    generations, promote, promote_back, rebuild,
};
use portbook_store::{Comparison, StateRoot, ViewStore, decode_row};
use portbook_views::{CasePart, CaseRow, Cases, Recorded, View};

use crate::ledger::{Ledger, case_name, data_of};

const WHOLE: RebuildOptions = RebuildOptions {
    resume: false,
    promote: true,
    snapshot_leaves: 1_000,
};

/// [`Cases`] by code that counts the events of every hundredth case twice, and has no use for one.
#[derive(Debug)]
struct Changed;

impl View for Changed {
    const NAME: &'static str = Cases::NAME;
    const VERSION: u32 = Cases::VERSION + 1;
    const IS_LOG: bool = false;
    type Key = CaseId;
    type Row = CaseRow;
    type Part = CasePart;

    fn parts(recorded: &Recorded<'_>, add: &mut impl FnMut(CaseId, CasePart)) {
        let case = recorded.event.case.as_str();
        if case == case_name(7) {
            return;
        }
        Cases::parts(recorded, add);
        if case.ends_with("00") {
            Cases::parts(recorded, add);
        }
    }

    fn join(part: &mut CasePart, later: CasePart) {
        Cases::join(part, later);
    }

    fn row(before: Option<CaseRow>, part: CasePart) -> CaseRow {
        Cases::row(before, part)
    }
}

fn run(ledger: &Ledger, kinds: &[Kind], options: RebuildOptions) -> (Vec<Rebuilt>, Vec<Change>) {
    let mut changes = Vec::new();
    let path = ledger.views_path();
    let ended = rebuild(
        &ledger.reader(),
        &path,
        kinds,
        options,
        &mut |_, change| changes.push(change.clone()),
        &mut |_, _| true,
    );
    match ended.unwrap() {
        RebuildEnd::Whole(rebuilt) => (rebuilt, changes),
        RebuildEnd::Stopped { .. } => unreachable!("nobody stopped it"),
    }
}

fn standings(ledger: &Ledger, view: &str) -> Vec<(u64, Standing)> {
    let listed = generations(&ledger.views_path()).unwrap();
    let of_view = listed.iter().filter(|it| it.generation.view == view);
    of_view.map(|it| (it.generation.number, it.standing)).collect()
}

#[test]
fn a_rebuilt_view_equals_what_it_replaces_and_leaves_a_way_back() {
    let mut ledger = Ledger::new();
    ledger.append_cases(0..300);
    let keeping = ledger.fold(VIEWS);
    let roots: Vec<_> = VIEWS.iter().map(|kind| ledger.live(kind.name).root).collect();
    let (rebuilt, changes) = run(&ledger, VIEWS, WHOLE);
    assert!(changes.is_empty());
    for (it, root) in rebuilt.iter().zip(&roots) {
        assert_eq!(
            (it.generation.number, it.promoted, &it.generation.root),
            (2, true, root)
        );
        let compared = it.generation.compared.unwrap();
        assert!(compared.is_equal() && compared.with == 1, "{compared:?}");
    }
    keeping.snapshot().unwrap();
    assert_eq!(
        standings(&ledger, "cases"),
        [(1, Standing::Former), (2, Standing::Live)]
    );
    let back = promote_back(&ledger.reader(), &ledger.views_path(), Kind::of::<Cases>()).unwrap();
    assert_eq!(back.number, 1);
    // Whoever keeps the views goes on from what is live, and makes nothing else live.
    ledger.append_cases(300..310);
    keeping.catch_up(&mut |_, _| true).unwrap();
    keeping.snapshot().unwrap();
    assert_eq!(
        standings(&ledger, "cases"),
        [(1, Standing::Live), (2, Standing::Former)]
    );
    assert_eq!(ledger.live("cases").cursor, ledger.size());
}

#[test]
fn a_rebuild_that_is_stopped_everywhere_comes_to_the_same_roots() {
    let mut ledger = Ledger::new();
    ledger.append_cases(0..200);
    drop(ledger.fold(VIEWS));
    let mut stops = 0;
    let path = ledger.views_path();
    let options = RebuildOptions {
        resume: true,
        snapshot_leaves: 100,
        ..WHOLE
    };
    let rebuilt = loop {
        let mut asked = 0;
        let ended = rebuild(
            &ledger.reader(),
            &path,
            VIEWS,
            options,
            &mut |_, _| {},
            &mut |_, _| {
                asked += 1;
                asked < 4
            },
        );
        match ended.unwrap() {
            RebuildEnd::Whole(rebuilt) => break rebuilt,
            RebuildEnd::Stopped { at } => {
                stops += 1;
                // The ledger grows meanwhile, and what was staged by a process that died is nobody's.
                if stops == 5 {
                    ledger.append_cases(200..210);
                    let store = ViewStore::open(&path).unwrap();
                    let mut building = store.generation("cases", 2).unwrap().unwrap();
                    assert_eq!((building.cursor, building.whole), (at, false));
                    let mut writer = store.write_rows(&mut building, StateRoot::of("cases")).unwrap();
                    writer.row(b"half", b"a snapshot").unwrap();
                }
            }
        }
    };
    assert!(stops > 5, "{stops} stops");
    let mut clean = Ledger::new();
    clean.append_cases(0..200);
    clean.append_cases(200..210);
    drop(clean.fold(VIEWS));
    for it in rebuilt {
        assert_eq!(it.generation.root, clean.live(&it.generation.view).root);
        assert!(it.promoted && it.generation.compared.unwrap().is_equal());
    }
}

#[test]
fn a_changed_fold_is_told_row_by_row_and_only_the_rows_that_changed() {
    let mut ledger = Ledger::new();
    ledger.append_cases(0..250);
    drop(ledger.fold(&[Kind::of::<Cases>()]));
    let at = ledger.size();
    // Beyond what the older code had folded nothing can be compared.
    ledger.append_cases(300..400);
    let (rebuilt, changes) = run(&ledger, &[Kind::of::<Changed>()], WHOLE);
    let expected = Comparison {
        with: 1,
        at,
        added: 0,
        removed: 1,
        changed: 3,
    };
    assert_eq!(rebuilt[0].generation.compared, Some(expected));
    assert!(rebuilt[0].promoted);
    let keys: Vec<String> = changes
        .iter()
        .map(|change| decode_row::<CaseId>(&change.key).unwrap().to_string())
        .collect();
    assert_eq!(keys, [case_name(0), case_name(100), case_name(200), case_name(7)]);
    let row = |bytes: &Option<Vec<u8>>| decode_row::<CaseRow>(bytes.as_ref().unwrap()).unwrap();
    assert_eq!(
        (row(&changes[0].before).events, row(&changes[0].after).events),
        (4, 8)
    );
    assert!(changes[3].after.is_none());
    assert!(changes.iter().all(|change| !change.before_is_ours));

    // Older code does not read the rows of newer code either.
    let olds = ledger.rows::<Cases>();
    assert!(olds.iter().all(|(_, row)| row.events == 4), "{olds:?}");

    // The same again, later, from what is kept.
    let path = ledger.views_path();
    let kind = Kind::of::<Changed>();
    let mut again = 0;
    let compared = difference(&ledger.reader(), &path, kind, (None, None), &mut |_, _| {
        again += 1;
    })
    .unwrap();
    assert_eq!((compared, again), (expected, 4));
    // The older program's rows are not made live by this one.
    let refused = promote_back(&ledger.reader(), &path, kind);
    assert!(
        matches!(
            refused,
            Err(ProjectionError::OtherCode {
                version: 1,
                ours: 2,
                ..
            })
        ),
        "{refused:?}"
    );
}

#[test]
fn nothing_is_promoted_that_was_not_held_against_what_is_live() {
    let mut ledger = Ledger::new();
    ledger.append_cases(0..50);
    let (cases, changed) = (Kind::of::<Cases>(), Kind::of::<Changed>());
    drop(ledger.fold(&[cases]));
    run(&ledger, &[cases], WHOLE);
    let options = RebuildOptions {
        promote: false,
        ..WHOLE
    };
    let (rebuilt, _) = run(&ledger, &[changed], options);
    assert!(!rebuilt[0].promoted);
    assert_eq!(rebuilt[0].generation.compared.unwrap().with, 2);
    let (reader, path) = (ledger.reader(), ledger.views_path());
    // The way back is taken: what the new one was held against is not live any more.
    promote_back(&reader, &path, cases).unwrap();
    let standings_now = standings(&ledger, "cases");
    assert_eq!(
        standings_now,
        [(1, Standing::Live), (2, Standing::Former), (3, Standing::Ready)]
    );
    ledger.append_cases(50..60);
    let refused = promote(&reader, &path, changed, Some(3), &mut |_, _| {});
    assert!(
        matches!(refused, Err(ProjectionError::NotCompared { number: 3, .. })),
        "{refused:?}"
    );
    assert_eq!(standings(&ledger, "cases"), standings_now);
    promote_back(&reader, &path, cases).unwrap();
    let promoted = promote(&reader, &path, changed, None, &mut |_, _| {}).unwrap();
    assert_eq!((promoted.number, promoted.cursor), (3, ledger.size()));
    assert_eq!(ledger.live("cases").version, 2);
}

#[test]
fn readers_see_one_generation_or_the_other_while_one_is_promoted() {
    let mut ledger = Ledger::new();
    ledger.append_cases(0..100);
    let projections = ledger.fold(VIEWS);
    let reader = ledger.reader();
    let path = ledger.views_path();
    std::thread::scope(|scope| {
        let rebuilding = scope.spawn(|| {
            for _ in 0..5 {
                let ended = rebuild(&reader, &path, VIEWS, WHOLE, &mut |_, _| {}, &mut |_, _| true);
                assert!(matches!(ended, Ok(RebuildEnd::Whole(_))), "{ended:?}");
                projections.snapshot().unwrap();
            }
        });
        while !rebuilding.is_finished() {
            let cases = ledger.rows::<Cases>();
            let events: u64 = cases.iter().map(|(_, row)| row.events).sum();
            assert_eq!(
                events + 1,
                ledger.size(),
                "every event once, in whatever generation"
            );
            assert_eq!(cases.len(), 100);
        }
    });
    assert_eq!(ledger.live("cases").number, 6);
}

#[test]
fn a_rebuild_parks_what_is_broken_and_leaves_out_what_was_declared_to_be_skipped() {
    let mut ledger = Ledger::new();
    ledger.append_cases(0..20);
    let broken = ledger.event(EventKind::LicenseChanged, &case_name(5), "{}");
    let closed = data_of(EventKind::ApplicationClosed, 5);
    let later = ledger.event(EventKind::ApplicationClosed, &case_name(5), &closed);
    ledger.append(&[broken, later]);
    ledger.append_cases(20..40);
    let projections = ledger.fold(VIEWS);
    for parked in [1, 0] {
        let before = ledger.live("cases").root;
        let (rebuilt, changes) = run(&ledger, VIEWS, WHOLE);
        assert!(changes.is_empty(), "{parked} parked: {changes:?}");
        for it in &rebuilt {
            assert_eq!(it.generation.parked, parked, "{}", it.generation.view);
        }
        let cases = rebuilt.iter().find(|it| it.generation.view == "cases").unwrap();
        assert_eq!(cases.generation.root, before);
        if parked == 1 {
            let case = CaseId::new(&case_name(5)).unwrap();
            projections.resolve(&case, "sent by a test", 7).unwrap();
            assert_ne!(ledger.live("cases").root, before, "the later event came in");
        }
    }
}
