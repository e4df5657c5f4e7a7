//! The machine of the case, explored exhaustively within bounds, and held to invariants that do not know its guards.

mod conservation;
mod explore;
mod invariant;
mod orders;
mod scenario;
mod universe;

use std::collections::BTreeSet;

use super::Guard;
use explore::explore;
use universe::{PARTS, WHOLE};

#[test]
fn no_reachable_case_breaks_an_invariant() {
    let (mut states, mut accepted, mut refused) = (0, 0, BTreeSet::new());
    for universe in PARTS.iter().chain([&WHOLE]) {
        let found = explore(universe, Guard::ALL);
        assert_eq!(found.violation, None, "in universe {}", universe.name);
        states += found.states;
        accepted += found.accepted;
        refused.extend(found.refused_by);
    }
    assert!(
        states > 20_000 && accepted > 50_000,
        "{states} states, {accepted} accepted transitions"
    );
    let silent: Vec<_> = Guard::ALL
        .iter()
        .map(Guard::rule)
        .filter(|rule| !refused.contains(rule))
        .collect();
    assert_eq!(silent, [""; 0], "rules that never refused anything");
}

#[test]
fn without_any_one_guard_an_invariant_breaks() {
    let refusals: Vec<_> = PARTS
        .iter()
        .map(|universe| (universe, explore(universe, Guard::ALL).refused_by))
        .collect();
    let needless: Vec<_> = Guard::ALL
        .iter()
        .map(Guard::rule)
        .filter(|rule| {
            let without: Vec<Guard> = Guard::ALL
                .iter()
                .filter(|guard| guard.rule() != *rule)
                .copied()
                .collect();
            // Where a guard refuses nothing, leaving it out changes nothing.
            let mut asked = refusals
                .iter()
                .filter(|(_, refused_by)| refused_by.contains(rule));
            asked.all(|(universe, _)| explore(universe, &without).violation.is_none())
        })
        .collect();
    assert_eq!(
        needless, [""; 0],
        "rules that can be left out without anything breaking"
    );
}

#[test]
fn every_rejection_names_one_guard() {
    let guards: Vec<_> = Guard::ALL.iter().map(Guard::rule).collect();
    let unique: BTreeSet<_> = guards.iter().collect();
    assert_eq!(unique.len(), guards.len(), "a guard is listed twice");
    let unguarded: Vec<_> = crate::Rejection::RULES
        .iter()
        .filter(|rule| !guards.contains(rule))
        .copied()
        .collect();
    assert_eq!(
        unguarded,
        ["reply-due-unknown"],
        "asked before there is an event to guard"
    );
}
