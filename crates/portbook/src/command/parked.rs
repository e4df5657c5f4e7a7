//! `portbook parked`: cases that wait behind an event which cannot be folded.

use portbook_audit::record;
use portbook_domain::CaseId;
use portbook_ledger::{Index, Leaf};
use portbook_projection::{ParkedIn, Projections, RepairError, Retried, VIEWS};
use portbook_store::StoreReader;
use serde_json::{Value, json};

use crate::args::views::ParkedCommand;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::following::Following;
use crate::session::Session;
use crate::speech::harmless;

/// Runs one of the verbs.
pub(crate) fn run(session: &Session, command: &ParkedCommand) -> Outcome {
    let reader = StoreReader::open(&session.home.ledger().store())?;
    let projections = current(session, &reader)?;
    match command {
        ParkedCommand::Ls => list(session, &projections),
        ParkedCommand::Show { case } => show(session, &reader, &projections, case),
        ParkedCommand::Retry { case } => {
            let retried = projections.retry(case.as_ref())?;
            tell(session, &retried)
        }
        ParkedCommand::Resolve { case, reason } => {
            let now = jiff::Timestamp::now().as_nanosecond();
            let now = u64::try_from(now).unwrap_or(0);
            let retried = projections
                .resolve(case, reason, now)
                .map_err(|error| match error {
                    RepairError::Projection(error) => error.into(),
                    error @ RepairError::NotParked { .. } => Failure::of(Exit::Usage, &error),
                })?;
            tell(session, &retried)
        }
    }
}

/// The live views at the end of the ledger.
fn current(session: &Session, reader: &StoreReader) -> Result<Projections, Failure> {
    let projections = Projections::open(reader.clone(), &session.home.ledger().views(), VIEWS)?;
    let following = Following::start(session, "folding")?;
    let size = reader.book()?.size();
    projections.catch_up_to(size, &mut |reached, end| following.go_on(reached, end))?;
    following.end();
    if projections.size() < size {
        return Err(Failure::new(
            Exit::Interrupted,
            "stopped before the views were folded",
        ));
    }
    projections.snapshot()?;
    Ok(projections)
}

fn list(session: &Session, projections: &Projections) -> Outcome {
    let parked = projections.parked();
    let resolved = projections.resolutions()?;
    if session.speech.is_machine() {
        session.speech.json(&json!({
            "schema": "portbook.parked/v1", "parked": parked.iter().map(document).collect::<Vec<_>>(),
            "resolved": resolved,
        }))?;
        return Ok(Exit::Done);
    }
    session.speech.answer(format_args!(
        "{:<20} {:<16} {:>7} {:>10}  reason",
        "case", "view", "waiting", "from leaf"
    ))?;
    for ParkedIn { view, parked } in &parked {
        session.speech.answer(format_args!(
            "{:<20} {view:<16} {:>7} {:>10}  {}",
            parked.case,
            parked.waiting.len(),
            parked.waiting.first().copied().unwrap_or_default(),
            harmless(&parked.reason)
        ))?;
    }
    for it in &resolved {
        session.speech.answer(format_args!(
            "{:<20} leaf {} is skipped by declaration: {}",
            it.case,
            it.leaf,
            harmless(&it.reason)
        ))?;
    }
    Ok(Exit::Done)
}

fn show(session: &Session, reader: &StoreReader, projections: &Projections, case: &CaseId) -> Outcome {
    let parked = projections.parked();
    let mut parked = parked
        .iter()
        .filter(|it| it.parked.case == case.as_str())
        .peekable();
    if parked.peek().is_none() {
        let error = RepairError::NotParked { case: case.clone() };
        return Err(Failure::of(Exit::Usage, &error).hint("portbook parked ls lists the cases that are"));
    }
    let mut documents = Vec::new();
    for it in parked {
        let bodies: Result<Vec<Value>, Failure> = it
            .parked
            .waiting
            .iter()
            .map(|leaf| Ok(json!({"leaf": leaf, "body": body_of(reader, *leaf)?})))
            .collect();
        let mut row = document(it);
        if let Some(row) = row.as_object_mut() {
            row.insert("events".to_owned(), Value::Array(bodies?));
        }
        documents.push(row);
    }
    if session.speech.is_machine() {
        session
            .speech
            .json(&json!({"schema": "portbook.parked-case/v1", "case": case.as_str(), "views": documents}))?;
    } else {
        documents
            .iter()
            .try_for_each(|document| session.speech.json(document))?;
    }
    Ok(Exit::Done)
}

fn body_of(reader: &StoreReader, leaf: u64) -> Result<String, Failure> {
    let index = Index::new(leaf).unwrap_or(Index::FIRST);
    let found = record(reader, index)?;
    Ok(match found.leaf()? {
        Leaf::Record(record) => String::from_utf8_lossy(record.body).into_owned(),
        Leaf::Seal(_) => String::new(),
    })
}

fn tell(session: &Session, retried: &Retried) -> Outcome {
    if session.speech.is_machine() {
        session.speech.json(&json!({
            "schema": "portbook.retried/v1", "released": retried.released,
            "waiting": retried.waiting.iter().map(document).collect::<Vec<_>>(),
        }))?;
    } else {
        if retried.released.is_empty() && retried.waiting.is_empty() {
            session.speech.answer("no case is parked")?;
        }
        for case in &retried.released {
            session.speech.answer(format_args!("{case} goes on"))?;
        }
        for ParkedIn { view, parked } in &retried.waiting {
            session.speech.answer(format_args!(
                "{} waits in {view}: {}",
                parked.case,
                harmless(&parked.reason)
            ))?;
        }
    }
    Ok(Exit::Done)
}

fn document(it: &ParkedIn) -> Value {
    json!({
        "view": it.view, "case": it.parked.case, "reason": it.parked.reason, "waiting": it.parked.waiting,
    })
}
