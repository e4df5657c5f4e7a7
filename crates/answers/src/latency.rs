//! From application to licence.

use crate::answer::{Answer, Cell, Open, Table};
use crate::decimal::ratio;
use crate::dimension::{By, Key, title};
use crate::distribution::Distribution;
use crate::grounds::Grounds;
use crate::question::{Asked, Question};
use std::collections::BTreeMap;

#[derive(Debug, Default)]
struct Times {
    working: Vec<i64>,
    calendar: Vec<i64>,
    open: u64,
    cases: u64,
}

/// Days from submission to grant, by the month of submission where months are asked about.
pub(crate) fn latency(grounds: &Grounds<'_>, asked: &Asked<'_>) -> Answer {
    let mut times: BTreeMap<Key<'_>, Times> = BTreeMap::new();
    let (mut n, mut beyond) = (0, 0);
    let mut open = Open { open: 0, of: 0 };
    for case in grounds.cases().filter(|case| asked.covers(case.submitted.day)) {
        open.of += 1;
        open.open += u64::from(case.granted.is_none() && case.closed.is_none());
        let days = case.granted.map(|(fact, _)| {
            let calendar = days_between(case.submitted.day, fact.day);
            (
                grounds.working_days(case.submitted.day, fact.day).map(i64::from),
                calendar,
            )
        });
        n += u64::from(matches!(days, Some((Some(_), _))));
        beyond += u64::from(matches!(days, Some((None, _))));
        for key in grounds.keys(asked.by, &grounds.place_of_case(&case, case.submitted.day)) {
            let entry = times.entry(key).or_default();
            entry.cases += 1;
            entry.open += u64::from(case.granted.is_none() && case.closed.is_none());
            if let Some((working, calendar)) = days {
                entry.working.extend(working);
                entry.calendar.push(calendar);
            }
        }
    }
    Answer {
        question: Question::Latency,
        n,
        open: Some(open),
        as_of: grounds.as_of,
        beyond_calendar: beyond,
        tables: tables(asked.by, times),
        notes: vec![
            "granted cases only: what is still open is left out and counted beside it; shift counts it"
                .to_owned(),
        ],
    }
}

fn tables(by: Option<By>, times: BTreeMap<Key<'_>, Times>) -> Vec<Table> {
    let mut columns = vec![title(by)];
    columns.extend(Distribution::COLUMNS);
    columns.extend(["open", "open_share"]);
    let mut working = Table::new("working_days", &columns);
    let mut calendar = Table::new("calendar_days", &columns);
    for (key, mut times) in times {
        let share = ratio(u128::from(times.open), u128::from(times.cases), 4);
        for (table, values) in [
            (&mut working, &mut times.working),
            (&mut calendar, &mut times.calendar),
        ] {
            let mut row = vec![key.cell()];
            row.extend(Distribution::cells(Distribution::of(values)));
            row.extend([Cell::Count(times.open), Cell::decimal(share.clone())]);
            table.push(row);
        }
    }
    vec![working, calendar]
}

/// Calendar days from one day to another, negative when it is earlier.
pub(crate) fn days_between(from: jiff::civil::Date, to: jiff::civil::Date) -> i64 {
    to.duration_since(from).as_hours() / 24
}
