//! `portbook init`: a new ledger, explicitly.

use jiff::Timestamp;
use portbook_bus::{Identity, PublishLimits, Publisher, create_seeds};
use portbook_domain::ServiceName;
use portbook_ledger::Origin;
use portbook_projector::{Opening, Producer, open_ledger};
use portbook_service::Remit;
use portbook_store::{Store, StoreError};
use portbook_wire::control::ModeName;
use portbook_wire::{Source, TypeName};
use serde::Serialize;

use crate::args::InitArgs;
use crate::command::key::KEY_VALIDITY;
use crate::command::schema;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::home::KeyOf;
use crate::node::{Address, Server, secret};
use crate::reference::{self, Tables};
use crate::session::Session;

#[derive(Serialize)]
struct Document {
    schema: &'static str,
    origin: String,
    home: String,
    log_key: String,
}

/// Creates keys, streams and store, and says what was created.
pub(crate) fn run(session: &Session, args: &InitArgs) -> Outcome {
    if args.replay {
        Store::create(&session.home.ledger().store())?;
        session
            .speech
            .tell("created an empty store; portbook up replays the stream into it");
        return Ok(Exit::Done);
    }
    if args.standby {
        return create_standby(session);
    }
    let name = args.origin.as_deref().unwrap_or(&session.config.ledger.origin);
    let origin = Origin::new(name).map_err(|error| Failure::of(Exit::Usage, &error))?;
    session.block_on(create(session, &origin))?;
    let log_key = session.home.public_key(KeyOf::Log)?.to_string();
    if session.speech.is_machine() {
        let home = session.home.root().display().to_string();
        session.speech.json(&Document {
            schema: "portbook.init/v1",
            origin: origin.to_string(),
            home,
            log_key,
        })?;
    } else {
        session.speech.answer(format_args!(
            "created the ledger {origin} in {}",
            session.home.root().display()
        ))?;
        session.speech.answer(format_args!("log key  {log_key}"))?;
        session
            .speech
            .tell("\nGive the log key to everyone who is to verify this ledger. Next: portbook up");
    }
    Ok(Exit::Done)
}

/// Creates the empty ledger of a standby; its keys were brought from the ledger it is to follow.
fn create_standby(session: &Session) -> Outcome {
    let log_key = session.home.public_key(KeyOf::Log)?;
    let seed = Identity::Standby.seed_file(&session.home.nats_seeds());
    if !seed.exists() {
        return Err(
            Failure::new(Exit::Configuration, format!("there is no {}", seed.display()))
                .hint("bring keys/log.pub and keys/nats/ from the ledger that the standby is to follow"),
        );
    }
    session.home.ledger().create()?;
    Store::create(&session.home.ledger().store())?;
    session.speech.tell(format_args!(
        "created an empty ledger that follows {}; next: portbook run standby --server URL",
        log_key.id().name
    ));
    Ok(Exit::Done)
}

fn refuse_another(session: &Session) -> Result<(), Failure> {
    if session.home.ledger().store().join("db").exists() {
        return Err(StoreError::Exists {
            path: session.home.root().to_owned(),
        }
        .into());
    }
    Ok(())
}

/// Creates everything; a home that holds a ledger is left as it is.
pub(crate) async fn create(session: &Session, origin: &Origin) -> Result<(), Failure> {
    let tables = reference::load()?;
    refuse_another(session)?;
    session.home.create_keys()?;
    let _alone = session.home.lock_keys()?;
    // Whoever had them before may have come to the end.
    refuse_another(session)?;
    for of in [KeyOf::Log].into_iter().chain(KeyOf::producers()) {
        // What was interrupted before keeps the keys it has.
        let key = match session.home.key(of) {
            Ok(key) => key,
            Err(_) => session.home.create_key(of, origin)?,
        };
        session.home.write_public(of, key.verifier())?;
    }
    create_seeds(&session.home.nats_seeds())?;
    let server = Server::start(session).await?;
    let created = open(session, server.address(), origin, &tables).await;
    let stopped = server.stop().await;
    created.and(stopped)
}

async fn open(session: &Session, address: &Address, origin: &Origin, tables: &Tables) -> Result<(), Failure> {
    let bus = address.connect(session, Identity::Operator).await?;
    let opened_at = Timestamp::now();
    let valid_until = opened_at
        .checked_add(KEY_VALIDITY)
        .map_err(|error| Failure::of(Exit::Configuration, &error))?;
    let producers: Result<Vec<_>, Failure> = KeyOf::producers()
        .map(|of| producer(session, of, valid_until))
        .collect();
    let opening = Opening {
        origin: origin.clone(),
        log_key: secret(session, KeyOf::Log)?,
        producers: producers?,
        port_aliases: tables.reference.aliases.to_map().clone(),
        references: schema::digests()?
            .into_iter()
            .chain(tables.references.clone())
            .collect(),
        policies: tables.policies.clone(),
        replicas: session.config.nats.replicas,
        feed_bytes_max: session.config.feed.bytes_max,
        opened_at,
    };
    let publisher = Publisher::start(&bus, PublishLimits::default());
    open_ledger(&bus, &publisher, &session.home.ledger(), &opening).await?;
    bus.close().await;
    Ok(())
}

fn producer(session: &Session, of: KeyOf, valid_until: Timestamp) -> Result<Producer, Failure> {
    let public_key = *session.home.public_key(of)?.public();
    let named = |error| Failure::of(Exit::Configuration, &error);
    Ok(match of {
        KeyOf::Service(name) => Producer {
            source: Source::service(name.name()).map_err(named)?,
            mode: ModeName::Authoritative,
            event_types: types_of(name)?,
            public_key,
            valid_until,
        },
        KeyOf::Importer | KeyOf::Log => Producer {
            source: Source::outside(&session.config.import.source).map_err(named)?,
            mode: ModeName::Observed,
            event_types: Vec::new(),
            public_key,
            valid_until,
        },
    })
}

fn types_of(name: ServiceName) -> Result<Vec<TypeName>, Failure> {
    let kinds = Remit::of(name).kinds.iter();
    kinds
        .map(|kind| TypeName::new(kind.name()).map_err(|error| Failure::of(Exit::Configuration, &error)))
        .collect()
}
