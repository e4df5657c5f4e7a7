//! Views on the real binary: poison parks one case, replay goes on where it was cancelled.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::process::Stdio;

use portbook_bus::{Bus, BusOptions, Identity, Login, Outgoing, PublishLimits, Publisher};
use portbook_domain::{CaseId, EventKind};
use portbook_projection::{Kind, Projections};
use portbook_store::{LedgerDirectory, StoreReader};
use portbook_views::{CasePart, CaseRow, Cases, Recorded, View};
use serde_json::{Value, json};

use crate::node::{Node, first_lines, signal};

/// Cases that nothing is wrong with.
const GOOD: usize = 999;
/// Every view of this program.
const VIEWS: usize = 3;

/// Facts of good cases: an application and a licence each.
fn good_cases(node: &Node) -> String {
    let mut text = String::new();
    for case in 0..GOOD {
        let goods = json!({"hs": "8505111000", "control_code": "1C905.a", "element": "Dy", "qty_kg": 2,
            "expedited": false});
        let facts = [
            json!({"type": "application_submitted", "occurred_at": "2025-05-02T01:00:00Z"}),
            json!({"type": "license_granted", "occurred_at": "2025-06-02T01:00:00Z",
                "license_no": format!("L{case}"), "valid_until": "2026-05-01"}),
        ];
        for (at, mut fact) in facts.into_iter().enumerate() {
            let fields = fact.as_object_mut().unwrap();
            let number = 1_000_000 + 2 * case + at;
            fields.insert(
                "event_id".to_owned(),
                json!(format!("00000000-0000-5000-8000-{number:012x}")),
            );
            fields.extend(goods.as_object().unwrap().clone());
            fields.insert("case_id".to_owned(), json!(format!("GOOD{case}")));
            fields.insert("port".to_owned(), json!("CNNBG"));
            fields.insert("destination".to_owned(), json!("DE"));
            writeln!(text, "{fact}").unwrap();
        }
    }
    let file = node.home().join("good.ndjson");
    fs::write(&file, text).unwrap();
    file.display().to_string()
}

/// Publishes events of `case` as they are, one behind the other.
fn publish(node: &Node, events: &[(String, Value)]) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let seed_file = Identity::Importer.seed_file(&node.home().join("keys/nats"));
        let url = fs::read_to_string(node.home().join("nats.url")).unwrap();
        let login = Login::Nkey { seed_file };
        let bus = Bus::connect(BusOptions::new(&url, Identity::Importer, login))
            .await
            .unwrap();
        let publisher = Publisher::start(&bus, PublishLimits::default());
        for (case, body) in events {
            let outgoing = Outgoing {
                subject: format!("portbook.events.{case}"),
                msg_id: body["id"].as_str().unwrap().to_owned(),
                signature: None,
                body: body.to_string().into(),
                expected_last_subject_seq: None,
            };
            publisher.publish(outgoing).await.unwrap();
        }
        bus.close().await;
    });
}

fn event(number: usize, case: &str, name: &str, data: &Value) -> (String, Value) {
    let body = json!({
        "specversion": "1.0", "id": format!("00000000-0000-5000-8000-{number:012x}"),
        "source": "urn:portbook:src:test", "type": format!("portbook.{name}"), "subject": case,
        "time": "2025-05-03T01:00:00Z", "datacontenttype": "application/json", "correlationid": case,
        "partitionkey": "CNNBG", "pbmode": "observed", "data": data,
    });
    (case.to_owned(), body)
}

fn parked(node: &Node) -> Vec<Value> {
    let listed = node.run(&["parked", "ls", "--json"]).exits(0).json();
    listed["parked"].as_array().unwrap().clone()
}

#[test]
fn a_poison_event_of_each_kind_parks_its_case_and_all_others_go_on() {
    let mut node = Node::init();
    node.up();
    let mut events = Vec::new();
    let kinds = EventKind::ALL.iter().map(|kind| format!("{}.v1", kind.name()));
    // An event of a version that only a later program can read is poison as well.
    let kinds: Vec<String> = kinds.chain(["license.granted.v99".to_owned()]).collect();
    for (at, name) in kinds.iter().enumerate() {
        let case = format!("BAD{at}");
        events.push(event(2 * at, &case, name, &json!({"nothing": true})));
        events.push(event(
            2 * at + 1,
            &case,
            "application.closed.v1",
            &json!({"outcome": "refused"}),
        ));
    }
    publish(&node, &events);
    node.run(&["import", &good_cases(&node)]).exits(0);
    node.wait_until_signed(u64::try_from(events.len() + 2 * GOOD).unwrap());

    let listed = parked(&node);
    assert_eq!(listed.len(), kinds.len() * VIEWS, "{listed:?}");
    let cases: BTreeSet<&str> = listed.iter().map(|it| it["case"].as_str().unwrap()).collect();
    assert_eq!(cases.len(), kinds.len());
    for it in &listed {
        assert_eq!(
            it["waiting"].as_array().unwrap().len(),
            2,
            "in order behind the poison: {it}"
        );
    }
    let rows = node
        .run(&["projection", "rows", "cases", "--json"])
        .exits(0)
        .json();
    let rows = rows["rows"].as_array().unwrap();
    let granted = rows
        .iter()
        .filter(|row| row["row"]["progress"]["stage"] == "granted");
    assert_eq!((rows.len(), granted.count()), (GOOD, GOOD), "nobody else waits");

    let shown = node.run(&["parked", "show", "BAD3", "--json"]).exits(0).json();
    let bodies = shown["views"][0]["events"].as_array().unwrap();
    assert!(bodies[0]["body"].as_str().unwrap().contains("nothing"), "{shown}");
    node.run(&["parked", "show", "GOOD3"]).exits(2);
    // Nothing was mended, so nothing goes on.
    let retried = node.run(&["parked", "retry", "--json"]).exits(0).json();
    assert_eq!(retried["released"], json!([]));
    assert_eq!(retried["waiting"].as_array().unwrap().len(), listed.len());
    let resolved = node
        .run(&[
            "parked",
            "resolve",
            "BAD3",
            "--reason",
            "made by a test",
            "--json",
        ])
        .exits(0)
        .json();
    assert_eq!(resolved["released"], json!(["BAD3"]));
    node.stop();
    // A rebuild tries everything again, except what was declared to be skipped.
    let rebuilt = node.run(&["rebuild", "--all", "--json"]).exits(0).json();
    assert_equal(&rebuilt);
    assert_eq!(parked(&node).len(), (kinds.len() - 1) * VIEWS);
    let case = node
        .run(&["projection", "rows", "cases", "--json"])
        .exits(0)
        .json();
    let closed =
        |row: &&Value| row["key"] == "BAD3" && row["row"]["progress"]["stage"]["closed"] == "refused";
    assert_eq!(case["rows"].as_array().unwrap().iter().filter(closed).count(), 1);
    // The ledger itself was never held up.
    node.verify();
}

/// Insists that every rebuilt view holds what it replaces.
#[track_caller]
pub(crate) fn assert_equal(rebuilt: &Value) {
    let views = rebuilt["views"].as_array().unwrap();
    assert_eq!(views.len(), VIEWS);
    for view in views {
        let compared = &view["compared"];
        if compared.is_null() {
            // A running portbook keeps facts in a form of its own: before their first rebuild there are no rows.
            assert_eq!(
                (&view["view"], &view["promoted"]),
                (&json!("facts"), &json!(true)),
                "{view}"
            );
            continue;
        }
        let differing = ["added", "removed", "changed"].map(|count| compared[count].as_u64().unwrap());
        assert_eq!((differing, &view["promoted"]), ([0; 3], &json!(true)), "{view}");
    }
}

pub(crate) fn roots(rebuilt: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let views = rebuilt["views"].as_array().unwrap().iter();
    views
        .map(|view| (text(&view["view"]), text(&view["root"])))
        .collect()
}

/// [`Cases`] by code of the same version that fails on one case: what this program was before it was mended.
#[derive(Debug)]
struct Before;

/// The case on which it fails.
const FAILS_ON: &str = "GOOD7";

impl View for Before {
    const NAME: &'static str = Cases::NAME;
    const VERSION: u32 = Cases::VERSION;
    const IS_LOG: bool = Cases::IS_LOG;
    type Key = CaseId;
    type Row = CaseRow;
    type Part = CasePart;

    fn parts(recorded: &Recorded<'_>, add: &mut impl FnMut(CaseId, CasePart)) {
        let granted = recorded.event.data.kind() == EventKind::LicenseGranted;
        assert!(
            !granted || recorded.event.case.as_str() != FAILS_ON,
            "a fault that was mended"
        );
        Cases::parts(recorded, add);
    }

    fn join(part: &mut CasePart, later: CasePart) {
        Cases::join(part, later);
    }

    fn row(before: Option<CaseRow>, part: CasePart) -> CaseRow {
        Cases::row(before, part)
    }
}

#[test]
fn a_case_that_older_code_parked_comes_to_what_a_clean_rebuild_gives() {
    let mut node = Node::init();
    node.up();
    node.run(&["import", &good_cases(&node)]).exits(0);
    node.wait_until_signed(u64::try_from(2 * GOOD).unwrap());
    node.stop();
    // The views as the program left them that had the fault.
    let ledger = LedgerDirectory::at(node.home().join("ledger"));
    fs::remove_dir_all(ledger.views()).unwrap();
    let reader = StoreReader::open(&ledger.store()).unwrap();
    let before = Projections::open(reader, &ledger.views(), &[Kind::of::<Before>()]).unwrap();
    before.catch_up(&mut |_, _| true).unwrap();
    before.snapshot().unwrap();
    drop(before);

    let waits = parked(&node);
    assert_eq!(waits.len(), 1, "{waits:?}");
    assert_eq!(
        (&waits[0]["case"], &waits[0]["view"]),
        (&json!(FAILS_ON), &json!("cases"))
    );
    assert!(
        waits[0]["reason"]
            .as_str()
            .unwrap()
            .contains("a fault that was mended")
    );
    let retried = node.run(&["parked", "retry", "--json"]).exits(0).json();
    assert_eq!(
        (&retried["released"], &retried["waiting"]),
        (&json!([FAILS_ON]), &json!([]))
    );
    let status = node.run(&["projection", "status", "--json"]).exits(0).json();
    let cases = status["views"]
        .as_array()
        .unwrap()
        .iter()
        .find(|it| it["view"] == "cases");
    let root = cases.unwrap()["live"]["root"].clone();
    let rebuilt = node.run(&["rebuild", "--all", "--json"]).exits(0).json();
    assert_equal(&rebuilt);
    let clean = roots(&rebuilt)
        .into_iter()
        .find(|(view, _)| view == "cases")
        .unwrap();
    assert_eq!(root, json!(clean.1));
    check_rows(&node);
}

/// Every view prints its rows, kept or folded for it, and in the forms that programs read.
fn check_rows(node: &Node) {
    let generations = node.run(&["projection", "ls", "--json"]).exits(0).json();
    for view in ["port-activity", "cases", "facts"] {
        let mut generations = generations["generations"].as_array().unwrap().iter();
        let live = generations.find(|it| it["standing"] == "live" && it["generation"]["view"] == view);
        let expected = live.unwrap()["generation"]["rows"].as_u64().unwrap();
        let kept = node.run(&["projection", "rows", view, "--json"]).exits(0).json();
        let rows = kept["rows"].as_array().unwrap();
        assert_eq!(rows.len(), usize::try_from(expected).unwrap(), "{view}");
        let folded = node.run(&["replay", "--to", "checkpoint", "--as", view]).exits(0);
        let mut lines = folded
            .out
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap());
        assert!(
            rows.iter()
                .eq(lines.by_ref().take(rows.len()).collect::<Vec<_>>().iter()),
            "{view}"
        );
        let end = lines.next().unwrap();
        assert_eq!((&end["view"], &end["rows"]), (&json!(view), &json!(expected)));
        if view == "facts" {
            assert_eq!(rows.len(), 2 * GOOD);
            assert_eq!(rows[3]["row"]["event"], "00000000-0000-5000-8000-0000000f4243");
        }
    }
}

#[test]
fn a_replay_that_was_cancelled_goes_on_behind_the_last_event() {
    let mut node = Node::init();
    node.up();
    let file = node.home().join("facts.ndjson");
    fs::write(&file, first_lines(12_000)).unwrap();
    node.run(&["import", &file.display().to_string()]).exits(0);
    node.wait_until_signed(12_000);
    node.stop();
    let whole = node.run(&["replay", "--to", "now"]).exits(0).out;

    let mut replaying = node
        .command()
        .args(["replay", "--to", "now"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut out = BufReader::new(replaying.stdout.take().unwrap());
    let mut first = String::new();
    out.read_line(&mut first).unwrap();
    // It cannot have come to its end: nobody has read what it says.
    signal("-INT", replaying.id());
    let mut said = first;
    out.read_to_string(&mut said).unwrap();
    let mut error = String::new();
    replaying
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut error)
        .unwrap();
    assert_eq!(replaying.wait().unwrap().code(), Some(130), "{error}");
    let from = error
        .split("--from ")
        .nth(1)
        .and_then(|rest| rest.split_whitespace().next());
    let from = from.unwrap_or_else(|| panic!("no way to go on in {error}"));
    assert!(
        said.len() < whole.len() && whole.starts_with(&said),
        "whole events, in order"
    );
    let rest = node.run(&["replay", "--to", "now", "--from", from]).exits(0).out;
    let events = |text: &str| -> Vec<String> {
        let lines = text.lines().filter(|line| !line.contains("\"end\":true"));
        lines.map(str::to_owned).collect()
    };
    assert_eq!(
        events(&(said + &rest)),
        events(&whole),
        "nothing twice, nothing missing"
    );
}
