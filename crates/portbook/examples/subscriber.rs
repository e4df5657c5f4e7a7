//! Follows the verified feed of a portbook: every sealed event once and in order, from where it stopped.
//!
//! Needs the crates portbook-subscribe, `serde_json` and tokio. Prints one JSON document a line; put your own work into
//! `handle`.

use std::error::Error;
use std::fs;
use std::io::{self, Write as _};
use std::time::Duration;

use portbook_subscribe::{
    Bus, BusOptions, FeedFilter, Identity, Login, PortCode, Subscription, TypeName, Verified,
};
use serde_json::{Value, json};
use tokio::signal::unix::{SignalKind, signal};

const SERVER: &str = "nats://127.0.0.1:4222";
const SEED_FILE: &str = "subscriber.nk";
/// For example `&["CNNBG"]`; empty: every port.
const PORTS: &[&str] = &[];
/// For example `&["license.granted"]`; empty: every type.
const TYPES: &[&str] = &[];
const POSITION_FILE: &str = "portbook-subscriber.leaf";

/// Your work. To do it exactly once, store its result and the position in one transaction.
fn handle(verified: &Verified) -> Result<(), Box<dyn Error>> {
    let place = &verified.place;
    // With its types: `event.data` is an `EventData`. What this build does not know yet can be read by a newer one.
    if let Err(error) = verified.event() {
        writeln!(io::stderr(), "leaf {} is set aside: {error}", place.leaf_index)?;
    }
    let event: Value = serde_json::from_slice(&verified.body)?;
    let line = json!({
        "leaf": place.leaf_index, "port": verified.port, "port_seq": place.port_seq,
        "checkpoint": place.checkpoint_size, "findings": place.findings, "event": event,
    });
    Ok(writeln!(io::stdout(), "{line}")?)
}

fn load_position() -> Result<u64, Box<dyn Error>> {
    match fs::read_to_string(POSITION_FILE) {
        Ok(text) => Ok(text.trim().parse()?),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
        Err(error) => Err(error.into()),
    }
}

fn save_position(next_leaf: u64) -> io::Result<()> {
    let unfinished = format!("{POSITION_FILE}.new");
    fs::write(&unfinished, next_leaf.to_string())?;
    fs::rename(&unfinished, POSITION_FILE)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut terminated = signal(SignalKind::terminate())?;
    let login = Login::Nkey {
        seed_file: SEED_FILE.into(),
    };
    let bus = Bus::connect(BusOptions::new(SERVER, Identity::Subscriber, login)).await?;
    let filter = FeedFilter {
        ports: PORTS
            .iter()
            .map(|port| PortCode::new(port))
            .collect::<Result<_, _>>()?,
        types: TYPES
            .iter()
            .map(|name| TypeName::new(name))
            .collect::<Result<_, _>>()?,
    };
    let mut subscription = Subscription::open(&bus, filter, load_position()?).await?;
    loop {
        let next = tokio::select! {
            next = subscription.next(Duration::from_secs(5)) => next?,
            _ = terminated.recv() => return Ok(()),
        };
        if let Some(verified) = next {
            handle(&verified)?;
            save_position(subscription.next_leaf())?;
        }
    }
}
