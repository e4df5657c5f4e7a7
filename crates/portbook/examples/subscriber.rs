//! Follows the verified feed of a portbook: every sealed event once and in order, from where it stopped.
//!
//! Needs the crates portbook-subscribe and tokio. Prints a line for each event; put your own work into `handle`.

use std::error::Error;
use std::fs;
use std::io::{self, Write as _};
use std::time::Duration;

use portbook_subscribe::{
    Bus, BusOptions, EventData, FeedFilter, Identity, Login, PortCode, Subscription, TypeName, Verified,
};

const SERVER: &str = "nats://127.0.0.1:4222";
const SEED_FILE: &str = "subscriber.nk";
/// For example `&["CNNBG"]`; empty: every port.
const PORTS: &[&str] = &[];
/// For example `&["license.granted"]`; empty: every type.
const TYPES: &[&str] = &[];
const POSITION_FILE: &str = "portbook-subscriber.leaf";

/// Your work. To do it exactly once, store its result and the position in one transaction.
fn handle(verified: &Verified) -> io::Result<()> {
    let leaf = verified.place.leaf_index;
    let said = match verified.event() {
        Ok((_, event)) => {
            if let EventData::LicenseGranted(granted) = &event.data {
                format!("license {} to {}", granted.license_no, granted.destination)
            } else {
                event.data.kind().name().to_owned()
            }
        }
        // Of a type or version this build does not know yet.
        Err(error) => format!("set aside: {error}"),
    };
    writeln!(io::stdout(), "{leaf} {} {} {said}", verified.port, verified.case)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
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
    let from_leaf = match fs::read_to_string(POSITION_FILE) {
        Ok(text) => text.trim().parse()?,
        Err(_) => 0,
    };
    let mut subscription = Subscription::open(&bus, filter, from_leaf).await?;
    loop {
        if let Some(verified) = subscription.next(Duration::from_secs(5)).await? {
            handle(&verified)?;
            fs::write(POSITION_FILE, subscription.next_leaf().to_string())?;
        }
    }
}
