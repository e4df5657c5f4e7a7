//! What was stored is found, not stored again, when its acknowledgement is lost.
#![expect(clippy::unwrap_used, reason = "a test's helpers")]

#[path = "support/case.rs"]
mod case;
#[path = "support/operator.rs"]
mod operator;
#[path = "support/proxy.rs"]
mod proxy;
#[path = "support/raw.rs"]
mod raw;

use std::time::Duration;

use bytes::Bytes;
use case::event;
use futures_util::future::join_all;
use operator::operate;
use portbook_bus::{Bus, BusOptions, CheckpointRegister, Identity, Log, Outgoing, PublishLimits, Publisher};
use portbook_testkit::nats::NatsServer;
use proxy::Proxy;
use serde_json::json;
use tokio::task::JoinSet;

const PATIENCE: Duration = Duration::from_secs(20);

/// A server, a connection to it whose answers can be lost, and one whose answers cannot.
struct Scene {
    server: NatsServer,
    proxy: Proxy,
    shaky: Bus,
    steady: Bus,
}

impl Scene {
    async fn of(identity: Identity) -> Self {
        Self::on(NatsServer::with_streams().await, identity).await
    }

    /// On a stream that forgets message ids after 100 ms, so that only finding a message keeps it from being stored again.
    async fn forgetful(identity: Identity) -> Self {
        let server = NatsServer::start().await;
        let config = json!({
            "name": "PORTBOOK", "subjects": ["portbook.events.*"], "storage": "file", "retention": "limits",
            "num_replicas": 1, "discard": "new", "allow_direct": true, "allow_atomic": true,
            "duplicate_window": 100_000_000,
        });
        operate(&server, "STREAM.CREATE.PORTBOOK", config).await;
        Self::on(server, identity).await
    }

    async fn on(server: NatsServer, identity: Identity) -> Self {
        let proxy = Proxy::before(server.port());
        let options = BusOptions {
            url: proxy.url().to_owned(),
            ..server.options(identity)
        };
        let shaky = Bus::connect(options).await.unwrap();
        let steady = server.connect(Identity::Projector).await;
        Self {
            server,
            proxy,
            shaky,
            steady,
        }
    }

    /// Waits until the stream holds `count` messages.
    async fn until_stored(&self, stream: &str, count: u64) {
        let stored = async {
            while self.steady.stream_identity(stream).await.unwrap().messages < count {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, stored).await.unwrap();
    }

    /// Runs `work` and loses its answers until `count` messages are stored, and then the connection.
    async fn with_lost_answers<T>(&self, stream: &str, count: u64, work: impl Future<Output = T>) -> T {
        self.proxy.swallow_answers();
        let (done, ()) = tokio::join!(tokio::time::timeout(PATIENCE, work), async {
            self.until_stored(stream, count).await;
            self.proxy.cut();
        });
        done.unwrap()
    }

    /// Waits until the stream has forgotten the ids of all messages stored by now. Stores two messages of case `probe`.
    async fn until_ids_are_forgotten(&self, probe: &str) {
        let prober = self.server.connect(Identity::Clearance).await;
        let prober = Publisher::start(&prober, PublishLimits::default());
        prober.publish(event(probe, 0, None)).await.unwrap();
        let forgotten = async { while prober.publish(event(probe, 0, None)).await.unwrap().duplicate {} };
        tokio::time::timeout(PATIENCE, forgotten).await.unwrap();
    }

    async fn assert_holds(&self, stream: &str, count: u64) {
        let identity = self.steady.stream_identity(stream).await.unwrap();
        assert_eq!(identity.messages, count, "something was lost or stored twice");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_single_guarded_message_is_found() {
    let scene = Scene::of(Identity::Licensing).await;
    let publisher = Publisher::start(&scene.shaky, PublishLimits::default());
    let appended = scene
        .with_lost_answers("PORTBOOK", 1, publisher.publish(event("A", 1, Some(0))))
        .await;
    let appended = appended.unwrap();
    assert_eq!((appended.seq, appended.duplicate), (1, true));
    scene.assert_holds("PORTBOOK", 1).await;
    let next = publisher.publish(event("A", 2, Some(1))).await.unwrap();
    assert_eq!((next.seq, next.duplicate), (2, false));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_single_guarded_message_is_found_behind_anothers() {
    let scene = Scene::of(Identity::Licensing).await;
    let publisher = Publisher::start(&scene.shaky, PublishLimits::default());
    let other = scene.server.connect(Identity::Clearance).await;
    let other = Publisher::start(&other, PublishLimits::default());
    scene.proxy.swallow_answers();
    let (ours, ()) = tokio::join!(publisher.publish(event("A", 1, Some(0))), async {
        scene.until_stored("PORTBOOK", 1).await;
        other.publish(event("A", 2, Some(1))).await.unwrap();
        scene.proxy.cut();
    });
    assert_eq!(ours.unwrap().seq, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_guarded_group_is_found() {
    let scene = Scene::of(Identity::Licensing).await;
    let publisher = Publisher::start(&scene.shaky, PublishLimits::default());
    let messages = join_all((0..50).map(|case| publisher.publish(event(&format!("G{case}"), 1, Some(0)))));
    for result in scene.with_lost_answers("PORTBOOK", 1, messages).await {
        result.unwrap();
    }
    scene.assert_holds("PORTBOOK", 50).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_imported_batch_is_found() {
    let scene = Scene::of(Identity::Importer).await;
    let publisher = Publisher::start(&scene.shaky, PublishLimits::default());
    let file: Vec<Outgoing> = (0..500)
        .map(|line| event(&format!("I{}", line % 3), line, None))
        .collect();
    let results = scene
        .with_lost_answers("PORTBOOK", 500, publisher.publish_batch(file))
        .await;
    scene.assert_holds("PORTBOOK", 500).await;
    for (seq, result) in (1..).zip(results) {
        let appended = result.unwrap();
        assert_eq!((appended.seq, appended.duplicate), (seq, true));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_guarded_is_found_without_its_id() {
    let scene = Scene::forgetful(Identity::Importer).await;
    let publisher = Publisher::start(&scene.shaky, PublishLimits::default());
    let file: Vec<Outgoing> = (0..500)
        .map(|line| event(&format!("I{}", line % 3), line, None))
        .collect();
    // One by one, of which the first is lost, and then as a batch, which is lost as a whole.
    let parts = [
        ("PROBE1", &file[..3], 1, 5),
        ("PROBE2", &file[3..], 5 + 497, 5 + 497 + 2),
    ];
    for (probe, part, stored_when_cut, stored_at_last) in parts {
        scene.proxy.swallow_answers();
        let work = tokio::time::timeout(PATIENCE, publisher.publish_batch(part.to_vec()));
        let (results, ()) = tokio::join!(work, async {
            scene.until_stored("PORTBOOK", stored_when_cut).await;
            scene.until_ids_are_forgotten(probe).await;
            scene.proxy.cut();
        });
        for result in results.unwrap() {
            result.unwrap();
        }
        scene.assert_holds("PORTBOOK", stored_at_last).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_member_stored_long_before_does_not_stand_for_the_batch() {
    let scene = Scene::forgetful(Identity::Importer).await;
    let publisher = Publisher::start(&scene.shaky, PublishLimits::default());
    let file: Vec<Outgoing> = (0..20)
        .map(|line| event(&format!("I{line}"), line, None))
        .collect();
    // The last line is stored already, by another import; then the batch is lost before it gets anywhere.
    publisher
        .publish_batch(file[19..].to_vec())
        .await
        .remove(0)
        .unwrap();
    scene.proxy.swallow_requests();
    let size: usize = file.iter().map(|line| line.body.len()).sum();
    let (results, ()) = tokio::join!(publisher.publish_batch(file), async {
        while scene.proxy.swallowed_bytes() < size {
            tokio::task::yield_now().await;
        }
        scene.proxy.cut();
    });
    for result in results {
        result.unwrap();
    }
    let log = Log::ledger(&scene.steady);
    for line in 0..20 {
        let stored = log
            .load_subject(&format!("portbook.events.I{line}"))
            .await
            .unwrap();
        assert!(!stored.is_empty(), "line {line} is lost");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_checkpoint_is_found() {
    let scene = Scene::of(Identity::Projector).await;
    let register = CheckpointRegister::new(&scene.shaky, "portbook.checkpoint.test");
    let put = register.put(Bytes::from_static(b"size 7"), 0);
    let seq = scene
        .with_lost_answers("PORTBOOK_CHECKPOINTS", 1, put)
        .await
        .unwrap();
    assert_eq!(seq, 1);
    scene.assert_holds("PORTBOOK_CHECKPOINTS", 1).await;
    assert_eq!(
        register.last().await.unwrap(),
        Some((1, Bytes::from_static(b"size 7")))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_killed_under_load_costs_nothing_and_doubles_nothing() {
    const CASES: u64 = 64;
    let mut server = NatsServer::with_streams().await;
    let port = server.port();
    let bus = server.connect(Identity::Licensing).await;
    let limits = PublishLimits {
        deadline: Duration::from_mins(1),
        ..PublishLimits::default()
    };
    let publisher = Publisher::start(&bus, limits);
    let mut cases = JoinSet::new();
    for case in 0..CASES {
        let publisher = publisher.clone();
        cases.spawn(async move {
            let mut last = 0;
            for place in 0..60 {
                last = publisher
                    .publish(event(&format!("K{case}"), place, Some(last)))
                    .await
                    .unwrap()
                    .seq;
            }
        });
    }
    for part in 1..=3 {
        let log = Log::ledger(&bus);
        let reached = async { while log.get(part * 700).await.is_err() {} };
        tokio::time::timeout(PATIENCE, reached).await.unwrap();
        server.restart_on(port).await;
    }
    while let Some(done) = cases.join_next().await {
        done.unwrap();
    }
    assert_eq!(
        bus.stream_identity("PORTBOOK").await.unwrap().messages,
        CASES * 60
    );
}
