//! Orders of the model: small masses, few dates, and one thing wrong at a time.

use jiff::Timestamp;

use crate::calendar::Calendar;
use crate::country::Countries;
use crate::policy::Policy;
use crate::{
    AnnulRecord, AnswerQuery, ApplicationLine, ChangeLicense, ClearShipment, ClearedLine, CloseApplication,
    CloseShipment, ClosingOutcome, Command, ControlStatus, CorrectRecord, DeclareShipment, EventId,
    FieldPatch, GrantLicense, GrantedLine, Lane, LicenseChange, LicenseKind, Order, QueryStage, RaiseQuery,
    ShipmentOutcome, SubmitApplication, WithdrawApplication,
};

pub(super) fn parse<T: std::str::FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
    text.parse().expect("a valid text")
}

/// Noon in China on a day of 2025, given as `06-01`.
pub(super) fn noon(day: &str) -> Timestamp {
    parse(&format!("2025-{day}T04:00:00Z"))
}

pub(super) fn calendar() -> Calendar {
    Calendar::parse(
        "calendar_cn.csv",
        include_str!("../../../../../config/reference/calendar_cn.csv"),
    )
    .expect("the shipped calendar")
}

pub(super) fn policy() -> Policy {
    let countries = Countries::parse(
        "countries.csv",
        include_str!("../../../../../config/reference/countries.csv"),
    );
    let text = include_str!("../../../../../config/policy/2025-06-16-customs-queries.toml");
    Policy::parse("policy.toml", text, &countries.expect("the shipped countries"))
        .expect("the shipped policy")
}

/// The event id that the answer to a command gets.
pub(super) fn event_of(command: &str, repeated: usize) -> EventId {
    let number = command
        .bytes()
        .fold(u64::try_from(repeated).expect("few"), |number, byte| {
            (number * 257 + u64::from(byte)) % 0xffff_ffff_fffb
        });
    parse(&format!("00000000-0000-7000-8000-{number:012x}"))
}

/// An order with its own id, on a day of 2025.
pub(super) fn order(id: &str, day: &str, command: impl Into<Command>) -> Order {
    Order {
        command_id: parse(id),
        case: parse("K1"),
        occurred_at: Some(noon(day)),
        command: command.into(),
    }
}

/// A thing with something about it changed.
pub(super) fn with<T>(mut it: T, change: impl FnOnce(&mut T)) -> T {
    change(&mut it);
    it
}

pub(super) fn submit() -> SubmitApplication {
    SubmitApplication {
        external_ref: None,
        applicant: parse("a1"),
        end_user_commitment: None,
        end_use: None,
        destination: parse("US"),
        exit_port: parse("CNNBG"),
        lines: vec![applied(1, 3), applied(2, 2)],
        kind: LicenseKind::Single,
        lane: Lane::Standard,
        evidence: Vec::new(),
    }
}

pub(super) fn applied(line: u16, grams: u64) -> ApplicationLine {
    ApplicationLine {
        line,
        hs: parse("8505111000"),
        control_code: parse("1C905.a"),
        element: parse("Dy"),
        form: None,
        net_mass_g: grams.try_into().expect("few grams"),
    }
}

pub(super) fn granted(line: u16, grams: u64) -> GrantedLine {
    let ApplicationLine {
        line,
        hs,
        control_code,
        element,
        net_mass_g,
        ..
    } = applied(line, grams);
    GrantedLine {
        line,
        hs,
        control_code,
        element,
        granted_g: net_mass_g,
    }
}

pub(super) fn moved(line: u16, grams: u64) -> ClearedLine {
    let ApplicationLine {
        line,
        hs,
        control_code,
        element,
        net_mass_g,
        ..
    } = applied(line, grams);
    ClearedLine {
        line: Some(line),
        hs,
        control_code: Some(control_code),
        element: Some(element),
        cleared_g: net_mass_g,
    }
}

pub(super) fn query(stage: QueryStage, declaration: Option<&str>) -> RaiseQuery {
    RaiseQuery {
        stage,
        query_id: None,
        authority: parse("authority"),
        reason: parse("reason"),
        notice_no: None,
        declaration_no: declaration.map(parse),
        reply_due: None,
    }
}

pub(super) fn answer(query_id: &str, complete: bool) -> AnswerQuery {
    AnswerQuery {
        query_id: parse(query_id),
        answered_by: None,
        evidence: Vec::new(),
        complete,
    }
}

pub(super) fn grant() -> GrantLicense {
    GrantLicense {
        license_no: parse("L1"),
        kind: LicenseKind::General,
        uses_allowed: Some(2),
        valid_from: parse("2025-06-05"),
        valid_until: parse("2025-06-20"),
        destination: parse("US"),
        exit_ports: Vec::new(),
        lines: vec![granted(1, 3), granted(2, 2)],
        lane: Lane::Standard,
        authority: parse("authority"),
        evidence: Vec::new(),
    }
}

pub(super) fn close(outcome: ClosingOutcome) -> CloseApplication {
    CloseApplication {
        outcome,
        reason_code: parse("r"),
        evidence: Vec::new(),
    }
}

pub(super) fn withdraw() -> WithdrawApplication {
    WithdrawApplication {
        reason_code: parse("r"),
        evidence: Vec::new(),
    }
}

pub(super) fn change(change: LicenseChange, effective: &str) -> ChangeLicense {
    ChangeLicense {
        license_no: parse("L1"),
        change,
        effective_at: noon(effective),
        reason_code: parse("r"),
        replaced_by: None,
    }
}

pub(super) fn declare(number: &str, lines: Vec<ClearedLine>) -> DeclareShipment {
    DeclareShipment {
        declaration_no: parse(number),
        port: parse("CNSHG"),
        license_no: Some(parse("L1")),
        control_status: ControlStatus::Controlled,
        destination: parse("US"),
        lines,
        consignee_commitment: None,
        transport_mode: None,
    }
}

pub(super) fn clear(number: &str, lines: Vec<ClearedLine>) -> ClearShipment {
    ClearShipment {
        declaration_no: parse(number),
        port: parse("CNSHG"),
        license_no: Some(parse("L1")),
        control_status: ControlStatus::Controlled,
        destination: parse("US"),
        lines,
        evidence: Vec::new(),
    }
}

pub(super) fn end(number: &str, outcome: ShipmentOutcome, returned_g: Option<u64>) -> CloseShipment {
    CloseShipment {
        declaration_no: parse(number),
        outcome,
        reason_code: parse("r"),
        returned_g: returned_g.map(|grams| grams.try_into().expect("few grams")),
    }
}

/// Annuls the answer to a command.
pub(super) fn annul(command: &str) -> AnnulRecord {
    AnnulRecord {
        target_event_id: event_of(command, 0),
        target_leaf: parse(&"0".repeat(64)),
        reason: parse("reason"),
        requested_by: parse("first"),
        approved_by: parse("second"),
    }
}

/// Corrects a field of the answer to a command.
pub(super) fn correct(command: &str, pointer: &str, new: &str) -> CorrectRecord {
    let patch = FieldPatch {
        pointer: parse(pointer),
        old: parse("1"),
        new: parse(new),
    };
    CorrectRecord {
        target_event_id: event_of(command, 0),
        target_leaf: parse(&"0".repeat(64)),
        field_patches: vec![patch],
        reason: parse("reason"),
        requested_by: parse("first"),
        approved_by: parse("second"),
    }
}
