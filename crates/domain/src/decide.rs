//! The answer to a command: one new event, an event of before, or a rejection.

use jiff::{Timestamp, civil::Date};

use crate::calendar::{Calendar, local_date};
use crate::case::{CaseState, PastEvent};
use crate::command::{Order, RaiseQuery};
use crate::event::{EventData, QueryStage};
use crate::fact::{QueryTerms, data_of};
use crate::guard::{Check, Entry, Guard, Proposal};
use crate::identifier::{EventId, PortCode, QueryId};
use crate::policy::Policy;
use crate::rejection::Rejection;

#[cfg(test)]
mod tests;

/// What a decision adds to a case. The caller gives it an id and writes it down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// Port in whose timeline it belongs, as written; see [`CaseState::port_of`].
    pub port: PortCode,
    /// When it happened: as the order claims, else the time of the decision.
    pub occurred_at: Timestamp,
    /// What happened.
    pub data: EventData,
}

/// The answer to a command that no rule refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// One new event: a command never needs two, so that appending it is one message.
    Accepted(Box<Fact>),
    /// The command was answered before, by this event.
    Already(EventId),
}

/// Decides on an order. `policy` is the one in force on the local date of the event, `now` the time of the decision.
///
/// # Errors
/// The [`Rejection`] of the first rule, in the order of [`Guard::ALL`], that refuses it.
pub fn decide(
    case: &CaseState,
    order: &Order,
    policy: &Policy,
    calendar: &Calendar,
    now: Timestamp,
) -> Result<Decision, Rejection> {
    decide_by(Guard::ALL, case, order, policy, calendar, now)
}

fn decide_by(
    guards: &[Guard],
    case: &CaseState,
    order: &Order,
    policy: &Policy,
    calendar: &Calendar,
    now: Timestamp,
) -> Result<Decision, Rejection> {
    if let Some(past) = case
        .answer_to(&order.command_id)
        .filter(|past| is_answered_by(order, past))
    {
        return Ok(Decision::Already(past.event.id.clone()));
    }
    let occurred_at = order.occurred_at.unwrap_or(now);
    let data = data_of(&order.command, |query| {
        terms_of(case, query, policy, calendar, occurred_at)
    })?;
    let proposal = Proposal {
        case,
        standing: case.standing(),
        occurred_at,
        data: &data,
    };
    let entry = Entry { order, policy, now };
    for guard in guards {
        match guard.check {
            Check::Lasting(check) => check(proposal)?,
            Check::OnEntry(check) => check(proposal, entry)?,
        }
    }
    let Some(port) = case.port_of(&data) else {
        return Err(Rejection::NotSubmitted {
            attempted: data.kind().name(),
        });
    };
    Ok(Decision::Accepted(Box::new(Fact {
        port,
        occurred_at,
        data,
    })))
}

fn terms_of(
    case: &CaseState,
    query: &RaiseQuery,
    policy: &Policy,
    calendar: &Calendar,
    occurred_at: Timestamp,
) -> Result<QueryTerms, Rejection> {
    let asked = match (query.stage, &query.declaration_no) {
        (QueryStage::Customs, Some(declaration_no)) => {
            case.standing().customs_queries(declaration_no).count()
        }
        (QueryStage::Customs, None) => 0,
        (QueryStage::Licensing, _) => case.standing().licensing_queries().count(),
    };
    let round = u16::try_from(asked).unwrap_or(u16::MAX).saturating_add(1);
    let declaration_no = query
        .declaration_no
        .as_ref()
        .filter(|_| query.stage == QueryStage::Customs);
    let query_id = query
        .query_id
        .clone()
        .unwrap_or_else(|| QueryId::of_round(query.stage, declaration_no, round));
    let reply_due = match query.reply_due {
        Some(stated) => Some(stated),
        None => reply_due_of(query.stage, policy, calendar, local_date(occurred_at))?,
    };
    Ok(QueryTerms {
        query_id,
        round,
        reply_due,
    })
}

fn reply_due_of(
    stage: QueryStage,
    policy: &Policy,
    calendar: &Calendar,
    asked_on: Date,
) -> Result<Option<Date>, Rejection> {
    let Some(working_days) = policy.reply_working_days(stage) else {
        return Ok(None);
    };
    calendar
        .working_days_after(asked_on, working_days)
        .map(Some)
        .map_err(|source| Rejection::ReplyDueUnknown {
            asked_on,
            working_days,
            source,
        })
}

/// Whether `past` says what `order` asks for; what the order leaves open may have been filled in either way.
fn is_answered_by(order: &Order, past: &PastEvent) -> bool {
    let same_time = order
        .occurred_at
        .is_none_or(|claimed| claimed == past.event.occurred_at);
    let EventData::PaperworkQueried(queried) = &past.event.data else {
        return same_time && data_of(&order.command, |_| Err(())).as_ref() == Ok(&past.event.data);
    };
    let data = data_of(&order.command, |query| {
        Ok::<_, ()>(QueryTerms {
            query_id: query.query_id.clone().unwrap_or_else(|| queried.query_id.clone()),
            round: queried.round,
            reply_due: query.reply_due.or(queried.reply_due),
        })
    });
    same_time && data.as_ref() == Ok(&past.event.data)
}
