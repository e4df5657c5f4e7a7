//! An import that failed leaves nothing behind that a later one would take for stored.
#![expect(clippy::unwrap_used, reason = "a test's helpers")]

use std::io::Cursor;

use portbook_bus::{Identity, PublishLimits, Publisher};
use portbook_import::{ImportError, Importer, Tally};
use portbook_ledger::SecretKey;
use portbook_source::EventSigner;
use portbook_testkit::nats::NatsServer;
use portbook_wire::Source;
use portbook_wire::observation::read_observations;

fn facts(lines: u64) -> String {
    let fact = |number| {
        format!(
            r#"{{"type":"application_closed","case_id":"C{number}","occurred_at":"2025-05-01T00:00:00Z","port":"CNNBG","outcome":"refused"}}"#
        )
    };
    (0..lines).map(|number| fact(number) + "\n").collect()
}

async fn importer(server: &NatsServer, identity: Identity) -> Importer {
    let bus = server.connect(identity).await;
    let publisher = Publisher::start(&bus, PublishLimits::default());
    let signer = EventSigner::new(&SecretKey::from_seed(&[1; 32])).unwrap();
    Importer::new(&bus, publisher, Source::outside("test").unwrap(), signer)
}

async fn import(importer: &mut Importer, lines: u64) -> Result<Tally, ImportError> {
    let facts = read_observations(Cursor::new(facts(lines)), "facts.ndjson").unwrap();
    importer.import(facts, &mut |_| Ok(()), &mut |_| {}).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn facts_are_recorded_once_and_known_from_then_on() {
    /// More than are published together.
    const LINES: u64 = 1_500;
    let server = NatsServer::with_streams().await;
    let mut first = importer(&server, Identity::Importer).await;
    let mut second = importer(&server, Identity::Importer).await;
    for (importer, recorded) in [(&mut first, LINES), (&mut second, 0)] {
        for recorded in [recorded, 0] {
            let tally = import(importer, LINES).await.unwrap();
            let expected = (LINES, recorded, LINES - recorded);
            assert_eq!((tally.lines, tally.recorded, tally.redelivered), expected);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_could_not_be_published_is_not_known_to_the_next_import() {
    let server = NatsServer::with_streams().await;
    // It may read, but not write.
    let mut importer = importer(&server, Identity::Auditor).await;
    for _ in 0..2 {
        let error = import(&mut importer, 20).await.unwrap_err();
        assert!(matches!(error, ImportError::Publish(_)), "{error}");
    }
}
