//! Rules broken, counted; and whether the facts are all there.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use portbook_views::{Name, Told};

use crate::answer::{Answer, Cell, Table};
use crate::dimension::{By, title};
use crate::distribution::Distribution;
use crate::finding::{Rule, findings};
use crate::grounds::Grounds;
use crate::question::{Asked, Question};

/// Rules by question.
const RULES: &[(Question, &[Rule])] = &[
    (
        Question::WithoutRight,
        &[
            Rule::ControlledWithoutLicense,
            Rule::LicenseUnknown,
            Rule::ClearedBeforeGranted,
        ],
    ),
    (Question::Overdrawn, &[Rule::ClearedOverLicensed]),
    (
        Question::Validity,
        &[Rule::ClearedAfterExpiry, Rule::ClearedBeforeValidity],
    ),
    (
        Question::Mismatch,
        &[Rule::DestinationMismatch, Rule::ItemMismatch],
    ),
    (
        Question::Reuse,
        &[Rule::DigestReuse, Rule::DeclarationReuse, Rule::IdConflict],
    ),
    (
        Question::Backdating,
        &[Rule::Backdated, Rule::RecordedBeforeOccurred],
    ),
    (
        Question::Issuing,
        &[
            Rule::LicenseNumberGap,
            Rule::GrantBurst,
            Rule::GrantOnNonWorkingDay,
            Rule::DeclarationNumberInvalid,
        ],
    ),
];

const DAY_NS: i64 = 86_400_000_000_000;

/// Rules that a question is about; none for one about something else.
pub(crate) fn rules_of(question: Question) -> &'static [Rule] {
    let of = RULES.iter().find(|(of, _)| *of == question);
    of.map_or(&[], |(_, rules)| rules)
}
/// How often each rule of a question was broken, and what it can be measured against.
pub(crate) fn broken_rules(grounds: &Grounds<'_>, question: Question, asked: &Asked<'_>) -> Answer {
    let rules = rules_of(question);
    let found = findings(grounds, rules);
    let ports: BTreeSet<&str> = found.iter().map(|finding| finding.port.as_str()).collect();
    let keys = match asked.by {
        Some(_) => ports.into_iter().map(Some).collect(),
        None => vec![None],
    };
    let mut table = Table::new("broken", &[title(asked.by), "rule", "version", "findings"]);
    for (key, rule) in keys
        .iter()
        .flat_map(|key| rules.iter().map(move |rule| (key, rule)))
    {
        let of = found
            .iter()
            .filter(|it| it.rule == *rule && key.is_none_or(|port| it.port == port));
        table.push([
            Cell::text(key.unwrap_or("all")),
            Cell::text(rule.word()),
            Cell::Count(Rule::VERSION.into()),
            Cell::Count(u64::try_from(of.count()).unwrap_or(u64::MAX)),
        ]);
    }
    let mut tables = vec![table];
    if question == Question::Overdrawn {
        tables.push(single_use(grounds));
    } else if question == Question::Reuse {
        tables.push(repeats(grounds));
    } else if question == Question::Backdating {
        tables.push(lags(grounds));
    }
    Answer {
        question,
        n: population(grounds, question),
        open: None,
        as_of: grounds.as_of,
        beyond_calendar: 0,
        tables,
        notes: rules
            .iter()
            .map(|rule| format!("portbook findings --rule {} --explain", rule.word()))
            .collect(),
    }
}

/// What the findings of a question are counted among.
fn population(grounds: &Grounds<'_>, question: Question) -> u64 {
    let count = if question == Question::Overdrawn {
        grounds.licenses().count()
    } else if question == Question::Issuing {
        let grants = grounds.all().filter(|fact| matches!(fact.told, Told::Granted(_)));
        grants.count()
    } else if question == Question::Backdating {
        grounds.all().count()
    } else {
        grounds.clearances().count()
    };
    u64::try_from(count).unwrap_or(u64::MAX)
}

/// Licences for a stated number of uses that stand on more declarations.
fn single_use(grounds: &Grounds<'_>) -> Table {
    let mut declarations: BTreeMap<Name, BTreeSet<Name>> = BTreeMap::new();
    for (_, cleared) in grounds.clearances() {
        let license = cleared.license.and_then(|license| grounds.license(license));
        if let Some((_, granted)) = license.filter(|(_, granted)| granted.uses_allowed.is_some()) {
            declarations
                .entry(granted.license)
                .or_default()
                .insert(cleared.declaration);
        }
    }
    let mut table = Table::new("used_too_often", &["license_no", "uses_allowed", "declarations"]);
    let mut rows: Vec<(&str, u32, usize)> = Vec::new();
    for (license, used) in &declarations {
        let allowed = grounds
            .license(*license)
            .and_then(|(_, granted)| granted.uses_allowed);
        let Some(allowed) =
            allowed.filter(|allowed| usize::try_from(*allowed).is_ok_and(|allowed| allowed < used.len()))
        else {
            continue;
        };
        rows.push((grounds.facts.license_no(*license), allowed, used.len()));
    }
    rows.sort_unstable();
    for (license_no, allowed, used) in rows {
        table.push([
            Cell::text(license_no),
            Cell::Count(allowed.into()),
            Cell::Count(u64::try_from(used).unwrap_or(u64::MAX)),
        ]);
    }
    table
}

fn repeats(grounds: &Grounds<'_>) -> Table {
    let mut table = Table::new("repeats", &["redeliveries", "conflicts"]);
    let count = |is_conflict| {
        let repeats = grounds.facts.repeats().iter();
        let of = repeats.filter(|repeat| repeat.is_conflict == is_conflict).count();
        Cell::Count(u64::try_from(of).unwrap_or(u64::MAX))
    };
    table.push([count(false), count(true)]);
    table
}

/// Whole days between what sources say happened and when they say they wrote it down.
fn lags(grounds: &Grounds<'_>) -> Table {
    let stated = grounds
        .all()
        .filter_map(|fact| Some(fact.stated_at_ns?.saturating_sub(fact.occurred_at_ns)));
    let mut days: Vec<i64> = stated.map(|lag_ns| lag_ns.div_euclid(DAY_NS)).collect();
    let mut table = Table::new("days_until_written_down", &Distribution::COLUMNS);
    table.push(Distribution::cells(Distribution::of(&mut days)));
    table
}

/// What one port says, day by day.
#[derive(Debug, Default)]
struct PortDays {
    events: u64,
    repeats: u64,
    days: BTreeSet<Date>,
}

/// Events per port, and days of which nothing is known.
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
    let mut table = Table::new(
        By::Port.word(),
        &[
            "port",
            "events",
            "repeats",
            "first_day",
            "last_day",
            "days_with_events",
            "days_unknown",
        ],
    );
    for (port, it) in ports {
        let (first, last) = (it.days.first(), it.days.last());
        let span = first
            .zip(last)
            .map_or(0, |(first, last)| crate::latency::days_between(*first, *last) + 1);
        let with_events = i64::try_from(it.days.len()).unwrap_or(i64::MAX);
        table.push([
            Cell::text(port),
            Cell::Count(it.events),
            Cell::Count(it.repeats),
            first.map_or(Cell::Missing, |day| Cell::text(day.to_string())),
            last.map_or(Cell::Missing, |day| Cell::text(day.to_string())),
            Cell::Number(with_events),
            Cell::Number(span - with_events),
        ]);
    }
    let (repaired, dangling) = grounds.facts.repaired();
    Answer {
        question: Question::Integrity,
        n,
        open: None,
        as_of: grounds.as_of,
        beyond_calendar: 0,
        tables: vec![table, counts(grounds, asked)],
        notes: vec![
            "a day without events is unknown, never zero, unless a source states that it had nothing to report".to_owned(),
            format!("{repaired} events were corrected or annulled; {dangling} repairs name an event that is not recorded"),
            "whether records are whole and unchanged is proven by portbook verify --all, not by this table".to_owned(),
        ],
    }
}

/// What the ledger counted while it recorded, beside what the facts hold.
fn counts(grounds: &Grounds<'_>, asked: &Asked<'_>) -> Table {
    let mut table = Table::new("counts", &["of", "ledger", "facts", "equal"]);
    let Some(counted) = asked.counted else {
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
    let events = facts.records().saturating_add(counted.unreadable);
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
