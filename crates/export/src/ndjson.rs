//! NDJSON: one JSON object per row without the values that are absent, and a closing object with the manifest.

use std::io::Write;

use crate::column::{COLUMNS, Cell, Kind, kilograms, moment};
use crate::entry::Entry;
use crate::error::ExportError;
use crate::export::{File, inside};
use crate::manifest::{About, Tally};
use crate::row::Row;

/// An NDJSON file in the making.
pub(crate) struct NdjsonFile<W: Write> {
    out: W,
    line: Vec<u8>,
    rows: u64,
}

impl<W: Write> NdjsonFile<W> {
    pub(crate) const fn begin(out: W) -> Self {
        Self {
            out,
            line: Vec::new(),
            rows: 0,
        }
    }
}

impl<W: Write> File for NdjsonFile<W> {
    fn take(&mut self, _: &Entry, row: &Row<'_>) -> Result<(), ExportError> {
        self.line.clear();
        for column in COLUMNS {
            if let Some(cell) = column.cell(row) {
                self.line.push(if self.line.is_empty() { b'{' } else { b',' });
                write!(self.line, "\"{}\":", column.name)?;
                put(&mut self.line, column.kind, &cell)?;
            }
        }
        self.line.extend_from_slice(b"}\n");
        self.out.write_all(&self.line)?;
        self.rows += 1;
        Ok(())
    }

    fn finish(mut self: Box<Self>, about: &About, tally: &Tally) -> Result<u64, ExportError> {
        writeln!(self.out, "{}", inside(about, self.rows, tally)?)?;
        Ok(self.rows)
    }
}

/// A cell as JSON. A body is the object it is where it is JSON on one line, and text otherwise.
fn put(line: &mut Vec<u8>, kind: Kind, cell: &Cell<'_>) -> Result<(), ExportError> {
    match cell {
        Cell::Text(text) if kind == Kind::Json && is_one_object(text) => {
            line.extend_from_slice(text.as_bytes());
        }
        Cell::Text(text) => serde_json::to_writer(line, text)?,
        Cell::Int(number) => write!(line, "{number}")?,
        Cell::Grams(grams) => write!(line, "\"{}\"", kilograms(*grams))?,
        Cell::Moment(at) => write!(line, "\"{}\"", moment(*at))?,
        Cell::Day(day) => write!(line, "\"{day}\"")?,
        Cell::Bool(value) => write!(line, "{value}")?,
        Cell::Hash(hash) => write!(line, "\"{hash}\"")?,
    }
    Ok(())
}

fn is_one_object(text: &str) -> bool {
    let whole = serde_json::from_str::<&serde_json::value::RawValue>(text);
    text.starts_with('{') && !text.contains(['\n', '\r']) && whole.is_ok()
}
