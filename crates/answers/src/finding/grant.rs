//! Rules about grants: days, lanes, bursts, gaps in numbers.

use std::ops::RangeInclusive;

use portbook_domain::{CountryCode, Lane};
use portbook_views::{Fact, Granted, Told};

use super::{Finding, Rule, license_text};
use crate::grounds::Grounds;

pub(super) const RULES: &[Rule] = &[
    Rule::GrantOnNonWorkingDay,
    Rule::ExpeditedNotEligible,
    Rule::GrantBurst,
    Rule::LicenseNumberGap,
];

/// Grants within one UTC minute from which on they count as a burst.
const BURST_GRANTS_MIN: usize = 20;
/// Missing numbers next to one another that are named one by one; of a longer hole the two ends are named.
const NUMBERS_NAMED_MAX: u64 = 1000;
const MINUTE_NS: i64 = 60_000_000_000;

pub(super) fn find(grounds: &Grounds<'_>) -> Vec<Finding> {
    let grants: Vec<(&Fact, &Granted)> = grounds
        .all()
        .filter_map(|fact| {
            if let Told::Granted(granted) = &fact.told {
                Some((fact, granted))
            } else {
                None
            }
        })
        .collect();
    let mut found = bursts(grounds, &grants);
    found.extend(gaps(grounds, &grants));
    for (fact, granted) in grants {
        found.extend(day(grounds, fact, granted));
        found.extend(lane(grounds, fact, granted));
    }
    found
}

fn day(grounds: &Grounds<'_>, fact: &Fact, granted: &Granted) -> Option<Finding> {
    let is_worked = grounds.reference.calendar.is_working_day(fact.day).ok()?;
    let evidence = || format!("{} granted {}", license_text(grounds, granted.license), fact.day);
    (!is_worked).then(|| Finding::of(grounds, Rule::GrantOnNonWorkingDay, fact, evidence()))
}

fn lane(grounds: &Grounds<'_>, fact: &Fact, granted: &Granted) -> Option<Finding> {
    if granted.lane != Lane::Expedited {
        return None;
    }
    let policy = grounds.policy(fact.day).ok()?;
    let destination = grounds.facts.word(granted.destination);
    let country = CountryCode::new(destination).ok()?;
    if policy.is_expedited_eligible(&country) {
        return None;
    }
    let evidence = format!(
        "{} expedited for {destination} on {}",
        license_text(grounds, granted.license),
        fact.day
    );
    Some(Finding::of(grounds, Rule::ExpeditedNotEligible, fact, evidence).judged_by(policy))
}

fn bursts(grounds: &Grounds<'_>, grants: &[(&Fact, &Granted)]) -> Vec<Finding> {
    let minute = |fact: &Fact| fact.occurred_at_ns.div_euclid(MINUTE_NS);
    let mut by_time: Vec<&Fact> = grants.iter().map(|(fact, _)| *fact).collect();
    by_time.sort_unstable_by_key(|fact| fact.moment());
    let minutes = by_time.chunk_by(|one, next| minute(one) == minute(next));
    let of_burst = |facts: &[&Fact]| {
        let leaves = Finding::earliest(facts);
        let evidence = format!("{} grants within one minute on {}", facts.len(), day_text(facts));
        let finding = |fact: &&Fact| {
            Finding::of(grounds, Rule::GrantBurst, fact, evidence.clone()).resting_on(leaves.iter().copied())
        };
        facts.iter().map(finding).collect::<Vec<_>>()
    };
    minutes
        .filter(|facts| facts.len() >= BURST_GRANTS_MIN)
        .flat_map(of_burst)
        .collect()
}

fn day_text(facts: &[&Fact]) -> String {
    facts.first().map(|fact| fact.day.to_string()).unwrap_or_default()
}

/// A series is what stands before the last digits of a number, and how many digits these are.
type Series<'a> = (&'a str, usize);

fn gaps(grounds: &Grounds<'_>, grants: &[(&Fact, &Granted)]) -> Vec<Finding> {
    let numbered = grants.iter().filter_map(|(fact, granted)| {
        let (of, number) = series_of(grounds.facts.license_no(granted.license))?;
        Some((of, number, *fact))
    });
    let mut numbered: Vec<(Series<'_>, u64, &Fact)> = numbered.collect();
    numbered.sort_unstable_by_key(|(of, number, fact)| (*of, *number, fact.moment()));
    // Of several grants of a number the first in time stands for it.
    numbered.dedup_by_key(|(of, number, _)| (*of, *number));
    let mut found = Vec::new();
    for ((of, before, earlier), (next_of, after, later)) in numbered.iter().zip(numbered.iter().skip(1)) {
        if of != next_of {
            continue;
        }
        let hole = before.saturating_add(1)..=after.saturating_sub(1);
        found.extend(named(*of, hole).map(|missing| {
            let evidence = format!(
                "between {} and {} of its series",
                number_text(*of, *before),
                number_text(*of, *after)
            );
            Finding {
                event: None,
                ..Finding::of(grounds, Rule::LicenseNumberGap, earlier, evidence)
                    .about(missing)
                    .resting_on([later.leaf])
            }
        }));
    }
    found
}

/// The missing numbers of a hole, as they are reported.
fn named(of: Series<'_>, hole: RangeInclusive<u64>) -> Box<dyn Iterator<Item = String> + '_> {
    let (first, last) = (*hole.start(), *hole.end());
    if first > last {
        return Box::new(std::iter::empty());
    }
    let count = last - first + 1;
    if count > NUMBERS_NAMED_MAX {
        let text = format!(
            "{} to {} ({count} numbers)",
            number_text(of, first),
            number_text(of, last)
        );
        return Box::new(std::iter::once(text));
    }
    Box::new(hole.map(move |number| number_text(of, number)))
}

fn series_of(number: &str) -> Option<(Series<'_>, u64)> {
    let digits = number.bytes().rev().take_while(u8::is_ascii_digit).count();
    let (prefix, serial) = number.split_at_checked(number.len().checked_sub(digits)?)?;
    Some(((prefix, digits), serial.parse().ok()?))
}

fn number_text((prefix, digits): Series<'_>, number: u64) -> String {
    format!("{prefix}{number:0digits$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_belongs_to_a_series() {
        assert_eq!(series_of("25DU000012"), Some((("25DU", 6), 12)));
        assert_eq!(series_of("0007"), Some((("", 4), 7)));
        assert_eq!(series_of("25DU"), None);
        assert_eq!(number_text(("25DU", 6), 12), "25DU000012");
    }

    #[test]
    fn a_long_hole_is_named_by_its_ends() {
        let names = |hole| named(("A", 4), hole).collect::<Vec<_>>();
        assert_eq!(names(2..=3), ["A0002", "A0003"]);
        assert_eq!(names(RangeInclusive::new(2, 1)), Vec::<String>::new());
        assert_eq!(names(1..=1000).len(), 1000);
        assert_eq!(names(1..=1001), ["A0001 to A1001 (1001 numbers)"]);
    }
}
