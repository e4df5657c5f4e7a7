//! Corrections, annulments and erasure: what was recorded stays, and what is shown beside it can be checked.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::node::{Node, Said, first_lines};

const WHY: [&str; 6] = [
    "--reason",
    "digits exchanged",
    "--requested-by",
    "Li",
    "--approved-by",
    "Wang",
];

/// A running node that observed some facts, and one of them: a clearance.
struct Observed {
    node: Node,
    row: Value,
    record: Value,
}

impl Observed {
    fn new() -> Self {
        let mut node = Node::init();
        node.up();
        let file = node.home().join("facts.ndjson");
        fs::write(&file, first_lines(60)).unwrap();
        node.run(&["import", &file.display().to_string()]).exits(0);
        node.wait_until_signed(6 + 60 + 1);
        let chains = node.verify()["chains"].clone();
        let chains = chains
            .as_array()
            .unwrap()
            .iter()
            .map(|chain| text(&chain["chain"]));
        let mut rows = chains.flat_map(|chain| node.timeline(chain));
        let row = rows.find(|row| row["event"] == "shipment.cleared").unwrap();
        let record = shown(&node, &row["leaf"].to_string());
        Self { node, row, record }
    }

    fn leaf(&self) -> String {
        self.row["leaf"].to_string()
    }

    fn mass(&self) -> String {
        self.record["body"]["data"]["lines"][0]["cleared_g"].to_string()
    }

    /// A repair of the record, by id and leaf hash.
    fn repair(&self, verb: &str, event_id: &str, more: &[&[&str]]) -> Said {
        let case = text(&self.row["case"]);
        let leaf_hash = text(&self.record["leaf_hash"]);
        let target = ["--target-event-id", event_id, "--target-leaf", leaf_hash];
        let args = [&[verb, "--case", case][..], &target, &more.concat()].concat();
        self.node.run(&args)
    }

    fn correct(&self, old: &str, new: &str, why: &[&str]) -> Said {
        let patch = ["--patch", "/lines/0/cleared_g", old, new];
        self.repair("correct", text(&self.row["event_id"]), &[&patch, why])
    }

    /// Waits until a checkpoint covers everything in the timeline of the record's port.
    fn settle(&self) {
        let rows = self.node.timeline(text(&self.record["chain"]));
        let last = rows.iter().filter_map(|row| row["leaf"].as_u64()).max().unwrap();
        self.node.wait_until_signed(last + 1);
    }

    /// The record's row in the timeline of its port.
    fn row_with(&self, args: &[&str]) -> Option<Value> {
        let port = text(&self.record["chain"]);
        let args = [&["timeline", port, "--json"][..], args].concat();
        let shown = self.node.run(&args).exits(0).json();
        let rows = shown["rows"].as_array().unwrap().clone();
        rows.into_iter().find(|row| row["leaf"] == self.row["leaf"])
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn shown(node: &Node, record: &str) -> Value {
    node.run(&["record", "show", record, "--json"]).exits(0).json()
}

/// The second correction changes nothing; first as recorded is what was first.
fn sums_are_of_what_is_in_force(node: &Node, before: u64) {
    let cleared = |more: &[&str]| {
        let asked = [&["stats", "cleared", "--by", "port", "-o", "csv"][..], more].concat();
        let table = node.run(&asked).exits(0).out;
        let masses = table.lines().skip(1).filter_map(|line| line.rsplit(',').next());
        masses.map(|grams| grams.parse::<u64>().unwrap()).sum::<u64>()
    };
    let recorded = cleared(&["--as-recorded"]);
    assert_eq!(cleared(&[]), recorded - before + 123_000);
    assert_eq!(cleared(&["--recompute"]), recorded - before + 123_000);
}

#[test]
fn an_observed_fact_is_corrected_and_both_views_stay() {
    let observed = Observed::new();
    let (leaf, old) = (observed.leaf(), observed.mass());
    let alone = ["--reason", "r", "--requested-by", "Li", "--approved-by", "Li"];
    let refused = observed.correct(&old, "123000", &alone).exits(20);
    assert!(refused.err.contains("approver-is-requester"), "{refused:?}");
    let patch = ["--patch", "/lines/0/cleared_g", &old, "123000"];
    let nobody = "00000000-0000-0000-0000-000000000009";
    let refused = observed.repair("correct", nobody, &[&patch, &WHY]).exits(20);
    assert!(refused.err.contains("target-unknown"), "{refused:?}");
    observed.correct(&old, "123000", &WHY).exits(0);
    // It says that another value stood there: recorded, and without effect.
    observed.correct("1", "2", &WHY).exits(0);
    let node = &observed.node;
    node.wait_until_signed(6 + 60 + 1 + 2);

    observed.settle();

    sums_are_of_what_is_in_force(node, old.parse().unwrap());
    let diff = node.run(&["record", "diff", &leaf, "--json"]).exits(0).json();
    let mass = |view: &str| diff[view]["data"]["lines"][0]["cleared_g"].to_string();
    assert_eq!(
        [mass("as_recorded"), mass("as_corrected")],
        [old.clone(), "123000".to_owned()]
    );
    assert_eq!(
        [&diff["repairs"][0]["in_effect"], &diff["repairs"][1]["in_effect"]],
        [true, false]
    );
    assert!(
        text(&diff["repairs"][1]["why_not"]).contains("is 123000, not 1"),
        "{diff}"
    );
    let record = shown(node, &leaf);
    assert_eq!(
        record["body"], observed.record["body"],
        "what was recorded does not change"
    );
    assert_eq!(record["body_as_corrected"], diff["as_corrected"]);

    let (recorded, corrected) = (
        observed.row_with(&[]).unwrap(),
        observed.row_with(&["--as-corrected"]).unwrap(),
    );
    assert_eq!(
        [recorded["mass_g"].to_string(), corrected["mass_g"].to_string()],
        [old, "123000".to_owned()]
    );
    assert_eq!(recorded["corrected_by"], record["corrected_by"]);
    // EPCIS states it once more with the error, and then as corrected: by the correction in force and not by the idle one.
    let (declared, corrective) = errors_declared(node);
    assert_eq!(declared.len(), 1, "{declared:?}");
    let error = &declared[0]["errorDeclaration"];
    assert_eq!(error["reason"], "incorrect_data");
    assert_eq!(
        declared[0]["eventID"],
        format!("urn:uuid:{}", text(&observed.row["event_id"]))
    );
    let [id] = error["correctiveEventIDs"].as_array().unwrap().as_slice() else {
        panic!("{error}");
    };
    let fixed = corrective.iter().find(|event| event["eventID"] == *id).unwrap();
    assert_eq!(fixed["portbook:massGrams"], 123_000);

    let said = node.run(&["timeline", text(&record["chain"])]).exits(0);
    assert!(
        said.out.contains("[corrected by leaf") && said.out.contains("[without effect: "),
        "{said:?}"
    );
}

/// The events of an EPCIS export that declare an error, and those that do not.
fn errors_declared(node: &Node) -> (Vec<Value>, Vec<Value>) {
    let file = node.home().join("all.epcis.json").display().to_string();
    node.run(&["export", "all", "--format", "epcis", "--out", &file])
        .exits(0);
    let document: Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
    let events = document["epcisBody"]["eventList"].as_array().unwrap().clone();
    events
        .into_iter()
        .partition(|event| event.get("errorDeclaration").is_some())
}

#[test]
fn an_observed_fact_is_annulled_and_both_views_stay() {
    let mut observed = Observed::new();
    let (id, case) = (
        text(&observed.row["event_id"]).to_owned(),
        text(&observed.row["case"]).to_owned(),
    );
    observed.repair("annul", &id, &[&WHY]).exits(0);
    let node = &observed.node;
    node.wait_until_signed(6 + 60 + 1 + 1);
    let view = node.run(&["case", &case, "--json"]).exits(0).json();
    assert_eq!(view["as_recorded"]["stage"], "cleared");
    assert_ne!(view["as_corrected"]["stage"], "cleared");
    assert_eq!(view["stage"], view["as_corrected"]["stage"]);
    let said = node.run(&["case", &case, "--as-recorded"]).exits(0);
    assert!(
        said.out.contains("cleared") && said.out.contains("[annulled by leaf"),
        "{said:?}"
    );
    assert!(observed.row_with(&[]).unwrap()["annulled_by"].is_u64());
    assert_eq!(observed.row_with(&["--as-corrected"]), None);
    let refused = observed.repair("annul", &id, &[&WHY]).exits(20);
    assert!(refused.err.contains("target-annulled"), "{refused:?}");
    observed.settle();
    let (declared, others) = errors_declared(node);
    assert_eq!(declared.len(), 1, "{declared:?}");
    assert_eq!(declared[0]["eventID"], format!("urn:uuid:{id}"));
    assert_eq!(declared[0]["errorDeclaration"]["reason"], "did_not_occur");
    assert!(
        declared[0]["errorDeclaration"]
            .get("correctiveEventIDs")
            .is_none()
    );
    // Nothing is edited: what was stated first is stated still.
    assert!(
        others
            .iter()
            .any(|event| event["eventID"] == declared[0]["eventID"])
    );
    observed.node.stop();
    observed.node.verify();
}

/// A node with one application whose personal fields are commitments, and the record's leaf.
fn committed() -> (Node, String) {
    let mut node = Node::init();
    node.up();
    let put = |field: &str, value: &str| {
        let said = node.run(&["vault", "put", field, value]).exits(0);
        said.out.trim().to_owned()
    };
    let end_user = put("end-user", "Nordlicht Magnete GmbH");
    let applicant = put("applicant", "Ningbo Rare Ltd");
    let fields = ["--applicant", &applicant, "--end-user-commitment", &end_user];
    let rest = [
        "--destination",
        "DE",
        "--exit-port",
        "CNNBG",
        "--line",
        "1,hs=8505111000,code=1C905.a,element=Dy,form=magnet,kg=840",
        "--kind",
        "single",
        "--lane",
        "standard",
    ];
    node.run(&[&["submit", "--case", "P1"][..], &fields, &rest].concat())
        .exits(0);
    node.wait_until_signed(6 + 1);
    let leaf = node.timeline("CNNBG")[0]["leaf"].to_string();
    (node, leaf)
}

#[test]
fn a_personal_field_is_disclosed_to_one_and_readable_for_nobody_else() {
    let (node, leaf) = committed();
    let disclosed = node.run(&["vault", "disclose", &leaf, "end-user"]).exits(0);
    let file = node.home().join("disclosed.json");
    fs::write(&file, &disclosed.out).unwrap();
    let (path, hash) = (
        file.display().to_string(),
        text(&disclosed.json()["leaf_hash"]).to_owned(),
    );
    // Whoever checks needs no ledger and no vault.
    let stranger = Node::new();
    let said = stranger
        .run(&["vault", "check", &path, "--leaf-hash", &hash])
        .exits(0);
    assert!(
        said.out.contains("end_user is \"Nordlicht Magnete GmbH\""),
        "{said:?}"
    );
    check_forged_disclosures(&stranger, &disclosed.json(), &file);
    assert_nowhere(&node, &[b"Nordlicht", b"Ningbo Rare"]);
}

#[test]
fn an_erased_field_is_gone_and_a_replay_gives_the_same_root() {
    let (mut node, leaf) = committed();
    let erase = [
        "vault",
        "erase",
        &leaf,
        "end-user",
        "--reason",
        "asked for by the end user",
    ];
    node.run(&erase).exits(0);
    let gone = node.run(&["vault", "disclose", &leaf, "end-user"]).exits(69);
    assert!(gone.err.contains("it was erased"), "{gone:?}");
    node.run(&["vault", "disclose", &leaf, "applicant"]).exits(0);
    assert_eq!(fs::read_dir(node.home().join("vault")).unwrap().count(), 1);
    node.wait_until_signed(6 + 1 + 1);
    node.stop();
    node.verify();
    let rows = node.timeline("~CONTROL");
    let notice = rows.iter().find(|row| row["event"] == "erasure.noticed").unwrap();
    assert!(text(&notice["note"]).starts_with("end_user of "), "{notice}");
    // The same root for the same size, after everything was read again from the stream.
    let (checkpoint, size) = (node.checkpoint(), node.signed_size());
    node.forget_ledger();
    node.run(&["init", "--replay"]).exits(0);
    node.up();
    node.wait_until_signed(size);
    node.stop();
    node.verify();
    let line = checkpoint.lines().skip(1).take(2).collect::<Vec<_>>().join(" ");
    let signed = fs::read_to_string(node.home().join("ledger/signed.log")).unwrap();
    assert_eq!(
        signed.lines().filter(|signed| *signed == line).count(),
        1,
        "{line}: {signed}"
    );
}

/// Every part of a disclosure counts.
fn check_forged_disclosures(stranger: &Node, disclosed: &Value, file: &Path) {
    let forged = file.with_extension("forged");
    let path = forged.display().to_string();
    for (part, value) in [
        ("value", "Somebody else"),
        ("salt", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="),
        ("field", "consignee"),
        ("pointer", "/data/consignee_commitment"),
        ("leaf_hash", "00"),
        ("record", "AAAA"),
    ] {
        let mut changed = disclosed.clone();
        changed[part] = value.into();
        fs::write(&forged, changed.to_string()).unwrap();
        let said = stranger.run(&["vault", "check", &path]).exits(10);
        assert!(said.err.contains("does not hold"), "{part}: {said:?}");
    }
    fs::write(&forged, disclosed.to_string()).unwrap();
    stranger
        .run(&["vault", "check", &path, "--leaf-hash", "00"])
        .exits(10);
}

/// No file of the home holds a value in clear: neither ledger nor stream nor vault.
fn assert_nowhere(node: &Node, values: &[&[u8]]) {
    let mut waiting = ["ledger", "nats", "vault", "sources"]
        .map(|name| node.home().join(name))
        .to_vec();
    let mut read = 0;
    while let Some(path) = waiting.pop() {
        if path.is_dir() {
            waiting.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else if let Ok(bytes) = fs::read(&path) {
            read += 1;
            for value in values {
                let found = bytes.windows(value.len()).any(|window| window == *value);
                assert!(!found, "{}", path.display());
            }
        }
    }
    assert!(read > 5, "only {read} files were looked at");
}
