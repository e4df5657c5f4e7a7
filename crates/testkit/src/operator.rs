//! The JetStream API as its administrator uses it, past everything portbook forbids itself.
#![expect(
    clippy::panic,
    reason = "a test whose server does not answer must fail and say why"
)]

use std::path::Path;
use std::time::Duration;

use async_nats::ConnectOptions;
use portbook_bus::Identity;
use serde_json::Value;

const PATIENCE: Duration = Duration::from_secs(10);

/// Asks `$JS.API.<subject>` as the operator whose seed is in `seeds_dir`.
///
/// # Panics
/// When the server refuses.
pub async fn operate(url: &str, seeds_dir: &Path, subject: &str, question: Value) -> Value {
    let identity = Identity::Operator;
    let seed = std::fs::read_to_string(identity.seed_file(seeds_dir))
        .unwrap_or_else(|error| panic!("no operator: {error}"));
    let client = ConnectOptions::with_nkey(seed.trim().to_owned())
        .custom_inbox_prefix(format!("_INBOX_{identity}"))
        .connect(url)
        .await
        .unwrap_or_else(|error| panic!("{url}: {error}"));
    let subject = format!("$JS.API.{subject}");
    let question = if question.is_null() {
        String::new()
    } else {
        question.to_string()
    };
    let answer = tokio::time::timeout(PATIENCE, client.request(subject.clone(), question.into())).await;
    let Ok(Ok(answer)) = answer else {
        panic!("{subject}: no answer")
    };
    let answer: Value =
        serde_json::from_slice(&answer.payload).unwrap_or_else(|error| panic!("{subject}: {error}"));
    assert!(
        answer.get("error").is_none_or(Value::is_null),
        "{subject}: {answer}"
    );
    answer
}
