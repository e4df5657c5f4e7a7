//! `portbook case` and `portbook license`: one case, one licence, from their records.

use portbook_audit::{Repairs, case, license, repairs_among};
use portbook_domain::{CaseId, LicenseNo};
use portbook_store::StoreReader;
use portbook_views::{CaseStage, CaseTimeline, LicenseBalance, LicenseStatus};
use serde_json::{Value, json};

use crate::args::{CaseArgs, LicenseArgs};
use crate::command::repair::{mark_of, repair_document};
use crate::command::replay::as_of;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::session::Session;
use crate::speech::kilograms;

/// Prints a case.
pub(crate) fn run_case(session: &Session, args: &CaseArgs) -> Outcome {
    let id = CaseId::new(&args.case).map_err(|error| Failure::of(Exit::Usage, &error))?;
    let reader = StoreReader::open(&session.home.ledger().store())?;
    let (recorded, records) = case(&reader, &id, &as_of(session, &reader, args.as_of)?)?;
    let repairs = repairs_among(&reader, &records)?;
    let views = Views {
        corrected: CaseTimeline::of(id, repairs.corrected(&records)),
        recorded,
        repairs,
        unreadable: records.unreadable,
    };
    if session.speech.is_machine() {
        session.speech.json(&case_document(&views, args.as_recorded))?;
    } else {
        print_case(session, &views, args.as_recorded)?;
    }
    Ok(Exit::Done)
}

/// Prints the balance of a licence.
pub(crate) fn run_license(session: &Session, args: &LicenseArgs) -> Outcome {
    let number = LicenseNo::new(&args.license_no).map_err(|error| Failure::of(Exit::Usage, &error))?;
    let reader = StoreReader::open(&session.home.ledger().store())?;
    let balance = license(&reader, &number, &as_of(session, &reader, args.as_of)?)?;
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

/// A case as its records tell it, and as they read with every repair.
struct Views {
    recorded: CaseTimeline,
    corrected: CaseTimeline,
    repairs: Repairs,
    unreadable: Vec<(u64, String)>,
}

impl Views {
    const fn chosen(&self, as_recorded: bool) -> &CaseTimeline {
        if as_recorded {
            &self.recorded
        } else {
            &self.corrected
        }
    }
}

fn print_case(session: &Session, views: &Views, as_recorded: bool) -> Result<(), Failure> {
    let speech = &session.speech;
    let timeline = views.chosen(as_recorded);
    let told = match (views.repairs.repairs.is_empty(), as_recorded) {
        (true, _) => "",
        (false, true) => "  (as recorded; without --as-recorded as corrected)",
        (false, false) => "  (as corrected; --as-recorded shows it without repairs)",
    };
    speech.answer(format_args!(
        "case {}  {}{told}",
        timeline.case,
        stage_word(timeline.stage)
    ))?;
    for (place, event) in &views.recorded.events {
        let line = format!(
            "  leaf {:>8}  {}  {:<21} {}",
            place.index,
            speech.time(event.occurred_at),
            event.data.kind().name(),
            mark_of(&views.repairs, place.index)
        );
        speech.answer(line.trim_end())?;
    }
    for (index, reason) in &views.unreadable {
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

fn case_document(views: &Views, as_recorded: bool) -> Value {
    let mut document = view_document(views.chosen(as_recorded));
    let events: Vec<Value> = views
        .recorded
        .events
        .iter()
        .map(|(place, event)| {
            let standing = views.repairs.standing.get(&place.index);
            json!({
                "leaf": place.index, "port_seq": place.chain_seq, "event_id": event.id,
                "event": event.data.kind().name(), "occurred_at": event.occurred_at,
                "annulled_by": standing.and_then(|standing| standing.annulled_by),
                "corrected_by": standing.map(|standing| &standing.corrected_by),
            })
        })
        .collect();
    let unreadable: Vec<Value> = views
        .unreadable
        .iter()
        .map(|(leaf, reason)| json!({"leaf": leaf, "reason": reason}))
        .collect();
    let fields = [
        ("schema", json!("portbook.case/v1")),
        ("case", json!(views.recorded.case)),
        (
            "view",
            json!(if as_recorded {
                "as_recorded"
            } else {
                "as_corrected"
            }),
        ),
        ("as_recorded", view_document(&views.recorded)),
        ("as_corrected", view_document(&views.corrected)),
        ("events", Value::Array(events)),
        (
            "repairs",
            views.repairs.repairs.iter().map(repair_document).collect(),
        ),
        ("unreadable", Value::Array(unreadable)),
    ];
    if let Some(document) = document.as_object_mut() {
        document.extend(fields.map(|(name, value)| (name.to_owned(), value)));
    }
    document
}

/// What one of the two views says.
fn view_document(timeline: &CaseTimeline) -> Value {
    let queries: Vec<Value> = timeline
        .open_queries
        .iter()
        .map(|query| json!({"query_id": query.query_id, "stage": query.stage, "since": query.since, "reply_due": query.reply_due}))
        .collect();
    json!({
        "stage": stage_word(timeline.stage),
        "submitted_at": timeline.submitted_at,
        "granted_at": timeline.granted_at,
        "license": timeline.balance.as_ref().map(balance_document),
        "open_queries": queries,
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
