//! Exports as files that people already have tools for, each with its manifest beside it.

use std::path::{Path, PathBuf};

use portbook_audit::QuestionError;
use portbook_export::{ExportError, Format, Manifest, export};
use serde::Serialize;

use crate::command::published::{Published, scope_of};
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::output::Output;
use crate::session::Session;
use crate::speech::{grouped, kilograms};

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    manifest: &'a Manifest,
    manifest_file: &'a Path,
}

/// What is exported, and where to.
#[derive(Debug)]
pub(crate) struct Wanted<'a> {
    /// A port, another chain, or `all`.
    pub(crate) what: &'a str,
    /// The format.
    pub(crate) format: Format,
    /// The file; named after what it is about when not given.
    pub(crate) out: Option<&'a Path>,
    /// Under the checkpoint of this size instead of the newest.
    pub(crate) at: Option<u64>,
}

/// Exports, and says what was written.
pub(crate) fn run(session: &Session, wanted: &Wanted<'_>) -> Outcome {
    let published = Published::open(session, wanted.at)?;
    let scope = scope_of(wanted.what)?;
    let file = match wanted.out {
        Some(file) => file.to_owned(),
        None => PathBuf::from(format!("{}.{}", wanted.what, ending(wanted.format))),
    };
    let verb = format!("export --format {}", wanted.format.name());
    let about = published.about(&file, wanted.what, scope, &verb);
    let mut out = Output::create(&file)?;
    let bar = session.speech.bar("exporting", published.book().size);
    let manifest = export(
        &published.book(),
        scope,
        wanted.format,
        about,
        &mut out,
        &mut |taken| bar.set_position(taken),
    );
    bar.finish_and_clear();
    let manifest = manifest.map_err(|error| failed(&error))?;
    let is_standard = out.is_standard();
    out.finish()?;
    if is_standard {
        return Ok(Exit::Done);
    }
    let beside = write_manifest(&file, &manifest)?;
    if session.speech.is_machine() {
        session.speech.json(&Document {
            schema: "portbook.exported/v1",
            manifest: &manifest,
            manifest_file: &beside,
        })?;
    } else {
        tell(session, &file, &manifest)?;
    }
    Ok(Exit::Done)
}

fn write_manifest(file: &Path, manifest: &Manifest) -> Result<PathBuf, Failure> {
    let mut beside = file.as_os_str().to_owned();
    beside.push(".manifest.json");
    let beside = PathBuf::from(beside);
    let mut out = Output::create(&beside)?;
    serde_json::to_writer_pretty(&mut out, manifest)
        .map_err(|error| Failure::of(Exit::InputOutput, &error))?;
    out.finish()?;
    Ok(beside)
}

fn tell(session: &Session, file: &Path, manifest: &Manifest) -> Result<(), Failure> {
    session.speech.answer(format_args!(
        "{}: {} rows under checkpoint {}, SHA-256 {}",
        file.display(),
        grouped(manifest.rows),
        grouped(manifest.about.checkpoint_size),
        manifest.sha256
    ))?;
    for (kind, count) in &manifest.tally.events {
        let mass = manifest
            .tally
            .mass_g
            .get(kind)
            .map_or_else(String::new, |grams| format!("{:>20} kg", kilograms(*grams)));
        session
            .speech
            .answer(format!("  {kind:<22} {:>12}{mass}", grouped(*count)).trim_end())?;
    }
    for (class, count) in &manifest.left_out {
        session
            .speech
            .answer(format_args!("  left out: {} {class}", grouped(*count)))?;
    }
    Ok(())
}

const fn ending(format: Format) -> &'static str {
    match format {
        Format::Parquet => "parquet",
        Format::Csv => "csv",
        Format::Ndjson => "ndjson",
        Format::Ocel => "ocel.json",
        Format::Xes => "xes",
        Format::Epcis => "epcis.json",
    }
}

/// What an export that ended early means to the caller.
pub(crate) fn failed(error: &ExportError) -> Failure {
    match error {
        ExportError::Leaf { .. }
        | ExportError::NoLeaf { .. }
        | ExportError::Question(QuestionError::Leaf { .. }) => {
            Failure::of(Exit::LedgerFault, error).hint("portbook verify --all says which record it is")
        }
        ExportError::Write(cause) if cause.kind() == std::io::ErrorKind::BrokenPipe => {
            Failure::new(Exit::Done, "")
        }
        ExportError::Store(_)
        | ExportError::Question(_)
        | ExportError::Write(_)
        | ExportError::Parquet(_)
        | ExportError::Json(_)
        | ExportError::Csv(_)
        | ExportError::TooHeavy { .. } => Failure::of(Exit::InputOutput, error),
    }
}
