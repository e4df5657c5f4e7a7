//! Rules about queries and their answers.

use super::{Proposal, Verdict};
use crate::calendar::local_date;
use crate::event::EventData;
use crate::rejection::Rejection;

pub(super) fn query_repeated(proposal: Proposal<'_>) -> Verdict {
    let EventData::PaperworkQueried(it) = proposal.data else {
        return Ok(());
    };
    match proposal.standing.queries.get(&it.query_id) {
        Some(query) => Err(Rejection::QueryRepeated {
            query_id: it.query_id.clone(),
            asked_at: query.occurred_at,
        }),
        None => Ok(()),
    }
}

pub(super) fn query_unknown(proposal: Proposal<'_>) -> Verdict {
    let EventData::PaperworkAnswered(it) = proposal.data else {
        return Ok(());
    };
    if proposal.standing.queries.contains_key(&it.query_id) {
        return Ok(());
    }
    Err(Rejection::QueryUnknown {
        query_id: it.query_id.clone(),
    })
}

pub(super) fn query_answered(proposal: Proposal<'_>) -> Verdict {
    let EventData::PaperworkAnswered(it) = proposal.data else {
        return Ok(());
    };
    match proposal
        .standing
        .queries
        .get(&it.query_id)
        .and_then(|query| query.answered_at)
    {
        Some(answered_at) => Err(Rejection::QueryAnswered {
            query_id: it.query_id.clone(),
            answered_at,
        }),
        None => Ok(()),
    }
}

pub(super) fn reply_due_before_query(proposal: Proposal<'_>) -> Verdict {
    let EventData::PaperworkQueried(it) = proposal.data else {
        return Ok(());
    };
    let asked_on = local_date(proposal.occurred_at);
    match it.reply_due {
        Some(reply_due) if reply_due < asked_on => {
            Err(Rejection::ReplyDueBeforeQuery { reply_due, asked_on })
        }
        _ => Ok(()),
    }
}

pub(super) fn licensing_query_open(proposal: Proposal<'_>) -> Verdict {
    let EventData::LicenseGranted(_) = proposal.data else {
        return Ok(());
    };
    match proposal
        .standing
        .licensing_queries()
        .find(|query| query.answered_at.is_none())
    {
        Some(query) => Err(Rejection::LicensingQueryOpen {
            query_id: query.queried.query_id.clone(),
            asked_at: query.occurred_at,
        }),
        None => Ok(()),
    }
}

pub(super) fn customs_query_open(proposal: Proposal<'_>) -> Verdict {
    let EventData::ShipmentCleared(it) = proposal.data else {
        return Ok(());
    };
    let mut queries = proposal.standing.customs_queries(&it.declaration_no);
    match queries.find(|query| query.answered_at.is_none()) {
        Some(query) => Err(Rejection::CustomsQueryOpen {
            query_id: query.queried.query_id.clone(),
            asked_at: query.occurred_at,
            declaration_no: it.declaration_no.clone(),
        }),
        None => Ok(()),
    }
}
