//! Two projectors over one stream: the second follows, takes over when the first is killed, and the first stays out for good.

use std::fs;

use portbook_bus::{CheckpointRegister, Identity, ManagedServer, ServerPort, ServerSpec};
use portbook_ledger::{Checkpoint, Origin, SignerKey, Size, sha256};

use crate::kill::connect;
use crate::node::{Node, Running, Said, copy, first_lines, signal, wait_for};

/// A server of its own, and a primary and a standby that share nothing but that and the keys.
struct Pair {
    runtime: tokio::runtime::Runtime,
    server: Option<ManagedServer>,
    url: String,
    primary: Node,
    standby: Node,
    processes: Vec<Running>,
}

impl Pair {
    fn start() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .unwrap();
        let primary = Node::init();
        let spec = ServerSpec {
            binary: portbook_testkit::nats::server_binary(),
            store_dir: primary.home().join("nats"),
            seeds_dir: primary.home().join("keys/nats"),
            port: ServerPort::Free,
            file_store_bytes_max: 1 << 34,
        };
        let server = runtime.block_on(ManagedServer::start(spec)).unwrap();
        let standby = Node::new();
        fs::create_dir_all(standby.home()).unwrap();
        copy(&primary.home().join("keys"), &standby.home().join("keys"));
        // A standby does without the secret key until it is promoted.
        fs::remove_file(standby.home().join("keys/log.key")).unwrap();
        standby.run(&["init", "--standby"]).exits(0);
        Self {
            url: server.url().to_owned(),
            server: Some(server),
            runtime,
            primary,
            standby,
            processes: Vec::new(),
        }
    }

    fn spawn(&mut self, on: fn(&Self) -> &Node, part: &str) -> usize {
        let process = on(self).spawn(&["run", part, "--server", &self.url], part);
        self.processes.push(process);
        self.processes.len() - 1
    }

    fn import(&self, count: usize) {
        let facts = self.primary.home().join("facts.ndjson");
        fs::write(&facts, first_lines(count)).unwrap();
        let args = ["import", "--server", &self.url, &facts.display().to_string()];
        self.primary.run(&args).exits(0);
    }

    fn kill(&mut self, process: usize) {
        self.processes[process].kill().unwrap();
        self.processes[process].wait().unwrap();
    }

    #[track_caller]
    fn ended(&mut self, process: usize, node: fn(&Self) -> &Node, part: &str) -> (Option<i32>, String) {
        let ended = wait_for(|| self.processes[process].try_wait().unwrap());
        let said = fs::read_to_string(node(self).log(part)).unwrap();
        (ended.unwrap_or_else(|| panic!("it goes on: {said}")).code(), said)
    }
}

impl Drop for Pair {
    fn drop(&mut self) {
        self.processes.clear();
        let server = self.server.take().unwrap();
        self.runtime.block_on(server.stop()).unwrap();
    }
}

/// The checkpoint of `size` as a node published it.
fn checkpoint(node: &Node, size: u64) -> String {
    fs::read_to_string(node.home().join(format!("ledger/checkpoints/{size:020}"))).unwrap()
}

#[test]
fn a_standby_takes_over_from_a_killed_projector_which_then_stays_out() {
    let mut pair = Pair::start();
    let first = pair.spawn(|pair| &pair.primary, "projector");
    let second = pair.spawn(|pair| &pair.standby, "standby");
    pair.import(200);
    pair.primary.wait_until_signed(206);
    pair.standby.wait_until_signed(206);
    // What the first one signed stands behind the second one's own tree, byte for byte.
    let size = pair.standby.signed_size();
    assert_eq!(checkpoint(&pair.primary, size), checkpoint(&pair.standby, size));
    // Without the secret key nobody can promote it, and it goes on following.
    let said = pair.standby.run(&["promote"]).exits(74);
    assert!(said.err.contains("log.key"), "{said:?}");

    pair.kill(first);
    pair.import(300);
    let key = pair.primary.home().join("keys/log.key");
    fs::copy(key, pair.standby.home().join("keys/log.key")).unwrap();
    let Said { out, .. } = pair.standby.run(&["promote"]).exits(0);
    assert!(out.contains("fenced off"), "{out}");
    pair.standby.wait_until_signed(307);
    pair.import(350);
    pair.standby.wait_until_signed(358);

    // The one before comes back, catches up, and is told that it is not the projector any more.
    let again = pair.spawn(|pair| &pair.primary, "projector");
    let (code, said) = pair.ended(again, |pair| &pair.primary, "projector");
    assert_eq!(code, Some(11), "{said}");
    assert!(said.contains("another projector is at work"), "{said}");

    pair.import(400);
    pair.standby.wait_until_signed(409);
    signal("-TERM", pair.processes[second].id());
    let (code, said) = pair.ended(second, |pair| &pair.standby, "standby");
    assert_eq!(code, Some(0), "{said}");
    let report = pair.standby.run(&[
        "verify",
        "--all",
        "--against-stream",
        "--json",
        "--server",
        &pair.url,
    ]);
    assert_eq!(report.exits(0).json()["signatures"]["valid"], 400);
    pair.standby
        .run(&["stream", "check", "--server", &pair.url])
        .exits(0);
    // The old home, demoted to a standby of the new one, follows to the same bytes.
    let demoted = pair.spawn(|pair| &pair.primary, "standby");
    let size = pair.standby.signed_size();
    pair.primary.wait_until_signed(size);
    assert_eq!(checkpoint(&pair.primary, size), checkpoint(&pair.standby, size));
    signal("-TERM", pair.processes[demoted].id());
    pair.ended(demoted, |pair| &pair.primary, "standby");
}

#[test]
fn of_two_that_live_the_one_that_was_promoted_goes_on() {
    let mut pair = Pair::start();
    let key = pair.primary.home().join("keys/log.key");
    fs::copy(key, pair.standby.home().join("keys/log.key")).unwrap();
    let said = pair.standby.run(&["promote"]).exits(69);
    assert!(said.err.contains("portbook run standby"), "{said:?}");
    let first = pair.spawn(|pair| &pair.primary, "projector");
    let second = pair.spawn(|pair| &pair.standby, "standby");
    pair.import(100);
    pair.standby.wait_until_signed(106);
    pair.standby.run(&["promote"]).exits(0);
    pair.import(150);
    let (code, said) = pair.ended(first, |pair| &pair.primary, "projector");
    assert_eq!(code, Some(11), "{said}");
    assert!(said.contains("another checkpoint was registered"), "{said}");
    pair.standby.wait_until_signed(157);
    signal("-TERM", pair.processes[second].id());
    pair.ended(second, |pair| &pair.standby, "standby");
    pair.standby.run(&["verify", "--all"]).exits(0);
}

#[test]
fn a_standby_does_not_vouch_for_a_tree_that_its_stream_does_not_lead_to() {
    let mut pair = Pair::start();
    let first = pair.spawn(|pair| &pair.primary, "projector");
    let second = pair.spawn(|pair| &pair.standby, "standby");
    pair.import(50);
    pair.standby.wait_until_signed(56);
    pair.kill(first);
    // Whoever holds the key of the log can sign anything.
    let text = fs::read_to_string(pair.primary.home().join("keys/log.key")).unwrap();
    let key = SignerKey::parse(text.trim_end()).unwrap();
    let size = pair.standby.signed_size();
    let forged = Checkpoint {
        origin: Origin::new(key.verifier().id().name.as_str()).unwrap(),
        size: Size::new(size),
        root: sha256(&[b"another history"]),
    };
    let note = forged.sign(&key).unwrap().to_string();
    let seeds = pair.primary.home().join("keys/nats");
    pair.runtime.block_on(async {
        let bus = connect(&pair.url, Identity::Projector, &seeds).await;
        let register = CheckpointRegister::new(&bus, "portbook.checkpoint.ledger");
        let (last, _) = register.last().await.unwrap().unwrap();
        register.put(note.into(), last).await.unwrap();
    });
    let before = checkpoint(&pair.standby, size);
    let (code, said) = pair.ended(second, |pair| &pair.standby, "standby");
    assert_eq!(code, Some(11), "{said}");
    assert!(said.contains("the same stream gives"), "{said}");
    assert_eq!(checkpoint(&pair.standby, size), before);
}
