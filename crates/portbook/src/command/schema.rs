//! `portbook schema`: what events look like, for programs, and that the ledger says so.

use std::collections::BTreeMap;

use bytes::Bytes;
use jiff::Timestamp;
use portbook_bus::{Bus, Identity, Log, Outgoing, PublishLimits, Publisher};
use portbook_domain::{Digest, Text};
use portbook_wire::control::{Control, ControlKind, ReferencePublished, encode_control, parse_control};
use portbook_wire::schema::{ENVELOPE, Schema};
use portbook_wire::{asyncapi, event_digest, msg_id};
use serde::Serialize;

use crate::args::SchemaCommand;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::home::KeyOf;
use crate::node::{Server, secret};
use crate::session::Session;

#[derive(Serialize)]
struct Listed {
    name: String,
    r#type: Option<&'static str>,
    dataschema: Option<&'static str>,
    sha256: String,
}

#[derive(Serialize)]
struct Document {
    schema: &'static str,
    schemas: Vec<Listed>,
}

/// Carries out one verb.
pub(crate) fn run(session: &Session, command: &SchemaCommand) -> Outcome {
    match command {
        SchemaCommand::Ls => list(session),
        SchemaCommand::Get { name } => get(session, name),
        SchemaCommand::Asyncapi => {
            let document = asyncapi::document().map_err(|error| Failure::of(Exit::InputOutput, &error))?;
            session.speech.answer(document.trim_end())?;
            Ok(Exit::Done)
        }
        SchemaCommand::Register => register(session),
    }
}

/// The digests of all schemas, under the names by which the ledger refers to them.
pub(crate) fn digests() -> Result<BTreeMap<Text, Digest>, Failure> {
    let named = |(name, text): (String, &str)| {
        let name =
            Text::new(&format!("schema/{name}")).map_err(|error| Failure::of(Exit::Configuration, &error))?;
        Ok((name, event_digest(text.as_bytes())))
    };
    texts().map(named).collect()
}

/// Every schema with its name: `<entity>.<verb>.v<n>`, or `envelope.v1`.
fn texts() -> impl Iterator<Item = (String, &'static str)> {
    let of_types = Schema::ALL.iter().map(|schema| (name_of(schema), schema.text));
    of_types.chain([("envelope.v1".to_owned(), ENVELOPE)])
}

fn name_of(schema: &Schema) -> String {
    format!("{}.v{}", schema.kind.name(), schema.version)
}

fn list(session: &Session) -> Outcome {
    let listed = texts().map(|(name, text)| {
        let schema = Schema::ALL.iter().find(|schema| name_of(schema) == name);
        Listed {
            r#type: schema.map(|schema| schema.type_),
            dataschema: schema.map(|schema| schema.urn),
            sha256: event_digest(text.as_bytes()).to_string(),
            name,
        }
    });
    let document = Document {
        schema: "portbook.schema/v1",
        schemas: listed.collect(),
    };
    if session.speech.is_machine() {
        session.speech.json(&document)?;
        return Ok(Exit::Done);
    }
    for Listed { name, sha256, .. } in &document.schemas {
        session
            .speech
            .answer(format_args!("{name:<26} sha256:{sha256}"))?;
    }
    Ok(Exit::Done)
}

fn get(session: &Session, name: &str) -> Outcome {
    // Without a version the newest one is meant, which stands last.
    let found = texts().filter(|(full, _)| {
        full == name
            || full
                .rsplit_once(".v")
                .is_some_and(|(unversioned, _)| unversioned == name)
    });
    let Some((_, text)) = found.last() else {
        return Err(Failure::new(Exit::Usage, format!("there is no schema {name:?}"))
            .hint("portbook schema ls lists them"));
    };
    session.speech.answer(text.trim_end())?;
    Ok(Exit::Done)
}

fn register(session: &Session) -> Outcome {
    session.block_on(async {
        let server = Server::running(session)?;
        let bus = server.address().connect(session, Identity::Operator).await?;
        let published = publish_missing(session, &bus).await;
        bus.close().await;
        let published = published?;
        session.speech.tell(format_args!(
            "{} of {} schemas written into the ledger; it named the others already",
            published.len(),
            digests()?.len()
        ));
        for name in published {
            session.speech.answer(name)?;
        }
        Ok(Exit::Done)
    })
}

/// Publishes `reference.published` for every schema whose digest is not the one the ledger names last.
async fn publish_missing(session: &Session, bus: &Bus) -> Result<Vec<Text>, Failure> {
    let named = named_in_ledger(bus).await?;
    let publisher = Publisher::start(bus, PublishLimits::default());
    let log_key = secret(session, KeyOf::Log)?;
    let mut registered = Vec::new();
    for (name, sha256) in digests()? {
        if named.get(&name) == Some(&sha256) {
            continue;
        }
        let control = Control::from(ReferencePublished {
            name: name.clone(),
            sha256,
            port_aliases: None,
            published_at: Timestamp::now(),
        });
        let body = encode_control(&control).map_err(|error| Failure::of(Exit::Configuration, &error))?;
        let subject = control.kind().subject();
        let signature = log_key.sign_event(subject, &body).to_string();
        let outgoing = Outgoing {
            subject: subject.to_owned(),
            msg_id: msg_id(Some(&signature), &body),
            signature: Some(signature),
            body: Bytes::from(body),
            expected_last_subject_seq: None,
        };
        publisher.publish(outgoing).await?;
        registered.push(name);
    }
    Ok(registered)
}

/// What the control messages of the ledger stream say, the last word counting.
async fn named_in_ledger(bus: &Bus) -> Result<BTreeMap<Text, Digest>, Failure> {
    let log = Log::ledger(bus);
    let mut named = BTreeMap::new();
    for kind in [ControlKind::LedgerOpened, ControlKind::ReferencePublished] {
        for message in log.load_subject(kind.subject()).await? {
            // What cannot be read is in quarantine.
            match parse_control(&message.subject, &message.body) {
                Ok(Control::LedgerOpened(opened)) => named.extend(opened.references),
                Ok(Control::ReferencePublished(published)) => {
                    named.insert(published.name, published.sha256);
                }
                Ok(_) | Err(_) => {}
            }
        }
    }
    Ok(named)
}
