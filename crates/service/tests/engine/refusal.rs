//! Commands that no case has to be asked about.

use jiff::Timestamp;
use portbook_domain::ServiceName::{Intake, Licensing, Paperwork};
use portbook_service::{Clock, Engine, EngineError, EngineParts};
use portbook_wire::command::Outcome;
use serde_json::{Value, json};

use crate::orders::{grant, order, submit};
use crate::scene::{Scene, accepted, key, rule_of};

#[tokio::test(flavor = "multi_thread")]
async fn a_command_for_another_service_is_invalid() {
    let scene = Scene::open().await;
    let intake = scene.engine(Intake).await;
    let reply = intake.execute(&grant("CASE-1", "g")).await;
    assert_eq!(
        (reply.outcome, rule_of(&reply)),
        (Outcome::Invalid, "wrong-service")
    );
    let message = reply.rejection.unwrap().message;
    assert_eq!(
        message,
        "/command: grant-license is not for intake, but for licensing"
    );
    let customs = json!({"stage": "customs", "authority": "GACC", "reason": "x", "declaration_no": "D1"});
    let reply = scene
        .engine(Paperwork)
        .await
        .execute(&order("CASE-1", "q", "raise-query", &customs))
        .await;
    assert_eq!(
        (reply.outcome, rule_of(&reply)),
        (Outcome::Invalid, "wrong-service")
    );
    assert!(scene.stored("CASE-1").await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_policy_nothing_is_decided() {
    let scene = Scene::open().await;
    let clock = Clock::new(|| "2024-11-30T00:00:00Z".parse::<Timestamp>().unwrap());
    let parts = EngineParts {
        clock,
        ..scene.parts(Intake).await
    };
    let reply = Engine::new(parts).unwrap().execute(&submit("CASE-1", "s")).await;
    assert_eq!(
        (reply.outcome, rule_of(&reply)),
        (Outcome::Rejected, "no-policy-in-force")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_go_in_by_digest() {
    let scene = Scene::open().await;
    let document = json!({"kind": "k".repeat(500), "sha256": "0".repeat(64), "media_type": "m".repeat(500)});
    let mut fields = json!({"reason_code": "r".repeat(400)});
    fields["evidence"] = Value::Array(vec![document; 29]);
    let intake = scene.engine(Intake).await;
    accepted(&intake, &submit("CASE-1", "s")).await;
    let reply = intake
        .execute(&order("CASE-1", "w", "withdraw-application", &fields))
        .await;
    assert_eq!(
        (reply.outcome, rule_of(&reply)),
        (Outcome::Rejected, "event-too-large"),
        "{reply:?}"
    );
    assert_eq!(scene.stored("CASE-1").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_must_know_its_own_key() {
    let scene = Scene::open().await;
    let parts = EngineParts {
        key: key(Licensing),
        ..scene.parts(Intake).await
    };
    let error = Engine::new(parts).unwrap_err();
    assert!(
        matches!(error, EngineError::KeyUnknown { service: Intake, .. }),
        "{error}"
    );
}
