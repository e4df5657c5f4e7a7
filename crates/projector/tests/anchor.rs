//! Streams that are not the one a ledger was made from, each named by what differs.

#![expect(clippy::unwrap_used, reason = "builders of test data")]

use portbook_bus::{Stored, StreamIdentity};
use portbook_fold::{Book, Opened};
use portbook_ledger::{
    Chain, ChainSeq, Hash, Leaf, Origin, Record, RecordKind, SecretKey, Seq, leaf_hash, sha256,
};
use portbook_projector::{AnchorError, check_identity, difference};

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

#[test]
fn every_field_of_the_message_at_the_head_is_compared() {
    let signature = SecretKey::from_seed(&[1; 32]).sign_event("portbook.events.A", b"body");
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
        body: b"body",
        signature: Some(signature),
    };
    let message = Stored {
        seq: 3,
        time_ns: 7,
        subject: "portbook.events.A".into(),
        msg_id: None,
        signature: Some(signature.to_string()),
        body: "body".into(),
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
    assert_eq!(differs(|it| it.body = "bodY".into()), Some("body"));
    assert_eq!(differs(|it| it.signature = None), Some("signature"));
}
