//! Exports: the same counts and grams in every format as on the command line, whole files, manifests that hold.

use std::collections::BTreeMap;
use std::fs;

use portbook_ledger::sha256;
use serde_json::Value;

use crate::node::{Node, first_lines};

/// Counts and grams by kind of event.
type Figures = BTreeMap<String, (u64, u64)>;

fn add(figures: &mut Figures, kind: &str, grams: u64) {
    let sum = figures.entry(kind.to_owned()).or_default();
    *sum = (sum.0 + 1, sum.1 + grams);
}

fn shown(node: &Node, ports: &[&str]) -> Figures {
    let mut figures = Figures::new();
    for row in ports.iter().flat_map(|port| node.timeline(port)) {
        if row["class"] == "event" {
            let grams = row["mass_g"].as_u64().unwrap_or_default();
            add(&mut figures, row["event"].as_str().unwrap(), grams);
        }
    }
    figures
}

/// Exports, holds the manifest against the file, and gives both.
fn exported(node: &Node, what: &str, format: &str) -> (Vec<u8>, Value) {
    let file = node.home().join(format!("{what}.{format}")).display().to_string();
    let told = node
        .run(&["export", what, "--format", format, "--out", &file, "--json"])
        .exits(0)
        .json();
    let bytes = fs::read(&file).unwrap();
    let manifest: Value =
        serde_json::from_slice(&fs::read(format!("{file}.manifest.json")).unwrap()).unwrap();
    assert_eq!(told["manifest"], manifest);
    assert_eq!(manifest["sha256"], sha256(&[&bytes]).to_hex());
    assert_eq!(manifest["bytes"], bytes.len());
    assert!(!fs::exists(format!("{file}.partial")).unwrap());
    (bytes, manifest)
}

fn of_manifest(manifest: &Value) -> Figures {
    let events = manifest["events"].as_object().unwrap();
    let grams = |kind: &str| manifest["mass_g"][kind].as_u64().unwrap_or_default();
    events
        .iter()
        .map(|(kind, count)| (kind.clone(), (count.as_u64().unwrap(), grams(kind))))
        .collect()
}

fn of_ndjson(bytes: &[u8]) -> Figures {
    let mut figures = Figures::new();
    let lines = std::str::from_utf8(bytes).unwrap().lines();
    let rows: Vec<Value> = lines.map(|line| serde_json::from_str(line).unwrap()).collect();
    let (end, rows) = rows.split_last().unwrap();
    assert_eq!(
        (&end["end"], &end["rows"]),
        (&Value::from(true), &Value::from(rows.len()))
    );
    for row in rows.iter().filter(|row| row["class"] == "event") {
        assert_eq!(
            row["body"]["id"], row["event_id"],
            "the body is the message itself"
        );
        add(
            &mut figures,
            row["event"].as_str().unwrap(),
            row["mass_g"].as_u64().unwrap_or_default(),
        );
    }
    figures
}

fn of_ocel(bytes: &[u8]) -> Figures {
    let log: Value = serde_json::from_slice(bytes).unwrap();
    let objects: Vec<&Value> = log["objects"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| &it["id"])
        .collect();
    let mut figures = Figures::new();
    for event in log["events"].as_array().unwrap() {
        for relation in event["relationships"].as_array().unwrap() {
            assert!(objects.contains(&&relation["objectId"]), "{relation}");
        }
        let mut attributes = event["attributes"].as_array().unwrap().iter();
        let mass = attributes.find(|it| it["name"] == "mass_g");
        let grams = mass.and_then(|it| it["value"].as_u64()).unwrap_or_default();
        add(&mut figures, event["type"].as_str().unwrap(), grams);
    }
    figures
}

fn of_xes(bytes: &[u8]) -> Figures {
    let value = |text: &str, key: &str| {
        let rest = text.split_once(&format!("key=\"{key}\" value=\""))?.1;
        Some(rest.split_once('"')?.0.to_owned())
    };
    let mut figures = Figures::new();
    for event in std::str::from_utf8(bytes).unwrap().split("<event>").skip(1) {
        let grams = value(event, "mass_g").map_or(0, |grams| grams.parse().unwrap());
        add(&mut figures, &value(event, "concept:name").unwrap(), grams);
    }
    figures
}

/// Grams of all events of EPCIS, and how many there are.
fn of_epcis(bytes: &[u8]) -> (usize, u64) {
    let document: Value = serde_json::from_slice(bytes).unwrap();
    let events = document["epcisBody"]["eventList"].as_array().unwrap();
    for event in events {
        assert!(!event["quantityList"].as_array().unwrap().is_empty(), "{event}");
    }
    let grams = events
        .iter()
        .filter_map(|event| event["portbook:massGrams"].as_u64());
    (events.len(), grams.sum())
}

/// A signed ledger of 2,500 facts, one of them repeated and one contradicted, and the ports in it.
fn ledger() -> (Node, Vec<String>) {
    let mut node = Node::init();
    let facts = first_lines(2500);
    let first = facts.lines().next().unwrap();
    let other = first.replace("\"qty_kg\":", "\"qty_kg\":1");
    let file = node.home().join("facts.ndjson").display().to_string();
    fs::write(&file, format!("{facts}{first}\n{other}\n")).unwrap();
    node.up();
    let tally = node.run(&["import", &file, "--json"]).exits(0).json();
    assert_eq!(
        (&tally["recorded"], &tally["conflicting"]),
        (&Value::from(2500), &Value::from(1))
    );
    let records = tally["recorded"].as_u64().unwrap() + tally["conflicting"].as_u64().unwrap();
    node.wait_until_signed(records);
    node.stop();
    let report = node.verify();
    let ports: Vec<String> = report["chains"]
        .as_array()
        .unwrap()
        .iter()
        .map(|chain| chain["chain"].as_str().unwrap().to_owned())
        .filter(|port| !port.starts_with('~'))
        .collect();
    (node, ports)
}

#[test]
fn every_format_has_the_counts_and_grams_of_the_command_line() {
    let (node, ports) = ledger();
    let ports: Vec<&str> = ports.iter().map(String::as_str).collect();
    let expected = shown(&node, &ports);
    assert!(
        expected["shipment.cleared"].1 > 0 && expected.len() >= 4,
        "{expected:?}"
    );

    let (csv, manifest) = exported(&node, "all", "csv");
    assert_eq!(of_manifest(&manifest), expected);
    assert_eq!(manifest["left_out"], Value::Object(serde_json::Map::new()));
    let rows = csv.split(|byte| *byte == b'\n').count() - 2;
    assert_eq!(manifest["rows"], rows);
    let (ndjson, manifest) = exported(&node, "all", "ndjson");
    assert_eq!(of_ndjson(&ndjson), expected);
    assert_eq!(manifest["rows"], rows);
    let (_, manifest) = exported(&node, "all", "parquet");
    assert_eq!(
        (of_manifest(&manifest), &manifest["rows"]),
        (expected.clone(), &Value::from(rows))
    );
    let (ocel, manifest) = exported(&node, "all", "ocel");
    assert_eq!(of_ocel(&ocel), expected);
    assert!(
        manifest["left_out"]["control"].as_u64().unwrap() > 0,
        "{manifest}"
    );
    let (xes, _) = exported(&node, "all", "xes");
    assert_eq!(of_xes(&xes), expected);
    let (epcis, _) = exported(&node, "all", "epcis");
    let (count, grams) = of_epcis(&epcis);
    assert_eq!(
        u64::try_from(count).unwrap(),
        expected.values().map(|it| it.0).sum::<u64>()
    );
    assert_eq!(grams, expected.values().map(|it| it.1).sum::<u64>());
    // The same checkpoint gives the same bytes.
    assert!(exported(&node, "all", "epcis").0 == epcis && exported(&node, "all", "csv").0 == csv);

    let (one, _) = exported(&node, "CNNGB", "ndjson");
    assert_eq!(
        of_ndjson(&one),
        shown(&node, &["CNNBG"]),
        "an alias stands for its port"
    );
    let page = node.home().join("report.html").display().to_string();
    let told = node
        .run(&["report", "all", "--out", &page, "--json"])
        .exits(0)
        .json();
    assert_eq!(of_manifest(&told), expected);
    let page = fs::read_to_string(page).unwrap();
    assert!(page.contains("<strong>SIMULATED.</strong> Every event"));
    for foreign in ["<script", "http://", "src=", "@import", "url("] {
        assert!(!page.contains(foreign), "{foreign} in the page");
    }
}

#[test]
fn without_a_checkpoint_there_is_nothing_to_export_under() {
    let node = Node::init();
    let said = node
        .run(&["export", "all", "--format", "csv", "--out", "never.csv"])
        .exits(12);
    assert!(said.err.contains("nothing has been signed yet"), "{}", said.err);
}
