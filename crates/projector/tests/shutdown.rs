//! While the start waits for a server that is away, who asks for the end is heard.
#![expect(clippy::unwrap_used, reason = "builders of test data")]

use std::future::pending;
use std::time::Duration;

use portbook_bus::{Bus, CheckpointRegister, Identity, PublishLimits, Publisher};
use portbook_ledger::{KeyName, NoteAlgorithm, Origin, SecretKey, SignerKey};
use portbook_projector::{
    Pace, Position, Projector, Publishing, RunParts, SignerParts, StandbyEnd, StandbyParts, run, stand_by,
};
use portbook_store::{LedgerDirectory, Store};
use portbook_testkit::nats::NatsServer;
use portbook_wire::subject::STREAM_LEDGER;
use tempfile::TempDir;
use tokio::sync::watch;
use tokio::task::yield_now;
use tokio::time::timeout;

const ORIGIN: &str = "test.example/shutdown";
/// Far less than the start waits for a server, far more than being heard takes.
const HEARD_WITHIN: Duration = Duration::from_secs(20);

/// A connection to a server that is away by now.
async fn gone() -> Bus {
    let mut server = NatsServer::with_streams().await;
    let bus = server.connect(Identity::Projector).await;
    server.kill().await;
    bus
}

fn created(dir: &TempDir) -> (LedgerDirectory, Projector) {
    let directory = LedgerDirectory::at(dir.path().to_owned());
    let store = Store::create(&directory.store()).unwrap();
    directory.create().unwrap();
    (directory, Projector::new(store))
}

fn key() -> SignerKey {
    let name = KeyName::new(ORIGIN).unwrap();
    SignerKey::new(name, NoteAlgorithm::Ed25519, SecretKey::from_seed(&[1; 32]))
}

#[tokio::test]
async fn a_projector_whose_server_is_away_ends_when_it_is_asked_to() {
    let (dir, bus) = (TempDir::new().unwrap(), gone().await);
    let (directory, projector) = created(&dir);
    let parts = RunParts {
        publisher: Publisher::start(&bus, PublishLimits::default()),
        stream: STREAM_LEDGER.to_owned(),
        signer: SignerParts {
            directory,
            reader: projector.reader(),
            register: CheckpointRegister::new(&bus, "portbook.checkpoint.test"),
            key: key(),
            origin: Origin::new(ORIGIN).unwrap(),
            publishing: Publishing::AtOnce,
        },
        projector,
        pace: Pace {
            batch_messages_max: 100,
            batch_wait: Duration::from_millis(100),
            seal_records_max: 100,
            seal_interval: Duration::from_secs(1),
        },
        position: watch::channel(Position::default()).0,
        bus,
    };
    let ended = timeout(HEARD_WITHIN, run(parts, yield_now())).await;
    ended.expect("the projector does not hear").unwrap();
}

#[tokio::test]
async fn a_standby_whose_server_is_away_ends_when_it_is_asked_to() {
    let (dir, bus) = (TempDir::new().unwrap(), gone().await);
    let (directory, projector) = created(&dir);
    let parts = StandbyParts {
        publisher: Publisher::start(&bus, PublishLimits::default()),
        register: CheckpointRegister::new(&bus, "portbook.checkpoint.test"),
        stream: STREAM_LEDGER.to_owned(),
        projector,
        directory,
        key: key().verifier().clone(),
        origin: Origin::new(ORIGIN).unwrap(),
        batch_messages_max: 100,
        batch_wait: Duration::from_millis(100),
        position: watch::channel(Position::default()).0,
        bus,
    };
    let ended = timeout(HEARD_WITHIN, stand_by(parts, yield_now(), pending())).await;
    let ended = ended.expect("the standby does not hear").unwrap();
    assert!(matches!(ended, StandbyEnd::Stopped), "{ended:?}");
}
