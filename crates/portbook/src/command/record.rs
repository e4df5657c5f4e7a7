//! `portbook record`: one leaf, field by field.

use portbook_audit::{AsOf, RecordAt, Repair, Repairs, contested_by, record, repairs, verdict_on};
use portbook_ledger::{Index, Leaf, Record, Seal};
use portbook_store::{StoreReader, Verdict};
use portbook_wire::read_head;
use serde_json::{Value, json};

use crate::args::RecordCommand;
use crate::command::repair::repair_document;
use crate::command::timeline::chain_of;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::session::Session;
use crate::speech::harmless;

/// Prints one record.
pub(crate) fn run(session: &Session, args: &RecordCommand) -> Outcome {
    let reader = StoreReader::open(&session.home.ledger().store())?;
    match args {
        RecordCommand::Show { record } => show(session, &reader, record),
        RecordCommand::Diff { record } => diff(session, &reader, record),
    }
}

fn show(session: &Session, reader: &StoreReader, name: &str) -> Outcome {
    let found = record(reader, index_of(reader, name)?)?;
    let document = match found.leaf()? {
        Leaf::Record(record) => {
            let repairs = repairs_around(reader, &record)?;
            record_document(&found, &record, &Signed::of(reader, &found, &record)?, &repairs)
        }
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

/// Prints what corrections made of a record, field by field.
fn diff(session: &Session, reader: &StoreReader, name: &str) -> Outcome {
    let found = record(reader, index_of(reader, name)?)?;
    let Leaf::Record(record) = found.leaf()? else {
        return Err(Failure::new(
            Exit::Usage,
            format!("leaf {} is a seal", found.index),
        ));
    };
    let repairs = repairs_around(reader, &record)?;
    let (recorded, corrected) = (body_of(record.body), corrected_of(&repairs, found.index));
    let about: Vec<&Repair> = repairs.of(found.index).collect();
    if session.speech.is_machine() {
        session.speech.json(&json!({
            "schema": "portbook.record-diff/v1",
            "leaf": found.index,
            "as_recorded": recorded,
            "as_corrected": corrected,
            "annulled_by": repairs.standing.get(&found.index).and_then(|standing| standing.annulled_by),
            "repairs": about.iter().map(|repair| repair_document(repair)).collect::<Vec<_>>(),
        }))?;
        return Ok(Exit::Done);
    }
    if about.is_empty() {
        session
            .speech
            .answer(format_args!("leaf {} stands as recorded", found.index))?;
    }
    for repair in about {
        print_repair(session, repair)?;
    }
    Ok(Exit::Done)
}

fn print_repair(session: &Session, repair: &Repair) -> Result<(), Failure> {
    let kind = if repair.patches.is_some() {
        "corrected"
    } else {
        "annulled"
    };
    let effect = repair.idle.as_ref().map_or_else(String::new, |idle| {
        format!(", without effect: {}", harmless(&idle.to_string()))
    });
    let asked = repair
        .requested_by
        .as_ref()
        .map_or("nobody", |person| person.as_str());
    session.speech.answer(format_args!(
        "{kind} by leaf {}{effect}  ({}; asked for by {}, approved by {})",
        repair.place.index,
        harmless(repair.reason.as_str()),
        harmless(asked),
        harmless(repair.approved_by.as_str())
    ))?;
    for patch in repair.patches.iter().flatten() {
        session.speech.answer(format_args!(
            "  {}\n    - {}\n    + {}",
            harmless(patch.pointer.as_str()),
            harmless(patch.old.as_str()),
            harmless(patch.new.as_str())
        ))?;
    }
    Ok(())
}

/// The repairs of the case a record belongs to; none where it belongs to none.
fn repairs_around(reader: &StoreReader, record: &Record<'_>) -> Result<Repairs, Failure> {
    match read_head(record.subject, record.body) {
        Ok(head) => Ok(repairs(reader, head.case, &AsOf::default())?),
        Err(_) => Ok(Repairs::default()),
    }
}

fn body_of(body: &[u8]) -> Value {
    let parsed = std::str::from_utf8(body)
        .ok()
        .and_then(|text| serde_json::from_str(text).ok());
    parsed.unwrap_or_else(|| Value::String(String::from_utf8_lossy(body).into_owned()))
}

/// The body as corrected; none when it stands as recorded.
fn corrected_of(repairs: &Repairs, leaf: u64) -> Option<Value> {
    let standing = repairs.standing.get(&leaf)?;
    standing.corrected.as_deref().map(body_of)
}

/// A leaf index, or `<PORT>/<position>`.
pub(crate) fn index_of(reader: &StoreReader, name: &str) -> Result<Index, Failure> {
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

/// What is known of a record's signature.
struct Signed {
    verdict: Verdict,
    contested_by: Option<u64>,
}

impl Signed {
    fn of(reader: &StoreReader, found: &RecordAt, record: &Record<'_>) -> Result<Self, Failure> {
        let book = reader.book()?;
        let index = Index::new(found.index).unwrap_or(Index::FIRST);
        Ok(Self {
            verdict: verdict_on(reader, &book, index, &found.bytes)?,
            contested_by: contested_by(record, found.index, &book),
        })
    }
}

fn record_document(found: &RecordAt, record: &Record<'_>, signed: &Signed, repairs: &Repairs) -> Value {
    let standing = repairs.standing.get(&found.index);
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
        "verdict": signed.verdict.word(),
        "contested_by": signed.contested_by,
        "annulled_by": standing.and_then(|standing| standing.annulled_by),
        "corrected_by": standing.map(|standing| &standing.corrected_by),
        "body": body_of(record.body),
        "body_as_corrected": corrected_of(repairs, found.index),
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
