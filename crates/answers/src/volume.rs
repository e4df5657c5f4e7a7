//! How much: licensed and cleared quantities.

use std::collections::{BTreeMap, BTreeSet};

use portbook_domain::{ControlStatus, LicenseChange};
use portbook_views::{Cleared, Fact, Goods, Granted, Name, Told};

use crate::answer::{Answer, Cell, Table};
use crate::dimension::{By, Key, Month, NOT_STATED, Place, title};
use crate::grounds::Grounds;
use crate::question::{Asked, Question};

/// Month, group and element of some goods, or one dimension alone.
type Cube<'a> = (Key<'a>, Option<(&'a str, &'a str)>);

#[derive(Debug, Default)]
struct Mass {
    grams: u64,
    uncontrolled_g: u64,
    records: u64,
    /// The record counted last: lines of one record come one after another.
    last: Option<u64>,
}

impl Mass {
    fn count(&mut self, leaf: u64) {
        self.records += u64::from(self.last != Some(leaf));
        self.last = Some(leaf);
    }
}

impl<'a> Grounds<'a> {
    /// Grants in force: a licence that was replaced counts as the one that replaced it, and never twice.
    pub(crate) fn counted_licenses(&self) -> impl Iterator<Item = (&'a Fact, &'a Granted)> {
        let replaced: BTreeSet<Name> = self
            .all()
            .filter_map(|fact| {
                if let Told::Changed {
                    license,
                    change: LicenseChange::Replaced,
                    ..
                } = fact.told
                {
                    Some(license)
                } else {
                    None
                }
            })
            .collect();
        self.licenses()
            .filter(move |(_, it)| !replaced.contains(&it.license))
    }

    pub(crate) fn place_of_grant(&self, fact: &Fact, granted: &Granted) -> Place<'a> {
        Place {
            port: fact.port,
            destination: Some(granted.destination),
            day: fact.day,
            lane: Some(granted.lane),
            goods: self.facts.goods(granted.lines),
        }
    }

    /// Place of a clearance; its queue is that of its licence.
    pub(crate) fn place_of_clearance(&self, fact: &Fact, cleared: &Cleared) -> Place<'a> {
        let license = cleared.license.and_then(|license| self.license(license));
        Place {
            port: fact.port,
            destination: Some(cleared.destination),
            day: fact.day,
            lane: license.map(|(_, granted)| granted.lane),
            goods: self.facts.goods(cleared.lines),
        }
    }

    fn cube(&self, by: Option<By>, place: &Place<'a>, goods: &Goods) -> Cube<'a> {
        match by {
            None => {
                let group = place.destination.map_or(NOT_STATED, |it| self.group_of(it));
                let element = goods.element.map_or(NOT_STATED, |it| self.facts.word(it));
                (Key::Month(Month::of(place.day)), Some((group, element)))
            }
            Some(by @ (By::Element | By::Form)) => (self.key_of_goods(by, goods), None),
            Some(by) => (self.keys(Some(by), place).pop().unwrap_or(Key::All), None),
        }
    }
}

pub(crate) fn licensed(grounds: &Grounds<'_>, asked: &Asked<'_>) -> Answer {
    let mut sums: BTreeMap<Cube<'_>, Mass> = BTreeMap::new();
    let mut n = 0;
    for (fact, granted) in grounds
        .counted_licenses()
        .filter(|(fact, _)| asked.covers(fact.day))
    {
        n += 1;
        let place = grounds.place_of_grant(fact, granted);
        for goods in place.goods {
            let sum = sums.entry(grounds.cube(asked.by, &place, goods)).or_default();
            sum.grams = sum.grams.saturating_add(goods.grams);
            sum.count(fact.leaf);
        }
    }
    let mut table = Table::new("licensed", &columns(asked.by, &["licenses", "licensed"]));
    for (cube, mass) in sums {
        let mut row = cells(cube);
        row.extend([Cell::Count(mass.records), Cell::Grams(mass.grams)]);
        table.push(row);
    }
    plain(grounds, Question::Licensed, n, table)
}

pub(crate) fn cleared(grounds: &Grounds<'_>, asked: &Asked<'_>) -> Answer {
    let mut sums: BTreeMap<Cube<'_>, Mass> = BTreeMap::new();
    let mut n = 0;
    for (fact, cleared) in grounds.clearances().filter(|(fact, _)| asked.covers(fact.day)) {
        n += 1;
        let place = grounds.place_of_clearance(fact, cleared);
        for (goods, grams) in grounds.cleared_lines(fact, cleared) {
            let sum = sums.entry(grounds.cube(asked.by, &place, goods)).or_default();
            let mass = if cleared.control_status == ControlStatus::Controlled {
                &mut sum.grams
            } else {
                &mut sum.uncontrolled_g
            };
            *mass = mass.saturating_add(grams);
            sum.count(fact.leaf);
        }
    }
    let measures = ["clearances", "controlled", "not_controlled", "cleared"];
    let mut table = Table::new("cleared", &columns(asked.by, &measures));
    for (cube, mass) in sums {
        let mut row = cells(cube);
        row.extend([
            Cell::Count(mass.records),
            Cell::Grams(mass.grams),
            Cell::Grams(mass.uncontrolled_g),
            Cell::Grams(mass.grams.saturating_add(mass.uncontrolled_g)),
        ]);
        table.push(row);
    }
    plain(grounds, Question::Cleared, n, table)
}

fn columns(by: Option<By>, measures: &[&'static str]) -> Vec<&'static str> {
    let keys = match by {
        None => vec!["month", "group", "element"],
        Some(_) => vec![title(by)],
    };
    keys.into_iter().chain(measures.iter().copied()).collect()
}

fn cells((key, more): Cube<'_>) -> Vec<Cell> {
    let more = more.into_iter().flat_map(|(group, element)| [group, element]);
    std::iter::once(key.cell()).chain(more.map(Cell::text)).collect()
}

fn plain(grounds: &Grounds<'_>, question: Question, n: u64, table: Table) -> Answer {
    Answer {
        question,
        n,
        open: None,
        as_of: grounds.as_of,
        beyond_calendar: 0,
        tables: vec![table],
        notes: Vec::new(),
    }
}
