//! What the scenario does not hold: declarations before clearances, and licences that name more than the scenario's.

use portbook_answers::{Answer, Asked, Cell, Finding, Grounds, Question, Rule, answer, findings};
use portbook_domain::{CaseId, Digest, EventData, EventId, PortCode, ShipmentDeclared, Text};

use crate::scenario::{Message, facts, messages, reference};

fn asked(messages: &[Message], question: Question) -> Answer {
    let reference = reference();
    let facts = facts(messages, &reference);
    answer(
        &Grounds::new(&facts, &reference, None),
        question,
        &Asked::default(),
    )
    .unwrap()
}

fn cell(answer: &Answer, table: &str, begins: &[&str], column: &str) -> String {
    let table = answer.table(table).unwrap();
    table
        .cell(begins, column)
        .unwrap_or_else(|| panic!("{begins:?} {column}: {table:?}"))
        .to_text()
}

/// The declaration of a clearance, so many hours before it.
fn declared(clearance: &Message, hours: i64) -> Message {
    let EventData::ShipmentCleared(cleared) = &clearance.event.data else {
        panic!("no clearance: {clearance:?}");
    };
    let mut message = clearance.clone();
    message.event.data = EventData::ShipmentDeclared(ShipmentDeclared {
        declaration_no: cleared.declaration_no.clone(),
        port: cleared.port.clone(),
        license_no: cleared.license_no.clone(),
        control_status: cleared.control_status,
        destination: Some(cleared.destination.clone()),
        lines: cleared.lines.clone(),
        consignee_commitment: None,
        transport_mode: None,
    });
    let id = format!("dec1a4ed{}", &clearance.event.id.as_str()[8..]);
    message.event.id = EventId::new(&id).unwrap();
    message.envelope.id = message.event.id.clone();
    message.event.occurred_at -= jiff::SignedDuration::from_hours(hours);
    message
}

fn clearances_at(port: &str, count: usize) -> Vec<Message> {
    let reference = reference();
    let mut found: Vec<Message> = messages("events.jsonl.gz")
        .into_iter()
        .filter(|it| matches!(it.event.data, EventData::ShipmentCleared(_)))
        .filter(|it| reference.aliases.normalize(&it.envelope.port).as_str() == port)
        .take(count)
        .collect();
    assert_eq!(found.len(), count);
    found.sort_by(|a, b| a.event.id.as_str().cmp(b.event.id.as_str()));
    found
}

#[test]
fn ports_are_compared_where_declarations_are_stated() {
    let (ningbo, shanghai) = (clearances_at("CNNBG", 30), clearances_at("CNSHG", 20));
    let mut messages = Vec::new();
    // Ningbo takes 10 to 14 hours, Shanghai 20 to 26: no value of one is a value of the other.
    for (at, clearance) in (0..).zip(&ningbo) {
        messages.extend([declared(clearance, 10 + at % 5), clearance.clone()]);
    }
    for (at, clearance) in (0..).zip(&shanghai) {
        messages.extend([clearance.clone(), declared(clearance, 20 + at % 7)]);
    }
    // Two whose declaration nobody stated, and one that is said to be declared after it was cleared.
    let mut others = clearances_at("CNTXG", 3);
    messages.push(declared(&others[2], -5));
    messages.append(&mut others);
    let ports = asked(&messages, Question::Ports);
    let open = ports.open.unwrap();
    assert_eq!((ports.n, open.open, open.of), (50, 3, 53));
    let of = |port: &str, column: &str| cell(&ports, "declaration_to_clearance_hours", &[port], column);
    assert_eq!(
        (of("CNNBG", "n"), of("CNNBG", "p50"), of("CNNBG", "max")),
        ("30".into(), "12".into(), "14".into())
    );
    assert_eq!(
        (of("CNSHG", "n"), of("CNSHG", "p50"), of("CNSHG", "p90")),
        ("20".into(), "23".into(), "25".into())
    );
    assert_eq!(of("CNNBG", "median_less_others"), "-11");
    let bound = |column: &str| of("CNNBG", column).parse::<i64>().unwrap();
    let (low, high) = (bound("ci95_low"), bound("ci95_high"));
    assert!(
        (-13..=-11).contains(&low) && (-11..=-9).contains(&high),
        "{low} {high}"
    );
    // Of 50 ranks the first 30 and the last 20: H = 36 before ties are allowed for, which can only raise it.
    let h: f64 = cell(&ports, "kruskal_wallis", &[], "h").parse().unwrap();
    assert!((35.2..40.0).contains(&h), "{h}");
    assert_eq!(cell(&ports, "kruskal_wallis", &[], "degrees"), "1");
    let p: f64 = cell(&ports, "kruskal_wallis", &[], "p").parse().unwrap();
    assert!(p < 1e-6, "{p}");
    let strata = ports.table("strata").unwrap();
    let counted: u64 = strata
        .rows
        .iter()
        .map(|row| row[3].to_text().parse::<u64>().unwrap())
        .sum();
    assert_eq!(counted, 50);
}

/// A licensed clearance of the scenario with its grant and their application.
struct Shipment {
    submitted: Message,
    granted: Message,
    cleared: Message,
}

impl Shipment {
    fn of_scenario() -> Self {
        let all = messages("events.jsonl.gz");
        let cleared = all
            .iter()
            .find(|it| matches!(&it.event.data, EventData::ShipmentCleared(it) if it.license_no.is_some()))
            .unwrap();
        let of_case = |is: fn(&EventData) -> bool| {
            let mut found = all.iter().filter(|it| it.event.case == cleared.event.case);
            found.find(|it| is(&it.event.data)).unwrap().clone()
        };
        Self {
            submitted: of_case(|data| matches!(data, EventData::ApplicationSubmitted(_))),
            granted: of_case(|data| matches!(data, EventData::LicenseGranted(_))),
            cleared: cleared.clone(),
        }
    }

    /// The clearance stands in another case, of this exporter and end user.
    fn elsewhere(&self, exporter: Option<&str>, end_user: Option<&str>) -> Vec<Message> {
        let case = CaseId::new("OTHER-1").unwrap();
        let mut other = self.submitted.clone();
        let mut cleared = self.cleared.clone();
        other.event.id = EventId::new("00000000-0000-7000-8000-00000000aaaa").unwrap();
        other.envelope.id = other.event.id.clone();
        for message in [&mut other, &mut cleared] {
            message.event.case = case.clone();
            message.envelope.case = case.clone();
        }
        party(&mut other, exporter, end_user);
        vec![self.submitted.clone(), self.granted.clone(), other, cleared]
    }
}

fn party(message: &mut Message, exporter: Option<&str>, end_user: Option<&str>) {
    let EventData::ApplicationSubmitted(it) = &mut message.event.data else {
        panic!("no application");
    };
    it.applicant = exporter.map(|text| Text::new(text).unwrap());
    it.end_user_commitment = end_user.map(|digit| Digest::new(&digit.repeat(64)).unwrap());
}

fn leads(messages: &[Message]) -> Vec<(Rule, String)> {
    let reference = reference();
    let facts = facts(messages, &reference);
    let rules = [
        Rule::ElementMismatch,
        Rule::PortMismatch,
        Rule::ExporterMismatch,
        Rule::EndUserMismatch,
    ];
    let found = findings(&Grounds::new(&facts, &reference, None), &rules);
    found
        .into_iter()
        .map(|Finding { rule, evidence, .. }| (rule, evidence))
        .collect()
}

#[test]
fn a_clearance_is_held_against_every_aspect_both_sides_state() {
    let mut shipment = Shipment::of_scenario();
    let all = |it: &Shipment| vec![it.submitted.clone(), it.granted.clone(), it.cleared.clone()];
    assert_eq!(leads(&all(&shipment)), []);
    let compared = asked(&all(&shipment), Question::Mismatch);
    assert_eq!(cell(&compared, "compared", &["destination"], "same"), "1");
    assert_eq!(cell(&compared, "compared", &["port"], "same"), "1");

    // The licence names its exit ports: an alias of the port of clearance is that port, another is not.
    let here = shipment.cleared.envelope.port.clone();
    let names = |shipment: &mut Shipment, ports: &[&str]| {
        let EventData::LicenseGranted(it) = &mut shipment.granted.event.data else {
            panic!("no grant");
        };
        it.exit_ports = ports.iter().map(|port| PortCode::new(port).unwrap()).collect();
    };
    names(&mut shipment, &[]);
    let compared = asked(&all(&shipment), Question::Mismatch);
    assert_eq!(cell(&compared, "compared", &["port"], "not_stated"), "1");
    names(&mut shipment, &["CNDAG", here.as_str()]);
    assert_eq!(leads(&all(&shipment)), []);
    names(&mut shipment, &["CNNNG"]);
    let found = leads(&all(&shipment));
    assert!(
        matches!(&found[..], [(Rule::PortMismatch, evidence)] if evidence.contains("has CNNNG")),
        "{found:?}"
    );
    names(&mut shipment, &["CNNGB"]);
    shipment.cleared.envelope.port = PortCode::new("CNNBG").unwrap();
    assert_eq!(
        leads(&all(&shipment)),
        [],
        "CNNGB is what traders still write for CNNBG"
    );

    // The licence is for another element than what was cleared, under the same control code.
    let EventData::LicenseGranted(it) = &mut shipment.granted.event.data else {
        panic!("no grant");
    };
    let before = it.lines.clone();
    for line in &mut it.lines {
        line.element = "Sc".parse().unwrap();
    }
    let found = leads(&all(&shipment));
    assert!(matches!(&found[..], [(Rule::ElementMismatch, _)]), "{found:?}");
    let EventData::LicenseGranted(it) = &mut shipment.granted.event.data else {
        panic!("no grant");
    };
    it.lines = before;

    // Goods cleared in another case: of the same parties, of others, of parties nobody states.
    party(&mut shipment.submitted, Some("sha256:a"), Some("1"));
    assert_eq!(leads(&shipment.elsewhere(Some("sha256:a"), Some("1"))), []);
    assert_eq!(leads(&shipment.elsewhere(None, None)), []);
    let rules: Vec<Rule> = leads(&shipment.elsewhere(Some("sha256:b"), Some("2")))
        .into_iter()
        .map(|(rule, _)| rule)
        .collect();
    assert_eq!(rules, [Rule::ExporterMismatch, Rule::EndUserMismatch]);
    let counted = asked(&shipment.elsewhere(Some("sha256:b"), None), Question::Mismatch);
    assert_eq!(cell(&counted, "compared", &["exporter"], "differing"), "1");
    assert_eq!(cell(&counted, "compared", &["end_user"], "not_stated"), "1");
    assert!(
        counted
            .table("broken")
            .unwrap()
            .rows
            .iter()
            .any(|row| row[1] == Cell::Text("exporter_mismatch".into()))
    );
}
