//! The sections of a report: what was asked, the tables of its answer, its method, the command behind it, and a chart where
//! one helps.

use portbook_answers::{Answer, Cell, Open, Question, Table};
use serde::Serialize;

use super::chart::{Chart, Series};
use crate::manifest::Tally;

/// Grams in a tonne.
const TONNE_G: u64 = 1_000_000;

/// What the sections of one report are about.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// One port; none for all of them.
    pub port: Option<&'a str>,
    /// Leaves of the checkpoint.
    pub size: u64,
}

/// One part of a report.
#[derive(Debug, Clone, Serialize)]
pub struct Section {
    /// Its name in addresses.
    pub id: String,
    /// Its title.
    pub title: String,
    /// Cases, licences or declarations it rests on; none where the question is asked of all ports and one is shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub n: Option<u64>,
    /// How many are still open, of how many: what ended leaves them out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub open: Option<Open>,
    /// Paragraphs of its method: what each is about, and its text.
    pub method: Vec<(&'static str, &'static str)>,
    /// What to type to get the numbers.
    pub command: String,
    /// Its tables.
    pub tables: Vec<Table>,
    /// What a reader must know of these very numbers.
    pub notes: Vec<String>,
    #[serde(skip)]
    pub(super) chart: Option<Chart>,
}

impl Section {
    /// The section of an answer that was asked for by `words` behind `portbook stats`; of one port only the rows about it.
    ///
    /// None where the answer says nothing about the port.
    #[must_use]
    pub fn of(answer: Answer, words: &str, subject: Subject<'_>) -> Option<Self> {
        let question = answer.question;
        let mut tables = answer.tables;
        if let Some(port) = subject.port {
            tables.retain_mut(|table| keep_port(table, port));
        }
        if tables.iter().all(|table| table.rows.is_empty()) {
            return None;
        }
        Some(Self {
            id: words.replace(" --by ", "-by-"),
            title: match words.split_once(" --by ") {
                Some((_, by)) if subject.port.is_none() => format!("{} By {by}", question.title()),
                Some(_) | None => question.title().to_owned(),
            },
            n: subject.port.is_none().then_some(answer.n),
            open: answer.open.filter(|_| subject.port.is_none()),
            method: method_of(question),
            command: format!("portbook stats {words} --at {}", subject.size),
            chart: tables.iter().find_map(chart_of),
            notes: answer.notes,
            tables,
        })
    }

    /// The section that counts findings by rule.
    #[must_use]
    pub fn of_findings(counts: Table, subject: Subject<'_>) -> Self {
        let port = subject
            .port
            .map_or(String::new(), |port| format!(" --port {port}"));
        Self {
            id: "findings".to_owned(),
            title: "Which rules do the facts break?".to_owned(),
            n: None,
            open: None,
            method: vec![(
                "Definition",
                "Facts that break a rule, by rule. Each finding names the records it rests on, and the command lists them with what proves each.",
            )],
            command: format!("portbook findings{port} --explain --at {}", subject.size),
            tables: vec![counts],
            notes: Vec::new(),
            chart: None,
        }
    }

    /// The section that counts the records everything rests on.
    #[must_use]
    pub fn of_records(tally: &Tally, subject: Subject<'_>) -> Self {
        let unreadable = (tally.unreadable > 0).then_some(("of them unreadable", tally.unreadable));
        let counts = tally.records.iter().map(|(class, count)| (*class, *count));
        let rows = counts.chain(unreadable);
        Self {
            id: "records".to_owned(),
            title: "Which records does this rest on?".to_owned(),
            n: None,
            open: None,
            method: vec![(
                "Definition",
                "Every record of the chains, by what the ledger made of the message. Only events count above. A redelivery repeats one, \
                 a conflict states another content under a known identity, a quarantined message could not be placed on a chain, control \
                 messages are the ledger's own: all are kept as evidence and change no number.",
            )],
            command: format!("portbook verify {}", subject.port.unwrap_or("--all")),
            tables: vec![Table {
                name: "records",
                columns: vec!["class", "records"],
                rows: rows
                    .map(|(class, count)| vec![Cell::Text(class.to_owned()), Cell::Count(count)])
                    .collect(),
            }],
            notes: Vec::new(),
            chart: None,
        }
    }
}

/// Keeps what a table says of one port; `false` for a table that is not about ports.
fn keep_port(table: &mut Table, port: &str) -> bool {
    if table.columns.first() != Some(&"port") {
        return false;
    }
    table
        .rows
        .retain(|row| row.first().is_some_and(|key| key.to_text() == port));
    true
}

fn method_of(question: Question) -> Vec<(&'static str, &'static str)> {
    ["Definition", "Computation", "Reading", "Source"]
        .into_iter()
        .filter_map(|part| Some((part, question.part(part)?)))
        .collect()
}

/// Months make a chart: masses as bars, a distribution as ranges, what is open as bars.
fn chart_of(table: &Table) -> Option<Chart> {
    if table.columns.first() != Some(&"month") || table.rows.is_empty() {
        return None;
    }
    let labels = table.rows.iter().filter_map(|row| Some(row.first()?.to_text()));
    let labels: Vec<String> = labels.collect();
    let column = |name: &str| {
        let at = table.columns.iter().position(|title| *title == name)?;
        table
            .rows
            .iter()
            .map(|row| number_of(row.get(at)?))
            .collect::<Option<Vec<u64>>>()
    };
    if let (Some(low), Some(middle), Some(high)) = (column("p10"), column("p50"), column("p90")) {
        let ranges = low.into_iter().zip(middle).zip(high);
        return Some(Chart::Ranges {
            labels,
            ranges: ranges.map(|((low, middle), high)| (low, middle, high)).collect(),
            unit: "days, p10 to p90 and median",
        });
    }
    if let Some(values) = column("open_at_end") {
        return Some(Chart::Bars {
            labels,
            series: vec![Series {
                name: "open applications",
                values,
            }],
            unit: "cases",
        });
    }
    let series: Vec<Series> = masses(table).collect();
    (!series.is_empty()).then_some(Chart::Bars {
        labels,
        series,
        unit: "t",
    })
}

/// The columns of masses, in whole tonnes.
fn masses(table: &Table) -> impl Iterator<Item = Series> {
    table.columns.iter().enumerate().filter_map(|(at, name)| {
        let tonnes = table.rows.iter().map(|row| match row.get(at)? {
            Cell::Grams(grams) => Some(grams / TONNE_G),
            Cell::Text(_) | Cell::Count(_) | Cell::Number(_) | Cell::Decimal(_) | Cell::Missing => None,
        });
        let values = tonnes.collect::<Option<Vec<u64>>>()?;
        Some(Series { name, values })
    })
}

fn number_of(cell: &Cell) -> Option<u64> {
    match cell {
        Cell::Count(count) => Some(*count),
        Cell::Number(number) => u64::try_from(*number).ok(),
        Cell::Text(_) | Cell::Grams(_) | Cell::Decimal(_) | Cell::Missing => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(columns: &[&'static str], rows: Vec<Vec<Cell>>) -> Table {
        Table {
            name: "t",
            columns: columns.to_vec(),
            rows,
        }
    }

    fn text(text: &str) -> Cell {
        Cell::Text(text.to_owned())
    }

    #[test]
    fn of_one_port_only_the_rows_about_it_are_kept() {
        let rows = || {
            vec![
                vec![text("CNNBG"), Cell::Count(1)],
                vec![text("CNSHG"), Cell::Count(2)],
            ]
        };
        let mut by_port = table(&["port", "n"], rows());
        assert!(keep_port(&mut by_port, "CNSHG"));
        assert_eq!(by_port.rows, [[text("CNSHG"), Cell::Count(2)]]);
        assert!(!keep_port(&mut table(&["month", "n"], rows()), "CNSHG"));
    }

    #[test]
    fn a_chart_says_what_the_table_says() {
        let month = || text("2025-04");
        let masses = table(
            &["month", "licences", "licensed"],
            vec![vec![month(), Cell::Count(3), Cell::Grams(2_999_999)]],
        );
        let Some(Chart::Bars { series, .. }) = chart_of(&masses) else {
            panic!("no bars");
        };
        assert_eq!(
            (series.len(), series[0].name, series[0].values.as_slice()),
            (1, "licensed", &[2][..])
        );
        let days = [1, 5, 9].map(Cell::Number);
        let ranges = table(
            &["month", "p10", "p50", "p90"],
            vec![[month()].into_iter().chain(days).collect()],
        );
        assert!(matches!(chart_of(&ranges), Some(Chart::Ranges { ranges, .. }) if ranges == [(1, 5, 9)]));
        // A month in which nothing was granted has no range to draw.
        let none = table(
            &["month", "p10", "p50", "p90"],
            vec![vec![month(), Cell::Missing, Cell::Missing, Cell::Missing]],
        );
        assert!(chart_of(&none).is_none());
        assert!(
            chart_of(&table(
                &["port", "licensed"],
                vec![vec![text("CNNBG"), Cell::Grams(1)]]
            ))
            .is_none()
        );
    }
}
