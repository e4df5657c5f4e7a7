//! From the lie to the confirmed proof: the monitor and the verifying witness catch the operator, and whoever has the log's
//! key confirms what they wrote, with `portbook-verify` alone.

use std::fs;
use std::path::{Path, PathBuf};

use portbook_ledger::{GrowthProof, Size};
use serde_json::Value;
use tempfile::TempDir;

use crate::crooked::{CrookedLog, ORIGIN, Stage, port};
use crate::node::{Node, wait_for};
use crate::outsider::portbook_verify;
use crate::witness::WitnessProcess;

/// An operator, those who look at his log, and what they had seen of it before he lied.
struct Court {
    log: CrookedLog,
    stage: Stage,
    monitor: Node,
    seen: TempDir,
    witness: WitnessProcess,
}

fn submission(log: &CrookedLog, old: u64, new: u64) -> String {
    GrowthProof {
        old: Size::new(old),
        hashes: log.consistency(old, new),
        checkpoint: log.note(new),
    }
    .to_string()
}

impl Court {
    fn sits() -> Self {
        let log = CrookedLog::with_history();
        let stage = Stage::showing(&log);
        let known = format!("{} {}", log.key.verifier(), stage.url());
        let witness = WitnessProcess::start("witness.example/v", std::slice::from_ref(&known), true);
        let court = Self {
            log,
            stage,
            monitor: Node::new(),
            seen: TempDir::new().unwrap(),
            witness,
        };
        court.look(0);
        court
            .witness
            .cosigns(&submission(&court.log, 0, court.log.size()));
        court
    }

    fn look(&self, exit: i32) -> Value {
        let (key, seen) = (
            self.log.key.verifier().to_string(),
            self.seen.path().to_str().unwrap(),
        );
        let said = self.monitor.run(&[
            "monitor",
            &self.stage.url(),
            "--key",
            &key,
            "--dir",
            seen,
            "--once",
            "--json",
        ]);
        said.exits(exit).json()
    }

    /// The file that the monitor wrote.
    #[track_caller]
    fn monitors_proof(&self, exit: i32, kind: &str) -> PathBuf {
        let document = self.look(exit);
        assert_eq!(document["verdict"], kind, "{document}");
        document["proof"].as_str().unwrap().into()
    }

    /// The file that the witness wrote.
    #[track_caller]
    fn witness_proof(&self, kind: &str) -> PathBuf {
        let name = kind.to_lowercase().replace(' ', "-");
        let folder = self
            .witness
            .home()
            .join("witness")
            .join(CrookedLog::origin().hash().to_hex())
            .join("alarms");
        let found = wait_for(|| {
            let mut files = fs::read_dir(&folder).ok()?.map(|entry| entry.unwrap().path());
            files.find(|file| {
                let file = file.file_name().unwrap().to_str().unwrap();
                file.starts_with(&name)
            })
        });
        found.unwrap_or_else(|| panic!("the witness wrote no proof of {kind}"))
    }

    /// The witness does not cosign what the log serves now.
    #[track_caller]
    fn refuses(&self, old: u64) {
        let answer = self.witness.submit(&submission(&self.log, old, self.log.size()));
        assert_eq!(answer.status, 422, "{answer:?}");
        assert!(answer.body.contains("contradict"), "{answer:?}");
    }

    /// Both proofs convict the log, by its own key alone.
    fn convicts(&self, kind: &str, proofs: &[PathBuf; 2]) {
        for proof in proofs {
            let said = accuse(proof, &self.log.key.verifier().to_string())
                .exits(0)
                .json();
            assert_eq!(
                (&said["verdict"], &said["fraud"]),
                (&"CONFIRMED".into(), &kind.into()),
                "{said}"
            );
            assert_eq!(said["origin"], ORIGIN);
            acquit(proof, &self.log);
        }
    }
}

fn accuse(proof: &Path, key: &str) -> crate::node::Said {
    portbook_verify(&["--fraud", "--json", "--key", key, proof.to_str().unwrap()])
}

/// A proof of which anything was changed, or that is held against another log, proves nothing.
fn acquit(proof: &Path, log: &CrookedLog) {
    accuse(proof, &CrookedLog::key_of(9).verifier().to_string()).exits(10);
    let text = fs::read_to_string(proof).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let changed = proof.with_extension("changed");
    for left_out in 0..lines.len() {
        let kept = lines.iter().enumerate().filter(|(line, _)| *line != left_out);
        let kept: Vec<&str> = kept.map(|(_, line)| *line).collect();
        fs::write(&changed, kept.join("\n") + "\n").unwrap();
        let said = accuse(&changed, &log.key.verifier().to_string());
        assert!(matches!(said.code, Some(10 | 12)), "line {left_out}: {said:?}");
        assert!(!said.out.contains("CONFIRMED"), "line {left_out}: {said:?}");
    }
}

#[test]
fn whoever_seals_without_the_newest_record_is_convicted() {
    let mut court = Court::sits();
    let before = court.log.size();
    court.log.append(port("CNNBG"), b"to be hidden");
    let old = court.log.old_head(port("CNNBG"), 1);
    court.log.seal_saying(|heads| {
        let hidden = heads.iter_mut().filter(|head| head.chain == old.chain);
        hidden.for_each(|head| *head = old);
    });
    court.stage.show(&court.log, court.log.size());
    court.refuses(before);
    court.convicts(
        "FALSE SEAL",
        &[
            court.monitors_proof(10, "FALSE SEAL"),
            court.witness_proof("FALSE SEAL"),
        ],
    );
}

#[test]
fn whoever_seals_without_a_whole_port_is_convicted() {
    let mut court = Court::sits();
    let before = court.log.size();
    court.log.append(port("CNTXG"), b"nobody shall see this port");
    court
        .log
        .seal_saying(|heads| heads.retain(|head| head.chain != port("CNTXG")));
    court.stage.show(&court.log, court.log.size());
    court.refuses(before);
    court.convicts(
        "FALSE SEAL",
        &[
            court.monitors_proof(10, "FALSE SEAL"),
            court.witness_proof("FALSE SEAL"),
        ],
    );
}

#[test]
fn whoever_seals_an_old_head_is_convicted() {
    let mut court = Court::sits();
    let before = court.log.size();
    let old = court.log.old_head(port("CNLYG"), 40);
    court.log.append(port("CNSHA"), b"news");
    court.log.seal_saying(|heads| {
        let shown = heads.iter_mut().filter(|head| head.chain == old.chain);
        shown.for_each(|head| *head = old);
    });
    court.stage.show(&court.log, court.log.size());
    court.refuses(before);
    court.convicts(
        "FALSE SEAL",
        &[
            court.monitors_proof(10, "FALSE SEAL"),
            court.witness_proof("FALSE SEAL"),
        ],
    );
}

#[test]
fn whoever_signs_two_histories_is_convicted() {
    let mut court = Court::sits();
    let before = court.log.size();
    let mut other = CrookedLog::new();
    other.append(port("CNNBG"), b"another history");
    while other.size() + 1 < before {
        other.append(port("CNLYG"), b".");
    }
    other.seal();
    court.log = other;
    court.stage.show(&court.log, before);
    let proofs = [court.monitors_proof(11, "FORK"), court.witness_proof("FORK")];
    // A witness that cosigned one history cosigns no other of the same length.
    court
        .witness
        .conflicts(&submission(&court.log, before, before), before);
    court.convicts("FORK", &proofs);
}

#[test]
fn whoever_goes_back_is_caught_with_both_checkpoints_in_hand() {
    let court = Court::sits();
    court.stage.show(&court.log, 154);
    court
        .witness
        .conflicts(&submission(&court.log, 154, 154), court.log.size());
    for proof in [
        court.monitors_proof(11, "ROLLBACK"),
        court.witness_proof("ROLLBACK"),
    ] {
        // Both are the log's own; which was served later no file can show, and none is believed to.
        let said = accuse(&proof, &court.log.key.verifier().to_string())
            .exits(12)
            .json();
        assert_eq!(
            (&said["verdict"], &said["check"]),
            (&"INCOMPLETE".into(), &"order".into()),
            "{said}"
        );
        assert!(
            said["reason"]
                .as_str()
                .unwrap()
                .starts_with("ROLLBACK: both are signed by the log"),
            "{said}"
        );
        acquit(&proof, &court.log);
    }
}
