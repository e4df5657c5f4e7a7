//! Proofs against a log: each lie is confirmed by the program, and nothing else is, whatever is done to the file.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on must stop and say where"
)]

mod lies;

use std::fs;
use std::process::Command;

use portbook_ledger::{Note, NoteSignature, Policy};
use portbook_verify::{Trust, verify_fraud};
use tempfile::TempDir;

use self::lies::{ORIGIN, conclusive, key, rollback};

/// What the program says about a file: exit code, stdout, stderr.
fn said(file: &str, more: &[&str]) -> (Option<i32>, String, String) {
    let home = TempDir::new().unwrap();
    let path = home.path().join("proof");
    fs::write(&path, file).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_portbook-verify"))
        .env("XDG_STATE_HOME", home.path())
        .args(more)
        .arg(&path)
        .output()
        .unwrap();
    // Nothing is remembered of a log that lied, and no second proof is made of the first.
    assert_eq!(fs::read_dir(home.path()).unwrap().count(), 1);
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

fn trust() -> Trust {
    Trust::new(Policy::of_log(key(7).verifier().clone()))
}

fn by_key(seed: u8) -> String {
    format!("--key={}", key(seed).verifier())
}

#[test]
fn each_lie_is_confirmed_by_the_program_with_the_logs_key_alone() {
    for (name, kind, file) in conclusive() {
        let (code, out, err) = said(&file, &["--fraud", &by_key(7)]);
        assert_eq!((code, err.as_str()), (Some(0), ""), "{name}: {out}");
        assert!(
            out.contains(&format!("\nCONFIRMED {kind} of {ORIGIN}\n")),
            "{name}: {out}"
        );
        assert!(out.contains("  ✓ signature "), "{name}: {out}");
        assert!(!out.contains("VERIFIED"), "{name}: {out}");
        let (code, json, _) = said(&file, &["--fraud", "--json", &by_key(7)]);
        let expected = format!(
            "{{\"schema\":\"portbook.verdict/v1\",\"verdict\":\"CONFIRMED\",\"exit\":0,\"origin\":\"{ORIGIN}\",\
             \"fraud\":\"{kind}\",\"what\":\"the "
        );
        assert!(code == Some(0) && json.starts_with(&expected), "{name}: {json}");
        let (code, out, _) = said(&file, &["--fraud", "--quiet", &by_key(7)]);
        assert_eq!((code, out.as_str()), (Some(0), ""), "{name}");
    }
}

#[test]
fn a_rollback_is_never_confirmed_because_no_file_shows_what_was_served_later() {
    let (code, out, _) = said(&rollback(12, 8), &["--fraud", &by_key(7)]);
    assert_eq!(code, Some(12), "{out}");
    assert!(
        out.starts_with("INCOMPLETE order: ROLLBACK: both are signed by the log, and the log served"),
        "{out}"
    );
    // Anybody can put two checkpoints of an honest log into the other order: in the right one there is nothing wrong.
    let (code, out, _) = said(&rollback(8, 12), &["--fraud", &by_key(7)]);
    assert_eq!(code, Some(10), "{out}");
    assert!(
        out.starts_with("FAULT contradiction: there is no contradiction"),
        "{out}"
    );
}

#[test]
fn a_proof_is_no_evidence_and_evidence_is_no_proof() {
    let file = &conclusive()[0].2;
    let (code, out, err) = said(file, &[&by_key(7)]);
    assert_eq!((code, out.as_str()), (Some(2), ""));
    assert!(err.contains("--fraud confirms it"), "{err}");
    let (code, out, _) = said("c2sp.org/tlog-proof@v1\n", &["--fraud", &by_key(7)]);
    assert_eq!(code, Some(10), "{out}");
    assert!(
        out.starts_with("FAULT proof: line 1 should be portbook/fraud@v1"),
        "{out}"
    );
}

#[test]
fn only_the_log_whose_key_you_brought_can_be_accused() {
    for (name, _, file) in conclusive() {
        let (code, out, _) = said(&file, &["--fraud", &by_key(8)]);
        assert_eq!(code, Some(10), "{name}");
        assert!(
            out.starts_with("FAULT signature: the key you brought did not sign it"),
            "{name}: {out}"
        );
        let elsewhere = "--key=other.example/port+";
        let other = by_key(7).replacen(&format!("--key={ORIGIN}+"), elsewhere, 1);
        // The hash in a key binds its name.
        assert_eq!(said(&file, &["--fraud", &other]).0, Some(2), "{name}");
    }
    let text = format!("log {}\nquorum none\n", key(7).verifier());
    let stranger = text.replace(&key(7).verifier().to_string(), &stranger_key());
    let policy = Trust::new(Policy::parse(stranger.as_bytes()).unwrap());
    let refusal = verify_fraud(conclusive()[0].2.as_bytes(), &policy).unwrap_err();
    assert_eq!((refusal.exit.code(), refusal.check), (12, "signature"));
}

fn stranger_key() -> String {
    let name = portbook_ledger::KeyName::new("other.example/port").unwrap();
    let secret = portbook_ledger::SecretKey::from_seed(&[7; 32]);
    let algorithm = portbook_ledger::NoteAlgorithm::Ed25519;
    let key = portbook_ledger::SignerKey::new(name, algorithm, secret);
    key.verifier().to_string()
}

#[test]
fn of_a_log_with_two_keys_either_may_have_signed() {
    let policy = format!(
        "log {}\nlog {}\nquorum none\n",
        key(7).verifier(),
        key(8).verifier()
    );
    let swapped = format!(
        "log {}\nlog {}\nquorum none\n",
        key(8).verifier(),
        key(7).verifier()
    );
    for policy in [policy, swapped] {
        let trust = Trust::new(Policy::parse(policy.as_bytes()).unwrap());
        for (name, _, file) in conclusive() {
            let found = verify_fraud(file.as_bytes(), &trust);
            assert!(found.is_ok(), "{name}: {found:?}");
        }
    }
}

/// A log could spoil the cosignature on a checkpoint of its own, to make the file that accuses it unreadable.
#[test]
fn a_spoiled_cosignature_does_not_acquit() {
    let witness = portbook_ledger::SignerKey::new(
        portbook_ledger::KeyName::new("witness.example").unwrap(),
        portbook_ledger::NoteAlgorithm::CosignatureV1,
        portbook_ledger::SecretKey::from_seed(&[9; 32]),
    );
    let policy = format!(
        "log {}\nwitness w {}\nquorum w\n",
        key(7).verifier(),
        witness.verifier()
    );
    let trust = Trust::new(Policy::parse(policy.as_bytes()).unwrap());
    let (_, _, file) = &conclusive()[0];
    let proof = portbook_ledger::fraud::FraudProof::parse(file.as_bytes()).unwrap();
    let portbook_ledger::fraud::FraudProof::FalseSeal {
        checkpoint,
        seal,
        said,
        record,
    } = proof
    else {
        unreachable!("the first lie is about a seal")
    };
    let spoiled = NoteSignature {
        key: witness.verifier().id().clone(),
        bytes: vec![0; 72],
    };
    let checkpoint = Note::parse(&checkpoint).unwrap().with_signature(spoiled);
    let proof = portbook_ledger::fraud::FraudProof::FalseSeal {
        checkpoint: checkpoint.to_string().into_bytes(),
        seal,
        said,
        record,
    };
    let found = verify_fraud(proof.to_string().as_bytes(), &trust);
    assert!(found.is_ok(), "{found:?}");
}

/// Whether a changed file is believed to show anything at all.
fn is_believed(file: &[u8]) -> bool {
    match verify_fraud(file, &trust()) {
        Ok(_) => true,
        Err(refusal) => refusal.check == "order",
    }
}

fn all() -> Vec<(&'static str, String)> {
    let lies = conclusive().into_iter().map(|(name, _, file)| (name, file));
    lies.chain([("a rollback", rollback(12, 8))]).collect()
}

#[test]
fn no_byte_of_a_proof_can_be_changed_and_none_left_out() {
    for (name, file) in all() {
        let bytes = file.as_bytes();
        assert!(is_believed(bytes), "{name}");
        for at in 0..bytes.len() {
            for change in [0x01, 0x02, 0x20, 0x80] {
                let mut changed = bytes.to_vec();
                changed[at] ^= change;
                assert!(!is_believed(&changed), "{name}: byte {at} changed by {change:#x}");
            }
            assert!(!is_believed(&bytes[..at]), "{name}: the first {at} bytes");
            let mut shorter = bytes.to_vec();
            shorter.remove(at);
            assert!(!is_believed(&shorter), "{name}: without byte {at}");
        }
    }
}

#[test]
fn no_line_of_a_proof_can_be_dropped_doubled_moved_or_grown() {
    for (name, file) in all() {
        let lines: Vec<&str> = file.lines().collect();
        for at in 0..lines.len() {
            let mut forgeries = Vec::new();
            let mut change = |what: &'static str, apply: &dyn Fn(&mut Vec<String>)| {
                let mut changed: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
                apply(&mut changed);
                forgeries.push((what, changed.join("\n") + "\n"));
            };
            change("dropped", &|lines| drop(lines.remove(at)));
            change("doubled", &|lines| lines.insert(at, lines[at].clone()));
            change("moved", &|lines| {
                let line = lines.remove(at);
                lines.push(line);
            });
            change("grown by a space", &|lines| lines[at].push(' '));
            change("grown by a word", &|lines| lines[at].push_str(" AAAA"));
            change("grown by bytes", &|lines| lines[at].push_str("AAAA"));
            change("grown in front", &|lines| lines[at].insert(0, ' '));
            change("begun with a zero", &|lines| {
                lines[at] = lines[at].replacen(' ', " 0", 1);
            });
            change("without its last word", &|lines| {
                let cut = lines[at].rfind(' ').unwrap_or(0);
                lines[at].truncate(cut);
            });
            for (what, changed) in forgeries {
                // The last line, moved to the end, is where it was.
                if changed != file {
                    assert!(
                        !is_believed(changed.as_bytes()),
                        "{name}: line {} {what}: {changed}",
                        at + 1
                    );
                }
            }
        }
        assert!(
            !is_believed(format!("{file}\n").as_bytes()),
            "{name}: an empty line"
        );
        assert!(
            !is_believed(file.replace('\n', "\r\n").as_bytes()),
            "{name}: CRLF"
        );
        let large = format!("{file}{}", "hash A\n".repeat(200_000));
        assert_eq!(
            said(&large, &["--fraud", &by_key(7)]).0,
            Some(10),
            "{name}: too large"
        );
    }
}

#[test]
fn the_program_refuses_what_the_library_refuses() {
    for (name, file) in all() {
        let lines = file.lines().count();
        for at in 0..lines {
            let kept = file.lines().enumerate().filter(|(line, _)| *line != at);
            let changed = kept.map(|(_, line)| line).collect::<Vec<_>>().join("\n") + "\n";
            let (code, out, err) = said(&changed, &["--fraud", "--json", &by_key(7)]);
            assert!(matches!(code, Some(10 | 12)), "{name} without line {at}: {out}");
            assert!(
                !out.contains("CONFIRMED") && !out.contains("\"order\""),
                "{name}: {out}"
            );
            assert_eq!(err, "", "{name}");
        }
    }
}
