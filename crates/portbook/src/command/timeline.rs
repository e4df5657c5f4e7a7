//! `portbook timeline`: what happened at a port, in the order it happened.

mod mark;

use jiff::Timestamp;
use portbook_ledger::{Chain, Size};
use portbook_store::{StoreReader, Verdict};
use portbook_views::{RecordClass, TimelineRow};
use serde::Serialize;

pub(crate) use self::mark::{Marked, marked};
use crate::args::TimelineArgs;
use crate::command::replay::size_of;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::reference;
use crate::session::Session;
use crate::speech::{Form, harmless, kilograms};

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    port: String,
    rows: Vec<Row<'a>>,
}

#[derive(Serialize)]
struct Row<'a> {
    leaf: u64,
    port_seq: u64,
    class: RecordClass,
    #[serde(skip_serializing_if = "Option::is_none")]
    refers_to: Option<u64>,
    event_id: &'a str,
    event: &'a str,
    case: &'a str,
    occurred_at: Timestamp,
    recorded_at_ns: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    port_as_written: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    destination: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    element: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    license_no: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    declaration_no: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mass_g: Option<u64>,
    note: &'a str,
    simulated: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    unreadable: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    signature: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    contested_by: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    annulled_by: Option<u64>,
    #[serde(skip_serializing_if = "<[u64]>::is_empty")]
    corrected_by: &'a [u64],
    #[serde(skip_serializing_if = "Option::is_none")]
    without_effect: Option<&'a str>,
}

impl<'a> Row<'a> {
    fn of(Marked { row, mark }: &'a Marked) -> Self {
        Self {
            leaf: row.place.index,
            port_seq: row.place.chain_seq,
            class: row.class,
            refers_to: row.refers_to,
            event_id: &row.event_id,
            event: &row.event,
            case: &row.case,
            occurred_at: row.occurred_at(),
            recorded_at_ns: row.place.recorded_at_ns,
            port_as_written: row
                .port_as_written
                .as_ref()
                .map(portbook_domain::PortCode::as_str),
            destination: row.destination.as_ref().map(portbook_domain::CountryCode::as_str),
            element: row.element.as_ref().map(portbook_domain::Element::as_str),
            license_no: row.license_no.as_ref().map(portbook_domain::LicenseNo::as_str),
            declaration_no: row
                .declaration_no
                .as_ref()
                .map(portbook_domain::DeclarationNo::as_str),
            mass_g: row.mass_g,
            note: &row.note,
            simulated: row.simulated,
            unreadable: row.unreadable.as_deref(),
            signature: mark.verdict.map(Verdict::word),
            contested_by: mark.contested_by,
            annulled_by: mark.standing.annulled_by,
            corrected_by: &mark.standing.corrected_by,
            without_effect: mark.idle.as_deref(),
        }
    }
}

/// Prints the timeline.
pub(crate) fn run(session: &Session, args: &TimelineArgs) -> Outcome {
    let reader = StoreReader::open(&session.home.ledger().store())?;
    let chain = chain_of(&args.port)?;
    let size = size_of(session, &reader, args.at)?;
    let rows = marked(
        &reader,
        rows(&reader, chain, size, args)?,
        size,
        args.as_corrected,
    )?;
    print(session, chain, &rows)?;
    Ok(Exit::Done)
}

/// The chain of a port as written, of an alias, or of `~CONTROL` and `~QUARANTINE`.
pub(crate) fn chain_of(port: &str) -> Result<Chain, Failure> {
    if let Some(chain) = Chain::from_bytes(port.as_bytes()).filter(|chain| !chain.is_port()) {
        return Ok(chain);
    }
    let written = port.parse().map_err(|error| Failure::of(Exit::Usage, &error))?;
    let tables = reference::load()?;
    let code = tables.reference.aliases.normalize(&written);
    Chain::port(code.as_str()).map_err(|error| Failure::of(Exit::Usage, &error))
}

/// The rows asked for among the first `size` leaves, by the time of the events unless chain order was asked for.
pub(crate) fn rows(
    reader: &StoreReader,
    chain: Chain,
    size: u64,
    args: &TimelineArgs,
) -> Result<Vec<TimelineRow>, Failure> {
    let count = reader
        .book()?
        .heads
        .get(&chain)
        .map_or(Size::ZERO, |head| head.frontier.size());
    let mut rows = Vec::new();
    for row in reader.rows(chain, 1..count.get().saturating_add(1)) {
        let row = row?;
        if row.place.index >= size {
            break;
        }
        if wanted(&row, args) {
            rows.push(row);
        }
    }
    if !args.chain_order {
        rows.sort_by_key(|row| (row.occurred_at_ns, row.place.index));
    }
    if let Some(limit) = args.limit {
        rows.drain(..rows.len().saturating_sub(limit));
    }
    Ok(rows)
}

fn wanted(row: &TimelineRow, args: &TimelineArgs) -> bool {
    let same = |asked: &Option<String>, found: Option<&str>| {
        asked.as_deref().is_none_or(|asked| Some(asked) == found)
    };
    same(&args.case, Some(&row.case))
        && same(&args.event, Some(&row.event))
        && same(
            &args.element,
            row.element.as_ref().map(portbook_domain::Element::as_str),
        )
        && same(
            &args.to,
            row.destination.as_ref().map(portbook_domain::CountryCode::as_str),
        )
        && args.since.is_none_or(|since| row.occurred_at() >= since)
        && args.until.is_none_or(|until| row.occurred_at() < until)
}

/// Prints rows in the form asked for.
pub(crate) fn print(session: &Session, chain: Chain, rows: &[Marked]) -> Result<(), Failure> {
    match session.speech.form {
        Form::Json => {
            let rows = rows.iter().map(Row::of).collect();
            session.speech.json(&Document {
                schema: "portbook.timeline/v1",
                port: chain.to_string(),
                rows,
            })
        }
        Form::Ndjson => session.speech.lines(rows.iter().map(Row::of)),
        Form::Csv => print_csv(session, rows),
        Form::Table => print_table(session, rows),
    }
}

fn print_csv(session: &Session, rows: &[Marked]) -> Result<(), Failure> {
    session.speech.answer(
        "leaf,port_seq,class,event_id,event,case,occurred_at,port_as_written,destination,element,license_no,declaration_no,mass_g,note",
    )?;
    for marked in rows {
        let row = &marked.row;
        let Row {
            leaf,
            port_seq,
            event_id,
            event,
            case,
            occurred_at,
            ..
        } = Row::of(marked);
        let text = Row::of(marked);
        session.speech.answer(format_args!(
            "{leaf},{port_seq},{},{event_id},{event},{case},{occurred_at},{},{},{},{},{},{},{}",
            class_word(row.class),
            text.port_as_written.unwrap_or_default(),
            text.destination.unwrap_or_default(),
            text.element.unwrap_or_default(),
            csv_field(text.license_no.unwrap_or_default()),
            csv_field(text.declaration_no.unwrap_or_default()),
            text.mass_g.map(|grams| grams.to_string()).unwrap_or_default(),
            csv_field(text.note)
        ))?;
    }
    Ok(())
}

/// Quotes a field, and keeps a spreadsheet from taking it for a formula.
pub(crate) fn csv_field(text: &str) -> String {
    let text = harmless(text);
    let formula = text.starts_with(['=', '+', '-', '@']);
    let plain = !formula && !text.contains([',', '"']);
    if plain {
        text
    } else {
        format!(
            "\"{}{}\"",
            if formula { "'" } else { "" },
            text.replace('"', "\"\"")
        )
    }
}

fn print_table(session: &Session, rows: &[Marked]) -> Result<(), Failure> {
    session.speech.answer(format_args!(
        "{:>8}  {:<20}  {:<21} {:<18} {:<3} {:<2} {:>11}  note",
        "record", "occurred", "event", "case", "to", "el", "kg"
    ))?;
    for marked in rows {
        let (row, text) = (&marked.row, Row::of(marked));
        let mut note = harmless(text.note);
        for part in [text.license_no, text.declaration_no].into_iter().flatten() {
            note = format!(
                "{note}{}{}",
                if note.is_empty() { "" } else { " · " },
                harmless(part)
            );
        }
        if let Some(written) = text.port_as_written {
            note = format!("{note} · written {written}");
        }
        if row.class != RecordClass::Event {
            note = format!("[{}] {note}", class_word(row.class));
        }
        if let Some(reason) = text.unreadable {
            note = format!("[unreadable] {}", harmless(reason));
        }
        note = marked.mark.beside(&note);
        let line = format!(
            "{:>8}  {:<20}  {:<21} {:<18} {:<3} {:<2} {:>11}  {note}",
            row.place.chain_seq,
            session.speech.time(row.occurred_at()),
            text.event,
            text.case,
            text.destination.unwrap_or_default(),
            text.element.unwrap_or_default(),
            text.mass_g.map(kilograms).unwrap_or_default()
        );
        session.speech.answer(line.trim_end())?;
    }
    Ok(())
}

const fn class_word(class: RecordClass) -> &'static str {
    match class {
        RecordClass::Event => "event",
        RecordClass::Redelivery => "redelivery",
        RecordClass::Conflict => "conflict",
        RecordClass::Quarantine => "quarantine",
        RecordClass::Control => "control",
    }
}
