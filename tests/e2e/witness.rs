//! Witnesses: the protocol to the letter, a memory that survives, quorums, and what a witness that reads every leaf refuses.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;

use portbook_ledger::{GrowthProof, NoteSignature, Size, VerifierKey};

use crate::crooked::{CrookedLog, Stage, port};
use crate::node::{Node, Running, first_lines, wait_for};

/// An HTTP answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

/// One request on a connection of its own.
pub(crate) fn ask(url: &str, method: &str, path: &str, body: &str) -> Answer {
    let server = url.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(server).unwrap();
    let length = body.len();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nhost: {server}\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
    )
    .unwrap();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    Answer {
        status: head.split(' ').nth(1).unwrap().parse().unwrap(),
        head: head.to_lowercase(),
        body: body.to_owned(),
    }
}

/// A running `portbook witness serve`.
pub(crate) struct WitnessProcess {
    node: Node,
    child: Option<Running>,
    logs: Vec<String>,
    verify: bool,
    pub(crate) url: String,
    pub(crate) key: VerifierKey,
}

impl WitnessProcess {
    pub(crate) fn start(name: &str, logs: &[String], verify: bool) -> Self {
        let node = Node::new();
        let key = node.run(&["witness", "init", "--name", name]).exits(0).out;
        let mut witness = Self {
            node,
            child: None,
            logs: logs.to_vec(),
            verify,
            url: String::new(),
            key: VerifierKey::parse(key.trim()).unwrap(),
        };
        witness.serve("127.0.0.1:0");
        witness
    }

    fn serve(&mut self, listen: &str) {
        let url_file = self.node.home().join("witness.url");
        fs::remove_file(&url_file).unwrap_or_default();
        let mut args = vec!["witness", "serve", "--listen", listen];
        if self.verify {
            args.push("--verify");
        }
        for log in &self.logs {
            args.extend(["--log", log]);
        }
        self.child = Some(self.node.spawn(&args, "witness"));
        let url = wait_for(|| fs::read_to_string(&url_file).ok().filter(|url| !url.is_empty()));
        self.url = url.unwrap_or_else(|| panic!("{}", fs::read_to_string(self.node.log("witness")).unwrap()));
    }

    fn kill(&mut self) {
        let mut child = self.child.take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    fn restart(&mut self) {
        let listen = self.url.strip_prefix("http://").unwrap().to_owned();
        self.serve(&listen);
    }

    /// Home of the process.
    pub(crate) fn home(&self) -> PathBuf {
        self.node.home()
    }

    pub(crate) fn submit(&self, body: &str) -> Answer {
        ask(&self.url, "POST", "/add-checkpoint", body)
    }

    #[track_caller]
    pub(crate) fn cosigns(&self, body: &str) {
        let answer = self.submit(body);
        assert_eq!(answer.status, 200, "{answer:?}");
        let signature = NoteSignature::parse(answer.body.trim_end()).unwrap();
        assert_eq!(signature.key, *self.key.id());
        let note = GrowthProof::parse(body.as_bytes()).unwrap().checkpoint;
        let note = portbook_ledger::Note::parse(note.as_bytes()).unwrap();
        let held = portbook_ledger::Note::new(note.text())
            .unwrap()
            .with_signature(signature);
        held.verify(std::slice::from_ref(&self.key)).unwrap();
    }

    #[track_caller]
    pub(crate) fn conflicts(&self, body: &str, latest: u64) {
        let answer = self.submit(body);
        assert_eq!(
            (answer.status, answer.body.as_str()),
            (409, format!("{latest}\n").as_str())
        );
        assert!(
            answer.head.contains("content-type: text/x.tlog.size\r\n"),
            "{answer:?}"
        );
    }
}

fn submission(log: &CrookedLog, old: u64, new: u64) -> String {
    GrowthProof {
        old: Size::new(old),
        hashes: log.consistency(old, new),
        checkpoint: log.note(new),
    }
    .to_string()
}

fn verifier(log: &CrookedLog) -> String {
    log.key.verifier().to_string()
}

#[test]
fn every_submission_gets_the_status_that_the_specification_says() {
    let log = CrookedLog::with_history();
    let mut other = CrookedLog::new();
    other.append(port("CNNBG"), b"another history");
    while other.size() < log.size() {
        other.append(port("CNLYG"), b".");
    }
    let mut witness = WitnessProcess::start("witness.example/w1", &[verifier(&log)], false);
    // Nothing is known of the log yet.
    witness.conflicts(&submission(&log, 5, 20), 0);
    assert_eq!(
        witness
            .submit(&submission(&log, 0, 20).replacen("\n\n", "\nAAAA\n\n", 1))
            .status,
        400
    );
    let hash = log.root(3).to_base64();
    let with_proof = submission(&log, 0, 20).replacen("old 0\n", &format!("old 0\n{hash}\n"), 1);
    assert_eq!(witness.submit(&with_proof).status, 422);
    witness.cosigns(&submission(&log, 0, 20));
    // What cannot be read.
    for body in [
        "",
        "old 20\n",
        "old 020\n\n",
        "new 20\n\nx\n",
        "old 20\n\nno note\n",
    ] {
        assert_eq!(witness.submit(body).status, 400, "{body:?}");
    }
    let many = format!("old 20\n{}\n{}", format!("{hash}\n").repeat(64), log.note(50));
    assert_eq!(witness.submit(&many).status, 400);
    assert_eq!(
        witness
            .submit(&submission(&log, 20, 50).replace("old 20", "old 51"))
            .status,
        400
    );
    // Whose checkpoint it is.
    let elsewhere = submission(&log, 20, 50).replace("crooked.example/port\n50", "other.example/port\n50");
    assert_eq!(witness.submit(&elsewhere).status, 404);
    let changed = submission(&log, 20, 50).replace("\n50\n", "\n51\n");
    assert_eq!(witness.submit(&changed).status, 403);
    let unsigned = submission(&log, 20, 50).replace("\u{2014} crooked", "\u{2014} unknown");
    assert_eq!(witness.submit(&unsigned).status, 403);
    continuation(&mut witness, &log, &other);
}

/// What a witness that knows 20 leaves says to what comes next, also after it was killed.
fn continuation(witness: &mut WitnessProcess, log: &CrookedLog, other: &CrookedLog) {
    // Where the witness is.
    witness.conflicts(&submission(log, 0, 50), 20);
    witness.conflicts(&submission(log, 19, 50), 20);
    witness.conflicts(&submission(log, 21, 50), 20);
    // What continues, and what does not.
    assert_eq!(witness.submit(&submission(other, 20, 50)).status, 422);
    let mut cut = GrowthProof::parse(submission(log, 20, 50).as_bytes()).unwrap();
    cut.hashes.pop();
    assert_eq!(witness.submit(&cut.to_string()).status, 422);
    witness.conflicts(&submission(other, 20, 20), 20);
    // The same again is no news, and is cosigned again.
    witness.cosigns(&submission(log, 20, 20));
    witness.cosigns(&submission(log, 20, 50));
    witness.conflicts(&submission(log, 20, 60), 50);
    // A rollback: the log says that it was smaller.
    assert_eq!(
        witness
            .submit(&submission(log, 20, 20).replace("old 20", "old 50"))
            .status,
        400
    );
    // Other doors are closed.
    assert_eq!(ask(&witness.url, "GET", "/add-checkpoint", "").status, 405);
    assert_eq!(ask(&witness.url, "POST", "/add-checkpoints", "").status, 404);
    assert_eq!(
        ask(&witness.url, "POST", "/add-checkpoint", &"x".repeat(65 << 10)).status,
        413
    );
    // Nobody else may use its memory meanwhile.
    let request = witness.node.home().join("request");
    fs::write(&request, submission(log, 50, 60)).unwrap();
    let log_key = verifier(log);
    let said = witness
        .node
        .run(&["witness", "answer", request.to_str().unwrap(), "--log", &log_key])
        .exits(69);
    assert!(said.err.contains("another process uses"), "{said:?}");
    // What was answered is remembered, whatever happens to the process.
    witness.kill();
    witness.restart();
    witness.conflicts(&submission(log, 20, 60), 50);
    witness.cosigns(&submission(log, 50, 60));
    witness.kill();
    witness.restart();
    witness.conflicts(&submission(log, 50, 70), 60);
}

#[test]
fn a_witness_whose_memory_is_damaged_does_not_start() {
    let log = CrookedLog::with_history();
    let mut witness = WitnessProcess::start("witness.example/w1", &[verifier(&log)], false);
    witness.cosigns(&submission(&log, 0, 20));
    witness.kill();
    let memory = fs::read_dir(witness.node.home().join("witness")).unwrap();
    let files = memory.map(|entry| entry.unwrap().path());
    let kept: Vec<PathBuf> = files.filter(|path| path.extension().is_some()).collect();
    assert_eq!(kept.len(), 1);
    let text = fs::read_to_string(&kept[0]).unwrap();
    fs::write(&kept[0], text.replace("\n20\n", "\n19\n")).unwrap();
    let log_key = verifier(&log);
    let said = witness
        .node
        .run(&["witness", "serve", "--log", &log_key])
        .exits(78);
    assert!(said.err.contains("is not a checkpoint of the log"), "{said:?}");
}

#[test]
fn a_log_key_cannot_witness_and_a_witness_key_cannot_be_a_logs() {
    let log = CrookedLog::with_history();
    let witness = WitnessProcess::start("witness.example/w1", &[verifier(&log)], false);
    let node = Node::new();
    node.run(&["witness", "init", "--name", "two words"]).exits(2);
    node.run(&["witness", "init", "--name", "witness.example/w2"])
        .exits(0);
    node.run(&["witness", "init", "--name", "witness.example/w2"])
        .exits(74);
    fs::write(node.home().join("keys/witness.key"), log.key.to_secret_text()).unwrap();
    let said = node
        .run(&["witness", "serve", "--log", &verifier(&log)])
        .exits(78);
    assert!(said.err.contains("is not the key of a witness"), "{said:?}");
    // A signature of the log over the same text is not a cosignature, whoever it claims to be from.
    let checkpoint = log.note(20);
    let signature = checkpoint.lines().last().unwrap();
    let (_, bytes) = signature.rsplit_once(' ').unwrap();
    let replayed = format!("\u{2014} {} {bytes}\n", witness.key.id().name);
    let policy = node.home().join("policy");
    fs::write(&policy, format!("witness W {}\nquorum W\n", witness.key)).unwrap();
    let ledger = node.home().join("ledger");
    fs::create_dir_all(ledger.join("checkpoints")).unwrap();
    fs::write(ledger.join("checkpoints/00000000000000000020"), &checkpoint).unwrap();
    fs::write(node.home().join("keys/log.pub"), verifier(&log)).unwrap();
    let answer = node.home().join("answer");
    fs::write(&answer, replayed).unwrap();
    let attach = [
        "witness",
        "attach",
        answer.to_str().unwrap(),
        "--policy",
        policy.to_str().unwrap(),
    ];
    let said = node.run(&attach).exits(0);
    assert!(said.err.contains("now has 0 cosignatures"), "{said:?}");
}

#[test]
fn only_a_witness_that_reads_the_leaves_refuses_a_false_seal() {
    let honest = CrookedLog::with_history();
    let size = honest.size();
    let stage = Stage::showing(&honest);
    let log = format!("{} {}", verifier(&honest), stage.url());
    let ordinary = WitnessProcess::start("witness.example/ordinary", std::slice::from_ref(&log), false);
    let verifying = WitnessProcess::start("witness.example/verifying", std::slice::from_ref(&log), true);
    for witness in [&ordinary, &verifying] {
        witness.cosigns(&submission(&honest, 0, size));
    }
    let mut lying = honest.clone();
    lying.append(port("CNNBG"), b"to be hidden");
    let old = lying.old_head(port("CNNBG"), 1);
    lying.seal_saying(|heads| {
        heads
            .iter_mut()
            .filter(|head| head.chain == old.chain)
            .for_each(|head| *head = old);
    });
    stage.show(&lying, lying.size());
    let lie = submission(&lying, size, lying.size());
    ordinary.cosigns(&lie);
    let answer = verifying.submit(&lie);
    assert_eq!(answer.status, 422, "{answer:?}");
    assert!(
        answer.body.contains("the leaves contradict the log"),
        "{answer:?}"
    );
    // It refuses for good, and goes on with nothing that rests on the lie.
    lying.append(port("CNNBG"), b"later");
    lying.seal();
    stage.show(&lying, lying.size());
    assert_eq!(
        verifying.submit(&submission(&lying, size, lying.size())).status,
        422
    );
    // A checkpoint that does not end with a seal says nothing about the heads.
    stage.show(&honest, size - 1);
    let fresh = WitnessProcess::start("witness.example/fresh", std::slice::from_ref(&log), true);
    assert_eq!(fresh.submit(&submission(&honest, 0, size - 1)).status, 422);
    // A log that cannot be read is not to blame.
    let unread = format!("{} http://127.0.0.1:1/log", verifier(&honest));
    let blind = WitnessProcess::start("witness.example/blind", &[unread], true);
    assert_eq!(blind.submit(&submission(&honest, 0, size)).status, 503);
}

/// Imports the facts from `from` to before `to`, and waits until they are published.
fn import(node: &Node, from: usize, to: usize) {
    let facts = node.home().join("facts.ndjson");
    let text = first_lines(to);
    let lines: Vec<&str> = text.lines().skip(from).collect();
    fs::write(&facts, lines.join("\n") + "\n").unwrap();
    node.run(&["import", facts.to_str().unwrap()]).exits(0);
    node.wait_until_signed(u64::try_from(to).unwrap());
}

/// The policy of a ledger with these witnesses, of which two are a quorum.
fn policy(log: &str, witnesses: &[&WitnessProcess]) -> String {
    let lines: Vec<String> = witnesses
        .iter()
        .enumerate()
        .map(|(number, witness)| format!("witness w{number} {} {}", witness.key, witness.url))
        .collect();
    let names: Vec<String> = (0..witnesses.len()).map(|number| format!("w{number}")).collect();
    format!(
        "log {log}\n{}\ngroup g 2 {}\nquorum g\n",
        lines.join("\n"),
        names.join(" ")
    )
}

#[test]
fn a_ledger_is_published_with_its_witnesses_and_goes_on_without_them() {
    let mut node = Node::init();
    let log = fs::read_to_string(node.home().join("keys/log.pub"))
        .unwrap()
        .trim()
        .to_owned();
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    fs::write(
        node.home().join("portbook.toml"),
        format!("[http]\nlisten_addr = \"{port}\"\n[witness]\npolicy = \"policy\"\n"),
    )
    .unwrap();
    let known = format!("{log} http://{port}/log");
    let ordinary = WitnessProcess::start("witness.example/a", std::slice::from_ref(&known), false);
    let mut verifying = WitnessProcess::start("witness.example/b", std::slice::from_ref(&known), true);
    let policy_file = node.home().join("policy");
    fs::write(&policy_file, policy(&log, &[&ordinary, &verifying])).unwrap();
    let verify = ["verify", "--all", "--policy", policy_file.to_str().unwrap()];
    node.up();
    import(&node, 0, 600);
    let cosigned = |node: &Node| {
        wait_for(|| {
            let said = node.run(&verify);
            (said.code == Some(0)).then_some(said)
        })
    };
    let said = cosigned(&node).expect("no quorum");
    assert!(said.out.contains("witnesses    2 of 2, a quorum"), "{said:?}");
    let url = fs::read_to_string(node.home().join("http.url")).unwrap();
    let counted = wait_for(|| {
        let metrics = ask(&url, "GET", "/metrics", "").body;
        metrics
            .contains("portbook_checkpoint_witnesses 2\n")
            .then_some(())
    });
    assert!(counted.is_some(), "the witnesses are not counted");
    // One away: recording and publishing go on, and what is missing is said.
    verifying.kill();
    import(&node, 600, 900);
    let said = node.run(&verify).exits(12);
    assert!(said.out.contains("witnesses    1 of 2, no quorum"), "{said:?}");
    assert!(said.out.contains("INCOMPLETE all chains"), "{said:?}");
    let log_file = fs::read_to_string(node.log("up")).unwrap();
    assert!(
        log_file.contains("published without a quorum: 1 of 2 witnesses; witness.example/b: "),
        "{log_file}"
    );
    assert_eq!(ask(&url, "GET", "/readyz", "").status, 200);
    // Back again: the next checkpoint has its quorum, consistent with what the witness remembers.
    verifying.restart();
    import(&node, 900, 950);
    cosigned(&node).expect("no quorum after the witness came back");
    node.stop();
    node.verify();
}

#[test]
fn cosignatures_cross_an_air_gap_in_files() {
    let mut node = Node::init();
    node.up();
    import(&node, 0, 300);
    node.stop();
    let log = fs::read_to_string(node.home().join("keys/log.pub"))
        .unwrap()
        .trim()
        .to_owned();
    let apart = Node::new();
    let key = apart
        .run(&["witness", "init", "--name", "witness.example/vault"])
        .exits(0)
        .out;
    let policy = node.home().join("policy");
    fs::write(
        &policy,
        format!("log {log}\nwitness vault {}\nquorum vault\n", key.trim()),
    )
    .unwrap();
    let verify = ["verify", "--all", "--policy", policy.to_str().unwrap()];
    node.run(&verify).exits(12);
    let (request, answer) = (node.home().join("request"), node.home().join("answer"));
    node.run(&["witness", "request", "--out", request.to_str().unwrap()])
        .exits(0);
    let consider = [
        "witness",
        "answer",
        request.to_str().unwrap(),
        "--log",
        &log,
        "--out",
        answer.to_str().unwrap(),
    ];
    apart.run(&consider).exits(0);
    node.run(&[
        "witness",
        "attach",
        answer.to_str().unwrap(),
        "--policy",
        policy.to_str().unwrap(),
    ])
    .exits(0);
    let said = node.run(&verify).exits(0);
    assert!(said.out.contains("witnesses    1 of 1, a quorum"), "{said:?}");
    // The witness remembers: the same request again does not begin where it is.
    let said = apart.run(&consider).exits(20);
    assert!(said.err.contains("this witness cosigned"), "{said:?}");
    // What was published stays as it was.
    assert_eq!(node.checkpoint().lines().count(), 5);
    node.run(&["witness", "request", "--old", "99999"]).exits(11);
}
