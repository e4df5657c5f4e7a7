//! `portbook checkpoint`: what was signed, as it was published.

use portbook_ledger::{OpenedCheckpoint, Origin, Size, VerifierKey};
use portbook_store::LedgerDirectory;
use serde::Serialize;

use crate::args::CheckpointCommand;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::home::KeyOf;
use crate::session::Session;
use crate::speech::{Form, grouped};

#[derive(Serialize)]
struct Entry {
    size: u64,
    root: String,
    signed: bool,
}

#[derive(Serialize)]
struct List {
    schema: &'static str,
    checkpoints: Vec<Entry>,
}

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    note: &'a str,
}

/// Lists checkpoints, or shows one.
pub(crate) fn run(session: &Session, args: &CheckpointCommand) -> Outcome {
    let directory = session.home.ledger();
    match args {
        CheckpointCommand::Ls => list(session, &directory),
        CheckpointCommand::Show { size } => show(session, &directory, *size),
    }
}

fn list(session: &Session, directory: &LedgerDirectory) -> Outcome {
    let key = session.home.public_key(KeyOf::Log)?;
    let origin =
        Origin::new(key.id().name.as_str()).map_err(|error| Failure::of(Exit::Configuration, &error))?;
    let mut entries = Vec::new();
    for size in directory.checkpoint_sizes()? {
        entries.push(entry(directory, size, &origin, &key)?);
    }
    match session.speech.form {
        Form::Json => session.speech.json(&List {
            schema: "portbook.checkpoints/v1",
            checkpoints: entries,
        })?,
        Form::Ndjson => session.speech.lines(&entries)?,
        Form::Csv => {
            session.speech.answer("size,root,signed")?;
            for Entry { size, root, signed } in entries {
                session.speech.answer(format_args!("{size},{root},{signed}"))?;
            }
        }
        Form::Table => {
            session
                .speech
                .answer(format_args!("{:>14}  {:<44}  signature", "size", "root"))?;
            for Entry { size, root, signed } in entries {
                session.speech.answer(format_args!(
                    "{:>14}  {root:<44}  {}",
                    grouped(size),
                    session.speech.mark(signed)
                ))?;
            }
        }
    }
    Ok(Exit::Done)
}

fn entry(
    directory: &LedgerDirectory,
    size: Size,
    origin: &Origin,
    key: &VerifierKey,
) -> Result<Entry, Failure> {
    let note = directory.checkpoint_at(size)?.unwrap_or_default();
    let opened = OpenedCheckpoint::open(note.as_bytes(), origin, key, &[]).ok();
    let opened = opened.filter(|opened| opened.checkpoint.size == size);
    let root = opened
        .as_ref()
        .map_or_else(String::new, |opened| opened.checkpoint.root.to_base64());
    Ok(Entry {
        size: size.get(),
        root,
        signed: opened.is_some(),
    })
}

fn show(session: &Session, directory: &LedgerDirectory, size: Option<u64>) -> Outcome {
    let note = match size {
        Some(size) => directory.checkpoint_at(Size::new(size))?,
        None => directory.checkpoint()?,
    };
    let note = note.ok_or_else(|| {
        Failure::new(Exit::Unavailable, "there is no such checkpoint")
            .hint("portbook checkpoint ls lists them")
    })?;
    if session.speech.is_machine() {
        session.speech.json(&Document {
            schema: "portbook.checkpoint/v1",
            note: &note,
        })?;
    } else {
        session.speech.answer(note.trim_end())?;
    }
    Ok(Exit::Done)
}
