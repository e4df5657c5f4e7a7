//! The bounded universes: which orders are tried, and from which start. Each command is answered once, so each ends.

mod clearance;
mod licensing;
mod repair;

use jiff::Timestamp;

use super::orders::{declare, grant, moved, noon, order, submit};
use crate::{ControlStatus, DeclareShipment, Order};

/// One bounded universe.
pub(super) struct Universe {
    pub(super) name: &'static str,
    pub(super) prelude: fn() -> Vec<Order>,
    pub(super) orders: fn() -> Vec<Order>,
}

/// Small universes, each about one part of a case, with orders that every rule of that part refuses.
pub(super) const PARTS: &[Universe] = &[
    Universe {
        name: "application",
        prelude: Vec::new,
        orders: licensing::application,
    },
    Universe {
        name: "grant",
        prelude: submitted,
        orders: licensing::grants,
    },
    Universe {
        name: "shipment",
        prelude: licensed,
        orders: clearance::shipments,
    },
    Universe {
        name: "customs",
        prelude: licensed,
        orders: clearance::customs,
    },
    Universe {
        name: "change",
        prelude: declared,
        orders: licensing::changes,
    },
    Universe {
        name: "repair",
        prelude: Vec::new,
        orders: repair::repairs,
    },
];

/// A case from first to last: fewer orders that are wrong in themselves, more orders of steps.
pub(super) const WHOLE: Universe = Universe {
    name: "whole",
    prelude: Vec::new,
    orders: repair::whole,
};

/// The time of every decision: after everything, but for what is claimed of the future.
pub(super) fn present() -> Timestamp {
    noon("07-01")
}

pub(super) fn submitted() -> Vec<Order> {
    vec![order("submit", "06-01", submit())]
}

pub(super) fn licensed() -> Vec<Order> {
    let mut orders = submitted();
    orders.push(order("grant", "06-05", grant()));
    orders
}

pub(super) fn declared() -> Vec<Order> {
    let mut orders = licensed();
    orders.push(order("d1", "06-06", declare("D1", vec![moved(1, 2)])));
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
