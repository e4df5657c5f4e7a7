//! Rules about clearances and the licences they name.

use std::collections::BTreeMap;

use portbook_domain::ControlStatus;
use portbook_views::{Cleared, Fact, Granted, Name};

use super::{Finding, Rule, license_text, mismatch};
use crate::decimal::kilograms;
use crate::grounds::Grounds;

pub(super) const RULES: &[Rule] = &[
    Rule::ClearedBeforeGranted,
    Rule::ControlledWithoutLicense,
    Rule::LicenseUnknown,
    Rule::ClearedAfterExpiry,
    Rule::ClearedBeforeValidity,
    Rule::DestinationMismatch,
    Rule::ItemMismatch,
];

pub(super) const NUMBER_RULES: &[Rule] = &[Rule::DeclarationNumberInvalid];

pub(super) const BALANCE_RULES: &[Rule] = &[Rule::ClearedOverLicensed];

pub(super) fn find(grounds: &Grounds<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for (fact, cleared) in grounds.clearances() {
        let Some(license) = cleared.license else {
            if cleared.control_status == ControlStatus::Controlled {
                let evidence = format!(
                    "declaration {} names no licence",
                    grounds.facts.declaration_no(cleared.declaration)
                );
                found.push(Finding::of(
                    grounds,
                    Rule::ControlledWithoutLicense,
                    fact,
                    evidence,
                ));
            }
            continue;
        };
        if let Some(grant) = grounds.license(license) {
            against_license(grounds, (fact, cleared), grant, &mut found);
        } else {
            let evidence = format!("no grant carries {}", license_text(grounds, license));
            found.push(Finding::of(grounds, Rule::LicenseUnknown, fact, evidence));
        }
    }
    found
}

fn against_license(
    grounds: &Grounds<'_>,
    (fact, cleared): (&Fact, &Cleared),
    (grant, granted): (&Fact, &Granted),
    found: &mut Vec<Finding>,
) {
    let license = grounds.facts.license_no(granted.license);
    let mut report = |rule, evidence| {
        found.push(Finding::of(grounds, rule, fact, evidence).resting_on([grant.leaf]));
    };
    if fact.occurred_at_ns < grant.occurred_at_ns {
        let evidence = format!("cleared {}, {license} granted {}", fact.day, grant.day);
        report(Rule::ClearedBeforeGranted, evidence);
    }
    if fact.day > granted.valid_until {
        let evidence = format!(
            "cleared {}, {license} valid until {}",
            fact.day, granted.valid_until
        );
        report(Rule::ClearedAfterExpiry, evidence);
    }
    if let Some(valid_from) = granted.valid_from.filter(|first| fact.day < *first) {
        let evidence = format!("cleared {}, {license} valid from {valid_from}", fact.day);
        report(Rule::ClearedBeforeValidity, evidence);
    }
    if cleared.destination != granted.destination {
        let word = |name| grounds.facts.word(name);
        let evidence = format!(
            "cleared to {}, {license} is for {}",
            word(cleared.destination),
            word(granted.destination)
        );
        report(Rule::DestinationMismatch, evidence);
    }
    if let Some((told, allowed)) = mismatch::other_item(grounds, cleared, granted) {
        report(
            Rule::ItemMismatch,
            format!("cleared as {told}, {license} is for {allowed}"),
        );
    }
}

/// Declaration numbers that cannot be.
pub(super) fn find_numbers(grounds: &Grounds<'_>) -> Vec<Finding> {
    let clearances = grounds.clearances();
    clearances
        .filter_map(|(fact, cleared)| number(grounds, fact, cleared))
        .collect()
}

/// A declaration number is: customs code (4), year (4), 0 for export, serial (9). The year is that of the declaration,
/// which is the year of clearance or, around New Year, the one before.
fn number(grounds: &Grounds<'_>, fact: &Fact, cleared: &Cleared) -> Option<Finding> {
    let number = grounds.facts.declaration_no(cleared.declaration);
    let flaw = flaw_of(number, fact.day.year())?;
    let evidence = format!("{number}: {flaw}");
    Some(Finding::of(
        grounds,
        Rule::DeclarationNumberInvalid,
        fact,
        evidence,
    ))
}

fn flaw_of(number: &str, year: i16) -> Option<String> {
    if number.len() != 18 || !number.bytes().all(|b| b.is_ascii_digit()) {
        return Some("not 18 digits".to_owned());
    }
    let stated: i16 = number.get(4..8)?.parse().ok()?;
    if stated != year && stated.saturating_add(1) != year {
        return Some(format!("year {stated}, cleared in {year}"));
    }
    let flag = number.get(8..9)?;
    (flag != "0").then(|| format!("flag {flag}, 0 stands for export"))
}

/// Licences on which more was cleared than granted.
pub(super) fn find_overdrawn(grounds: &Grounds<'_>) -> Vec<Finding> {
    let mut sums = vec![0_u64; grounds.facts.counts().licenses];
    for (fact, cleared) in grounds.clearances() {
        let sum = cleared.license.and_then(|license| sums.get_mut(license.at()));
        if let Some(sum) = sum {
            *sum = sum.saturating_add(grounds.cleared_g(fact, cleared));
        }
    }
    let over = grounds.licenses().filter_map(|(grant, granted)| {
        let cleared_g = sums.get(granted.license.at()).copied().unwrap_or(0);
        let granted_g = grounds.grams(granted.lines);
        (cleared_g > granted_g).then_some((granted.license, (grant, granted_g, cleared_g)))
    });
    let over: BTreeMap<Name, (&Fact, u64, u64)> = over.collect();
    let mut uses: BTreeMap<Name, Vec<&Fact>> = BTreeMap::new();
    for (fact, cleared) in grounds.clearances() {
        if let Some(license) = cleared.license.filter(|license| over.contains_key(license)) {
            uses.entry(license).or_default().push(fact);
        }
    }
    let found = over
        .into_iter()
        .filter_map(|(license, (grant, granted_g, cleared_g))| {
            let uses = uses.remove(&license).unwrap_or_default();
            let last = uses.iter().map(|fact| fact.day).max()?;
            let policy = grounds.policy(last).ok()?;
            let permille = u128::from(policy.overdraw_tolerance_permille).saturating_add(1000);
            if u128::from(cleared_g) * 1000 <= u128::from(granted_g) * permille {
                return None;
            }
            let evidence = format!(
                "granted {} kg, cleared {} kg on {} declarations, tolerance {} permille",
                kilograms(granted_g),
                kilograms(cleared_g),
                uses.len(),
                policy.overdraw_tolerance_permille
            );
            let finding = Finding::of(grounds, Rule::ClearedOverLicensed, grant, evidence)
                .about(license_text(grounds, license))
                .resting_on(uses.iter().map(|fact| fact.leaf))
                .judged_by(policy);
            Some(finding)
        });
    found.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_declaration_number_has_a_code_a_year_a_flag_and_a_serial() {
        assert_eq!(flaw_of("310420250000000264", 2025), None);
        assert_eq!(flaw_of("310420250000000264", 2026), None);
        for (number, year, flaw) in [
            ("31042025000000026", 2025, "not 18 digits"),
            ("3104202500000002640", 2025, "not 18 digits"),
            ("31042025000000026X", 2025, "not 18 digits"),
            ("310420240000000264", 2026, "year 2024, cleared in 2026"),
            ("310420260000000264", 2025, "year 2026, cleared in 2025"),
            ("310420251000000264", 2025, "flag 1, 0 stands for export"),
        ] {
            assert_eq!(flaw_of(number, year).as_deref(), Some(flaw), "{number}");
        }
    }
}
