//! Keys of producers by the book: rotation signed by both, statements signed by the source, each from its leaf on.

#![expect(clippy::unwrap_used, reason = "builders of test data")]

use std::collections::BTreeMap;

use jiff::Timestamp;
use portbook_fold::{Book, Commit, Delivery, Known, NotEntitled, Occasion, fold, read_all};
use portbook_ledger::{Chain, Origin, PublicKey, RotatedKey, Rotation, SecretKey, Seq};
use portbook_wire::Source;
use portbook_wire::control::{
    self, Control, KeyRegistered, KeyRevoked, KeyRole, KeyRotated, LedgerOpened, ModeName, SourceStated,
    encode_control,
};

const ORIGIN: &str = "test.example/keys";
const INTAKE: &str = "urn:portbook:svc:intake";

fn key(seed: u8) -> SecretKey {
    SecretKey::from_seed(&[seed; 32])
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_750_000_000 + second).unwrap()
}

fn ns(second: i64) -> u64 {
    u64::try_from(at(second).as_nanosecond()).unwrap()
}

fn text(text: &str) -> portbook_domain::Text {
    text.parse().unwrap()
}

fn opened() -> Control {
    Control::LedgerOpened(LedgerOpened {
        origin: text(ORIGIN),
        log_public_key: control::PublicKey(*key(1).public().as_bytes()),
        stream: text("PORTBOOK"),
        stream_created: at(0),
        stream_config_sha256: "0".repeat(64).parse().unwrap(),
        port_aliases: BTreeMap::new(),
        references: BTreeMap::new(),
        policies: BTreeMap::new(),
        opened_at: at(0),
    })
}

fn registered(of: &SecretKey) -> Control {
    Control::KeyRegistered(KeyRegistered {
        key_id: control::KeyId(*of.public().id().as_bytes()),
        public_key: control::PublicKey(*of.public().as_bytes()),
        source: Source::new(INTAKE).unwrap(),
        mode: ModeName::Authoritative,
        event_types: vec!["application.submitted".to_owned().try_into().unwrap()],
        valid_from: at(0),
        valid_until: at(1_000),
    })
}

/// A rotation from key 2 to key 3, signed by these two.
fn rotated(old_signer: &SecretKey, new_signer: &SecretKey, origin: &str) -> KeyRotated {
    let new: PublicKey = key(3).public();
    let rotation = Rotation {
        origin: &Origin::new(origin).unwrap(),
        role: RotatedKey::Producer,
        old: key(2).public().id(),
        new: &new,
        overlap_until_ns: ns(100),
    };
    KeyRotated {
        role: KeyRole::Producer,
        old_key_id: control::KeyId(*key(2).public().id().as_bytes()),
        new_key_id: control::KeyId(*new.id().as_bytes()),
        new_public_key: control::PublicKey(*new.as_bytes()),
        overlap_until: at(100),
        old_signature: control::Signature(rotation.sign(old_signer)),
        new_signature: control::Signature(rotation.sign(new_signer)),
    }
}

/// The ledger of these messages, one a second, each signed by the key beside it.
fn ledger_of(messages: Vec<(Control, SecretKey)>) -> Commit {
    let deliveries: Vec<Delivery> = (1..)
        .zip(messages)
        .map(|(seq, (message, signer))| {
            let (subject, body) = (
                message.kind().subject().to_owned(),
                encode_control(&message).unwrap(),
            );
            Delivery {
                seq: Seq::new(seq).unwrap(),
                recorded_at_ns: ns(i64::try_from(seq).unwrap()),
                signature: Some(signer.sign_event(&subject, &body).to_string()),
                subject,
                body: body.into(),
            }
        })
        .collect();
    fold(
        &Book::default(),
        &deliveries,
        read_all(&deliveries),
        &Known::new(),
    )
    .unwrap()
}

fn with_rotation(rotated: KeyRotated) -> Commit {
    ledger_of(vec![
        (opened(), key(1)),
        (registered(&key(2)), key(1)),
        (Control::KeyRotated(rotated), key(1)),
    ])
}

fn occasion(index: u64, second: i64) -> Occasion {
    Occasion {
        index,
        recorded_at_ns: ns(second),
    }
}

#[test]
fn a_rotation_lets_the_new_key_do_what_the_old_one_did() {
    let book = with_rotation(rotated(&key(2), &key(3), ORIGIN)).book;
    let (old, new) = (
        &book.keys[key(2).public().id().as_bytes()],
        &book.keys[key(3).public().id().as_bytes()],
    );
    assert_eq!((&new.source, &new.event_types), (&old.source, &old.event_types));
    for (at, of_old, of_new) in [
        (occasion(2, 50), Ok(()), Err(NotEntitled::Time)),
        (occasion(3, 50), Ok(()), Ok(())),
        (occasion(3, 99), Ok(()), Ok(())),
        (occasion(3, 100), Err(NotEntitled::Time), Ok(())),
        // The new key is valid for as long as the old one was registered for.
        (occasion(9, 1_002), Err(NotEntitled::Time), Ok(())),
        (occasion(9, 1_003), Err(NotEntitled::Time), Err(NotEntitled::Time)),
    ] {
        assert_eq!(old.in_force(INTAKE, at), of_old, "the old key, {at:?}");
        assert_eq!(new.in_force(INTAKE, at), of_new, "the new key, {at:?}");
    }
    assert_eq!(
        new.entitled(INTAKE, "license.granted", occasion(3, 50)),
        Err(NotEntitled::Type)
    );
    assert_eq!(
        new.entitled(
            "urn:portbook:svc:licensing",
            "application.submitted",
            occasion(3, 50)
        ),
        Err(NotEntitled::Source)
    );
}

#[test]
fn a_rotation_that_one_of_the_two_did_not_sign_is_recorded_and_changes_nothing() {
    for (wrong, why) in [
        (rotated(&key(4), &key(3), ORIGIN), "the old key did not sign it"),
        (rotated(&key(2), &key(4), ORIGIN), "the new key did not sign it"),
        (
            rotated(&key(2), &key(3), "another.example/log"),
            "the old key did not sign it",
        ),
        (
            KeyRotated {
                overlap_until: at(101),
                ..rotated(&key(2), &key(3), ORIGIN)
            },
            "the old key did not sign it",
        ),
        (
            KeyRotated {
                role: KeyRole::Log,
                ..rotated(&key(2), &key(3), ORIGIN)
            },
            "a log keeps its key",
        ),
    ] {
        let commit = with_rotation(wrong);
        assert_eq!(commit.book.keys.len(), 1, "{why}");
        assert_eq!(
            (commit.book.counts.control, commit.book.counts.quarantined),
            (3, 0)
        );
        let remark = &commit.entries[&Chain::CONTROL][2].remark;
        assert!(remark.ends_with(&format!("without effect: {why}")), "{remark}");
    }
}

#[test]
fn a_revoked_key_is_not_rotated() {
    let revoked = Control::KeyRevoked(KeyRevoked {
        key_id: control::KeyId(*key(2).public().id().as_bytes()),
        contested_from: at(1),
        reason: text("lost"),
    });
    let commit = ledger_of(vec![
        (opened(), key(1)),
        (registered(&key(2)), key(1)),
        (revoked, key(1)),
        (Control::KeyRotated(rotated(&key(2), &key(3), ORIGIN)), key(1)),
    ]);
    assert_eq!(commit.book.keys.len(), 1);
    let key = &commit.book.keys[key(2).public().id().as_bytes()];
    assert_eq!(key.contested_by(occasion(1, 2)), Some(2));
    assert_eq!(
        key.contested_by(occasion(1, 0)),
        None,
        "before the time that is contested"
    );
    assert_eq!(key.contested_by(occasion(3, 2)), None, "revoked, not contested");
}

#[test]
fn a_statement_is_believed_from_the_source_it_speaks_of() {
    let stated = |source: &str| {
        Control::SourceStated(SourceStated {
            source: Source::new(source).unwrap(),
            after_seq: 0,
            last_seq: 2,
            count: 1,
            events_sha256: "0".repeat(64).parse().unwrap(),
            stated_at: at(3),
        })
    };
    for (source, signer, believed) in [
        (INTAKE, 2, true),
        ("urn:portbook:svc:licensing", 2, false),
        (INTAKE, 4, false),
        // As before there were statements by sources: what the log key signs is recorded.
        (INTAKE, 1, true),
    ] {
        let commit = ledger_of(vec![
            (opened(), key(1)),
            (registered(&key(2)), key(1)),
            (stated(source), key(signer)),
        ]);
        let counts = commit.book.counts;
        let expected = if believed { (3, 0) } else { (2, 1) };
        assert_eq!(
            (counts.control, counts.quarantined),
            expected,
            "{source} by key {signer}"
        );
    }
}
