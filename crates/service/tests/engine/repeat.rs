//! A command sent again: the same answer for ever.

use std::sync::Arc;

use futures_util::future::join_all;
use portbook_domain::ServiceName::{Intake, Licensing, Paperwork};
use portbook_service::EngineLimits;
use portbook_wire::command::Outcome;

use crate::orders::{ask, grant, submit, withdraw};
use crate::scene::{LIMITS, Scene, accepted, rule_of, seq_of};

#[tokio::test(flavor = "multi_thread")]
async fn a_command_sent_again_has_the_event_it_had() {
    let scene = Scene::open().await;
    let forgetful = EngineLimits {
        cases_cached_max: 1,
        ..LIMITS
    };
    let intake = scene.engine_within(Intake, forgetful).await;
    let seq = accepted(&intake, &submit("CASE-1", "s")).await;
    let remembered = intake.execute(&submit("CASE-1", "s")).await;
    for other in 2..5 {
        accepted(&intake, &submit(&format!("CASE-{other}"), "s")).await;
    }
    let forgotten = intake.execute(&submit("CASE-1", "s")).await;
    accepted(&intake, &withdraw("CASE-1", "w")).await;
    let restarted = scene.engine(Intake).await.execute(&submit("CASE-1", "s")).await;
    for reply in [&remembered, &forgotten, &restarted] {
        assert_eq!(
            (reply.outcome, seq_of(reply)),
            (Outcome::Already, seq),
            "{reply:?}"
        );
        assert_eq!(reply.events, remembered.events);
    }
    assert_eq!((forgotten.case_version, restarted.case_version), (1, 2));
    assert_eq!(scene.decided("CASE-1").await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_sent_again_keeps_the_terms_it_was_given() {
    let scene = Scene::open().await;
    accepted(&scene.engine(Intake).await, &submit("CASE-1", "s")).await;
    let paperwork = scene.engine(Paperwork).await;
    let first = accepted(&paperwork, &ask("CASE-1", "q1")).await;
    accepted(&paperwork, &ask("CASE-1", "q2")).await;
    let again = scene.engine(Paperwork).await.execute(&ask("CASE-1", "q1")).await;
    assert_eq!((again.outcome, seq_of(&again)), (Outcome::Already, first));
    assert_eq!(scene.decided("CASE-1").await.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_sent_by_many_at_once_is_accepted_once() {
    let scene = Scene::open().await;
    let engines = [scene.engine(Intake).await, scene.engine(Intake).await].map(Arc::new);
    let tasks = (0..32).map(|number: usize| {
        let engine = Arc::clone(&engines[number % 2]);
        tokio::spawn(async move { engine.execute(&submit("CASE-1", "s")).await })
    });
    let replies: Vec<_> = join_all(tasks).await.into_iter().map(Result::unwrap).collect();
    let accepted = replies
        .iter()
        .filter(|reply| reply.outcome == Outcome::Accepted)
        .count();
    let already = replies
        .iter()
        .filter(|reply| reply.outcome == Outcome::Already)
        .count();
    assert_eq!((accepted, already), (1, 31), "{replies:?}");
    assert!(replies.iter().all(|reply| reply.events == replies[0].events));
    assert_eq!(scene.stored("CASE-1").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_with_other_content_is_refused() {
    let scene = Scene::open().await;
    let intake = scene.engine(Intake).await;
    accepted(&intake, &submit("CASE-1", "s")).await;
    let licensing = scene.engine(Licensing).await;
    for (engine, reused) in [
        (&intake, withdraw("CASE-1", "s")),
        (&licensing, grant("CASE-1", "s")),
    ] {
        let reply = engine.execute(&reused).await;
        assert_eq!(
            (reply.outcome, rule_of(&reply)),
            (Outcome::Rejected, "command-id-reused")
        );
    }
    // Another case is another matter.
    accepted(&intake, &submit("CASE-2", "s")).await;
    assert_eq!(scene.stored("CASE-1").await.len(), 1);
}
