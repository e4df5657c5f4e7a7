//! A verification that failed: the first thing that is wrong, what it reaches and what to do next.

use portbook_audit::{describe, record};
use portbook_ledger::{Checkpoint, Fault, Leaf, Size};
use portbook_store::StoreReader;
use serde::Serialize;

use super::stream::Differs;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::session::Session;
use crate::speech::grouped;

#[derive(Serialize)]
struct FaultDocument {
    schema: &'static str,
    verdict: &'static str,
    size: u64,
    first_leaf: u64,
    last_leaf: u64,
    chain: Option<String>,
    chain_seq: Option<u64>,
    record: Option<String>,
    check: String,
    last_good_size: Option<u64>,
    later_records_of_chain: Option<u64>,
    stream_differs_at_leaf: Option<u64>,
    stream_differs_in: Option<&'static str>,
}

/// Tells the first thing that is wrong.
pub(super) fn report_fault(
    session: &Session,
    reader: &StoreReader,
    fault: &Fault,
    checkpoint: &Checkpoint,
    differs: Option<&Differs>,
) -> Outcome {
    let what = record(reader, fault.last)
        .ok()
        .and_then(|found| match found.leaf() {
            Ok(Leaf::Record(record)) => Some(describe(&record)),
            Ok(Leaf::Seal(_)) => Some("a seal".to_owned()),
            Err(_) => None,
        });
    let count = fault.chain.and_then(|chain| {
        reader
            .book()
            .ok()?
            .heads
            .get(&chain)
            .map(|head| head.frontier.size().get())
    });
    let later = count
        .zip(fault.chain_seq)
        .map(|(count, seq)| count.saturating_sub(seq.get()));
    let document = FaultDocument {
        schema: "portbook.verify/v1",
        verdict: "failed",
        size: checkpoint.size.get(),
        first_leaf: fault.first.get(),
        last_leaf: fault.last.get(),
        chain: fault.chain.map(|chain| chain.to_string()),
        chain_seq: fault.chain_seq.map(portbook_ledger::ChainSeq::get),
        record: what,
        check: fault.check.to_string(),
        last_good_size: fault.last_good_size.map(Size::get),
        later_records_of_chain: later,
        stream_differs_at_leaf: differs.map(|differs| differs.index),
        stream_differs_in: differs.map(|differs| differs.field),
    };
    if session.speech.is_machine() {
        session.speech.json(&document)?;
    } else {
        print_fault(session, &document)?;
    }
    Ok(Exit::LedgerFault)
}

fn print_fault(session: &Session, fault: &FaultDocument) -> Result<(), Failure> {
    let speech = &session.speech;
    let place = match (&fault.chain, fault.chain_seq) {
        (Some(chain), Some(seq)) => format!("{chain} record {}", grouped(seq)),
        _ => "the ledger".to_owned(),
    };
    let leaf = if fault.first_leaf == fault.last_leaf {
        format!("leaf {}", grouped(fault.last_leaf))
    } else {
        format!(
            "one of the leaves {} to {}",
            grouped(fault.first_leaf),
            grouped(fault.last_leaf)
        )
    };
    let what = fault
        .record
        .as_ref()
        .map_or_else(String::new, |what| format!("{what}, "));
    speech.answer(format_args!(
        "{} FAILED  {place} ({what}{leaf})",
        speech.mark(false)
    ))?;
    speech.answer(format_args!("  check      {}", fault.check))?;
    let good = fault.last_good_size.map_or_else(
        || "none".to_owned(),
        |size| format!("the signed tree of {} leaves", grouped(size)),
    );
    speech.answer(format_args!("  last good  {good}"))?;
    if let (Some(later), Some(chain)) = (fault.later_records_of_chain, &fault.chain) {
        speech.answer(format_args!(
            "  reach      {} later records of {chain} chain onto it",
            grouped(later)
        ))?;
    }
    match (fault.stream_differs_at_leaf, fault.stream_differs_in) {
        (Some(leaf), Some(field)) => speech.answer(format_args!(
            "  stream     leaf {} and message {} differ: {field}",
            grouped(leaf),
            grouped(leaf + 1)
        )),
        _ => speech.answer("  next       portbook verify --all --against-stream compares record and message"),
    }
}

/// Tells the first record that differs from its message.
pub(super) fn report_difference(session: &Session, reader: &StoreReader, differs: &Differs) -> Outcome {
    let index = portbook_ledger::Index::new(differs.index);
    let what = index
        .and_then(|index| record(reader, index).ok())
        .and_then(|found| match found.leaf() {
            Ok(Leaf::Record(record)) => Some(describe(&record)),
            Ok(Leaf::Seal(_)) | Err(_) => None,
        });
    let what = what.unwrap_or_else(|| "no record".to_owned());
    let message = format!(
        "leaf {} ({what}) differs from message {} of the stream: {}",
        differs.index,
        differs.index + 1,
        differs.field
    );
    if session.speech.is_machine() {
        session.speech.json(&serde_json::json!({
            "schema": "portbook.verify/v1", "verdict": "failed", "first_leaf": differs.index,
            "last_leaf": differs.index, "check": format!("stream: {}", differs.field),
        }))?;
    } else {
        session
            .speech
            .answer(format_args!("{} FAILED  {message}", session.speech.mark(false)))?;
    }
    Ok(Exit::LedgerFault)
}

/// Tells that the past is offered as the present.
pub(super) fn report_rollback(session: &Session, (seen, newest): &(Checkpoint, Option<Size>)) -> Outcome {
    let newest = newest.map_or(0, Size::get);
    if session.speech.is_machine() {
        session.speech.json(&serde_json::json!({
            "schema": "portbook.verify/v1", "verdict": "rollback", "seen_size": seen.size.get(), "newest_size": newest,
        }))?;
    } else {
        session.speech.answer(format_args!(
            "{} ROLLBACK  a checkpoint of {} leaves was seen here; the newest one offered has {}",
            session.speech.mark(false),
            grouped(seen.size.get()),
            grouped(newest)
        ))?;
    }
    Ok(Exit::Fork)
}
