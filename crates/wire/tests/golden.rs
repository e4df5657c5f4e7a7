//! The frozen examples: every published byte is still read, and written again as it stands.

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
    control::{ControlKind, encode_control, parse_control},
    decode_event, encode, event_digest, head_of, read_head,
    schema::Schema,
    subject::events_subject,
};

fn corpus(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../tests/golden")
        .join(name)
}

/// The files of a corpus by path within it, after its manifest was held against them.
fn checked_files(name: &str) -> BTreeMap<String, Vec<u8>> {
    let root = corpus(name);
    let mut files = BTreeMap::new();
    collect_json(&root, &root, &mut files);
    let manifest = fs::read_to_string(root.join("MANIFEST.sha256")).unwrap();
    let listed: BTreeMap<&str, &str> = manifest
        .lines()
        .map(|line| line.split_once("  ").unwrap())
        .map(|(digest, path)| (path, digest))
        .collect();
    assert_eq!(
        listed.len(),
        manifest.lines().count(),
        "{name}: a file is listed twice"
    );
    for (path, digest) in &listed {
        let bytes = files
            .get(*path)
            .unwrap_or_else(|| panic!("{name}/{path} is listed, but gone"));
        assert_eq!(event_digest(bytes).as_str(), *digest, "{name}/{path} was changed");
    }
    for path in files.keys() {
        assert!(
            listed.contains_key(path.as_str()),
            "{name}/{path} is not in MANIFEST.sha256"
        );
    }
    files
}

fn collect_json(root: &Path, folder: &Path, files: &mut BTreeMap<String, Vec<u8>>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect_json(root, &path, files);
        } else if path.extension().is_some_and(|extension| extension == "json") {
            let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
            files.insert(name, fs::read(&path).unwrap());
        }
    }
}

#[test]
fn every_event_is_read_and_written_again_as_it_stands() {
    for (path, body) in checked_files("events") {
        let (envelope, event) = decode_event(&body).unwrap_or_else(|error| panic!("{path}: {error}"));
        let folder = format!(
            "{}/v{}",
            event.data.kind().name(),
            Schema::current(event.data.kind()).version
        );
        assert!(path.starts_with(&folder), "{path} holds a {folder}");
        let again = encode(&envelope, &event.data).unwrap();
        assert_eq!(
            String::from_utf8(again).unwrap(),
            String::from_utf8(body).unwrap(),
            "{path}"
        );
    }
}

#[test]
fn every_event_is_an_event_to_the_ledger_too() {
    for (path, body) in checked_files("events") {
        let (envelope, event) = decode_event(&body).unwrap();
        let head =
            read_head(&events_subject(&event.case), &body).unwrap_or_else(|why| panic!("{path}: {why}"));
        assert_eq!(head_of(&envelope, &event.data), Ok(head), "{path}");
        assert_eq!(head.id, envelope.id.as_str());
        assert_eq!(head.source, envelope.source.as_str());
        assert_eq!(head.type_name, event.data.kind().name());
        assert_eq!(head.case, event.case.as_str());
        assert_eq!(head.port, envelope.port.as_str());
    }
}

#[test]
fn every_published_type_has_a_minimal_and_a_full_example() {
    let files = checked_files("events");
    for schema in Schema::ALL {
        for example in ["minimal", "full"] {
            let path = format!("{}/v{}/{example}.json", schema.kind.name(), schema.version);
            assert!(files.contains_key(&path), "{path} is missing");
        }
    }
}

#[test]
fn every_control_message_is_read_and_written_again_as_it_stands() {
    let mut kinds = BTreeSet::new();
    for (path, body) in checked_files("control") {
        let kind = ControlKind::ALL
            .iter()
            .copied()
            .find(|kind| path.starts_with(&format!("{}/", kind.name())));
        let kind = kind.unwrap_or_else(|| panic!("{path} is of no known kind"));
        let control = parse_control(kind.subject(), &body).unwrap_or_else(|error| panic!("{path}: {error}"));
        assert_eq!(control.kind(), kind);
        let again = encode_control(&control).unwrap();
        assert_eq!(
            String::from_utf8(again).unwrap(),
            String::from_utf8(body).unwrap(),
            "{path}"
        );
        kinds.insert(kind);
    }
    assert_eq!(kinds.len(), ControlKind::ALL.len(), "a kind has no example");
}
