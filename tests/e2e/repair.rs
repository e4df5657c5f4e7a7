//! Corrections, annulments and erasure: what was recorded stays, and what is shown beside it can be checked.

use std::fs;

use serde_json::Value;

use crate::node::{Node, first_lines};

/// A running node that observed some facts, and one of them: its row and record.
fn observed(event: &str) -> (Node, Value, Value) {
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
        .map(|chain| chain["chain"].as_str().unwrap());
    let mut rows = chains.flat_map(|chain| node.timeline(chain));
    let row = rows.find(|row| row["event"] == event).unwrap();
    let record = node
        .run(&["record", "show", &row["leaf"].to_string(), "--json"])
        .exits(0)
        .json();
    (node, row, record)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

#[test]
fn an_observed_fact_is_corrected_and_annulled_and_both_views_stay() {
    let (mut node, row, record) = observed("shipment.cleared");
    let (case, leaf) = (text(&row["case"]), row["leaf"].to_string());
    let old = record["body"]["data"]["lines"][0]["cleared_g"].to_string();
    let target = [
        "--target-event-id",
        text(&row["event_id"]),
        "--target-leaf",
        text(&record["leaf_hash"]),
    ];
    let why = [
        "--reason",
        "digits exchanged",
        "--requested-by",
        "Li",
        "--approved-by",
        "Wang",
    ];
    let patch = ["--patch", "/lines/0/cleared_g", &old, "123000"];
    let correct = |target: &[&str], patch: &[&str], why: &[&str]| {
        let args = [&["correct", "--case", case][..], target, patch, why].concat();
        node.run(&args)
    };
    let alone = correct(
        &target,
        &patch,
        &["--reason", "r", "--requested-by", "Li", "--approved-by", "Li"],
    );
    assert!(alone.exits(20).err.contains("approver-is-requester"));
    let nothing = [
        "--target-event-id",
        "00000000-0000-0000-0000-000000000009",
        "--target-leaf",
        text(&record["leaf_hash"]),
    ];
    assert!(
        correct(&nothing, &patch, &why)
            .exits(20)
            .err
            .contains("target-unknown")
    );
    correct(&target, &patch, &why).exits(0);
    // It says that another value stood there: recorded, and without effect.
    correct(&target, &["--patch", "/lines/0/cleared_g", "1", "2"], &why).exits(0);
    node.wait_until_signed(6 + 60 + 1 + 2);

    let diff = node.run(&["record", "diff", &leaf, "--json"]).exits(0).json();
    assert_eq!(
        diff["as_recorded"]["data"]["lines"][0]["cleared_g"].to_string(),
        old
    );
    assert_eq!(diff["as_corrected"]["data"]["lines"][0]["cleared_g"], 123_000);
    assert_eq!(diff["repairs"][0]["in_effect"], true);
    assert_eq!(diff["repairs"][1]["in_effect"], false);
    assert!(
        text(&diff["repairs"][1]["why_not"]).contains("is 123000, not 1"),
        "{diff}"
    );
    let shown = node.run(&["record", "show", &leaf, "--json"]).exits(0).json();
    assert_eq!(shown["body"], record["body"], "what was recorded does not change");
    assert_eq!(shown["body_as_corrected"], diff["as_corrected"]);
    check_timeline(&node, &row, &old);

    let annul = [&["annul", "--case", case][..], &target, &why].concat();
    node.run(&annul).exits(0);
    node.wait_until_signed(6 + 60 + 1 + 3);
    let view = node.run(&["case", case, "--json"]).exits(0).json();
    assert_eq!(view["as_recorded"]["stage"], "cleared");
    assert_ne!(view["as_corrected"]["stage"], "cleared");
    assert_eq!(view["stage"], view["as_corrected"]["stage"]);
    let as_recorded = node.run(&["case", case, "--as-recorded"]).exits(0);
    assert!(
        as_recorded.out.contains("cleared") && as_recorded.out.contains("[annulled by leaf"),
        "{as_recorded:?}"
    );
    let port = text(&record["chain"]);
    let standing = node
        .run(&["timeline", port, "--as-corrected", "--json"])
        .exits(0)
        .json();
    let rows = standing["rows"].as_array().unwrap();
    assert!(
        rows.iter().all(|shown| shown["leaf"] != row["leaf"]),
        "it was annulled"
    );
    // Again: an annulled record cannot be annulled.
    assert!(node.run(&annul).exits(20).err.contains("target-annulled"));
    node.stop();
    node.verify();
}

fn check_timeline(node: &Node, row: &Value, old: &str) {
    let record = node
        .run(&["record", "show", &row["leaf"].to_string(), "--json"])
        .exits(0)
        .json();
    let port = text(&record["chain"]);
    let mass = |args: &[&str]| {
        let args = [&["timeline", port, "--json"][..], args].concat();
        let shown = node.run(&args).exits(0).json();
        let rows = shown["rows"].as_array().unwrap().clone();
        rows.into_iter()
            .find(|shown| shown["leaf"] == row["leaf"])
            .unwrap()
    };
    let (recorded, corrected) = (mass(&[]), mass(&["--as-corrected"]));
    assert_eq!(recorded["mass_g"].to_string(), old);
    assert_eq!(corrected["mass_g"], 123_000);
    assert_eq!(recorded["corrected_by"], record["corrected_by"]);
    let said = node.run(&["timeline", port]).exits(0);
    assert!(
        said.out.contains("[corrected by leaf") && said.out.contains("[without effect: "),
        "{said:?}"
    );
}

#[test]
fn a_personal_field_is_disclosed_checked_and_erased_and_a_replay_gives_the_same_root() {
    let mut node = Node::init();
    node.up();
    let put = |field: &str, value: &str| {
        node.run(&["vault", "put", field, value])
            .exits(0)
            .out
            .trim()
            .to_owned()
    };
    let (end_user, applicant) = (
        put("end-user", "Nordlicht Magnete GmbH"),
        put("applicant", "Ningbo Rare Ltd"),
    );
    let line = "1,hs=8505111000,code=1C905.a,element=Dy,form=magnet,kg=840";
    node.run(&[
        "submit",
        "--case",
        "P1",
        "--applicant",
        &applicant,
        "--end-user-commitment",
        &end_user,
        "--destination",
        "DE",
        "--exit-port",
        "CNNBG",
        "--line",
        line,
        "--kind",
        "single",
        "--lane",
        "standard",
    ])
    .exits(0);
    node.wait_until_signed(6 + 1);
    let leaf = node.timeline("CNNBG")[0]["leaf"].to_string();
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

    node.run(&[
        "vault",
        "erase",
        &leaf,
        "end-user",
        "--reason",
        "asked for by the end user",
    ])
    .exits(0);
    let gone = node.run(&["vault", "disclose", &leaf, "end-user"]).exits(69);
    assert!(gone.err.contains("it was erased"), "{gone:?}");
    node.run(&["vault", "disclose", &leaf, "applicant"]).exits(0);
    node.wait_until_signed(6 + 1 + 1);
    node.stop();
    node.verify();
    let notice = node
        .timeline("~CONTROL")
        .into_iter()
        .find(|row| row["event"] == "erasure.noticed")
        .unwrap();
    assert!(text(&notice["note"]).starts_with("end_user of "), "{notice}");
    // What was disclosed before stays true; the ledger has not moved.
    stranger
        .run(&["vault", "check", &path, "--leaf-hash", &hash])
        .exits(0);
    let (checkpoint, size) = (node.checkpoint(), node.signed_size());
    node.forget_ledger();
    node.run(&["init", "--replay"]).exits(0);
    node.up();
    node.wait_until_signed(size);
    node.stop();
    let replayed =
        fs::read_to_string(node.home().join(format!("ledger/checkpoints/{size:020}"))).unwrap_or_default();
    assert!(replayed.is_empty() || replayed == checkpoint);
    node.run(&["verify", "--all", "--at", &node.signed_size().to_string()])
        .exits(0);
    assert!(
        fs::read_to_string(node.home().join("ledger/signed.log"))
            .unwrap()
            .contains(checkpoint.lines().nth(2).unwrap())
    );
}

/// Every part of a disclosure counts.
fn check_forged_disclosures(stranger: &Node, disclosed: &Value, file: &std::path::Path) {
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
                assert!(
                    !bytes.windows(value.len()).any(|window| window == *value),
                    "{}",
                    path.display()
                );
            }
        }
    }
    assert!(read > 5, "only {read} files were looked at");
}
