//! Engines that know nothing of each other, at work on one case.

use std::sync::Arc;

use futures_util::future::join_all;
use portbook_domain::EventData;
use portbook_domain::ServiceName::{Clearance, Intake, Licensing};
use portbook_service::{Engine, EngineLimits};
use portbook_wire::command::{CommandReply, Outcome};

use crate::orders::{declare, grant, submit};
use crate::scene::{LIMITS, Scene, accepted, rule_of, seq_of};

/// Sends a command again for as long as the answer says that this is right.
async fn settled(engine: &Engine, order: &portbook_domain::Order) -> CommandReply {
    loop {
        let reply = engine.execute(order).await;
        if !matches!(reply.outcome, Outcome::Conflict | Outcome::Unavailable) {
            return reply;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn racing_engines_lose_no_update_and_grant_no_gram_twice() {
    const MASS_G: u64 = 30;
    let scene = Scene::open().await;
    let case = "CASE-1";
    accepted(&scene.engine(Intake).await, &submit(case, "s")).await;
    accepted(&scene.engine(Licensing).await, &grant(case, "g")).await;
    let engines = [scene.engine(Clearance).await, scene.engine(Clearance).await].map(Arc::new);

    let declarations = (0..50).flat_map(|number| {
        engines.iter().zip(["a", "b"]).map(move |(engine, side)| {
            let (engine, name) = (Arc::clone(engine), format!("{side}{number}"));
            tokio::spawn(async move { settled(&engine, &declare(case, &name, &name, MASS_G)).await })
        })
    });
    let replies: Vec<CommandReply> = join_all(declarations)
        .await
        .into_iter()
        .map(Result::unwrap)
        .collect();

    let decided = scene.decided(case).await;
    let declared_g: u64 = decided
        .iter()
        .map(|(_, _, event)| match &event.data {
            EventData::ShipmentDeclared(it) => it.lines.iter().map(|line| line.cleared_g.get()).sum(),
            _ => 0,
        })
        .sum();
    // 33 times 30 g of the 1,000 g granted: one more would be too much, one less would be a lost update.
    assert_eq!(declared_g, 990);
    let mut told: Vec<u64> = replies
        .iter()
        .filter(|reply| !reply.events.is_empty())
        .map(seq_of)
        .collect();
    told.sort_unstable();
    let stored: Vec<u64> = decided.iter().skip(2).map(|(seq, _, _)| *seq).collect();
    assert_eq!(told, stored);
    let refused: Vec<&CommandReply> = replies.iter().filter(|reply| reply.events.is_empty()).collect();
    assert_eq!(refused.len(), 100 - 33);
    assert!(
        refused.iter().all(|reply| rule_of(reply) == "overdrawn"),
        "{refused:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_retry_the_loser_is_told_to_come_again() {
    let scene = Scene::open().await;
    let case = "CASE-1";
    accepted(&scene.engine(Intake).await, &submit(case, "s")).await;
    accepted(&scene.engine(Licensing).await, &grant(case, "g")).await;
    let first = scene.engine(Clearance).await;
    let second = scene
        .engine_within(
            Clearance,
            EngineLimits {
                conflict_retries_max: 0,
                ..LIMITS
            },
        )
        .await;
    accepted(&second, &declare(case, "d1", "D1", 1)).await;
    accepted(&first, &declare(case, "d2", "D2", 1)).await;

    let lost = second.execute(&declare(case, "d3", "D3", 1)).await;
    assert_eq!(
        (lost.outcome, rule_of(&lost)),
        (Outcome::Conflict, "case-moved-on")
    );
    assert_eq!(scene.decided(case).await.len(), 4);
    accepted(&second, &declare(case, "d3", "D3", 1)).await;
    assert_eq!(scene.decided(case).await.len(), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_cases_are_decided_side_by_side() {
    let scene = Scene::open().await;
    let intake = Arc::new(
        scene
            .engine_within(
                Intake,
                EngineLimits {
                    cases_cached_max: 16,
                    ..LIMITS
                },
            )
            .await,
    );
    let tasks = (0..256).map(|number| {
        let intake = Arc::clone(&intake);
        tokio::spawn(async move { intake.execute(&submit(&format!("CASE-{number}"), "s")).await })
    });
    let mut seqs: Vec<u64> = join_all(tasks)
        .await
        .into_iter()
        .map(|reply| seq_of(&reply.unwrap()))
        .collect();
    seqs.sort_unstable();
    assert_eq!(seqs, (1..=256).collect::<Vec<u64>>());
}
