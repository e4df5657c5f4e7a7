//! Backup and restore: the same root comes back; the past is not passed off as the present; an epoch is there for all to see.

use std::fs;
use std::path::{Path, PathBuf};

use crate::node::{Node, Said, copy, first_lines, run_with};

fn import(node: &Node, count: usize) {
    let facts = node.home().join("facts.ndjson");
    fs::write(&facts, first_lines(count)).unwrap();
    node.run(&["import", &facts.display().to_string()]).exits(0);
}

fn backup(node: &Node, name: &str) -> PathBuf {
    let directory = node.home().with_file_name(name);
    let said = node.run(&["backup", &directory.display().to_string()]).exits(0);
    assert!(said.out.contains("backed up"), "{said:?}");
    directory
}

/// Restores into an empty home, with the secret keys of `from`.
fn restore(into: &Node, from: &Node, backup: &Path, more: &[&str]) -> Said {
    let keys = from.home().join("keys").display().to_string();
    let backup = backup.display().to_string();
    let mut args = vec!["restore", &backup, "--keys", &keys];
    args.extend(more);
    into.run(&args)
}

fn checkpoint_file(node: &Node) -> String {
    node.home().join("ledger/checkpoint").display().to_string()
}

#[test]
fn what_was_backed_up_while_it_ran_comes_back_with_the_same_root() {
    let mut node = Node::init();
    node.up();
    import(&node, 300);
    node.wait_until_signed(306);
    let running = backup(&node, "running");
    import(&node, 400);
    node.wait_until_signed(407);
    node.stop();
    let stopped = backup(&node, "stopped");
    let newest = node.checkpoint();
    node.run(&["backup", &stopped.display().to_string()]).exits(2);

    let mut other = Node::new();
    // Nobody here knows what was published, so nobody can tell whether this is the present.
    let said = restore(&other, &node, &stopped, &[]).exits(12);
    assert!(said.err.contains("--checkpoint"), "{said:?}");
    restore(
        &other,
        &node,
        &stopped,
        &["--checkpoint", &checkpoint_file(&node)],
    )
    .exits(0);
    assert_eq!(other.checkpoint(), newest);
    other.run(&["verify", "--all", "--against-stream"]).exits(0);
    other.run(&["stream", "check"]).exits(0);
    // It goes on, and the auditor who saw the old one accepts the new one as its continuation.
    other.up();
    import(&other, 450);
    other.wait_until_signed(node.signed_size() + 40);
    other.run(&["feed", "status"]).exits(0);
    other.run(&["doctor"]).exits(0);
    other.stop();
    other.run(&["verify", "--all"]).exits(0);
    // A home that holds a ledger is not overwritten.
    let said = restore(
        &other,
        &node,
        &stopped,
        &["--checkpoint", &checkpoint_file(&node)],
    )
    .exits(2);
    assert!(said.err.contains("is there already"), "{said:?}");

    // What was taken while it ran is as good, up to its checkpoint.
    let third = Node::new();
    let own = third.home().with_file_name("known");
    let manifest: serde_json::Value =
        serde_json::from_slice(&fs::read(running.join("manifest.json")).unwrap()).unwrap();
    fs::write(&own, manifest["checkpoint"].as_str().unwrap()).unwrap();
    restore(
        &third,
        &node,
        &running,
        &["--checkpoint", &own.display().to_string()],
    )
    .exits(0);
    third.run(&["verify", "--all"]).exits(0);
}

#[test]
fn an_old_backup_is_refused_unless_an_epoch_is_declared_and_then_everybody_sees_it() {
    let mut node = Node::init();
    node.up();
    import(&node, 50);
    node.wait_until_signed(56);
    node.verify();
    let old = backup(&node, "old");
    import(&node, 120);
    node.wait_until_signed(127);
    node.stop();
    let last = node.signed_size();
    let auditor = Node::new();

    let mut other = Node::new();
    let known = checkpoint_file(&node);
    let said = restore(&other, &node, &old, &["--checkpoint", &known]).exits(11);
    assert!(said.err.contains("would be a rollback"), "{said:?}");
    assert!(!other.home().join("ledger").exists());
    let declare = ["--checkpoint", &known, "--declare-epoch", "both disks burned"];
    let said = restore(&other, &node, &old, &declare).exits(0);
    assert!(said.out.contains("declared epoch 2"), "{said:?}");
    other.up();
    import(&other, 60);
    other.wait_until_signed(68);
    other.stop();
    // Who never saw the lost records verifies, and is told.
    let report = other.run(&["verify", "--all", "--json"]).exits(0).json();
    let epoch = &report["epochs"][0];
    assert_eq!(
        (&epoch["epoch"], &epoch["reason"]),
        (&2.into(), &"both disks burned".into())
    );
    let said = other.run(&["verify", "--all"]).exits(0);
    assert!(
        said.out.contains("epoch 2") && said.out.contains("both disks burned"),
        "{said:?}"
    );

    // Who saw them is not made to forget: neither while the new history is shorter than the old one, nor after.
    let state = auditor.home().with_file_name("state").display().to_string();
    let sees = |home: &Node, args: &[&str]| run_with(home, "XDG_STATE_HOME", &state, args);
    sees(&node, &["verify", "--all"]).exits(0);
    let said = sees(&other, &["verify", "--all"]).exits(11);
    assert!(
        said.out.contains("EPOCH 2") && said.out.contains("--accept-epoch 2"),
        "{said:?}"
    );
    other.up();
    import(&other, 200);
    other.wait_until_signed(last + 20);
    other.stop();
    let said = sees(&other, &["verify", "--all", "--json"]).exits(11).json();
    assert_eq!(
        (&said["verdict"], &said["epoch"]["epoch"]),
        (&"new-epoch".into(), &2.into())
    );
    sees(&other, &["verify", "--all", "--accept-epoch", "3"]).exits(11);
    sees(&other, &["verify", "--all", "--accept-epoch", "2"]).exits(0);
    // From then on the new history is what is remembered.
    sees(&other, &["verify", "--all"]).exits(0);
    sees(&node, &["verify", "--all"]).exits(11);
}

#[test]
fn a_backup_that_changed_or_is_of_another_history_is_refused() {
    let mut node = Node::init();
    node.up();
    import(&node, 40);
    node.wait_until_signed(46);
    node.stop();
    let whole = backup(&node, "whole");
    let known = checkpoint_file(&node);
    for name in [
        "ledger/leaves",
        "ledger/signed.log",
        "streams/PORTBOOK.snapshot",
        "keys/log.pub",
    ] {
        let changed = whole.with_file_name("changed");
        copy(&whole, &changed);
        let path = changed.join(name);
        let mut bytes = fs::read(&path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(&path, bytes).unwrap();
        let other = Node::new();
        let said = restore(&other, &node, &changed, &["--checkpoint", &known]).exits(10);
        assert!(said.err.contains("digest differs"), "{name}: {said:?}");
        assert!(!other.home().join("ledger").exists(), "{name}");
        fs::remove_dir_all(changed).unwrap();
    }
    // The keys of another ledger do not make it one's own.
    let stranger = Node::init();
    let said = restore(&Node::new(), &stranger, &whole, &["--checkpoint", &known]).exits(78);
    assert!(said.err.contains("is not the one of this backup"), "{said:?}");
    // A damaged ledger is not backed up.
    let store = node.home().join("ledger/store");
    let bytes = {
        let reader = portbook_store::StoreReader::open(&store).unwrap();
        let mut bytes = reader
            .leaf(portbook_ledger::Index::new(20).unwrap())
            .unwrap()
            .unwrap();
        let last = bytes.len() - 2;
        bytes[last] ^= 1;
        bytes
    };
    portbook_store::forge(&store, &portbook_store::Forgery::Replace { index: 20, bytes }).unwrap();
    let target = node.home().with_file_name("damaged");
    let said = node.run(&["backup", &target.display().to_string()]).exits(10);
    assert!(
        said.err.contains("the ledger gives root") && !target.exists(),
        "{said:?}"
    );
}
