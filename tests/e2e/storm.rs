//! Rebuilds of views that are killed again and again beside an import, while others read.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Child;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use portbook_projection::Projections;
use portbook_store::{LedgerDirectory, StoreReader};

use crate::node::{Node, first_lines, wait_for};
use crate::views::{assert_equal, roots};

#[test]
fn rebuilds_that_are_killed_beside_an_import_come_to_the_same_roots() {
    let node = Node::init();
    let facts = node.home().join("simulated.ndjson");
    let text = first_lines(24_735);
    fs::write(&facts, &text).unwrap();
    storm(
        node,
        &facts,
        8_000,
        1_000,
        Kills {
            count: 25,
            pace_ms: 10,
        },
    );
}

#[cfg(feature = "soak")]
#[test]
fn soak_views() {
    let node = Node::init();
    let facts = node.home().join("simulated.ndjson");
    node.run(&["simulate", "--scale", "40", "--out", &facts.display().to_string()])
        .exits(0);
    storm(
        node,
        &facts,
        800_000,
        50_000,
        Kills {
            count: 40,
            pace_ms: 60,
        },
    );
}

/// How rebuilds are killed: the first as soon as it writes, others later by steps of the pace.
#[derive(Clone, Copy)]
struct Kills {
    count: u64,
    pace_ms: u64,
}

/// Imports `facts`, the first `before` of them beforehand; kills rebuilds meanwhile, and looks at what readers are told.
fn storm(mut node: Node, facts: &Path, before: usize, snapshot_leaves: u64, kills: Kills) {
    let config =
        format!("[views]\nrebuild_snapshot_leaves = {snapshot_leaves}\nsnapshot_interval_ms = 500\n");
    fs::write(node.home().join("portbook.toml"), config).unwrap();
    let text = fs::read_to_string(facts).unwrap();
    let first = node.home().join("first.ndjson");
    let head: Vec<&str> = text.lines().take(before).collect();
    fs::write(&first, head.join("\n") + "\n").unwrap();
    node.up();
    node.run(&["import", &first.display().to_string()]).exits(0);
    let size = node.signed_size();
    let read = |node: &Node| read_at(node, size);
    let right = read(&node);
    let rest = facts.display().to_string();
    let mut importing = node.spawn(&["import", &rest], "import");
    let (done, reads) = (AtomicBool::new(false), AtomicU64::new(0));
    let mut midway = 0;
    std::thread::scope(|scope| {
        let reading = scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                assert_eq!(read(&node), right, "a reader was told something else");
                reads.fetch_add(1, Ordering::Relaxed);
            }
        });
        for turn in 0..kills.count {
            let known = files(&node);
            let mut rebuilding = node.spawn(&["rebuild", "--all", "--resume"], "rebuild");
            let writes = || {
                let ended = rebuilding.try_wait().unwrap().is_some();
                (ended || files(&node).difference(&known).next().is_some()).then_some(())
            };
            wait_for(writes).expect("a rebuild writes");
            pause(turn % 7 * kills.pace_ms);
            kill(&mut rebuilding);
            midway += usize::from(is_midway(&node));
        }
        done.store(true, Ordering::Relaxed);
        reading.join().unwrap();
    });
    assert!(midway > 0, "no rebuild was killed between two of its snapshots");
    assert!(
        importing.wait().unwrap().success(),
        "{}",
        fs::read_to_string(node.log("import")).unwrap()
    );
    let rebuilt = node
        .run(&["rebuild", "--all", "--resume", "--json"])
        .exits(0)
        .json();
    assert_equal(&rebuilt);
    node.wait_until_signed(u64::try_from(text.lines().count()).unwrap());
    assert_eq!(read(&node), right);
    node.stop();
    let rebuilt = node.run(&["rebuild", "--all", "--json"]).exits(0).json();
    assert_equal(&rebuilt);
    check_steps(&node, &roots(&rebuilt));
    let told = format!(
        "{} kills, {midway} of them midway; {} reads, none wrong\n",
        kills.count,
        reads.into_inner()
    );
    std::io::stderr().write_all(told.as_bytes()).unwrap();
}

/// Folding in steps of any size gives the roots that the rebuild gave.
fn check_steps(node: &Node, expected: &[(String, String)]) {
    let ledger = LedgerDirectory::at(node.home().join("ledger"));
    let reader = StoreReader::open(&ledger.store()).unwrap();
    let end = reader.book().unwrap().size();
    for step in [1, 7, 1_000] {
        let views = node.home().join(format!("steps-of-{step}"));
        let projections = Projections::open(reader.clone(), &views, portbook_projection::VIEWS).unwrap();
        let mut size = 0;
        while size < end {
            size = end.min(size + step);
            projections.catch_up_to(size, &mut |_, _| true).unwrap();
        }
        projections.snapshot().unwrap();
        let live = portbook_projection::generations(&views).unwrap();
        let found = live
            .iter()
            .map(|it| (it.generation.view.clone(), it.generation.root.to_hex()));
        assert_eq!(
            found.collect::<BTreeSet<_>>(),
            expected.iter().cloned().collect(),
            "steps of {step}"
        );
        fs::remove_dir_all(views).unwrap();
    }
}

/// What a reader is told of the ledger as it was when it had `size` leaves.
fn read_at(node: &Node, size: u64) -> String {
    let at = size.to_string();
    let said = node.run(&["projection", "rows", "port-activity", "--at", &at]);
    let log = || fs::read_to_string(node.log("up")).unwrap();
    assert_eq!(said.code, Some(0), "{}\nup: {}", said.err, log());
    said.out
}

/// Files that hold rows of rebuilt facts.
fn files(node: &Node) -> BTreeSet<String> {
    let listed = fs::read_dir(node.home().join("ledger/views/rows")).unwrap();
    let names = listed.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    names.filter(|name| name.starts_with("facts.")).collect()
}

/// Whether a generation was left behind half folded.
fn is_midway(node: &Node) -> bool {
    let listed = node.run(&["projection", "ls", "--json"]).exits(0).json();
    let mut generations = listed["generations"].as_array().unwrap().iter();
    generations.any(|it| it["standing"] == "building" && it["generation"]["leaves"].as_u64() > Some(0))
}

fn kill(process: &mut Child) {
    process.kill().unwrap();
    process.wait().unwrap();
}

/// The pace of killing, not a wait for something to be true.
fn pause(milliseconds: u64) {
    std::thread::park_timeout(std::time::Duration::from_millis(milliseconds));
}
