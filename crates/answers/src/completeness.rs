//! Whether the facts are all there: by port and day, by source, and as the ledger counted them.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use portbook_views::day_of;

use crate::answer::{Answer, Cell, Table};
use crate::counted::{Counted, SourceCount};
use crate::dimension::By;
use crate::grounds::Grounds;
use crate::latency::days_between;
use crate::question::{Asked, Question};

/// What one port says, day by day.
#[derive(Debug, Default)]
struct PortDays {
    events: u64,
    repeats: u64,
    days: BTreeSet<Date>,
}

/// Events per port, days of which nothing is known, and what sources state.
pub(crate) fn completeness(grounds: &Grounds<'_>, asked: &Asked<'_>) -> Answer {
    let mut ports: BTreeMap<&str, PortDays> = BTreeMap::new();
    let mut n = 0;
    for fact in grounds.all().filter(|fact| asked.covers(fact.day)) {
        n += 1;
        let port = ports.entry(grounds.facts.word(fact.port)).or_default();
        port.events += 1;
        port.days.insert(fact.day);
    }
    for repeat in grounds.facts.repeats() {
        ports.entry(grounds.facts.word(repeat.port)).or_default().repeats += 1;
    }
    let last_asked = asked.months.map_or(Date::MAX, |(_, last)| last.last_day());
    let until = grounds.as_of.min(last_asked);
    let counted = asked.counted.unwrap_or_default();
    let mut table = Table::new(
        By::Port.word(),
        &[
            "port",
            "events",
            "repeats",
            "first_day",
            "last_day",
            "days_with_events",
            "days_stated_empty",
            "days_unknown",
        ],
    );
    for (port, it) in &ports {
        table.push(port_row(port, it, until, stated_until(port, counted.sources)));
    }
    let (repaired, dangling) = grounds.facts.repaired();
    Answer {
        question: Question::Integrity,
        n,
        open: None,
        as_of: grounds.as_of,
        beyond_calendar: 0,
        tables: vec![table, sources(counted.sources), counts(grounds, asked.counted)],
        notes: vec![
            "a day without events is unknown, never zero, until every source of the port has stated, after it, what it published".to_owned(),
            format!(
                "{repaired} events are corrected or annulled; {} repairs take no effect, and portbook case says why of each",
                counted.idle.saturating_add(u64::try_from(dangling).unwrap_or(u64::MAX))
            ),
            "that records, chains and signatures are whole is proven by portbook verify --all, that the stream holds the same by portbook verify --all --against-stream, that views do by portbook rebuild --dry-run; not by this table".to_owned(),
        ],
    }
}

/// Days from the first event of a port up to `until`: with events, stated to be empty, unknown.
fn port_row(port: &str, it: &PortDays, until: Date, stated_until: Option<Date>) -> Vec<Cell> {
    let first = it.days.first().copied();
    let end = until.max(it.days.last().copied().unwrap_or(until));
    let days_to = |last: Date| first.map_or(0, |first| (days_between(first, last) + 1).max(0));
    let with_events = |last: Date| i64::try_from(it.days.range(..=last).count()).unwrap_or(i64::MAX);
    // A statement says nothing of the day on which it is made: that day goes on.
    let stated_to = stated_until
        .and_then(|day| day.yesterday().ok())
        .map(|day| day.min(end));
    let empty = stated_to.map_or(0, |last| (days_to(last) - with_events(last)).max(0));
    let date = |day: Option<Date>| day.map_or(Cell::Missing, |day| Cell::text(day.to_string()));
    vec![
        Cell::text(port),
        Cell::Count(it.events),
        Cell::Count(it.repeats),
        date(first),
        date(it.days.last().copied()),
        Cell::Number(with_events(end)),
        Cell::Number(empty),
        Cell::Number(days_to(end) - with_events(end) - empty),
    ]
}

/// The day on which the last of a port's sources made its latest statement; none while one of them stated nothing, or
/// something that differs from what was recorded.
fn stated_until(port: &str, sources: &[SourceCount<'_>]) -> Option<Date> {
    let of_port = sources.iter().filter(|source| source.ports.contains(port));
    let days = of_port.map(|source| source.stated_at_ns.filter(|_| source.differing == 0).map(day_of));
    days.min().flatten()
}

/// What each source published and stated.
fn sources(sources: &[SourceCount<'_>]) -> Table {
    let mut table = Table::new(
        "sources",
        &[
            "source",
            "events",
            "statements",
            "events_stated",
            "events_recorded_by_then",
            "events_since",
            "statements_differing",
            "last_stated_on",
        ],
    );
    for it in sources {
        table.push([
            Cell::text(it.source),
            Cell::Count(it.events),
            Cell::Count(it.statements),
            Cell::Count(it.stated),
            Cell::Count(it.events_at_statement),
            Cell::Count(it.events.saturating_sub(it.events_at_statement)),
            Cell::Count(it.differing),
            it.stated_at_ns
                .map_or(Cell::Missing, |at_ns| Cell::text(day_of(at_ns).to_string())),
        ]);
    }
    table
}

/// What the ledger counted while it recorded, beside what the facts hold.
fn counts(grounds: &Grounds<'_>, counted: Option<Counted<'_>>) -> Table {
    let mut table = Table::new("counts", &["of", "ledger", "facts", "equal"]);
    let Some(counted) = counted else {
        return table;
    };
    let facts = grounds.facts;
    let repeats = |is_conflict: bool| {
        let of = facts
            .repeats()
            .iter()
            .filter(|repeat| repeat.is_conflict == is_conflict);
        u64::try_from(of.count()).unwrap_or(u64::MAX)
    };
    let outside = counted.unreadable.saturating_add(counted.idle);
    let events = facts.records().saturating_add(outside);
    for (of, ledger, facts) in [
        ("events", counted.events, events),
        ("redeliveries", counted.redeliveries, repeats(false)),
        ("conflicts", counted.conflicts, repeats(true)),
    ] {
        let equal = if ledger == facts { "yes" } else { "no" };
        table.push([
            Cell::text(of),
            Cell::Count(ledger),
            Cell::Count(facts),
            Cell::text(equal),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON_NS: i64 = 12 * 3_600_000_000_000;

    fn day(of_june: i8) -> Date {
        Date::new(2025, 6, of_june).unwrap()
    }

    /// A source of CNNBG that made its last statement at noon of a day of June 2025.
    fn source(ports: &BTreeSet<String>, of_june: Option<i8>, differing: u64) -> SourceCount<'_> {
        let noon = |of_june: i8| {
            let days = days_between(Date::new(1970, 1, 1).unwrap(), day(of_june));
            days * 2 * NOON_NS + NOON_NS / 3
        };
        SourceCount {
            source: "urn:x",
            events: 9,
            statements: 1,
            stated: 9,
            events_at_statement: 9,
            differing,
            stated_at_ns: of_june.map(noon),
            ports,
        }
    }

    fn told(sources: &[SourceCount<'_>]) -> (i64, i64, i64) {
        let port = PortDays {
            events: 3,
            repeats: 0,
            days: [day(2), day(3), day(6)].into(),
        };
        let row = port_row("CNNBG", &port, day(10), stated_until("CNNBG", sources));
        let [Cell::Number(with), Cell::Number(empty), Cell::Number(unknown)] = row[5..] else {
            panic!("{row:?}");
        };
        (with, empty, unknown)
    }

    #[test]
    fn a_day_without_events_is_unknown_until_every_source_of_the_port_has_spoken_after_it() {
        let (here, elsewhere) = (
            BTreeSet::from(["CNNBG".to_owned()]),
            BTreeSet::from(["CNSHG".to_owned()]),
        );
        // From 2 to 10 June: three days with events, six without.
        assert_eq!(told(&[]), (3, 0, 6));
        assert_eq!(told(&[source(&here, None, 0)]), (3, 0, 6));
        assert_eq!(told(&[source(&here, Some(11), 0)]), (3, 6, 0));
        // On 8 June it speaks of 4, 5 and 7 June; that day itself goes on.
        assert_eq!(told(&[source(&here, Some(8), 0)]), (3, 3, 3));
        assert_eq!(told(&[source(&here, Some(1), 0)]), (3, 0, 6));
        // Whoever spoke first holds the others back; whoever differs says nothing; who has nothing to do with the port neither.
        let late = source(&here, Some(11), 0);
        assert_eq!(told(&[late.clone(), source(&here, Some(8), 0)]), (3, 3, 3));
        assert_eq!(told(&[late.clone(), source(&here, Some(11), 1)]), (3, 0, 6));
        assert_eq!(told(&[late, source(&elsewhere, None, 0)]), (3, 6, 0));
    }
}
