//! A few live cases, taken through the four services from application to clearance.

use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::date;
use portbook_bus::Identity;
use portbook_domain::{
    AnswerQuery, ApplicationLine, CaseId, ClearShipment, ClearedLine, Command, CommandId, ControlCode,
    ControlStatus, CountryCode, DeclareShipment, Element, Grams, GrantLicense, GrantedLine, HsCode,
    InvalidText, Lane, LicenseKind, LicenseNo, Order, PortCode, QueryId, QueryStage, RaiseQuery,
    SubmitApplication, Text,
};
use portbook_service::Client;
use portbook_wire::command::Outcome;

use super::{SHOWN, declaration_no};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::node::Address;
use crate::session::Session;

/// Live cases.
const CASES: u32 = 3;
/// Mass applied for and granted, in grams.
const GRANTED_G: u64 = 1_200_000;

/// Takes the cases through the services; one order asks for too much and is refused. Gives the last sequence.
pub(crate) async fn drive_cases(session: &Session, address: &Address) -> Result<u64, Failure> {
    let bus = address.connect(session, Identity::Client).await?;
    let client = Client::new(
        &bus,
        Duration::from_millis(session.config.nats.request_timeout_ms),
    );
    let mut last = 0;
    let mut refused = String::new();
    for number in 1..=CASES {
        for order in orders(number).map_err(|error| Failure::of(Exit::Configuration, &error))? {
            let verb = order.command.name();
            let reply = client
                .request(&order)
                .await
                .map_err(|error| Failure::of(Exit::Unavailable, &error))?;
            last = reply.events.iter().map(|event| event.seq).fold(last, u64::max);
            match reply.outcome {
                Outcome::Accepted => {}
                Outcome::Rejected => {
                    let rule = reply.rejection.map(|refusal| refusal.message).unwrap_or_default();
                    refused = format!("{verb} refused: {rule}");
                }
                Outcome::Already | Outcome::Invalid | Outcome::Conflict | Outcome::Unavailable => {
                    return Err(Failure::new(
                        Exit::Unavailable,
                        format!("{verb} was answered {:?}", reply.outcome),
                    ));
                }
            }
        }
    }
    bus.close().await;
    session.speech.answer(format_args!(
        "  live     {CASES} cases through intake, paperwork, licensing and clearance"
    ))?;
    session.speech.answer(format_args!("           {refused}"))?;
    Ok(last)
}

fn orders(number: u32) -> Result<Vec<Order>, InvalidText> {
    let case = CaseId::new(&format!("2025DEMO{number:04}"))?;
    let license_no = LicenseNo::new(&format!("25DEMO{number:04}"))?;
    let query_id = QueryId::new("licensing-1")?;
    let commands = vec![
        ("2025-12-08T01:30:00Z", submit()?),
        ("2025-12-09T02:00:00Z", query(&query_id)?),
        ("2025-12-10T03:00:00Z", answer(&query_id)?),
        ("2025-12-15T04:00:00Z", grant(&license_no)?),
        (
            "2025-12-17T05:00:00Z",
            declare(number, &license_no, GRANTED_G / 2)?,
        ),
        ("2025-12-18T06:00:00Z", clear(number, &license_no, GRANTED_G / 2)?),
        // More than the licence has left: the service refuses, nothing is recorded.
        (
            "2025-12-19T07:00:00Z",
            declare(number + 100, &license_no, GRANTED_G)?,
        ),
    ];
    (1..)
        .zip(commands)
        .map(|(step, (at, command))| {
            let occurred_at: Option<Timestamp> = at.parse().ok();
            Ok(Order {
                command_id: CommandId::new(&format!("demo-{number}-{step}"))?,
                case: case.clone(),
                occurred_at,
                command,
            })
        })
        .collect()
}

fn submit() -> Result<Command, InvalidText> {
    let line = ApplicationLine {
        line: 1,
        hs: HsCode::new("8505111000")?,
        control_code: ControlCode::new("1C905.a")?,
        element: Element::new("Dy")?,
        form: Some(Text::new("magnet")?),
        net_mass_g: Grams::new(GRANTED_G)?,
    };
    Ok(Command::SubmitApplication(SubmitApplication {
        external_ref: None,
        applicant: Text::new("simulated applicant")?,
        end_user_commitment: None,
        end_use: Some(Text::new("traction motors")?),
        destination: CountryCode::new("DE")?,
        exit_port: PortCode::new(SHOWN)?,
        lines: vec![line],
        kind: LicenseKind::General,
        lane: Lane::Standard,
        evidence: Vec::new(),
    }))
}

fn query(query_id: &QueryId) -> Result<Command, InvalidText> {
    Ok(Command::RaiseQuery(RaiseQuery {
        stage: QueryStage::Licensing,
        query_id: Some(query_id.clone()),
        authority: Text::new("MOFCOM")?,
        reason: Text::new("end-user certificate unclear")?,
        notice_no: None,
        declaration_no: None,
        reply_due: None,
    }))
}

fn answer(query_id: &QueryId) -> Result<Command, InvalidText> {
    Ok(Command::AnswerQuery(AnswerQuery {
        query_id: query_id.clone(),
        answered_by: Some(Text::new("simulated applicant")?),
        evidence: Vec::new(),
        complete: true,
    }))
}

fn grant(license_no: &LicenseNo) -> Result<Command, InvalidText> {
    let line = GrantedLine {
        line: 1,
        hs: HsCode::new("8505111000")?,
        control_code: ControlCode::new("1C905.a")?,
        element: Element::new("Dy")?,
        granted_g: Grams::new(GRANTED_G)?,
    };
    Ok(Command::GrantLicense(GrantLicense {
        license_no: license_no.clone(),
        kind: LicenseKind::General,
        uses_allowed: None,
        valid_from: date(2025, 12, 15),
        valid_until: date(2026, 12, 14),
        destination: CountryCode::new("DE")?,
        exit_ports: vec![PortCode::new(SHOWN)?],
        lines: vec![line],
        lane: Lane::Standard,
        authority: Text::new("MOFCOM")?,
        evidence: Vec::new(),
    }))
}

fn goods(grams: u64) -> Result<Vec<ClearedLine>, InvalidText> {
    Ok(vec![ClearedLine {
        line: Some(1),
        hs: HsCode::new("8505111000")?,
        control_code: Some(ControlCode::new("1C905.a")?),
        element: Some(Element::new("Dy")?),
        cleared_g: Grams::new(grams)?,
    }])
}

fn declare(serial: u32, license_no: &LicenseNo, grams: u64) -> Result<Command, InvalidText> {
    Ok(Command::DeclareShipment(DeclareShipment {
        declaration_no: declaration_no(serial)?,
        port: PortCode::new(SHOWN)?,
        license_no: Some(license_no.clone()),
        control_status: ControlStatus::Controlled,
        destination: CountryCode::new("DE")?,
        lines: goods(grams)?,
        consignee_commitment: None,
        transport_mode: Some(Text::new("sea")?),
    }))
}

fn clear(serial: u32, license_no: &LicenseNo, grams: u64) -> Result<Command, InvalidText> {
    Ok(Command::ClearShipment(ClearShipment {
        declaration_no: declaration_no(serial)?,
        port: PortCode::new(SHOWN)?,
        license_no: Some(license_no.clone()),
        control_status: ControlStatus::Controlled,
        destination: CountryCode::new("DE")?,
        lines: goods(grams)?,
        evidence: Vec::new(),
    }))
}
