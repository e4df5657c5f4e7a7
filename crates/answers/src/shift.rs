//! Did it change on a day: the naive medians, the survival curves, the grant hazard. Never one without the others.

use std::collections::BTreeMap;

use jiff::ToSpan;
use jiff::civil::Date;

use crate::answer::{Answer, Cell, Open, Table};
use crate::dimension::{By, Key, title};
use crate::distribution::median;
use crate::grounds::{Case, Grounds};
use crate::question::{AskError, Asked, Question};
use crate::statistic::{Duration, log_rank, median_survival, rate_ratio, significant};

/// Two windows of equal length that meet at the split; both ends belong to a window.
#[derive(Debug, Clone, Copy)]
struct Windows {
    before: (Date, Date),
    after: (Date, Date),
}

/// What one window says about one key.
#[derive(Debug, Default)]
struct Cohort {
    durations: Vec<Duration>,
    granted: Vec<i64>,
    open: u64,
    grants: u64,
    days_at_risk: u64,
}

/// The day on which the round table of 2025 is said to have changed practice: the split unless another is asked for.
const ROUND_TABLE: Date = jiff::civil::date(2025, 5, 27);

pub(crate) fn shift(grounds: &Grounds<'_>, asked: &Asked<'_>) -> Result<Answer, AskError> {
    let windows = windows(grounds, asked)?;
    let by = asked.by.unwrap_or(By::Group);
    let mut cohorts: BTreeMap<Key<'_>, [Cohort; 2]> = BTreeMap::new();
    let (mut n, mut beyond) = (0, 0);
    let mut open = Open { open: 0, of: 0 };
    for case in grounds
        .cases()
        .filter(|case| case.submitted.day <= windows.after.1)
    {
        let Some(duration) = duration(grounds, &case) else {
            beyond += 1;
            continue;
        };
        let is_open = case.granted.is_none() && case.closed.is_none();
        let cohort_of = |window: (Date, Date)| within(case.submitted.day, window);
        let in_cohort = cohort_of(windows.before) || cohort_of(windows.after);
        n += u64::from(in_cohort);
        open.of += u64::from(in_cohort);
        open.open += u64::from(in_cohort && is_open);
        for key in grounds.keys(Some(by), &grounds.place_of_case(&case, case.submitted.day)) {
            let entry = cohorts.entry(key).or_default();
            for (cohort, window) in entry.iter_mut().zip([windows.before, windows.after]) {
                if cohort_of(window) {
                    cohort.durations.push(duration);
                    cohort
                        .granted
                        .extend(duration.happened.then_some(i64::from(duration.days)));
                    cohort.open += u64::from(is_open);
                }
                let granted = case.granted.is_some_and(|(fact, _)| within(fact.day, window));
                cohort.grants += u64::from(granted);
                cohort.days_at_risk += days_at_risk(grounds, &case, window);
            }
        }
    }
    Ok(Answer {
        question: Question::Shift,
        n,
        open: Some(open),
        as_of: grounds.as_of,
        beyond_calendar: beyond,
        tables: tables(by, cohorts),
        notes: vec![
            format!(
                "before: {} to {}; after: {} to {}",
                windows.before.0, windows.before.1, windows.after.0, windows.after.1
            ),
            "naive medians leave out open cases and fall when slow cases are still open: read them with the other two"
                .to_owned(),
            "a small p says that the curves differ, not which is faster: where they cross, neither is as a whole".to_owned(),
        ],
    })
}

/// As many days before the split as the rule set in force on the day before had been in force, unless a number is asked
/// for: the comparison stays within one rule set.
fn windows(grounds: &Grounds<'_>, asked: &Asked<'_>) -> Result<Windows, AskError> {
    let split = asked.split.unwrap_or(ROUND_TABLE);
    let eve = split.saturating_sub(1.day());
    let first = match asked.window_days {
        Some(days) => split.saturating_sub(i32::from(days).days()),
        None => grounds
            .reference
            .policies
            .in_force(eve)
            .map(|policy| policy.valid_from)
            .ok()
            .ok_or(AskError::NoWindow { split })?,
    };
    let length = split.duration_since(first);
    Ok(Windows {
        before: (first, eve),
        after: (split, split.saturating_add(length).saturating_sub(1.day())),
    })
}

fn within(day: Date, (first, last): (Date, Date)) -> bool {
    first <= day && day <= last
}

/// Working days from submission to grant, or up to which there was none: the end without a licence, or today.
fn duration(grounds: &Grounds<'_>, case: &Case<'_>) -> Option<Duration> {
    Some(Duration {
        days: grounds.working_days(case.submitted.day, end_of(grounds, case))?,
        happened: case.granted.is_some(),
    })
}

fn end_of(grounds: &Grounds<'_>, case: &Case<'_>) -> Date {
    let granted = case.granted.map(|(fact, _)| fact.day);
    granted
        .or(case.closed.map(|fact| fact.day))
        .unwrap_or(grounds.as_of)
}

/// Working days of a window on which a case was open, the day of submission not counted.
fn days_at_risk(grounds: &Grounds<'_>, case: &Case<'_>, window: (Date, Date)) -> u64 {
    let from = case.submitted.day.max(window.0.saturating_sub(1.day()));
    let to = end_of(grounds, case).min(window.1);
    if to <= from {
        return 0;
    }
    grounds.working_days(from, to).map_or(0, u64::from)
}

fn tables(by: By, mut cohorts: BTreeMap<Key<'_>, [Cohort; 2]>) -> Vec<Table> {
    vec![
        naive(by, &mut cohorts),
        survival(by, &cohorts),
        hazard(by, &cohorts),
    ]
}

fn naive(by: By, cohorts: &mut BTreeMap<Key<'_>, [Cohort; 2]>) -> Table {
    let key = title(Some(by));
    let columns = [
        key,
        "granted_before",
        "granted_after",
        "median_before",
        "median_after",
        "difference",
    ];
    let mut table = Table::new("naive_medians", &columns);
    for (key, [before, after]) in cohorts {
        let medians = (median(&mut before.granted), median(&mut after.granted));
        table.push([
            key.cell(),
            count(before.granted.len()),
            count(after.granted.len()),
            Cell::number(medians.0),
            Cell::number(medians.1),
            Cell::number(medians.0.zip(medians.1).map(|(before, after)| after - before)),
        ]);
    }
    table
}

fn survival(by: By, cohorts: &BTreeMap<Key<'_>, [Cohort; 2]>) -> Table {
    let key = title(Some(by));
    let columns = [
        key,
        "n_before",
        "n_after",
        "open_before",
        "open_after",
        "median_before",
        "median_after",
        "logrank_chi2",
        "p",
    ];
    let mut table = Table::new("kaplan_meier", &columns);
    for (key, [before, after]) in cohorts {
        let test = log_rank(&before.durations, &after.durations);
        table.push([
            key.cell(),
            count(before.durations.len()),
            count(after.durations.len()),
            Cell::Count(before.open),
            Cell::Count(after.open),
            Cell::number(median_survival(&before.durations).map(i64::from)),
            Cell::number(median_survival(&after.durations).map(i64::from)),
            Cell::decimal(test.map(|it| format!("{:.4}", it.chi2))),
            Cell::decimal(test.map(|it| significant(it.p, 3))),
        ]);
    }
    table
}

fn hazard(by: By, cohorts: &BTreeMap<Key<'_>, [Cohort; 2]>) -> Table {
    let key = title(Some(by));
    let columns = [
        key,
        "grants_before",
        "days_before",
        "grants_after",
        "days_after",
        "rate_ratio",
        "ci95_low",
        "ci95_high",
    ];
    let mut table = Table::new("grant_hazard", &columns);
    for (key, [before, after]) in cohorts {
        let ratio = rate_ratio(
            (before.grants, before.days_at_risk),
            (after.grants, after.days_at_risk),
        );
        let digits = |x: f64| format!("{x:.4}");
        table.push([
            key.cell(),
            Cell::Count(before.grants),
            Cell::Count(before.days_at_risk),
            Cell::Count(after.grants),
            Cell::Count(after.days_at_risk),
            Cell::decimal(ratio.map(|it| digits(it.ratio))),
            Cell::decimal(ratio.map(|it| digits(it.low))),
            Cell::decimal(ratio.map(|it| digits(it.high))),
        ]);
    }
    table
}

fn count(length: usize) -> Cell {
    Cell::Count(u64::try_from(length).unwrap_or(u64::MAX))
}
