//! `portbook replay`: recorded events again, to a point on either clock, as events or as a view.

use std::path::Path;
use std::time::Instant;

use jiff::SignedDuration;
use portbook_audit::AsOf;
use portbook_domain::{EventKind, PortCode};
use portbook_ledger::Size;
use portbook_projection::{Filter, Kind, Replayed, past, replay, size_at, transcribe};
use portbook_store::{LedgerDirectory, Store, StoreReader};
use serde::Serialize;
use serde_json::json;
use serde_json::value::RawValue;

use crate::args::views::{AsOfArgs, Clock, FilterArgs, Point, ReplayArgs};
use crate::command::timeline::chain_of;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::following::Following;
use crate::session::Session;
use crate::speech::grouped;
use crate::view_row::{hex, kind_of, print_rows};

/// Leaves gone through to estimate by.
const SAMPLE_LEAVES: u64 = 20_000;

#[derive(Serialize)]
struct Event<'a> {
    leaf: u64,
    port: &'a str,
    port_seq: u64,
    class: &'static str,
    recorded_at_ns: u64,
    subject: &'a str,
    readable: bool,
    /// The bytes of the body as they came.
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<&'a RawValue>,
    /// A body that is no JSON on one line.
    #[serde(skip_serializing_if = "Option::is_none")]
    body_hex: Option<String>,
}

/// Replays.
pub(crate) fn run(session: &Session, args: &ReplayArgs) -> Outcome {
    let reader = StoreReader::open(&session.home.ledger().store())?;
    let mut filter = filter_of(&args.filter)?;
    let size = match (args.clock, args.to) {
        (Clock::Occurred, Point::Time(last)) => {
            let behind = last.checked_add(SignedDuration::from_nanos(1));
            let behind = behind.map_err(|error| Failure::of(Exit::Usage, &error))?;
            filter.until = Some(filter.until.map_or(behind, |until| until.min(behind)));
            size_of(session, &reader, Point::Now)?
        }
        (Clock::Occurred | Clock::Recorded, point) => size_of(session, &reader, point)?,
    };
    if args.dry_run {
        return estimate(session, &reader, args.from.min(size)..size, &filter);
    }
    let following = Following::start(session, "replaying")?;
    let ended = if let Some(directory) = &args.into {
        transcript(session, &reader, directory, size, &following)
    } else if args.form == "events" {
        events(session, &reader, args.from.min(size)..size, &filter, &following)
    } else {
        view(session, &reader, kind_of(&args.form)?, size, filter, &following)
    };
    following.end();
    ended
}

/// As of when a question is asked.
pub(crate) fn as_of(session: &Session, reader: &StoreReader, asked: AsOfArgs) -> Result<AsOf, Failure> {
    Ok(AsOf {
        size: size_of(session, reader, asked.at)?,
        happened_by: asked.as_of_occurred,
    })
}

/// How many leaves a ledger had at `point`.
pub(crate) fn size_of(session: &Session, reader: &StoreReader, point: Point) -> Result<u64, Failure> {
    let end = reader.book()?.size();
    let size = match point {
        Point::Now => end,
        Point::Size(size) => size,
        Point::Time(time) => size_at(reader, time)?,
        Point::Checkpoint(asked) => {
            let published = session.home.ledger().checkpoint_sizes()?;
            let found = match asked {
                None => published.last().copied(),
                Some(size) => published.into_iter().find(|it| *it == Size::new(size)),
            };
            let found = found.ok_or_else(|| {
                Failure::new(Exit::Unavailable, "there is no such checkpoint")
                    .hint("portbook checkpoint ls lists the published ones")
            })?;
            found.get()
        }
    };
    if size > end {
        let message = format!("the ledger has {} leaves, not {}", grouped(end), grouped(size));
        return Err(Failure::new(Exit::Usage, message));
    }
    Ok(size)
}

fn filter_of(args: &FilterArgs) -> Result<Filter, Failure> {
    let port = match &args.port {
        Some(written) => {
            let chain = chain_of(written)?.to_string();
            Some(PortCode::new(&chain).map_err(|error| Failure::of(Exit::Usage, &error))?)
        }
        None => None,
    };
    let kind = match &args.event {
        Some(name) => Some(EventKind::from_name(name).ok_or_else(|| {
            let names: Vec<&str> = EventKind::ALL.iter().map(|kind| kind.name()).collect();
            Failure::new(Exit::Usage, format!("there is no type of event called {name:?}"))
                .hint(format!("the types are {}", names.join(", ")))
        })?),
        None => None,
    };
    Ok(Filter {
        port,
        kind,
        case: args.case.clone(),
        destination: args.destination.clone(),
        element: args.element.clone(),
        hs: args.hs.clone(),
        since: args.since,
        until: args.until,
    })
}

fn estimate(
    session: &Session,
    reader: &StoreReader,
    range: std::ops::Range<u64>,
    filter: &Filter,
) -> Outcome {
    let leaves = range.end - range.start;
    let sample = leaves.min(SAMPLE_LEAVES);
    let started = Instant::now();
    let (mut selected, mut bytes) = (0_u64, 0_u64);
    let sampled = range.start..range.start + sample;
    let count = |it: &Replayed| {
        selected += 1;
        bytes += u64::try_from(it.body.len()).unwrap_or(u64::MAX);
        Ok::<(), Failure>(())
    };
    replay(reader, sampled, filter, count, &mut |_, _| true)?;
    let scaled = |part: u64| u64::try_from(u128::from(part) * u128::from(leaves) / u128::from(sample.max(1)));
    let taken = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    let [events, bytes, ms] = [selected, bytes, taken].map(|part| scaled(part).unwrap_or(u64::MAX));
    if session.speech.is_machine() {
        session.speech.json(&json!({
            "schema": "portbook.replay-estimate/v1", "leaves": leaves, "sampled": sample, "estimated_events": events,
            "estimated_bytes": bytes, "estimated_ms": ms,
        }))?;
    } else {
        session.speech.answer(format_args!(
            "would go through {} leaves: about {} events, {} bytes, {} s, by the first {}",
            grouped(leaves),
            grouped(events),
            grouped(bytes),
            ms / 1_000 + 1,
            grouped(sample)
        ))?;
    }
    Ok(Exit::Done)
}

fn events(
    session: &Session,
    reader: &StoreReader,
    range: std::ops::Range<u64>,
    filter: &Filter,
    following: &Following,
) -> Outcome {
    let (from, end) = (range.start, range.end);
    let mut count = 0_u64;
    let print = |it: &Replayed| {
        count += 1;
        print_event(session, it)
    };
    let at = replay(reader, range, filter, print, &mut |reached, _| {
        following.go_on(reached.saturating_sub(from), end - from)
    })?;
    if at < end {
        return Err(Failure::new(
            Exit::Interrupted,
            format!("stopped after message {at}; every event up to there is printed"),
        )
        .hint(format!("the same command with --from {at} goes on from there")));
    }
    session
        .speech
        .answer(json!({"end": true, "schema": "portbook.replay/v1", "size": end, "events": count}))?;
    Ok(Exit::Done)
}

fn print_event(session: &Session, it: &Replayed) -> Result<(), Failure> {
    let text = std::str::from_utf8(&it.body).ok();
    let text = text.filter(|text| !text.contains(['\n', '\r']));
    let raw = text.and_then(|text| serde_json::from_str::<&RawValue>(text).ok());
    let body = raw.filter(|raw| raw.get().len() == it.body.len());
    let event = Event {
        leaf: it.leaf,
        port: &it.port,
        port_seq: it.port_seq,
        class: it.kind.name(),
        recorded_at_ns: it.recorded_at_ns,
        subject: &it.subject,
        readable: it.readable,
        body,
        body_hex: body.is_none().then(|| hex(&it.body)),
    };
    let line = serde_json::to_string(&event).map_err(|error| Failure::of(Exit::InputOutput, &error))?;
    session.speech.answer(line)
}

/// Makes the same ledger in `directory`, with what was published of it up to there.
fn transcript(
    session: &Session,
    reader: &StoreReader,
    directory: &Path,
    size: u64,
    following: &Following,
) -> Outcome {
    let target = LedgerDirectory::at(directory.to_owned());
    let mut store = if target.store().join("db").exists() {
        Store::open(&target.store())?
    } else {
        Store::create(&target.store())?
    };
    let held = store.book().size();
    if held > size {
        let message = format!("{} holds {} leaves already", directory.display(), grouped(held));
        return Err(Failure::new(Exit::Usage, message)
            .hint("what is recorded is not taken back; name another directory"));
    }
    let reached = transcribe(reader, &mut store, size, &mut |at, end| following.go_on(at, end))?;
    let root = store.book().frontier.root();
    if reached < size {
        let message = format!("stopped after {} leaves", grouped(reached));
        return Err(Failure::new(Exit::Interrupted, message).hint("the same command goes on from there"));
    }
    publish(&session.home.ledger(), &target, size)?;
    if session.speech.is_machine() {
        session.speech.json(&json!({
            "schema": "portbook.replay-ledger/v1", "directory": directory, "size": reached, "root": root.to_hex(),
        }))?;
    } else {
        session.speech.answer(format_args!(
            "{} holds {} leaves, each equal to the one it was made from; root {root}",
            directory.display(),
            grouped(reached)
        ))?;
    }
    Ok(Exit::Done)
}

fn publish(source: &LedgerDirectory, target: &LedgerDirectory, size: u64) -> Result<(), Failure> {
    if target.signed_log()?.is_none() {
        target.create()?;
    }
    let done = target.signed_log()?.unwrap_or_default();
    let signed = source.signed_log()?.unwrap_or_default();
    let fresh = signed.roots().iter().filter(|root| root.size.get() <= size);
    for root in fresh.filter(|root| !done.roots().contains(root)) {
        target.note_signing(root)?;
    }
    let published = target.checkpoint_sizes()?;
    for checkpoint in source.checkpoint_sizes()? {
        if checkpoint.get() <= size
            && !published.contains(&checkpoint)
            && let Some(note) = source.checkpoint_at(checkpoint)?
        {
            target.publish_checkpoint(checkpoint, &note)?;
        }
    }
    Ok(())
}

fn view(
    session: &Session,
    reader: &StoreReader,
    kind: Kind,
    size: u64,
    filter: Filter,
    following: &Following,
) -> Outcome {
    let path = session.home.ledger().views();
    let folded = past(reader, &path, kind, size, filter, &mut |reached, end| {
        following.go_on(reached, end)
    })?;
    match folded {
        Some(past) => {
            print_rows(session, kind.name, past)?;
            Ok(Exit::Done)
        }
        None => Err(Failure::new(
            Exit::Interrupted,
            "stopped before the view was folded",
        )),
    }
}
