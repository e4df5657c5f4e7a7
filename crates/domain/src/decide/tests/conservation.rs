//! Whatever is asked for, in whatever order: grams are conserved, and no event breaks the fold.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::invariant::{Told, violated};
use super::orders::{
    annul, calendar, clear, declare, end, event_of, grant, granted, moved, noon, order, policy,
};
use super::universe::submitted;
use crate::case::{CaseState, evolve};
use crate::decide::{Decision, decide};
use crate::{Command, Event, EventData, GrantLicense, Order, ShipmentOutcome};

/// One thing a declarant or customs may try.
#[derive(Debug, Clone)]
enum Attempt {
    Declare {
        declaration: u8,
        first_g: u64,
        second_g: u64,
    },
    Clear {
        declaration: u8,
        first_g: u64,
        second_g: u64,
    },
    End {
        declaration: u8,
        outcome: ShipmentOutcome,
        returned_g: Option<u64>,
    },
    Annul {
        target: usize,
    },
}

fn attempts() -> impl Strategy<Value = Vec<Attempt>> {
    let declaration = 0..4_u8;
    let mass = 0..60_u64;
    let outcome = prop_oneof![
        Just(ShipmentOutcome::Rejected),
        Just(ShipmentOutcome::Cancelled),
        Just(ShipmentOutcome::Reversed)
    ];
    let lines = (declaration.clone(), mass.clone(), mass.clone());
    let attempt = prop_oneof![
        3 => lines.clone().prop_map(|(declaration, first_g, second_g)| Attempt::Declare { declaration, first_g, second_g }),
        4 => lines.prop_map(|(declaration, first_g, second_g)| Attempt::Clear { declaration, first_g, second_g }),
        2 => (declaration, outcome, proptest::option::of(mass))
            .prop_map(|(declaration, outcome, returned_g)| Attempt::End { declaration, outcome, returned_g }),
        2 => (0..40_usize).prop_map(|target| Attempt::Annul { target }),
    ];
    proptest::collection::vec(attempt, 1..40)
}

fn order_of(at: usize, attempt: &Attempt) -> Order {
    let lines = |first_g: u64, second_g: u64| {
        [(1, first_g), (2, second_g)]
            .into_iter()
            .filter(|(_, grams)| *grams > 0)
            .map(|(line, g)| moved(line, g))
            .collect()
    };
    let command: Command = match attempt {
        Attempt::Declare {
            declaration,
            first_g,
            second_g,
        } => declare(&format!("D{declaration}"), lines(*first_g, *second_g)).into(),
        Attempt::Clear {
            declaration,
            first_g,
            second_g,
        } => clear(&format!("D{declaration}"), lines(*first_g, *second_g)).into(),
        Attempt::End {
            declaration,
            outcome,
            returned_g,
        } => end(&format!("D{declaration}"), *outcome, *returned_g).into(),
        Attempt::Annul { target } => annul(&format!("o{target}")).into(),
    };
    order(&format!("o{at}"), "06-10", command)
}

fn licensed_for(first_g: u64, second_g: u64) -> Vec<Order> {
    let mut orders = submitted();
    if let Command::SubmitApplication(it) = &mut orders[0].command {
        it.lines = vec![super::orders::applied(1, 100), super::orders::applied(2, 100)];
    }
    let lines = vec![granted(1, first_g), granted(2, second_g)];
    orders.push(order(
        "grant",
        "06-05",
        GrantLicense {
            lines,
            uses_allowed: None,
            ..grant()
        },
    ));
    orders
}

/// Grams of line 1 that lie outside the licence, told from the events that stand: released, less what came back.
fn released_g(told: &[Told]) -> u64 {
    let annulled = |it: &&Told| {
        !told.iter().any(|other| {
            matches!(&other.event.data, EventData::RecordAnnulled(of) if of.target_event_id == it.event.id)
        })
    };
    let mut released = BTreeMap::new();
    for it in told.iter().filter(annulled) {
        if let EventData::ShipmentCleared(it) = &it.event.data {
            let lines = it.lines.iter().filter(|line| line.line == Some(1));
            released.insert(
                it.declaration_no.clone(),
                lines.map(|line| line.cleared_g.get()).sum::<u64>(),
            );
        }
        if let EventData::ShipmentClosed(it) = &it.event.data
            && let Some(grams) = released.get_mut(&it.declaration_no)
        {
            *grams = it
                .returned_g
                .map_or(0, |returned| grams.saturating_sub(returned.get()));
        }
    }
    released.values().sum()
}

proptest! {
    #[test]
    fn grams_are_conserved(first_g in 1..100_u64, second_g in 1..100_u64, attempts in attempts()) {
        let (policy, calendar, now) = (policy(), calendar(), noon("07-01"));
        let attempted = attempts.iter().enumerate().map(|(at, attempt)| order_of(at, attempt));
        let (mut case, mut told) = (CaseState::default(), Vec::new());
        for order in licensed_for(first_g, second_g).into_iter().chain(attempted) {
            let Ok(Decision::Accepted(fact)) = decide(&case, &order, &policy, &calendar, now) else { continue };
            let id = event_of(order.command_id.as_str(), 0);
            let event = Event { case: order.case.clone(), id, occurred_at: fact.occurred_at, data: fact.data };
            case = evolve(case, &event, Some(&order.command_id));
            told.push(Told { event, command: order.command_id, now });
            prop_assert_eq!(violated(&told), None);
            prop_assert!(released_g(&told) <= first_g);
            let drawn_g = case.standing().drawn_g(&super::orders::parse("L1"), 1);
            prop_assert!(u128::from(released_g(&told)) <= drawn_g && drawn_g <= u128::from(first_g));
        }
    }

    #[test]
    fn no_history_breaks_the_fold(attempts in attempts(), seed in 0..4_usize) {
        let mut case = CaseState::default();
        let orders = licensed_for(50, 50).into_iter().skip(seed);
        let all = orders.chain(attempts.iter().enumerate().map(|(at, attempt)| order_of(at, attempt)));
        for (at, order) in all.enumerate() {
            let data = crate::fact::data_of(&order.command, |_| Err(())).unwrap();
            let id = event_of(order.command_id.as_str(), 0);
            let event = Event { case: order.case.clone(), id, occurred_at: noon("06-10"), data };
            case = evolve(case, &event, None);
            prop_assert_eq!(case.history().len(), at + 1);
            prop_assert_eq!(case.version(), 0);
        }
    }
}
