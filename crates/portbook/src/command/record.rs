//! `portbook record`: one leaf, field by field.

use portbook_audit::{RecordAt, record};
use portbook_ledger::{Index, Leaf, Record, Seal};
use portbook_store::{StoreReader, Verdict};
use serde_json::{Value, json};

use crate::args::RecordCommand;
use crate::command::timeline::chain_of;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::session::Session;
use crate::speech::harmless;

/// Prints one record.
pub(crate) fn run(session: &Session, args: &RecordCommand) -> Outcome {
    let RecordCommand::Show { record: name } = args;
    let reader = StoreReader::open(&session.home.ledger().store())?;
    let found = record(&reader, index_of(&reader, name)?)?;
    let verdict = Index::new(found.index)
        .map(|index| reader.verdict(index))
        .transpose()?
        .flatten();
    let document = match found.leaf()? {
        Leaf::Record(record) => record_document(&found, &record, verdict),
        Leaf::Seal(seal) => seal_document(&found, &seal),
    };
    if session.speech.is_machine() {
        session.speech.json(&document)?;
    } else {
        for (field, value) in document
            .as_object()
            .into_iter()
            .flatten()
            .filter(|(field, _)| *field != "schema")
        {
            let text = value.as_str().map_or_else(|| value.to_string(), harmless);
            session.speech.answer(format_args!("{field:<14} {text}"))?;
        }
    }
    Ok(Exit::Done)
}

/// A leaf index, or `<PORT>/<position>`.
fn index_of(reader: &StoreReader, name: &str) -> Result<Index, Failure> {
    let usage = || {
        Failure::new(
            Exit::Usage,
            format!("{name:?} is neither a leaf index nor of the form CNNBG/17"),
        )
    };
    let Some((port, position)) = name.split_once('/') else {
        return name.parse().ok().and_then(Index::new).ok_or_else(usage);
    };
    let (chain, position) = (chain_of(port)?, position.parse().ok().ok_or_else(usage)?);
    let row = reader.row(chain, position)?;
    row.and_then(|row| Index::new(row.place.index))
        .ok_or_else(|| Failure::new(Exit::Usage, format!("{chain} has no record {position}")))
}

fn record_document(found: &RecordAt, record: &Record<'_>, verdict: Option<Verdict>) -> Value {
    let body = std::str::from_utf8(record.body)
        .ok()
        .and_then(|text| serde_json::from_str::<Value>(text).ok());
    json!({
        "schema": "portbook.record/v1",
        "leaf": found.index,
        "leaf_hash": found.hash.to_hex(),
        "kind": record.kind.name(),
        "chain": record.chain.to_string(),
        "port_seq": record.chain_seq.get(),
        "prev_leaf": record.prev_index.map(Index::get),
        "prev_hash": record.prev_hash.to_hex(),
        "stream_seq": record.stream_seq.get(),
        "recorded_at_ns": record.recorded_at_ns,
        "refers_to": record.refers_to.map(Index::get),
        "subject": record.subject,
        "signature": record.signature.map(|signature| signature.to_string()),
        "verdict": verdict.map(word_of),
        "body": body.unwrap_or_else(|| Value::String(String::from_utf8_lossy(record.body).into_owned())),
    })
}

fn seal_document(found: &RecordAt, seal: &Seal) -> Value {
    json!({
        "schema": "portbook.record/v1",
        "leaf": found.index,
        "leaf_hash": found.hash.to_hex(),
        "kind": "seal",
        "covered_size": seal.covered_size.get(),
        "port_count": seal.chain_count,
        "heads_root": seal.heads_root.to_hex(),
        "prev_checkpoint": seal.prev_checkpoint.to_hex(),
        "prev_seal": seal.prev_seal.map(Index::get),
        "stream_seq": seal.stream_seq.get(),
        "sealed_at_ns": seal.sealed_at_ns,
    })
}

const fn word_of(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Unsigned => "unsigned",
        Verdict::Valid => "valid",
        Verdict::BadSignature => "bad signature",
        Verdict::UnknownKey => "unknown key",
        Verdict::KeyNotEntitled => "key not entitled",
    }
}
