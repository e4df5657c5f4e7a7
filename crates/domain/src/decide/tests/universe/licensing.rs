//! Orders of applicants and of the licensing authority.

use jiff::SignedDuration;

use super::super::orders::{
    annul, answer, applied, change, clear, close, declare, end, grant, granted, moved, order, parse, query,
    submit, with, withdraw,
};
use super::{present, unlicensed};
use crate::{
    ClosingOutcome, GrantLicense, GrantedLine, Lane, LicenseChange, LicenseKind, Order, QueryStage,
    ShipmentOutcome, SubmitApplication,
};

pub(super) fn application() -> Vec<Order> {
    let submit_with = |lines| SubmitApplication { lines, ..submit() };
    let licensing = || query(QueryStage::Licensing, None);
    vec![
        order("submit", "06-01", submit()),
        order("again", "06-02", submit()),
        order("submit", "06-02", submit_with(vec![applied(1, 1)])),
        order("empty", "06-01", submit_with(Vec::new())),
        order("zero", "06-01", submit_with(vec![applied(1, 0)])),
        order("twice", "06-01", submit_with(vec![applied(1, 1), applied(1, 1)])),
        order("unlicensed", "06-03", unlicensed("D4")),
        order("q1", "06-02", licensing()),
        order("q2", "06-03", licensing()),
        order(
            "q1-again",
            "06-03",
            with(licensing(), |it| it.query_id = Some(parse("licensing-1"))),
        ),
        order("q1-early", "05-31", licensing()),
        order(
            "q-due",
            "06-03",
            with(licensing(), |it| it.reply_due = Some(parse("2025-06-02"))),
        ),
        order("a1", "06-03", answer("licensing-1", true)),
        order("a1-again", "06-04", answer("licensing-1", true)),
        order("a1-part", "06-03", answer("licensing-1", false)),
        order("a1-early", "06-01", answer("licensing-1", true)),
        order("a9", "06-03", answer("licensing-9", true)),
        order("grant", "06-05", grant()),
        order("grant-early", "06-02", grant()),
        order("refuse", "06-05", close(ClosingOutcome::Refused)),
        order("lapse", "06-05", close(ClosingOutcome::Lapsed)),
        order("withdraw", "06-05", withdraw()),
        order("annul-submit", "06-06", annul("submit")),
        order("annul-q1", "06-06", annul("q1")),
        order("annul-a1", "06-06", annul("a1")),
        order("annul-grant", "06-06", annul("grant")),
        order("annul-refuse", "06-06", annul("refuse")),
    ]
}

pub(super) fn grants() -> Vec<Order> {
    let after = |seconds| {
        with(order(&format!("after-{seconds}"), "07-01", grant()), |it| {
            it.occurred_at = Some(present() + SignedDuration::from_secs(seconds));
        })
    };
    let sound = ["whole", "part", "single-year", "general-years", "after-120"];
    let mut orders = goods_granted();
    orders.extend(terms_granted());
    orders.extend([after(120), after(121)]);
    orders.extend(sound.map(|id| order(&format!("annul-{id}"), "07-01", annul(id))));
    orders.extend([
        order("d1", "06-06", declare("D1", vec![moved(1, 1)])),
        order("d2", "06-06", declare("D2", vec![moved(1, 1)])),
        order("d3", "06-06", declare("D3", vec![moved(1, 1)])),
        order("annul-d1", "06-07", annul("d1")),
        order("q1", "06-02", query(QueryStage::Licensing, None)),
        order("a1", "06-03", answer("licensing-1", true)),
        order("withdraw", "06-05", withdraw()),
    ]);
    orders
}

fn goods_granted() -> Vec<Order> {
    let of = |lines| GrantLicense { lines, ..grant() };
    let line = |change: fn(&mut GrantedLine)| of(vec![with(granted(1, 1), change)]);
    vec![
        order("whole", "06-05", grant()),
        order("part", "06-05", of(vec![granted(1, 1)])),
        order("over", "06-05", of(vec![granted(1, 4)])),
        order("zero", "06-05", of(vec![granted(1, 0)])),
        order("none", "06-05", of(Vec::new())),
        order("twice", "06-05", of(vec![granted(1, 2), granted(1, 2)])),
        order("unknown", "06-05", of(vec![granted(3, 1)])),
        order("hs", "06-05", line(|it| it.hs = parse("8505112000"))),
        order("code", "06-05", line(|it| it.control_code = parse("1C904.a"))),
        order("element", "06-05", line(|it| it.element = parse("Tb"))),
    ]
}

fn terms_granted() -> Vec<Order> {
    let of = |change: fn(&mut GrantLicense)| with(grant(), change);
    let until = |kind, day: &str| GrantLicense {
        kind,
        valid_until: parse(day),
        ..grant()
    };
    vec![
        order("destination", "06-05", of(|it| it.destination = parse("KR"))),
        order("reversed", "06-05", of(|it| it.valid_from = parse("2025-06-21"))),
        order("useless", "06-05", of(|it| it.uses_allowed = Some(0))),
        order("expedited", "06-05", of(|it| it.lane = Lane::Expedited)),
        order("single-year", "06-05", until(LicenseKind::Single, "2026-06-05")),
        order("single-long", "06-05", until(LicenseKind::Single, "2026-06-06")),
        order(
            "general-years",
            "06-05",
            until(LicenseKind::General, "2028-06-05"),
        ),
        order("general-long", "06-05", until(LicenseKind::General, "2028-06-06")),
    ]
}

pub(super) fn changes() -> Vec<Order> {
    let suspended = |effective| change(LicenseChange::Suspended, effective);
    let reinstated = |effective| change(LicenseChange::Reinstated, effective);
    let replaced = |by: Option<&str>| {
        with(change(LicenseChange::Replaced, "06-16"), |it| {
            it.replaced_by = by.map(parse);
        })
    };
    let cleared = |id: &str, day: &str| order(id, day, clear("D1", vec![moved(1, 1)]));
    vec![
        order("suspend", "06-10", suspended("06-10")),
        order("suspend-again", "06-14", suspended("06-14")),
        order("suspend-old", "06-14", suspended("06-04")),
        order(
            "suspend-named",
            "06-10",
            with(suspended("06-10"), |it| it.replaced_by = Some(parse("L2"))),
        ),
        order("reinstate", "06-12", reinstated("06-12")),
        order("reinstate-old", "06-12", reinstated("06-09")),
        order("revoke", "06-16", change(LicenseChange::Revoked, "06-16")),
        order("surrender", "06-16", change(LicenseChange::Surrendered, "06-18")),
        order("replace", "06-16", replaced(Some("L2"))),
        order("replace-self", "06-16", replaced(Some("L1"))),
        order("replace-none", "06-16", replaced(None)),
        order("early", "06-04", suspended("06-06")),
        order(
            "other",
            "06-10",
            with(suspended("06-10"), |it| it.license_no = parse("L2")),
        ),
        cleared("c-before", "06-09"),
        cleared("c-suspended", "06-11"),
        cleared("c-reinstated", "06-13"),
        cleared("c-last", "06-20"),
        cleared("c-expired", "06-21"),
        order("undo", "06-22", end("D1", ShipmentOutcome::Reversed, None)),
        order("d2", "06-06", declare("D2", vec![moved(1, 1)])),
        order("annul-suspend", "06-23", annul("suspend")),
        order("annul-reinstate", "06-23", annul("reinstate")),
        order("annul-revoke", "06-23", annul("revoke")),
        order("annul-cleared", "06-23", annul("c-before")),
    ]
}
