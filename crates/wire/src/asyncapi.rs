//! The `AsyncAPI` 3 document of the verified feed, made from the names, headers and schemas the code itself uses.

use serde_json::{Map, Value, json};

use crate::schema::{ENVELOPE, Schema};
use crate::subject::{
    CONTENT_TYPE_EVENT, FEED_PREFIX, HEADER_CHECKPOINT_SIZE, HEADER_CONTENT_TYPE, HEADER_FINDINGS,
    HEADER_LEAF_HASH, HEADER_LEAF_INDEX, HEADER_PORT_SEQ, HEADER_PREV_LEAF, HEADER_RECORDED_AT,
    HEADER_SIGNATURE, STREAM_FEED,
};

/// What each header of a feed message says, and whether every message has it.
const HEADERS: &[(&str, bool, &str, &str)] = &[
    (
        HEADER_CONTENT_TYPE,
        true,
        "^application/cloudevents\\+json$",
        "media type of the body",
    ),
    (
        HEADER_SIGNATURE,
        false,
        "^[0-9a-f]{16}:[A-Za-z0-9+/]{86}==$",
        "the producer's signature, <key id>:<base64>",
    ),
    (
        HEADER_LEAF_INDEX,
        true,
        "^[0-9]+$",
        "index of the record's leaf, from 0; it grows from message to message",
    ),
    (HEADER_LEAF_HASH, true, "^[0-9a-f]{64}$", "hash of that leaf"),
    (
        HEADER_PORT_SEQ,
        true,
        "^[0-9]+$",
        "the record's place in the chain of its port, from 1",
    ),
    (
        HEADER_PREV_LEAF,
        true,
        "^([0-9]+|genesis):[0-9a-f]{64}$",
        "the port's previous record, <leaf index>:<leaf hash>",
    ),
    (
        HEADER_RECORDED_AT,
        true,
        "^[0-9]+$",
        "the ledger stream's timestamp of the event, nanoseconds since 1970",
    ),
    (
        HEADER_CHECKPOINT_SIZE,
        true,
        "^[0-9]+$",
        "size of the oldest published checkpoint that covers the record",
    ),
    (
        HEADER_FINDINGS,
        false,
        "^[a-z-]+(,[a-z-]+)*$",
        "what the ledger found wrong with the message, separated by commas",
    ),
];

/// The document, as JSON text that ends with a line feed.
///
/// # Errors
/// When a schema of this build is no JSON, which tests rule out.
pub fn document() -> Result<String, serde_json::Error> {
    let (mut channels, mut operations, mut messages) = (Map::new(), Map::new(), Map::new());
    let mut schemas = Map::from_iter([
        ("feedHeaders".to_owned(), headers()),
        ("envelope".to_owned(), plain(ENVELOPE)?),
    ]);
    for schema in Schema::ALL {
        let (kind, message) = (schema.kind.name(), message_name(schema));
        schemas.insert(message.clone(), plain(schema.text)?);
        messages.insert(message.clone(), message_of(schema, &message));
        let channel = channels
            .entry(kind.to_owned())
            .or_insert_with(|| channel_of(kind));
        if let Some(Value::Object(held)) = channel.get_mut("messages") {
            held.insert(message.clone(), reference(&["components", "messages", &message]));
        }
        operations.insert(
            format!("feed.{kind}"),
            json!({
                "action": "send",
                "summary": format!("The projector feeds {kind} once a signed checkpoint covers it."),
                "channel": reference(&["channels", kind]),
            }),
        );
    }
    let document = json!({
        "asyncapi": "3.0.0",
        "info": info(),
        "defaultContentType": CONTENT_TYPE_EVENT,
        "channels": channels,
        "operations": operations,
        "components": {"messages": messages, "schemas": schemas},
    });
    Ok(serde_json::to_string_pretty(&document)? + "\n")
}

fn info() -> Value {
    json!({
        "title": "portbook: the verified feed",
        "version": env!("CARGO_PKG_VERSION"),
        "description": format!(
            "What a signed checkpoint of the ledger covers, event by event, in the order of the ledger. \
             Stored in the JetStream stream {STREAM_FEED}; read it live, through a durable consumer, or from any leaf on."
        ),
        "license": {"name": "Apache-2.0"},
    })
}

fn channel_of(kind: &str) -> Value {
    json!({
        "address": format!("{FEED_PREFIX}{{port}}.{kind}.{{case}}"),
        "description": "Filter by putting * in the place of a parameter.",
        "messages": {},
        "parameters": {
            "port": {"description": "UN/LOCODE of the port, after the alias table", "examples": ["CNNBG"]},
            "case": {"description": "the case", "examples": ["2025DU000002"]},
        },
    })
}

fn message_of(schema: &Schema, message: &str) -> Value {
    json!({
        "name": schema.type_,
        "title": schema.type_,
        "contentType": CONTENT_TYPE_EVENT,
        "headers": reference(&["components", "schemas", "feedHeaders"]),
        "payload": {
            "allOf": [
                reference(&["components", "schemas", "envelope"]),
                {
                    "type": "object",
                    "properties": {
                        "type": {"const": schema.type_},
                        "data": reference(&["components", "schemas", message]),
                    },
                },
            ],
        },
    })
}

fn headers() -> Value {
    let properties: Map<_, _> = HEADERS
        .iter()
        .map(|(name, _, pattern, says)| {
            (
                (*name).to_owned(),
                json!({"type": "string", "pattern": pattern, "description": says}),
            )
        })
        .collect();
    let required: Vec<&str> = HEADERS
        .iter()
        .filter(|(_, always, _, _)| *always)
        .map(|(name, ..)| *name)
        .collect();
    json!({"type": "object", "required": required, "properties": properties})
}

/// A schema without the names it has when it stands alone.
fn plain(text: &str) -> Result<Value, serde_json::Error> {
    let mut schema: Map<String, Value> = serde_json::from_str(text)?;
    schema.remove("$schema");
    schema.remove("$id");
    Ok(Value::Object(schema))
}

fn message_name(schema: &Schema) -> String {
    format!("{}.v{}", schema.kind.name(), schema.version)
}

fn reference(path: &[&str]) -> Value {
    json!({"$ref": format!("#/{}", path.join("/"))})
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::feed::FeedPlace;

    #[test]
    fn every_header_a_message_has_is_described() {
        let digest = crate::event_digest(b"");
        let place = FeedPlace {
            leaf_index: 1,
            leaf_hash: digest.clone(),
            port_seq: 1,
            prev_index: None,
            prev_hash: digest,
            recorded_at_ns: 1,
            checkpoint_size: 2,
            findings: vec!["unsigned".into()],
        };
        let written: BTreeSet<&str> = place.headers().into_iter().map(|(name, _)| name).collect();
        let others = [HEADER_CONTENT_TYPE, HEADER_SIGNATURE];
        let described: BTreeSet<&str> = HEADERS.iter().map(|(name, ..)| *name).collect();
        assert_eq!(described, written.into_iter().chain(others).collect());
    }
}
