//! `portbook doctor`: is everything there, and does it fit together?

use portbook_bus::{Identity, Log, StreamSpec};
use portbook_ledger::Size;
use portbook_projector::check_anchor;
use portbook_store::{StoreError, StoreReader};
use serde::Serialize;

use crate::command::feed;
use crate::command::stream::{Registered, look_at_register};
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::home::KeyOf;
use crate::node::{Server, binary};
use crate::session::Session;

#[derive(Debug, Serialize)]
struct Finding {
    check: &'static str,
    good: bool,
    says: String,
}

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    checks: &'a [Finding],
}

/// Looks at everything and says what it found; fails when something is not as it should be.
pub(crate) fn run(session: &Session) -> Outcome {
    let mut findings = vec![finding(
        "reference",
        crate::reference::load().map(|tables| {
            format!(
                "{} tables and {} policies",
                tables.references.len(),
                tables.policies.len()
            )
        }),
    )];
    findings.push(finding(
        "nats-server",
        binary(session).map(|path| path.display().to_string()),
    ));
    for of in [KeyOf::Log].into_iter().chain(KeyOf::producers()) {
        findings.push(finding(
            "keys",
            session.home.key(of).map(|key| key.verifier().id().to_string()),
        ));
    }
    let reader = StoreReader::open(&session.home.ledger().store());
    findings.push(store_finding(session, &reader));
    findings.extend(session.block_on(async { Ok(look_at_streams(session, reader.ok().as_ref()).await) })?);
    let sick = findings.iter().any(|finding| !finding.good);
    if session.speech.is_machine() {
        session.speech.json(&Document {
            schema: "portbook.doctor/v1",
            checks: &findings,
        })?;
    } else {
        for Finding { check, good, says } in &findings {
            session.speech.answer(format_args!(
                "  {} {check:<12} {says}",
                session.speech.mark(*good)
            ))?;
        }
    }
    Ok(if sick { Exit::Unavailable } else { Exit::Done })
}

fn finding(check: &'static str, looked: Result<String, Failure>) -> Finding {
    match looked {
        Ok(says) => Finding {
            check,
            good: true,
            says,
        },
        Err(failure) => Finding {
            check,
            good: false,
            says: failure.to_string().replace("\n\n", "; ").replace('\n', " "),
        },
    }
}

fn store_finding(session: &Session, reader: &Result<StoreReader, StoreError>) -> Finding {
    let says = match reader {
        Ok(reader) => reader.book().map_err(Failure::from).and_then(|book| {
            let signed = session.home.ledger().signed_log()?;
            let signed = signed
                .and_then(|log| log.last().map(|last| last.size))
                .unwrap_or(Size::ZERO);
            Ok(format!(
                "{} leaves in {} chains, signed through {signed}",
                book.size(),
                book.heads.len()
            ))
        }),
        // A running projector has it, which is as it should be.
        Err(StoreError::InUse { .. }) => Ok("in use by a running projector".to_owned()),
        Err(error) => Err(Failure::new(Exit::Unavailable, error)),
    };
    finding("ledger", says)
}

async fn look_at_streams(session: &Session, reader: Option<&StoreReader>) -> Vec<Finding> {
    let server = match Server::reachable(session).await {
        Ok(server) => server,
        Err(failure) => return vec![finding("server", Err(failure))],
    };
    let mut findings = Vec::new();
    match server.address().connect(session, Identity::Auditor).await {
        Err(failure) => findings.push(finding("server", Err(failure))),
        Ok(bus) => {
            findings.push(finding(
                "server",
                Ok(format!(
                    "nats-server {} at {}",
                    bus.server_version(),
                    server.address().url()
                )),
            ));
            let replicas = session.config.nats.replicas;
            for spec in [StreamSpec::ledger(replicas), StreamSpec::checkpoints(replicas)] {
                findings.push(finding("stream", look_at_stream(&bus, &spec, reader).await));
            }
            if let Some(reader) = reader {
                findings.push(finding("register", say_registered(session, &bus, reader).await));
            }
            findings.push(finding("feed", feed::summary(session, &bus).await));
            bus.close().await;
        }
    }
    if let Err(failure) = server.stop().await {
        findings.push(finding("server", Err(failure)));
    }
    findings
}

async fn say_registered(
    session: &Session,
    bus: &portbook_bus::Bus,
    reader: &StoreReader,
) -> Result<String, Failure> {
    match look_at_register(session, bus, &reader.book()?).await? {
        Registered::Nothing => Ok("no checkpoint was registered yet".to_owned()),
        Registered::Known(size) => Ok(format!("the checkpoint of {size} leaves, signed here")),
        Registered::Ahead(size) => Ok(format!(
            "a checkpoint of {size} leaves, to which this ledger has not come"
        )),
        Registered::Foreign(says) => {
            Err(Failure::new(Exit::Fork, says).hint("another projector is at work: this one is fenced off"))
        }
    }
}

async fn look_at_stream(
    bus: &portbook_bus::Bus,
    spec: &StreamSpec,
    reader: Option<&StoreReader>,
) -> Result<String, Failure> {
    // In this order: a ledger that is being written is never ahead of its stream.
    let book = reader.map(StoreReader::book).transpose()?;
    let identity = bus.check_stream(spec).await?;
    if let Some(book) = book.filter(|_| identity.name == portbook_wire::subject::STREAM_LEDGER) {
        check_anchor(&Log::ledger(bus), &identity, &book)
            .await
            .map_err(|error| Failure::of(Exit::LedgerFault, &error))?;
    }
    Ok(format!(
        "{} holds {} messages, configuration as pinned",
        identity.name, identity.messages
    ))
}
