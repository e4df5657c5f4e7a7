//! Reference tables as CSV: every refusal names file, line, field and rule.

use std::str::FromStr;

/// A reference table that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// The text is no CSV, or a row has the wrong number of fields.
    #[error("{file}, line {line}: not a row of the table")]
    Malformed {
        /// The file.
        file: String,
        /// Line, from 1; 0 where it is not known.
        line: u64,
        /// What the reader found.
        source: csv::Error,
    },
    /// The columns are not those of the table.
    #[error("{file}, line 1: columns must be {expected}, found {found}")]
    Columns {
        /// The file.
        file: String,
        /// Columns found.
        found: String,
        /// Columns expected.
        expected: String,
    },
    /// A field breaks its rule.
    #[error("{file}, line {line}, field {field}: must be {rule}, found {found:?}")]
    Field {
        /// The file.
        file: String,
        /// Line, from 1.
        line: u64,
        /// The column.
        field: &'static str,
        /// The rule.
        rule: &'static str,
        /// What was found, cut to 80 characters.
        found: String,
    },
    /// There is no row.
    #[error("{file}: the table is empty")]
    Empty {
        /// The file.
        file: String,
    },
    /// A calendar leaves a year out.
    #[error("{file}: no entry for {year}, between other years")]
    YearMissing {
        /// The file.
        file: String,
        /// The year.
        year: i16,
    },
}

/// A table that is read row by row.
#[derive(Debug)]
pub(crate) struct Table<'a> {
    file: &'a str,
    columns: &'static [&'static str],
    reader: csv::Reader<&'a [u8]>,
    record: csv::StringRecord,
}

/// One row.
#[derive(Debug)]
pub(crate) struct Row<'a> {
    file: &'a str,
    columns: &'static [&'static str],
    record: &'a csv::StringRecord,
}

impl<'a> Table<'a> {
    /// Opens a table that must have exactly these columns.
    pub(crate) fn open(
        file: &'a str,
        text: &'a str,
        columns: &'static [&'static str],
    ) -> Result<Self, TableError> {
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let found = reader.headers().map_err(|source| malformed(file, source))?;
        if found.iter().ne(columns.iter().copied()) {
            return Err(TableError::Columns {
                file: file.to_owned(),
                found: found.iter().collect::<Vec<_>>().join(","),
                expected: columns.join(","),
            });
        }
        Ok(Self {
            file,
            columns,
            reader,
            record: csv::StringRecord::new(),
        })
    }

    /// The next row; `None` at the end.
    pub(crate) fn next_row(&mut self) -> Result<Option<Row<'_>>, TableError> {
        let more = self
            .reader
            .read_record(&mut self.record)
            .map_err(|source| malformed(self.file, source))?;
        Ok(more.then_some(Row {
            file: self.file,
            columns: self.columns,
            record: &self.record,
        }))
    }
}

impl Row<'_> {
    /// The text of a column.
    pub(crate) fn text(&self, field: &'static str) -> &str {
        self.columns
            .iter()
            .position(|column| *column == field)
            .and_then(|index| self.record.get(index))
            .unwrap_or_default()
    }

    /// A column as a value with its own grammar, `rule` in words.
    pub(crate) fn parsed<T: FromStr>(
        &self,
        field: &'static str,
        rule: &'static str,
    ) -> Result<T, TableError> {
        let Ok(value) = self.text(field).parse() else {
            return Err(self.invalid(field, rule));
        };
        Ok(value)
    }

    /// A column that may be empty.
    pub(crate) fn optional<T: FromStr>(
        &self,
        field: &'static str,
        rule: &'static str,
    ) -> Result<Option<T>, TableError> {
        if self.text(field).is_empty() {
            Ok(None)
        } else {
            self.parsed(field, rule).map(Some)
        }
    }

    /// A column with one of a few words.
    pub(crate) fn one_of<T: Copy>(
        &self,
        field: &'static str,
        words: &'static [(&'static str, T)],
    ) -> Result<T, TableError> {
        let found = self.text(field);
        words
            .iter()
            .find(|(word, _)| *word == found)
            .map(|(_, value)| *value)
            .ok_or_else(|| self.invalid(field, "one of the words of this column"))
    }

    /// A column with some text.
    pub(crate) fn stated(&self, field: &'static str) -> Result<String, TableError> {
        let found = self.text(field);
        if found.is_empty() {
            Err(self.invalid(field, "not empty"))
        } else {
            Ok(found.to_owned())
        }
    }

    /// The refusal of this row because of one field.
    pub(crate) fn invalid(&self, field: &'static str, rule: &'static str) -> TableError {
        TableError::Field {
            file: self.file.to_owned(),
            line: self.record.position().map_or(0, csv::Position::line),
            field,
            rule,
            found: self.text(field).chars().take(80).collect(),
        }
    }
}

fn malformed(file: &str, source: csv::Error) -> TableError {
    let line = source.position().map_or(0, csv::Position::line);
    TableError::Malformed {
        file: file.to_owned(),
        line,
        source,
    }
}
