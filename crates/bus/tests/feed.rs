//! The verified feed: in order, with its headers, to those who may hear it.

#[path = "support/raw.rs"]
mod raw;

use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt as _;
use portbook_bus::{Feed, FeedMessage, Identity, Log, PublishError, PublishLimits};
use portbook_testkit::nats::NatsServer;

fn verified(index: u64) -> FeedMessage {
    let body = Bytes::from(format!("{{\"index\":{index}}}"));
    FeedMessage {
        subject: format!("portbook.feed.CNNBG.license.granted.C{}", index % 3),
        msg_id: portbook_wire::msg_id(None, &body),
        signature: None,
        headers: vec![("Portbook-Leaf-Index", index.to_string())],
        body,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_subscriber_hears_everything_in_order_with_its_place() {
    let server = NatsServer::with_streams().await;
    let (subscriber, _) = raw::client(&server, Identity::Subscriber).await;
    let heard = subscriber.subscribe("portbook.feed.CNNBG.>").await.unwrap();
    // Whoever has had an answer has been subscribed before.
    subscriber.request("$JS.API.INFO", Bytes::new()).await.unwrap();
    let feed = Feed::new(
        &server.connect(Identity::Projector).await,
        PublishLimits::default(),
    );
    feed.publish((0..2_500).map(verified).collect()).await.unwrap();
    let indexes = heard.take(2_500).map(|message| {
        let headers = message.headers.unwrap();
        headers
            .get("Portbook-Leaf-Index")
            .unwrap()
            .as_str()
            .parse::<u64>()
            .unwrap()
    });
    let indexes: Vec<u64> = tokio::time::timeout(Duration::from_secs(20), indexes.collect())
        .await
        .unwrap();
    assert_eq!(indexes, (0..2_500).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_repeated_at_once_is_not_stored_twice() {
    let server = NatsServer::with_streams().await;
    let projector = server.connect(Identity::Projector).await;
    let feed = Feed::new(&projector, PublishLimits::default());
    feed.publish((0..20).map(verified).collect()).await.unwrap();
    feed.publish((10..30).map(verified).collect()).await.unwrap();
    let stored = Log::feed(&projector).read_from(1, 100).await.unwrap();
    let bodies: Vec<Bytes> = stored.into_iter().map(|stored| stored.body).collect();
    assert_eq!(
        bodies,
        (0..30).map(|index| verified(index).body).collect::<Vec<_>>()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_else_can_speak_for_the_ledger() {
    let server = NatsServer::with_streams().await;
    let feed = Feed::new(
        &server.connect(Identity::Licensing).await,
        PublishLimits::default(),
    );
    let denied = feed.publish(vec![verified(0)]).await.unwrap_err();
    assert!(matches!(denied, PublishError::Denied { .. }), "{denied}");
}
