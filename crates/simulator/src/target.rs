//! Monthly totals a run is calibrated to.

use jiff::civil::Date;
use portbook_domain::{CountryCode, Element};

use crate::office::day_of;

/// The row of a table that sums up the others.
const TOTAL: &str = "TOTAL";

/// A table of totals that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TargetError {
    /// The text is no CSV, or a row has the wrong number of fields.
    #[error("{file}, line {line}: not a row of the table")]
    Malformed {
        /// The file.
        file: &'static str,
        /// Line, from 1; 0 where it is not known.
        line: u64,
        /// What the reader found.
        source: csv::Error,
    },
    /// A field breaks its rule.
    #[error("{file}, line {line}, field {field}: must be {rule}, found {found:?}")]
    Field {
        /// The file.
        file: &'static str,
        /// Line, from 1.
        line: u64,
        /// The column.
        field: String,
        /// The rule.
        rule: &'static str,
        /// What was found.
        found: String,
    },
    /// There is no row with the totals.
    #[error("{file}: no row TOTAL")]
    NoTotal {
        /// The file.
        file: &'static str,
    },
}

/// A calendar month.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Month {
    /// From 1.
    pub(crate) number: i8,
    /// Its first day.
    pub(crate) first: i64,
    /// Its last day.
    pub(crate) last: i64,
}

/// What magnets clear in one month, in kilograms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MagnetMonth {
    /// The month.
    pub(crate) month: Month,
    /// To all destinations.
    pub(crate) total_kg: i64,
    /// To the destinations that are listed; the others share the rest.
    pub(crate) listed_kg: Vec<(CountryCode, i64)>,
}

/// What oxides of one element clear to one destination in one month.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OxideFlow {
    /// The element.
    pub(crate) element: Element,
    /// The month.
    pub(crate) month: Month,
    /// The destination.
    pub(crate) destination: CountryCode,
    /// How much.
    pub(crate) kg: i64,
}

impl Month {
    fn parse(text: &str) -> Option<Self> {
        let first: Date = format!("{text}-01").parse().ok()?;
        Some(Self {
            number: first.month(),
            first: day_of(first),
            last: day_of(first.last_of_month()),
        })
    }

    /// Whether a day belongs to it.
    pub(crate) fn contains(&self, day: i64) -> bool {
        (self.first..=self.last).contains(&day)
    }
}

/// One field with the place it stands at.
struct Place<'a> {
    file: &'static str,
    record: &'a csv::StringRecord,
}

impl Place<'_> {
    fn read<T>(
        &self,
        field: &str,
        rule: &'static str,
        text: &str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, TargetError> {
        read(text).ok_or_else(|| TargetError::Field {
            file: self.file,
            line: self.record.position().map_or(0, csv::Position::line),
            field: field.to_owned(),
            rule,
            found: text.to_owned(),
        })
    }
}

/// Reads `dest`, one column per month in tonnes, `status`.
pub(crate) fn magnets(file: &'static str, text: &str) -> Result<Vec<MagnetMonth>, TargetError> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let malformed = |source| malformed(file, source);
    let header = reader.headers().map_err(malformed)?.clone();
    let columns = || {
        header
            .iter()
            .enumerate()
            .skip(1)
            .take(header.len().saturating_sub(2))
    };
    let place = Place {
        file,
        record: &header,
    };
    let mut months = Vec::new();
    for (_, column) in columns() {
        months.push(MagnetMonth {
            month: place.read(column, "a month as YYYY-MM", column, Month::parse)?,
            total_kg: 0,
            listed_kg: Vec::new(),
        });
    }
    let mut has_total = false;
    for record in reader.records() {
        let record = record.map_err(malformed)?;
        let place = Place {
            file,
            record: &record,
        };
        let name = record.get(0).unwrap_or_default();
        has_total |= name == TOTAL;
        for ((at, column), month) in columns().zip(&mut months) {
            let text = record.get(at).unwrap_or_default();
            let kg = 1000
                * place.read(column, "whole tonnes, at most 1000000", text, |text| {
                    whole(text, 1_000_000)
                })?;
            if name == TOTAL {
                month.total_kg = kg;
            } else {
                let country = place.read("dest", "a country or TOTAL", name, |text| text.parse().ok())?;
                month.listed_kg.push((country, kg));
            }
        }
    }
    if has_total {
        Ok(months)
    } else {
        Err(TargetError::NoTotal { file })
    }
}

/// Reads `product`, `month`, `dest`, `kg`, `status`.
pub(crate) fn oxides(file: &'static str, text: &str) -> Result<Vec<OxideFlow>, TargetError> {
    let mut flows = Vec::new();
    for record in csv::Reader::from_reader(text.as_bytes()).records() {
        let record = record.map_err(|source| malformed(file, source))?;
        let place = Place {
            file,
            record: &record,
        };
        let text = |at| record.get(at).unwrap_or_default();
        flows.push(OxideFlow {
            element: place.read("product", "an element", text(0), |text| text.parse().ok())?,
            month: place.read("month", "a month as YYYY-MM", text(1), Month::parse)?,
            destination: place.read("dest", "a country", text(2), |text| text.parse().ok())?,
            kg: place.read("kg", "whole kilograms, at most 1000000", text(3), |text| {
                whole(text, 1_000_000)
            })?,
        });
    }
    Ok(flows)
}

fn whole(text: &str, max: i64) -> Option<i64> {
    text.parse().ok().filter(|value| (0..=max).contains(value))
}

fn malformed(file: &'static str, source: csv::Error) -> TargetError {
    let line = source.position().map_or(0, csv::Position::line);
    TargetError::Malformed { file, line, source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_read_or_says_what_is_wrong() {
        let text = "dest,2025-04,2025-05,status\nTOTAL,10,20,reported\nDE,1,2,assumed\n";
        let months = magnets("m.csv", text).unwrap();
        assert_eq!(months.len(), 2);
        assert_eq!((months[1].total_kg, months[1].listed_kg[0].1), (20_000, 2_000));
        let wrong = |text: &str| magnets("m.csv", text).unwrap_err().to_string();
        assert_eq!(
            wrong("dest,2025-04,status\nTOTAL,1.5,x\n"),
            "m.csv, line 2, field 2025-04: must be whole tonnes, at most 1000000, found \"1.5\""
        );
        assert_eq!(wrong("dest,2025-04,status\nDE,1,x\n"), "m.csv: no row TOTAL");
        assert!(wrong("dest,April,status\n").contains("a month as YYYY-MM"));
        let wrong = oxides("o.csv", "product,month,dest,kg,status\nDy,2025-06,Korea,1,x\n").unwrap_err();
        assert_eq!(
            wrong.to_string(),
            "o.csv, line 2, field dest: must be a country, found \"Korea\""
        );
    }
}
