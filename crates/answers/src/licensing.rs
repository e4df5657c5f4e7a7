//! What happens to an application: queries, lanes, outcomes.

use std::collections::BTreeMap;

use jiff::civil::Date;
use portbook_domain::{CloseOutcome, Lane, QueryStage};
use portbook_views::{Fact, Name, Told};

use crate::answer::{Answer, Cell, Open, Table};
use crate::decimal::ratio;
use crate::dimension::{By, Key, Month, tally, title};
use crate::distribution::{Distribution, median};
use crate::grounds::{Case, Grounds};
use crate::question::{Asked, Question};

#[derive(Debug, Default)]
struct Rounds {
    cases: u64,
    queried: u64,
    asked: u64,
    most: u64,
    stops: Vec<i64>,
    gross: Vec<i64>,
    net: Vec<i64>,
}

/// What the queries of one case did to it.
#[derive(Debug, Default)]
struct Stops {
    days: Vec<i64>,
    /// Working days from submission to grant, with and without the days a query was open.
    latency: Option<(i64, i64)>,
    beyond: bool,
}

pub(crate) fn queries(grounds: &Grounds<'_>, asked: &Asked<'_>) -> Answer {
    let per_case = rounds_by_case(grounds);
    let mut sums: BTreeMap<Key<'_>, Rounds> = BTreeMap::new();
    let (mut n, mut beyond) = (0, 0);
    for case in grounds.cases().filter(|case| asked.covers(case.submitted.day)) {
        n += 1;
        let rounds = per_case.get(case.name.at()).copied().unwrap_or(0);
        let stops = stops_of(grounds, &case, rounds);
        beyond += u64::from(stops.beyond);
        for key in grounds.keys(asked.by, &grounds.place_of_case(&case, case.submitted.day)) {
            let entry = sums.entry(key).or_default();
            entry.cases += 1;
            entry.queried += u64::from(rounds > 0);
            entry.asked += u64::from(rounds);
            entry.most = entry.most.max(u64::from(rounds));
            entry.stops.extend(&stops.days);
            entry.gross.extend(stops.latency.map(|(gross, _)| gross));
            entry.net.extend(stops.latency.map(|(_, net)| net));
        }
    }
    Answer {
        question: Question::Queries,
        n,
        open: None,
        as_of: grounds.as_of,
        beyond_calendar: beyond,
        tables: rounds_tables(asked.by, sums),
        notes: Vec::new(),
    }
}

fn rounds_tables(by: Option<By>, sums: BTreeMap<Key<'_>, Rounds>) -> Vec<Table> {
    let key = title(by);
    let mut rounds = Table::new(
        "rounds",
        &[
            key,
            "cases",
            "with_query",
            "share_with_query",
            "rounds",
            "mean_rounds",
            "max_rounds",
        ],
    );
    let mut columns = vec![key];
    columns.extend(Distribution::COLUMNS);
    let mut stops = Table::new("query_to_next_event_working_days", &columns);
    let mut gross = Table::new("latency_gross_working_days", &columns);
    let mut net = Table::new("latency_net_working_days", &columns);
    for (key, mut it) in sums {
        rounds.push([
            key.cell(),
            Cell::Count(it.cases),
            Cell::Count(it.queried),
            Cell::decimal(ratio(it.queried.into(), it.cases.into(), 6)),
            Cell::Count(it.asked),
            Cell::decimal(ratio(it.asked.into(), it.cases.into(), 6)),
            Cell::Count(it.most),
        ]);
        for (table, values) in [
            (&mut stops, &mut it.stops),
            (&mut gross, &mut it.gross),
            (&mut net, &mut it.net),
        ] {
            let mut row = vec![key.cell()];
            row.extend(Distribution::cells(Distribution::of(values)));
            table.push(row);
        }
    }
    vec![rounds, stops, gross, net]
}

/// How many licensing queries each case had, beside the cases.
pub(crate) fn rounds_by_case(grounds: &Grounds<'_>) -> Vec<u32> {
    let mut rounds = vec![0_u32; grounds.facts.counts().cases];
    for fact in grounds.all() {
        if let Told::Queried(it) = &fact.told
            && it.stage == QueryStage::Licensing
            && let Some(count) = rounds.get_mut(fact.case.at())
        {
            *count = count.saturating_add(1);
        }
    }
    rounds
}

fn stops_of(grounds: &Grounds<'_>, case: &Case<'_>, rounds: u32) -> Stops {
    let mut stops = Stops::default();
    let open = if rounds == 0 {
        Vec::new()
    } else {
        open_spans(grounds, case.name)
    };
    let days = |from, to| grounds.working_days(from, to).map(i64::from);
    for (from, to) in &open {
        let Some(to) = *to else { continue };
        match days(*from, to) {
            Some(stop) => stops.days.push(stop),
            None => stops.beyond = true,
        }
    }
    if let Some((granted, _)) = case.granted {
        let gross = days(case.submitted.day, granted.day);
        stops.latency = gross.map(|gross| {
            (
                gross,
                gross - query_days(grounds, &open, case.submitted.day, granted.day),
            )
        });
        stops.beyond |= gross.is_none();
    }
    stops
}

/// From each licensing query of a case to the next event of that case, whatever it is; open where none followed.
pub(crate) fn open_spans(grounds: &Grounds<'_>, case: Name) -> Vec<(Date, Option<Date>)> {
    let facts = grounds
        .facts
        .of_case(case)
        .filter(|fact| fact.day <= grounds.as_of);
    let mut facts: Vec<&Fact> = facts.collect();
    facts.sort_unstable_by_key(|fact| fact.moment());
    let later = facts.iter().skip(1).map(|fact| Some(fact.day)).chain([None]);
    let spans = facts
        .iter()
        .zip(later)
        .filter(|(fact, _)| matches!(&fact.told, Told::Queried(it) if it.stage == QueryStage::Licensing));
    spans.map(|(fact, until)| (fact.day, until)).collect()
}

/// Working days of (`from`, `to`] on which a query was open.
pub(crate) fn query_days(grounds: &Grounds<'_>, open: &[(Date, Option<Date>)], from: Date, to: Date) -> i64 {
    let days = open.iter().filter_map(|(asked, until)| {
        let (start, end) = (from.max(*asked), until.unwrap_or(to).min(to));
        (start < end).then(|| grounds.working_days(start, end)).flatten()
    });
    days.map(i64::from).sum()
}

#[derive(Debug, Default)]
struct Lanes {
    expedited: u64,
    grants: u64,
}

/// Share of expedited grants by month of grant, and what the lane did within the same group and month.
pub(crate) fn expedited(grounds: &Grounds<'_>, asked: &Asked<'_>) -> Answer {
    let by = asked.by.unwrap_or(By::Month);
    let mut n = 0;
    let mut beyond = 0;
    let mut effects: BTreeMap<(Month, &str), [Vec<i64>; 2]> = BTreeMap::new();
    let mut counted = Vec::new();
    for case in grounds.cases() {
        let Some((fact, granted)) = case.granted.filter(|(fact, _)| asked.covers(fact.day)) else {
            continue;
        };
        n += 1;
        let is_expedited = granted.lane == Lane::Expedited;
        let one = Lanes {
            expedited: u64::from(is_expedited),
            grants: 1,
        };
        counted.push((
            grounds.keys(Some(by), &grounds.place_of_case(&case, fact.day)),
            one,
        ));
        match grounds.working_days(case.submitted.day, fact.day) {
            Some(days) => {
                let key = (Month::of(fact.day), grounds.group_of(granted.destination));
                let [standard, expedited] = effects.entry(key).or_default();
                if is_expedited { expedited } else { standard }.push(i64::from(days));
            }
            None => beyond += 1,
        }
    }
    let mut share = Table::new("share", &[title(Some(by)), "expedited", "grants", "share"]);
    let sums = tally(counted.into_iter(), |sum: &mut Lanes, one| {
        sum.expedited += one.expedited;
        sum.grants += one.grants;
    });
    for (key, it) in sums {
        share.push([
            key.cell(),
            Cell::Count(it.expedited),
            Cell::Count(it.grants),
            Cell::decimal(ratio(it.expedited.into(), it.grants.into(), 4)),
        ]);
    }
    Answer {
        question: Question::Expedited,
        n,
        open: None,
        as_of: grounds.as_of,
        beyond_calendar: beyond,
        tables: vec![share, effect(effects)],
        notes: vec!["the lane was not drawn by lot: a difference need not be its effect".to_owned()],
    }
}

fn effect(effects: BTreeMap<(Month, &str), [Vec<i64>; 2]>) -> Table {
    let mut table = Table::new(
        "median_working_days_within_month_and_group",
        &[
            "month",
            "group",
            "n_expedited",
            "n_standard",
            "median_expedited",
            "median_standard",
            "difference",
        ],
    );
    for ((month, group), [mut standard, mut expedited]) in effects {
        let medians = (median(&mut expedited), median(&mut standard));
        let Some((fast, slow)) = medians.0.zip(medians.1) else {
            continue;
        };
        let count = |values: &[i64]| Cell::Count(u64::try_from(values.len()).unwrap_or(u64::MAX));
        table.push([
            Cell::text(month.to_string()),
            Cell::text(group),
            count(&expedited),
            count(&standard),
            Cell::Number(fast),
            Cell::Number(slow),
            Cell::Number(fast - slow),
        ]);
    }
    table
}

#[derive(Debug, Default)]
struct Outcomes {
    submitted: u64,
    granted: u64,
    refused: u64,
    returned: u64,
    withdrawn: u64,
    lapsed: u64,
}

/// What became of the applications.
pub(crate) fn outcomes(grounds: &Grounds<'_>, asked: &Asked<'_>) -> Answer {
    let cases = grounds.cases().filter(|case| asked.covers(case.submitted.day));
    let counted = cases.map(|case| {
        let closed = case.closed.map(|fact| &fact.told);
        let is = |outcome| u64::from(matches!(closed, Some(Told::Closed(found)) if *found == outcome));
        let one = Outcomes {
            submitted: 1,
            granted: u64::from(case.granted.is_some()),
            refused: is(CloseOutcome::Refused),
            returned: is(CloseOutcome::Returned),
            withdrawn: is(CloseOutcome::Withdrawn),
            lapsed: is(CloseOutcome::Lapsed),
        };
        (
            grounds.keys(asked.by, &grounds.place_of_case(&case, case.submitted.day)),
            one,
        )
    });
    let counted: Vec<_> = counted.collect();
    let n = u64::try_from(counted.len()).unwrap_or(u64::MAX);
    let open = counted.iter().map(|(_, one)| one.open()).sum();
    let sums = tally(counted.into_iter(), |sum: &mut Outcomes, one| {
        sum.submitted += one.submitted;
        sum.granted += one.granted;
        sum.refused += one.refused;
        sum.returned += one.returned;
        sum.withdrawn += one.withdrawn;
        sum.lapsed += one.lapsed;
    });
    Answer {
        question: Question::Outcomes,
        n,
        open: Some(Open { open, of: n }),
        as_of: grounds.as_of,
        beyond_calendar: 0,
        tables: vec![outcome_table(asked.by, sums)],
        notes: Vec::new(),
    }
}

fn outcome_table(by: Option<By>, sums: BTreeMap<Key<'_>, Outcomes>) -> Table {
    let mut table = Table::new(
        "outcomes",
        &[
            title(by),
            "submitted",
            "granted",
            "refused",
            "returned",
            "withdrawn",
            "lapsed",
            "open",
            "refused_of_granted_or_refused",
            "refused_of_ended",
            "granted_of_submitted",
        ],
    );
    for (key, it) in sums {
        let share = |part: u64, whole: u64| Cell::decimal(ratio(part.into(), whole.into(), 6));
        table.push([
            key.cell(),
            Cell::Count(it.submitted),
            Cell::Count(it.granted),
            Cell::Count(it.refused),
            Cell::Count(it.returned),
            Cell::Count(it.withdrawn),
            Cell::Count(it.lapsed),
            Cell::Count(it.open()),
            share(it.refused, it.granted + it.refused),
            share(it.refused, it.submitted - it.open()),
            share(it.granted, it.submitted),
        ]);
    }
    table
}

impl Outcomes {
    const fn open(&self) -> u64 {
        self.submitted - self.granted - self.refused - self.returned - self.withdrawn - self.lapsed
    }
}
