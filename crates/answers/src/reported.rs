//! Figures that others reported, read from a table.

use jiff::civil::Date;

use crate::dimension::Month;

/// One reported figure, as its table states it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reported {
    /// What was reported, for example `magnet_exports_HS85051110`.
    pub metric: String,
    /// For when, as written.
    pub period: String,
    /// `world`, a country, or a group somebody asked.
    pub scope: String,
    /// The value as written.
    pub value: String,
    /// Its unit.
    pub unit: String,
    /// Where it was read.
    pub source: String,
    /// How sure it is.
    pub confidence: String,
}

/// A table of reported figures that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("{file}: not a table of reported figures")]
pub struct ReportedError {
    /// The file.
    file: String,
    /// What the reader found, with the line.
    source: csv::Error,
}

/// Months of a period, and a mass in grams: what can be compared with the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Comparable<'a> {
    pub(crate) hs: &'a str,
    pub(crate) first: Month,
    pub(crate) last: Month,
    pub(crate) grams: u64,
}

impl Reported {
    /// Reads columns `metric,period,scope,value,unit,source,confidence`.
    ///
    /// # Errors
    /// [`ReportedError`] names file and line.
    pub fn parse(file: &str, text: &str) -> Result<Vec<Self>, ReportedError> {
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let rows = reader.deserialize::<[String; 7]>();
        let read = rows.map(|row| {
            row.map(|[metric, period, scope, value, unit, source, confidence]| Self {
                metric,
                period,
                scope,
                value,
                unit,
                source,
                confidence,
            })
        });
        read.collect::<Result<_, _>>().map_err(|source| ReportedError {
            file: file.to_owned(),
            source,
        })
    }

    /// The figure as a mass under a commodity code in whole months; none for a share, a range, or a figure that names no
    /// code.
    pub(crate) fn comparable(&self) -> Option<Comparable<'_>> {
        let (_, hs) = self.metric.rsplit_once("_HS")?;
        let is_code = hs.len() >= 6 && hs.bytes().all(|b| b.is_ascii_digit());
        let (first, last) = months_of(&self.period)?;
        let grams_of_unit = match self.unit.as_str() {
            "t" => 1_000_000,
            "kg" => 1000,
            _ => return None,
        };
        let grams = grams_of(&self.value, grams_of_unit)?;
        is_code.then_some(Comparable {
            hs,
            first,
            last,
            grams,
        })
    }
}

/// `2025-04`, `2025`, or `2025-01..03`.
fn months_of(period: &str) -> Option<(Month, Month)> {
    if let Some((first, last)) = period.split_once("..") {
        let year = first.get(..4)?;
        return Some((first.parse().ok()?, format!("{year}-{last}").parse().ok()?));
    }
    if let Ok(month) = period.parse() {
        return Some((month, month));
    }
    let year: i16 = period.parse().ok()?;
    let day = |month| Date::new(year, month, 1).ok();
    Some((Month::of(day(1)?), Month::of(day(12)?)))
}

/// A decimal number of a unit, exactly.
fn grams_of(value: &str, unit: u64) -> Option<u64> {
    let (whole, fraction) = value.split_once('.').unwrap_or((value, ""));
    let mut grams = whole.parse::<u64>().ok()?.checked_mul(unit)?;
    let mut place = unit;
    for digit in fraction.bytes() {
        place /= 10;
        let digit = char::from(digit).to_digit(10)?;
        grams = grams.checked_add(u64::from(digit).checked_mul(place)?)?;
    }
    Some(grams)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_and_masses_are_read_exactly() {
        let text = |months: Option<(Month, Month)>| months.map(|(a, b)| format!("{a} {b}"));
        assert_eq!(text(months_of("2025-04")).as_deref(), Some("2025-04 2025-04"));
        assert_eq!(text(months_of("2025")).as_deref(), Some("2025-01 2025-12"));
        assert_eq!(text(months_of("2025-01..03")).as_deref(), Some("2025-01 2025-03"));
        assert_eq!(months_of("2025-06-04"), None);
        assert_eq!(grams_of("46.4", 1_000_000), Some(46_400_000));
        assert_eq!(grams_of("1238", 1_000_000), Some(1_238_000_000));
        assert_eq!(grams_of("just over half", 1000), None);
    }

    #[test]
    fn a_broken_table_is_refused_with_its_line() {
        let error = Reported::parse(
            "figures.csv",
            "metric,period,scope,value,unit,source,confidence\na,b\n",
        )
        .unwrap_err();
        let cause = std::error::Error::source(&error).unwrap().to_string();
        assert!(
            error.to_string().starts_with("figures.csv") && cause.contains("line: 2"),
            "{cause}"
        );
    }
}
