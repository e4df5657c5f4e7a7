//! Group commit: guards hold, only the guilty conflict, nothing is stored twice or lost.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test's helpers")]

#[path = "support/case.rs"]
mod case;
#[path = "support/operator.rs"]
mod operator;
#[path = "support/raw.rs"]
mod raw;

use std::collections::BTreeSet;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use case::event;
use operator::operate;
use portbook_bus::{Identity, Log, Outgoing, PublishError, PublishLimits, Publisher};
use portbook_testkit::nats::NatsServer;
use serde_json::json;
use tokio::task::JoinSet;

/// Messages [`together`] stores beside those it is given.
const HELD_UP_BY: u64 = 1;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn guarded_publishers_side_by_side_each_keep_their_own_order() {
    let server = NatsServer::with_streams().await;
    let bus = server.connect(Identity::Licensing).await;
    let publisher = Publisher::start(&bus, PublishLimits::default());
    let mut cases = JoinSet::new();
    for case in 0..256 {
        let publisher = publisher.clone();
        cases.spawn(async move {
            let mut last = 0;
            for place in 0..20 {
                let appended = publisher
                    .publish(event(&format!("C{case}"), place, Some(last)))
                    .await
                    .unwrap();
                assert!(appended.seq > last && !appended.duplicate);
                last = appended.seq;
            }
        });
    }
    while let Some(done) = cases.join_next().await {
        done.unwrap();
    }
    let log = Log::ledger(&bus);
    for case in 0..256 {
        let stored = log
            .load_subject(&format!("portbook.events.C{case}"))
            .await
            .unwrap();
        let bodies: Vec<_> = stored.iter().map(|stored| stored.body.clone()).collect();
        let expected: Vec<_> = (0..20)
            .map(|place| event(&format!("C{case}"), place, None).body)
            .collect();
        assert_eq!(bodies, expected);
    }
    let identity = bus.stream_identity("PORTBOOK").await.unwrap();
    assert_eq!((identity.messages, identity.last_seq), (256 * 20, 256 * 20));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writers_racing_on_one_subject_lose_no_update() {
    let server = NatsServer::with_streams().await;
    let mut writers = JoinSet::new();
    for writer in 0..12 {
        // Six through one connection and publisher each, so that both kinds of race happen: inside a group and between two.
        let bus = server
            .connect(if writer % 2 == 0 {
                Identity::Licensing
            } else {
                Identity::Clearance
            })
            .await;
        writers.spawn(async move {
            let (publisher, log) = (
                Publisher::start(&bus, PublishLimits::default()),
                Log::ledger(&bus),
            );
            let (mut won, mut last) = (Vec::new(), 0);
            while won.len() < 20 {
                match publisher
                    .publish(event("RACE", writer * 1_000 + last, Some(last)))
                    .await
                {
                    Ok(appended) => {
                        assert!(!appended.duplicate);
                        won.push((last, appended.seq));
                        last = appended.seq;
                    }
                    Err(PublishError::Conflict { found, expected, .. }) => {
                        assert!(found > expected);
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
    // Each update rests on the one before: 240 links form one chain without a fork.
    assert_eq!(links.len(), 240);
    let mut at = 0;
    for &(from, to) in &links {
        assert_eq!(from, at, "an update was lost");
        at = to;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_refused_batch_only_the_guilty_conflict() {
    let server = NatsServer::with_streams().await;
    let bus = server.connect(Identity::Licensing).await;
    let publisher = Publisher::start(&bus, PublishLimits::default());
    let taken = publisher.publish(event("G7", 0, Some(0))).await.unwrap();
    let results = together(
        &publisher,
        (0..100).map(|case| event(&format!("G{case}"), 1, Some(0))),
    )
    .await;
    for (case, result) in results.iter().enumerate() {
        if case == 7 {
            let subject = "portbook.events.G7".to_owned();
            assert_eq!(
                *result,
                Err(PublishError::Conflict {
                    subject,
                    expected: 0,
                    found: taken.seq
                })
            );
        } else {
            assert!(
                result.as_ref().is_ok_and(|appended| !appended.duplicate),
                "{case}: {result:?}"
            );
        }
    }
    assert_eq!(
        bus.stream_identity("PORTBOOK").await.unwrap().messages,
        1 + HELD_UP_BY + 99
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_that_gather_leave_as_one_atomic_batch() {
    let server = NatsServer::with_streams().await;
    let bus = server.connect(Identity::Licensing).await;
    let publisher = Publisher::start(&bus, PublishLimits::default());
    let results = together(
        &publisher,
        (0..100).map(|case| event(&format!("B{case}"), 1, Some(0))),
    )
    .await;
    assert!(results.iter().all(Result::is_ok), "{results:?}");

    let raw = raw_headers(&server, 60).await;
    assert!(
        raw.contains("Nats-Batch-Id"),
        "message 60 was published singly: {raw}"
    );
    assert!(raw.contains("Portbook-Signature: licensing-1:1"), "{raw}");
    assert!(
        raw.contains("Content-Type: application/cloudevents+json"),
        "{raw}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_message_again_is_not_stored_again() {
    let server = NatsServer::with_streams().await;
    let bus = server.connect(Identity::Licensing).await;
    let publisher = Publisher::start(&bus, PublishLimits::default());
    let first = publisher.publish(event("AGAIN", 1, Some(0))).await.unwrap();
    let later = publisher
        .publish(event("AGAIN", 2, Some(first.seq)))
        .await
        .unwrap();
    // As after a lost acknowledgement, even when somebody else has moved the case on.
    let again = publisher.publish(event("AGAIN", 1, Some(0))).await.unwrap();
    assert_eq!((again.seq, again.duplicate), (first.seq, true));
    let other = publisher.publish(event("AGAIN", 3, Some(0))).await.unwrap_err();
    assert!(matches!(other, PublishError::Conflict { expected: 0, found, .. } if found == later.seq));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_used_message_id_does_not_make_an_event_vanish() {
    let server = NatsServer::with_streams().await;
    let bus = server.connect(Identity::Licensing).await;
    let publisher = Publisher::start(&bus, PublishLimits::default());
    let real = event("REAL", 1, Some(0));
    let poison = Outgoing {
        msg_id: real.msg_id.clone(),
        ..event("POISON", 1, Some(0))
    };
    let seq = publisher.publish(poison).await.unwrap().seq;
    let error = publisher.publish(real.clone()).await.unwrap_err();
    assert_eq!(
        error,
        PublishError::Poisoned {
            subject: real.subject.clone(),
            msg_id: real.msg_id.clone(),
            seq
        }
    );

    // In a group too, and it takes nobody else with it.
    let others = (0..20).map(|case| event(&format!("P{case}"), 1, Some(0)));
    let results = together(&publisher, std::iter::once(real).chain(others)).await;
    assert!(
        matches!(results[0], Err(PublishError::Poisoned { .. })),
        "{:?}",
        results[0]
    );
    assert!(results[1..].iter().all(Result::is_ok), "{results:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_permission_is_named_and_not_a_timeout() {
    let server = NatsServer::with_streams().await;
    let auditor = server.connect(Identity::Auditor).await;
    let publisher = Publisher::start(&auditor, PublishLimits::default());
    let subject = "portbook.events.DENIED".to_owned();
    let refused = publisher.publish(event("DENIED", 1, Some(0))).await;
    assert_eq!(refused, Err(PublishError::Denied { subject }));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_that_is_no_message_takes_nobody_with_it() {
    let server = NatsServer::with_streams().await;
    let bus = server.connect(Identity::Licensing).await;
    let publisher = Publisher::start(&bus, PublishLimits::default());
    let bad_header = Outgoing {
        signature: Some("k:s\r\nNats-Rollup: all".into()),
        ..event("H", 1, Some(0))
    };
    let bad_subject = Outgoing {
        subject: "portbook.events.A B".into(),
        ..event("S", 1, Some(0))
    };
    let too_large = Outgoing {
        body: vec![b' '; 41 * 1024].into(),
        ..event("L", 1, Some(0))
    };
    let others = (0..20).map(|case| event(&format!("O{case}"), 1, Some(0)));
    let results = together(
        &publisher,
        [bad_header, bad_subject, too_large].into_iter().chain(others),
    )
    .await;
    assert!(
        matches!(results[0], Err(PublishError::Unsendable { .. })),
        "{:?}",
        results[0]
    );
    assert!(
        matches!(results[1], Err(PublishError::Unsendable { .. })),
        "{:?}",
        results[1]
    );
    assert!(
        matches!(results[2], Err(PublishError::Refused { code: 10_054, .. })),
        "{:?}",
        results[2]
    );
    assert!(results[3..].iter().all(Result::is_ok), "{results:?}");
    assert_eq!(
        bus.stream_identity("PORTBOOK").await.unwrap().messages,
        HELD_UP_BY + 20
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_is_stored_in_order_and_once() {
    let server = NatsServer::with_streams().await;
    let bus = server.connect(Identity::Importer).await;
    let publisher = Publisher::start(&bus, PublishLimits::default());
    let file: Vec<_> = (0..2_500)
        .map(|line| event(&format!("I{}", line % 7), line, None))
        .collect();
    let seqs: Vec<u64> = seqs(publisher.publish_batch(file.clone()).await);
    assert_eq!(seqs, (1..=2_500).collect::<Vec<_>>());
    let again = publisher.publish_batch(file[..40].to_vec()).await;
    assert!(
        again
            .iter()
            .all(|result| result.as_ref().is_ok_and(|appended| appended.duplicate)),
        "{again:?}"
    );
    assert_eq!(bus.stream_identity("PORTBOOK").await.unwrap().messages, 2_500);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_that_is_begun_is_stored_when_it_is_committed_and_not_before() {
    let mut server = NatsServer::with_streams().await;
    let bus = server.connect(Identity::Importer).await;
    let publisher = Publisher::start(&bus, PublishLimits::default());
    let batch = |case: &str| (0..1_000).map(|line| event(case, line, None)).collect::<Vec<_>>();
    let first = publisher.begin_batch(batch("FIRST")).await;
    let second = publisher.begin_batch(batch("SECOND")).await;
    drop(publisher.begin_batch(batch("NEVER")).await);
    assert_eq!(bus.stream_identity("PORTBOOK").await.unwrap().messages, 0);
    assert_eq!(seqs(second.commit().await), (1..=1_000).collect::<Vec<_>>());
    assert_eq!(seqs(first.commit().await), (1_001..=2_000).collect::<Vec<_>>());
    // What was begun and given up is in nobody's way.
    let again = publisher.publish_batch(batch("NEVER")).await;
    assert_eq!(seqs(again), (2_001..=3_000).collect::<Vec<_>>());
    // A server that comes again has forgotten what was begun.
    let forgotten = publisher.begin_batch(batch("FORGOTTEN")).await;
    server.restart_on(server.port()).await;
    assert_eq!(
        seqs(forgotten.commit().await),
        (3_001..=4_000).collect::<Vec<_>>()
    );
    assert_eq!(bus.stream_identity("PORTBOOK").await.unwrap().messages, 4_000);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_server_is_gone_publishers_wait_and_say_so() {
    let mut server = NatsServer::with_streams().await;
    let bus = server.connect(Identity::Licensing).await;
    let limits = PublishLimits {
        ack_timeout: Duration::from_millis(50),
        deadline: Duration::from_millis(200),
        ..PublishLimits::default()
    };
    let publisher = Publisher::start(&bus, limits);
    server.kill().await;
    let started = std::time::Instant::now();
    let error = publisher.publish(event("GONE", 1, Some(0))).await.unwrap_err();
    assert!(
        matches!(error, PublishError::Unacknowledged { waited_ms, .. } if waited_ms >= 200),
        "{error}"
    );
    let group = together_while_gone(&publisher).await;
    assert!(
        group
            .iter()
            .all(|result| matches!(result, Err(PublishError::Unacknowledged { .. }))),
        "{group:?}"
    );
    assert!(
        started.elapsed() < Duration::from_secs(3),
        "deadlines were not kept"
    );
}

async fn together_while_gone(publisher: &Publisher) -> Vec<Result<portbook_bus::Appended, PublishError>> {
    let messages = (0..50).map(|case| publisher.publish(event(&format!("G{case}"), 1, Some(0))));
    futures_util::future::join_all(messages).await
}

async fn together(
    publisher: &Publisher,
    messages: impl Iterator<Item = Outgoing>,
) -> Vec<Result<portbook_bus::Appended, PublishError>> {
    // Held up by a first message, the others gather in the queue.
    let first = publisher.clone();
    let first = tokio::spawn(async move { first.publish(event("FIRST", 0, Some(0))).await });
    tokio::task::yield_now().await;
    let results = futures_util::future::join_all(messages.map(|message| publisher.publish(message))).await;
    first.await.unwrap().unwrap();
    results
}

fn seqs(results: Vec<Result<portbook_bus::Appended, PublishError>>) -> Vec<u64> {
    results.into_iter().map(|result| result.unwrap().seq).collect()
}

async fn raw_headers(server: &NatsServer, seq: u64) -> String {
    let answer = operate(server, "STREAM.MSG.GET.PORTBOOK", json!({"seq": seq})).await;
    let headers = BASE64
        .decode(answer["message"]["hdrs"].as_str().unwrap())
        .unwrap();
    String::from_utf8(headers).unwrap()
}
