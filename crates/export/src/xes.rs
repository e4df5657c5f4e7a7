//! XES (IEEE 1849): one trace per case, its events in the order of the ledger.

use std::collections::BTreeMap;
use std::io::Write;

use crate::column::{COLUMNS, Cell, kilograms, moment};
use crate::entry::{Book, Entry};
use crate::error::ExportError;
use crate::export::{File, inside};
use crate::manifest::{About, Tally};
use crate::row::Row;

/// Columns that are attributes of events; `concept:name` and `time:timestamp` come from others.
const ATTRIBUTES: &[&str] = &[
    "leaf",
    "port",
    "event_id",
    "source",
    "recorded_at",
    "destination",
    "hs",
    "control_code",
    "element",
    "license_no",
    "declaration_no",
    "control_status",
    "lane",
    "stage",
    "round",
    "outcome",
    "reason",
    "valid_until",
    "mass_g",
    "simulated",
];

const HEADER: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<log xes.version="1.0" xes.features="nested-attributes" xmlns="http://www.xes-standard.org/">
<extension name="Concept" prefix="concept" uri="http://www.xes-standard.org/concept.xesext"/>
<extension name="Time" prefix="time" uri="http://www.xes-standard.org/time.xesext"/>
<extension name="Lifecycle" prefix="lifecycle" uri="http://www.xes-standard.org/lifecycle.xesext"/>
<extension name="Organizational" prefix="org" uri="http://www.xes-standard.org/org.xesext"/>
<global scope="trace"><string key="concept:name" value=""/></global>
<global scope="event"><string key="concept:name" value=""/><date key="time:timestamp" value="1970-01-01T00:00:00.000+00:00"/></global>
<classifier name="Activity" keys="concept:name"/>
"#;

/// A XES file in the making. The layout asks for all events of a case together: their places are held, 8 bytes each.
pub(crate) struct XesFile<'a, W: Write> {
    out: W,
    book: Book<'a>,
    cases: BTreeMap<String, Vec<u64>>,
}

impl<'a, W: Write> XesFile<'a, W> {
    pub(crate) fn begin(mut out: W, book: Book<'a>) -> Result<Self, ExportError> {
        out.write_all(HEADER.as_bytes())?;
        Ok(Self {
            out,
            book,
            cases: BTreeMap::new(),
        })
    }

    fn event(&mut self, entry: &Entry) -> Result<(), ExportError> {
        let Some((_, event)) = entry.event() else {
            return Ok(());
        };
        let row = Row::of(entry);
        writeln!(self.out, "<event>")?;
        self.attribute("string", "concept:name", event.data.kind().name())?;
        self.attribute("date", "time:timestamp", &moment(event.occurred_at))?;
        self.attribute("string", "lifecycle:transition", "complete")?;
        for column in COLUMNS.iter().filter(|column| ATTRIBUTES.contains(&column.name)) {
            match column.cell(&row) {
                Some(Cell::Text(text)) => self.attribute("string", column.name, text)?,
                Some(Cell::Int(number)) => self.attribute("int", column.name, &number.to_string())?,
                Some(Cell::Grams(grams)) => self.attribute("string", column.name, &kilograms(grams))?,
                Some(Cell::Moment(at)) => self.attribute("date", column.name, &moment(at))?,
                Some(Cell::Day(day)) => self.attribute("string", column.name, &day.to_string())?,
                Some(Cell::Bool(value)) => self.attribute("boolean", column.name, &value.to_string())?,
                Some(Cell::Hash(hash)) => self.attribute("string", column.name, &hash.to_hex())?,
                None => {}
            }
        }
        writeln!(self.out, "</event>")?;
        Ok(())
    }

    fn attribute(&mut self, kind: &str, key: &str, value: &str) -> Result<(), ExportError> {
        writeln!(self.out, "<{kind} key=\"{key}\" value=\"{}\"/>", escaped(value))?;
        Ok(())
    }
}

impl<W: Write> File for XesFile<'_, W> {
    fn take(&mut self, entry: &Entry, _: &Row<'_>) -> Result<(), ExportError> {
        if let Some((_, event)) = entry.event() {
            match self.cases.get_mut(event.case.as_str()) {
                Some(places) => places.push(entry.index),
                None => {
                    self.cases
                        .insert(event.case.as_str().to_owned(), vec![entry.index]);
                }
            }
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>, about: &About, tally: &Tally) -> Result<u64, ExportError> {
        let mut rows = 0;
        for (case, places) in std::mem::take(&mut self.cases) {
            writeln!(self.out, "<trace>")?;
            self.attribute("string", "concept:name", &case)?;
            for place in places {
                if let Some(entry) = self.book.entry(place)? {
                    self.event(&entry)?;
                    rows += 1;
                }
            }
            writeln!(self.out, "</trace>")?;
        }
        self.attribute("string", "portbook:manifest", &inside(about, rows, tally)?)?;
        writeln!(self.out, "</log>")?;
        Ok(rows)
    }
}

/// Text as an attribute value: what XML has no place for is replaced, and nothing closes the quotes.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\t' => escaped.push_str("&#9;"),
            '\n' => escaped.push_str("&#10;"),
            '\r' => escaped.push_str("&#13;"),
            c if c < ' ' || matches!(c, '\u{fffe}' | '\u{ffff}') => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_leaves_its_quotes() {
        assert_eq!(
            escaped("a\"/><b c='&\u{1}\n"),
            "a&quot;/&gt;&lt;b c='&amp;\u{fffd}&#10;"
        );
    }
}
