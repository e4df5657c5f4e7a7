//! The stream into the ledger, against reading the same messages and counting their bytes.

use std::fs;
use std::time::{Duration, Instant};

use portbook_bus::{CheckpointRegister, Identity, PublishLimits, Publisher};
use portbook_projector::{Pace, Position, Projector, Publishing, RunParts, SignerParts, run};
use portbook_store::{LedgerDirectory, Store};
use portbook_wire::subject::STREAM_LEDGER;
use tokio::sync::{oneshot, watch};

use crate::figure::{Pair, alternate, per_second};
use crate::site::{Place, log_key, origin};
use crate::{Failure, bare};

/// Messages of one commit, as `config/default.toml` has it.
pub(crate) const BATCH_MESSAGES: usize = 2_000;
const ROUNDS: u64 = 3;
/// As `config/default.toml` has them.
const BATCH_WAIT: Duration = Duration::from_millis(200);
const SEAL_RECORDS_MAX: u64 = 50_000;
const SEAL_INTERVAL: Duration = Duration::from_secs(1);

/// Replays with commits of `batch_messages` and reads, in turn.
pub(crate) async fn compare(place: &Place, batch_messages: usize) -> Result<Pair, Failure> {
    let client = bare::connect(place, Identity::Operator).await?;
    alternate(
        ROUNDS,
        async |round| {
            let name = format!("replay-{batch_messages}-{round}");
            let rate = replay(place, &name, batch_messages).await?;
            fs::remove_dir_all(place.ledger(&name).path())?;
            Ok(rate)
        },
        async |_| {
            let messages = place.messages().await?;
            let started = Instant::now();
            bare::count_bytes(&client, usize::try_from(messages)?).await?;
            Ok(per_second(messages, started.elapsed()))
        },
    )
    .await
}

/// Makes a new ledger `name` of the stream and signs it; gives how many messages a second became durable records.
pub(crate) async fn replay(place: &Place, name: &str, batch_messages: usize) -> Result<u64, Failure> {
    let messages = place.messages().await?;
    let directory = place.ledger(name);
    let store = Store::create(&directory.store())?;
    directory.create()?;
    let (position, mut watched) = watch::channel(Position::default());
    let (stop, stopped) = oneshot::channel::<()>();
    let parts = parts(place, name, directory, store, batch_messages, position).await?;
    let bus = parts.bus.clone();
    let started = Instant::now();
    let watching = async {
        watched.wait_for(|position| position.size >= messages).await?;
        let took = started.elapsed();
        watched
            .wait_for(|position| position.signed_size >= messages)
            .await?;
        drop(stop);
        Ok::<Duration, watch::error::RecvError>(took)
    };
    let (ended, took) = tokio::join!(
        run(parts, async {
            // Dropping the sender is the sign to stop.
            stopped.await.unwrap_or_default();
        }),
        watching
    );
    bus.close().await;
    ended?;
    Ok(per_second(messages, took?))
}

async fn parts(
    place: &Place,
    name: &str,
    directory: LedgerDirectory,
    store: Store,
    batch_messages_max: usize,
    position: watch::Sender<Position>,
) -> Result<RunParts, Failure> {
    let bus = place.connect(Identity::Projector).await?;
    let projector = Projector::new(store);
    Ok(RunParts {
        publisher: Publisher::start(&bus, PublishLimits::default()),
        stream: STREAM_LEDGER.to_owned(),
        signer: SignerParts {
            directory,
            reader: projector.reader(),
            // Each ledger has a register of its own: to the same one they would look like two projectors at odds.
            register: CheckpointRegister::new(&bus, &format!("portbook.checkpoint.{name}")),
            key: log_key()?,
            origin: origin()?,
            publishing: Publishing::AtOnce,
        },
        projector,
        pace: Pace {
            batch_messages_max,
            batch_wait: BATCH_WAIT,
            seal_records_max: SEAL_RECORDS_MAX,
            seal_interval: SEAL_INTERVAL,
        },
        position,
        bus,
    })
}
