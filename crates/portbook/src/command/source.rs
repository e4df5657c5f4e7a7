//! `portbook source`: what sources state they published, and what the ledger holds of them.

use portbook_audit::sources;
use portbook_fold::{SourceBook, SourceGap};
use portbook_store::StoreReader;
use serde_json::{Value, json};

use crate::args::SourceCommand;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::session::Session;
use crate::speech::grouped;

/// Lists the sources.
pub(crate) fn run(session: &Session, args: &SourceCommand) -> Outcome {
    let SourceCommand::Ls = args;
    let reader = StoreReader::open(&session.home.ledger().store())?;
    let (book, size) = (sources(&reader)?, reader.book()?.size());
    if session.speech.is_machine() {
        session.speech.json(&document(&book, size))?;
    } else {
        print(session, &book)?;
    }
    Ok(Exit::Done)
}

fn print(session: &Session, book: &SourceBook) -> Result<(), Failure> {
    let speech = &session.speech;
    speech.answer(format_args!(
        "{:<32} {:>10} {:>14} {:>14}",
        "source", "statements", "events stated", "not yet stated"
    ))?;
    for (source, account) in &book.sources {
        speech.answer(format_args!(
            "{source:<32} {:>10} {:>14} {:>14}",
            grouped(account.statements),
            grouped(account.covered),
            grouped(account.run.count())
        ))?;
    }
    for gap in &book.gaps {
        speech.answer(format_args!("  {} {}", speech.mark(false), words_of(gap)))?;
    }
    let untold = book.gap_count
        - u64::try_from(book.gaps.len())
            .unwrap_or(book.gap_count)
            .min(book.gap_count);
    if untold > 0 {
        speech.answer(format_args!("  and {} more", grouped(untold)))?;
    }
    Ok(())
}

/// One gap in a sentence.
pub(crate) fn words_of(gap: &SourceGap) -> String {
    format!(
        "source_gap {} at leaf {}: {} stated {} events after message {}, the ledger holds {}",
        gap.kind.word(),
        gap.leaf,
        gap.source,
        gap.stated,
        gap.after_seq,
        gap.found
    )
}

/// One gap as a document.
pub(crate) fn gap_document(gap: &SourceGap) -> Value {
    json!({
        "finding": "source_gap", "kind": gap.kind.word(), "source": gap.source, "leaf": gap.leaf,
        "after_seq": gap.after_seq, "stated": gap.stated, "found": gap.found,
    })
}

fn document(book: &SourceBook, size: u64) -> Value {
    let sources: Vec<Value> = book
        .sources
        .iter()
        .map(|(source, account)| {
            json!({
                "source": source, "statements": account.statements, "last_statement_seq": account.last_statement,
                "events_stated": account.covered, "events_not_stated": account.run.count(),
            })
        })
        .collect();
    json!({
        "schema": "portbook.sources/v1", "size": size, "sources": sources, "gap_count": book.gap_count,
        "gaps": book.gaps.iter().map(gap_document).collect::<Vec<_>>(),
    })
}
