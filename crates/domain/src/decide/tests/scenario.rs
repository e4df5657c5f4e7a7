//! Given what happened, when an order comes, then this is the answer.

mod answers;
mod clearance;
mod licensing;

use jiff::Timestamp;

use super::orders::{calendar, clear, event_of, moved, noon, order, policy, query};
use crate::case::{CaseState, evolve};
use crate::decide::{Decision, Fact, decide};
use crate::{Event, Order, QueryStage, Rejection};

/// A case with a history.
#[derive(Debug, Default)]
struct Given(CaseState);

/// The answer to one more order.
#[derive(Debug)]
struct Answer(Result<Decision, Rejection>);

/// A case in which these orders were accepted.
#[track_caller]
fn given(orders: impl IntoIterator<Item = Order>) -> Given {
    orders.into_iter().fold(Given::default(), |given, order| {
        let fact = given.when(&order).accepted();
        let id = event_of(order.command_id.as_str(), 0);
        let event = Event {
            case: order.case.clone(),
            id,
            occurred_at: fact.occurred_at,
            data: fact.data,
        };
        Given(evolve(given.0, &event, Some(&order.command_id)))
    })
}

impl Given {
    fn when(&self, order: &Order) -> Answer {
        self.when_at(order, noon("07-01"))
    }

    fn when_at(&self, order: &Order, now: Timestamp) -> Answer {
        Answer(decide(&self.0, order, &policy(), &calendar(), now))
    }
}

impl Answer {
    #[track_caller]
    fn accepted(self) -> Fact {
        match self.0 {
            Ok(Decision::Accepted(fact)) => *fact,
            other => panic!("expected an event, found {other:?}"),
        }
    }

    #[track_caller]
    fn already(self, command: &str) {
        assert_eq!(self.0, Ok(Decision::Already(event_of(command, 0))));
    }

    #[track_caller]
    fn refused(self, rule: &str, message: &str) {
        match self.0 {
            Err(rejection) => assert_eq!(
                (rejection.rule(), rejection.to_string().as_str()),
                (rule, message)
            ),
            other => panic!("expected a refusal by {rule}, found {other:?}"),
        }
    }
}

fn and(mut orders: Vec<Order>, more: impl IntoIterator<Item = Order>) -> Vec<Order> {
    orders.extend(more);
    orders
}

fn q1() -> Order {
    order("q1", "06-02", query(QueryStage::Licensing, None))
}

fn c1() -> Order {
    order("c1", "06-08", clear("D1", vec![moved(1, 2)]))
}
