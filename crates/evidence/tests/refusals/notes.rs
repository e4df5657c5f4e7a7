//! Attacks on the checkpoint as a signed note, by somebody who may even hold the log key.

use portbook_ledger::{
    Checkpoint, KeyName, Note, NoteAlgorithm, NoteSignature, Origin, Policy, SecretKey, SignerKey, Size,
    leaf_hash, sha256,
};

use super::scene::{Case, Scene, good, key, python_said, python_with, refuse, verdict};

const CHECKPOINT: &str = "checkpoint";

/// Signs whatever lines there are with the log key.
fn sign(it: &mut Scene, change: impl FnOnce(String) -> String) {
    let text = it.manifest.checkpoint.to_string();
    let note = Note::new(&change(text)).unwrap().signed(key());
    it.put(CHECKPOINT, note.to_string());
}

fn other_key(name: &str, algorithm: NoteAlgorithm) -> SignerKey {
    let secret = SecretKey::from_seed(sha256(&[name.as_bytes()]).as_bytes());
    SignerKey::new(KeyName::new(name).unwrap(), algorithm, secret)
}

fn witness(name: &str) -> SignerKey {
    other_key(name, NoteAlgorithm::CosignatureV1)
}

fn quorum_of_two(it: &mut Scene) {
    let (log, v, w) = (key().verifier(), witness("v"), witness("w"));
    it.policy = Some(format!(
        "log {log}\nwitness v {}\nwitness w {}\ngroup both all v w\nquorum both\n",
        v.verifier(),
        w.verifier()
    ));
}

fn note(it: &Scene) -> Note {
    Note::parse(&it.files[CHECKPOINT]).unwrap()
}

#[test]
fn tampered_checkpoints_are_refused() {
    refuse(Scene::whole, CASES);
}

/// The verifier in Python knows no policy: it accepts what lacks a quorum, and says that it shows none.
#[test]
fn what_lacks_a_quorum_is_never_said_to_have_one() {
    let mut scene = Scene::whole();
    quorum_of_two(&mut scene);
    let (_home, path) = scene.write();
    assert_eq!(verdict(&path, &scene.trust(), None).unwrap_err().exit.code(), 12);
    let (code, said) = python_said(&path);
    let (verdict, limits) = said.split_once('\n').unwrap();
    assert_eq!(code, 0, "{said}");
    assert!(
        verdict.starts_with("VERIFIED CNNBG records") && !verdict.contains("witness"),
        "{said}"
    );
    assert!(
        limits.contains("Does not show: ") && limits.contains("a quorum of witnesses"),
        "{said}"
    );
}

#[test]
fn a_quorum_is_seen_by_both_and_counted_as_the_policy_says() {
    let (log, [u, v, w]) = (key().verifier(), ["u", "v", "w"].map(witness));
    let known = format!(
        "# mine\nlog {log} https://log.example\nwitness u {}\nwitness\tv {}\nwitness w {} https://w.example\n",
        u.verifier(),
        v.verifier(),
        w.verifier()
    );
    for (rest, exit) in [
        ("quorum none\n", 0),
        ("quorum v\n", 0),
        ("quorum u\n", 12),
        ("group two 2 u v w\nquorum two\n", 0),
        ("group all-of-them all u v w\nquorum all-of-them\n", 12),
        ("group pair all u v\ngroup either any pair w\nquorum either\n", 0),
        ("group pair all u v\ngroup both all pair w\nquorum both\n", 12),
    ] {
        let mut scene = Scene::whole();
        scene.policy = Some(known.clone() + rest);
        let text = note(&scene).cosigned(&v, 7).cosigned(&w, 8).to_string();
        scene.put(CHECKPOINT, text.clone());
        scene.put("seal.tlog-proof", resting_on(&scene, "seal.tlog-proof", &text));
        scene.put("consistency", resting_on(&scene, "consistency", &text));
        let (_home, path) = scene.write();
        let code = verdict(&path, &scene.trust(), None).map_or_else(|refusal| refusal.exit.code(), |()| 0);
        let (python, said) = python_with(scene.policy.as_deref().unwrap(), &path);
        assert_eq!((code, python), (exit, exit), "{rest}: {said}");
        assert_eq!(
            said.contains("cosigned by 2 of 3 witnesses, a quorum"),
            exit == 0,
            "{said}"
        );
    }
}

/// A proof file of the scene, put under another note of the same checkpoint.
fn resting_on(scene: &Scene, name: &str, note: &str) -> String {
    let text = scene.text(name);
    let (proof, _) = text.split_once("\n\n").unwrap();
    format!("{proof}\n\n{note}")
}

/// Files that are no policy are refused by both, before the evidence is looked at.
#[test]
fn what_is_no_policy_is_refused_by_both() {
    let (log, [v, w]) = (key().verifier(), ["v", "w"].map(witness));
    let (v, w) = (v.verifier(), w.verifier());
    let mut scene = Scene::whole();
    let (_home, path) = scene.write();
    for policy in [
        format!("log {log}\n"),
        format!("log {log}\nquorum none"),
        format!("log {log}\nquorum none\nquorum none\n"),
        format!("log {log}\nquorum v\n"),
        format!("log {log}\nlog {log}\nquorum none\n"),
        format!("log {v}\nquorum none\n"),
        format!("log {log}\nwitness v {log}\nquorum v\n"),
        format!("log {log}\nwitness v {v}\nwitness v {w}\nquorum v\n"),
        format!("log {log}\nwitness v {v}\nwitness w {v}\nquorum v\n"),
        format!("log {log}\nwitness none {v}\nquorum none\n"),
        format!("log {log}\nwitness v {v}\ngroup g 2 v\nquorum g\n"),
        format!("log {log}\nwitness v {v}\ngroup g 01 v\nquorum g\n"),
        format!("log {log}\nwitness v {v}\ngroup g 0 v\nquorum g\n"),
        format!("log {log}\nwitness v {v}\ngroup g 1 v v\nquorum g\n"),
        format!("log {log}\nwitness v {v}\ngroup g any v\ngroup h any v\nquorum g\n"),
        format!("log {log}\nwitness v {v}\ngroup g any w\nwitness w {w}\nquorum g\n"),
        format!("log {log}\nwitness v {v}\ngroup v any v\nquorum v\n"),
        format!("log {log}\nquorum none\u{1}\n"),
        format!("log {log}\nwitnesses v {v}\nquorum none\n"),
        format!("log {log} a b\nquorum none\n"),
    ] {
        assert!(Policy::parse(policy.as_bytes()).is_err(), "{policy}");
        let (code, said) = python_with(&policy, &path);
        assert_eq!(code, 2, "{policy}: {said}");
    }
}

const CASES: &[Case] = &[
    Case {
        name: "a leading zero in the size",
        tamper: |it| sign(it, |text| text.replacen('\n', "\n0", 1)),
        refused: (10, "signature"),
    },
    Case {
        name: "a sign before the size",
        tamper: |it| sign(it, |text| text.replacen('\n', "\n+", 1)),
        refused: (10, "signature"),
    },
    Case {
        name: "an extension line",
        tamper: |it| sign(it, |text| text + "more\n"),
        refused: (10, "signature"),
    },
    Case {
        name: "a root that is not canonical base64",
        tamper: |it| {
            sign(it, |text| {
                let lines: Vec<&str> = text.lines().collect();
                format!("{}\n{}\n{}B=\n", lines[0], lines[1], "A".repeat(42))
            });
        },
        refused: (10, "signature"),
    },
    Case {
        name: "no root",
        tamper: |it| sign(it, |text| text.split_inclusive('\n').take(2).collect()),
        refused: (10, "signature"),
    },
    Case {
        name: "another log's origin under the right key",
        tamper: |it| sign(it, |text| text.replacen("refusals", "others", 1)),
        refused: (12, "signature"),
    },
    Case {
        name: "an empty log",
        tamper: |it| it.put(CHECKPOINT, super::proofs::signed(Size::ZERO, b"")),
        refused: (10, "seal"),
    },
    Case {
        name: "a log of 2^64-1 leaves",
        tamper: |it| it.put(CHECKPOINT, super::proofs::signed(Size::new(u64::MAX), b"")),
        refused: (10, "seal"),
    },
    Case {
        name: "a log of 2^63 leaves",
        tamper: |it| it.put(CHECKPOINT, super::proofs::signed(Size::new(1 << 63), b"")),
        refused: (10, "seal"),
    },
    Case {
        name: "the checkpoint before",
        tamper: |it| it.put(CHECKPOINT, good().older[CHECKPOINT].clone()),
        refused: (10, "seal"),
    },
    Case {
        name: "CRLF",
        tamper: |it| {
            let text = it.text(CHECKPOINT).replace('\n', "\r\n");
            it.put(CHECKPOINT, text);
        },
        refused: (12, "signature"),
    },
    Case {
        name: "no LF at the end",
        tamper: |it| {
            it.file(CHECKPOINT).pop();
        },
        refused: (10, "signature"),
    },
    Case {
        name: "a control character",
        tamper: |it| it.replace(CHECKPOINT, " ", "\u{1} "),
        refused: (10, "signature"),
    },
    Case {
        name: "bytes that are no text",
        tamper: |it| it.file(CHECKPOINT).insert(60, 0xFF),
        refused: (10, "signature"),
    },
    Case {
        name: "an empty checkpoint",
        tamper: |it| it.file(CHECKPOINT).clear(),
        refused: (12, "signature"),
    },
    Case {
        name: "a size that nobody signed",
        tamper: |it| it.replace(CHECKPOINT, "\n80", "\n81"),
        refused: (10, "signature"),
    },
    Case {
        name: "the signature of another key under the log's name",
        tamper: |it| {
            let other = other_key("test.example/refusals", NoteAlgorithm::Ed25519);
            let other = SignerKey::new(
                other.verifier().id().name.clone(),
                NoteAlgorithm::Ed25519,
                SecretKey::from_seed(&[9; 32]),
            );
            let text = it.manifest.checkpoint.sign(&other).unwrap().to_string();
            it.put(CHECKPOINT, text);
        },
        refused: (10, "signature"),
    },
    Case {
        name: "another key's signature under the log's key hash",
        tamper: |it| {
            let other = SignerKey::new(
                key().verifier().id().name.clone(),
                NoteAlgorithm::Ed25519,
                SecretKey::from_seed(&[9; 32]),
            );
            let text = it.manifest.checkpoint.to_string();
            let bytes = Note::new(&text).unwrap().signed(&other).signatures()[0]
                .bytes
                .clone();
            let forged = NoteSignature {
                key: key().verifier().id().clone(),
                bytes,
            };
            it.put(
                CHECKPOINT,
                Note::new(&text).unwrap().with_signature(forged).to_string(),
            );
        },
        refused: (10, "signature"),
    },
    Case {
        name: "a bad signature of the log beside a good one",
        tamper: |it| {
            let mut bad = note(it).signatures()[0].clone();
            bad.bytes[0] ^= 1;
            let text = note(it).with_signature(bad).to_string();
            it.put(CHECKPOINT, text);
        },
        refused: (10, "signature"),
    },
    Case {
        name: "the log's signature twice",
        tamper: |it| {
            let twice = note(it).signatures()[0].clone();
            let text = note(it).with_signature(twice).to_string();
            it.put(CHECKPOINT, text);
        },
        refused: (10, "signature"),
    },
    Case {
        name: "a signature of small order",
        tamper: |it| {
            let mut bytes = vec![0; 64];
            bytes[0] = 1;
            let forged = NoteSignature {
                key: key().verifier().id().clone(),
                bytes,
            };
            let text = it.manifest.checkpoint.to_string();
            it.put(
                CHECKPOINT,
                Note::new(&text).unwrap().with_signature(forged).to_string(),
            );
        },
        refused: (10, "signature"),
    },
    Case {
        name: "a signature cut short",
        tamper: |it| {
            let mut cut = note(it).signatures()[0].clone();
            cut.bytes.pop();
            let text = it.manifest.checkpoint.to_string();
            it.put(
                CHECKPOINT,
                Note::new(&text).unwrap().with_signature(cut).to_string(),
            );
        },
        refused: (10, "signature"),
    },
    Case {
        name: "a hundred and one signatures",
        tamper: |it| {
            let other = other_key("elsewhere", NoteAlgorithm::Ed25519);
            let note = (0..100).fold(note(it), |note, _| note.signed(&other));
            it.put(CHECKPOINT, note.to_string());
        },
        refused: (10, "signature"),
    },
    Case {
        name: "the key and the log of somebody else, with a policy that trusts them in the bundle",
        tamper: |it| {
            let other = other_key("evil.example/log", NoteAlgorithm::Ed25519);
            let checkpoint = Checkpoint {
                origin: Origin::new("evil.example/log").unwrap(),
                size: Size::new(9),
                root: leaf_hash(b""),
            };
            it.put("policy", format!("log {}\nquorum none\n", other.verifier()));
            it.put(CHECKPOINT, checkpoint.sign(&other).unwrap().to_string());
        },
        refused: (12, "signature"),
    },
    Case {
        name: "a port's own checkpoint in place of the ledger's",
        tamper: |it| {
            let chain = it.manifest.chain;
            let origin = it.manifest.checkpoint.origin.of_chain(chain).unwrap();
            let name = KeyName::new(origin.as_str()).unwrap();
            let signer = SignerKey::new(name, NoteAlgorithm::Ed25519, key().secret().clone());
            let checkpoint = Checkpoint {
                origin,
                ..it.manifest.checkpoint.clone()
            };
            it.put(CHECKPOINT, checkpoint.sign(&signer).unwrap().to_string());
            it.policy = Some(format!("log {}\nquorum none\n", key().verifier()));
        },
        refused: (10, "signature"),
    },
    Case {
        name: "a quorum of nobody",
        tamper: quorum_of_two,
        refused: (12, "witnesses"),
    },
    Case {
        name: "a quorum minus one",
        tamper: |it| {
            quorum_of_two(it);
            let text = note(it).cosigned(&witness("v"), 7).to_string();
            it.put(CHECKPOINT, text);
        },
        refused: (12, "witnesses"),
    },
    Case {
        name: "one witness for two",
        tamper: |it| {
            quorum_of_two(it);
            let text = note(it)
                .cosigned(&witness("v"), 7)
                .cosigned(&witness("v"), 8)
                .to_string();
            it.put(CHECKPOINT, text);
        },
        refused: (10, "signature"),
    },
    Case {
        name: "the log's signature replayed as a witness's",
        tamper: |it| {
            quorum_of_two(it);
            let mut bytes = 7_u64.to_be_bytes().to_vec();
            bytes.extend_from_slice(&note(it).signatures()[0].bytes);
            let replayed = NoteSignature {
                key: witness("v").verifier().id().clone(),
                bytes,
            };
            let text = note(it).with_signature(replayed).to_string();
            it.put(CHECKPOINT, text);
        },
        refused: (10, "signature"),
    },
];
