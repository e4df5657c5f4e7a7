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

/// Goods that a figure speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Delimited<'a> {
    /// Everything under a commodity code, or under those that begin with it.
    Code(&'a str),
    /// An element as metal or compound, chapter 28: what is in magnets, chapter 85, is counted with these.
    Element(&'a str),
}

/// Months of a period, and a mass in grams: what can be compared with the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Comparable<'a> {
    pub(crate) goods: Delimited<'a>,
    pub(crate) first: Month,
    pub(crate) last: Month,
    pub(crate) grams: u64,
}

/// Metrics that name an element in words.
const ELEMENTS: &[(&str, &str)] = &[("dysprosium_exports", "Dy"), ("terbium_exports", "Tb")];
/// Chapter of the harmonised system for rare-earth metals and compounds.
const CHAPTER: &str = "28";

impl Delimited<'_> {
    /// Whether goods are meant.
    pub(crate) fn means(self, hs: &str, element: Option<&str>) -> bool {
        match self {
            Self::Code(code) => hs.starts_with(code),
            Self::Element(meant) => hs.starts_with(CHAPTER) && element == Some(meant),
        }
    }

    /// As people read it.
    pub(crate) fn text(self) -> String {
        match self {
            Self::Code(code) => code.to_owned(),
            Self::Element(element) => format!("{element} of chapter {CHAPTER}"),
        }
    }
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

    /// The figure as a mass of goods in whole months, or why it is none.
    pub(crate) fn comparable(&self) -> Result<Comparable<'_>, &'static str> {
        let grams_of_unit = match self.unit.as_str() {
            "t" => 1_000_000,
            "kg" => 1000,
            "%" | "share" => return Err("a share or a rate of change, no mass"),
            "range" => return Err("a range of times, no mass"),
            "working days" => return Err("a term, no mass"),
            unit if unit.starts_with("count") => return Err("a number of applications or firms, no mass"),
            _ => return Err("its unit is no unit of mass"),
        };
        let goods = self
            .goods()
            .ok_or("a mass of goods that neither a commodity code nor an element delimits")?;
        let (first, last) = months_of(&self.period).ok_or("its period is not of whole months")?;
        let grams = grams_of(&self.value, grams_of_unit).ok_or("its value is no single number")?;
        Ok(Comparable {
            goods,
            first,
            last,
            grams,
        })
    }

    fn goods(&self) -> Option<Delimited<'_>> {
        if let Some((_, element)) = ELEMENTS.iter().find(|(metric, _)| *metric == self.metric) {
            return Some(Delimited::Element(element));
        }
        let (_, code) = self.metric.rsplit_once("_HS")?;
        let is_code = code.len() >= 6 && code.bytes().all(|b| b.is_ascii_digit());
        is_code.then_some(Delimited::Code(code))
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

    fn figure(metric: &str, period: &str, value: &str, unit: &str) -> Reported {
        let text = |text: &str| text.to_owned();
        Reported {
            metric: text(metric),
            period: text(period),
            scope: text("world"),
            value: text(value),
            unit: text(unit),
            source: text("s"),
            confidence: text("high"),
        }
    }

    #[test]
    fn a_figure_is_a_mass_of_goods_in_whole_months_or_says_why_not() {
        let magnets = figure("magnet_exports_HS85051110", "2025-04", "2626", "t");
        assert_eq!(magnets.comparable().unwrap().goods, Delimited::Code("85051110"));
        let oxide = figure("dysprosium_exports", "2025-06", "1", "kg");
        assert_eq!(oxide.comparable().unwrap().goods, Delimited::Element("Dy"));
        for (metric, period, value, unit, reason) in [
            ("rare_earths_all_exports", "2025-03", "5666", "t", "delimits"),
            ("magnet_exports_HS8505", "2025-03", "5666", "t", "delimits"),
            (
                "magnet_exports_HS85051110",
                "2025-06-04",
                "1",
                "t",
                "whole months",
            ),
            (
                "magnet_exports_HS85051110",
                "2025-06",
                "about 1",
                "t",
                "no single number",
            ),
            ("magnet_exports_yoy", "2025-05", "-70", "%", "share"),
            (
                "licence_applications_EU",
                "2025-11-05",
                "2000",
                "count (about)",
                "number of applications",
            ),
            ("statutory_review", "law", "45", "working days", "term"),
            ("hold", "2025-06", "1 to 2 months", "range", "range"),
            ("magnet_exports_HS85051110", "2025-06", "1", "lb", "unit"),
        ] {
            let found = figure(metric, period, value, unit);
            assert!(
                found.comparable().unwrap_err().contains(reason),
                "{metric} {unit}"
            );
        }
    }

    #[test]
    fn goods_are_meant_by_code_or_by_element_in_its_chapter() {
        assert!(Delimited::Code("85051110").means("8505111000", Some("Dy")));
        assert!(!Delimited::Code("85051110").means("8505190000", None));
        assert!(Delimited::Element("Dy").means("2846901500", Some("Dy")));
        assert!(!Delimited::Element("Dy").means("2846901500", Some("Tb")));
        assert!(!Delimited::Element("Dy").means("8505111000", Some("Dy")));
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
