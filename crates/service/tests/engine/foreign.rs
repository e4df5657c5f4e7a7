//! What others write under a case: facts somebody observed, forgeries, copies, rubbish.

use bytes::Bytes;
use portbook_bus::{Identity, Outgoing, PublishLimits, Publisher, Stored};
use portbook_domain::ServiceName::{Clearance, Intake, Licensing};
use portbook_domain::{CaseId, CommandId, EventId};
use portbook_ledger::SecretKey;
use portbook_wire::command::Outcome;
use portbook_wire::subject::events_subject;
use portbook_wire::{Decided, Envelope, Mode, Source, decode_event, encode};

use crate::orders::{clear, declare, grant, submit, withdraw};
use crate::scene::{Scene, accepted, key, now, rule_of};

const CASE: &str = "CASE-1";

/// Writes under [`CASE`] without a guard, as everybody may who may publish facts.
struct Stranger {
    publisher: Publisher,
    count: u32,
}

impl Stranger {
    async fn arrive(scene: &Scene) -> Self {
        let bus = scene.server.connect(Identity::Importer).await;
        Self {
            publisher: Publisher::start(&bus, PublishLimits::default()),
            count: 0,
        }
    }

    async fn publish(&mut self, signature: Option<String>, body: Bytes) {
        self.count += 1;
        let msg_id = format!("stranger-{}", self.count);
        let expected_last_subject_seq = None;
        let outgoing = Outgoing {
            subject: subject(),
            msg_id,
            signature,
            body,
            expected_last_subject_seq,
        };
        self.publisher.publish(outgoing).await.unwrap();
    }

    /// Tells what `message` says, as somebody who only watched.
    async fn observe(&mut self, message: &Stored) {
        let (envelope, event) = decode_event(&message.body).unwrap();
        let id = EventId::new(&format!("00000000-0000-5000-8000-0000000000{:02}", self.count)).unwrap();
        let (source, case) = (Source::outside("feed").unwrap(), CaseId::new(CASE).unwrap());
        let envelope = Envelope::observed(id, source, case, envelope.port, now());
        self.publish(None, encode(&envelope, &event.data).unwrap().into())
            .await;
    }
}

fn subject() -> String {
    events_subject(&CaseId::new(CASE).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_move_the_guard_but_decide_nothing() {
    let scene = Scene::open().await;
    let intake = scene.engine(Intake).await;
    let licensing = scene.engine(Licensing).await;
    let clearance = scene.engine(Clearance).await;
    let mut stranger = Stranger::arrive(&scene).await;

    // A case that is ahead, so that there is something to tell of this one before it is true.
    accepted(&intake, &submit("AHEAD", "s")).await;
    accepted(&licensing, &grant("AHEAD", "g")).await;
    let [application, license] = <[Stored; 2]>::try_from(scene.stored("AHEAD").await).unwrap();

    stranger.observe(&application).await;
    accepted(&intake, &submit(CASE, "s")).await;
    stranger.observe(&license).await;
    let pretended = Bytes::from(
        String::from_utf8(license.body.to_vec())
            .unwrap()
            .replace("AHEAD", CASE),
    );
    stranger.publish(None, pretended.clone()).await;
    let signature = SecretKey::from_seed(&[9; 32]).sign_event(&subject(), &pretended);
    stranger
        .publish(Some(signature.to_string()), pretended.clone())
        .await;
    stranger.publish(license.signature.clone(), pretended).await;
    let early = clearance.execute(&declare(CASE, "d", "D1", 10)).await;
    assert_eq!(rule_of(&early), "license-unknown");

    accepted(&licensing, &grant(CASE, "g")).await;
    stranger.publish(None, Bytes::from_static(b"rubbish")).await;
    accepted(&clearance, &declare(CASE, "d", "D1", 1_000)).await;
    let copied = scene.stored(CASE).await.pop().unwrap();
    stranger.publish(copied.signature, copied.body).await;
    stranger.observe(&license).await;
    accepted(&clearance, &clear(CASE, "c", "D1", 1_000)).await;

    let decided = scene.decided(CASE).await;
    let kinds: Vec<&str> = decided
        .iter()
        .map(|(_, _, event)| event.data.kind().name())
        .collect();
    assert_eq!(
        kinds,
        [
            "application.submitted",
            "license.granted",
            "shipment.declared",
            "shipment.cleared"
        ]
    );
    assert_eq!(scene.stored(CASE).await.len(), 4 + 8);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_more_is_decided_on_a_broken_case() {
    let scene = Scene::open().await;
    let intake = scene.engine(Intake).await;
    accepted(&intake, &submit(CASE, "s")).await;
    accepted(&intake, &submit("CASE-2", "s")).await;
    // Somebody with the key of intake decided in ignorance of the case.
    let message = scene.stored(CASE).await.pop().unwrap();
    let (envelope, event) = decode_event(&message.body).unwrap();
    let decided = Decided {
        sequence: 1,
        prev: None,
        command: CommandId::new("other").unwrap(),
    };
    let id = EventId::new("00000000-0000-7000-8000-000000000001").unwrap();
    let envelope = Envelope {
        id,
        mode: Mode::Authoritative(decided),
        ..envelope
    };
    let body = Bytes::from(encode(&envelope, &event.data).unwrap());
    let signature = key(Intake).sign_event(&subject(), &body).to_string();
    Stranger::arrive(&scene)
        .await
        .publish(Some(signature), body)
        .await;

    let reply = intake.execute(&withdraw(CASE, "w")).await;
    assert_eq!(
        (reply.outcome, rule_of(&reply)),
        (Outcome::Rejected, "case-history-broken")
    );
    let message = reply.rejection.unwrap().message;
    assert!(
        message.ends_with("message 3 is version 1 of the case, expected 2"),
        "{message}"
    );
    accepted(&intake, &withdraw("CASE-2", "w")).await;
    assert_eq!(scene.stored(CASE).await.len(), 2);
}
