//! `[class.*]`: what becomes of the applications of one group of destinations.

use std::collections::BTreeMap;

use jiff::civil::Date;
use portbook_domain::CountryCode;
use serde::Deserialize;

use super::rule::{pct, refused, rule, span, weights};
use super::{Class, Fate, ScenarioError};
use crate::office::day_of;
use crate::quantile::Quantiles;

/// The periods of a scenario by name.
type Periods = BTreeMap<String, (Date, Date)>;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ClassSection {
    members: BTreeMap<CountryCode, i64>,
    expedited_from: Option<Date>,
    expedited_pct: Option<i64>,
    first_grant: Date,
    arrivals: Vec<(Date, Date, i64)>,
    backlog_release: Option<ReleaseEntry>,
    grant_pct: BTreeMap<String, i64>,
    refuse_pct: BTreeMap<String, i64>,
    withdraw_pct: BTreeMap<String, i64>,
    query_pct: BTreeMap<String, i64>,
    latency_days_q: BTreeMap<String, Quantiles>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ReleaseEntry {
    from: Date,
    to: Date,
    pct: i64,
}

/// Checks a class.
pub(super) fn class(name: String, section: ClassSection, periods: &Periods) -> Result<Class, ScenarioError> {
    let key = |part: &str| format!("class.{name}.{part}");
    let fates = fates(&name, &section, periods)?;
    let expedited = match (section.expedited_from, section.expedited_pct) {
        (None, None) => None,
        (Some(from), Some(share)) => Some((day_of(from), pct(&key("expedited_pct"), share)?)),
        (_, share) => {
            return Err(refused(
                key("expedited_pct"),
                "given together with expedited_from",
                format!("{share:?}"),
            ));
        }
    };
    let backlog_release = match section.backlog_release {
        None => None,
        Some(it) => Some((span((it.from, it.to)), pct(&key("backlog_release.pct"), it.pct)?)),
    };
    let mut arrivals = Vec::new();
    for (from, to, per_day_x100) in section.arrivals {
        let holds = (0..=100_000_000).contains(&per_day_x100) && from <= to;
        let found = format!("{from}, {to}, {per_day_x100}");
        rule(holds, &key("arrivals"), "first day, last day, a number", found)?;
        arrivals.push((span((from, to)), per_day_x100));
    }
    let members = weights(&key("members"), section.members)?;
    Ok(Class {
        members,
        expedited,
        first_grant: day_of(section.first_grant),
        arrivals,
        backlog_release,
        fates,
        name,
    })
}

/// One fate for each period, and none for a period there is not.
fn fates(name: &str, section: &ClassSection, periods: &Periods) -> Result<Vec<Fate>, ScenarioError> {
    let key = |part: &str| format!("class.{name}.{part}");
    let mut fates = Vec::new();
    for period in periods.keys() {
        let share = |part: &str, shares: &BTreeMap<String, i64>| {
            let value = shares.get(period).copied().unwrap_or(-1);
            pct(&format!("class.{name}.{part}.{period}"), value)
        };
        let latency_days = section.latency_days_q.get(period).cloned().ok_or_else(|| {
            let found = format!("none for {period}");
            refused(key("latency_days_q"), "a table for each period", found)
        })?;
        let fate = Fate {
            grant_pct: share("grant_pct", &section.grant_pct)?,
            refuse_pct: share("refuse_pct", &section.refuse_pct)?,
            withdraw_pct: share("withdraw_pct", &section.withdraw_pct)?,
            query_pct: share("query_pct", &section.query_pct)?,
            latency_days,
        };
        let sum = fate.grant_pct + fate.refuse_pct + fate.withdraw_pct;
        rule(
            sum <= 100,
            &key("grant_pct"),
            "with refused and withdrawn at most 100",
            sum,
        )?;
        fates.push(fate);
    }
    let given = [
        section.grant_pct.len(),
        section.refuse_pct.len(),
        section.withdraw_pct.len(),
        section.query_pct.len(),
        section.latency_days_q.len(),
    ];
    let stray = given.iter().any(|count| *count != periods.len());
    rule(
        !stray,
        &key("grant_pct"),
        "given for the periods there are",
        "others",
    )?;
    Ok(fates)
}
