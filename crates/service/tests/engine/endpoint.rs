//! Services on the bus and the client that asks them.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use portbook_bus::{ApiError, Bus, Identity, RequestError};
use portbook_domain::ServiceName::{self, Intake};
use portbook_service::{Client, ClientError, Remit, serve};
use portbook_wire::command::{Outcome, parse_reply};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::orders::{answer, ask, grant, submit, withdraw};
use crate::scene::{PATIENCE, Scene, eventually, identity, rule_of};

/// A service that runs until told to stop.
struct Running {
    stop: oneshot::Sender<()>,
    task: JoinHandle<Result<(), ApiError>>,
}

impl Running {
    async fn start(scene: &Scene, service: ServiceName) -> Self {
        let engine = Arc::new(scene.engine(service).await);
        let bus = scene.server.connect(identity(service)).await;
        let (stop, stopped) = oneshot::channel::<()>();
        let task = tokio::spawn(async move {
            serve(&bus, engine, 512, async { stopped.await.unwrap_or_default() }).await
        });
        Self { stop, task }
    }

    async fn stop(self) {
        self.stop.send(()).unwrap();
        tokio::time::timeout(PATIENCE, self.task)
            .await
            .unwrap()
            .unwrap()
            .unwrap();
    }
}

/// Waits until the service answers at all.
async fn reachable(bus: &Bus, service: ServiceName) {
    let subject = format!("portbook.cmd.{}.{}", service.name(), Remit::of(service).verbs[0]);
    eventually(async || {
        bus.request(&subject, Bytes::from_static(b"?"), PATIENCE)
            .await
            .is_ok()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_find_their_service() {
    let scene = Scene::open().await;
    let bus = scene.server.connect(Identity::Client).await;
    let mut services = Vec::new();
    for service in ServiceName::ALL {
        services.push(Running::start(&scene, *service).await);
        reachable(&bus, *service).await;
    }
    let client = Client::new(&bus, PATIENCE);
    let case = "CASE-1";
    for order in [
        submit(case, "s"),
        ask(case, "q"),
        answer(case, "a", "licensing-1"),
        grant(case, "g"),
    ] {
        let reply = client.request(&order).await.unwrap();
        assert_eq!(reply.outcome, Outcome::Accepted, "{reply:?}");
        let again = client.request(&order).await.unwrap();
        assert_eq!((again.outcome, &again.events), (Outcome::Already, &reply.events));
    }
    for service in services {
        service.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_is_answered_with_place_and_rule() {
    let scene = Scene::open().await;
    let bus = scene.server.connect(Identity::Client).await;
    let intake = Running::start(&scene, Intake).await;
    reachable(&bus, Intake).await;
    let ask = async |verb: &str, body: &str| {
        let subject = format!("portbook.cmd.intake.{verb}");
        let answer = bus
            .request(&subject, Bytes::from(body.to_owned()), PATIENCE)
            .await
            .unwrap();
        parse_reply(&answer).unwrap()
    };
    let withdrawal = |fields: &str| {
        format!(r#"{{"command_id":"w","case":"CASE-1","command":{{"withdraw-application":{fields}}}}}"#)
    };
    for (body, rule, place) in [
        ("{".to_owned(), "not-json", "byte 1"),
        ("7".to_owned(), "wrong-kind", "the document"),
        (
            withdrawal("{}"),
            "field-missing",
            "/command/withdraw-application: ",
        ),
        (
            withdrawal(r#"{"reason_code":7}"#),
            "wrong-kind",
            "/command/withdraw-application/reason_code: ",
        ),
        (
            withdrawal(r#"{"reason_code":null}"#),
            "null",
            "/command/withdraw-application/reason_code: ",
        ),
        (
            withdrawal(r#"{"reason_code":"x","why":"y"}"#),
            "field-unknown",
            "\"why\"",
        ),
        (
            format!("{}{}", withdrawal(r#"{"reason_code":"x"}"#), " ".repeat(40_000)),
            "request-too-large",
            "bytes",
        ),
    ] {
        let reply = ask("withdraw-application", &body).await;
        assert_eq!(
            (reply.outcome, rule_of(&reply)),
            (Outcome::Invalid, rule),
            "{reply:?}"
        );
        assert_eq!((&reply.command_id, reply.case_version), (&None, 0));
        let message = &reply.rejection.as_ref().unwrap().message;
        assert!(message.contains(place), "{message}");
    }
    let reply = ask("submit-application", &withdrawal(r#"{"reason_code":"x"}"#)).await;
    assert_eq!(
        (reply.outcome, rule_of(&reply)),
        (Outcome::Invalid, "wrong-endpoint")
    );
    assert_eq!(reply.command_id.unwrap().as_str(), "w");
    assert!(scene.stored("CASE-1").await.is_empty());
    intake.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopping_service_answers_what_it_took() {
    let scene = Scene::open().await;
    let bus = scene.server.connect(Identity::Client).await;
    let intake = Running::start(&scene, Intake).await;
    reachable(&bus, Intake).await;
    let client = Client::new(&bus, Duration::from_secs(3));
    let requests: Vec<_> = (0..200)
        .map(|number| {
            let client = client.clone();
            tokio::spawn(async move { client.request(&submit(&format!("CASE-{number}"), "s")).await })
        })
        .collect();
    eventually(async || !scene.stored("CASE-0").await.is_empty()).await;
    intake.stop().await;
    for (number, request) in requests.into_iter().enumerate() {
        let accepted = match request.await.unwrap() {
            Ok(reply) => reply.outcome == Outcome::Accepted,
            // It came after the end, or was on its way; nothing may have been decided.
            Err(ClientError::Request(_)) => false,
            Err(error) => panic!("request {number}: {error}"),
        };
        assert_eq!(
            scene.stored(&format!("CASE-{number}")).await.len(),
            usize::from(accepted),
            "request {number}"
        );
    }
    let late = client.request(&withdraw("CASE-0", "w")).await.unwrap_err();
    assert!(
        matches!(
            late,
            ClientError::Request(RequestError::Api(ApiError::NoResponders { .. }))
        ),
        "{late}"
    );
}
