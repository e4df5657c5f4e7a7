//! Balances and cases by example, with the order of events as the thing that may vary.

#![expect(clippy::unwrap_used, reason = "builders of test data")]

use portbook_domain::{
    CaseId, ClearedLine, ControlCode, ControlStatus, CountryCode, DeclarationNo, Element, Event, EventData,
    EventId, Grams, GrantedLine, HsCode, Lane, LicenseChange, LicenseChanged, LicenseGranted, LicenseNo,
    PaperworkQueried, PortCode, QueryId, QueryStage, ShipmentCleared, ShipmentClosed, ShipmentOutcome, Text,
};
use portbook_views::{CaseStage, CaseTimeline, LicenseBalance, LicenseStatus, Placement};

fn license() -> LicenseNo {
    LicenseNo::new("25DU000001").unwrap()
}

fn code() -> ControlCode {
    ControlCode::new("1C905.a").unwrap()
}

fn grant(grams: u64) -> EventData {
    EventData::LicenseGranted(LicenseGranted {
        license_no: license(),
        kind: None,
        uses_allowed: None,
        valid_from: None,
        valid_until: "2025-10-25".parse().unwrap(),
        destination: CountryCode::new("DE").unwrap(),
        exit_ports: vec![],
        lines: vec![GrantedLine {
            line: 1,
            hs: HsCode::new("8505111000").unwrap(),
            control_code: code(),
            element: Element::new("Dy").unwrap(),
            granted_g: Grams::new(grams).unwrap(),
        }],
        lane: Lane::Standard,
        authority: None,
        evidence: vec![],
    })
}

fn cleared(declaration: &str, grams: u64) -> EventData {
    EventData::ShipmentCleared(ShipmentCleared {
        declaration_no: DeclarationNo::new(declaration).unwrap(),
        port: PortCode::new("CNNBG").unwrap(),
        license_no: Some(license()),
        control_status: ControlStatus::Controlled,
        destination: CountryCode::new("DE").unwrap(),
        lines: vec![ClearedLine {
            line: None,
            hs: HsCode::new("8505111000").unwrap(),
            control_code: Some(code()),
            element: None,
            cleared_g: Grams::new(grams).unwrap(),
        }],
        evidence: vec![],
    })
}

fn reversed(declaration: &str, returned_g: Option<u64>) -> EventData {
    EventData::ShipmentClosed(ShipmentClosed {
        declaration_no: DeclarationNo::new(declaration).unwrap(),
        outcome: ShipmentOutcome::Reversed,
        reason_code: None,
        returned_g: returned_g.map(|grams| Grams::new(grams).unwrap()),
    })
}

fn balance(events: &[EventData]) -> LicenseBalance {
    LicenseBalance::of(license(), (10..).zip(events))
}

#[test]
fn a_clearance_recorded_before_its_grant_is_counted_on_the_grant() {
    let after = balance(&[grant(1_000), cleared("A", 400)]);
    let before = balance(&[cleared("A", 400), grant(1_000)]);
    assert_eq!(after.lines, before.lines);
    assert_eq!(before.lines[0].left_g(), 600);
    assert_eq!(before.unmatched_g, 0);
    assert_eq!(before.records, [10, 11]);
}

#[test]
fn more_than_granted_shows_as_a_negative_rest() {
    assert_eq!(
        balance(&[grant(1_000), cleared("A", 1_300)]).lines[0].left_g(),
        -300
    );
}

#[test]
fn a_reversal_gives_back_what_it_returned_and_no_more_than_was_cleared() {
    assert_eq!(
        balance(&[grant(1_000), cleared("A", 400), reversed("A", Some(150))]).cleared_g(),
        250
    );
    assert_eq!(
        balance(&[grant(1_000), cleared("A", 400), reversed("A", None)]).cleared_g(),
        0
    );
    assert_eq!(
        balance(&[grant(1_000), cleared("A", 400), reversed("B", None)]).cleared_g(),
        400
    );
    assert_eq!(
        balance(&[grant(1_000), cleared("A", 400), reversed("A", Some(900))]).cleared_g(),
        0
    );
}

#[test]
fn a_second_grant_of_the_same_number_does_not_add_up() {
    let twice = balance(&[grant(1_000), grant(5_000)]);
    assert_eq!((twice.granted_g(), twice.records.len()), (1_000, 2));
}

#[test]
fn a_number_that_nobody_granted_is_unknown_and_its_grams_match_no_line() {
    let unknown = balance(&[cleared("A", 400)]);
    assert_eq!(
        (unknown.status, unknown.unmatched_g, unknown.granted_g()),
        (LicenseStatus::Unknown, 400, 0)
    );
}

#[test]
fn a_change_ends_a_licence() {
    let changed = EventData::LicenseChanged(LicenseChanged {
        license_no: license(),
        change: LicenseChange::Revoked,
        effective_at: "2025-06-01T00:00:00Z".parse().unwrap(),
        reason_code: None,
        replaced_by: None,
    });
    assert_eq!(
        balance(&[grant(1), changed]).status,
        LicenseStatus::Ended(LicenseChange::Revoked)
    );
}

fn case_of(events: &[EventData]) -> CaseTimeline {
    let case = CaseId::new("2025DU000001").unwrap();
    let events = (0_u64..)
        .zip(events)
        .map(|(index, data)| {
            let event = Event {
                case: case.clone(),
                id: EventId::new("371cd45b-31ce-56ec-8194-64fb67c689b1").unwrap(),
                occurred_at: "2025-05-01T00:00:00Z".parse().unwrap(),
                data: data.clone(),
            };
            (
                Placement {
                    index,
                    chain_seq: index + 1,
                    recorded_at_ns: 0,
                },
                event,
            )
        })
        .collect();
    CaseTimeline::of(case, events)
}

fn query(id: &str, stage: QueryStage, declaration: Option<&str>) -> EventData {
    EventData::PaperworkQueried(PaperworkQueried {
        query_id: QueryId::new(id).unwrap(),
        stage,
        round: 1,
        authority: Text::new("GACC").unwrap(),
        reason: Text::new("possible_controlled_item").unwrap(),
        notice_no: None,
        declaration_no: declaration.map(|number| DeclarationNo::new(number).unwrap()),
        reply_due: None,
    })
}

#[test]
fn a_decision_settles_the_queries_of_its_own_stage_and_declaration_only() {
    let case = case_of(&[
        query("licensing-1", QueryStage::Licensing, None),
        query("customs-A", QueryStage::Customs, Some("A")),
        query("customs-B", QueryStage::Customs, Some("B")),
        grant(1_000),
        cleared("A", 1),
    ]);
    let open: Vec<&str> = case
        .open_queries
        .iter()
        .map(|open| open.query_id.as_str())
        .collect();
    assert_eq!((open, case.stage), (vec!["customs-B"], CaseStage::Cleared));
}
