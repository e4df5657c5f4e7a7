//! The form of every answer: a few tables, and what they rest on.

use jiff::civil::Date;
use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};

use crate::question::Question;

/// An answer to one question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Answer {
    /// The question.
    pub question: Question,
    /// Cases, licences or declarations it rests on.
    pub n: u64,
    /// Of how many, and how many of them are still open: an answer about those that ended leaves them out.
    pub open: Option<Open>,
    /// Facts of later days are left out.
    pub as_of: Date,
    /// Measures left out because they reach beyond the published calendar.
    pub beyond_calendar: u64,
    /// The tables.
    pub tables: Vec<Table>,
    /// What a reader must know of this very answer.
    pub notes: Vec<String>,
}

/// How many are still open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Open {
    /// How many are open.
    pub open: u64,
    /// Of how many.
    pub of: u64,
}

/// One table of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// Its name.
    pub name: &'static str,
    /// Titles of its columns.
    pub columns: Vec<&'static str>,
    /// Its rows, each as long as there are columns.
    pub rows: Vec<Vec<Cell>>,
}

/// One value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cell {
    /// A word or a name.
    Text(String),
    /// How many.
    Count(u64),
    /// A whole number that may be negative.
    Number(i64),
    /// Grams.
    Grams(u64),
    /// A fraction, as its digits.
    Decimal(String),
    /// Nothing that could be computed.
    Missing,
}

impl Cell {
    pub(crate) fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    pub(crate) fn decimal(digits: Option<String>) -> Self {
        digits.map_or(Self::Missing, Self::Decimal)
    }

    pub(crate) fn number(number: Option<i64>) -> Self {
        number.map_or(Self::Missing, Self::Number)
    }

    /// As people read it: grams in kilograms, `-` for nothing.
    #[must_use]
    pub fn to_text(&self) -> String {
        match self {
            Self::Text(text) | Self::Decimal(text) => text.clone(),
            Self::Count(count) => count.to_string(),
            Self::Number(number) => number.to_string(),
            Self::Grams(grams) => crate::decimal::kilograms(*grams),
            Self::Missing => "-".to_owned(),
        }
    }
}

impl Serialize for Cell {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => serializer.serialize_str(text),
            Self::Count(number) | Self::Grams(number) => serializer.serialize_u64(*number),
            Self::Number(number) => serializer.serialize_i64(*number),
            // Digits that were made with whole numbers, read as the nearest number JSON can carry.
            Self::Decimal(digits) => match digits.parse::<f64>() {
                Ok(number) => serializer.serialize_f64(number),
                Err(_) => serializer.serialize_str(digits),
            },
            Self::Missing => serializer.serialize_none(),
        }
    }
}

impl Table {
    pub(crate) fn new(name: &'static str, columns: &[&'static str]) -> Self {
        Self {
            name,
            columns: columns.to_vec(),
            rows: Vec::new(),
        }
    }

    pub(crate) fn push(&mut self, row: impl IntoIterator<Item = Cell>) {
        self.rows.push(row.into_iter().collect());
    }

    /// The cell in the column of this title, in the first row that begins with these texts.
    #[must_use]
    pub fn cell(&self, begins: &[&str], column: &str) -> Option<&Cell> {
        let at = self.columns.iter().position(|title| *title == column)?;
        let row = self.rows.iter().find(|row| {
            let texts = row.iter().map(Cell::to_text);
            texts.zip(begins).all(|(found, wanted)| found == **wanted)
        })?;
        row.get(at)
    }
}

/// A table as JSON: its name, and each row as an object. Masses are grams, and their titles say so.
impl Serialize for Table {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("name", self.name)?;
        let rows: Vec<Row<'_>> = self.rows.iter().map(|cells| Row(&self.columns, cells)).collect();
        map.serialize_entry("rows", &rows)?;
        map.end()
    }
}

struct Row<'a>(&'a [&'static str], &'a [Cell]);

impl Serialize for Row<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.1.len()))?;
        for (title, cell) in self.0.iter().zip(self.1) {
            if matches!(cell, Cell::Grams(_)) {
                map.serialize_entry(&format!("{title}_g"), cell)?;
            } else {
                map.serialize_entry(title, cell)?;
            }
        }
        map.end()
    }
}

impl Answer {
    /// The table of this name.
    #[must_use]
    pub fn table(&self, name: &str) -> Option<&Table> {
        self.tables.iter().find(|table| table.name == name)
    }
}
