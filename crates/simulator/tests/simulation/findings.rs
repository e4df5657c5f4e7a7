//! The findings of the documents, derived here from nothing but lines: what the labels of a simulation are held against.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;

use flate2::read::GzDecoder;
use jiff::{SignedDuration, Timestamp};
use portbook_domain::{
    ControlStatus, CountryCode, EventData, Lane, LicenseGranted, PortAliases, PortTable, ShipmentCleared,
    local_date,
};
use portbook_wire::observation::Observation;

use super::{Wanted, calendar, id_of, simulated, wanted};

const COUNTRIES: &str = include_str!("../../../../config/reference/countries.csv");
const ALIASES: &str = include_str!("../../../../config/reference/port_aliases.csv");
const UNLOCODE_GZ: &[u8] = include_bytes!("../../../../config/reference/unlocode.csv.gz");

/// First day on which the shipped policies let the EU use the expedited lane.
const EXPEDITED_FROM: &str = "2025-05-27";

type Findings = BTreeSet<(&'static str, String)>;

/// Rule and event id of everything that is wrong.
pub(crate) fn of(observations: &[Observation]) -> Findings {
    let mut findings = Findings::new();
    let mut first: BTreeMap<&str, &Observation> = BTreeMap::new();
    let mut facts = Vec::new();
    for observation in observations {
        let id = id_of(observation).as_str();
        match first.get(id) {
            None => {
                first.insert(id, observation);
                facts.push(observation);
            }
            Some(original) => {
                let same = original.data == observation.data;
                let rule = if same { "redelivery_ok" } else { "id_conflict" };
                findings.insert((rule, id.to_owned()));
            }
        }
    }
    times_and_ports(&facts, &mut findings);
    grants(&facts, &mut findings);
    clearances(&facts, &mut findings);
    reuse(&facts, &mut findings);
    findings
}

fn times_and_ports(facts: &[&Observation], findings: &mut Findings) {
    let mut unlocode = String::new();
    GzDecoder::new(UNLOCODE_GZ).read_to_string(&mut unlocode).unwrap();
    let ports = PortTable::parse("unlocode.csv", &unlocode).unwrap();
    let aliases = PortAliases::parse("port_aliases.csv", ALIASES).unwrap();
    for fact in facts {
        let id = id_of(fact).to_string();
        let lag = fact.recorded_at.unwrap().duration_since(fact.occurred_at);
        if lag > SignedDuration::from_hours(30 * 24) {
            findings.insert(("backdated_over_30d", id.clone()));
        }
        if lag < SignedDuration::ZERO {
            findings.insert(("recorded_before_occurred", id.clone()));
        }
        if !ports.contains(aliases.normalize(&fact.port)) {
            findings.insert(("unknown_port", id));
        }
    }
}

fn granted<'a>(facts: &[&'a Observation]) -> Vec<(&'a Observation, &'a LicenseGranted)> {
    let granted = facts.iter().filter_map(|fact| match &fact.data {
        EventData::LicenseGranted(it) => Some((*fact, it)),
        _ => None,
    });
    granted.collect()
}

fn grants(facts: &[&Observation], findings: &mut Findings) {
    let calendar = calendar();
    let eu: Vec<&str> = COUNTRIES
        .lines()
        .filter(|line| line.ends_with(",1"))
        .map(|line| &line[..2])
        .collect();
    let eligible = |to: &CountryCode| eu.contains(&to.as_str()) || to.as_str() == "CN";
    let mut minutes: BTreeMap<i64, Vec<String>> = BTreeMap::new();
    let mut numbers = BTreeSet::new();
    for (fact, grant) in granted(facts) {
        let (id, date) = (id_of(fact).to_string(), local_date(fact.occurred_at));
        minutes
            .entry(fact.occurred_at.as_second().div_euclid(60))
            .or_default()
            .push(id.clone());
        if !calendar.is_working_day(date).unwrap() {
            findings.insert(("grant_on_non_working_day", id.clone()));
        }
        let allowed = date >= EXPEDITED_FROM.parse().unwrap() && eligible(&grant.destination);
        if grant.lane == Lane::Expedited && !allowed {
            findings.insert(("expedited_not_eligible", id));
        }
        numbers.insert(grant.license_no.as_str()[4..].parse::<u32>().unwrap());
    }
    for ids in minutes.into_values().filter(|ids| ids.len() >= 20) {
        findings.extend(ids.into_iter().map(|id| ("grant_burst", id)));
    }
    let (first, last) = (*numbers.first().unwrap(), *numbers.last().unwrap());
    let missing = (first..=last).filter(|number| !numbers.contains(number));
    findings.extend(missing.map(|number| ("license_number_gap", format!("25DU{number:06}"))));
}

fn clearances(facts: &[&Observation], findings: &mut Findings) {
    let granted = granted(facts);
    let licenses: BTreeMap<&str, (Timestamp, &LicenseGranted)> = granted
        .iter()
        .map(|(fact, grant)| (grant.license_no.as_str(), (fact.occurred_at, *grant)))
        .collect();
    let mut used: BTreeMap<&str, (u64, String)> = BTreeMap::new();
    for (fact, cleared) in cleared(facts) {
        let id = id_of(fact).to_string();
        let Some(number) = &cleared.license_no else {
            if cleared.control_status == ControlStatus::Controlled {
                findings.insert(("controlled_without_license", id));
            }
            continue;
        };
        let Some((granted_at, grant)) = licenses.get(number.as_str()) else {
            findings.insert(("license_unknown", id));
            continue;
        };
        let (line, allowed) = (&cleared.lines[0], &grant.lines[0]);
        let use_of = used.entry(number.as_str()).or_default();
        use_of.0 += line.cleared_g.get();
        use_of.1.clone_from(&id);
        let wrong = [
            ("cleared_before_granted", fact.occurred_at < *granted_at),
            (
                "cleared_after_expiry",
                local_date(fact.occurred_at) > grant.valid_until,
            ),
            ("destination_mismatch", cleared.destination != grant.destination),
            (
                "item_mismatch",
                line.control_code.as_ref() != Some(&allowed.control_code),
            ),
        ];
        let wrong = wrong.into_iter().filter(|(_, is_wrong)| *is_wrong);
        findings.extend(wrong.map(|(rule, _)| (rule, id.clone())));
    }
    for (number, (grams, id)) in used {
        if grams > licenses[number].1.lines[0].granted_g.get() {
            findings.insert(("cleared_over_licensed", id));
        }
    }
}

fn cleared<'a>(facts: &[&'a Observation]) -> Vec<(&'a Observation, &'a ShipmentCleared)> {
    let cleared = facts.iter().filter_map(|fact| match &fact.data {
        EventData::ShipmentCleared(it) => Some((*fact, it)),
        _ => None,
    });
    cleared.collect()
}

fn reuse(facts: &[&Observation], findings: &mut Findings) {
    let mut documents: BTreeMap<&str, Vec<&Observation>> = BTreeMap::new();
    let mut declarations: BTreeMap<&str, Vec<&Observation>> = BTreeMap::new();
    for (fact, cleared) in cleared(facts) {
        documents
            .entry(cleared.evidence[0].sha256.as_str())
            .or_default()
            .push(fact);
        declarations
            .entry(cleared.declaration_no.as_str())
            .or_default()
            .push(fact);
    }
    for (rule, shared) in [("digest_reuse", documents), ("declaration_reuse", declarations)] {
        for facts in shared.into_values() {
            let cases: BTreeSet<_> = facts.iter().map(|fact| &fact.case).collect();
            if cases.len() > 1 {
                findings.extend(facts.iter().map(|fact| (rule, id_of(fact).to_string())));
            }
        }
    }
}

/// What the labels name, as findings name it: a missing licence by its number.
fn labelled(simulated: &super::Simulated) -> BTreeSet<(String, String)> {
    let notes = std::str::from_utf8(&simulated.labels).unwrap().lines();
    let number = |line: &str| {
        let rest = line.split_once("\"license_no\":\"").map(|(_, rest)| rest);
        rest.and_then(|rest| rest.split_once('"'))
            .map(|(number, _)| number.to_owned())
    };
    let labels = simulated.labels().into_iter().zip(notes);
    labels
        .map(|((rule, id), line)| {
            if rule == "license_number_gap" {
                (rule, number(line).unwrap())
            } else {
                (rule, id)
            }
        })
        .collect()
}

fn compare(wanted: Wanted) -> usize {
    let simulated = simulated(wanted);
    let labelled = labelled(&simulated);
    let found: BTreeSet<(String, String)> = of(&simulated.observations())
        .into_iter()
        .map(|(rule, id)| (rule.to_owned(), id))
        .collect();
    let missing: Vec<_> = labelled.difference(&found).collect();
    let extra: Vec<_> = found.difference(&labelled).collect();
    assert!(
        missing.is_empty() && extra.is_empty(),
        "missing {missing:#?}, extra {extra:#?}"
    );
    let kinds: BTreeSet<&String> = labelled.iter().map(|(rule, _)| rule).collect();
    assert_eq!(kinds.len(), 17, "{kinds:?}");
    labelled.len()
}

#[test]
fn a_clean_run_has_no_findings() {
    for seed in [20_250_404, 1, 2] {
        assert_eq!(of(&simulated(wanted(seed)).observations()), Findings::new());
    }
}

#[test]
fn every_label_is_a_finding_and_every_finding_has_a_label() {
    for seed in [20_250_404, 3, 4] {
        let labels = compare(Wanted {
            defects: true,
            ..wanted(seed)
        });
        assert_eq!(labels, 217, "seed {seed}");
    }
}

#[test]
fn each_run_of_a_scale_has_defects_of_its_own() {
    let labels = compare(Wanted {
        defects: true,
        scale: 2,
        ..wanted(5)
    });
    // A grant that falls into the minute of the burst is part of it.
    assert!((434..=440).contains(&labels), "{labels}");
}
