//! What a simulation must give: the same bytes for the same seed, facts that import, the reported figures, and every
//! defect that its labels name, and no other.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm,
    reason = "a test that cannot go on must stop and say where; it looks at the few kinds it is about"
)]

#[path = "simulation/facts.rs"]
mod facts;
#[path = "simulation/findings.rs"]
mod findings;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Cursor;

use portbook_domain::{Calendar, EventId};
use portbook_simulator::{Made, Scenario, ScenarioTexts, SimulateError, Wanted, simulate};
use portbook_wire::observation::{Identity, Observation, read_observations};

const CALENDAR: &str = include_str!("../../../config/reference/calendar_cn.csv");
const SCENARIO: &str = include_str!("../../../config/scenario/scenario.toml");
const MAGNETS: &str = include_str!("../../../config/scenario/targets_magnets_t.csv");
const OXIDES: &str = include_str!("../../../config/scenario/targets_dytb_kg.csv");

/// A simulation in memory.
struct Simulated {
    text: Vec<u8>,
    labels: Vec<u8>,
    made: Made,
}

fn calendar() -> Calendar {
    Calendar::parse("calendar_cn.csv", CALENDAR).unwrap()
}

fn wanted(seed: u64) -> Wanted {
    Wanted {
        seed,
        scale: 1,
        defects: false,
        declarations: false,
    }
}

fn simulated(wanted: Wanted) -> Simulated {
    let scenario = Scenario::shipped(&calendar()).unwrap();
    let (mut text, mut labels) = (Vec::new(), Vec::new());
    let made = simulate(&scenario, &wanted, &mut text, &mut labels, &mut |_| {}).unwrap();
    Simulated { text, labels, made }
}

impl Simulated {
    fn observations(&self) -> Vec<Observation> {
        read_observations(Cursor::new(&self.text), "simulated.ndjson")
            .unwrap()
            .collect::<Result<_, _>>()
            .unwrap()
    }

    /// What the labels name: rule and event.
    fn labels(&self) -> Vec<(String, String)> {
        let text = std::str::from_utf8(&self.labels).unwrap();
        let field = |line: &str, name: &str| {
            let rest = line.split_once(&format!("\"{name}\":\"")).unwrap().1;
            rest.split_once('"').unwrap().0.to_owned()
        };
        text.lines()
            .map(|line| (field(line, "rule"), field(line, "event_id")))
            .collect()
    }
}

fn id_of(observation: &Observation) -> &EventId {
    match &observation.identity {
        Identity::Id(id) => id,
        other @ (Identity::External(_) | Identity::Content(_)) => panic!("{other:?} is no id"),
    }
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_does_not() {
    let (first, again, other) = (simulated(wanted(7)), simulated(wanted(7)), simulated(wanted(8)));
    assert_eq!(first.text, again.text);
    assert_ne!(first.text, other.text);
    let with_defects = Wanted {
        defects: true,
        ..wanted(7)
    };
    assert_eq!(simulated(with_defects).labels, simulated(with_defects).labels);
}

#[test]
fn every_fact_imports_is_marked_and_has_an_id_of_its_own() {
    let simulated = simulated(wanted(20_250_404));
    let observations = simulated.observations();
    assert_eq!(u64::try_from(observations.len()).unwrap(), simulated.made.lines);
    assert!(
        (20_000..30_000).contains(&observations.len()),
        "{}",
        observations.len()
    );
    assert!(
        observations
            .iter()
            .all(|it| it.simulated && it.recorded_at.is_some())
    );
    let ids: BTreeSet<&EventId> = observations.iter().map(id_of).collect();
    assert_eq!(ids.len(), observations.len());
    assert!(observations.is_sorted_by_key(|it| it.occurred_at));
}

#[test]
fn the_scale_is_a_number_of_runs_each_with_the_reported_figures() {
    let simulated = simulated(Wanted {
        scale: 3,
        ..wanted(20_250_404)
    });
    let observations = simulated.observations();
    let ids: BTreeSet<&EventId> = observations.iter().map(id_of).collect();
    assert_eq!(ids.len(), observations.len());
    let mut cleared: BTreeMap<String, u64> = BTreeMap::new();
    let mut declarations = BTreeSet::new();
    for observation in &observations {
        if let portbook_domain::EventData::ShipmentCleared(it) = &observation.data
            && it.lines.iter().all(|line| line.hs.as_str().starts_with("850511"))
        {
            let month = portbook_domain::local_date(observation.occurred_at).to_string();
            *cleared.entry(month[..7].to_owned()).or_default() +=
                it.lines.iter().map(|line| line.cleared_g.get()).sum::<u64>();
            assert!(
                declarations.insert(it.declaration_no.clone()),
                "{}",
                it.declaration_no
            );
        }
    }
    assert_eq!(cleared["2025-04"], 3 * 2_626_000_000);
    assert_eq!(cleared["2025-12"], 3 * 5_952_000_000);
    assert!(observations.is_sorted_by_key(|it| it.occurred_at));
    assert_eq!(findings::of(&observations), BTreeSet::new());
}

#[test]
fn a_shipment_can_be_told_from_its_declaration_on() {
    let observations = simulated(Wanted {
        declarations: true,
        ..wanted(1)
    })
    .observations();
    let mut declared = BTreeSet::new();
    let mut cleared = 0;
    for observation in &observations {
        match &observation.data {
            portbook_domain::EventData::ShipmentDeclared(it) => {
                assert!(declared.insert(it.declaration_no.clone()));
            }
            portbook_domain::EventData::ShipmentCleared(it) => {
                assert!(declared.contains(&it.declaration_no), "{}", it.declaration_no);
                cleared += 1;
            }
            _ => {}
        }
    }
    assert_eq!(cleared, declared.len());
}

#[test]
fn a_scenario_that_breaks_a_rule_is_refused_by_key() {
    let calendar = calendar();
    let said = |from: &str, to: &str| {
        assert!(SCENARIO.contains(from), "{from}");
        let scenario = SCENARIO.replacen(from, to, 1);
        let texts = ScenarioTexts {
            scenario: &scenario,
            magnets: MAGNETS,
            oxides: OXIDES,
            calendar: &calendar,
        };
        let error = Scenario::parse(&texts).expect_err(to);
        match std::error::Error::source(&error) {
            Some(source) => format!("{error}: {source}"),
            None => error.to_string(),
        }
    };
    assert!(said("alias_port_pct = 5", "alias_pct = 5").contains("unknown field `alias_pct`"));
    assert!(said("alias_port_pct = 5", "").contains("missing field `alias_port_pct`"));
    assert_eq!(
        said("alias_port_pct = 5", "alias_port_pct = 101"),
        "scenario.toml, key scenario.alias_port_pct: must be 0 to 100 per cent, found 101"
    );
    assert!(said("label = \"SIMULATED\"", "label = \"REAL\"").contains("nothing here was observed"));
    assert!(said("\"2025-05-27\",\"2025-08-31\"", "\"2025-05-28\",\"2025-08-31\"").contains("without gap"));
    assert!(said("grant_pct = {P1=84,", "grant_pct = {P1=95,").contains("key class.EU.grant_pct"));
    assert!(said("P1=84, P2=55,", "P1=84, P5=55,").contains("key class.EU.grant_pct.P2"));
    assert!(said("digest_reuse = 12", "digest_reuse = 11").contains("must be even"));
    assert!(said("[200,800,1500", "[900,800,1500").contains("never fall"));
    assert!(said("end = \"2025-12-31\"", "end = \"2026-12-31\"").contains("periods"));
}

#[test]
fn too_many_defects_are_an_error_and_not_fewer_defects() {
    let calendar = calendar();
    let scenario = SCENARIO.replace("grant_burst = 60", "grant_burst = 6000");
    let texts = ScenarioTexts {
        scenario: &scenario,
        magnets: MAGNETS,
        oxides: OXIDES,
        calendar: &calendar,
    };
    let scenario = Scenario::parse(&texts).unwrap();
    let wanted = Wanted {
        defects: true,
        ..wanted(1)
    };
    let ended = simulate(&scenario, &wanted, &mut Vec::new(), &mut Vec::new(), &mut |_| {});
    assert!(matches!(
        ended,
        Err(SimulateError::TooFew {
            rule: "grant_burst",
            wanted: 6000,
            ..
        })
    ));
}
