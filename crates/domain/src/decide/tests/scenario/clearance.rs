//! What is refused once goods move, and of repairs, and the sentence it is refused with.

use super::super::orders::{
    annul, change, clear, correct, declare, end, event_of, grant, moved, order, parse, query,
};
use super::super::universe::{declared, licensed, submitted, unlicensed};
use super::{and, c1, given};
use crate::{ClearShipment, DeclareShipment, GrantLicense, LicenseChange, QueryStage, ShipmentOutcome};

#[test]
fn declarations_take_their_steps_in_order() {
    let bare = DeclareShipment {
        license_no: None,
        ..declare("D1", vec![moved(1, 1)])
    };
    given(licensed()).when(&order("d", "06-06", bare)).refused(
        "license-required",
        "goods of declaration D1 are controlled and no license is named",
    );
    given(declared())
        .when(&order("d", "06-07", declare("D1", vec![moved(1, 1)])))
        .refused(
            "declaration-repeated",
            "declaration D1 was already made at 2025-06-06T04:00:00Z",
        );
    given(licensed())
        .when(&order("q", "06-06", query(QueryStage::Customs, None)))
        .refused(
            "declaration-missing",
            "a customs query names the declaration it is about",
        );
    given(licensed()).when(&c1()).refused(
        "declaration-unknown",
        "declaration D1 was never made in this case",
    );
    given(and(declared(), [c1()]))
        .when(&order("x", "06-09", end("D1", ShipmentOutcome::Rejected, None)))
        .refused("declaration-not-open", "declaration D1 is cleared, not open");
    given(declared())
        .when(&order("x", "06-09", end("D1", ShipmentOutcome::Reversed, None)))
        .refused("declaration-not-cleared", "declaration D1 is open, not cleared");
    let challenge = order("q", "06-07", query(QueryStage::Customs, Some("D1")));
    given(and(declared(), [challenge])).when(&c1()).refused(
        "customs-query-open",
        "customs query customs-D1-1 of 2025-06-07T04:00:00Z about declaration D1 is open",
    );
}

#[test]
fn a_clearance_keeps_to_its_declaration() {
    let other = ClearShipment {
        license_no: None,
        ..clear("D4", vec![moved(1, 1)])
    };
    let free = order("d4", "06-06", unlicensed("D4"));
    given(and(licensed(), [free.clone()]))
        .when(&order("c", "06-08", other))
        .refused(
            "license-required",
            "goods of declaration D4 are controlled and no license is named",
        );
    given(and(licensed(), [free]))
        .when(&order("c", "06-08", clear("D4", vec![moved(1, 1)])))
        .refused(
            "license-not-declared",
            "cleared under license L1, declared under none",
        );
    given(declared())
        .when(&order("c", "06-08", clear("D1", vec![moved(1, 3)])))
        .refused(
            "cleared-over-declared",
            "3 g of 8505111000 (line 1) cleared, 2 g declared",
        );
}

#[test]
fn a_licence_is_drawn_no_further_than_it_goes() {
    let next = |number| order("next", "06-07", declare(number, vec![moved(1, 2)]));
    given(declared()).when(&next("D2")).refused(
        "overdrawn",
        "line 1 of license L1 would have 4 g drawn of 3 g granted",
    );
    let second = order("d2", "06-06", declare("D2", vec![moved(2, 1)]));
    let third = order("d3", "06-06", declare("D3", vec![moved(2, 1)]));
    given(and(declared(), [second]))
        .when(&third)
        .refused("uses-exceeded", "license L1 allows 2 uses and has 2");
}

#[test]
fn goods_leave_while_the_licence_is_valid_and_active() {
    let cleared = |day| order("c", day, clear("D1", vec![moved(1, 2)]));
    given(declared()).when(&cleared("06-21")).refused(
        "license-not-valid",
        "license L1 is not valid on 2025-06-21, only from 2025-06-05 to 2025-06-20",
    );
    let late = GrantLicense {
        valid_from: parse("2025-06-10"),
        ..grant()
    };
    let given_late = || {
        given(and(
            submitted(),
            [
                order("grant", "06-05", late.clone()),
                order("d1", "06-06", declare("D1", vec![moved(1, 2)])),
            ],
        ))
    };
    given_late().when(&cleared("06-09")).refused(
        "license-not-valid",
        "license L1 is not valid on 2025-06-09, only from 2025-06-10 to 2025-06-20",
    );
    given_late().when(&cleared("06-10")).accepted();
    let suspend = order("s", "06-07", change(LicenseChange::Suspended, "06-07"));
    given(and(declared(), [suspend])).when(&c1()).refused(
        "license-not-active",
        "license L1 is suspended at 2025-06-08T04:00:00Z",
    );
}

#[test]
fn what_comes_back_was_cleared() {
    let back = |grams| order("x", "06-09", end("D1", ShipmentOutcome::Reversed, Some(grams)));
    given(and(declared(), [c1()])).when(&back(3)).refused(
        "return-out-of-range",
        "3 g cannot come back of 2 g cleared (reversed)",
    );
    let both = and(
        licensed(),
        [
            order("d1", "06-06", declare("D1", vec![moved(1, 2), moved(2, 2)])),
            order("c1", "06-08", clear("D1", vec![moved(1, 2), moved(2, 2)])),
        ],
    );
    given(both).when(&back(1)).refused(
        "return-ambiguous",
        "1 g returned of 2 cleared lines: it cannot be said which",
    );
}

#[test]
fn repairs_are_of_events_that_stand() {
    let annulled = |id, command| order(id, "06-10", annul(command));
    given(licensed()).when(&annulled("x", "nothing")).refused(
        "target-unknown",
        "event 00000000-0000-7000-8000-0c20352a0c2c is not an event of this case",
    );
    given(and(licensed(), [annulled("x", "grant")]))
        .when(&annulled("y", "grant"))
        .refused(
            "target-annulled",
            "event 00000000-0000-7000-8000-00691225241c was annulled already",
        );
    given(and(licensed(), [annulled("x", "grant")]))
        .when(&annulled("y", "x"))
        .refused("annulment-final", "event 00000000-0000-7000-8000-000000000078 is itself an annulment; record what happened anew instead");
    given(declared())
        .when(&annulled("x", "grant"))
        .refused("annulment-breaks-history", "event 00000000-0000-7000-8000-000000006495 rests on event 00000000-0000-7000-8000-00691225241c (rule license-unknown); annul it first");
    let mut alone = annul("grant");
    alone.approved_by = alone.requested_by.clone();
    given(licensed()).when(&order("x", "06-10", alone)).refused(
        "approver-is-requester",
        "first asks for the repair and approves it",
    );
}

#[test]
fn corrections_change_what_decides_nothing() {
    let corrected = |pointer, new| order("x", "06-10", correct("grant", pointer, new));
    given(licensed()).when(&corrected("/authority", "1")).refused(
        "correction-empty",
        "the correction of event 00000000-0000-7000-8000-00691225241c changes nothing",
    );
    given(licensed()).when(&corrected("/valid_until", "2")).refused(
        "field-not-correctable",
        "/valid_until of a license.granted event decides what follows; annul the event and record it anew",
    );
    for refused in [
        "/lines/0/granted_g",
        "/evidences",
        "/authority/0",
        "authority",
        "",
        "/exit_ports/x",
    ] {
        if let Ok(pointer) = refused.parse() {
            let mut it = correct("grant", "/authority", "2");
            it.field_patches[0].pointer = pointer;
            let answer = given(licensed()).when(&order("x", "06-10", it));
            assert_eq!(answer.0.unwrap_err().rule(), "field-not-correctable", "{refused}");
        }
    }
    for accepted in ["/authority", "/evidence", "/evidence/0/kind", "/exit_ports/0"] {
        given(licensed()).when(&corrected(accepted, "2")).accepted();
    }
    assert!(given(licensed()).0.event(&event_of("grant", 0)).is_some());
}
