//! `portbook projection`: generations of views, what differs between them, which is live, and rows as of then.

use portbook_projection::{
    Filter, Kind, Projections, Standing, VIEWS, difference, generations, past, promote, promote_back,
    recorded_at_ns,
};
use portbook_store::{Generation, StoreReader};
use serde_json::{Value, json};

use crate::args::views::{Point, ProjectionCommand};
use crate::command::rebuild::Changes;
use crate::command::replay::size_of;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::following::Following;
use crate::session::Session;
use crate::speech::grouped;
use crate::view_row::{change_json, kind_of, print_rows};

/// Runs one of the verbs.
pub(crate) fn run(session: &Session, command: &ProjectionCommand) -> Outcome {
    match command {
        ProjectionCommand::Ls => list(session),
        ProjectionCommand::Status => status(session),
        ProjectionCommand::Diff { view, from, to } => diff(session, kind_of(view)?, (*from, *to)),
        ProjectionCommand::Promote {
            view,
            generation,
            back,
        } => make_live(session, kind_of(view)?, *generation, *back),
        ProjectionCommand::Rows { view, as_of } => {
            rows(session, kind_of(view)?, as_of.at, as_of.as_of_occurred)
        }
    }
}

fn reader(session: &Session) -> Result<StoreReader, Failure> {
    Ok(StoreReader::open(&session.home.ledger().store())?)
}

fn list(session: &Session) -> Outcome {
    // A home without a ledger has no views either.
    reader(session)?;
    let listed = generations(&session.home.ledger().views())?;
    if session.speech.is_machine() {
        let rows: Vec<Value> = listed
            .iter()
            .map(|it| json!({"standing": word(it.standing), "generation": document(&it.generation)}))
            .collect();
        session
            .speech
            .json(&json!({"schema": "portbook.projections/v1", "generations": rows}))?;
        return Ok(Exit::Done);
    }
    session.speech.answer(format_args!(
        "{:<16} {:>3} {:>4}  {:<8} {:>12} {:>12} {:>6}  root",
        "view", "gen", "code", "standing", "leaves", "rows", "parked"
    ))?;
    for it in &listed {
        let generation = &it.generation;
        session.speech.answer(format_args!(
            "{:<16} {:>3} {:>4}  {:<8} {:>12} {:>12} {:>6}  {}",
            generation.view,
            generation.number,
            generation.version,
            word(it.standing),
            grouped(generation.cursor),
            grouped(generation.rows),
            generation.parked,
            generation.root
        ))?;
    }
    Ok(Exit::Done)
}

fn status(session: &Session) -> Outcome {
    let reader = reader(session)?;
    let size = reader.book()?.size();
    let listed = generations(&session.home.ledger().views())?;
    let live = |kind: &Kind| {
        let mut found = listed.iter().filter(|it| it.generation.view == kind.name);
        found
            .find(|it| it.standing == Standing::Live)
            .map(|it| &it.generation)
    };
    if session.speech.is_machine() {
        let views: Vec<Value> = VIEWS
            .iter()
            .map(|kind| {
                let behind = live(kind).map_or(size, |it| size.saturating_sub(it.cursor));
                Ok(json!({
                    "view": kind.name, "version": kind.version, "leaves_since_snapshot": behind,
                    "seconds_since_snapshot": age_s(&reader, size, behind)?,
                    "live": live(kind).map(document),
                }))
            })
            .collect::<Result<_, Failure>>()?;
        session
            .speech
            .json(&json!({"schema": "portbook.projection-status/v1", "size": size, "views": views}))?;
        return Ok(Exit::Done);
    }
    session
        .speech
        .answer(format_args!("ledger of {} leaves", grouped(size)))?;
    for kind in VIEWS {
        let text = match live(kind) {
            None => "never folded; the first one who reads it folds it".to_owned(),
            Some(it) if it.version != kind.version => format!(
                "generation {} is of code {}, this program is {}: it is folded again when it is read",
                it.number, it.version, kind.version
            ),
            Some(it) => {
                let behind = size.saturating_sub(it.cursor);
                format!(
                    "generation {}  {} rows  {} parked  snapshot {} leaves and {} s behind  root {}",
                    it.number,
                    grouped(it.rows),
                    it.parked,
                    grouped(behind),
                    age_s(&reader, size, behind)?,
                    it.root
                )
            }
        };
        session.speech.answer(format_args!("{:<16} {text}", kind.name))?;
    }
    Ok(Exit::Done)
}

/// How long the first of the last `behind` leaves has waited, in seconds.
fn age_s(reader: &StoreReader, size: u64, behind: u64) -> Result<u64, Failure> {
    if behind == 0 {
        return Ok(0);
    }
    let now_ns = u128::try_from(jiff::Timestamp::now().as_nanosecond()).unwrap_or(0);
    let since_ns = u128::from(recorded_at_ns(reader, size - behind)?);
    Ok(u64::try_from(now_ns.saturating_sub(since_ns) / 1_000_000_000).unwrap_or(u64::MAX))
}

fn diff(session: &Session, kind: Kind, pair: (Option<u64>, Option<u64>)) -> Outcome {
    let mut changes = Changes::new(session);
    let path = session.home.ledger().views();
    let compared = difference(&reader(session)?, &path, kind, pair, &mut |view, change| {
        changes.take(change_json(view, change));
    })?;
    let kept = changes.end()?;
    if session.speech.is_machine() {
        session.speech.json(&json!({
            "schema": "portbook.projection-diff/v1", "view": kind.name, "compared": compared, "changes": kept,
        }))?;
    } else {
        session.speech.answer(format_args!(
            "{} against generation {} after {} leaves: {} added, {} removed, {} changed",
            kind.name,
            compared.with,
            grouped(compared.at),
            compared.added,
            compared.removed,
            compared.changed
        ))?;
    }
    Ok(Exit::Done)
}

fn make_live(session: &Session, kind: Kind, number: Option<u64>, back: bool) -> Outcome {
    let (reader, path) = (reader(session)?, session.home.ledger().views());
    let mut changes = Changes::new(session);
    let generation = if back {
        promote_back(&reader, &path, kind)?
    } else {
        promote(&reader, &path, kind, number, &mut |view, change| {
            changes.take(change_json(view, change));
        })?
    };
    let kept = changes.end()?;
    if session.speech.is_machine() {
        session.speech.json(&json!({
            "schema": "portbook.promotion/v1", "live": document(&generation), "changes": kept,
        }))?;
    } else {
        session.speech.answer(format_args!(
            "{} generation {} is live; `portbook projection promote {} --back` is the way back",
            kind.name, generation.number, kind.name
        ))?;
    }
    Ok(Exit::Done)
}

fn rows(session: &Session, kind: Kind, at: Point, occurred: Option<jiff::Timestamp>) -> Outcome {
    let reader = reader(session)?;
    let path = session.home.ledger().views();
    let size = size_of(session, &reader, at)?;
    let following = Following::start(session, "folding")?;
    let go_on = &mut |reached, end| following.go_on(reached, end);
    let past = match (at, occurred) {
        // Nothing asked for but what is there: the live view, which is written down for the next one who asks.
        (Point::Now, None) => {
            let projections = Projections::open(reader.clone(), &path, &[kind])?;
            projections.catch_up(go_on)?;
            projections.snapshot()?;
            past(&reader, &path, kind, size, Filter::default(), go_on)?
        }
        (_, occurred) => {
            let until = occurred.map(|last| last.saturating_add(jiff::SignedDuration::from_nanos(1)));
            let until = until
                .transpose()
                .map_err(|error| Failure::of(Exit::Usage, &error))?;
            let filter = Filter {
                until,
                ..Filter::default()
            };
            past(&reader, &path, kind, size, filter, go_on)?
        }
    };
    following.end();
    let Some(past) = past else {
        return Err(Failure::new(
            Exit::Interrupted,
            "stopped before the view was folded",
        ));
    };
    print_rows(session, kind.name, past)?;
    Ok(Exit::Done)
}

fn document(it: &Generation) -> Value {
    json!({
        "view": it.view, "generation": it.number, "version": it.version, "leaves": it.cursor, "rows": it.rows,
        "bytes": it.bytes, "root": it.root.to_hex(), "parked": it.parked, "created_from": it.created_from,
        "compared": it.compared,
    })
}

const fn word(standing: Standing) -> &'static str {
    match standing {
        Standing::Live => "live",
        Standing::Former => "former",
        Standing::Ready => "ready",
        Standing::Building => "building",
    }
}
