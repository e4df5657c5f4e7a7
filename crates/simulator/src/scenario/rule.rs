//! What holds between keys and values, and the refusal that names the key.

use std::collections::BTreeMap;

use jiff::civil::Date;

use super::{ScenarioError, Span};
use crate::office::day_of;

/// Every day belongs to exactly one span.
pub(super) fn whole_time(key: &str, spans: &[Span], first: i64, last: i64) -> Result<(), ScenarioError> {
    let ends = spans.first().map(|it| it.from) == Some(first) && spans.last().map(|it| it.to) == Some(last);
    let joined = spans.windows(2).all(|pair| match pair {
        [before, after] => before.to + 1 == after.from,
        _ => false,
    });
    rule(
        ends && joined,
        key,
        "in order of their names, without gap or overlap from start to end",
        format!("{} spans", spans.len()),
    )
}

pub(super) fn weights<T>(key: &str, weights: BTreeMap<T, i64>) -> Result<Vec<(i64, T)>, ScenarioError> {
    let sum: i64 = weights.values().sum();
    let fits = weights.values().all(|weight| *weight >= 0) && (1..=1_000_000).contains(&sum);
    rule(fits, key, "weights of 1 to 1000000 in all", sum)?;
    Ok(weights.into_iter().map(|(what, weight)| (weight, what)).collect())
}

pub(super) fn pct(key: &str, value: i64) -> Result<i64, ScenarioError> {
    rule((0..=100).contains(&value), key, "0 to 100 per cent", value)?;
    Ok(value)
}

pub(super) fn span((from, to): (Date, Date)) -> Span {
    Span {
        from: day_of(from),
        to: day_of(to),
    }
}

pub(super) fn rule(
    holds: bool,
    key: &str,
    rule: &'static str,
    found: impl std::fmt::Display,
) -> Result<(), ScenarioError> {
    if holds {
        Ok(())
    } else {
        Err(refused(key.to_owned(), rule, found.to_string()))
    }
}

pub(super) const fn refused(key: String, rule: &'static str, found: String) -> ScenarioError {
    ScenarioError::Key { key, rule, found }
}
