//! A line of CSV (RFC 4180) as a row.
//!
//! A record is one line: no observation holds a line feed, and so a damaged quote cannot swallow the lines after it.

use std::borrow::Cow;

use super::{
    cell::{Cell, Flaw, LineRule},
    row::{Row, column},
};

/// Reads the names of the columns.
pub(super) fn read_header(line: &str) -> Result<Vec<&'static str>, Flaw> {
    let mut columns = Vec::new();
    for field in Fields::of(line) {
        let field = field?;
        let name = column(&field).ok_or_else(|| Flaw::column(&field, LineRule::UnknownColumn))?;
        if columns.contains(&name) {
            return Err(Flaw::column(name, LineRule::DuplicateColumn));
        }
        columns.push(name);
    }
    Ok(columns)
}

/// Reads one line. An empty field is an absent value.
pub(super) fn read_row<'a>(line: &'a str, columns: &[&'static str]) -> Result<Row<'a>, Flaw> {
    let mut row = Row::new();
    let mut found = 0;
    for field in Fields::of(line) {
        let field = field?;
        let slot = columns.get(found).and_then(|name| row.slot(name));
        found += 1;
        if let Some(slot) = slot
            && !field.is_empty()
        {
            slot.fill(Cell::Text(field))?;
        }
    }
    if found == columns.len() {
        Ok(row)
    } else {
        Err(Flaw::line(LineRule::FieldCount {
            expected: columns.len(),
            found,
        }))
    }
}

/// The fields of a line. After an error nothing more can be told apart.
struct Fields<'a> {
    rest: Option<&'a str>,
}

impl<'a> Fields<'a> {
    const fn of(line: &'a str) -> Self {
        Self { rest: Some(line) }
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<Cow<'a, str>, Flaw>;

    fn next(&mut self) -> Option<Self::Item> {
        let rest = self.rest.take()?;
        let read = match rest.strip_prefix('"') {
            Some(quoted) => read_quoted(quoted),
            None => read_plain(rest),
        };
        let Some((field, rest)) = read else {
            return Some(Err(Flaw::line(LineRule::Quote)));
        };
        self.rest = rest;
        Some(Ok(field))
    }
}

type Read<'a> = Option<(Cow<'a, str>, Option<&'a str>)>;

fn read_plain(text: &str) -> Read<'_> {
    let (field, rest) = match text.split_once(',') {
        Some((field, rest)) => (field, Some(rest)),
        None => (text, None),
    };
    if field.contains('"') {
        None
    } else {
        Some((Cow::Borrowed(field), rest))
    }
}

/// Reads after the opening quote.
fn read_quoted(text: &str) -> Read<'_> {
    let mut field = Cow::Borrowed("");
    let mut text = text;
    loop {
        let (part, rest) = text.split_once('"')?;
        field += part;
        match rest.bytes().next() {
            None => return Some((field, None)),
            Some(b',') => return Some((field, rest.get(1..))),
            Some(b'"') => {
                field += "\"";
                text = rest.get(1..)?;
            }
            Some(_) => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(line: &str) -> Option<Vec<String>> {
        Fields::of(line)
            .map(|field| field.ok().map(Cow::into_owned))
            .collect()
    }

    #[test]
    fn fields_are_those_of_rfc_4180() {
        for (line, expected) in [
            ("", vec![""]),
            ("a", vec!["a"]),
            ("a,b", vec!["a", "b"]),
            (",", vec!["", ""]),
            ("a,,", vec!["a", "", ""]),
            ("\"a,b\",c", vec!["a,b", "c"]),
            ("\"say \"\"no\"\"\",\"\"", vec!["say \"no\"", ""]),
            ("\u{e9},\"\u{4e2d}\"", vec!["\u{e9}", "\u{4e2d}"]),
        ] {
            assert_eq!(fields(line).unwrap(), expected, "{line}");
        }
    }

    #[test]
    fn a_stray_quote_is_refused() {
        for line in ["\"a", "a\"", "a\"b\"", "\"a\"b", "\"a\" ,b", "\"", "\"\"\""] {
            assert_eq!(fields(line), None, "{line}");
        }
    }
}
