//! Observation files: NDJSON or CSV, one observed fact per line, plain or gzip.
//!
//! Lines are read one at a time and never collected. A malformed line gives a [`BadLine`] and reading goes on.
//! No clock is involved: the same line gives the same event, byte for byte, whenever it is read.

mod cell;
mod csv;
mod fact;
mod line;
mod mass;
mod ndjson;
mod row;

use std::io::{self, BufRead};

use jiff::Timestamp;
use portbook_domain::{CaseId, EventData, EventId, PortCode};
use serde::{Serialize, Serializer};
use uuid::Uuid;

pub use cell::LineRule;
pub use line::LINE_BYTES_MAX;
use line::Lines;
pub use row::COLUMNS;

use crate::{digest::hex, envelope::Envelope, source::Source};

/// One observed fact, read from one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observation {
    /// Number of the line in its file, from 1.
    pub line: u64,
    /// What tells this fact from others of its source.
    pub identity: Identity,
    /// The case.
    pub case: CaseId,
    /// The port as written.
    pub port: PortCode,
    /// When it happened, as claimed.
    pub occurred_at: Timestamp,
    /// When it was written down, as claimed.
    pub recorded_at: Option<Timestamp>,
    /// Whether it is made up.
    pub simulated: bool,
    /// What happened.
    pub data: EventData,
}

/// What the event id of an observation is made from, so that importing a file twice adds nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Identity {
    /// The file gives a UUID in lower case: it is the event id.
    Id(EventId),
    /// The file gives another id: the event id is made from it and the source.
    External(String),
    /// The file gives no id: the event id is made from the line's content and the source.
    Content([u8; 32]),
}

/// A line that is no observation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{file}:{line}: {}{rule}", column.as_ref().map(|column| format!("{column}: ")).unwrap_or_default())]
pub struct BadLine {
    /// Name of the file, as given to [`read_observations`].
    pub file: String,
    /// Number of the line, from 1.
    pub line: u64,
    /// The column, when the rule is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    /// The rule it breaks.
    #[serde(serialize_with = "as_text")]
    pub rule: LineRule,
    /// The line itself, up to [`LINE_BYTES_MAX`]; what is not UTF-8 in it is replaced.
    pub text: String,
}

/// Why an observation could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// One line is no observation; the next call goes on with the next line.
    #[error(transparent)]
    Line(Box<BadLine>),
    /// The first line of a CSV file does not name its columns; no later line can be read.
    #[error("the header cannot be read")]
    Header(#[source] Box<BadLine>),
    /// The file cannot be read on.
    #[error("{file}: cannot be read on after line {line}")]
    Unreadable {
        /// Name of the file.
        file: String,
        /// The last line that was read whole.
        line: u64,
        /// What the reader said.
        source: io::Error,
    },
}

/// The observations of one file, in order. It ends after an error that is not [`ReadError::Line`].
#[derive(Debug)]
pub struct Observations<R: BufRead> {
    file: String,
    lines: Lines<R>,
    format: Format,
    ended: bool,
}

#[derive(Debug)]
enum Format {
    /// Not yet known: the name does not say, and no line was read.
    Unknown,
    Ndjson,
    /// The columns, in the order of the header; empty before it was read.
    Csv(Vec<&'static str>),
}

/// Begins to read observations.
///
/// `name` stands in error messages; `.csv`, `.ndjson`, `.jsonl` (also before `.gz`) say what the file is, otherwise its
/// first line does. Gzip is seen by its first bytes.
///
/// # Errors
/// The first bytes could not be read.
pub fn read_observations<R: BufRead>(input: R, name: &str) -> io::Result<Observations<R>> {
    let stem = name.strip_suffix(".gz").unwrap_or(name);
    let format = match stem.rsplit_once('.') {
        Some((_, "csv")) => Format::Csv(Vec::new()),
        Some((_, "ndjson" | "jsonl" | "json")) => Format::Ndjson,
        Some(_) | None => Format::Unknown,
    };
    Ok(Observations {
        file: name.to_owned(),
        lines: Lines::open(input)?,
        format,
        ended: false,
    })
}

impl Observation {
    /// The event this fact becomes when `source` states it.
    #[must_use]
    pub fn into_event(self, source: &Source) -> (Envelope, EventData) {
        let id = self.identity.into_event_id(source);
        let mut envelope = Envelope::observed(id, source.clone(), self.case, self.port, self.occurred_at);
        envelope.recorded_at = self.recorded_at;
        envelope.simulated = self.simulated;
        (envelope, self.data)
    }
}

impl Identity {
    /// The event id within `source`. The prefixes keep an id of the file from standing for the content of a line.
    fn into_event_id(self, source: &Source) -> EventId {
        let name = match self {
            Self::Id(id) => return id,
            Self::External(id) => format!("id:{id}"),
            Self::Content(digest) => format!("content:{}", hex(&digest)),
        };
        let namespace = Uuid::new_v5(&Uuid::NAMESPACE_URL, source.as_str().as_bytes());
        event_id(Uuid::new_v5(&namespace, name.as_bytes()))
    }
}

#[expect(
    clippy::expect_used,
    reason = "a UUID prints itself in lower-case hyphenated form"
)]
fn event_id(uuid: Uuid) -> EventId {
    EventId::new(&uuid.hyphenated().to_string()).expect("a printed UUID is an event id")
}

impl BadLine {
    /// The line of a file of rejects: `{"file":…,"line":…,"column":…,"rule":…,"text":…}` without a line feed.
    ///
    /// # Errors
    /// The writer of JSON refused a value; there is none it refuses.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(self)
    }
}

impl<R: BufRead> Iterator for Observations<R> {
    type Item = Result<Observation, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.ended {
            match self.read_line() {
                Ok(Some(observation)) => return Some(Ok(observation)),
                Ok(None) => {}
                Err(error) => {
                    self.ended = !matches!(error, ReadError::Line(_));
                    return Some(Err(error));
                }
            }
        }
        None
    }
}

impl<R: BufRead> Observations<R> {
    /// Reads one line: an observation, or nothing where the line is blank, a header, or past the end.
    fn read_line(&mut self) -> Result<Option<Observation>, ReadError> {
        let line_before = self.lines.number();
        let line = self.lines.read().map_err(|source| ReadError::Unreadable {
            file: self.file.clone(),
            line: line_before,
            source,
        })?;
        let Some(line) = line else {
            self.ended = true;
            return Ok(None);
        };
        line.text()
            .and_then(|text| self.format.read(text, line.number))
            .map_err(|flaw| {
                let bad_line = Box::new(BadLine {
                    file: self.file.clone(),
                    line: line.number,
                    column: flaw.column,
                    rule: flaw.rule,
                    text: line.lossy_text(),
                });
                // Columns that are still unknown now will be unknown to every later line.
                match &self.format {
                    Format::Csv(columns) if columns.is_empty() => ReadError::Header(bad_line),
                    Format::Unknown | Format::Ndjson | Format::Csv(_) => ReadError::Line(bad_line),
                }
            })
    }
}

impl Format {
    fn read(&mut self, text: &str, line: u64) -> Result<Option<Observation>, cell::Flaw> {
        if text.trim_ascii().is_empty() {
            return Ok(None);
        }
        match self {
            Self::Unknown => {
                let is_object = text.trim_ascii_start().starts_with('{');
                *self = if is_object {
                    Self::Ndjson
                } else {
                    Self::Csv(Vec::new())
                };
                self.read(text, line)
            }
            Self::Csv(columns) if columns.is_empty() => {
                *columns = csv::read_header(text)?;
                Ok(None)
            }
            Self::Csv(columns) => csv::read_row(text, columns)?.into_observation(line).map(Some),
            Self::Ndjson => ndjson::read_row(text)?.into_observation(line).map(Some),
        }
    }
}

fn as_text<S: Serializer>(rule: &LineRule, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(rule)
}
