//! `portbook case` and `portbook license`: one case, one licence, from their records.

use portbook_audit::{case, license};
use portbook_domain::{CaseId, LicenseNo};
use portbook_store::StoreReader;
use portbook_views::{CaseStage, CaseTimeline, LicenseBalance, LicenseStatus};
use serde_json::{Value, json};

use crate::args::{CaseArgs, LicenseArgs};
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::session::Session;
use crate::speech::kilograms;

/// Prints a case.
pub(crate) fn run_case(session: &Session, args: &CaseArgs) -> Outcome {
    let id = CaseId::new(&args.case).map_err(|error| Failure::of(Exit::Usage, &error))?;
    let reader = StoreReader::open(&session.home.ledger().store())?;
    let (timeline, records) = case(&reader, &id)?;
    if session.speech.is_machine() {
        session
            .speech
            .json(&case_document(&timeline, &records.unreadable))?;
    } else {
        print_case(session, &timeline, &records.unreadable)?;
    }
    Ok(Exit::Done)
}

/// Prints the balance of a licence.
pub(crate) fn run_license(session: &Session, args: &LicenseArgs) -> Outcome {
    let number = LicenseNo::new(&args.license_no).map_err(|error| Failure::of(Exit::Usage, &error))?;
    let reader = StoreReader::open(&session.home.ledger().store())?;
    let balance = license(&reader, &number)?;
    if session.speech.is_machine() {
        let balance = balance.as_ref().map(balance_document);
        session
            .speech
            .json(&json!({"schema": "portbook.license/v1", "license": balance}))?;
    } else if let Some(balance) = &balance {
        print_balance(session, balance)?;
    } else {
        session
            .speech
            .answer(format_args!("no record carries the licence number {number}"))?;
    }
    Ok(Exit::Done)
}

fn print_case(
    session: &Session,
    timeline: &CaseTimeline,
    unreadable: &[(u64, String)],
) -> Result<(), Failure> {
    let speech = &session.speech;
    speech.answer(format_args!(
        "case {}  {}",
        timeline.case,
        stage_word(timeline.stage)
    ))?;
    for (place, event) in &timeline.events {
        speech.answer(format_args!(
            "  leaf {:>8}  {}  {}",
            place.index,
            speech.time(event.occurred_at),
            event.data.kind().name()
        ))?;
    }
    for (index, reason) in unreadable {
        speech.answer(format_args!("  leaf {index:>8}  unreadable: {reason}"))?;
    }
    for query in &timeline.open_queries {
        let due = query
            .reply_due
            .map(|due| format!(", answer due {due}"))
            .unwrap_or_default();
        speech.answer(format_args!(
            "  open query {} ({}) since {}{due}",
            query.query_id,
            query.stage,
            speech.time(query.since)
        ))?;
    }
    if let Some(balance) = &timeline.balance {
        print_balance(session, balance)?;
    }
    Ok(())
}

fn print_balance(session: &Session, balance: &LicenseBalance) -> Result<(), Failure> {
    let speech = &session.speech;
    let until = balance
        .valid_until
        .map(|until| format!(", valid until {until}"))
        .unwrap_or_default();
    speech.answer(format_args!(
        "license {}  {}{until}",
        balance.license_no,
        status_word(balance.status)
    ))?;
    for line in &balance.lines {
        let left = line.left_g();
        let over = if left < 0 { "  OVER-DRAWN" } else { "" };
        speech.answer(format_args!(
            "  line {} {} {}: granted {} kg, cleared {} kg, left {}{} kg{over}",
            line.granted.line,
            line.granted.control_code,
            line.granted.element,
            kilograms(line.granted.granted_g.get()),
            kilograms(line.cleared_g),
            if left < 0 { "-" } else { "" },
            kilograms(u64::try_from(left.unsigned_abs()).unwrap_or(u64::MAX))
        ))?;
    }
    if balance.unmatched_g > 0 {
        speech.answer(format_args!(
            "  cleared on no line of it: {} kg",
            kilograms(balance.unmatched_g)
        ))?;
    }
    Ok(())
}

fn case_document(timeline: &CaseTimeline, unreadable: &[(u64, String)]) -> Value {
    let events: Vec<Value> = timeline
        .events
        .iter()
        .map(|(place, event)| {
            json!({
                "leaf": place.index, "port_seq": place.chain_seq, "event_id": event.id,
                "event": event.data.kind().name(), "occurred_at": event.occurred_at,
            })
        })
        .collect();
    let queries: Vec<Value> = timeline
        .open_queries
        .iter()
        .map(|query| json!({"query_id": query.query_id, "stage": query.stage, "since": query.since, "reply_due": query.reply_due}))
        .collect();
    json!({
        "schema": "portbook.case/v1",
        "case": timeline.case,
        "stage": stage_word(timeline.stage),
        "submitted_at": timeline.submitted_at,
        "granted_at": timeline.granted_at,
        "license": timeline.balance.as_ref().map(balance_document),
        "open_queries": queries,
        "events": events,
        "unreadable": unreadable.iter().map(|(leaf, reason)| json!({"leaf": leaf, "reason": reason})).collect::<Vec<_>>(),
    })
}

fn balance_document(balance: &LicenseBalance) -> Value {
    let lines: Vec<Value> = balance
        .lines
        .iter()
        .map(|line| {
            json!({
                "line": line.granted.line, "control_code": line.granted.control_code, "element": line.granted.element,
                "granted_g": line.granted.granted_g, "cleared_g": line.cleared_g,
            })
        })
        .collect();
    json!({
        "license_no": balance.license_no,
        "status": status_word(balance.status),
        "valid_from": balance.valid_from,
        "valid_until": balance.valid_until,
        "granted_g": balance.granted_g(),
        "cleared_g": balance.cleared_g(),
        "unmatched_g": balance.unmatched_g,
        "lines": lines,
        "leaves": balance.records,
    })
}

const fn stage_word(stage: CaseStage) -> &'static str {
    match stage {
        CaseStage::NotSubmitted => "no application recorded",
        CaseStage::Submitted => "submitted",
        CaseStage::Closed(outcome) => outcome.word(),
        CaseStage::Granted => "granted",
        CaseStage::Cleared => "cleared",
    }
}

const fn status_word(status: LicenseStatus) -> &'static str {
    match status {
        LicenseStatus::Unknown => "not granted by any record",
        LicenseStatus::Active => "active",
        LicenseStatus::Suspended => "suspended",
        LicenseStatus::Ended(change) => change.word(),
    }
}
