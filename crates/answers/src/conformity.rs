//! Practice beside the policies in force: lanes and first grants.

use std::collections::BTreeMap;

use jiff::civil::Date;
use portbook_domain::{CountryCode, Lane};

use crate::answer::{Answer, Cell, Table};
use crate::grounds::Grounds;
use crate::question::{Asked, Question};

#[derive(Debug, Default)]
struct Policies {
    grants: u64,
    expedited: u64,
    not_eligible: u64,
}

#[derive(Debug, Default)]
struct Destination {
    submitted: u64,
    first: Option<Date>,
    grants: u64,
    grams: u64,
    expedited: u64,
}

pub(crate) fn conformity(grounds: &Grounds<'_>, asked: &Asked<'_>) -> Answer {
    let mut policies: BTreeMap<&str, Policies> = BTreeMap::new();
    let mut destinations: BTreeMap<&str, Destination> = BTreeMap::new();
    let mut n = 0;
    for case in grounds.cases().filter(|case| asked.covers(case.submitted.day)) {
        let word = grounds.facts.word(case.application.destination);
        destinations.entry(word).or_default().submitted += 1;
    }
    for (fact, granted) in grounds
        .counted_licenses()
        .filter(|(fact, _)| asked.covers(fact.day))
    {
        n += 1;
        let word = grounds.facts.word(granted.destination);
        let is_expedited = granted.lane == Lane::Expedited;
        let entry = destinations.entry(word).or_default();
        entry.first = Some(entry.first.map_or(fact.day, |first| first.min(fact.day)));
        entry.grants += 1;
        entry.grams = entry.grams.saturating_add(grounds.grams(granted.lines));
        entry.expedited += u64::from(is_expedited);
        if let Ok(policy) = grounds.policy(fact.day) {
            let eligible = CountryCode::new(word).is_ok_and(|country| policy.is_expedited_eligible(&country));
            let entry = policies.entry(policy.id.as_str()).or_default();
            entry.grants += 1;
            entry.expedited += u64::from(is_expedited);
            entry.not_eligible += u64::from(is_expedited && !eligible);
        }
    }
    Answer {
        question: Question::Conformity,
        n,
        open: None,
        as_of: grounds.as_of,
        beyond_calendar: 0,
        tables: vec![policy_table(policies), destination_table(destinations)],
        notes: vec!["dated claims are judged by portbook claims".to_owned()],
    }
}

fn policy_table(policies: BTreeMap<&str, Policies>) -> Table {
    let mut table = Table::new(
        "expedited_by_policy",
        &["policy", "grants", "expedited", "expedited_not_eligible"],
    );
    for (policy, it) in policies {
        table.push([
            Cell::text(policy),
            Cell::Count(it.grants),
            Cell::Count(it.expedited),
            Cell::Count(it.not_eligible),
        ]);
    }
    table
}

fn destination_table(destinations: BTreeMap<&str, Destination>) -> Table {
    let columns = [
        "country",
        "submitted",
        "first_grant",
        "grants",
        "expedited",
        "licensed",
    ];
    let mut table = Table::new("destinations", &columns);
    for (country, it) in destinations {
        table.push([
            Cell::text(country),
            Cell::Count(it.submitted),
            it.first.map_or(Cell::Missing, |day| Cell::text(day.to_string())),
            Cell::Count(it.grants),
            Cell::Count(it.expedited),
            Cell::Grams(it.grams),
        ]);
    }
    table
}
