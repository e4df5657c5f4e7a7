//! The ledger's totals beside figures that others reported.

use std::collections::{BTreeMap, BTreeSet};

use crate::answer::{Answer, Cell, Table};
use crate::decimal::ratio;
use crate::dimension::Month;
use crate::grounds::Grounds;
use crate::question::{Asked, Question};
use crate::reported::{Comparable, Delimited, Reported};

/// Percent by which a total may differ from a reported figure.
const TOLERANCE_PERCENT: u64 = 5;

/// Cleared grams by commodity code, element, month and country.
type Totals<'a> = BTreeMap<Cleared<'a>, u64>;

/// What is added up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Cleared<'a> {
    month: Month,
    hs: &'a str,
    element: Option<&'a str>,
    country: &'a str,
}

pub(crate) fn official(grounds: &Grounds<'_>, asked: &Asked<'_>) -> Answer {
    let mut totals: Totals<'_> = BTreeMap::new();
    for (fact, cleared) in grounds.clearances() {
        let country = grounds.facts.word(cleared.destination);
        let month = Month::of(fact.day);
        for (goods, grams) in grounds.cleared_lines(fact, cleared) {
            let key = Cleared {
                month,
                hs: grounds.facts.word(goods.hs),
                element: goods.element.map(|element| grounds.facts.word(element)),
                country,
            };
            let sum = totals.entry(key).or_default();
            *sum = sum.saturating_add(grams);
        }
    }
    let mut table = Table::new(
        "compared",
        &[
            "metric",
            "period",
            "scope",
            "reported",
            "ledger",
            "difference_percent",
            "months_recorded",
            "verdict",
            "source",
            "confidence",
        ],
    );
    let mut left_out = not_compared();
    let mut n = 0;
    for figure in asked.reported {
        let comparable = figure.comparable().and_then(|it| {
            if is_asked(asked, &it) {
                Ok(it)
            } else {
                Err("of other months than are asked about")
            }
        });
        match comparable {
            Ok(comparable) => {
                n += 1;
                table.push(compare(&totals, figure, &comparable));
            }
            Err(reason) => left_out.push(not_compared_row(figure, reason)),
        }
    }
    Answer {
        question: Question::Official,
        n,
        open: None,
        as_of: grounds.as_of,
        beyond_calendar: 0,
        notes: vec![
            format!(
                "tolerance {TOLERANCE_PERCENT} %; a period with a month without any record is incomplete, not wrong"
            ),
            format!(
                "{n} of {} reported figures are compared; not_compared says why each of the others is not",
                asked.reported.len()
            ),
        ],
        tables: vec![table, by_month(&totals, asked), left_out],
    }
}

fn not_compared() -> Table {
    Table::new(
        "not_compared",
        &["metric", "period", "scope", "value", "unit", "reason", "source"],
    )
}

fn not_compared_row(figure: &Reported, reason: &str) -> [Cell; 7] {
    [
        &figure.metric,
        &figure.period,
        &figure.scope,
        &figure.value,
        &figure.unit,
        reason,
        &figure.source,
    ]
    .map(|text: &str| Cell::text(text))
}

fn is_asked(asked: &Asked<'_>, figure: &Comparable<'_>) -> bool {
    asked
        .months
        .is_none_or(|(first, last)| first <= figure.first && figure.last <= last)
}

fn compare(totals: &Totals<'_>, figure: &Reported, comparable: &Comparable<'_>) -> Vec<Cell> {
    let (mut months, mut recorded, mut ledger) = (0_u64, 0_u64, 0_u64);
    let mut month = comparable.first;
    while month <= comparable.last {
        let of_month = totals.iter().filter(|(it, _)| it.month == month);
        let meant = |it: &Cleared<'_>| comparable.goods.means(it.hs, it.element);
        let mut is_recorded = false;
        for (it, grams) in of_month {
            // Where nothing was reported, nothing need be recorded but that the month was.
            is_recorded |= meant(it) || comparable.grams == 0;
            if meant(it) && (figure.scope == "world" || figure.scope == it.country) {
                ledger = ledger.saturating_add(*grams);
            }
        }
        months += 1;
        recorded += u64::from(is_recorded);
        month = month.next();
    }
    let difference = ledger.abs_diff(comparable.grams);
    let within = u128::from(difference) * 100 <= u128::from(comparable.grams) * u128::from(TOLERANCE_PERCENT);
    let verdict = match recorded {
        0 => "no records",
        _ if recorded < months => "incomplete",
        _ if within => "within",
        _ => "outside",
    };
    let sign = if ledger < comparable.grams { "-" } else { "" };
    let percent = ratio(u128::from(difference) * 100, comparable.grams.into(), 1);
    vec![
        Cell::text(&figure.metric),
        Cell::text(&figure.period),
        Cell::text(&figure.scope),
        Cell::Grams(comparable.grams),
        Cell::Grams(ledger),
        Cell::decimal(percent.map(|digits| format!("{sign}{digits}"))),
        Cell::text(format!("{recorded} of {months}")),
        Cell::text(verdict),
        Cell::text(&figure.source),
        Cell::text(&figure.confidence),
    ]
}

/// The ledger's own totals of all goods that a figure speaks of.
fn by_month(totals: &Totals<'_>, asked: &Asked<'_>) -> Table {
    let comparable = asked
        .reported
        .iter()
        .filter_map(|figure| figure.comparable().ok());
    let delimited: BTreeSet<Delimited<'_>> = comparable.map(|it| it.goods).collect();
    let mut table = Table::new("ledger_by_month", &["goods", "month", "cleared"]);
    for goods in delimited {
        let mut sums: BTreeMap<Month, u64> = BTreeMap::new();
        let meant = totals.iter().filter(|(it, _)| goods.means(it.hs, it.element));
        for (it, grams) in meant.filter(|(it, _)| asked.covers(it.month.last_day())) {
            let sum = sums.entry(it.month).or_default();
            *sum = sum.saturating_add(*grams);
        }
        for (month, grams) in sums {
            table.push([
                Cell::text(goods.text()),
                Cell::text(month.to_string()),
                Cell::Grams(grams),
            ]);
        }
    }
    table
}
