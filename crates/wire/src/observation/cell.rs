//! One value of a line: how it is written, and how it is read as what its column means.

use std::{borrow::Cow, str::FromStr};

use jiff::{Timestamp, civil::Date};
use portbook_domain::InvalidText;
use serde::{
    Deserialize,
    de::{IntoDeserializer, value::StrDeserializer},
};

use super::line::LINE_BYTES_MAX;
use crate::{
    json::{JsonError, JsonRule, SyntaxError},
    moment::{DATE_RULE, UTC_RULE, parse_date, parse_utc},
};

/// A value as it is written. CSV writes everything as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Cell<'a> {
    Text(Cow<'a, str>),
    Number(&'a str),
    Bool(bool),
}

/// What a line must keep to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LineRule {
    /// A line is not longer than it may be.
    #[error("the line is longer than {LINE_BYTES_MAX} bytes")]
    TooLong,
    /// A line is UTF-8.
    #[error("not UTF-8 after byte {valid_bytes} of the line")]
    NotUtf8 {
        /// Length of the part that is UTF-8.
        valid_bytes: usize,
    },
    /// A line of NDJSON is one JSON object.
    #[error("not a JSON object: {0}")]
    Json(#[from] SyntaxError),
    /// A value is a single one.
    #[error("a text, a number, true or false belongs here")]
    NotSingle,
    /// An absent value is left out.
    #[error("null is not a value: leave the column out")]
    Null,
    /// A line of CSV has as many fields as the header.
    #[error("the header names {expected} columns, the line has {found} fields")]
    FieldCount {
        /// Columns of the header.
        expected: usize,
        /// Fields of the line.
        found: usize,
    },
    /// Quotes of CSV open and close a whole field on one line.
    #[error("a quote must open and close a whole field on its line; a quote inside is doubled")]
    Quote,
    /// Only known columns are there, so that nothing is dropped silently.
    #[error("there is no such column")]
    UnknownColumn,
    /// A column is there once.
    #[error("the column is there twice")]
    DuplicateColumn,
    /// A required column is there.
    #[error("the column is missing")]
    Missing,
    /// A column belongs to the type of the line, so that nothing is dropped silently.
    #[error("the column does not belong to {type_}")]
    NotOfType {
        /// The type.
        type_: &'static str,
    },
    /// A mass is given once.
    #[error("the mass is given twice, as qty_kg and as qty_g")]
    MassTwice,
    /// A value keeps to the grammar of its column.
    #[error(transparent)]
    Text(#[from] InvalidText),
    /// A value is what its column asks for.
    #[error("expected {expected}, found {found:?}")]
    Expected {
        /// What the column asks for.
        expected: Cow<'static, str>,
        /// What is there, cut to 80 characters.
        found: String,
    },
}

/// A broken rule, and the column when it is about one.
#[derive(Debug)]
pub(super) struct Flaw {
    pub(super) column: Option<String>,
    pub(super) rule: LineRule,
}

impl Flaw {
    pub(super) const fn line(rule: LineRule) -> Self {
        Self { column: None, rule }
    }

    pub(super) fn column(name: &str, rule: LineRule) -> Self {
        Self {
            column: Some(name.chars().take(80).collect()),
            rule,
        }
    }
}

impl From<SyntaxError> for Flaw {
    fn from(error: SyntaxError) -> Self {
        Self::line(LineRule::Json(error))
    }
}

impl Cell<'_> {
    /// The value as text, however it is written.
    pub(super) fn written(&self) -> &str {
        match self {
            Self::Text(text) => text,
            Self::Number(text) => text,
            Self::Bool(true) => "true",
            Self::Bool(false) => "false",
        }
    }

    pub(super) fn unlike(&self, expected: impl Into<Cow<'static, str>>) -> LineRule {
        LineRule::Expected {
            expected: expected.into(),
            found: self.written().chars().take(80).collect(),
        }
    }

    fn text(&self) -> Result<&str, LineRule> {
        match self {
            Self::Text(text) => Ok(text),
            Self::Number(_) | Self::Bool(_) => Err(self.unlike("a text")),
        }
    }
}

/// Reads a text with a grammar.
pub(super) fn checked<T: FromStr<Err = InvalidText>>(cell: &Cell<'_>) -> Result<T, LineRule> {
    Ok(cell.text()?.parse()?)
}

/// Reads one of a closed set of words.
pub(super) fn word<'c, T: Deserialize<'c>>(cell: &'c Cell<'_>) -> Result<T, LineRule> {
    let text: StrDeserializer<'_, JsonError> = cell.text()?.into_deserializer();
    T::deserialize(text).map_err(|error| {
        let words = if let JsonRule::WrongKind { expected, .. } = error.rule {
            expected
        } else {
            error.to_string()
        };
        cell.unlike(words)
    })
}

pub(super) fn moment(cell: &Cell<'_>) -> Result<Timestamp, LineRule> {
    parse_utc(cell.text()?).ok_or_else(|| cell.unlike(UTC_RULE))
}

pub(super) fn date(cell: &Cell<'_>) -> Result<Date, LineRule> {
    parse_date(cell.text()?).ok_or_else(|| cell.unlike(DATE_RULE))
}

pub(super) fn flag(cell: &Cell<'_>) -> Result<bool, LineRule> {
    match cell.written() {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(cell.unlike("true or false")),
    }
}

/// Reads a count: digits only, written as number or as text.
pub(super) fn count<T: FromStr>(cell: &Cell<'_>) -> Result<T, LineRule> {
    let digits = cell.written();
    let value = if digits.bytes().all(|b| b.is_ascii_digit()) {
        digits.parse().ok()
    } else {
        None
    };
    value.ok_or_else(|| cell.unlike("a whole number in range"))
}
