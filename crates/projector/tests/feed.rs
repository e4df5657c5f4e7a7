//! The feed against what it promises: what is sealed and signed, once, in order, and the same whenever it is made again.

#![expect(clippy::unwrap_used, reason = "builders of test data")]

#[path = "support/ledger.rs"]
mod ledger;

use std::time::Duration;

use portbook_bus::{Bus, Fed, Feed, FeedFilter, FeedMessage, FeedReader, Identity, StreamSpec};
use portbook_ledger::leaf_hash;
use portbook_projector::{FeedError, FeedParts, FeedPosition, Position, feed};
use portbook_store::Verdict;
use portbook_testkit::nats::NatsServer;
use portbook_wire::feed::FeedTopic;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;

use crate::ledger::{Ledger, Message, closed, control, redelivered};

/// A feed that runs until it is stopped.
struct Feeding {
    ledger: watch::Sender<Position>,
    position: watch::Receiver<FeedPosition>,
    stop: oneshot::Sender<()>,
    task: JoinHandle<Result<(), FeedError>>,
}

impl Feeding {
    fn start(bus: &Bus, ledger: &Ledger) -> Self {
        let (told, position) = watch::channel(FeedPosition::default());
        let sender = watch::Sender::new(ledger.position());
        let (stop, stopped) = oneshot::channel::<()>();
        let parts = FeedParts {
            bus: bus.clone(),
            directory: ledger.directory(),
            reader: ledger.reader(),
            ledger: sender.subscribe(),
            position: told,
        };
        let task = tokio::spawn(feed(parts, async { stopped.await.unwrap_or_default() }));
        Self {
            ledger: sender,
            position,
            stop,
            task,
        }
    }

    /// Waits until the feed has passed `leaves` leaves.
    async fn passed(&mut self, leaves: u64) -> FeedPosition {
        let reached = self.position.wait_for(|position| position.passed >= leaves);
        *tokio::time::timeout(Duration::from_secs(20), reached)
            .await
            .unwrap()
            .unwrap()
    }

    /// Ends it wherever it is, as a kill would: between two steps or in the middle of one.
    async fn kill(self) {
        self.task.abort();
        self.task.await.unwrap_or(Ok(())).unwrap();
    }

    async fn stop(self) -> Result<(), FeedError> {
        self.stop.send(()).unwrap_or_default();
        self.task.await.unwrap()
    }
}

/// Everything the feed holds.
async fn fed(bus: &Bus) -> Vec<Fed> {
    let mut reader = FeedReader::open(bus, FeedFilter::default(), 0).await.unwrap();
    let mut read = Vec::new();
    loop {
        let page = reader.next(1_000, Duration::ZERO).await.unwrap();
        if page.is_empty() {
            return read;
        }
        read.extend(page);
    }
}

/// Holds every message against the ledger: each event record that a checkpoint covers, once, in order, with its place.
fn check(read: &[Fed], ledger: &Ledger, through: u64) {
    let expected: Vec<u64> = ledger
        .events()
        .into_iter()
        .filter(|index| *index < through)
        .collect();
    let found: Vec<u64> = read.iter().map(|fed| fed.place.leaf_index).collect();
    assert_eq!(found, expected);
    for fed in read {
        let index = fed.place.leaf_index;
        ledger.with_record(index, |leaf, record| {
            assert_eq!(fed.place.leaf_hash.as_str(), leaf_hash(leaf).to_hex());
            assert_eq!(fed.place.port_seq, record.chain_seq.get());
            assert_eq!(
                fed.place.prev_index,
                record.prev_index.map(portbook_ledger::Index::get)
            );
            assert_eq!(fed.place.prev_hash.as_str(), record.prev_hash.to_hex());
            assert_eq!(fed.place.recorded_at_ns, record.recorded_at_ns);
            assert_eq!(fed.body.as_ref(), record.body);
            assert_eq!(
                fed.signature,
                record.signature.map(|signature| signature.to_string())
            );
            let topic = FeedTopic::of(&fed.subject).unwrap();
            assert_eq!(topic.port, record.chain.to_string());
            assert_eq!(format!("portbook.events.{}", topic.case), record.subject);
        });
        let covering = ledger.checkpoints().iter().copied().find(|size| *size > index);
        assert_eq!(Some(fed.place.checkpoint_size), covering, "leaf {index}");
    }
}

/// A ledger with everything in it that is no new event, under several checkpoints.
fn mixed() -> Ledger {
    let mut ledger = Ledger::create();
    ledger.take(&(0..30).map(event).collect::<Vec<_>>());
    ledger.seal();
    let again = redelivered(&event(3));
    let conflict = closed(4, "C4", "CNNBG", "lapsed");
    let noise = Message {
        subject: "portbook.events.C1".into(),
        body: b"no event".to_vec(),
        signature: None,
    };
    ledger.take(&[again, conflict, noise, event(30), control(), event(31)]);
    ledger.seal_unsigned();
    ledger.take(&(32..1_300).map(event).collect::<Vec<_>>());
    ledger.seal();
    ledger.attest(Verdict::Valid);
    ledger
}

fn event(number: u64) -> Message {
    let port = ["CNNBG", "CNSHG", "CNNGB"]
        .into_iter()
        .cycle()
        .nth(usize::try_from(number % 3).unwrap())
        .unwrap();
    closed(number, &format!("C{}", number % 7), port, "returned")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_sealed_event_is_fed_once_in_order_with_its_place() {
    let server = NatsServer::with_streams().await;
    let bus = server.connect(Identity::Projector).await;
    let ledger = mixed();
    let size = ledger.size();
    let mut feeding = Feeding::start(&bus, &ledger);
    let position = feeding.passed(size).await;
    assert_eq!((position.waiting, position.waiting_since_ns), (0, None));
    assert_eq!(position.last_seq, 1_300);
    check(&fed(&bus).await, &ledger, size);
    feeding.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_no_checkpoint_covers_and_what_was_not_checked_waits() {
    let server = NatsServer::with_streams().await;
    let bus = server.connect(Identity::Projector).await;
    let mut ledger = Ledger::create();
    ledger.take(&(0..10).map(event).collect::<Vec<_>>());
    ledger.seal();
    let sealed = ledger.size();
    ledger.attest(Verdict::Valid);
    // These are in the store, where a reader can see them before they are synced.
    ledger.take(&(10..20).map(event).collect::<Vec<_>>());
    ledger.attest(Verdict::Valid);
    let mut feeding = Feeding::start(&bus, &ledger);
    let position = feeding.passed(sealed).await;
    assert_eq!(position.waiting, 10);
    assert_eq!(position.waiting_since_ns, ledger.recorded_at(sealed));
    check(&fed(&bus).await, &ledger, sealed);
    // Signed, but nobody has looked at the signatures of the last events.
    ledger.seal();
    ledger.take(&(20..25).map(event).collect::<Vec<_>>());
    ledger.seal();
    feeding.ledger.send_replace(ledger.position());
    let checked = ledger.attested();
    assert_eq!(feeding.passed(checked).await.passed, checked);
    check(&fed(&bus).await, &ledger, checked);
    ledger.attest(Verdict::BadSignature);
    feeding.passed(ledger.size()).await;
    let read = fed(&bus).await;
    check(&read, &ledger, ledger.size());
    assert_eq!(read.last().unwrap().place.findings, ["signature-bad"]);
    assert!(read.first().unwrap().place.findings.is_empty());
    feeding.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_anywhere_and_run_twice_at_once_it_feeds_each_event_once() {
    let server = NatsServer::with_streams().await;
    let bus = server.connect(Identity::Projector).await;
    let mut ledger = Ledger::create();
    for round in 0..12 {
        ledger.take(&(round * 90..(round + 1) * 90).map(event).collect::<Vec<_>>());
        ledger.seal();
        ledger.attest(Verdict::Valid);
        let (one, other) = (Feeding::start(&bus, &ledger), Feeding::start(&bus, &ledger));
        // Killed at once, after a while, or when it is done.
        for _ in 0..round * 20 {
            tokio::task::yield_now().await;
        }
        one.kill().await;
        other.kill().await;
    }
    let (mut one, mut other) = (Feeding::start(&bus, &ledger), Feeding::start(&bus, &ledger));
    one.passed(ledger.size()).await;
    other.passed(ledger.size()).await;
    check(&fed(&bus).await, &ledger, ledger.size());
    one.stop().await.unwrap();
    other.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_feed_that_is_made_again_says_the_same() {
    let server = NatsServer::with_streams().await;
    let bus = server.connect(Identity::Projector).await;
    let operator = server.connect(Identity::Operator).await;
    let ledger = mixed();
    let mut feeding = Feeding::start(&bus, &ledger);
    feeding.passed(ledger.size()).await;
    let before = fed(&bus).await;
    operator.delete_stream("PORTBOOK_FEED").await.unwrap();
    operator
        .create_stream(&StreamSpec::feed(1, 1 << 28))
        .await
        .unwrap();
    // It finds that out by itself.
    let again = async {
        loop {
            let read = fed(&bus).await;
            if read.len() == before.len() {
                return read;
            }
            tokio::task::yield_now().await;
        }
    };
    let again = tokio::time::timeout(Duration::from_secs(20), again)
        .await
        .unwrap();
    let said = |read: Vec<Fed>| -> Vec<_> {
        read.into_iter()
            .map(|fed| (fed.seq, fed.subject, fed.signature, fed.place, fed.body))
            .collect()
    };
    assert_eq!(said(again), said(before));
    feeding.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_feed_of_another_ledger_is_not_continued() {
    let server = NatsServer::with_streams().await;
    let bus = server.connect(Identity::Projector).await;
    let mut ledger = Ledger::create();
    ledger.take(&(0..10).map(event).collect::<Vec<_>>());
    ledger.seal();
    ledger.attest(Verdict::Valid);
    let mut feeding = Feeding::start(&bus, &ledger);
    feeding.passed(ledger.size()).await;
    feeding.stop().await.unwrap();
    let read = fed(&bus).await;

    let mut other = Ledger::create();
    other.take(
        &(0..20)
            .map(|number| closed(number, "C1", "CNSHG", "lapsed"))
            .collect::<Vec<_>>(),
    );
    other.seal();
    other.attest(Verdict::Valid);
    let ended = Feeding::start(&bus, &other).task.await.unwrap().unwrap_err();
    assert!(
        matches!(ended, FeedError::Contradiction { index: 10, .. }),
        "{ended}"
    );
    assert_eq!(fed(&bus).await, read);

    // Nor one whose last message nobody can place.
    let last = read.last().unwrap();
    let mut place = last.place.clone();
    place.leaf_index = u64::MAX;
    let message = FeedMessage {
        subject: last.subject.clone(),
        signature: None,
        place,
        body: last.body.clone(),
    };
    let end = Feed::new(&bus).end().await.unwrap();
    Feed::new(&bus).append(end, &[message]).await.unwrap();
    let mut feeding = Feeding::start(&bus, &ledger);
    // Ahead of the ledger for ever: it waits, and publishes nothing.
    assert_eq!(feeding.passed(1).await.waiting, 0);
    feeding.stop().await.unwrap();
}
