//! A subscription against a real server: typed, checked against the leaf, resumable, and across an outage.

#![expect(clippy::unwrap_used, reason = "builders of test data")]

use std::time::Duration;

use bytes::Bytes;
use portbook_bus::{Feed, FeedMessage};
use portbook_ledger::{Chain, ChainSeq, Hash, Index, Record, RecordKind, SecretKey, leaf_hash, sha256};
use portbook_subscribe::{
    DecodeError, EventData, FeedFilter, FeedPlace, Identity, Mismatch, SubscribeError, Subscription,
};
use portbook_testkit::nats::NatsServer;
use portbook_wire::subject::events_subject_of;

const WAIT: Duration = Duration::from_secs(20);

/// An event of one port as the projector would feed it, and the hash of its leaf.
fn fed(number: u64, type_name: &str, prev: Option<(u64, Hash)>) -> (FeedMessage, Hash) {
    let data = r#"{"outcome":"returned","a_field_of_tomorrow":{"kept":1}}"#;
    let body = format!(
        r#"{{"specversion":"1.0","id":"00000000-0000-5000-8000-{number:012x}","source":"urn:portbook:src:test","type":"portbook.{type_name}","subject":"C1","time":"2025-05-01T00:00:00Z","partitionkey":"CNNBG","pbmode":"observed","data":{data}}}"#
    );
    let subject = events_subject_of("C1");
    let signature = SecretKey::from_seed(&[7; 32]).sign_event(&subject, body.as_bytes());
    let index = Index::new(number * 2).unwrap();
    let record = Record {
        kind: RecordKind::Event,
        chain: Chain::port("CNNBG").unwrap(),
        chain_seq: ChainSeq::new(number + 1).unwrap(),
        prev_index: prev.and_then(|(index, _)| Index::new(index)),
        prev_hash: prev.map_or_else(|| sha256(&[b"genesis"]), |(_, hash)| hash),
        stream_seq: index.seq(),
        recorded_at_ns: 1_750_000_000_000_000_000 + number,
        refers_to: None,
        subject: &subject,
        body: body.as_bytes(),
        signature: Some(signature),
    };
    let mut leaf = Vec::new();
    record.encode_into(&mut leaf).unwrap();
    let hash = leaf_hash(&leaf);
    let (kind, _version) = type_name.rsplit_once(".v").unwrap();
    let message = FeedMessage {
        subject: format!("portbook.feed.CNNBG.{kind}.C1"),
        signature: Some(signature.to_string()),
        place: FeedPlace {
            leaf_index: index.get(),
            leaf_hash: hash.to_hex().parse().unwrap(),
            port_seq: number + 1,
            prev_index: record.prev_index.map(Index::get),
            prev_hash: record.prev_hash.to_hex().parse().unwrap(),
            recorded_at_ns: record.recorded_at_ns,
            checkpoint_size: index.get() + 5,
            findings: Vec::new(),
        },
        body: Bytes::from(body),
    };
    (message, hash)
}

/// Events of one chain: of a known version, then of a later one, then known ones again.
fn chain(count: u64) -> Vec<FeedMessage> {
    let mut prev = None;
    let mut messages = Vec::new();
    for number in 0..count {
        let type_name = if number == 1 {
            "application.closed.v2"
        } else {
            "application.closed.v1"
        };
        let (message, hash) = fed(number, type_name, prev);
        prev = Some((message.place.leaf_index, hash));
        messages.push(message);
    }
    messages
}

async fn publish(server: &NatsServer, messages: &[FeedMessage]) {
    let feed = Feed::new(&server.connect(Identity::Projector).await);
    feed.append(feed.end().await.unwrap(), messages).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_come_typed_in_order_and_from_any_leaf_on() {
    let server = NatsServer::with_streams().await;
    publish(&server, &chain(40)).await;
    let bus = server.connect(Identity::Subscriber).await;
    let mut subscription = Subscription::open(&bus, FeedFilter::default(), 0).await.unwrap();
    for number in 0..40 {
        let verified = subscription.next(WAIT).await.unwrap().unwrap();
        assert_eq!(verified.place.leaf_index, number * 2);
        assert_eq!(subscription.next_leaf(), number * 2 + 1);
        match verified.event() {
            // A field this build does not know is no obstacle.
            Ok((envelope, event)) => {
                assert_eq!(envelope.port.as_str(), verified.port);
                assert!(matches!(event.data, EventData::ApplicationClosed(_)));
            }
            // A version it does not know is set aside, and says so.
            Err(error) => {
                assert_eq!(number, 1);
                assert!(
                    matches!(
                        error,
                        DecodeError::UnknownVersion {
                            found: 2,
                            newest: 1,
                            ..
                        }
                    ),
                    "{error}"
                );
            }
        }
    }
    assert_eq!(subscription.next(Duration::ZERO).await.unwrap(), None);
    let mut resumed = Subscription::open(&bus, FeedFilter::default(), 21).await.unwrap();
    assert_eq!(resumed.next(WAIT).await.unwrap().unwrap().place.leaf_index, 22);
    let mut fresh = Subscription::at_end(&bus, FeedFilter::default()).await.unwrap();
    assert_eq!(fresh.next(Duration::ZERO).await.unwrap(), None);
}

/// Does something to a message on its way.
type Change = fn(&mut FeedMessage);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_that_is_not_its_leaf_stops_the_subscription_there() {
    let changes: [Change; 8] = [
        |it| it.body = Bytes::from(String::from_utf8_lossy(&it.body).replace("returned", "refused")),
        |it| it.subject = it.subject.replace("CNNBG", "CNSHG"),
        |it| it.subject = it.subject.replace(".C1", ".C2"),
        |it| it.signature = None,
        |it| it.place.port_seq += 1,
        |it| it.place.recorded_at_ns += 1,
        |it| it.place.prev_index = it.place.prev_index.map(|index| index + 1),
        |it| it.place.leaf_index += 1,
    ];
    for (at, change) in changes.into_iter().enumerate() {
        let server = NatsServer::with_streams().await;
        let mut messages = chain(4);
        change(messages.get_mut(2).unwrap());
        publish(&server, &messages).await;
        let bus = server.connect(Identity::Subscriber).await;
        let mut subscription = Subscription::open(&bus, FeedFilter::default(), 0).await.unwrap();
        for _ in 0..2 {
            subscription.next(WAIT).await.unwrap().unwrap();
        }
        for _ in 0..2 {
            let error = subscription.next(WAIT).await.unwrap_err();
            assert!(
                matches!(
                    &error,
                    SubscribeError::Changed {
                        seq: 3,
                        source: Mismatch::LeafHash { .. },
                        ..
                    }
                ),
                "change {at}: {error}"
            );
        }
        assert_eq!(subscription.next_leaf(), 3);
    }
}

/// A leaf that is whole in itself and follows another past.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_to_another_past_is_found() {
    let server = NatsServer::with_streams().await;
    let mut messages = chain(2);
    let (forged, _) = fed(2, "application.closed.v1", Some((2, sha256(&[b"another past"]))));
    messages.push(forged);
    publish(&server, &messages).await;
    let bus = server.connect(Identity::Subscriber).await;
    let mut subscription = Subscription::open(&bus, FeedFilter::default(), 0).await.unwrap();
    subscription.next(WAIT).await.unwrap().unwrap();
    subscription.next(WAIT).await.unwrap().unwrap();
    let error = subscription.next(WAIT).await.unwrap_err();
    assert!(
        matches!(error, SubscribeError::Link { leaf: 4, prev: 2, .. }),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outage_of_the_server_is_waited_out() {
    let mut server = NatsServer::with_streams().await;
    let messages = chain(30);
    let (before, after) = messages.split_at(10);
    publish(&server, before).await;
    let bus = server.connect(Identity::Subscriber).await;
    let mut subscription = Subscription::open(&bus, FeedFilter::default(), 0).await.unwrap();
    for _ in before {
        subscription.next(WAIT).await.unwrap().unwrap();
    }
    let port = server.port();
    server.kill().await;
    let waiting = tokio::spawn(async move {
        let mut heard = Vec::new();
        while heard.len() < 20 {
            heard.push(subscription.next(WAIT).await.unwrap().unwrap().place.leaf_index);
        }
        heard
    });
    server.restart_on(port).await;
    publish(&server, after).await;
    let expected: Vec<u64> = after.iter().map(|message| message.place.leaf_index).collect();
    assert_eq!(waiting.await.unwrap(), expected);
}
