//! The gate that every change of a schema goes through: whoever read what was published before must be able to go on.
//!
//! `tests/golden/schemas/<name>.v<n>/<revision>.json` holds every text ever published. A revision may add optional fields and
//! explain better; everything else is the next version of the type.

#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on has failed"
)]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use portbook_wire::{
    event_digest,
    schema::{ENVELOPE, Schema},
};
use serde_json::{Map, Value, json};

/// Members of a schema that explain and do not decide.
const EXPLAINING: &[&str] = &["title", "description", "$comment", "examples"];

/// What a reader or a writer of `old` could no longer do under `new`, place by place.
fn breaks(at: &str, old: &Value, new: &Value) -> Vec<String> {
    let empty = Map::new();
    let members = |schema: &Value| schema.as_object().cloned().unwrap_or_default();
    let (old, new) = (members(old), members(new));
    let mut found = Vec::new();
    let names = |schema: &Map<String, Value>| -> BTreeSet<String> {
        let list = schema.get("required").and_then(Value::as_array);
        list.into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect()
    };
    let (required, now_required) = (names(&old), names(&new));
    found.extend(
        now_required
            .difference(&required)
            .map(|name| format!("{at}/{name} is newly required")),
    );
    found.extend(
        required
            .difference(&now_required)
            .map(|name| format!("{at}/{name} may be missing now")),
    );
    let fields = |schema: &Map<String, Value>| {
        schema
            .get("properties")
            .and_then(Value::as_object)
            .unwrap_or(&empty)
            .clone()
    };
    let now = fields(&new);
    for (name, rule) in &fields(&old) {
        let place = format!("{at}/{name}");
        match now.get(name) {
            None => found.push(format!("{place} is gone")),
            Some(rule_now) => found.extend(breaks(&place, rule, rule_now)),
        }
    }
    if let (Some(items), Some(items_now)) = (old.get("items"), new.get("items")) {
        found.extend(breaks(&format!("{at}[]"), items, items_now));
    }
    let deciding: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    for member in deciding {
        let looked_at = ["required", "properties"].contains(&member.as_str())
            || (member == "items" && old.contains_key(member) && new.contains_key(member));
        if !looked_at && !EXPLAINING.contains(&member.as_str()) && old.get(member) != new.get(member) {
            found.push(format!("{at}: {member} has changed"));
        }
    }
    found
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/schemas")
}

/// Every published text of each schema by its name, oldest first, after the manifest was held against the files.
fn published() -> BTreeMap<String, Vec<String>> {
    let manifest = fs::read_to_string(folder().join("MANIFEST.sha256")).unwrap();
    let mut revisions: BTreeMap<String, BTreeMap<u32, String>> = BTreeMap::new();
    for line in manifest.lines() {
        let (digest, path) = line.split_once("  ").unwrap();
        let text = fs::read_to_string(folder().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
        assert_eq!(
            event_digest(text.as_bytes()).as_str(),
            digest,
            "{path} was changed"
        );
        let (name, revision) = path.split_once('/').unwrap();
        let revision = revision.strip_suffix(".json").unwrap().parse().unwrap();
        revisions
            .entry(name.to_owned())
            .or_default()
            .insert(revision, text);
    }
    let in_order = |(name, revisions): (String, BTreeMap<u32, String>)| {
        assert!(
            revisions
                .keys()
                .copied()
                .eq(1..=u32::try_from(revisions.len()).unwrap()),
            "{name} has a gap"
        );
        (name, revisions.into_values().collect())
    };
    revisions.into_iter().map(in_order).collect()
}

fn current() -> BTreeMap<String, &'static str> {
    let of_types = Schema::ALL
        .iter()
        .map(|schema| (format!("{}.v{}", schema.kind.name(), schema.version), schema.text));
    of_types.chain([("envelope.v1".to_owned(), ENVELOPE)]).collect()
}

#[test]
fn what_is_published_is_on_record_and_every_revision_continues_the_one_before() {
    let (published, current) = (published(), current());
    let names: BTreeSet<&String> = published.keys().collect();
    assert_eq!(
        names,
        current.keys().collect(),
        "a published schema is never withdrawn, and each is on record"
    );
    for (name, revisions) in &published {
        assert_eq!(
            revisions.last().map(String::as_str),
            current.get(name).copied(),
            "{name}: record its new text as tests/golden/schemas/{name}/{}.json",
            revisions.len() + 1
        );
        for pair in revisions.windows(2) {
            let [old, new] = pair else { continue };
            let found = breaks(name, &old.parse().unwrap(), &new.parse().unwrap());
            assert!(
                found.is_empty(),
                "this needs the next version of the type: {found:?}"
            );
        }
    }
}

fn object<'a>(schema: &'a mut Value, pointer: &str) -> &'a mut Map<String, Value> {
    schema.pointer_mut(pointer).unwrap().as_object_mut().unwrap()
}

fn list<'a>(schema: &'a mut Value, pointer: &str) -> &'a mut Vec<Value> {
    schema.pointer_mut(pointer).unwrap().as_array_mut().unwrap()
}

/// Does something to a schema.
type Change = fn(&mut Value);

/// Each way to break a reader, and that nothing else counts as one.
#[test]
fn the_gate_stops_what_breaks_a_reader_and_lets_the_rest_through() {
    let granted: Value =
        serde_json::from_str(Schema::current(portbook_domain::EventKind::LicenseGranted).text).unwrap();
    let stopped: [(&str, Change); 9] = [
        ("v/lane is gone", |it| {
            object(it, "/properties").remove("lane");
        }),
        ("v/kind is newly required", |it| {
            list(it, "/required").push(json!("kind"));
        }),
        ("v/quota is newly required", |it| {
            it["properties"]["quota"] = json!({"type": "integer"});
            list(it, "/required").push(json!("quota"));
        }),
        ("v/lane may be missing now", |it| {
            list(it, "/required").retain(|name| name != "lane");
        }),
        ("v/lane: enum has changed", |it| {
            list(it, "/properties/lane/enum").truncate(1);
        }),
        ("v/destination: pattern has changed", |it| {
            object(it, "/properties/destination").insert("pattern".into(), json!("^[A-Z]{3}$"));
        }),
        ("v/uses_allowed: type has changed", |it| {
            object(it, "/properties/uses_allowed").insert("type".into(), json!("string"));
        }),
        ("v/lines[]/granted_g is gone", |it| {
            object(it, "/properties/lines/items/properties").remove("granted_g");
        }),
        ("v: additionalProperties has changed", |it| {
            object(it, "").insert("additionalProperties".into(), json!(false));
        }),
    ];
    for (expected, change) in stopped {
        let mut changed = granted.clone();
        change(&mut changed);
        let found = breaks("v", &granted, &changed);
        assert!(found.iter().any(|it| it == expected), "{expected}: {found:?}");
    }
    let mut richer = granted.clone();
    richer["title"] = json!("Better words.");
    richer["properties"]["destination"]["description"] = json!("better words");
    richer["properties"]["quota"] = json!({"type": "integer"});
    richer["properties"]["lines"]["items"]["properties"]["grade"] = json!({"type": "string"});
    assert_eq!(breaks("v", &granted, &richer), Vec::<String>::new());
    assert_eq!(
        breaks("v", &richer, &granted),
        ["v/lines[]/grade is gone", "v/quota is gone"]
    );
}
