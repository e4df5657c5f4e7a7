//! Who gets it: concentration of licensed quantity.

use std::collections::BTreeMap;

use portbook_views::{Fact, Granted};

use crate::answer::{Answer, Cell, Table};
use crate::decimal::ratio;
use crate::dimension::{By, Key, NOT_STATED, title};
use crate::grounds::Grounds;
use crate::question::{Asked, Question};

/// Grams by destination group, by country, by exporter.
type Shares<'a> = [BTreeMap<&'a str, u64>; 3];

const AMONG: [&str; 3] = ["destination group", "destination country", "exporter"];

pub(crate) fn concentration(grounds: &Grounds<'_>, asked: &Asked<'_>) -> Answer {
    let mut sums: BTreeMap<Key<'_>, Shares<'_>> = BTreeMap::new();
    let mut n = 0;
    for (fact, granted) in grounds
        .counted_licenses()
        .filter(|(fact, _)| asked.covers(fact.day))
    {
        n += 1;
        let place = grounds.place_of_grant(fact, granted);
        let among = [
            grounds.group_of(granted.destination),
            grounds.facts.word(granted.destination),
            exporter_of(grounds, fact),
        ];
        for (key, grams) in masses(grounds, asked.by, &place, granted) {
            let shares = sums.entry(key).or_default();
            for (share, word) in shares.iter_mut().zip(among) {
                let sum = share.entry(word).or_default();
                *sum = sum.saturating_add(grams);
            }
        }
    }
    let mut table = Table::new(
        "concentration",
        &[
            title(asked.by),
            "among",
            "count",
            "licensed",
            "hhi",
            "top1",
            "top1_share",
            "top3_share",
            "not_stated",
        ],
    );
    for (key, shares) in sums {
        for (among, share) in AMONG.into_iter().zip(shares) {
            table.push(row(key, among, share));
        }
    }
    Answer {
        question: Question::Concentration,
        n,
        open: None,
        as_of: grounds.as_of,
        beyond_calendar: 0,
        tables: vec![table],
        notes: vec![
            "licences whose exporter is not stated are left out of the exporters' shares and shown beside"
                .to_owned(),
        ],
    }
}

/// What a licence counts with under each key: all of it, or the lines of one element or form.
fn masses<'a>(
    grounds: &Grounds<'a>,
    by: Option<By>,
    place: &crate::dimension::Place<'a>,
    granted: &Granted,
) -> Vec<(Key<'a>, u64)> {
    if let Some(by @ (By::Element | By::Form)) = by {
        let goods = grounds.facts.goods(granted.lines).iter();
        return goods
            .map(|goods| (grounds.key_of_goods(by, goods), goods.grams))
            .collect();
    }
    let keys = grounds.keys(by, place).into_iter();
    keys.map(|key| (key, grounds.grams(granted.lines))).collect()
}

fn exporter_of<'a>(grounds: &Grounds<'a>, fact: &Fact) -> &'a str {
    let case = grounds.facts.case(fact.case);
    let application = grounds.facts.submission(&case);
    let applicant = application.and_then(|(_, it)| it.applicant);
    applicant.map_or(NOT_STATED, |name| grounds.facts.word(name))
}

fn row(key: Key<'_>, among: &str, mut share: BTreeMap<&str, u64>) -> Vec<Cell> {
    let not_stated = share.remove(NOT_STATED).unwrap_or(0);
    let mut largest: Vec<(u64, &str)> = share.iter().map(|(word, grams)| (*grams, *word)).collect();
    largest.sort_unstable_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(b.1)));
    let total: u128 = share.values().map(|grams| u128::from(*grams)).sum();
    let squares: u128 = share
        .values()
        .map(|grams| u128::from(*grams) * u128::from(*grams))
        .sum();
    let top = |count: usize| -> u128 {
        largest
            .iter()
            .take(count)
            .map(|(grams, _)| u128::from(*grams))
            .sum()
    };
    vec![
        key.cell(),
        Cell::text(among),
        Cell::Count(u64::try_from(share.len()).unwrap_or(u64::MAX)),
        Cell::Grams(u64::try_from(total).unwrap_or(u64::MAX)),
        Cell::decimal(ratio(squares, total * total, 6)),
        largest
            .first()
            .map_or(Cell::Missing, |(_, word)| Cell::text(*word)),
        Cell::decimal(ratio(top(1), total, 4)),
        Cell::decimal(ratio(top(3), total, 4)),
        Cell::Grams(not_stated),
    ]
}
