//! Breadth-first search through everything a universe of orders can do to a case.

use std::collections::{BTreeSet, VecDeque};
use std::fmt::{self, Write as _};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use jiff::Timestamp;

use super::invariant::{Told, violated};
use super::orders::{calendar, event_of, policy};
use super::universe::{Universe, present};
use crate::case::{CaseState, evolve};
use crate::decide::{Decision, decide_by};
use crate::guard::Guard;
use crate::{Event, Order, Rejection};

/// What a search found.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) states: usize,
    pub(super) accepted: usize,
    pub(super) refused_by: BTreeSet<&'static str>,
    /// The first invariant that broke, and the commands that led there.
    pub(super) violation: Option<(&'static str, Vec<String>)>,
}

/// The case and, independently of it, what was told.
#[derive(Debug, Clone, Default)]
struct Node {
    case: CaseState,
    told: Vec<Told>,
}

/// Tries every order in every state until nothing new is found or an invariant breaks.
pub(super) fn explore(universe: &Universe, guards: &[Guard]) -> Found {
    let orders = (universe.orders)();
    let (policy, calendar, now) = (policy(), calendar(), present());
    let mut found = Found::default();
    let mut start = Node::default();
    for order in (universe.prelude)() {
        let decision = decide_by(Guard::ALL, &start.case, &order, &policy, &calendar, now);
        start = accepted(&start, &order, decision, now).expect("the prelude is accepted");
    }
    let mut seen = BTreeSet::from([fingerprint(&start.case)]);
    let mut open = VecDeque::from([start]);
    while let Some(node) = open.pop_front() {
        found.states += 1;
        for order in &orders {
            let decision = decide_by(guards, &node.case, order, &policy, &calendar, now);
            if let Err(rejection) = &decision {
                found.refused_by.insert(rejection.rule());
            }
            let Some(next) = accepted(&node, order, decision, now) else {
                continue;
            };
            found.accepted += 1;
            if let Some(rule) = violated(&next.told) {
                found.violation = Some((rule, next.told.iter().map(|told| format!("{told:?}")).collect()));
                return found;
            }
            assert_eq!(
                next.case.version(),
                u64::try_from(next.told.len()).unwrap(),
                "invariant 10"
            );
            if seen.insert(fingerprint(&next.case)) {
                open.push_back(next);
            }
        }
    }
    found
}

fn accepted(
    node: &Node,
    order: &Order,
    decision: Result<Decision, Rejection>,
    now: Timestamp,
) -> Option<Node> {
    let fact = match decision {
        Ok(Decision::Accepted(fact)) => fact,
        Ok(Decision::Already(id)) => {
            let told = node.told.iter().find(|told| told.command == order.command_id);
            assert_eq!(
                told.map(|told| &told.event.id),
                Some(&id),
                "invariant 11: the same answer for ever"
            );
            return None;
        }
        Err(_) => return None,
    };
    // A guard left out may let one command id through twice; ids of events stay unique all the same.
    let repeated = node
        .told
        .iter()
        .filter(|told| told.command == order.command_id)
        .count();
    let event = Event {
        case: order.case.clone(),
        id: event_of(order.command_id.as_str(), repeated),
        occurred_at: fact.occurred_at,
        data: fact.data,
    };
    let mut next = node.clone();
    next.case = evolve(next.case, &event, Some(&order.command_id));
    next.told.push(Told {
        event,
        command: order.command_id.clone(),
        now,
    });
    Some(next)
}

/// Two cases with the same fingerprint behave alike: what stands, and which commands were answered or annulled.
fn fingerprint(case: &CaseState) -> u64 {
    struct Text(DefaultHasher);
    impl fmt::Write for Text {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            self.0.write(text.as_bytes());
            Ok(())
        }
    }
    let mut text = Text(DefaultHasher::new());
    write!(text, "{:?}", case.standing()).expect("a hasher takes any text");
    let answered: BTreeSet<_> = case
        .history()
        .iter()
        .map(|past| (&past.event.id, past.annulled))
        .collect();
    answered.hash(&mut text.0);
    text.0.finish()
}
