//! CSV (RFC 4180): a header, then one record per row; nothing in it is a formula.

use std::borrow::Cow;
use std::io::Write;

use crate::column::{COLUMNS, Cell, kilograms, moment};
use crate::entry::Entry;
use crate::error::ExportError;
use crate::export::File;
use crate::manifest::{About, Tally};
use crate::row::Row;

/// What a spreadsheet takes for the beginning of a formula.
const FORMULA: &[char] = &['=', '+', '-', '@', '\t', '\r'];

/// A CSV file in the making.
pub(crate) struct CsvFile<W: Write> {
    writer: csv::Writer<W>,
    rows: u64,
}

impl<W: Write> CsvFile<W> {
    pub(crate) fn begin(out: W) -> Result<Self, ExportError> {
        let mut writer = csv::WriterBuilder::new()
            .terminator(csv::Terminator::CRLF)
            .from_writer(out);
        writer.write_record(COLUMNS.iter().map(|column| column.name))?;
        Ok(Self { writer, rows: 0 })
    }
}

impl<W: Write> File for CsvFile<W> {
    fn take(&mut self, _: &Entry, row: &Row<'_>) -> Result<(), ExportError> {
        for column in COLUMNS {
            match column.cell(row) {
                Some(cell) => self.writer.write_field(text(&cell).as_bytes())?,
                None => self.writer.write_field("")?,
            }
        }
        self.writer.write_record(None::<&[u8]>)?;
        self.rows += 1;
        Ok(())
    }

    fn finish(mut self: Box<Self>, _: &About, _: &Tally) -> Result<u64, ExportError> {
        self.writer.flush()?;
        Ok(self.rows)
    }
}

/// A cell as CSV has it. Text that a spreadsheet would take for a formula gets an apostrophe in front, and so does text that
/// begins with one: whoever takes one apostrophe off has the text again.
fn text<'a>(cell: &Cell<'a>) -> Cow<'a, str> {
    match cell {
        Cell::Text(text) if text.starts_with(FORMULA) || text.starts_with('\'') => format!("'{text}").into(),
        Cell::Text(text) => (*text).into(),
        Cell::Int(number) => number.to_string().into(),
        Cell::Grams(grams) => kilograms(*grams).into(),
        Cell::Moment(at) => moment(*at).into(),
        Cell::Day(day) => day.to_string().into(),
        Cell::Bool(value) => if *value { "true" } else { "false" }.into(),
        Cell::Hash(hash) => hash.to_hex().into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_a_formula_and_every_text_comes_back() {
        for written in [
            "=1+1",
            "+49",
            "-3",
            "@SUM(A1)",
            "\t=1",
            "'quoted",
            "plain",
            "",
            "2025DU000001",
        ] {
            let cell = text(&Cell::Text(written)).into_owned();
            assert!(!cell.starts_with(FORMULA), "{cell:?}");
            assert_eq!(cell.strip_prefix('\'').unwrap_or(&cell), written);
        }
        assert_eq!(text(&Cell::Grams(1_234_005)), "1234.005");
        assert_eq!(text(&Cell::Int(-3)), "-3", "a number is no text");
    }
}
