//! The answer: one row for each thing measured.

use std::fmt::{self, Display};

use serde::Serialize;

use crate::arguments::Part;
use crate::speech::grouped;

/// What was measured, where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Table {
    /// Events in the stream.
    pub(crate) events: u64,
    /// Cores of the machine.
    pub(crate) cores: usize,
    /// Version of the nats-server.
    pub(crate) nats_server: String,
    /// The rows, in the order of the parts.
    pub(crate) rows: Vec<Row>,
}

/// One measurement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    /// The part it belongs to.
    pub(crate) part: Part,
    /// What was done, and what the limit is.
    pub(crate) what: String,
    /// Unit of the two figures.
    pub(crate) unit: &'static str,
    /// The product's figure.
    pub(crate) product: u64,
    /// The limit's.
    pub(crate) limit: u64,
    /// What their ratio should be.
    pub(crate) target: Target,
}

/// What a ratio should be, in thousandths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target {
    /// At least this.
    AtLeast(u64),
    /// At most this.
    AtMost(u64),
    /// Nothing was set.
    Unset,
}

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    events: u64,
    cores: usize,
    nats_server: &'a str,
    rows: Vec<Entry<'a>>,
}

#[derive(Serialize)]
struct Entry<'a> {
    part: &'static str,
    what: &'a str,
    unit: &'static str,
    product: u64,
    limit: u64,
    ratio_permille: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    met: Option<bool>,
}

impl Row {
    /// Product over limit, in thousandths.
    fn ratio_permille(&self) -> u64 {
        let ratio = u128::from(self.product) * 1_000 / u128::from(self.limit.max(1));
        u64::try_from(ratio).unwrap_or(u64::MAX)
    }

    /// Whether the target is met; none when there is none.
    fn met(&self) -> Option<bool> {
        match self.target {
            Target::AtLeast(permille) => Some(self.ratio_permille() >= permille),
            Target::AtMost(permille) => Some(self.ratio_permille() <= permille),
            Target::Unset => None,
        }
    }

    fn cells(&self) -> [String; 7] {
        let verdict = match self.met() {
            Some(true) => "met",
            Some(false) => "missed",
            None => "",
        };
        let figure = |number| format!("{}{}", grouped(number), self.unit);
        [
            self.part.name().to_owned(),
            self.what.clone(),
            figure(self.product),
            figure(self.limit),
            decimal(self.ratio_permille()),
            self.target.to_string(),
            verdict.to_owned(),
        ]
    }
}

impl Table {
    /// The table as one JSON document.
    pub(crate) fn to_json(&self) -> Result<String, serde_json::Error> {
        let rows = self.rows.iter().map(|row| Entry {
            part: row.part.name(),
            what: &row.what,
            unit: row.unit.trim_start(),
            product: row.product,
            limit: row.limit,
            ratio_permille: row.ratio_permille(),
            target: row.met().map(|_| row.target.to_string()),
            met: row.met(),
        });
        serde_json::to_string_pretty(&Document {
            schema: "portbook.bench/v1",
            events: self.events,
            cores: self.cores,
            nats_server: &self.nats_server,
            rows: rows.collect(),
        })
    }
}

impl Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let heads = [
            "part",
            "what, against what",
            "product",
            "limit",
            "ratio",
            "target",
            "",
        ]
        .map(str::to_owned);
        let lines: Vec<[String; 7]> = std::iter::once(heads)
            .chain(self.rows.iter().map(Row::cells))
            .collect();
        let mut widths = [0; 7];
        for line in &lines {
            for (width, cell) in widths.iter_mut().zip(line) {
                *width = cell.chars().count().max(*width);
            }
        }
        writeln!(
            f,
            "{} events, {} cores, nats-server {}, every message synced\n",
            grouped(self.events),
            self.cores,
            self.nats_server
        )?;
        for (number, line) in lines.iter().enumerate() {
            if number > 0 {
                writeln!(f)?;
            }
            write!(f, "{}", aligned(line, widths).trim_end())?;
        }
        Ok(())
    }
}

/// Words to the left, figures to the right.
fn aligned(line: &[String; 7], widths: [usize; 7]) -> String {
    let cells = line.iter().zip(widths).enumerate();
    let padded = cells.map(|(column, (cell, width))| match column {
        2..=4 => format!("{cell:>width$}"),
        _ => format!("{cell:<width$}"),
    });
    padded.collect::<Vec<_>>().join("  ")
}

impl Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtLeast(permille) => write!(f, "at least {}", decimal(*permille)),
            Self::AtMost(permille) => write!(f, "at most {}", decimal(*permille)),
            Self::Unset => Ok(()),
        }
    }
}

/// Thousandths with two decimal places.
fn decimal(permille: u64) -> String {
    let hundredths = permille / 10;
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let row = |part, what: &str, unit, product, limit, target| Row {
            part,
            what: what.into(),
            unit,
            product,
            limit,
            target,
        };
        Table {
            events: 100_000,
            cores: 2,
            nats_server: "2.15.1".into(),
            rows: vec![
                row(Part::Import, "facts", "/s", 42_000, 60_000, Target::AtLeast(700)),
                row(
                    Part::Replay,
                    "messages",
                    "/s",
                    99_000,
                    330_000,
                    Target::AtLeast(400),
                ),
                row(Part::Memory, "peak", " MiB", 96, 512, Target::AtMost(1_000)),
                row(Part::Growth, "replay", "/s", 1_000, 0, Target::Unset),
            ],
        }
    }

    #[test]
    fn the_table_says_what_is_met_and_what_is_missed() {
        let expected = "\
100 000 events, 2 cores, nats-server 2.15.1, every message synced

part    what, against what   product      limit    ratio  target
import  facts               42 000/s   60 000/s     0.70  at least 0.70  met
replay  messages            99 000/s  330 000/s     0.30  at least 0.40  missed
memory  peak                  96 MiB    512 MiB     0.18  at most 1.00   met
growth  replay               1 000/s        0/s  1000.00";
        assert_eq!(table().to_string(), expected);
    }

    #[test]
    fn json_carries_the_same_verdicts() {
        let document: serde_json::Value = serde_json::from_str(&table().to_json().unwrap()).unwrap();
        assert_eq!(document["schema"], "portbook.bench/v1");
        assert_eq!(document["rows"][0]["ratio_permille"], 700);
        assert_eq!(document["rows"][1]["met"], false);
        assert_eq!(document["rows"][2]["unit"], "MiB");
        assert!(document["rows"][3].get("met").is_none());
    }
}
