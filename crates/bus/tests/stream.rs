//! Streams: created once, pinned, and drift named setting by setting.

use portbook_bus::{Identity, StreamError, StreamSpec};
use portbook_testkit::nats::NatsServer;

#[tokio::test]
async fn creating_twice_changes_nothing() {
    let server = NatsServer::with_streams().await;
    let operator = server.connect(Identity::Operator).await;
    let spec = StreamSpec::ledger(1);
    let first = operator.check_stream(&spec).await.unwrap();
    let second = operator.create_stream(&spec).await.unwrap();
    assert_eq!(first, second);
    assert_eq!((first.first_seq, first.last_seq, first.messages), (0, 0, 0));
    assert_eq!(first.name, "PORTBOOK");
    assert_eq!(first.config_sha256.len(), 64);
}

#[tokio::test]
async fn a_missing_stream_is_named() {
    let server = NatsServer::start().await;
    let auditor = server.connect(Identity::Auditor).await;
    let error = auditor.stream_identity("PORTBOOK").await.unwrap_err();
    assert!(matches!(error, StreamError::Missing { stream } if stream == "PORTBOOK"));
}
