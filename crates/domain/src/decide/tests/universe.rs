//! The bounded universes: which orders are tried, and from which start. Each command is answered once, so each ends.

use jiff::{SignedDuration, Timestamp};

use super::orders::{
    annul, answer, applied, change, clear, close, correct, declare, end, event_of, grant, granted, moved,
    noon, order, parse, query, submit, withdraw,
};
use crate::{
    ChangeLicense, ClearShipment, ClosingOutcome, Command, ControlStatus, DeclareShipment, GrantLicense,
    Lane, LicenseChange, LicenseKind, Order, QueryStage, RaiseQuery, ShipmentOutcome, SubmitApplication,
};

/// One bounded universe.
pub(super) struct Universe {
    pub(super) name: &'static str,
    pub(super) prelude: fn() -> Vec<Order>,
    pub(super) orders: fn() -> Vec<Order>,
}

impl Universe {
    /// The time of every decision: after everything, but for what is claimed of the future.
    pub(super) fn now(&self) -> Timestamp {
        noon("07-01")
    }
}

/// Small universes, each about one part of a case, with orders that every rule of that part refuses.
pub(super) const PARTS: &[Universe] = &[
    Universe {
        name: "application",
        prelude: Vec::new,
        orders: application,
    },
    Universe {
        name: "grant",
        prelude: submitted,
        orders: grants,
    },
    Universe {
        name: "shipment",
        prelude: licensed,
        orders: shipments,
    },
    Universe {
        name: "customs",
        prelude: licensed,
        orders: customs,
    },
    Universe {
        name: "change",
        prelude: declared,
        orders: changes,
    },
    Universe {
        name: "repair",
        prelude: Vec::new,
        orders: repairs,
    },
];

/// A case from first to last: fewer orders that are wrong in themselves, every order of the others.
pub(super) const WHOLE: Universe = Universe {
    name: "whole",
    prelude: Vec::new,
    orders: whole,
};

pub(super) fn submitted() -> Vec<Order> {
    vec![order("submit", "06-01", Command::SubmitApplication(submit()))]
}

pub(super) fn licensed() -> Vec<Order> {
    let mut orders = submitted();
    orders.push(order("grant", "06-05", Command::GrantLicense(grant())));
    orders
}

pub(super) fn declared() -> Vec<Order> {
    let mut orders = licensed();
    orders.push(order(
        "d1",
        "06-06",
        Command::DeclareShipment(declare("D1", vec![moved(1, 2)])),
    ));
    orders
}

fn application() -> Vec<Order> {
    let submit_with = |lines| Command::SubmitApplication(SubmitApplication { lines, ..submit() });
    let licensing = || query(QueryStage::Licensing, None);
    let asked = |query| Command::RaiseQuery(query);
    vec![
        order("submit", "06-01", Command::SubmitApplication(submit())),
        order("again", "06-02", Command::SubmitApplication(submit())),
        order("submit", "06-02", submit_with(vec![applied(1, 1)])),
        order("empty", "06-01", submit_with(Vec::new())),
        order("zero", "06-01", submit_with(vec![applied(1, 0)])),
        order("twice", "06-01", submit_with(vec![applied(1, 1), applied(1, 1)])),
        order("unlicensed", "06-03", Command::DeclareShipment(unlicensed("D4"))),
        order("q1", "06-02", asked(licensing())),
        order("q2", "06-03", asked(licensing())),
        order(
            "q1-again",
            "06-03",
            asked(RaiseQuery {
                query_id: Some(parse("licensing-1")),
                ..licensing()
            }),
        ),
        order("q1-early", "05-31", asked(licensing())),
        order(
            "q-due",
            "06-03",
            asked(RaiseQuery {
                reply_due: Some(parse("2025-06-02")),
                ..licensing()
            }),
        ),
        order("a1", "06-03", answer("licensing-1", true)),
        order("a1-again", "06-04", answer("licensing-1", true)),
        order("a1-part", "06-03", answer("licensing-1", false)),
        order("a1-early", "06-01", answer("licensing-1", true)),
        order("a9", "06-03", answer("licensing-9", true)),
        order("grant", "06-05", Command::GrantLicense(grant())),
        order("grant-early", "06-02", Command::GrantLicense(grant())),
        order("refuse", "06-05", close(ClosingOutcome::Refused)),
        order("lapse", "06-05", close(ClosingOutcome::Lapsed)),
        order("withdraw", "06-05", withdraw()),
        order("annul-submit", "06-06", Command::AnnulRecord(annul("submit"))),
        order("annul-q1", "06-06", Command::AnnulRecord(annul("q1"))),
        order("annul-a1", "06-06", Command::AnnulRecord(annul("a1"))),
        order("annul-grant", "06-06", Command::AnnulRecord(annul("grant"))),
        order("annul-refuse", "06-06", Command::AnnulRecord(annul("refuse"))),
    ]
}

fn grants() -> Vec<Order> {
    let plain = grant;
    let with_lines = |lines| GrantLicense { lines, ..plain() };
    let mut hs = granted(1, 1);
    hs.hs = parse("8505112000");
    let mut code = granted(1, 1);
    code.control_code = parse("1C904.a");
    let mut element = granted(1, 1);
    element.element = parse("Tb");
    let year = |kind, until| GrantLicense {
        kind,
        valid_until: parse(until),
        ..plain()
    };
    let grants = vec![
        ("whole", plain()),
        ("part", with_lines(vec![granted(1, 1)])),
        ("over", with_lines(vec![granted(1, 4)])),
        ("zero", with_lines(vec![granted(1, 0)])),
        ("none", with_lines(Vec::new())),
        ("twice", with_lines(vec![granted(1, 2), granted(1, 2)])),
        ("unknown", with_lines(vec![granted(3, 1)])),
        ("hs", with_lines(vec![hs])),
        ("code", with_lines(vec![code])),
        ("element", with_lines(vec![element])),
        (
            "destination",
            GrantLicense {
                destination: parse("KR"),
                ..plain()
            },
        ),
        (
            "reversed",
            GrantLicense {
                valid_from: parse("2025-06-21"),
                ..plain()
            },
        ),
        ("single-year", year(LicenseKind::Single, "2026-06-05")),
        ("single-long", year(LicenseKind::Single, "2026-06-06")),
        ("general-years", year(LicenseKind::General, "2028-06-05")),
        ("general-long", year(LicenseKind::General, "2028-06-06")),
        (
            "useless",
            GrantLicense {
                uses_allowed: Some(0),
                ..plain()
            },
        ),
        (
            "expedited",
            GrantLicense {
                lane: Lane::Expedited,
                ..plain()
            },
        ),
    ];
    let mut orders: Vec<Order> = grants
        .into_iter()
        .map(|(id, grant)| order(id, "06-05", Command::GrantLicense(grant)))
        .collect();
    let mut future = order("future", "07-01", Command::GrantLicense(plain()));
    future.occurred_at = Some(noon("07-01") + SignedDuration::from_secs(121));
    let mut skewed = order("skewed", "07-01", Command::GrantLicense(plain()));
    skewed.occurred_at = Some(noon("07-01") + SignedDuration::from_secs(120));
    orders.extend([future, skewed]);
    orders.extend(
        ["whole", "part", "single-year", "general-years", "skewed"]
            .map(|id| order(&format!("annul-{id}"), "07-01", Command::AnnulRecord(annul(id)))),
    );
    orders.extend([
        order(
            "d1",
            "06-06",
            Command::DeclareShipment(declare("D1", vec![moved(1, 1)])),
        ),
        order(
            "d2",
            "06-06",
            Command::DeclareShipment(declare("D2", vec![moved(1, 1)])),
        ),
        order(
            "d3",
            "06-06",
            Command::DeclareShipment(declare("D3", vec![moved(1, 1)])),
        ),
        order("annul-d1", "06-07", Command::AnnulRecord(annul("d1"))),
        order(
            "q1",
            "06-02",
            Command::RaiseQuery(query(QueryStage::Licensing, None)),
        ),
        order("a1", "06-03", answer("licensing-1", true)),
        order("withdraw", "06-05", withdraw()),
    ]);
    orders
}

/// Goods that need no licence.
pub(super) fn unlicensed(number: &str) -> DeclareShipment {
    DeclareShipment {
        license_no: None,
        control_status: ControlStatus::NotControlled,
        ..declare(number, vec![moved(1, 1)])
    }
}

fn shipments() -> Vec<Order> {
    let mut hs = moved(1, 1);
    hs.hs = parse("8505112000");
    let mut bare = moved(1, 1);
    bare.control_code = None;
    let mut unnumbered = moved(1, 1);
    unnumbered.line = None;
    let declares = vec![
        ("d1", declare("D1", vec![moved(1, 2), moved(2, 2)])),
        ("d2", declare("D2", vec![moved(1, 2)])),
        ("d3", declare("D3", vec![moved(1, 1)])),
        ("d3-again", declare("D3", vec![moved(2, 1)])),
        ("d5", declare("D5", vec![moved(2, 1)])),
        ("d-hs", declare("D6", vec![hs])),
        ("d-bare", declare("D6", vec![bare])),
        ("d-unnumbered", declare("D6", vec![unnumbered])),
        ("d-line", declare("D6", vec![moved(3, 1)])),
        ("d-twice", declare("D6", vec![moved(1, 1), moved(1, 1)])),
        ("d-zero", declare("D6", vec![moved(1, 0)])),
        ("d-none", declare("D6", Vec::new())),
        (
            "d-license",
            DeclareShipment {
                license_no: Some(parse("L2")),
                ..declare("D6", vec![moved(1, 1)])
            },
        ),
        (
            "d-destination",
            DeclareShipment {
                destination: parse("KR"),
                ..declare("D6", vec![moved(1, 1)])
            },
        ),
        (
            "d-controlled",
            DeclareShipment {
                license_no: None,
                ..declare("D6", vec![moved(1, 1)])
            },
        ),
    ];
    let clears = vec![
        ("c1", clear("D1", vec![moved(1, 2), moved(2, 2)])),
        ("c1-part", clear("D1", vec![moved(1, 1)])),
        ("c1-over", clear("D1", vec![moved(1, 3)])),
        (
            "c1-license",
            ClearShipment {
                license_no: Some(parse("L2")),
                ..clear("D1", vec![moved(1, 1)])
            },
        ),
        (
            "c1-destination",
            ClearShipment {
                destination: parse("KR"),
                ..clear("D1", vec![moved(1, 1)])
            },
        ),
        ("c2", clear("D2", vec![moved(1, 2)])),
        ("c9", clear("D9", vec![moved(1, 1)])),
    ];
    let reversed = ShipmentOutcome::Reversed;
    let mut orders: Vec<Order> = Vec::new();
    orders.extend(
        declares
            .into_iter()
            .map(|(id, it)| order(id, "06-06", Command::DeclareShipment(it))),
    );
    orders.extend(
        clears
            .into_iter()
            .map(|(id, it)| order(id, "06-08", Command::ClearShipment(it))),
    );
    orders.extend([
        order(
            "d-early",
            "06-04",
            Command::DeclareShipment(declare("D6", vec![moved(1, 1)])),
        ),
        order("x1-cancel", "06-09", end("D1", ShipmentOutcome::Cancelled, None)),
        order("x1-reverse", "06-09", end("D1", reversed, None)),
        order("x1-some", "06-09", end("D1", reversed, Some(1))),
        order("x2-some", "06-09", end("D2", reversed, Some(1))),
        order("x2-more", "06-09", end("D2", reversed, Some(3))),
        order("x2-early", "06-07", end("D2", reversed, None)),
        order(
            "x2-reject",
            "06-09",
            end("D2", ShipmentOutcome::Rejected, Some(1)),
        ),
        order("annul-d1", "06-10", Command::AnnulRecord(annul("d1"))),
        order("annul-c1", "06-10", Command::AnnulRecord(annul("c1"))),
        order("annul-c2", "06-10", Command::AnnulRecord(annul("c2"))),
        order(
            "annul-x1-cancel",
            "06-10",
            Command::AnnulRecord(annul("x1-cancel")),
        ),
        order("annul-x2-some", "06-10", Command::AnnulRecord(annul("x2-some"))),
    ]);
    orders
}

fn customs() -> Vec<Order> {
    let challenge = |number| Command::RaiseQuery(query(QueryStage::Customs, number));
    let free = |status| ClearShipment {
        license_no: None,
        control_status: status,
        ..clear("D4", vec![moved(1, 1)])
    };
    vec![
        order(
            "d1",
            "06-06",
            Command::DeclareShipment(declare("D1", vec![moved(1, 2)])),
        ),
        order("d4", "06-06", Command::DeclareShipment(unlicensed("D4"))),
        order("q1", "06-07", challenge(Some("D1"))),
        order("q1-next", "06-08", challenge(Some("D1"))),
        order("q1-early", "06-05", challenge(Some("D1"))),
        order("q4", "06-07", challenge(Some("D4"))),
        order("q9", "06-07", challenge(Some("D9"))),
        order("q-none", "06-07", challenge(None)),
        order("a1", "06-09", answer("customs-D1-1", true)),
        order("a1-part", "06-09", answer("customs-D1-1", false)),
        order("a1-next", "06-10", answer("customs-D1-2", true)),
        order("a4", "06-09", answer("customs-D4-1", true)),
        order(
            "c1",
            "06-10",
            Command::ClearShipment(clear("D1", vec![moved(1, 1)])),
        ),
        order(
            "c1-early",
            "06-08",
            Command::ClearShipment(clear("D1", vec![moved(1, 1)])),
        ),
        order(
            "c4",
            "06-10",
            Command::ClearShipment(free(ControlStatus::DeterminedNotControlled)),
        ),
        order(
            "c4-controlled",
            "06-10",
            Command::ClearShipment(free(ControlStatus::Controlled)),
        ),
        order("x4", "06-10", end("D4", ShipmentOutcome::Rejected, None)),
        order("annul-a1", "06-11", Command::AnnulRecord(annul("a1"))),
        order("annul-c1", "06-11", Command::AnnulRecord(annul("c1"))),
        order("annul-q1", "06-11", Command::AnnulRecord(annul("q1"))),
    ]
}

fn changes() -> Vec<Order> {
    let changed = |it| Command::ChangeLicense(it);
    let cleared =
        |id: &str, day: &str| order(id, day, Command::ClearShipment(clear("D1", vec![moved(1, 1)])));
    let replaced = |by: Option<&str>| ChangeLicense {
        replaced_by: by.map(parse),
        ..change(LicenseChange::Replaced, "06-16")
    };
    let named = ChangeLicense {
        replaced_by: Some(parse("L2")),
        ..change(LicenseChange::Suspended, "06-10")
    };
    vec![
        order(
            "suspend",
            "06-10",
            changed(change(LicenseChange::Suspended, "06-10")),
        ),
        order(
            "suspend-again",
            "06-14",
            changed(change(LicenseChange::Suspended, "06-14")),
        ),
        order(
            "suspend-old",
            "06-14",
            changed(change(LicenseChange::Suspended, "06-04")),
        ),
        order("suspend-named", "06-10", changed(named)),
        order(
            "reinstate",
            "06-12",
            changed(change(LicenseChange::Reinstated, "06-12")),
        ),
        order(
            "reinstate-old",
            "06-12",
            changed(change(LicenseChange::Reinstated, "06-09")),
        ),
        order(
            "revoke",
            "06-16",
            changed(change(LicenseChange::Revoked, "06-16")),
        ),
        order(
            "surrender",
            "06-16",
            changed(change(LicenseChange::Surrendered, "06-18")),
        ),
        order("replace", "06-16", changed(replaced(Some("L2")))),
        order("replace-self", "06-16", changed(replaced(Some("L1")))),
        order("replace-none", "06-16", changed(replaced(None))),
        order(
            "early",
            "06-04",
            changed(change(LicenseChange::Suspended, "06-06")),
        ),
        order(
            "other",
            "06-10",
            changed(ChangeLicense {
                license_no: parse("L2"),
                ..change(LicenseChange::Suspended, "06-10")
            }),
        ),
        cleared("c-before", "06-09"),
        cleared("c-suspended", "06-11"),
        cleared("c-reinstated", "06-13"),
        cleared("c-last", "06-20"),
        cleared("c-expired", "06-21"),
        order("undo", "06-22", end("D1", ShipmentOutcome::Reversed, None)),
        order(
            "d2",
            "06-06",
            Command::DeclareShipment(declare("D2", vec![moved(1, 1)])),
        ),
        order("annul-suspend", "06-23", Command::AnnulRecord(annul("suspend"))),
        order(
            "annul-reinstate",
            "06-23",
            Command::AnnulRecord(annul("reinstate")),
        ),
        order("annul-revoke", "06-23", Command::AnnulRecord(annul("revoke"))),
        order("annul-cleared", "06-23", Command::AnnulRecord(annul("c-before"))),
    ]
}

fn repairs() -> Vec<Order> {
    let corrected = |it| Command::CorrectRecord(it);
    let mut alone = annul("grant");
    alone.approved_by = alone.requested_by.clone();
    let mut missing = annul("grant");
    missing.target_event_id = event_of("nothing", 0);
    let mut same = correct("grant", "/authority", "2");
    same.approved_by = same.requested_by.clone();
    vec![
        order("submit", "06-01", Command::SubmitApplication(submit())),
        order("grant", "06-05", Command::GrantLicense(grant())),
        order(
            "grant-anew",
            "06-07",
            Command::GrantLicense(GrantLicense {
                license_no: parse("L9"),
                ..grant()
            }),
        ),
        order("annul", "06-06", Command::AnnulRecord(annul("grant"))),
        order("annul-again", "06-06", Command::AnnulRecord(annul("grant"))),
        order("annul-alone", "06-06", Command::AnnulRecord(alone)),
        order("annul-missing", "06-06", Command::AnnulRecord(missing)),
        order("annul-annul", "06-08", Command::AnnulRecord(annul("annul"))),
        order("annul-correct", "06-08", Command::AnnulRecord(annul("correct"))),
        order("annul-early", "06-04", Command::AnnulRecord(annul("grant"))),
        order("correct", "06-06", corrected(correct("grant", "/authority", "2"))),
        order(
            "correct-form",
            "06-06",
            corrected(correct("submit", "/lines/0/form", "2")),
        ),
        order(
            "correct-evidence",
            "06-06",
            corrected(correct("submit", "/evidence/0/kind", "2")),
        ),
        order(
            "correct-same",
            "06-06",
            corrected(correct("grant", "/authority", "1")),
        ),
        order(
            "correct-mass",
            "06-06",
            corrected(correct("grant", "/lines/0/granted_g", "2")),
        ),
        order("correct-alone", "06-06", corrected(same)),
        order(
            "correct-missing",
            "06-06",
            corrected(correct("nothing", "/authority", "2")),
        ),
    ]
}

fn whole() -> Vec<Order> {
    let suspended = change(LicenseChange::Suspended, "06-09");
    let single = GrantLicense {
        kind: LicenseKind::Single,
        uses_allowed: None,
        ..grant()
    };
    vec![
        order("submit", "06-01", Command::SubmitApplication(submit())),
        order(
            "q1",
            "06-02",
            Command::RaiseQuery(query(QueryStage::Licensing, None)),
        ),
        order("a1", "06-03", answer("licensing-1", true)),
        order("grant", "06-05", Command::GrantLicense(grant())),
        order("single", "06-05", Command::GrantLicense(single)),
        order("refuse", "06-05", close(ClosingOutcome::Refused)),
        order(
            "d1",
            "06-06",
            Command::DeclareShipment(declare("D1", vec![moved(1, 2)])),
        ),
        order(
            "d2",
            "06-06",
            Command::DeclareShipment(declare("D2", vec![moved(1, 2)])),
        ),
        order(
            "d3",
            "06-06",
            Command::DeclareShipment(declare("D3", vec![moved(1, 1)])),
        ),
        order(
            "qc",
            "06-07",
            Command::RaiseQuery(query(QueryStage::Customs, Some("D1"))),
        ),
        order("ac", "06-08", answer("customs-D1-1", true)),
        order("suspend", "06-09", Command::ChangeLicense(suspended)),
        order(
            "reinstate",
            "06-11",
            Command::ChangeLicense(change(LicenseChange::Reinstated, "06-11")),
        ),
        order(
            "c1",
            "06-08",
            Command::ClearShipment(clear("D1", vec![moved(1, 1)])),
        ),
        order(
            "c1-late",
            "06-10",
            Command::ClearShipment(clear("D1", vec![moved(1, 2)])),
        ),
        order(
            "c2",
            "06-12",
            Command::ClearShipment(clear("D2", vec![moved(1, 2)])),
        ),
        order("x1", "06-13", end("D1", ShipmentOutcome::Reversed, None)),
        order("x2", "06-13", end("D2", ShipmentOutcome::Cancelled, None)),
        order("annul-grant", "06-14", Command::AnnulRecord(annul("grant"))),
        order("annul-d1", "06-14", Command::AnnulRecord(annul("d1"))),
        order("annul-c1", "06-14", Command::AnnulRecord(annul("c1"))),
        order("annul-x2", "06-14", Command::AnnulRecord(annul("x2"))),
    ]
}
