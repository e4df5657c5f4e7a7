//! What orders lead to: one event in the right timeline, the same answer for ever, and repairs that reach back.

use super::super::orders::{
    annul, answer, change, clear, close, correct, declare, end, event_of, grant, moved, noon, order, parse,
    query, submit, withdraw,
};
use super::super::universe::{declared, licensed, submitted, unlicensed};
use super::{and, c1, given, q1};
use crate::case::ApplicationStatus;
use crate::{
    Command, EventData, GrantLicense, LicenseChange, LicenseCondition, LicenseKind, Order, PaperworkQueried,
    QueryStage, RaiseQuery, ServiceName, ShipmentOutcome,
};

fn queried(data: EventData) -> PaperworkQueried {
    let EventData::PaperworkQueried(it) = data else {
        panic!("expected a query, found {data:?}")
    };
    it
}

#[test]
fn the_same_order_gives_the_same_answer_for_ever() {
    let first = || submitted().remove(0);
    given(submitted()).when(&first()).already("submit");
    given(licensed()).when(&first()).already("submit");
    let annulled = order("x", "06-10", annul("grant"));
    let grant = || licensed().remove(1);
    given(and(licensed(), [annulled.clone()]))
        .when(&grant())
        .already("grant");
    given(and(licensed(), [annulled.clone()]))
        .when(&annulled)
        .already("x");
}

#[test]
fn what_an_order_leaves_open_does_not_make_it_another() {
    let timeless = Order {
        occurred_at: None,
        ..q1()
    };
    given(and(submitted(), [q1()])).when(&timeless).already("q1");
    let challenge = || order("q", "06-07", query(QueryStage::Customs, Some("D1")));
    let filled_in = RaiseQuery {
        query_id: Some(parse("customs-D1-1")),
        reply_due: Some(parse("2025-06-17")),
        ..query(QueryStage::Customs, Some("D1"))
    };
    given(and(declared(), [challenge()]))
        .when(&order("q", "06-07", filled_in.clone()))
        .already("q");
    let other = RaiseQuery {
        reply_due: Some(parse("2025-06-18")),
        ..filled_in
    };
    let refusal = given(and(declared(), [challenge()])).when(&order("q", "06-07", other));
    assert_eq!(refusal.0.unwrap_err().rule(), "command-id-reused");
}

#[test]
fn an_order_without_a_time_happens_now() {
    let fact = given([])
        .when_at(
            &Order {
                occurred_at: None,
                ..submitted().remove(0)
            },
            noon("06-03"),
        )
        .accepted();
    assert_eq!(fact.occurred_at, noon("06-03"));
}

#[test]
fn queries_are_numbered_by_the_case_and_due_by_the_policy() {
    let next = || order("q2", "06-04", query(QueryStage::Licensing, None));
    let second = queried(given(and(submitted(), [q1()])).when(&next()).accepted().data);
    assert_eq!(
        (second.query_id.as_str(), second.round, second.reply_due),
        ("licensing-2", 2, None)
    );
    let challenge = |id: &str| order(id, "06-16", query(QueryStage::Customs, Some("D1")));
    let first = queried(given(declared()).when(&challenge("q1")).accepted().data);
    assert_eq!((first.query_id.as_str(), first.round), ("customs-D1-1", 1));
    assert_eq!(first.reply_due, Some(parse("2025-06-25")), "seven working days");
    let again = queried(
        given(and(declared(), [challenge("q1")]))
            .when(&challenge("q2"))
            .accepted()
            .data,
    );
    assert_eq!((again.query_id.as_str(), again.round), ("customs-D1-2", 2));
}

#[test]
fn every_event_belongs_to_the_timeline_of_its_port() {
    let port = |given: super::Given, order: Order| given.when(&order).accepted().port.to_string();
    let challenge = || order("q", "06-07", query(QueryStage::Customs, Some("D1")));
    assert_eq!(
        port(given([]), submitted().remove(0)),
        "CNNBG",
        "the exit port of the application"
    );
    assert_eq!(port(given(submitted()), q1()), "CNNBG");
    assert_eq!(
        port(given(licensed()), declared().remove(2)),
        "CNSHG",
        "the port of the declaration"
    );
    assert_eq!(port(given(declared()), challenge()), "CNSHG");
    let answered = order("a", "06-08", answer("customs-D1-1", true));
    assert_eq!(port(given(and(declared(), [challenge()])), answered), "CNSHG");
    let cancelled = order("x", "06-08", end("D1", ShipmentOutcome::Cancelled, None));
    assert_eq!(port(given(declared()), cancelled), "CNSHG");
    let suspended = order("s", "06-08", change(LicenseChange::Suspended, "06-08"));
    assert_eq!(port(given(declared()), suspended), "CNNBG");
    let annulled = |of| order("n", "06-10", annul(of));
    assert_eq!(
        port(given(declared()), annulled("d1")),
        "CNSHG",
        "the port of what is annulled"
    );
    assert_eq!(port(given(licensed()), annulled("grant")), "CNNBG");
    let corrected = order("k", "06-09", correct("d1", "/transport_mode", "2"));
    let reason = order("n", "06-10", annul("k"));
    assert_eq!(
        port(given(and(declared(), [corrected])), reason),
        "CNSHG",
        "the port of what was corrected"
    );
}

#[test]
fn an_annulled_decision_is_open_again() {
    let annulled = |of| order("x", "06-10", annul(of));
    let refused = order("refuse", "06-03", close(crate::ClosingOutcome::Refused));
    for (orders, of) in [(licensed(), "grant"), (and(submitted(), [refused]), "refuse")] {
        let case = given(and(orders, [annulled(of)]));
        assert_eq!(
            case.0.standing().application().unwrap().status,
            ApplicationStatus::Open
        );
        assert_eq!(case.0.standing().license(), None);
        let anew = GrantLicense {
            license_no: parse("L2"),
            ..grant()
        };
        case.when(&order("anew", "06-05", anew)).accepted();
        case.when(&order("w", "06-11", withdraw())).accepted();
    }
}

#[test]
fn an_annulled_clearance_gives_its_grams_back() {
    let drawn = |orders| given(orders).0.standing().drawn_g(&parse("L1"), 1);
    let cleared = || and(declared(), [order("c1", "06-08", clear("D1", vec![moved(1, 1)]))]);
    assert_eq!(drawn(declared()), 2, "declared and open");
    assert_eq!(drawn(cleared()), 1, "cleared, the rest is free");
    let annulled = order("x", "06-10", annul("c1"));
    assert_eq!(drawn(and(cleared(), [annulled.clone()])), 2, "open again");
    let ended = order("e", "06-11", end("D1", ShipmentOutcome::Cancelled, None));
    assert_eq!(drawn(and(cleared(), [annulled, ended])), 0);
}

#[test]
fn a_clearance_whose_grams_were_used_since_is_not_annulled() {
    let part = order("c1", "06-08", clear("D1", vec![moved(1, 1)]));
    let since = order("d2", "06-09", declare("D2", vec![moved(1, 2)]));
    let answer = given(and(declared(), [part, since])).when(&order("x", "06-10", annul("c1")));
    assert_eq!(answer.0.unwrap_err().rule(), "annulment-breaks-history");
}

#[test]
fn a_reversal_gives_back_all_or_what_it_says() {
    let drawn = |back| {
        let reversed = order("x", "06-09", end("D1", ShipmentOutcome::Reversed, back));
        given(and(declared(), [c1(), reversed]))
            .0
            .standing()
            .drawn_g(&parse("L1"), 1)
    };
    assert_eq!((drawn(None), drawn(Some(2)), drawn(Some(1))), (0, 0, 1));
}

#[test]
fn a_reversed_clearance_does_not_revive_a_licence_after_its_last_day() {
    let reversed = order("x", "06-22", end("D1", ShipmentOutcome::Reversed, None));
    let again = order("d2", "06-19", declare("D2", vec![moved(1, 2)]));
    let late = order("c2", "06-23", clear("D2", vec![moved(1, 2)]));
    let answer = given(and(declared(), [c1(), reversed, again])).when(&late);
    assert_eq!(answer.0.unwrap_err().rule(), "license-not-valid");
}

#[test]
fn a_single_licence_is_used_once_unless_it_says_otherwise() {
    let single = GrantLicense {
        kind: LicenseKind::Single,
        uses_allowed: None,
        ..grant()
    };
    let grant = order("grant", "06-05", single);
    let first = order("d1", "06-06", declare("D1", vec![moved(1, 1)]));
    let second = order("d2", "06-06", declare("D2", vec![moved(1, 1)]));
    let case = || and(submitted(), [grant.clone(), first.clone()]);
    assert_eq!(given(case()).when(&second).0.unwrap_err().rule(), "uses-exceeded");
    let cancelled = order("x", "06-07", end("D1", ShipmentOutcome::Cancelled, None));
    given(and(case(), [cancelled])).when(&second).accepted();
}

#[test]
fn a_licence_is_valid_on_its_last_day() {
    let last = order("c1", "06-20", clear("D1", vec![moved(1, 2)]));
    given(declared()).when(&last).accepted();
}

#[test]
fn a_clearance_undone_as_a_whole_gives_its_use_back() {
    let second = || order("d2", "06-06", declare("D2", vec![moved(2, 1)]));
    let third = order("d3", "06-06", declare("D3", vec![moved(2, 1)]));
    let undone = |back| {
        let reversed = order("x", "06-09", end("D1", ShipmentOutcome::Reversed, back));
        given(and(declared(), [c1(), reversed, second()]))
    };
    undone(None).when(&third).accepted();
    undone(Some(2)).when(&third).accepted();
    assert_eq!(
        undone(Some(1)).when(&third).0.unwrap_err().rule(),
        "uses-exceeded"
    );
}

#[test]
fn a_suspension_counts_from_its_instant_and_ends_with_reinstatement() {
    let changed = |id, it, day| order(id, day, change(it, day));
    let case = given(and(
        licensed(),
        [
            changed("s", LicenseChange::Suspended, "06-10"),
            changed("r", LicenseChange::Reinstated, "06-12"),
        ],
    ));
    let license = case.0.standing().license().unwrap();
    let at = |day| license.condition_at(noon(day));
    assert_eq!(at("06-09"), LicenseCondition::Active);
    assert_eq!(at("06-10"), LicenseCondition::Suspended);
    assert_eq!(at("06-12"), LicenseCondition::Active);
}

#[test]
fn goods_that_need_no_licence_are_declared_without_one() {
    let free = order("d4", "06-02", unlicensed("D4"));
    given(submitted()).when(&free).accepted();
}

#[test]
fn an_event_delivered_again_changes_nothing() {
    let case = given(licensed()).0;
    let past = case.history()[1].clone();
    let again = crate::evolve(case.clone(), &past.event, past.command.as_ref());
    assert_eq!((again, case.version()), (case, 2));
}

#[test]
fn an_observed_event_has_no_version_but_stands() {
    let past = given(submitted()).0.history()[0].clone();
    let case = crate::evolve(crate::CaseState::default(), &past.event, None);
    assert_eq!(case.version(), 0);
    assert!(case.standing().application().is_some());
    assert_eq!(case.event(&event_of("submit", 0)).unwrap().command, None);
}

#[test]
fn each_command_is_of_one_service_and_repairs_of_all() {
    for (command, services) in [
        (Command::from(submit()), [ServiceName::Intake].as_slice()),
        (
            query(QueryStage::Licensing, None).into(),
            &[ServiceName::Paperwork],
        ),
        (query(QueryStage::Customs, None).into(), &[ServiceName::Clearance]),
        (grant().into(), &[ServiceName::Licensing]),
        (annul("x").into(), ServiceName::ALL),
    ] {
        assert_eq!(command.services(), services, "{}", command.name());
        assert!(Command::NAMES.contains(&command.name()));
    }
    for service in ServiceName::ALL {
        assert_eq!(ServiceName::from_name(service.name()), Some(*service));
    }
}

#[test]
fn orders_are_read_strictly() {
    let read = |text: &str| toml::from_str::<Order>(text).map_err(|error| error.message().to_owned());
    let text = toml::to_string(&submitted().remove(0)).unwrap();
    assert_eq!(read(&text), Ok(submitted().remove(0)));
    assert!(text.contains("[command.submit-application]"), "{text}");
    for (from, to, expected) in [
        ("case =", "ports = 1\ncase =", "unknown field `ports`"),
        ("exit_port", "exitport", "unknown field `exitport`"),
        (
            "submit-application",
            "file-application",
            "unknown variant `file-application`",
        ),
        (
            "net_mass_g = 3",
            "net_mass_g = 3\nfrom = 'x'",
            "unknown field `from`",
        ),
        ("net_mass_g = 3", "net_mass_g = -3", "invalid value"),
        ("\"CNNBG\"", "\"ningbo\"", "port must be a UN/LOCODE"),
    ] {
        let error = read(&text.replace(from, to)).unwrap_err();
        assert!(error.contains(expected), "{error}");
    }
}
