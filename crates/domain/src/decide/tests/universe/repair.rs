//! Repairs, and a case from first to last.

use super::super::orders::{
    annul, answer, change, clear, close, correct, declare, end, event_of, grant, moved, order, parse, query,
    submit, with,
};
use crate::{ClosingOutcome, GrantLicense, LicenseChange, LicenseKind, Order, QueryStage, ShipmentOutcome};

pub(super) fn repairs() -> Vec<Order> {
    let mut alone = annul("grant");
    alone.approved_by = alone.requested_by.clone();
    let mut missing = annul("grant");
    missing.target_event_id = event_of("nothing", 0);
    let mut same = correct("grant", "/authority", "2");
    same.approved_by = same.requested_by.clone();
    vec![
        order("submit", "06-01", submit()),
        order("grant", "06-05", grant()),
        order(
            "grant-anew",
            "06-07",
            with(grant(), |it| it.license_no = parse("L9")),
        ),
        order("annul", "06-06", annul("grant")),
        order("annul-again", "06-06", annul("grant")),
        order("annul-alone", "06-06", alone),
        order("annul-missing", "06-06", missing),
        order("annul-annul", "06-08", annul("annul")),
        order("annul-correct", "06-08", annul("correct")),
        order("annul-early", "06-04", annul("grant")),
        order("correct", "06-06", correct("grant", "/authority", "2")),
        order("correct-form", "06-06", correct("submit", "/lines/0/form", "2")),
        order(
            "correct-evidence",
            "06-06",
            correct("submit", "/evidence/0/kind", "2"),
        ),
        order("correct-same", "06-06", correct("grant", "/authority", "1")),
        order(
            "correct-mass",
            "06-06",
            correct("grant", "/lines/0/granted_g", "2"),
        ),
        order("correct-alone", "06-06", same),
        order("correct-missing", "06-06", correct("nothing", "/authority", "2")),
    ]
}

pub(super) fn whole() -> Vec<Order> {
    let suspended = change(LicenseChange::Suspended, "06-09");
    let single = GrantLicense {
        kind: LicenseKind::Single,
        uses_allowed: None,
        ..grant()
    };
    vec![
        order("submit", "06-01", submit()),
        order("q1", "06-02", query(QueryStage::Licensing, None)),
        order("a1", "06-03", answer("licensing-1", true)),
        order("grant", "06-05", grant()),
        order("single", "06-05", single),
        order("refuse", "06-05", close(ClosingOutcome::Refused)),
        order("d1", "06-06", declare("D1", vec![moved(1, 2)])),
        order("d2", "06-06", declare("D2", vec![moved(1, 2)])),
        order("d3", "06-06", declare("D3", vec![moved(1, 1)])),
        order("qc", "06-07", query(QueryStage::Customs, Some("D1"))),
        order("ac", "06-08", answer("customs-D1-1", true)),
        order("suspend", "06-09", suspended),
        order("reinstate", "06-11", change(LicenseChange::Reinstated, "06-11")),
        order("c1", "06-08", clear("D1", vec![moved(1, 1)])),
        order("c1-late", "06-10", clear("D1", vec![moved(1, 2)])),
        order("c2", "06-12", clear("D2", vec![moved(1, 2)])),
        order("x1", "06-13", end("D1", ShipmentOutcome::Reversed, None)),
        order("x2", "06-13", end("D2", ShipmentOutcome::Cancelled, None)),
        order("annul-grant", "06-14", annul("grant")),
        order("annul-d1", "06-14", annul("d1")),
        order("annul-c1", "06-14", annul("c1")),
        order("annul-x2", "06-14", annul("x2")),
    ]
}
