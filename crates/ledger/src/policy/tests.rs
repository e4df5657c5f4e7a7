//! Policies against the rules of the specification.

use super::*;
use crate::{Checkpoint, KeyName, OpenedCheckpoint, Origin, SecretKey, SignerKey, Size, sha256};

fn signer(name: &str, algorithm: NoteAlgorithm) -> SignerKey {
    let seed = sha256(&[name.as_bytes()]);
    let secret = SecretKey::from_seed(seed.as_bytes());
    SignerKey::new(KeyName::new(name).unwrap(), algorithm, secret)
}

fn log() -> SignerKey {
    signer("test.example/log", NoteAlgorithm::Ed25519)
}

fn witness(name: &str) -> SignerKey {
    signer(name, NoteAlgorithm::CosignatureV1)
}

/// Whether a checkpoint cosigned by `names` meets the policy.
fn met(policy: &str, names: &[&str]) -> bool {
    let policy = Policy::parse(policy.as_bytes()).unwrap();
    let checkpoint = Checkpoint {
        origin: Origin::new("test.example/log").unwrap(),
        size: Size::new(1),
        root: sha256(&[]),
    };
    let mut note = checkpoint.sign(&log()).unwrap();
    for name in names {
        note = note.cosigned(&witness(name), 7);
    }
    let opened = OpenedCheckpoint::open(
        note.to_string().as_bytes(),
        &checkpoint.origin,
        log().verifier(),
        &policy.witness_keys(),
    );
    policy.is_met_by(&opened.unwrap().cosignatures)
}

#[test]
fn groups_of_groups_count_as_the_specification_says() {
    let witnesses = ["X1", "X2", "X3", "Y1", "Y2"].map(|name| {
        let key = witness(name);
        format!("\twitness  {name} {} https://w.example/{name}\n", key.verifier())
    });
    let text = format!(
        "# a comment\n\nlog {}\n{}group X 2 X1 X2 X3\ngroup Y any Y1 Y2\ngroup both all X Y\nquorum both\n",
        log().verifier(),
        witnesses.concat()
    );
    assert!(met(&text, &["X1", "X3", "Y2"]));
    assert!(met(&text, &["X1", "X2", "X3", "Y1", "Y2"]));
    for short in [&["X1", "X2", "X3"][..], &["X1", "Y1", "Y2"], &[], &["Y1"]] {
        assert!(!met(&text, short), "{short:?}");
    }
    let policy = Policy::parse(text.as_bytes()).unwrap();
    assert_eq!(policy.witnesses().len(), 5);
    assert_eq!(policy.witnesses()[0].url.as_deref(), Some("https://w.example/X1"));
    assert_eq!(policy.logs()[0].key, *log().verifier());
    assert!(met("quorum none\n", &[]));
    assert!(Policy::of_log(log().verifier().clone()).is_met_by(&[]));
}

#[test]
fn one_witness_key_under_two_names_is_refused() {
    let key = witness("W");
    let other = SignerKey::new(
        KeyName::new("V").unwrap(),
        NoteAlgorithm::CosignatureV1,
        key.secret().clone(),
    );
    let text = format!(
        "witness a {}\nwitness b {}\nquorum none\n",
        key.verifier(),
        other.verifier()
    );
    assert!(matches!(
        Policy::parse(text.as_bytes()),
        Err(PolicyError::Line { line: 2, .. })
    ));
}

#[test]
fn what_breaks_a_rule_is_named_by_its_line() {
    let (w, v) = (witness("W"), witness("V"));
    let (w, v, l) = (w.verifier(), v.verifier(), log());
    let l = l.verifier();
    for (line, text) in [
        (1, "quorum W\n".to_owned()),
        (1, "quorum none".to_owned()),
        (2, "quorum none\nquorum none\n".to_owned()),
        (1, format!("witness none {w}\nquorum none\n")),
        (1, format!("witness W {l}\nquorum none\n")),
        (1, format!("log {w}\nquorum none\n")),
        (2, format!("log {l}\nlog {l}\nquorum none\n")),
        (2, format!("witness W {w}\nwitness W {v}\nquorum none\n")),
        (2, format!("witness W {w}\ngroup G 2 W\nquorum G\n")),
        (2, format!("witness W {w}\ngroup G 0 W\nquorum G\n")),
        (2, format!("witness W {w}\ngroup G 01 W\nquorum G\n")),
        (2, format!("witness W {w}\ngroup G any\nquorum G\n")),
        (2, format!("witness W {w}\ngroup G any W W\nquorum G\n")),
        (
            3,
            format!("witness W {w}\ngroup G any W\ngroup H any W\nquorum H\n"),
        ),
        (2, format!("witness W {w}\ngroup G any G W\nquorum G\n")),
        (1, "witness W nonsense\nquorum none\n".to_owned()),
        (1, "nonsense\nquorum none\n".to_owned()),
        (1, "quorum none\r\n".to_owned()),
    ] {
        match Policy::parse(text.as_bytes()) {
            Err(PolicyError::Line { line: found, .. }) => assert_eq!(found, line, "{text}"),
            other => panic!("{text}: {other:?}"),
        }
    }
    assert_eq!(Policy::parse(b""), Err(PolicyError::NoQuorum));
    assert_eq!(Policy::parse(&vec![b'#'; 300_000]), Err(PolicyError::TooLarge));
}
