//! Creating a ledger: gone on with where it was interrupted, refused where the stream holds something else.
#![expect(clippy::unwrap_used, reason = "builders of test data")]

use std::collections::BTreeMap;
use std::path::Path;

use portbook_bus::{Bus, Identity, Log, PublishLimits, Publisher};
use portbook_ledger::{Origin, SecretKey};
use portbook_projector::{Opening, OpeningError, Producer, open_ledger};
use portbook_store::{LedgerDirectory, Store};
use portbook_testkit::nats::NatsServer;
use portbook_wire::Source;
use portbook_wire::control::{Control, ModeName, PortAliases, parse_control};
use tempfile::TempDir;

/// What is to be created, with as many producers; the last time it was tried was at `second`.
fn opening(origin: &str, producers: u8, second: i64) -> Opening {
    let opened_at = jiff::Timestamp::from_second(second).unwrap();
    let producer = |number| Producer {
        source: Source::outside("test").unwrap(),
        mode: ModeName::Observed,
        event_types: Vec::new(),
        public_key: SecretKey::from_seed(&[number; 32]).public(),
        valid_until: opened_at + jiff::SignedDuration::from_hours(1),
    };
    Opening {
        origin: Origin::new(origin).unwrap(),
        log_key: SecretKey::from_seed(&[9; 32]),
        producers: (1..=producers).map(producer).collect(),
        port_aliases: PortAliases::new(),
        references: BTreeMap::new(),
        policies: BTreeMap::new(),
        replicas: 1,
        feed_bytes_max: 1 << 24,
        opened_at,
    }
}

async fn open(bus: &Bus, path: &Path, opening: &Opening) -> Result<LedgerDirectory, OpeningError> {
    let directory = LedgerDirectory::at(path.to_owned());
    let publisher = Publisher::start(bus, PublishLimits::default());
    open_ledger(bus, &publisher, &directory, opening).await?;
    Ok(directory)
}

#[tokio::test]
async fn what_was_interrupted_is_gone_on_with_and_said_once() {
    let (server, home) = (NatsServer::start().await, TempDir::new().unwrap());
    let bus = server.connect(Identity::Operator).await;
    // Each attempt comes further than the one before, and none leaves more than its messages and empty files.
    for producers in [0, 2, 3] {
        let path = home.path().join("ledger");
        let attempt = opening(
            "test.example/opening",
            producers,
            1_750_000_000 + i64::from(producers),
        );
        let directory = open(&bus, &path, &attempt).await.unwrap();
        assert_eq!(Store::open(&directory.store()).unwrap().book().size(), 0);
        assert!(directory.signed_log().unwrap().is_some());
        std::fs::remove_dir_all(directory.store()).unwrap();
        let identity = bus.stream_identity("PORTBOOK").await.unwrap();
        assert_eq!(identity.messages, 1 + u64::from(producers));
    }
    let first = Log::ledger(&bus).get(1).await.unwrap();
    let Control::LedgerOpened(opened) = parse_control(&first.subject, &first.body).unwrap() else {
        panic!("{first:?}");
    };
    assert_eq!(opened.opened_at.as_second(), 1_750_000_000);
}

#[tokio::test]
async fn a_stream_that_holds_something_else_is_refused_and_left_as_it_is() {
    let (server, home) = (NatsServer::start().await, TempDir::new().unwrap());
    let bus = server.connect(Identity::Operator).await;
    open(
        &bus,
        &home.path().join("first"),
        &opening("test.example/opening", 2, 1_750_000_000),
    )
    .await
    .unwrap();
    let mut other_key = opening("test.example/opening", 2, 1_750_000_000);
    other_key.log_key = SecretKey::from_seed(&[8; 32]);
    let mut other_producer = opening("test.example/opening", 2, 1_750_000_000);
    other_producer.producers.swap(0, 1);
    for other in [
        other_key,
        other_producer,
        opening("test.example/other", 2, 1_750_000_000),
        // It holds more than this one begins with.
        opening("test.example/opening", 1, 1_750_000_000),
    ] {
        let path = home.path().join("other");
        let refused = open(&bus, &path, &other).await.unwrap_err();
        assert!(
            matches!(refused, OpeningError::NotEmpty { messages: 3, .. }),
            "{refused}"
        );
        assert!(!path.exists());
    }
    assert_eq!(bus.stream_identity("PORTBOOK").await.unwrap().messages, 3);
}
