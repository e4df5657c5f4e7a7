//! Streams: created once, pinned, and drift named setting by setting.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test's helpers")]

#[path = "support/operator.rs"]
mod operator;
#[path = "support/raw.rs"]
mod raw;

use operator::operate;
use portbook_bus::{Bus, Identity, StreamError, StreamSpec};
use portbook_testkit::nats::NatsServer;
use serde_json::{Value, json};

/// Changes an administrator could make to the ledger stream without an error, and the settings that must be named.
const CHANGES: &[(&str, &str)] = &[
    ("max_age", "3600000000000"),
    ("max_msgs", "1000000"),
    ("max_bytes", "1000000000"),
    ("max_msgs_per_subject", "10"),
    ("max_msg_size", "1024"),
    ("discard", "\"old\""),
    ("subjects", "[\"portbook.events.*\"]"),
    ("no_ack", "true"),
    ("duplicate_window", "120000000000"),
    ("allow_direct", "false"),
    ("allow_atomic", "false"),
    ("allow_rollup_hdrs", "true"),
    ("compression", "\"s2\""),
    (
        "republish",
        "{\"src\":\"portbook.events.*\",\"dest\":\"copy.{{wildcard(1)}}\"}",
    ),
    ("allow_msg_ttl", "true"),
];

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

#[tokio::test]
async fn every_drift_is_named_and_changes_the_digest() {
    let server = NatsServer::with_streams().await;
    let operator = server.connect(Identity::Operator).await;
    let pinned = operator.stream_identity("PORTBOOK").await.unwrap();
    let info = operate(&server, "STREAM.INFO.PORTBOOK", Value::Null).await;
    for (field, value) in CHANGES {
        // Each on a stream made anew, because not every change can be taken back.
        operate(&server, "STREAM.DELETE.PORTBOOK", Value::Null).await;
        let mut config = info["config"].clone();
        if *field == "allow_rollup_hdrs" {
            config["deny_purge"] = json!(false);
        }
        config[*field] = serde_json::from_str(value).unwrap();
        operate(&server, "STREAM.CREATE.PORTBOOK", config).await;
        let (drifted, digest) = drifted(&operator).await;
        assert!(
            drifted.iter().any(|named| named == field),
            "{field} is not among {drifted:?}"
        );
        assert_ne!(digest, pinned.config_sha256, "{field}");
    }
}

#[tokio::test]
async fn a_drift_reads_well() {
    let server = NatsServer::with_streams().await;
    let operator = server.connect(Identity::Operator).await;
    let mut config = operate(&server, "STREAM.INFO.PORTBOOK", Value::Null).await["config"].clone();
    config["max_age"] = json!(3_600_000_000_000_u64);
    operate(&server, "STREAM.UPDATE.PORTBOOK", config).await;
    let error = operator.create_stream(&StreamSpec::ledger(1)).await.unwrap_err();
    let expected =
        "stream PORTBOOK is not configured as portbook created it: max_age is 3600000000000, not unset";
    assert_eq!(error.to_string(), expected);
}

#[tokio::test]
async fn the_ledger_stream_cannot_be_emptied() {
    let server = NatsServer::with_streams().await;
    let (client, _) = raw::client(&server, Identity::Operator).await;
    for subject in [
        "$JS.API.STREAM.PURGE.PORTBOOK",
        "$JS.API.STREAM.MSG.DELETE.PORTBOOK",
    ] {
        let answer = client.request(subject, "{\"seq\":1}".into()).await.unwrap();
        let answer: Value = serde_json::from_slice(&answer.payload).unwrap();
        assert!(
            answer["error"]["code"].as_u64().is_some_and(|code| code >= 400),
            "{subject}: {answer}"
        );
    }
}

async fn drifted(bus: &Bus) -> (Vec<String>, String) {
    let digest = bus.stream_identity("PORTBOOK").await.unwrap().config_sha256;
    match bus.check_stream(&StreamSpec::ledger(1)).await {
        Ok(_) => (Vec::new(), digest),
        Err(StreamError::Drifted { drifts, .. }) => {
            (drifts.into_iter().map(|drift| drift.field).collect(), digest)
        }
        Err(error) => panic!("{error}"),
    }
}
