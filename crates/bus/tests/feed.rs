//! The verified feed: appended once at its end, read in order from any leaf on, spoken by the projector alone.

#![expect(clippy::unwrap_used, reason = "a reader of test data")]

use std::collections::BTreeSet;
use std::time::Duration;

use bytes::Bytes;
use portbook_bus::{
    ApiError, Bus, Fed, Feed, FeedEnd, FeedError, FeedFilter, FeedMessage, FeedReader, Identity, StreamSpec,
};
use portbook_domain::PortCode;
use portbook_testkit::nats::NatsServer;
use portbook_wire::TypeName;
use portbook_wire::feed::FeedPlace;

/// An event of every third leaf, of two ports and two types in turn.
fn verified(event: u64) -> FeedMessage {
    let port = if event.is_multiple_of(2) { "CNNBG" } else { "CNSHG" };
    let type_name = if event.is_multiple_of(3) {
        "license.granted"
    } else {
        "shipment.cleared"
    };
    let body = Bytes::from(format!("{{\"event\":{event}}}"));
    FeedMessage {
        subject: format!("portbook.feed.{port}.{type_name}.C{}", event % 5),
        signature: Some("0011223344556677:AAAA".into()),
        place: FeedPlace {
            leaf_index: event * 3,
            leaf_hash: portbook_wire::event_digest(&body),
            port_seq: event / 2 + 1,
            prev_index: event.checked_sub(2).map(|event| event * 3),
            prev_hash: portbook_wire::event_digest(b"previous"),
            recorded_at_ns: 1_750_000_000_000_000_000 + event,
            checkpoint_size: event * 3 + 7,
            findings: Vec::new(),
        },
        body,
    }
}

fn events(numbers: impl IntoIterator<Item = u64>) -> Vec<FeedMessage> {
    numbers.into_iter().map(verified).collect()
}

/// Everything there is from `from_leaf` on.
async fn read_all(bus: &Bus, filter: FeedFilter, from_leaf: u64) -> Vec<Fed> {
    let mut reader = FeedReader::open(bus, filter, from_leaf).await.unwrap();
    let mut read = Vec::new();
    loop {
        let page = reader.next(700, Duration::ZERO).await.unwrap();
        if page.is_empty() {
            return read;
        }
        read.extend(page);
    }
}

fn leaves(read: &[Fed]) -> Vec<u64> {
    read.iter().map(|fed| fed.place.leaf_index).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_subscriber_reads_everything_in_order_with_its_place() {
    let server = NatsServer::with_streams().await;
    let projector = server.connect(Identity::Projector).await;
    let feed = Feed::new(&projector);
    let end = feed.end().await.unwrap();
    assert_eq!(
        end,
        FeedEnd {
            last_seq: 0,
            last: None
        }
    );
    let sent = events(0..2_503);
    let end = feed.append(end, &sent).await.unwrap();
    assert_eq!(feed.end().await.unwrap(), end);
    assert_eq!((end.last_seq, end.last), (2_503, Some(verified(2_502).place)));

    let subscriber = server.connect(Identity::Subscriber).await;
    let read = read_all(&subscriber, FeedFilter::default(), 0).await;
    assert_eq!(read.len(), sent.len());
    for (fed, sent) in read.iter().zip(&sent) {
        assert_eq!(
            (&fed.subject, &fed.signature, &fed.place),
            (&sent.subject, &sent.signature, &sent.place)
        );
        assert_eq!(fed.body, sent.body);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_filter_leaves_out_what_is_not_wanted_and_any_leaf_is_a_beginning() {
    let server = NatsServer::with_streams().await;
    let projector = server.connect(Identity::Projector).await;
    let feed = Feed::new(&projector);
    feed.append(feed.end().await.unwrap(), &events(0..60))
        .await
        .unwrap();
    let ports = |ports: &[&str]| {
        ports
            .iter()
            .map(|port| PortCode::new(port).unwrap())
            .collect::<BTreeSet<_>>()
    };
    let types = |types: &[&str]| {
        types
            .iter()
            .map(|name| TypeName::new(name).unwrap())
            .collect::<BTreeSet<_>>()
    };
    let expected = |from: u64, wanted: fn(u64) -> bool| -> Vec<u64> {
        (0..60)
            .filter(|event| wanted(*event))
            .map(|event| event * 3)
            .filter(|leaf| *leaf >= from)
            .collect()
    };
    for from in [0, 1, 2, 3, 88, 177, 178, 10_000] {
        let one = FeedFilter {
            ports: ports(&["CNNBG"]),
            types: types(&["license.granted"]),
        };
        assert_eq!(
            leaves(&read_all(&projector, one, from).await),
            expected(from, |event| event % 6 == 0)
        );
        let both = FeedFilter {
            ports: ports(&["CNNBG", "CNSHG"]),
            types: types(&["license.granted"]),
        };
        assert_eq!(
            leaves(&read_all(&projector, both, from).await),
            expected(from, |event| event % 3 == 0)
        );
        let port = FeedFilter {
            ports: ports(&["CNSHG"]),
            ..FeedFilter::default()
        };
        assert_eq!(
            leaves(&read_all(&projector, port, from).await),
            expected(from, |event| event % 2 == 1)
        );
        let none = FeedFilter {
            types: types(&["license.granted", "license.changed"]),
            ports: ports(&["DEHAM"]),
        };
        assert!(read_all(&projector, none, from).await.is_empty());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_who_publish_only_the_one_who_knows_the_end_is_heard() {
    let server = NatsServer::with_streams().await;
    let (one, other) = (
        Feed::new(&server.connect(Identity::Projector).await),
        Feed::new(&server.connect(Identity::Projector).await),
    );
    let start = one.end().await.unwrap();
    for count in [20, 3] {
        let known = one.end().await.unwrap();
        let before = known.last_seq;
        one.append(known.clone(), &events(before..before + count))
            .await
            .unwrap();
        // The same again, singly and in a batch: a repeat after a lost answer.
        for repeated in [1, count] {
            let refused = other
                .append(known.clone(), &events(before..before + repeated))
                .await
                .unwrap_err();
            assert!(
                matches!(refused, FeedError::Moved { expected } if expected == before),
                "{refused}"
            );
            assert!(refused.is_transient());
        }
    }
    assert_eq!(start.last_seq, 0);
    let auditor = server.connect(Identity::Auditor).await;
    let read = read_all(&auditor, FeedFilter::default(), 0).await;
    assert_eq!(leaves(&read), (0..23).map(|event| event * 3).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_feed_that_is_made_again_is_read_on_from_the_same_leaf() {
    let server = NatsServer::with_streams().await;
    let feed = Feed::new(&server.connect(Identity::Projector).await);
    feed.append(feed.end().await.unwrap(), &events(0..30))
        .await
        .unwrap();
    let subscriber = server.connect(Identity::Subscriber).await;
    let mut reader = FeedReader::open(&subscriber, FeedFilter::default(), 0)
        .await
        .unwrap();
    assert_eq!(reader.next(100, Duration::ZERO).await.unwrap().len(), 30);

    let operator = server.connect(Identity::Operator).await;
    operator.delete_stream("PORTBOOK_FEED").await.unwrap();
    let missing = feed.end().await.unwrap_err();
    assert!(missing.is_transient(), "{missing}");
    operator
        .create_stream(&StreamSpec::feed(1, 1 << 28))
        .await
        .unwrap();
    let end = feed.end().await.unwrap();
    assert_eq!(end.last_seq, 0);
    feed.append(end, &events(0..40)).await.unwrap();
    let mut read = Vec::new();
    while read.len() < 10 {
        read.extend(reader.next(100, Duration::from_secs(20)).await.unwrap());
    }
    assert_eq!(leaves(&read), (30..40).map(|event| event * 3).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_kept_any_more_is_told() {
    let server = NatsServer::start().await;
    let operator = server.connect(Identity::Operator).await;
    operator
        .create_stream(&StreamSpec::feed(1, 64 << 10))
        .await
        .unwrap();
    let feed = Feed::new(&server.connect(Identity::Projector).await);
    let end = feed
        .append(feed.end().await.unwrap(), &events(0..10))
        .await
        .unwrap();
    let subscriber = server.connect(Identity::Subscriber).await;
    let mut slow = FeedReader::open(&subscriber, FeedFilter::default(), 0)
        .await
        .unwrap();
    assert_eq!(slow.next(2, Duration::ZERO).await.unwrap().len(), 2);
    feed.append(end, &events(10..500)).await.unwrap();
    let overtaken = slow.next(100, Duration::ZERO).await.unwrap_err();
    let FeedError::Gone {
        wanted_leaf: 4,
        first_leaf,
    } = overtaken
    else {
        panic!("{overtaken}");
    };
    let late = FeedReader::open(&subscriber, FeedFilter::default(), 3)
        .await
        .unwrap_err();
    assert!(matches!(late, FeedError::Gone { wanted_leaf: 3, .. }), "{late}");
    let read = read_all(&subscriber, FeedFilter::default(), first_leaf).await;
    assert_eq!(leaves(&read).first(), Some(&first_leaf));
    assert_eq!(leaves(&read).last(), Some(&(499 * 3)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_else_can_speak_for_the_ledger() {
    let server = NatsServer::with_streams().await;
    let feed = Feed::new(&server.connect(Identity::Licensing).await);
    let end = FeedEnd {
        last_seq: 0,
        last: None,
    };
    let denied = feed.append(end, &events(0..1)).await.unwrap_err();
    assert!(
        matches!(denied, FeedError::Api(ApiError::Denied { .. })),
        "{denied}"
    );
}

/// What a server answers to the rest of a batch whose beginning went with another connection.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_cut_in_the_middle_is_no_end() {
    let server = NatsServer::with_streams().await;
    let projector = server.connect(Identity::Projector).await;
    let feed = Feed::new(&projector);
    let mut wrong = verified(1);
    // Too large for the stream: refused when the batch is committed, as an incomplete one is.
    wrong.body = Bytes::from(vec![b' '; 50 << 10]);
    let mut group = events(0..12);
    group.push(wrong);
    let refused = feed.append(feed.end().await.unwrap(), &group).await.unwrap_err();
    assert!(refused.is_transient(), "{refused:?}");
    assert_eq!(feed.end().await.unwrap().last_seq, 0);
    feed.append(feed.end().await.unwrap(), &events(0..12))
        .await
        .unwrap();
}
