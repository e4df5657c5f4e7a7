//! The same promises on three nodes, with leaders killed in between.
#![expect(clippy::unwrap_used, reason = "a test's helpers")]

#[path = "support/case.rs"]
mod case;

use std::collections::BTreeSet;
use std::time::Duration;

use case::event;
use portbook_bus::{Identity, Log, PublishError, PublishLimits, Publisher, Reader, ReaderSpec};
use portbook_testkit::cluster::NatsCluster;
use tokio::task::JoinSet;

const PATIENCE: Duration = Duration::from_mins(1);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writers_racing_over_three_nodes_lose_no_update() {
    let cluster = NatsCluster::start().await;
    let mut writers = JoinSet::new();
    for writer in 0..12 {
        let identity = if writer % 2 == 0 {
            Identity::Licensing
        } else {
            Identity::Clearance
        };
        let bus = cluster.connect(identity).await;
        writers.spawn(async move {
            let (publisher, log) = (
                Publisher::start(&bus, PublishLimits::default()),
                Log::ledger(&bus),
            );
            let (mut won, mut last) = (Vec::new(), 0);
            while won.len() < 20 {
                match publisher
                    .publish(event("RACE", writer * 100_000 + last, Some(last)))
                    .await
                {
                    Ok(appended) => {
                        won.push((last, appended.seq));
                        last = appended.seq;
                    }
                    Err(PublishError::Conflict { found, .. }) => {
                        let case = log
                            .load_subject_through("portbook.events.RACE", found)
                            .await
                            .unwrap();
                        last = case.last().unwrap().seq;
                    }
                    Err(error) => panic!("{error}"),
                }
            }
            won
        });
    }
    let mut links = BTreeSet::new();
    while let Some(won) = writers.join_next().await {
        links.extend(won.unwrap());
    }
    assert_eq!(links.len(), 240);
    let mut at = 0;
    for &(from, to) in &links {
        assert_eq!(from, at, "an update was lost");
        at = to;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_killed_one_after_the_other_cost_nothing_and_double_nothing() {
    const CASES: u64 = 64;
    const PLACES: u64 = 150;
    let mut cluster = NatsCluster::start().await;
    let bus = cluster.connect(Identity::Licensing).await;
    let limits = PublishLimits {
        deadline: Duration::from_mins(2),
        ..PublishLimits::default()
    };
    let publisher = Publisher::start(&bus, limits);
    let mut cases = JoinSet::new();
    for case in 0..CASES {
        let publisher = publisher.clone();
        cases.spawn(async move {
            let mut last = 0;
            for place in 0..PLACES {
                last = publisher
                    .publish(event(&format!("K{case}"), place, Some(last)))
                    .await
                    .unwrap()
                    .seq;
            }
        });
    }
    let projector = cluster.connect(Identity::Projector).await;
    let spec = ReaderSpec {
        stream: "PORTBOOK".into(),
        start_seq: 1,
        batch: 1_000,
    };
    let mut reader = Reader::open(&projector, spec).await.unwrap();
    for node in 0..3 {
        let until = (u64::try_from(node).unwrap() + 1) * CASES * PLACES / 4;
        read_until(&mut reader, until).await;
        cluster.kill_node(node);
        read_until(&mut reader, until + 200).await;
        cluster.start_node(node);
    }
    read_until(&mut reader, CASES * PLACES + 1).await;
    while let Some(done) = cases.join_next().await {
        done.unwrap();
    }
    assert_eq!(
        bus.stream_identity("PORTBOOK").await.unwrap().messages,
        CASES * PLACES
    );
}

async fn read_until(reader: &mut Reader, next_seq: u64) {
    let reached = async {
        while reader.next_seq() < next_seq {
            reader.next(10_000, Duration::from_secs(1)).await.unwrap();
        }
    };
    let reached = tokio::time::timeout(PATIENCE, reached).await;
    assert!(
        reached.is_ok(),
        "stuck before {}, on the way to {next_seq}",
        reader.next_seq()
    );
}
