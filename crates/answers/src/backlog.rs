//! What is not decided yet, and what was decided late.

use std::collections::BTreeMap;

use portbook_domain::CloseOutcome;
use portbook_views::Told;

use crate::answer::{Answer, Cell, Open, Table};
use crate::dimension::{By, Key, Month, title};
use crate::distribution::Distribution;
use crate::grounds::{Case, Grounds};
use crate::licensing::{open_spans, query_days, rounds_by_case};
use crate::question::{Asked, Question};

#[derive(Debug, Default)]
struct Flow {
    submitted: u64,
    ended: u64,
    open_at_end: u64,
}

pub(crate) fn backlog(grounds: &Grounds<'_>, asked: &Asked<'_>) -> Answer {
    let mut ages: BTreeMap<Key<'_>, Vec<i64>> = BTreeMap::new();
    let (mut open, mut beyond) = (Open { open: 0, of: 0 }, 0);
    for case in grounds.cases().filter(|case| asked.covers(case.submitted.day)) {
        open.of += 1;
        if case.granted.is_some() || case.closed.is_some() {
            continue;
        }
        open.open += 1;
        let age = grounds.working_days(case.submitted.day, grounds.as_of);
        beyond += u64::from(age.is_none());
        for key in grounds.keys(asked.by, &grounds.place_of_case(&case, case.submitted.day)) {
            ages.entry(key).or_default().extend(age.map(i64::from));
        }
    }
    let mut columns = vec![title(asked.by)];
    columns.extend(Distribution::COLUMNS);
    let mut table = Table::new("age_working_days", &columns);
    for (key, mut ages) in ages {
        let mut row = vec![key.cell()];
        row.extend(Distribution::cells(Distribution::of(&mut ages)));
        table.push(row);
    }
    Answer {
        question: Question::Backlog,
        n: open.open,
        open: Some(open),
        as_of: grounds.as_of,
        beyond_calendar: beyond,
        tables: vec![table, flow(grounds, asked)],
        notes: Vec::new(),
    }
}

/// Open at the end of each month, counted case by case; and what came in and went out, which must explain it.
fn flow(grounds: &Grounds<'_>, asked: &Asked<'_>) -> Table {
    let mut months: BTreeMap<Month, Flow> = BTreeMap::new();
    let lives: Vec<(Month, Option<Month>)> = grounds
        .cases()
        .filter(|case| asked.covers(case.submitted.day))
        .map(|case| (Month::of(case.submitted.day), end_of(&case)))
        .collect();
    let last = Month::of(grounds.as_of);
    if let Some(mut month) = lives.iter().map(|(from, _)| *from).min() {
        while month <= last {
            months.insert(month, Flow::default());
            month = month.next();
        }
    }
    for (from, until) in lives {
        if let Some(flow) = months.get_mut(&from) {
            flow.submitted += 1;
        }
        if let Some(flow) = until.and_then(|until| months.get_mut(&until)) {
            flow.ended += 1;
        }
        for (_, flow) in months
            .range_mut(from..)
            .take_while(|(month, _)| until.is_none_or(|until| **month < until))
        {
            flow.open_at_end += 1;
        }
    }
    let mut table = Table::new(
        "flow",
        &[
            "month",
            "open_before",
            "submitted",
            "ended",
            "open_at_end",
            "explained",
        ],
    );
    let mut before = 0;
    for (month, flow) in months {
        let explained = before + flow.submitted == flow.open_at_end + flow.ended;
        table.push([
            Cell::text(month.to_string()),
            Cell::Count(before),
            Cell::Count(flow.submitted),
            Cell::Count(flow.ended),
            Cell::Count(flow.open_at_end),
            Cell::text(if explained { "yes" } else { "no" }),
        ]);
        before = flow.open_at_end;
    }
    table
}

/// Month in which a case ended. An end that is claimed to lie before the application counts with the application.
fn end_of(case: &Case<'_>) -> Option<Month> {
    let granted = case.granted.map(|(fact, _)| fact.day);
    let end = granted.or(case.closed.map(|fact| fact.day))?;
    Some(Month::of(end.max(case.submitted.day)))
}

/// Counts of one clock.
#[derive(Debug, Default)]
struct Late {
    open: u64,
    granted: u64,
    refused: u64,
    returned: u64,
}

#[derive(Debug, Default)]
struct Terms {
    cases: u64,
    gross: Late,
    net: Late,
}

/// Open or decided after the term, by the clock that runs on and by the one that stops while a query is open.
pub(crate) fn overdue(grounds: &Grounds<'_>, asked: &Asked<'_>) -> Answer {
    let rounds = rounds_by_case(grounds);
    let mut beyond = 0;
    let mut sums: BTreeMap<Key<'_>, Terms> = BTreeMap::new();
    let (mut n, mut open) = (0, Open { open: 0, of: 0 });
    for case in grounds.cases().filter(|case| asked.covers(case.submitted.day)) {
        open.of += 1;
        open.open += u64::from(case.granted.is_none() && case.closed.is_none());
        let end = case
            .granted
            .map(|(fact, _)| fact.day)
            .or(case.closed.map(|fact| fact.day));
        let end = end.unwrap_or(grounds.as_of);
        let (Some(gross), Ok(policy)) = (
            grounds.working_days(case.submitted.day, end),
            grounds.policy(case.submitted.day),
        ) else {
            beyond += 1;
            continue;
        };
        let term = i64::from(policy.decision_working_days);
        let gross = i64::from(gross);
        let queried = rounds.get(case.name.at()).is_some_and(|rounds| *rounds > 0);
        // Queries can only shorten: a case in time by the gross clock needs no second look.
        let net = if queried && gross > term {
            gross - query_days(grounds, &open_spans(grounds, case.name), case.submitted.day, end)
        } else {
            gross
        };
        n += 1;
        let (late_gross, late_net) = (late(&case, gross > term), late(&case, net > term));
        for key in grounds.keys(asked.by, &grounds.place_of_case(&case, case.submitted.day)) {
            let sum = sums.entry(key).or_default();
            sum.cases += 1;
            sum.gross.add(&late_gross);
            sum.net.add(&late_net);
        }
    }
    let mut answer = Answer {
        question: Question::Overdue,
        n,
        open: Some(open),
        as_of: grounds.as_of,
        beyond_calendar: beyond,
        tables: Vec::new(),
        notes: vec![
            "whether the law's term stops during a query was not verified: both clocks are shown".to_owned(),
        ],
    };
    answer.tables = overdue_tables(asked.by, sums);
    answer
}

impl Late {
    const fn add(&mut self, one: &Self) {
        self.open += one.open;
        self.granted += one.granted;
        self.refused += one.refused;
        self.returned += one.returned;
    }
}

fn late(case: &Case<'_>, is_late: bool) -> Late {
    let closed = case.closed.map(|fact| &fact.told);
    let is = |outcome| u64::from(is_late && matches!(closed, Some(Told::Closed(found)) if *found == outcome));
    Late {
        open: u64::from(is_late && case.granted.is_none() && case.closed.is_none()),
        granted: u64::from(is_late && case.granted.is_some()),
        refused: is(CloseOutcome::Refused),
        returned: is(CloseOutcome::Returned),
    }
}

fn overdue_tables(by: Option<By>, sums: BTreeMap<Key<'_>, Terms>) -> Vec<Table> {
    let columns = [
        title(by),
        "cases",
        "open_overdue",
        "granted_late",
        "refused_late",
        "returned_late",
    ];
    let mut gross = Table::new("gross_clock", &columns);
    let mut net = Table::new("net_clock", &columns);
    for (key, it) in sums {
        for (table, late) in [(&mut gross, &it.gross), (&mut net, &it.net)] {
            table.push([
                key.cell(),
                Cell::Count(it.cases),
                Cell::Count(late.open),
                Cell::Count(late.granted),
                Cell::Count(late.refused),
                Cell::Count(late.returned),
            ]);
        }
    }
    vec![gross, net]
}
