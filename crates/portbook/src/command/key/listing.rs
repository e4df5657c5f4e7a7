//! Keys as they are told.

use jiff::Timestamp;
use portbook_fold::{Book, ProducerKey};
use portbook_wire::control::KeyId;
use serde_json::{Value, json};

use super::{document_of, state_of};
use crate::exit::Exit;
use crate::failure::Outcome;
use crate::session::Session;

/// Prints every key, those of one source together.
pub(super) fn print_keys(session: &Session, book: &Book) -> Outcome {
    let mut keys: Vec<_> = book.keys.iter().collect();
    keys.sort_by_key(|(_, key)| (&key.source, key.registered));
    if session.speech.is_machine() {
        let keys: Vec<Value> = keys.iter().map(|(id, key)| document_of(**id, key)).collect();
        session
            .speech
            .json(&json!({"schema": "portbook.keys/v1", "keys": keys}))?;
        return Ok(Exit::Done);
    }
    session.speech.answer(format_args!(
        "{:<16}  {:<28} {:<15} {:<20}  leaf",
        "key", "source", "state", "valid until"
    ))?;
    for (id, key) in keys {
        let until = Timestamp::from_nanosecond(key.valid_until_ns).unwrap_or(Timestamp::MAX);
        session.speech.answer(format_args!(
            "{}  {:<28} {:<15} {:<20}  {}",
            KeyId(*id),
            key.source,
            state_of(key),
            session.speech.time(until),
            key.registered
        ))?;
    }
    Ok(Exit::Done)
}

/// Prints one key.
pub(super) fn print_key(session: &Session, id: [u8; 8], key: &ProducerKey) -> Outcome {
    let mut document = document_of(id, key);
    if let Some(fields) = document.as_object_mut() {
        fields.insert("schema".to_owned(), json!("portbook.key/v1"));
    }
    if session.speech.is_machine() {
        session.speech.json(&document)?;
        return Ok(Exit::Done);
    }
    for (field, value) in document.as_object().into_iter().flatten() {
        if field != "schema" && !value.is_null() {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            session.speech.answer(format_args!("{field:<16} {text}"))?;
        }
    }
    Ok(Exit::Done)
}
