//! The columns that Parquet, CSV and NDJSON share.

use jiff::Timestamp;
use jiff::civil::Date;
use portbook_ledger::Hash;

use crate::entry::{Content, Entry};
use crate::row::Row;

/// What the values of a column are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A whole number of 64 bits.
    Int64,
    /// A whole number of 32 bits.
    Int32,
    /// Text in UTF-8.
    Text,
    /// A JSON document as text.
    Json,
    /// A moment in UTC, to the microsecond.
    Micros,
    /// A day.
    Day,
    /// Kilograms with three decimals, exact: grams by another name.
    Kilograms,
    /// True or false.
    Bool,
    /// The 32 bytes of a SHA-256 digest.
    Hash,
}

/// A value of a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Cell<'a> {
    Int(i64),
    Text(&'a str),
    /// Whole grams.
    Grams(i64),
    Moment(Timestamp),
    Day(Date),
    Bool(bool),
    Hash(Hash),
}

/// A column.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// What its values are.
    pub kind: Kind,
    /// Whether every row has a value.
    pub required: bool,
    cell: for<'r> fn(&'r Entry, &'r Row<'r>) -> Option<Cell<'r>>,
}

impl Column {
    /// The value of a row.
    pub(crate) fn cell<'r>(&self, row: &'r Row<'r>) -> Option<Cell<'r>> {
        (self.cell)(row.entry, row)
    }
}

/// Declares the columns: name, kind, and how the value comes from entry and row. `!` marks what every row has.
macro_rules! columns {
    ($($name:literal $kind:ident $(! $required:ident)? |$entry:pat_param, $row:pat_param| $cell:expr;)*) => {
        /// Every column, in order. A column is never renamed, moved or given another kind; new ones come at the end.
        pub const COLUMNS: &[Column] = &[$(Column {
            name: $name,
            kind: Kind::$kind,
            required: columns!(@required $($required)?),
            cell: |$entry, $row| $cell,
        },)*];
    };
    (@required required) => { true };
    (@required) => { false };
}

columns! {
    "leaf" Int64 !required |entry, _| int(entry.index);
    "port" Text !required |entry, _| std::str::from_utf8(entry.chain.as_bytes()).ok().map(Cell::Text);
    "port_seq" Int64 !required |entry, _| int(entry.chain_seq);
    "class" Text !required |entry, _| Some(Cell::Text(entry.kind.name()));
    "refers_to" Int64 |entry, _| entry.refers_to.and_then(int);
    "leaf_hash" Hash !required |entry, _| Some(Cell::Hash(entry.hash));
    "event_id" Text |entry, _| decoded(entry).map(|(_, event)| Cell::Text(event.id.as_str()));
    "source" Text |entry, _| decoded(entry).map(|(envelope, _)| Cell::Text(envelope.source.as_str()));
    "event" Text |entry, _| decoded(entry).map(|(_, event)| Cell::Text(event.data.kind().name()));
    "case_id" Text |entry, _| decoded(entry).map(|(_, event)| Cell::Text(event.case.as_str()));
    "occurred_at" Micros |entry, _| decoded(entry).map(|(_, event)| Cell::Moment(event.occurred_at));
    "source_recorded_at" Micros |entry, _| decoded(entry).and_then(|(envelope, _)| envelope.recorded_at).map(Cell::Moment);
    "recorded_at" Micros !required |entry, _| Timestamp::from_nanosecond(i128::from(entry.recorded_at_ns)).ok().map(Cell::Moment);
    "port_as_written" Text |entry, _| decoded(entry).map(|(envelope, _)| Cell::Text(envelope.port.as_str()));
    "destination" Text |_, row| row.destination.map(Cell::Text);
    "hs" Text |_, row| row.hs.as_deref().map(Cell::Text);
    "control_code" Text |_, row| row.control_code.as_deref().map(Cell::Text);
    "element" Text |_, row| row.element.as_deref().map(Cell::Text);
    "license_no" Text |_, row| row.license_no.map(Cell::Text);
    "declaration_no" Text |_, row| row.declaration_no.map(Cell::Text);
    "control_status" Text |_, row| row.control_status.map(Cell::Text);
    "lane" Text |_, row| row.lane.map(Cell::Text);
    "stage" Text |_, row| row.stage.map(Cell::Text);
    "round" Int32 |_, row| row.round.map(|round| Cell::Int(i64::from(round)));
    "outcome" Text |_, row| row.outcome.map(Cell::Text);
    "reason" Text |_, row| row.reason.map(Cell::Text);
    "reply_due" Day |_, row| row.reply_due.map(Cell::Day);
    "valid_from" Day |_, row| row.valid_from.map(Cell::Day);
    "valid_until" Day |_, row| row.valid_until.map(Cell::Day);
    "lines" Int32 |_, row| row.lines.and_then(|lines| i64::try_from(lines).ok()).map(Cell::Int);
    "mass_g" Int64 |_, row| row.mass_g.and_then(int);
    "mass_kg" Kilograms |_, row| row.mass_g.and_then(|grams| i64::try_from(grams).ok()).map(Cell::Grams);
    "simulated" Bool |entry, _| decoded(entry).map(|(envelope, _)| Cell::Bool(envelope.simulated));
    "unreadable" Text |entry, _| match &entry.content {
        Content::Unreadable(why) => Some(Cell::Text(why)),
        Content::Event(_) | Content::Other => None,
    };
    "body" Json |entry, _| std::str::from_utf8(&entry.body).ok().map(Cell::Text);
}

fn int(value: u64) -> Option<Cell<'static>> {
    i64::try_from(value).ok().map(Cell::Int)
}

/// What the body says, also where it repeats or contradicts another.
fn decoded(entry: &Entry) -> Option<(&portbook_wire::Envelope, &portbook_domain::Event)> {
    match &entry.content {
        Content::Event(decoded) => Some((&decoded.0, &decoded.1)),
        Content::Unreadable(_) | Content::Other => None,
    }
}

/// Kilograms of grams, with three decimals.
pub(crate) fn kilograms(grams: i64) -> String {
    format!("{}.{:03}", grams / 1000, grams % 1000)
}

/// A moment to the microsecond, always with six digits.
pub(crate) fn moment(at: Timestamp) -> String {
    format!("{at:.6}")
}
