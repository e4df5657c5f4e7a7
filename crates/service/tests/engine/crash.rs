//! The server dies between storing an event and saying so.

use std::sync::Arc;

use futures_util::future::join_all;
use portbook_domain::Order;
use portbook_domain::ServiceName::Intake;
use portbook_service::Engine;
use portbook_wire::command::{CommandReply, Outcome};

use crate::orders::submit;
use crate::proxy::Proxy;
use crate::scene::{PATIENCE, Scene, eventually, rule_of, seq_of};

/// Sends a command until somebody knows what became of it.
async fn settled(engine: &Engine, order: &Order) -> CommandReply {
    let answered = async {
        loop {
            let reply = engine.execute(order).await;
            if reply.outcome != Outcome::Unavailable {
                return reply;
            }
        }
    };
    tokio::time::timeout(PATIENCE, answered).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_whose_acknowledgement_died_with_the_server_is_not_stored_twice() {
    let mut scene = Scene::open().await;
    let port = scene.server.port();
    let proxy = Proxy::to(port).await;
    let intake = Arc::new(scene.engine_at(&proxy.url(), Intake).await);

    proxy.mute_server(true);
    let waiting = tokio::spawn({
        let intake = Arc::clone(&intake);
        async move { intake.execute(&submit("CASE-1", "s")).await }
    });
    eventually(async || !scene.stored("CASE-1").await.is_empty()).await;
    scene.server.kill().await;
    let unknown = waiting.await.unwrap();
    assert_eq!(
        (unknown.outcome, rule_of(&unknown)),
        (Outcome::Unavailable, "not-acknowledged")
    );

    scene.server.restart_on(port).await;
    proxy.mute_server(false);
    let known = settled(&intake, &submit("CASE-1", "s")).await;
    assert_eq!(
        (known.outcome, known.case_version),
        (Outcome::Already, 1),
        "{known:?}"
    );
    let messages = scene.stored("CASE-1").await;
    assert_eq!(messages.len(), 1);
    assert_eq!(seq_of(&known), messages[0].seq);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_to_a_dead_server_can_be_sent_again() {
    let mut scene = Scene::open().await;
    let port = scene.server.port();
    let intake = scene.engine_at(scene.server.url(), Intake).await;
    scene.server.kill().await;
    let unknown = intake.execute(&submit("CASE-1", "s")).await;
    assert_eq!((unknown.outcome, unknown.case_version), (Outcome::Unavailable, 0));
    scene.server.restart_on(port).await;
    let known = settled(&intake, &submit("CASE-1", "s")).await;
    // What the connection still held may have been delivered after all; never both.
    assert!(
        matches!(known.outcome, Outcome::Accepted | Outcome::Already),
        "{known:?}"
    );
    let messages = scene.stored("CASE-1").await;
    assert_eq!(messages.len(), 1);
    assert_eq!(seq_of(&known), messages[0].seq);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_command_under_way_when_the_server_is_killed_is_accepted_once() {
    let mut scene = Scene::open().await;
    let port = scene.server.port();
    let intake = Arc::new(scene.engine(Intake).await);
    let orders: Vec<Order> = (0..300)
        .map(|number| submit(&format!("CASE-{number}"), "s"))
        .collect();
    let tasks: Vec<_> = orders
        .iter()
        .cloned()
        .map(|order| {
            let intake = Arc::clone(&intake);
            tokio::spawn(async move { settled(&intake, &order).await })
        })
        .collect();
    eventually(async || !scene.stored("CASE-0").await.is_empty()).await;
    scene.server.restart_on(port).await;
    for (order, reply) in orders.iter().zip(join_all(tasks).await) {
        let reply = reply.unwrap();
        assert!(
            matches!(reply.outcome, Outcome::Accepted | Outcome::Already),
            "{reply:?}"
        );
        let messages = scene.stored(order.case.as_str()).await;
        assert_eq!(messages.len(), 1, "{}", order.case);
        assert_eq!(messages[0].seq, seq_of(&reply));
    }
}
