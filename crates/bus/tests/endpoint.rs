//! Command endpoints: found, answered, bounded, drained.

#[path = "support/raw.rs"]
mod raw;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt as _;
use portbook_bus::{ApiError, Endpoint, Endpoints, Failure, Identity, RequestError};
use portbook_testkit::nats::NatsServer;
use tokio::sync::{Notify, Semaphore};

const TIMEOUT: Duration = Duration::from_secs(10);
const SUBJECT: &str = "portbook.cmd.licensing.grant-license";

fn endpoint(handler: impl Fn(Bytes) -> portbook_bus::Answer + Send + Sync + 'static) -> Vec<Endpoint> {
    vec![Endpoint {
        verb: "grant-license".into(),
        subject: SUBJECT.into(),
        handler: Arc::new(handler),
    }]
}

fn echo() -> Vec<Endpoint> {
    endpoint(|body| {
        Box::pin(async move {
            if body.is_empty() {
                let message = "an empty\r\ncommand".to_owned();
                return Err(Failure { code: 400, message });
            }
            Ok(body)
        })
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_is_answered_and_a_failure_is_told() {
    let server = NatsServer::start().await;
    let service = server.connect(Identity::Licensing).await;
    let endpoints = Endpoints::serve(&service, "licensing", "0.1.0", echo(), 8)
        .await
        .unwrap();
    let client = server.connect(Identity::Client).await;
    let answer = client
        .request(SUBJECT, Bytes::from_static(b"{}"), TIMEOUT)
        .await
        .unwrap();
    assert_eq!(answer, "{}");
    let failed = client.request(SUBJECT, Bytes::new(), TIMEOUT).await.unwrap_err();
    let RequestError::Failed(failure) = failed else {
        panic!("{failed}")
    };
    assert_eq!(
        failure,
        Failure {
            code: 400,
            message: "an empty  command".into()
        }
    );

    endpoints.drain().await;
    let gone = client
        .request(SUBJECT, Bytes::from_static(b"{}"), TIMEOUT)
        .await
        .unwrap_err();
    assert!(
        matches!(gone, RequestError::Api(ApiError::NoResponders { .. })),
        "{gone}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_is_found_by_its_name() {
    let server = NatsServer::start().await;
    let service = server.connect(Identity::Licensing).await;
    let _endpoints = Endpoints::serve(&service, "licensing", "0.1.0", echo(), 8)
        .await
        .unwrap();
    let (client, _) = raw::client(&server, Identity::Client).await;
    let info = client.request("$SRV.INFO.licensing", Bytes::new()).await.unwrap();
    let info: serde_json::Value = serde_json::from_slice(&info.payload).unwrap();
    assert_eq!(info["endpoints"][0]["name"], "grant-license");
    assert_eq!(info["endpoints"][0]["subject"], SUBJECT);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_so_many_at_once_and_drained_ones_are_answered() {
    let server = NatsServer::start().await;
    let service = server.connect(Identity::Licensing).await;
    let (gate, entered) = (Arc::new(Semaphore::new(0)), Arc::new(Notify::new()));
    let running = Arc::new(AtomicUsize::new(0));
    let slow = endpoint({
        let (gate, entered, running) = (Arc::clone(&gate), Arc::clone(&entered), Arc::clone(&running));
        move |body| {
            let (gate, entered, running) = (Arc::clone(&gate), Arc::clone(&entered), Arc::clone(&running));
            Box::pin(async move {
                assert!(
                    running.fetch_add(1, Ordering::SeqCst) < 2,
                    "more than two at once"
                );
                entered.notify_one();
                gate.acquire().await.unwrap().forget();
                running.fetch_sub(1, Ordering::SeqCst);
                Ok(body)
            })
        }
    });
    let endpoints = Endpoints::serve(&service, "licensing", "0.1.0", slow, 2)
        .await
        .unwrap();
    let client = server.connect(Identity::Client).await;
    let ask = |text: &'static str| {
        let client = client.clone();
        tokio::spawn(async move {
            client
                .request(SUBJECT, Bytes::from_static(text.as_bytes()), TIMEOUT)
                .await
        })
    };
    let (one, two) = (ask("1"), ask("2"));
    entered.notified().await;
    while running.load(Ordering::SeqCst) < 2 {
        tokio::task::yield_now().await;
    }
    let busy = ask("3").await.unwrap().unwrap_err();
    assert!(
        matches!(busy, RequestError::Failed(Failure { code: 503, .. })),
        "{busy}"
    );

    let draining = tokio::spawn(endpoints.drain());
    gate.add_permits(2);
    assert_eq!(one.await.unwrap().unwrap(), "1");
    assert_eq!(two.await.unwrap().unwrap(), "2");
    draining.await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_instances_share_the_load() {
    let server = NatsServer::start().await;
    let (one, two) = (
        server.connect(Identity::Licensing).await,
        server.connect(Identity::Licensing).await,
    );
    let answered = Arc::new(AtomicUsize::new(0));
    let counting = || {
        let answered = Arc::clone(&answered);
        endpoint(move |body| {
            answered.fetch_add(1, Ordering::SeqCst);
            Box::pin(async move { Ok(body) })
        })
    };
    let _one = Endpoints::serve(&one, "licensing", "0.1.0", counting(), 8)
        .await
        .unwrap();
    let _two = Endpoints::serve(&two, "licensing", "0.1.0", counting(), 8)
        .await
        .unwrap();
    let client = server.connect(Identity::Client).await;
    let asked = futures_util::stream::iter(0..100)
        .then(|_| client.request(SUBJECT, Bytes::from_static(b"{}"), TIMEOUT))
        .filter(|answer| std::future::ready(answer.is_ok()));
    assert_eq!(asked.count().await, 100);
    assert_eq!(
        answered.load(Ordering::SeqCst),
        100,
        "a request was answered twice"
    );
}

#[tokio::test]
async fn a_name_that_is_none_is_refused() {
    let server = NatsServer::start().await;
    let service = server.connect(Identity::Licensing).await;
    let refused = Endpoints::serve(&service, "a name", "0.1.0", echo(), 8)
        .await
        .unwrap_err();
    assert!(matches!(refused, ApiError::Unsendable { .. }), "{refused}");
}
