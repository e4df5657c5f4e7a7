//! The ledger's totals beside figures that others reported.

use std::collections::BTreeMap;

use portbook_views::Goods;

use crate::answer::{Answer, Cell, Table};
use crate::decimal::ratio;
use crate::dimension::Month;
use crate::grounds::Grounds;
use crate::question::{Asked, Question};
use crate::reported::{Comparable, Reported};

/// Percent by which a total may differ from a reported figure.
const TOLERANCE_PERCENT: u64 = 5;

/// Cleared grams by commodity code, month and country.
type Totals<'a> = BTreeMap<(&'a str, Month, &'a str), u64>;

pub(crate) fn official(grounds: &Grounds<'_>, asked: &Asked<'_>) -> Answer {
    let mut totals: Totals<'_> = BTreeMap::new();
    for (fact, cleared) in grounds.clearances() {
        let country = grounds.facts.word(cleared.destination);
        for (goods, grams) in grounds.cleared_lines(fact, cleared) {
            let key = (hs_of(grounds, goods), Month::of(fact.day), country);
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
    let mut n = 0;
    let mut left_out = 0_usize;
    for figure in asked.reported {
        let Some(comparable) = figure.comparable().filter(|it| is_asked(asked, it)) else {
            left_out += 1;
            continue;
        };
        n += 1;
        table.push(compare(&totals, figure, &comparable));
    }
    Answer {
        question: Question::Official,
        n,
        open: None,
        as_of: grounds.as_of,
        beyond_calendar: 0,
        tables: vec![table, by_month(&totals, asked)],
        notes: vec![
            format!(
                "tolerance {TOLERANCE_PERCENT} %; a period with a month without any record is incomplete, not wrong"
            ),
            format!(
                "{left_out} reported figures are no mass under a commodity code in whole months, or of other months"
            ),
        ],
    }
}

fn is_asked(asked: &Asked<'_>, figure: &Comparable<'_>) -> bool {
    asked
        .months
        .is_none_or(|(first, last)| first <= figure.first && figure.last <= last)
}

fn hs_of<'a>(grounds: &Grounds<'a>, goods: &Goods) -> &'a str {
    grounds.facts.word(goods.hs)
}

fn compare(totals: &Totals<'_>, figure: &Reported, comparable: &Comparable<'_>) -> Vec<Cell> {
    let mut months = 0_u64;
    let mut recorded = 0_u64;
    let mut ledger = 0_u64;
    let mut month = comparable.first;
    while month <= comparable.last {
        let of_month = || {
            totals
                .iter()
                .filter(|((hs, of, _), _)| *of == month && hs.starts_with(comparable.hs))
        };
        let in_scope =
            of_month().filter(|((_, _, country), _)| figure.scope == "world" || figure.scope == *country);
        ledger = in_scope.fold(ledger, |sum, (_, grams)| sum.saturating_add(*grams));
        months += 1;
        recorded += u64::from(of_month().next().is_some());
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

/// The ledger's own totals under every code that a figure names.
fn by_month(totals: &Totals<'_>, asked: &Asked<'_>) -> Table {
    let codes = asked
        .reported
        .iter()
        .filter_map(Reported::comparable)
        .map(|it| it.hs);
    let codes: std::collections::BTreeSet<&str> = codes.collect();
    let mut sums: BTreeMap<(&str, Month), u64> = BTreeMap::new();
    for code in codes {
        for ((_, month, _), grams) in totals.iter().filter(|((hs, _, _), _)| hs.starts_with(code)) {
            if asked.covers(month.last_day()) {
                let sum = sums.entry((code, *month)).or_default();
                *sum = sum.saturating_add(*grams);
            }
        }
    }
    let mut table = Table::new("ledger_by_month", &["hs", "month", "cleared"]);
    for ((code, month), grams) in sums {
        table.push([
            Cell::text(code),
            Cell::text(month.to_string()),
            Cell::Grams(grams),
        ]);
    }
    table
}
