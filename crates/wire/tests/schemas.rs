//! The published schemas say what the decoder does: the same fields, required by both or by neither.

#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test that cannot go on has failed"
)]

use std::{collections::BTreeSet, fs, path::Path};

use portbook_wire::{decode_event, schema::Schema};
use serde_json::Value;

fn full_example(schema: &Schema) -> Value {
    let path = format!(
        "../../tests/golden/events/{}/v{}/full.json",
        schema.kind.name(),
        schema.version
    );
    serde_json::from_slice(&fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()).unwrap()
}

/// Compares one object of the example with its schema; `decodes` tells whether the event still reads without a field.
fn check_object(at: &str, schema: &Value, example: &Value, decodes: &dyn Fn(&str) -> bool) {
    assert_eq!(schema["type"], "object", "{at}");
    let described: BTreeSet<&String> = schema["properties"].as_object().unwrap().keys().collect();
    let shown: BTreeSet<&String> = example.as_object().unwrap().keys().collect();
    assert_eq!(
        described, shown,
        "{at}: the full example shows every field, and no other"
    );
    let required: BTreeSet<&str> = schema["required"]
        .as_array()
        .unwrap()
        .iter()
        .map(|name| name.as_str().unwrap())
        .collect();
    for field in described {
        let pointer = format!("{at}/{field}");
        assert_eq!(!decodes(&pointer), required.contains(field.as_str()), "{pointer}");
        let inner = &schema["properties"][field];
        if inner["items"]["type"] == "object" {
            check_object(
                &format!("{pointer}/0"),
                &inner["items"],
                &example[field][0],
                decodes,
            );
        }
    }
}

fn without(document: &Value, pointer: &str) -> Value {
    let mut document = document.clone();
    let (parent, field) = pointer.rsplit_once('/').unwrap();
    assert!(
        document
            .pointer_mut(parent)
            .unwrap()
            .as_object_mut()
            .unwrap()
            .remove(field)
            .is_some()
    );
    document
}

#[test]
fn schemas_and_decoder_agree_about_every_field() {
    for schema in Schema::ALL {
        let example = full_example(schema);
        let described: Value = serde_json::from_str(schema.text).unwrap();
        let decodes = |pointer: &str| decode_event(without(&example, pointer).to_string().as_bytes()).is_ok();
        check_object("/data", &described, &example["data"], &decodes);
    }
}

#[test]
fn schemas_and_decoder_agree_about_every_closed_set_of_words() {
    for schema in Schema::ALL {
        let example = full_example(schema);
        let described: Value = serde_json::from_str(schema.text).unwrap();
        for (field, rule) in described["properties"].as_object().unwrap() {
            let Some(words) = rule["enum"].as_array() else {
                continue;
            };
            let decodes = |word: &Value| {
                let mut example = example.clone();
                example["data"][field] = word.clone();
                decode_event(example.to_string().as_bytes()).is_ok()
            };
            assert!(words.iter().all(decodes), "{} {field}", schema.type_);
            assert!(!decodes(&Value::from("another")), "{} {field}", schema.type_);
        }
    }
}
