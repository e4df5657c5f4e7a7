//! `portbook claims`: what others claim, judged by what is recorded.

use std::path::Path;

use portbook_answers::{Claim, Grounds, Judged, side_by_side};
use serde::Serialize;

use super::asking;
use super::rests_on::{Basis, Loaded, RestsOn};
use crate::args::ClaimsArgs;
use crate::command::timeline::csv_field;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::session::Session;
use crate::speech::{Form, Speech, harmless};

const CLAIMS: &[(&str, &str)] = &[
    (
        "excluded-destinations.toml",
        include_str!("../../../../../config/claims/excluded-destinations.toml"),
    ),
    (
        "eu-expedited.toml",
        include_str!("../../../../../config/claims/eu-expedited.toml"),
    ),
    (
        "term-kept.toml",
        include_str!("../../../../../config/claims/term-kept.toml"),
    ),
];

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    claims: Vec<Entry>,
    rests_on: &'a RestsOn,
}

#[derive(Serialize)]
struct Entry {
    file: String,
    id: String,
    text: String,
    source: String,
    date: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
    judged: Vec<Judged>,
}

/// Judges the claims of some files, or those this program carries.
pub(crate) fn run(session: &Session, args: &ClaimsArgs) -> Outcome {
    let claims = read(args)?;
    // Files are where the command is, not where the ledger is served.
    if args.files.is_empty()
        && let Some(told) = asking::ask(session, &args.rests_on)
    {
        return Speech::pass_on(&told).map(|()| Exit::Done);
    }
    let loaded = Loaded::load(session, &args.rests_on)?;
    tell_all(&session.speech, &loaded.basis(&args.rests_on), claims)?;
    Ok(Exit::Done)
}

/// Judges the claims that this program carries on `basis`.
pub(crate) fn tell(speech: &Speech, basis: &Basis<'_>, args: &ClaimsArgs) -> Result<(), Failure> {
    tell_all(speech, basis, read(args)?)
}

fn tell_all(speech: &Speech, basis: &Basis<'_>, claims: Vec<(String, Claim)>) -> Result<(), Failure> {
    let grounds = basis.grounds();
    let entries = side_by_side(claims, |(file, claim)| judge(&grounds, file, claim));
    let entries: Vec<Entry> = entries.into_iter().collect::<Result<_, _>>()?;
    let rests_on = basis.rests_on(&grounds);
    match speech.form {
        Form::Json => speech.json(&Document {
            schema: "portbook.claims/v1",
            claims: entries,
            rests_on: &rests_on,
        })?,
        Form::Ndjson => speech.lines(&entries)?,
        Form::Csv => print_csv(speech, &entries)?,
        Form::Table => {
            entries.iter().try_for_each(|entry| print(speech, entry))?;
            rests_on.print(speech)?;
        }
    }
    Ok(())
}

fn read(args: &ClaimsArgs) -> Result<Vec<(String, Claim)>, Failure> {
    if args.files.is_empty() {
        return CLAIMS
            .iter()
            .map(|(file, text)| Ok(((*file).to_owned(), parse(Path::new(file), text)?)))
            .collect();
    }
    let read = args.files.iter().map(|path| {
        let text = std::fs::read_to_string(path).map_err(|error| Failure::file("read", path, &error))?;
        Ok((path.display().to_string(), parse(path, &text)?))
    });
    read.collect()
}

fn parse(path: &Path, text: &str) -> Result<Claim, Failure> {
    toml::from_str(text).map_err(|error| {
        Failure::new(
            Exit::Configuration,
            format!(
                "{}: not a claim: {}",
                path.display(),
                error.to_string().trim_end()
            ),
        )
        .hint("config/claims/README.md says what a claim consists of")
    })
}

fn judge(grounds: &Grounds<'_>, file: String, claim: Claim) -> Result<Entry, Failure> {
    let judged = claim
        .judge(grounds)
        .map_err(|error| Failure::new(Exit::Configuration, format!("{file}: {error}")))?;
    Ok(Entry {
        file,
        id: claim.id,
        text: claim.text,
        source: claim.source,
        date: claim.date.to_string(),
        note: claim.note,
        judged,
    })
}

fn print(speech: &Speech, entry: &Entry) -> Result<(), Failure> {
    let mut judged = entry.judged.iter();
    if let Some(whole) = judged.next() {
        let verdict = whole.verdict.word().to_uppercase();
        speech.answer(format_args!("{verdict}  {}", harmless(&entry.text)))?;
        speech.answer(format_args!(
            "  claimed   {} · {}",
            entry.date,
            harmless(&entry.source)
        ))?;
        speech.answer(format_args!(
            "  evidence  {} (n {}){}",
            whole.evidence,
            whole.n,
            leaves(whole)
        ))?;
    }
    for part in judged {
        speech.answer(format_args!(
            "  {:<9} {}: {}{}",
            part.part,
            part.verdict.word(),
            part.evidence,
            leaves(part)
        ))?;
    }
    speech.answer("")
}

fn leaves(judged: &Judged) -> String {
    if judged.records.is_empty() {
        return String::new();
    }
    let leaves: Vec<String> = judged.records.iter().map(ToString::to_string).collect();
    format!(", leaves {}", leaves.join(" "))
}

fn print_csv(speech: &Speech, entries: &[Entry]) -> Result<(), Failure> {
    speech.answer("id,part,verdict,n,evidence,records")?;
    for entry in entries {
        for judged in &entry.judged {
            let records: Vec<String> = judged.records.iter().map(ToString::to_string).collect();
            speech.answer(format_args!(
                "{},{},{},{},{},{}",
                csv_field(&entry.id),
                csv_field(&judged.part),
                judged.verdict.word(),
                judged.n,
                csv_field(&judged.evidence),
                records.join(" ")
            ))?;
        }
    }
    Ok(())
}
