//! At the border: challenges, holds, and the hours from declaration to clearance.

use std::collections::BTreeMap;

use jiff::civil::Date;
use portbook_domain::QueryStage;
use portbook_views::{Cleared, Fact, Name, Queried, Told};

use crate::answer::{Answer, Cell, Open, Table};
use crate::decimal::ratio;
use crate::dimension::{By, Key, Place, title};
use crate::distribution::{Distribution, median};
use crate::grounds::Grounds;
use crate::parallel::side_by_side;
use crate::question::{Asked, Question};
use crate::resample::median_difference;
use crate::statistic::{kruskal_wallis, significant};

const HOUR_NS: i64 = 3_600_000_000_000;

/// What is known of one declaration number.
#[derive(Debug, Clone, Copy, Default)]
struct Declaration<'a> {
    first: Option<&'a Fact>,
    licensed: bool,
    challenged: bool,
}

#[derive(Debug, Default)]
struct Challenges {
    notices: u64,
    challenged: u64,
    without_license: u64,
}

impl<'a> Grounds<'a> {
    /// Notices by which customs challenged something.
    fn notices(&self) -> impl Iterator<Item = (&'a Fact, &'a Queried)> {
        self.all().filter_map(|fact| {
            if let Told::Queried(it) = &fact.told
                && it.stage == QueryStage::Customs
            {
                Some((fact, it))
            } else {
                None
            }
        })
    }

    fn declarations(&self) -> Vec<Declaration<'a>> {
        let mut known = vec![Declaration::default(); self.facts.counts().declarations];
        for fact in self.all() {
            let (declaration, licensed, challenged) = match &fact.told {
                Told::Declared(it) => (Some(it.declaration), it.license.is_some(), false),
                Told::Cleared(it) => (Some(it.declaration), it.license.is_some(), false),
                Told::Queried(it) => (it.declaration, false, it.stage == QueryStage::Customs),
                Told::Submitted(_)
                | Told::Closed(_)
                | Told::Answered { .. }
                | Told::Granted(_)
                | Told::Changed { .. }
                | Told::ShipmentEnded { .. } => (None, false, false),
            };
            let Some(entry) = declaration.and_then(|declaration| known.get_mut(declaration.at())) else {
                continue;
            };
            entry.licensed |= licensed;
            entry.challenged |= challenged;
            if entry.first.is_none_or(|first| fact.moment() < first.moment()) {
                entry.first = Some(fact);
            }
        }
        known
    }

    fn place_of_notice(fact: &Fact) -> Place<'a> {
        Place {
            port: fact.port,
            destination: None,
            day: fact.day,
            lane: None,
            goods: &[],
        }
    }
}

pub(crate) fn challenges(grounds: &Grounds<'_>, asked: &Asked<'_>) -> Answer {
    let declarations = grounds.declarations();
    let dimensions = asked.by.map_or(vec![By::Month, By::Port], |by| vec![by]);
    let counted = side_by_side(dimensions, |by| challenges_by(grounds, asked, &declarations, by));
    // Each of them counts the same declarations.
    let n = counted.first().map_or(0, |(n, _)| *n);
    let tables = counted.into_iter().map(|(_, table)| table).collect();
    Answer {
        question: Question::Challenges,
        n,
        open: None,
        as_of: grounds.as_of,
        beyond_calendar: 0,
        tables,
        notes: vec![
            "notices count in the month of the notice, declarations in that of their first event".to_owned(),
        ],
    }
}

/// Notices and declarations without a licence by one dimension, and how many of the latter there are.
fn challenges_by(
    grounds: &Grounds<'_>,
    asked: &Asked<'_>,
    declarations: &[Declaration<'_>],
    by: By,
) -> (u64, Table) {
    let mut sums: BTreeMap<Key<'_>, Challenges> = BTreeMap::new();
    for (fact, _) in grounds.notices().filter(|(fact, _)| asked.covers(fact.day)) {
        for key in grounds.keys(Some(by), &Grounds::place_of_notice(fact)) {
            sums.entry(key).or_default().notices += 1;
        }
    }
    let mut n = 0;
    for declaration in declarations.iter().filter(|it| !it.licensed) {
        let Some(first) = declaration.first.filter(|first| asked.covers(first.day)) else {
            continue;
        };
        n += 1;
        for key in grounds.keys(Some(by), &Grounds::place_of_notice(first)) {
            let sum = sums.entry(key).or_default();
            sum.without_license += 1;
            sum.challenged += u64::from(declaration.challenged);
        }
    }
    (n, challenge_table(by, sums))
}

fn challenge_table(by: By, sums: BTreeMap<Key<'_>, Challenges>) -> Table {
    let name = if by == By::Port { "by_port" } else { "by_month" };
    let mut table = Table::new(
        name,
        &[
            title(Some(by)),
            "notices",
            "challenged_declarations",
            "declarations_without_license",
            "rate",
        ],
    );
    for (key, it) in sums {
        table.push([
            key.cell(),
            Cell::Count(it.notices),
            Cell::Count(it.challenged),
            Cell::Count(it.without_license),
            Cell::decimal(ratio(it.challenged.into(), it.without_license.into(), 4)),
        ]);
    }
    table
}

#[derive(Debug, Default)]
struct Holds {
    days: Vec<i64>,
    notices: u64,
    answered: u64,
    answered_late: u64,
    not_cleared: u64,
}

/// Working days from notice to clearance, and answers after the last day for them.
pub(crate) fn holds(grounds: &Grounds<'_>, asked: &Asked<'_>) -> Answer {
    let mut sums: BTreeMap<Key<'_>, Holds> = BTreeMap::new();
    let (mut n, mut beyond) = (0, 0);
    let mut open = Open { open: 0, of: 0 };
    for (fact, notice) in grounds.notices().filter(|(fact, _)| asked.covers(fact.day)) {
        let cleared = clearance_of(grounds, fact, notice);
        let days = cleared.map(|cleared| grounds.working_days(fact.day, cleared.day));
        let answered = answer_day(grounds, fact, notice);
        let late = answered
            .zip(due(grounds, fact, notice))
            .is_some_and(|(day, due)| day > due);
        open.of += 1;
        open.open += u64::from(cleared.is_none());
        n += u64::from(matches!(days, Some(Some(_))));
        beyond += u64::from(matches!(days, Some(None)));
        for key in grounds.keys(asked.by, &Grounds::place_of_notice(fact)) {
            let sum = sums.entry(key).or_default();
            sum.notices += 1;
            sum.days.extend(days.flatten().map(i64::from));
            sum.answered += u64::from(answered.is_some());
            sum.answered_late += u64::from(late);
            sum.not_cleared += u64::from(cleared.is_none());
        }
    }
    Answer {
        question: Question::Holds,
        n,
        open: Some(open),
        as_of: grounds.as_of,
        beyond_calendar: beyond,
        tables: hold_tables(asked.by, sums),
        notes: vec!["a source that states no answers leaves their share unknown: see answered".to_owned()],
    }
}

fn hold_tables(by: Option<By>, sums: BTreeMap<Key<'_>, Holds>) -> Vec<Table> {
    let mut columns = vec![title(by)];
    columns.extend(Distribution::COLUMNS);
    columns.push("not_cleared");
    let mut days = Table::new("notice_to_clearance_working_days", &columns);
    let mut answers = Table::new(
        "answers",
        &[
            title(by),
            "notices",
            "answered",
            "answered_late",
            "share_late_of_answered",
        ],
    );
    for (key, mut it) in sums {
        let mut row = vec![key.cell()];
        row.extend(Distribution::cells(Distribution::of(&mut it.days)));
        row.push(Cell::Count(it.not_cleared));
        days.push(row);
        answers.push([
            key.cell(),
            Cell::Count(it.notices),
            Cell::Count(it.answered),
            Cell::Count(it.answered_late),
            Cell::decimal(ratio(it.answered_late.into(), it.answered.into(), 4)),
        ]);
    }
    vec![days, answers]
}

/// The first clearance of the challenged declaration in its case, not before the notice. Where no clearance of the case
/// carries the number and the case has one only, that one: a number may have been written wrongly.
fn clearance_of<'a>(grounds: &Grounds<'a>, notice: &Fact, queried: &Queried) -> Option<&'a Fact> {
    let of_case = grounds
        .facts
        .of_case(notice.case)
        .filter(|fact| fact.day <= grounds.as_of);
    let of_case: Vec<(&Fact, &Cleared)> = of_case
        .filter_map(|fact| {
            if let Told::Cleared(it) = &fact.told {
                Some((fact, it))
            } else {
                None
            }
        })
        .collect();
    let named = |(_, cleared): &&(&'a Fact, &Cleared)| queried.declaration == Some(cleared.declaration);
    if of_case.iter().find(named).is_none() {
        return match of_case.as_slice() {
            [(only, _)] if only.moment() >= notice.moment() => Some(only),
            _ => None,
        };
    }
    let later = of_case.iter().filter(named).map(|(fact, _)| *fact);
    let later = later.filter(|fact| fact.moment() >= notice.moment());
    later.min_by_key(|fact| fact.moment())
}

fn answer_day(grounds: &Grounds<'_>, notice: &Fact, queried: &Queried) -> Option<Date> {
    let answers = grounds.facts.of_case(notice.case).filter(|fact| {
        matches!(fact.told, Told::Answered { query, .. } if query == queried.query)
            && fact.day <= grounds.as_of
    });
    answers.map(|fact| fact.day).min()
}

/// The last day for an answer: as stated, otherwise by the policy in force on the day of the notice.
fn due(grounds: &Grounds<'_>, notice: &Fact, queried: &Queried) -> Option<Date> {
    queried.reply_due.or_else(|| {
        let days = grounds.policy(notice.day).ok()?.customs_reply_working_days?;
        grounds
            .reference
            .calendar
            .working_days_after(notice.day, days)
            .ok()
    })
}

/// Seed of the intervals: fixed, and different for each port by its place in the table.
const SEED: u64 = 20_250_404;

/// Whole hours from declaration to clearance, port by port.
pub(crate) fn ports(grounds: &Grounds<'_>, asked: &Asked<'_>) -> Answer {
    let mut hours: BTreeMap<&str, Vec<i64>> = BTreeMap::new();
    let mut strata: BTreeMap<(&str, &str, &str), Vec<i64>> = BTreeMap::new();
    let declared = declared_at(grounds);
    let (mut n, mut of) = (0, 0);
    for (fact, cleared) in grounds.clearances().filter(|(fact, _)| asked.covers(fact.day)) {
        of += 1;
        let since = declared.get(cleared.declaration.at()).copied().flatten();
        let Some(since) = since.filter(|since| *since <= fact.occurred_at_ns) else {
            continue;
        };
        n += 1;
        let took = (fact.occurred_at_ns - since) / HOUR_NS;
        let port = grounds.facts.word(fact.port);
        hours.entry(port).or_default().push(took);
        let stratum = (
            port,
            grounds.group_of(cleared.destination),
            cleared.control_status.word(),
        );
        strata.entry(stratum).or_default().push(took);
    }
    Answer {
        question: Question::Ports,
        n,
        open: Some(Open { open: of - n, of }),
        as_of: grounds.as_of,
        beyond_calendar: 0,
        tables: port_tables(hours, strata),
        notes: vec![
            "open here: clearances whose declaration no source stated; without declarations there is no comparison".to_owned(),
        ],
    }
}

/// When each declaration was made, by the first event that states it.
fn declared_at(grounds: &Grounds<'_>) -> Vec<Option<i64>> {
    let mut declared: Vec<Option<i64>> = vec![None; grounds.facts.counts().declarations];
    for fact in grounds.all() {
        if let Told::Declared(it) = &fact.told
            && let Some(entry) = declared.get_mut(Name::at(it.declaration))
        {
            *entry = Some(entry.map_or(fact.occurred_at_ns, |at: i64| at.min(fact.occurred_at_ns)));
        }
    }
    declared
}

fn port_tables(
    mut hours: BTreeMap<&str, Vec<i64>>,
    strata: BTreeMap<(&str, &str, &str), Vec<i64>>,
) -> Vec<Table> {
    let mut columns = vec!["port"];
    columns.extend(Distribution::COLUMNS);
    columns.extend(["median_less_others", "ci95_low", "ci95_high"]);
    let mut by_port = Table::new("declaration_to_clearance_hours", &columns);
    for values in hours.values_mut() {
        values.sort_unstable();
    }
    for (place, (port, values)) in (0_u64..).zip(&hours) {
        let others = hours.iter().filter(|(other, _)| *other != port);
        let mut others: Vec<i64> = others.flat_map(|(_, values)| values).copied().collect();
        let rest = median(&mut others);
        let own = Distribution::of(&mut values.clone());
        let interval = median_difference(values, &others, SEED.wrapping_add(place));
        let mut row = vec![Cell::text(*port)];
        row.extend(Distribution::cells(own));
        row.push(Cell::number(own.zip(rest).map(|(own, rest)| own.p50 - rest)));
        row.push(Cell::number(interval.map(|(low, _)| low)));
        row.push(Cell::number(interval.map(|(_, high)| high)));
        by_port.push(row);
    }
    let samples: Vec<Vec<i64>> = hours.into_values().collect();
    let mut test = Table::new("kruskal_wallis", &["h", "degrees", "p"]);
    if let Some(it) = kruskal_wallis(&samples) {
        test.push([
            Cell::Decimal(format!("{:.4}", it.h)),
            Cell::Count(it.degrees.into()),
            Cell::Decimal(significant(it.p, 3)),
        ]);
    }
    vec![by_port, strata_table(strata), test]
}

fn strata_table(strata: BTreeMap<(&str, &str, &str), Vec<i64>>) -> Table {
    let mut columns = vec!["port", "group", "control_status"];
    columns.extend(Distribution::COLUMNS);
    let mut table = Table::new("strata", &columns);
    for ((port, group, status), mut values) in strata {
        let mut row: Vec<Cell> = [port, group, status].map(Cell::text).to_vec();
        row.extend(Distribution::cells(Distribution::of(&mut values)));
        table.push(row);
    }
    table
}
