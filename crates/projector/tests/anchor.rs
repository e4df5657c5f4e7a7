//! Streams that are not the one a ledger was made from, each named by what differs.

#![expect(clippy::unwrap_used, reason = "builders of test data")]

use portbook_bus::{Stored, StreamIdentity};
use portbook_fold::{Book, Opened};
use portbook_ledger::{
    Chain, ChainSeq, Hash, Leaf, Origin, Record, RecordKind, Seal, SecretKey, Seq, Size, leaf_hash, sha256,
};
use portbook_projector::{AnchorError, check_identity, difference};
use portbook_wire::control::{Control, SealRequested, encode_control};

fn identity() -> StreamIdentity {
    StreamIdentity {
        name: "PORTBOOK".into(),
        created: "2025-04-01T00:00:00.123456789Z".into(),
        config_sha256: sha256(&[b"config"]).to_hex(),
        first_seq: 1,
        last_seq: 3,
        subjects: 1,
        messages: 3,
    }
}

/// A ledger of two leaves made from that stream.
fn book() -> Book {
    let mut book = Book {
        opened: Some(Opened {
            origin: Origin::new("test.example/anchor").unwrap(),
            log_key: [0; 32],
            stream: "PORTBOOK".into(),
            stream_created: "2025-04-01T00:00:00.123456789Z".into(),
            stream_config: sha256(&[b"config"]),
        }),
        ..Book::default()
    };
    book.frontier.push(leaf_hash(b"a"));
    book.frontier.push(leaf_hash(b"b"));
    book
}

#[test]
fn the_stream_of_the_ledger_is_recognised_and_any_other_is_named() {
    check_identity(&identity(), &book()).unwrap();
    check_identity(
        &StreamIdentity {
            last_seq: 0,
            messages: 0,
            first_seq: 0,
            ..identity()
        },
        &Book::default(),
    )
    .unwrap();
    let refused = |change: fn(&mut StreamIdentity)| {
        let mut identity = identity();
        change(&mut identity);
        check_identity(&identity, &book()).unwrap_err()
    };
    assert!(matches!(
        refused(|it| it.created = "2025-04-02T00:00:00Z".into()),
        AnchorError::Recreated { .. }
    ));
    assert!(matches!(
        refused(|it| it.config_sha256 = "0".repeat(64)),
        AnchorError::Reconfigured { .. }
    ));
    assert!(matches!(
        refused(|it| (it.last_seq, it.messages) = (1, 1)),
        AnchorError::Behind {
            last_seq: 1,
            size: 2,
            ..
        }
    ));
    assert!(matches!(
        refused(|it| it.first_seq = 2),
        AnchorError::Lossy { .. }
    ));
    assert!(matches!(
        refused(|it| it.messages = 2),
        AnchorError::Lossy { messages: 2, .. }
    ));
}

/// The smallest event.
const BODY: &str = r#"{"specversion":"1.0","id":"00000000-0000-0000-0000-000000000001","source":"urn:portbook:src:t","type":"portbook.paperwork.answered.v1","subject":"A","partitionkey":"CNNBG"}"#;

#[test]
fn every_field_of_the_message_at_the_head_is_compared() {
    let signature = SecretKey::from_seed(&[1; 32]).sign_event("portbook.events.A", BODY.as_bytes());
    let record = Record {
        kind: RecordKind::Event,
        chain: Chain::port("CNNBG").unwrap(),
        chain_seq: ChainSeq::FIRST,
        prev_index: None,
        prev_hash: Hash::ZERO,
        stream_seq: Seq::new(3).unwrap(),
        recorded_at_ns: 7,
        refers_to: None,
        subject: "portbook.events.A",
        body: BODY.as_bytes(),
        signature: Some(signature),
    };
    let message = Stored {
        seq: 3,
        time_ns: 7,
        subject: "portbook.events.A".into(),
        msg_id: None,
        signature: Some(signature.to_string()),
        body: BODY.into(),
    };
    let leaf = Leaf::Record(record);
    assert_eq!(difference(&leaf, &message), None);
    let differs = |change: fn(&mut Stored)| {
        let mut message = message.clone();
        change(&mut message);
        difference(&leaf, &message)
    };
    assert_eq!(differs(|it| it.seq = 4), Some("sequence"));
    assert_eq!(differs(|it| it.time_ns = 8), Some("time"));
    assert_eq!(
        differs(|it| it.subject = "portbook.events.B".into()),
        Some("subject")
    );
    assert_eq!(
        differs(|it| it.body = BODY.replace("answered", "queried").into()),
        Some("body")
    );
    assert_eq!(differs(|it| it.signature = None), Some("signature"));
    // A message that is an event is no quarantined one, whoever says so.
    let quarantined = Leaf::Record(Record {
        kind: RecordKind::Quarantine,
        chain: Chain::QUARANTINE,
        ..record
    });
    assert_eq!(difference(&quarantined, &message), Some("kind"));
    let unreadable = Stored {
        signature: Some("no signature".into()),
        ..message
    };
    assert_eq!(
        difference(&quarantined, &unreadable),
        None,
        "its header sent it there"
    );
}

#[test]
fn a_seal_is_compared_with_the_message_that_asked_for_it() {
    let request = SealRequested {
        origin: "test.example/anchor".parse().unwrap(),
        prev_checkpoint: sha256(&[b"checkpoint"]).to_hex().parse().unwrap(),
        prev_size: 1,
    };
    let message = |prev_checkpoint: Hash| Stored {
        seq: 3,
        time_ns: 7,
        subject: "portbook.control.seal".into(),
        msg_id: None,
        signature: None,
        body: encode_control(&Control::Seal(SealRequested {
            prev_checkpoint: prev_checkpoint.to_hex().parse().unwrap(),
            ..request.clone()
        }))
        .unwrap()
        .into(),
    };
    let seal = Leaf::Seal(Seal {
        covered_size: Size::new(2),
        chain_count: 1,
        heads_root: Hash::ZERO,
        prev_checkpoint: sha256(&[b"checkpoint"]),
        prev_seal: None,
        stream_seq: Seq::new(3).unwrap(),
        sealed_at_ns: 7,
        origin_hash: Hash::ZERO,
    });
    assert_eq!(difference(&seal, &message(sha256(&[b"checkpoint"]))), None);
    assert_eq!(
        difference(&seal, &message(Hash::ZERO)),
        Some("earlier checkpoint")
    );
}
