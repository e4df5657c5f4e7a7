//! Engines that know nothing of each other, at work on one case.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::future::join_all;
use portbook_domain::ServiceName::{Clearance, Intake, Licensing};
use portbook_domain::{EventData, Order};
use portbook_service::{Engine, EngineLimits, EngineParts, IdSource};
use portbook_wire::command::{CommandReply, Outcome};
use tokio::runtime::Handle;
use uuid::Uuid;

use crate::orders::{declare, grant, submit};
use crate::scene::{LIMITS, Scene, accepted, rule_of, seq_of};

const CASE: &str = "CASE-1";

/// Sends a command again for as long as the answer says that this is right.
async fn settled(engine: &Engine, order: &Order) -> CommandReply {
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
    accepted(&scene.engine(Intake).await, &submit(CASE, "s")).await;
    accepted(&scene.engine(Licensing).await, &grant(CASE, "g")).await;
    let engines = [scene.engine(Clearance).await, scene.engine(Clearance).await].map(Arc::new);

    let declarations = (0..50).flat_map(|number| {
        engines.iter().zip(["a", "b"]).map(move |(engine, side)| {
            let (engine, name) = (Arc::clone(engine), format!("{side}{number}"));
            tokio::spawn(async move { settled(&engine, &declare(CASE, &name, &name, MASS_G)).await })
        })
    });
    let replies: Vec<CommandReply> = join_all(declarations)
        .await
        .into_iter()
        .map(Result::unwrap)
        .collect();

    let decided = scene.decided(CASE).await;
    let mut declared_g = 0;
    for (_, _, event) in &decided {
        if let EventData::ShipmentDeclared(it) = &event.data {
            declared_g += it.lines.iter().map(|line| line.cleared_g.get()).sum::<u64>();
        }
    }
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

/// Names that are drawn between decision and publication; just then `rival` declares something on the case, the first
/// `times` times.
fn interrupted(rival: Arc<Engine>, times: usize, drawn: Arc<AtomicUsize>) -> IdSource {
    IdSource::new(move || {
        let number = drawn.fetch_add(1, Ordering::SeqCst);
        if number < times {
            let name = format!("rival-{number}-of-{times}");
            let declared = declare(CASE, &name, &name, 1);
            tokio::task::block_in_place(|| Handle::current().block_on(accepted(&rival, &declared)));
        }
        Uuid::now_v7()
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_case_that_moves_on_is_decided_again_so_often_and_no_more() {
    const RETRIES_MAX: u32 = 2;
    let scene = Scene::open().await;
    accepted(&scene.engine(Intake).await, &submit(CASE, "s")).await;
    accepted(&scene.engine(Licensing).await, &grant(CASE, "g")).await;
    let rival = Arc::new(scene.engine(Clearance).await);
    let limits = EngineLimits {
        conflict_retries_max: RETRIES_MAX,
        ..LIMITS
    };
    for (times, outcome, rule) in [
        (2, Outcome::Accepted, "none"),
        (3, Outcome::Conflict, "case-moved-on"),
    ] {
        let drawn = Arc::new(AtomicUsize::new(0));
        let ids = interrupted(Arc::clone(&rival), times, Arc::clone(&drawn));
        let parts = EngineParts {
            ids,
            limits,
            ..scene.parts(Clearance).await
        };
        let clearance = Engine::new(parts).unwrap();
        let name = format!("d{times}");
        let reply = clearance.execute(&declare(CASE, &name, &name, 1)).await;
        assert_eq!((reply.outcome, rule_of(&reply)), (outcome, rule), "{reply:?}");
        assert_eq!(drawn.load(Ordering::SeqCst), 3);
        // Sending the same command again is right either way.
        let again = clearance.execute(&declare(CASE, &name, &name, 1)).await;
        assert_eq!(
            again.case_version,
            u64::try_from(scene.decided(CASE).await.len()).unwrap()
        );
        assert_eq!(again.events.len(), 1, "{again:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_memory_costs_no_retry() {
    let scene = Scene::open().await;
    let limits = EngineLimits {
        conflict_retries_max: 0,
        ..LIMITS
    };
    accepted(&scene.engine(Intake).await, &submit(CASE, "s")).await;
    accepted(&scene.engine(Licensing).await, &grant(CASE, "g")).await;
    let clearances = [
        scene.engine_within(Clearance, limits).await,
        scene.engine_within(Clearance, limits).await,
    ];
    for number in 0..6 {
        let name = format!("d{number}");
        accepted(&clearances[number % 2], &declare(CASE, &name, &name, 1)).await;
    }
    // Taking a case to be new is such a memory too.
    let again = scene
        .engine_within(Intake, limits)
        .await
        .execute(&submit(CASE, "s"))
        .await;
    assert_eq!(again.outcome, Outcome::Already, "{again:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_on_one_case_queue_up_within_an_engine() {
    let scene = Scene::open().await;
    accepted(&scene.engine(Intake).await, &submit(CASE, "s")).await;
    accepted(&scene.engine(Licensing).await, &grant(CASE, "g")).await;
    let limits = EngineLimits {
        conflict_retries_max: 0,
        ..LIMITS
    };
    let clearance = Arc::new(scene.engine_within(Clearance, limits).await);
    let tasks = (0..30).map(|number| {
        let clearance = Arc::clone(&clearance);
        let name = format!("d{number}");
        tokio::spawn(async move { clearance.execute(&declare(CASE, &name, &name, 1)).await })
    });
    for reply in join_all(tasks).await {
        assert_eq!(reply.unwrap().outcome, Outcome::Accepted);
    }
    assert_eq!(scene.decided(CASE).await.len(), 32);
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
