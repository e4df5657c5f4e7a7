//! The JetStream API as its administrator uses it.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test whose server does not answer has failed"
)]

use std::time::Duration;

use portbook_bus::Identity;
use portbook_testkit::nats::NatsServer;
use serde_json::Value;

use crate::raw;

/// Asks the JetStream API as the operator.
pub(crate) async fn operate(server: &NatsServer, subject: &str, question: Value) -> Value {
    let (client, _) = raw::client(server, Identity::Operator).await;
    let subject = format!("$JS.API.{subject}");
    let question = if question.is_null() {
        String::new()
    } else {
        question.to_string()
    };
    let request = client.request(subject.clone(), question.into());
    let answer = tokio::time::timeout(Duration::from_secs(10), request)
        .await
        .unwrap()
        .unwrap();
    let answer: Value = serde_json::from_slice(&answer.payload).unwrap();
    assert!(answer["error"].is_null(), "{subject}: {answer}");
    answer
}
