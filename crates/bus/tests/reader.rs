//! The reader: contiguous over restarts, and fail-stop when the stream is not what it was.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test's helpers")]

#[path = "support/case.rs"]
mod case;
#[path = "support/operator.rs"]
mod operator;
#[path = "support/raw.rs"]
mod raw;

use std::time::Duration;

use case::event;
use operator::operate;
use portbook_bus::{Bus, Identity, Log, PublishLimits, Publisher, Reader, ReaderError, ReaderSpec, Stored};
use portbook_testkit::nats::NatsServer;
use serde_json::json;

const PATIENCE: Duration = Duration::from_secs(10);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_comes_in_order_and_then_live() {
    let server = NatsServer::with_streams().await;
    let publisher = store(&server, 0..5_000).await;
    let projector = server.connect(Identity::Projector).await;
    let mut reader = Reader::open(&projector, spec(1_000, 1)).await.unwrap();
    let first = read(&mut reader, 5_000).await;
    assert_eq!(
        first.iter().map(|stored| stored.seq).collect::<Vec<_>>(),
        (1..=5_000).collect::<Vec<_>>()
    );
    assert_eq!(first[4_999].body, event("R", 4_999, None).body);
    assert_eq!(first[4_999].signature.as_deref(), Some("licensing-1:4999"));
    assert_eq!(first[4_999].subject, "portbook.events.R");
    assert!(first.windows(2).all(|pair| pair[0].time_ns <= pair[1].time_ns));
    assert_eq!(reader.next_seq(), 5_001);

    assert_eq!(reader.next(10, Duration::ZERO).await.unwrap(), []);
    let live = publisher.publish(event("LIVE", 1, Some(0))).await.unwrap();
    let started = std::time::Instant::now();
    let next = reader.next(1_000, PATIENCE).await.unwrap();
    assert!(
        started.elapsed() < Duration::from_secs(1),
        "a live message waited for a full batch"
    );
    assert_eq!(
        next.iter().map(|stored| stored.seq).collect::<Vec<_>>(),
        [live.seq]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_way_of_reading_gives_the_same_message() {
    let server = NatsServer::with_streams().await;
    store(&server, 0..50).await;
    let projector = server.connect(Identity::Projector).await;
    let log = Log::ledger(&projector);
    let delivered = read(&mut Reader::open(&projector, spec(1_000, 1)).await.unwrap(), 50).await;
    assert_eq!(log.read_from(1, 1_000).await.unwrap(), delivered);
    assert_eq!(log.load_subject("portbook.events.R").await.unwrap(), delivered);
    for stored in &delivered {
        assert_eq!(log.get(stored.seq).await.unwrap(), *stored);
    }
    let subjects = ["portbook.events.R".to_owned(), "portbook.events.NONE".to_owned()];
    let last = log.last_by_subjects(&subjects).await.unwrap();
    assert_eq!(last.into_values().collect::<Vec<_>>(), delivered[49..]);
    assert_eq!(log.read_from(51, 10).await.unwrap(), []);
    assert_eq!(log.read_from(49, 1).await.unwrap(), delivered[48..49]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stored_header_cannot_pose_as_the_servers() {
    let server = NatsServer::with_streams().await;
    let (client, _) = raw::client(&server, Identity::Licensing).await;
    let mut headers = async_nats::HeaderMap::new();
    headers.insert("Nats-Sequence", "99");
    headers.insert("Nats-Subject", "portbook.events.OTHER");
    headers.insert("Nats-Time-Stamp", "2001-01-01T00:00:00Z");
    let request = async_nats::Request::new().headers(headers).payload("{}".into());
    client
        .send_request("portbook.events.FORGED", request)
        .await
        .unwrap();
    let bus = server.connect(Identity::Projector).await;
    let log = Log::ledger(&bus);
    let stored = log.get(1).await.unwrap();
    assert_eq!(
        log.load_subject("portbook.events.FORGED").await.unwrap(),
        std::slice::from_ref(&stored)
    );
    assert_eq!(
        (stored.seq, stored.subject.as_str()),
        (1, "portbook.events.FORGED")
    );
    assert!(stored.time_ns > 1_700_000_000_000_000_000);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reading_goes_on_where_it_was_when_the_server_is_killed() {
    let mut server = NatsServer::with_streams().await;
    store(&server, 0..3_000).await;
    let projector = server.connect(Identity::Projector).await;
    let mut reader = Reader::open(&projector, spec(500, 1)).await.unwrap();
    let before = read(&mut reader, 1_234).await;
    let port = server.port();
    server.kill().await;
    assert_eq!(before.last().unwrap().seq, 1_234);
    server.restart_on(port).await;
    store(&server, 3_000..3_100).await;
    let after = read(&mut reader, 3_100 - 1_234).await;
    assert_eq!(after.first().unwrap().seq, 1_235);
    assert_eq!(after.last().unwrap().body, event("R", 3_099, None).body);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missing_message_is_a_gap() {
    let server = erasable().await;
    store(&server, 0..10).await;
    let deleted = operate(&server, "STREAM.MSG.DELETE.PORTBOOK", json!({"seq": 5})).await;
    assert_eq!(deleted["success"], true, "{deleted}");
    let projector = server.connect(Identity::Projector).await;
    let mut reader = Reader::open(&projector, spec(100, 1)).await.unwrap();
    assert_eq!(read(&mut reader, 4).await.last().unwrap().seq, 4);
    let error = reader.next(100, PATIENCE).await.unwrap_err();
    assert!(
        matches!(
            error,
            ReaderError::Gap {
                expected: 5,
                found: 6,
                ..
            }
        ),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_purged_beginning_is_a_gap_and_a_lost_end_is_behind() {
    let server = erasable().await;
    store(&server, 0..10).await;
    let purged = operate(&server, "STREAM.PURGE.PORTBOOK", json!({"seq": 4})).await;
    assert_eq!(purged["purged"], 3, "{purged}");
    let projector = server.connect(Identity::Projector).await;
    let error = Reader::open(&projector, spec(100, 2)).await.unwrap_err();
    assert!(
        matches!(
            error,
            ReaderError::Gap {
                expected: 2,
                found: 4,
                ..
            }
        ),
        "{error}"
    );
    let error = Reader::open(&projector, spec(100, 12)).await.unwrap_err();
    assert!(
        matches!(
            error,
            ReaderError::Behind {
                last_seq: 10,
                read_seq: 11,
                ..
            }
        ),
        "{error}"
    );
    Reader::open(&projector, spec(100, 11)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_made_anew_is_not_read_on() {
    let server = erasable().await;
    store(&server, 0..10).await;
    let projector = server.connect(Identity::Projector).await;
    let mut reader = Reader::open(&projector, spec(100, 1)).await.unwrap();
    read(&mut reader, 10).await;
    operate(&server, "STREAM.DELETE.PORTBOOK", json!(null)).await;
    operate(&server, "STREAM.CREATE.PORTBOOK", erasable_config()).await;
    store(&server, 100..120).await;
    let error = until_error(&mut reader).await;
    assert!(matches!(error, ReaderError::Changed { seq: 10, .. }), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deleted_stream_ends_reading() {
    let server = erasable().await;
    store(&server, 0..10).await;
    let projector = server.connect(Identity::Projector).await;
    let mut reader = Reader::open(&projector, spec(100, 1)).await.unwrap();
    read(&mut reader, 10).await;
    operate(&server, "STREAM.DELETE.PORTBOOK", json!(null)).await;
    let error = until_error(&mut reader).await;
    assert!(matches!(error, ReaderError::Missing { .. }), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_without_the_right_says_so() {
    let server = NatsServer::with_streams().await;
    let auditor = server.connect(Identity::Auditor).await;
    let error = Reader::open(&auditor, spec(100, 1)).await.unwrap_err();
    assert!(
        error
            .to_string()
            .contains("permission denied for subject $JS.API.CONSUMER"),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn giving_up_waiting_loses_nothing() {
    let server = NatsServer::with_streams().await;
    store(&server, 0..2_000).await;
    let projector = server.connect(Identity::Projector).await;
    let mut reader = Reader::open(&projector, spec(100, 1)).await.unwrap();
    let mut next_seq = 1;
    let mut turn = 0_u64;
    while next_seq <= 2_000 {
        turn += 1;
        // Dropped after a few polls, at another place each time.
        let answer = tokio::select! {
            biased;
            answer = reader.next(50, PATIENCE) => answer.unwrap(),
            () = yield_times(turn % 5) => continue,
        };
        for stored in answer {
            assert_eq!(stored.seq, next_seq);
            next_seq += 1;
        }
    }
}

async fn yield_times(times: u64) {
    for _ in 0..times {
        tokio::task::yield_now().await;
    }
}

/// A ledger stream whose messages its operator can delete, as a damaged store would.
async fn erasable() -> NatsServer {
    let server = NatsServer::start().await;
    operate(&server, "STREAM.CREATE.PORTBOOK", erasable_config()).await;
    server
}

fn erasable_config() -> serde_json::Value {
    json!({
        "name": "PORTBOOK", "subjects": ["portbook.events.*"], "storage": "file", "retention": "limits",
        "num_replicas": 1, "discard": "new", "allow_direct": true, "allow_atomic": true,
    })
}

async fn store(server: &NatsServer, places: std::ops::Range<u64>) -> Publisher {
    let bus: Bus = server.connect(Identity::Importer).await;
    let publisher = Publisher::start(&bus, PublishLimits::default());
    for result in publisher
        .publish_batch(places.map(|place| event("R", place, None)).collect())
        .await
    {
        result.unwrap();
    }
    publisher
}

fn spec(batch: usize, start_seq: u64) -> ReaderSpec {
    ReaderSpec {
        stream: "PORTBOOK".into(),
        start_seq,
        batch,
    }
}

async fn read(reader: &mut Reader, count: usize) -> Vec<Stored> {
    let mut all = Vec::new();
    while all.len() < count {
        let next = reader.next(count - all.len(), PATIENCE).await.unwrap();
        assert!(
            !next.is_empty(),
            "nothing came after {} of {count} messages",
            all.len()
        );
        all.extend(next);
    }
    all
}

async fn until_error(reader: &mut Reader) -> ReaderError {
    let ended = async {
        loop {
            match reader.next(100, PATIENCE).await {
                Ok(messages) => assert_eq!(messages, [], "messages of another stream were handed out"),
                Err(error) => return error,
            }
        }
    };
    tokio::time::timeout(2 * PATIENCE, ended)
        .await
        .expect("reading did not end")
}
