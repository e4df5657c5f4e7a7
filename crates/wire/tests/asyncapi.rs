//! The `AsyncAPI` document: what is published is what the code makes, and it says what the code does.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{fs, path::Path};

use portbook_wire::{
    EventHead, asyncapi,
    schema::Schema,
    subject::{FEED_SUBJECTS, feed_subject},
};
use serde_json::Value;

fn document() -> Value {
    serde_json::from_str(&asyncapi::document().unwrap()).unwrap()
}

#[test]
fn the_published_document_is_the_one_the_code_makes() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/asyncapi.json");
    let published = fs::read_to_string(&path).unwrap();
    assert!(
        published == asyncapi::document().unwrap(),
        "docs/asyncapi.json is out of date: portbook schema asyncapi > docs/asyncapi.json"
    );
}

#[test]
fn every_type_has_its_channel_message_and_schema() {
    let document = document();
    for schema in Schema::ALL {
        let kind = schema.kind.name();
        let head = EventHead {
            id: "",
            source: "",
            type_name: kind,
            version: schema.version,
            case: "{case}",
            port: "",
        };
        let channel = &document["channels"][kind];
        assert_eq!(channel["address"], feed_subject("{port}", &head));
        assert!(
            channel["address"]
                .as_str()
                .unwrap()
                .starts_with(FEED_SUBJECTS.trim_end_matches('>'))
        );
        let message = format!("{kind}.v{}", schema.version);
        let pointer = channel["messages"][&message]["$ref"].as_str().unwrap();
        let found = document.pointer(pointer.trim_start_matches('#')).unwrap();
        assert_eq!(found["name"], schema.type_);
        let mut published: Value = serde_json::from_str(schema.text).unwrap();
        published
            .as_object_mut()
            .unwrap()
            .retain(|name, _| !name.starts_with('$'));
        assert_eq!(document["components"]["schemas"][&message], published);
        assert_eq!(document["operations"][format!("feed.{kind}")]["action"], "send");
    }
    assert_eq!(
        document["components"]["messages"].as_object().unwrap().len(),
        Schema::ALL.len()
    );
}

#[test]
fn every_reference_leads_somewhere() {
    let document = document();
    let mut references = Vec::new();
    collect(&document, &mut references);
    assert!(references.len() > Schema::ALL.len() * 4);
    for reference in references {
        assert!(
            document.pointer(reference.trim_start_matches('#')).is_some(),
            "{reference}"
        );
    }
}

fn collect<'a>(node: &'a Value, references: &mut Vec<&'a str>) {
    match node {
        Value::Object(members) => {
            references.extend(members.get("$ref").and_then(Value::as_str));
            members.values().for_each(|member| collect(member, references));
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, references)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
