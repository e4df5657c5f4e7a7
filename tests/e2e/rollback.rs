//! The past, put back whole: an old ledger and its old stream agree with each other, and are noticed at start all the same, by
//! whoever outside of the home remembers more.

use std::fs;
use std::path::{Path, PathBuf};

use crate::node::{Node, copy, first_lines};
use crate::signing::signed_roots;
use crate::witness::WitnessProcess;

/// A ledger with a past: what there is now, and a copy of all of its home as it was before.
struct Restored {
    node: Node,
    /// Leaves that were signed last.
    signed: u64,
    older: PathBuf,
}

/// What a restore of the home brings back: ledger, stream and journals, not the keys.
const STATE: [&str; 3] = ["ledger", "nats", "sources"];

fn import(node: &Node, lines: usize) {
    let facts = node.home().join("facts.ndjson");
    fs::write(&facts, first_lines(lines)).unwrap();
    node.run(&["import", facts.to_str().unwrap()]).exits(0);
}

impl Restored {
    /// Forty facts, a copy, eighty facts; `between` may do something when all of it is signed.
    fn after(mut node: Node, between: impl FnOnce(&Node)) -> Self {
        node.up();
        import(&node, 40);
        node.wait_until_signed(46);
        node.stop();
        let older = node.home().with_file_name("older");
        for part in STATE {
            copy(&node.home().join(part), &older.join(part));
        }
        node.up();
        import(&node, 80);
        node.wait_until_signed(87);
        node.stop();
        between(&node);
        let signed = node.signed_size();
        Self { node, signed, older }
    }

    /// Puts the older state of these parts back.
    fn put_back(&self, parts: &[&str]) {
        for part in parts {
            let path = self.node.home().join(part);
            fs::remove_dir_all(&path).unwrap();
            copy(&self.older.join(part), &path);
        }
    }

    /// Makes this machine forget what it published.
    fn forget(&self) {
        fs::remove_dir_all(self.published()).unwrap();
    }

    fn published(&self) -> PathBuf {
        self.node
            .home()
            .with_file_name("state")
            .join("portbook/published")
    }

    /// `up` says who knows better, and nothing is recorded, signed or published.
    #[track_caller]
    fn is_refused(&mut self, by: &str) {
        let before = (self.node.checkpoint(), signed_roots(&self.node));
        let said = self.node.up_to_its_end().exits(11);
        let expected = format!("a checkpoint of {} leaves is known to {by}", self.signed);
        assert!(
            said.err.contains(&expected) && said.err.contains("rolled back"),
            "{expected:?} is missing from {}",
            said.err
        );
        assert!(!said.err.contains("is running on"), "{said:?}");
        assert_eq!((self.node.checkpoint(), signed_roots(&self.node)), before);
    }

    /// With nobody left who remembers, the past goes on as the present: what the others notice, they notice alone.
    fn is_not_noticed(&mut self) {
        self.node.up();
        import(&self.node, 45);
        self.node.wait_until_signed(50);
        self.node.stop();
    }
}

fn configure(node: &Node, text: &str) {
    fs::write(node.home().join("portbook.toml"), text).unwrap();
}

#[test]
fn the_machine_that_published_more_notices() {
    let mut restored = Restored::after(Node::init(), |_| {});
    restored.put_back(&STATE);
    restored.is_refused("this machine, which published it");
    restored.forget();
    restored.is_not_noticed();
}

#[test]
fn whoever_verified_more_on_this_machine_notices() {
    let mut restored = Restored::after(Node::init(), |node| {
        node.verify();
    });
    restored.put_back(&STATE);
    restored.forget();
    restored.is_refused("verify, which accepted it on this machine");
}

#[test]
fn files_that_were_published_elsewhere_notice() {
    let node = Node::init();
    let tiles = node.home().with_file_name("tiles");
    configure(&node, "[ledger]\npublished = [\"../tiles\", \"../not/there\"]\n");
    let mut restored = Restored::after(node, |node| {
        node.run(&["export", "tiles", tiles.to_str().unwrap()]).exits(0);
    });
    restored.put_back(&STATE);
    restored.forget();
    restored.is_refused(restored.node.home().join("../tiles/checkpoint").to_str().unwrap());
    // What the log's key did not sign is no checkpoint, and nothing starts before that is put right.
    let checkpoint = tiles.join("checkpoint");
    let text = fs::read_to_string(&checkpoint).unwrap();
    fs::write(&checkpoint, text.replacen('\n', "\n1", 1)).unwrap();
    let said = restored.node.up_to_its_end().exits(78);
    assert!(said.err.contains("ledger.published names"), "{said:?}");
    fs::remove_file(&checkpoint).unwrap();
    restored.is_not_noticed();
    let told = fs::read_to_string(restored.node.log("up")).unwrap();
    assert!(told.contains("nothing is compared with it"), "{told}");
}

#[test]
fn witnesses_that_cosigned_more_notice_before_anything_is_signed() {
    let node = Node::init();
    let log = fs::read_to_string(node.home().join("keys/log.pub")).unwrap();
    let witness = WitnessProcess::start("witness.example/a", &[log.trim().to_owned()], false);
    let policy = |url: &str| {
        let key = &witness.key;
        format!("log {}\nwitness a {key} {url}\nquorum a\n", log.trim())
    };
    fs::write(node.home().join("policy"), policy(&witness.url)).unwrap();
    configure(&node, "[witness]\npolicy = \"policy\"\n");
    let mut restored = Restored::after(node, |_| {});
    restored.put_back(&STATE);
    restored.forget();
    restored.is_refused("witness witness.example/a");
    // A witness that is away is told, and asked again with the next checkpoint.
    fs::write(restored.node.home().join("policy"), policy("http://127.0.0.1:1")).unwrap();
    restored.is_not_noticed();
    let told = fs::read_to_string(restored.node.log("up")).unwrap();
    assert!(
        told.contains("witness witness.example/a could not be asked"),
        "{told}"
    );
    // By then there is a history that it never saw.
    fs::write(restored.node.home().join("policy"), policy(&witness.url)).unwrap();
    restored.is_refused("witness witness.example/a");
}

#[test]
fn an_old_ledger_under_its_own_stream_is_noticed_and_an_old_stream_as_well() {
    let mut restored = Restored::after(Node::init(), |_| {});
    restored.put_back(&["ledger"]);
    restored.is_refused("this machine, which published it");
    restored.forget();
    // The register of checkpoints in the stream knows better too.
    let said = restored.node.up_to_its_end().exits(11);
    assert!(
        said.err.contains("is registered, but the last one signed here"),
        "{said:?}"
    );

    let mut restored = Restored::after(Node::init(), |_| {});
    restored.put_back(&["nats"]);
    let said = restored.node.up_to_its_end().exits(10);
    assert!(
        said.err.contains("the stream PORTBOOK ends at message"),
        "{said:?}"
    );
}

#[test]
fn an_old_store_alone_is_brought_up_to_date() {
    let mut restored = Restored::after(Node::init(), |_| {});
    let newest = restored.node.checkpoint();
    let store = |home: &Path| home.join("ledger/store");
    fs::remove_dir_all(store(&restored.node.home())).unwrap();
    copy(
        &restored.older.join("ledger/store"),
        &store(&restored.node.home()),
    );
    restored.node.up();
    import(&restored.node, 81);
    restored.node.wait_until_signed(restored.signed + 1);
    restored.node.stop();
    assert_ne!(restored.node.checkpoint(), newest);
    restored.node.verify();
}

#[test]
fn another_history_of_the_same_length_is_noticed() {
    let mut restored = Restored::after(Node::init(), |_| {});
    // Somebody has the log's key, and has signed something else for the same size.
    let key = fs::read_to_string(restored.node.home().join("keys/log.key")).unwrap();
    let key = portbook_ledger::SignerKey::parse(key.trim()).unwrap();
    let other = portbook_ledger::Checkpoint {
        origin: portbook_ledger::Origin::new("test.example/port").unwrap(),
        size: portbook_ledger::Size::new(restored.signed),
        root: portbook_ledger::sha256(&[b"another history"]),
    };
    let mark = fs::read_dir(restored.published())
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    fs::write(mark, other.sign(&key).unwrap().to_string()).unwrap();
    let before = restored.node.checkpoint();
    let said = restored.node.up_to_its_end().exits(11);
    assert!(said.err.contains("this log has two histories"), "{said:?}");
    assert_eq!(restored.node.checkpoint(), before);
    // Whether or not the leaves are hashed again at start.
    configure(&restored.node, "[projector]\naudit_at_start = \"tail\"\n");
    restored.node.up_to_its_end().exits(11);
    assert_eq!(restored.node.checkpoint(), before);
}

#[test]
fn a_restore_that_gives_records_up_openly_is_no_rollback_and_what_follows_it_is_held_to_again() {
    let mut node = Node::init();
    node.up();
    import(&node, 40);
    node.wait_until_signed(46);
    let backup = node.home().with_file_name("backup");
    node.run(&["backup", backup.to_str().unwrap()]).exits(0);
    import(&node, 80);
    node.wait_until_signed(87);
    node.stop();
    node.verify();
    let given_up = node.signed_size();
    // The same machine, which knows what was published: the backup alone would be a rollback.
    let lost = node.home().with_file_name("lost");
    fs::rename(node.home(), &lost).unwrap();
    let keys = lost.join("keys").display().to_string();
    let restore = ["restore", backup.to_str().unwrap(), "--keys", &keys];
    let said = node.run(&restore).exits(11);
    assert!(said.err.contains("would be a rollback"), "{said:?}");
    let openly = [&restore[..], &["--declare-epoch", "the disk was lost"]].concat();
    fs::remove_dir_all(node.home()).unwrap_or_default();
    node.run(&openly).exits(0);
    node.up();
    import(&node, 60);
    node.wait_until_signed(60);
    node.stop();
    assert!(node.signed_size() < given_up);
    // From the first checkpoint behind the restore on, this machine remembers the new history.
    let published = node.home().with_file_name("state/portbook/published");
    let mut files = fs::read_dir(published)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let mark = files
        .find(|path| path.extension().is_some_and(|it| it == "checkpoint"))
        .unwrap();
    assert_eq!(fs::read_to_string(mark).unwrap(), node.checkpoint());
    // Who verified before is told, until he accepts it.
    node.run(&["verify", "--all"]).exits(11);
    node.run(&["verify", "--all", "--accept-epoch", "2"]).exits(0);
    // The new history is the one that is remembered, and no older state of it is taken for the present.
    let mut restored = Restored::after(node, |_| {});
    restored.put_back(&STATE);
    restored.is_refused("this machine, which published it");
    restored.forget();
    let seen = restored.published().with_file_name("seen");
    fs::remove_dir_all(seen).unwrap();
    restored.is_not_noticed();
}
