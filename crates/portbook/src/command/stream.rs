//! `portbook stream check`: is the stream still the one the ledger was made from, whole and unchanged?

mod finding;
mod link;
mod register;
mod walk;

use std::time::Instant;

use portbook_bus::{Bus, Identity, Log, StreamError, StreamIdentity, StreamSpec};
use portbook_fold::Book;
use portbook_projector::check_anchor;
use portbook_service::Authorities;
use portbook_source::{KeyRing, KeyRingError};
use portbook_store::{StoreError, StoreReader};
use portbook_wire::subject::{STREAM_CHECKPOINTS, STREAM_LEDGER};
use serde::Serialize;

use self::finding::{Check, Findings};
pub(crate) use self::register::{Registered, look_at_register};
use self::walk::{Walk, Walked};
use crate::args::StreamCommand;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::home::KeyOf;
use crate::node::Server;
use crate::session::Session;
use crate::speech::grouped;

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    verdict: &'static str,
    stream: &'static str,
    messages: u64,
    cases: u64,
    compared: Option<u64>,
    findings: &'a Findings,
}

/// Checks the stream and says what it found; fails when anything is not as it should be.
pub(crate) fn run(session: &Session, args: &StreamCommand) -> Outcome {
    let StreamCommand::Check = args;
    let reader = match StoreReader::open(&session.home.ledger().store()) {
        Ok(reader) => Some(reader),
        // A stream can be looked at where its ledger is not; that is less than a check, and is said.
        Err(StoreError::Missing { .. }) => None,
        Err(error) => return Err(error.into()),
    };
    session.block_on(async {
        let server = Server::reachable(session).await?;
        let checked = check(session, &server, reader.as_ref()).await;
        let stopped = server.stop().await;
        checked.and_then(|exit| stopped.map(|()| exit))
    })
}

async fn check(session: &Session, server: &Server, reader: Option<&StoreReader>) -> Outcome {
    let started = Instant::now();
    let bus = server.address().connect(session, Identity::Auditor).await?;
    // In this order: a ledger that is being written is never ahead of its stream.
    let book = reader.map(StoreReader::book).transpose()?;
    let mut findings = Findings::default();
    let identity = look_at(session, &bus, book.as_ref(), &mut findings).await?;
    // A register that is missing was said to be.
    if let Some(book) = &book
        && bus.stream_identity(STREAM_CHECKPOINTS).await.is_ok()
        && let Registered::Foreign(says) = look_at_register(session, &bus, book).await?
    {
        findings.add(Check::Register, None, says);
    }
    let walked = match &identity {
        Some(identity) => {
            let walk = Walk {
                session,
                log: Log::ledger(&bus),
                identity,
                ledger: reader.zip(book.as_ref().map(Book::size)),
                authorities: authorities(session, &bus, book.as_ref()).await?,
            };
            walk.run(&mut findings).await?
        }
        None => Walked::default(),
    };
    bus.close().await;
    let (exit, verdict) = match (findings.is_empty(), &book) {
        (false, _) => (Exit::LedgerFault, "failed"),
        (true, None) => (Exit::Incomplete, "incomplete"),
        (true, Some(_)) => (Exit::Done, "holds"),
    };
    if session.speech.is_machine() {
        session.speech.json(&Document {
            schema: "portbook.stream-check/v1",
            verdict,
            stream: STREAM_LEDGER,
            messages: walked.messages,
            cases: walked.cases,
            compared: book.is_some().then_some(walked.compared),
            findings: &findings,
        })?;
    } else {
        print(
            session,
            identity.as_ref(),
            &walked,
            &findings,
            book.is_some(),
            started,
        )?;
    }
    Ok(exit)
}

/// Settings, identity and extent, by the server's own word.
async fn look_at(
    session: &Session,
    bus: &Bus,
    book: Option<&Book>,
    findings: &mut Findings,
) -> Result<Option<StreamIdentity>, Failure> {
    let replicas = session.config.nats.replicas;
    for spec in [StreamSpec::ledger(replicas), StreamSpec::checkpoints(replicas)] {
        match bus.check_stream(&spec).await {
            Ok(_) => {}
            Err(StreamError::Drifted { stream, drifts }) => {
                for drift in drifts {
                    findings.add(Check::Settings, None, format!("{stream}: {drift}"));
                }
            }
            Err(error @ StreamError::Missing { .. }) => findings.add(Check::Identity, None, error),
            Err(error) => return Err(error.into()),
        }
    }
    let unread = Book::default();
    let book = book.unwrap_or(&unread);
    let identity = match bus.stream_identity_from(STREAM_LEDGER, book.size()).await {
        Ok(identity) => identity,
        Err(StreamError::Missing { .. }) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    if let Err(error) = check_anchor(&Log::ledger(bus), &identity, book).await {
        findings.add(Check::Identity, None, error);
    }
    Ok(Some(identity))
}

fn print(
    session: &Session,
    identity: Option<&StreamIdentity>,
    walked: &Walked,
    findings: &Findings,
    with_ledger: bool,
    started: Instant,
) -> Result<(), Failure> {
    let speech = &session.speech;
    if let Some(identity) = identity {
        speech.answer(format_args!(
            "{}  messages 1 to {}, created {}",
            identity.name,
            grouped(identity.last_seq),
            identity.created
        ))?;
    }
    let compared = if with_ledger {
        format!("{} equal their records byte for byte", grouped(walked.compared))
    } else {
        "not compared: there is no ledger here".to_owned()
    };
    for check in Check::ALL {
        let good = findings.of(check).next().is_none();
        let says = match check {
            Check::Settings => "every setting as it was created".to_owned(),
            Check::Identity => "the stream the ledger was made from, up to its head".to_owned(),
            Check::Register => "the registered checkpoint was signed here".to_owned(),
            Check::Gap => format!("{} read again, none missing", grouped(walked.messages)),
            Check::Record => compared.clone(),
            Check::Case => format!(
                "{} with decisions, versions and links contiguous",
                grouped(walked.cases)
            ),
        };
        if good {
            speech.answer(format_args!(
                "  {} {:<10} {says}",
                speech.mark(true),
                check.name()
            ))?;
        }
        for finding in findings.of(check) {
            speech.answer(format_args!(
                "  {} {:<10} {finding}",
                speech.mark(false),
                check.name()
            ))?;
        }
    }
    if findings.left_out() > 0 {
        speech.answer(format_args!("  and {} more", grouped(findings.left_out())))?;
    }
    let verdict = if findings.is_empty() { "WHOLE" } else { "FAILED" };
    speech.answer(format_args!(
        "{verdict} {STREAM_LEDGER} @{}  {}.{:01} s",
        grouped(walked.messages),
        started.elapsed().as_secs(),
        started.elapsed().subsec_millis() / 100
    ))
}

/// The keys of the services: as the ledger recorded them, since what is looked at is what may be damaged; without a ledger by
/// the stream's own control messages. A stream that opens another ledger, or none, has no authorities; what is wrong with
/// it is found elsewhere.
async fn authorities(session: &Session, bus: &Bus, book: Option<&Book>) -> Result<Authorities, Failure> {
    if let Some(book) = book {
        return Ok(Authorities::recorded(KeyRing::of(book.clone())));
    }
    let log_key = *session.home.public_key(KeyOf::Log)?.public();
    match Authorities::registered(&Log::ledger(bus), log_key).await {
        Err(KeyRingError::NotOpened | KeyRingError::Foreign { .. }) => Ok(Authorities::given([])),
        read => Ok(read?),
    }
}
