//! Orders of declarants and of customs.

use super::super::orders::{annul, answer, clear, declare, end, moved, order, parse, query, with};
use super::unlicensed;
use crate::{ClearShipment, ClearedLine, ControlStatus, Order, QueryStage, ShipmentOutcome};

pub(super) fn shipments() -> Vec<Order> {
    declared_goods()
        .into_iter()
        .chain(cleared_goods())
        .chain(endings())
        .collect()
}

fn declared_goods() -> Vec<Order> {
    let one = || declare("D6", vec![moved(1, 1)]);
    let line = |change: fn(&mut ClearedLine)| declare("D6", vec![with(moved(1, 1), change)]);
    vec![
        order("d1", "06-06", declare("D1", vec![moved(1, 2), moved(2, 2)])),
        order("d2", "06-06", declare("D2", vec![moved(1, 2)])),
        order("d3", "06-06", declare("D3", vec![moved(1, 1)])),
        order("d3-again", "06-06", declare("D3", vec![moved(2, 1)])),
        order("d5", "06-06", declare("D5", vec![moved(2, 1)])),
        order("d-hs", "06-06", line(|it| it.hs = parse("8505112000"))),
        order("d-bare", "06-06", line(|it| it.control_code = None)),
        order("d-unnumbered", "06-06", line(|it| it.line = None)),
        order("d-line", "06-06", declare("D6", vec![moved(3, 1)])),
        order("d-twice", "06-06", declare("D6", vec![moved(1, 1), moved(1, 1)])),
        order("d-zero", "06-06", declare("D6", vec![moved(1, 0)])),
        order("d-none", "06-06", declare("D6", Vec::new())),
        order(
            "d-license",
            "06-06",
            with(one(), |it| it.license_no = Some(parse("L2"))),
        ),
        order(
            "d-destination",
            "06-06",
            with(one(), |it| it.destination = parse("KR")),
        ),
        order("d-controlled", "06-06", with(one(), |it| it.license_no = None)),
        order("d-early", "06-04", one()),
    ]
}

fn cleared_goods() -> Vec<Order> {
    let one = || clear("D1", vec![moved(1, 1)]);
    vec![
        order("c1", "06-08", clear("D1", vec![moved(1, 2), moved(2, 2)])),
        order("c1-part", "06-08", one()),
        order("c1-over", "06-08", clear("D1", vec![moved(1, 3)])),
        order(
            "c1-license",
            "06-08",
            with(one(), |it| it.license_no = Some(parse("L2"))),
        ),
        order(
            "c1-destination",
            "06-08",
            with(one(), |it| it.destination = parse("KR")),
        ),
        order("c2", "06-08", clear("D2", vec![moved(1, 2)])),
        order("c9", "06-08", clear("D9", vec![moved(1, 1)])),
    ]
}

fn endings() -> Vec<Order> {
    let reversed = |number, returned_g| end(number, ShipmentOutcome::Reversed, returned_g);
    vec![
        order("x1-cancel", "06-09", end("D1", ShipmentOutcome::Cancelled, None)),
        order("x1-reverse", "06-09", reversed("D1", None)),
        order("x1-some", "06-09", reversed("D1", Some(1))),
        order("x2-some", "06-09", reversed("D2", Some(1))),
        order("x2-more", "06-09", reversed("D2", Some(3))),
        order("x2-early", "06-07", reversed("D2", None)),
        order(
            "x2-reject",
            "06-09",
            end("D2", ShipmentOutcome::Rejected, Some(1)),
        ),
        order("annul-d1", "06-10", annul("d1")),
        order("annul-c1", "06-10", annul("c1")),
        order("annul-c2", "06-10", annul("c2")),
        order("annul-x1-cancel", "06-10", annul("x1-cancel")),
        order("annul-x2-some", "06-10", annul("x2-some")),
    ]
}

pub(super) fn customs() -> Vec<Order> {
    let challenge = |number| query(QueryStage::Customs, number);
    let free = |status| ClearShipment {
        license_no: None,
        control_status: status,
        ..clear("D4", vec![moved(1, 1)])
    };
    vec![
        order("d1", "06-06", declare("D1", vec![moved(1, 2)])),
        order("d4", "06-06", unlicensed("D4")),
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
        order("c1", "06-10", clear("D1", vec![moved(1, 1)])),
        order("c1-early", "06-08", clear("D1", vec![moved(1, 1)])),
        order("c4", "06-10", free(ControlStatus::DeterminedNotControlled)),
        order("c4-controlled", "06-10", free(ControlStatus::Controlled)),
        order("x4", "06-10", end("D4", ShipmentOutcome::Rejected, None)),
        order("annul-a1", "06-11", annul("a1")),
        order("annul-c1", "06-11", annul("c1")),
        order("annul-q1", "06-11", annul("q1")),
    ]
}
