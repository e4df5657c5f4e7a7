//! `portbook watch`: follow the verified feed.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use portbook_bus::Identity;
use portbook_domain::{InvalidText, PortCode};
use portbook_subscribe::{FeedFilter, Subscription, TypeName, Verified};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::args::WatchArgs;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::node::{Server, interrupted};
use crate::reference;
use crate::session::Session;
use crate::speech::{grouped, harmless};

/// How long one wait for an event lasts; the next one follows.
const WAIT: Duration = Duration::from_secs(2);

/// One event, for programs: docs/subscribing.md lists the fields.
#[derive(Serialize)]
pub(crate) struct Document<'a> {
    schema: &'static str,
    leaf: u64,
    leaf_hash: &'a str,
    port: &'a str,
    port_seq: u64,
    checkpoint_size: u64,
    recorded_at: Option<Timestamp>,
    findings: &'a [String],
    signature: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unreadable: Option<String>,
    event: &'a RawValue,
}

impl<'a> Document<'a> {
    /// The event as programs get it, here and over HTTP.
    pub(crate) fn of(verified: &'a Verified) -> Result<Self, Failure> {
        // The ledger's head rule lets through nothing that is not JSON.
        let event = serde_json::from_slice(&verified.body);
        let place = &verified.place;
        Ok(Self {
            schema: "portbook.watch/v1",
            leaf: place.leaf_index,
            leaf_hash: place.leaf_hash.as_str(),
            port: &verified.port,
            port_seq: place.port_seq,
            checkpoint_size: place.checkpoint_size,
            recorded_at: Timestamp::from_nanosecond(i128::from(place.recorded_at_ns)).ok(),
            findings: &place.findings,
            signature: verified.signature.as_deref(),
            unreadable: verified.event().err().map(|error| error.to_string()),
            event: event.map_err(|error| Failure::of(Exit::LedgerFault, &error))?,
        })
    }

    /// One line of JSON.
    pub(crate) fn line(&self) -> Result<String, Failure> {
        serde_json::to_string(self).map_err(|error| Failure::of(Exit::InputOutput, &error))
    }
}

/// Shows events until it is interrupted or has shown enough.
pub(crate) fn run(session: &Session, args: &WatchArgs) -> Outcome {
    let filter = filter_of_words(&args.ports, &args.types)?;
    session.block_on(async {
        let server = Server::running(session)?;
        let bus = server.address().connect(session, Identity::Subscriber).await?;
        let mut subscription = match args.from {
            Some(leaf) => Subscription::open(&bus, filter, leaf).await?,
            None => Subscription::at_end(&bus, filter).await?,
        };
        let followed = tokio::select! {
            followed = follow(session, &mut subscription, args.count) => followed,
            () = interrupted() => Ok(()),
        };
        session
            .speech
            .tell(format_args!("go on with --from {}", subscription.next_leaf()));
        bus.close().await;
        followed.map(|()| Exit::Done)
    })
}

/// The filter that these words mean; aliases stand for their ports.
pub(crate) fn filter(
    aliases: &BTreeMap<PortCode, PortCode>,
    ports: &[String],
    types: &[String],
) -> Result<FeedFilter, InvalidText> {
    let port = |text: &String| {
        let written = PortCode::new(text)?;
        Ok(aliases.get(&written).cloned().unwrap_or(written))
    };
    Ok(FeedFilter {
        ports: ports.iter().map(port).collect::<Result<_, InvalidText>>()?,
        types: types
            .iter()
            .map(|text| TypeName::new(text))
            .collect::<Result<_, _>>()?,
    })
}

/// As [`filter`], with the aliases of this build.
pub(crate) fn filter_of_words(ports: &[String], types: &[String]) -> Result<FeedFilter, Failure> {
    let reference = reference::load()?.reference;
    filter(reference.aliases.to_map(), ports, types).map_err(|error| Failure::of(Exit::Usage, &error))
}

async fn follow(
    session: &Session,
    subscription: &mut Subscription,
    count: Option<u64>,
) -> Result<(), Failure> {
    let mut left = count.unwrap_or(u64::MAX);
    while left > 0 {
        let Some(verified) = subscription.next(WAIT).await? else {
            continue;
        };
        if session.speech.is_machine() {
            session.speech.answer(Document::of(&verified)?.line()?)?;
        } else {
            session.speech.answer(row(session, &verified))?;
        }
        left -= 1;
    }
    Ok(())
}

fn row(session: &Session, verified: &Verified) -> String {
    let place = &verified.place;
    let occurred = match verified.event() {
        Ok((envelope, _)) => session.speech.time(envelope.occurred_at),
        Err(_) => format!("{:20}", "unreadable"),
    };
    format!(
        "{:>12}  {}  {} {:>7}  {:<22}  {}  {}",
        grouped(place.leaf_index),
        occurred,
        verified.port,
        grouped(place.port_seq),
        verified.type_name,
        harmless(&verified.case),
        place.findings.join(",")
    )
    .trim_end()
    .to_owned()
}
