//! What licences are used for: utilisation, and the time to the first shipment.

use std::collections::BTreeMap;

use jiff::civil::Date;

use crate::answer::{Answer, Cell, Open, Table};
use crate::decimal::ratio;
use crate::dimension::{By, Key, tally, title};
use crate::distribution::Distribution;
use crate::grounds::Grounds;
use crate::latency::days_between;
use crate::question::{Asked, Question};

/// What was cleared on one licence number.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Use {
    /// Grams in all.
    pub(crate) cleared_g: u64,
    /// Grams cleared within its validity.
    pub(crate) in_validity_g: u64,
    /// Day of the first clearance.
    pub(crate) first: Option<Date>,
    /// Clearances.
    pub(crate) clearances: u32,
}

impl Grounds<'_> {
    /// What was cleared on each licence number, beside the licences.
    pub(crate) fn uses(&self) -> Vec<Use> {
        let mut uses = vec![Use::default(); self.facts.counts().licenses];
        for (fact, cleared) in self.clearances() {
            let Some(license) = cleared.license else { continue };
            let grams = self.cleared_g(fact, cleared);
            let valid = self.license(license).is_some_and(|(_, granted)| {
                fact.day <= granted.valid_until && granted.valid_from.is_none_or(|first| first <= fact.day)
            });
            if let Some(of) = uses.get_mut(license.at()) {
                of.cleared_g = of.cleared_g.saturating_add(grams);
                of.in_validity_g = of.in_validity_g.saturating_add(if valid { grams } else { 0 });
                of.first = Some(of.first.map_or(fact.day, |first| first.min(fact.day)));
                of.clearances = of.clearances.saturating_add(1);
            }
        }
        uses
    }
}

#[derive(Debug, Default)]
struct Utilisation {
    licenses: u64,
    licensed_g: u64,
    cleared_g: u64,
    in_validity_g: u64,
    fully_used: u64,
    overdrawn: u64,
    unused: u64,
    expired: u64,
    unused_at_expiry_g: u64,
}

pub(crate) fn utilisation(grounds: &Grounds<'_>, asked: &Asked<'_>) -> Answer {
    let uses = grounds.uses();
    let licenses = grounds
        .counted_licenses()
        .filter(|(fact, _)| asked.covers(fact.day));
    let counted = licenses.map(|(fact, granted)| {
        let on_it = uses.get(granted.license.at()).copied().unwrap_or_default();
        let licensed_g = grounds.grams(granted.lines);
        let expired = granted.valid_until < grounds.as_of;
        let one = Utilisation {
            licenses: 1,
            licensed_g,
            cleared_g: on_it.cleared_g,
            in_validity_g: on_it.in_validity_g,
            fully_used: u64::from(on_it.cleared_g == licensed_g),
            overdrawn: u64::from(on_it.cleared_g > licensed_g),
            unused: u64::from(on_it.clearances == 0),
            expired: u64::from(expired),
            unused_at_expiry_g: if expired {
                licensed_g.saturating_sub(on_it.in_validity_g)
            } else {
                0
            },
        };
        (
            grounds.keys(asked.by, &grounds.place_of_grant(fact, granted)),
            one,
        )
    });
    let counted: Vec<_> = counted.collect();
    let n = u64::try_from(counted.len()).unwrap_or(u64::MAX);
    let unused: u64 = counted.iter().map(|(_, one)| one.unused).sum();
    let sums = tally(counted.into_iter(), |sum: &mut Utilisation, one| {
        sum.licenses += one.licenses;
        sum.licensed_g = sum.licensed_g.saturating_add(one.licensed_g);
        sum.cleared_g = sum.cleared_g.saturating_add(one.cleared_g);
        sum.in_validity_g = sum.in_validity_g.saturating_add(one.in_validity_g);
        sum.fully_used += one.fully_used;
        sum.overdrawn += one.overdrawn;
        sum.unused += one.unused;
        sum.expired += one.expired;
        sum.unused_at_expiry_g = sum.unused_at_expiry_g.saturating_add(one.unused_at_expiry_g);
    });
    Answer {
        question: Question::Utilisation,
        n,
        open: Some(Open { open: unused, of: n }),
        as_of: grounds.as_of,
        beyond_calendar: 0,
        tables: vec![utilisation_table(asked.by, sums)],
        notes: vec!["open here: licences on which nothing was cleared yet".to_owned()],
    }
}

fn utilisation_table(by: Option<By>, sums: BTreeMap<Key<'_>, Utilisation>) -> Table {
    let mut table = Table::new(
        "utilisation",
        &[
            title(by),
            "licenses",
            "licensed",
            "cleared",
            "cleared_in_validity",
            "utilisation",
            "fully_used",
            "overdrawn",
            "unused",
            "expired",
            "unused_at_expiry",
        ],
    );
    for (key, it) in sums {
        table.push([
            key.cell(),
            Cell::Count(it.licenses),
            Cell::Grams(it.licensed_g),
            Cell::Grams(it.cleared_g),
            Cell::Grams(it.in_validity_g),
            Cell::decimal(ratio(it.in_validity_g.into(), it.licensed_g.into(), 4)),
            Cell::Count(it.fully_used),
            Cell::Count(it.overdrawn),
            Cell::Count(it.unused),
            Cell::Count(it.expired),
            Cell::Grams(it.unused_at_expiry_g),
        ]);
    }
    table
}

#[derive(Debug, Default)]
struct Waits {
    days: Vec<i64>,
    none_yet: u64,
}

pub(crate) fn first_shipment(grounds: &Grounds<'_>, asked: &Asked<'_>) -> Answer {
    let uses = grounds.uses();
    let mut waits: BTreeMap<Key<'_>, Waits> = BTreeMap::new();
    let (mut n, mut open) = (0, Open { open: 0, of: 0 });
    for (fact, granted) in grounds
        .counted_licenses()
        .filter(|(fact, _)| asked.covers(fact.day))
    {
        let first = uses.get(granted.license.at()).and_then(|used| used.first);
        open.of += 1;
        open.open += u64::from(first.is_none());
        n += u64::from(first.is_some());
        for key in grounds.keys(asked.by, &grounds.place_of_grant(fact, granted)) {
            let entry = waits.entry(key).or_default();
            entry
                .days
                .extend(first.map(|first| days_between(fact.day, first)));
            entry.none_yet += u64::from(first.is_none());
        }
    }
    let mut columns = vec![title(asked.by)];
    columns.extend(Distribution::COLUMNS);
    columns.push("none_yet");
    let mut table = Table::new("grant_to_first_clearance_calendar_days", &columns);
    for (key, mut it) in waits {
        let mut row = vec![key.cell()];
        row.extend(Distribution::cells(Distribution::of(&mut it.days)));
        row.push(Cell::Count(it.none_yet));
        table.push(row);
    }
    Answer {
        question: Question::FirstShipment,
        n,
        open: Some(open),
        as_of: grounds.as_of,
        beyond_calendar: 0,
        tables: vec![table],
        notes: vec!["a clearance before its grant counts as it stands, with negative days".to_owned()],
    }
}
