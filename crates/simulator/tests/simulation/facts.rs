//! The figures of `config/scenario/facts.csv`, measured on what was simulated.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use portbook_domain::{CaseId, CountryCode, EventData, local_date};
use portbook_wire::observation::Observation;

use super::{simulated, wanted};

const FACTS: &str = include_str!("../../../../config/scenario/facts.csv");
const COUNTRIES: &str = include_str!("../../../../config/reference/countries.csv");

/// Filing and grant of each case, and what magnets cleared in each month.
#[derive(Default)]
struct Measured {
    filed: BTreeMap<CaseId, (Date, CountryCode)>,
    granted: BTreeMap<CaseId, (Date, CountryCode)>,
    cleared_g: BTreeMap<String, u64>,
    eu: BTreeSet<String>,
}

impl Measured {
    fn of(observations: &[Observation]) -> Self {
        let mut measured = Self {
            eu: COUNTRIES
                .lines()
                .filter(|line| line.ends_with(",1"))
                .map(|line| line[..2].to_owned())
                .collect(),
            ..Self::default()
        };
        assert_eq!(measured.eu.len(), 27);
        for observation in observations {
            let date = local_date(observation.occurred_at);
            let case = observation.case.clone();
            match &observation.data {
                EventData::ApplicationSubmitted(it) => {
                    measured.filed.insert(case, (date, it.destination.clone()));
                }
                EventData::LicenseGranted(it) => {
                    measured.granted.insert(case, (date, it.destination.clone()));
                }
                EventData::ShipmentCleared(it) => {
                    for line in it.lines.iter().filter(|line| line.hs.as_str() == "8505111000") {
                        let month = date.to_string()[..7].to_owned();
                        *measured.cleared_g.entry(month).or_default() += line.cleared_g.get();
                    }
                }
                _ => {}
            }
        }
        measured
    }

    fn is_in(&self, group: &str, country: &CountryCode) -> bool {
        match group {
            "ALL" => true,
            "EU" => self.eu.contains(country.as_str()),
            code => country.as_str() == code,
        }
    }

    fn count(&self, of: &BTreeMap<CaseId, (Date, CountryCode)>, group: &str, until: &str) -> u64 {
        let until: Date = until.parse().unwrap();
        let counted = of
            .values()
            .filter(|(date, to)| *date <= until && self.is_in(group, to));
        u64::try_from(counted.count()).unwrap()
    }

    fn value(&self, measure: &str, group: &str, until: &str) -> u64 {
        match measure {
            // A gram more than whole tonnes is a tonne more.
            "cleared_t" => self.cleared_g[group].div_ceil(1_000_000),
            "filed" => self.count(&self.filed, group, until),
            "granted" => self.count(&self.granted, group, until),
            "granted_pct" => {
                100 * self.count(&self.granted, group, until) / self.count(&self.filed, group, until)
            }
            "without_license" => {
                self.count(&self.filed, group, until) - self.count(&self.granted, group, until)
            }
            "first_grant_month" => {
                let granted = self.granted.values().filter(|(_, to)| self.is_in(group, to));
                let first = granted.map(|(date, _)| *date).min().unwrap();
                u64::try_from(first.month()).unwrap()
            }
            other => panic!("facts.csv: no measure {other}"),
        }
    }
}

/// The checks that fail for a seed: what was measured, and where the figure comes from.
fn missed(seed: u64) -> (usize, Vec<(String, &'static str)>) {
    let measured = Measured::of(&simulated(wanted(seed)).observations());
    let mut missed = Vec::new();
    let mut lines = FACTS.lines();
    assert_eq!(
        lines.next(),
        Some("check,measure,group,until,reported,low,high,origin")
    );
    let mut checks = 0;
    for line in lines {
        let fields: Vec<&'static str> = line.split(',').collect();
        let [check, measure, group, until, reported, low, high, origin] = fields[..] else {
            panic!("facts.csv: {line}");
        };
        let value = measured.value(measure, group, until);
        let range = low.parse::<u64>().unwrap()..=high.parse().unwrap();
        checks += 1;
        if !range.contains(&value) {
            let text = format!("{check}: {value}, reported {reported}, allowed {range:?}");
            missed.push((text, origin));
        }
    }
    (checks, missed)
}

#[test]
fn the_shipped_seed_meets_every_reported_figure() {
    assert_eq!(missed(20_250_404), (19, Vec::new()));
}

#[test]
fn other_seeds_meet_them_but_for_one_that_was_fitted() {
    for seed in 9..=12 {
        let (_, missed) = missed(seed);
        assert!(
            missed.len() <= 1 && missed.iter().all(|(_, origin)| *origin == "fitted"),
            "seed {seed}: {missed:#?}"
        );
    }
}
