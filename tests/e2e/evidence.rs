//! Evidence as it leaves the house: what `export` and `prove` write is judged by the verifiers an outsider has, as processes.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::TempDir;

use crate::node::{Node, Said, first_lines};
use crate::outsider::{portbook_verify, portbook_verify_remembering, verify_py};

/// A ledger that has ended, its key, and a place for what it gives away.
struct Giver {
    node: Node,
    key: String,
    /// Leaves under an earlier checkpoint, and under the newest.
    sizes: [u64; 2],
    /// The port with the most records, and how many.
    port: String,
    records: u64,
    place: TempDir,
}

fn import(node: &Node, lines: usize) {
    let facts = node.home().join("facts.ndjson");
    fs::write(&facts, first_lines(lines)).unwrap();
    node.run(&["import", facts.to_str().unwrap()]).exits(0);
}

impl Giver {
    fn new() -> Self {
        let mut node = Node::init();
        node.up();
        import(&node, 1500);
        node.wait_until_signed(1506);
        node.stop();
        let earlier = node.signed_size();
        node.up();
        import(&node, 2500);
        node.wait_until_signed(2507);
        node.stop();
        let report = node.verify();
        let chains = report["chains"].as_array().unwrap().iter();
        let ports = chains.filter(|chain| !chain["chain"].as_str().unwrap().starts_with('~'));
        let largest = ports.max_by_key(|chain| chain["records"].as_u64()).unwrap();
        let key = fs::read_to_string(node.home().join("keys/log.pub")).unwrap();
        Self {
            key: key.trim().to_owned(),
            sizes: [earlier, node.signed_size()],
            port: largest["chain"].as_str().unwrap().to_owned(),
            records: largest["records"].as_u64().unwrap(),
            node,
            place: TempDir::new().unwrap(),
        }
    }

    fn path(&self, name: &str) -> String {
        self.place.path().join(name).display().to_string()
    }

    /// Writes with `verb`, and gives where to and what was said about it.
    #[track_caller]
    fn gives(&self, verb: &[&str], name: &str) -> (String, Value) {
        let path = self.path(name);
        let told = self
            .node
            .run(&[verb, &["--out", &path, "--json"]].concat())
            .exits(0);
        (path, told.json())
    }

    /// What portbook-verify says about it.
    fn judged(&self, evidence: &[&str]) -> Said {
        portbook_verify(&[&["--json", "--key", &self.key], evidence].concat())
    }

    /// Both verifiers accept it, and say what it is about.
    #[track_caller]
    fn is_accepted_by_both(&self, bundle: &str) -> Value {
        let verdict = self.judged(&[bundle]).exits(0).json();
        assert_eq!(verdict["verdict"], "VERIFIED", "{verdict}");
        let other = verify_py(&["--key", &self.key, bundle]).exits(0);
        assert!(other.out.starts_with("VERIFIED "), "{other:?}");
        assert!(other.out.contains(verdict["root"].as_str().unwrap()), "{other:?}");
        verdict
    }

    /// Both verifiers refuse it in the same way.
    #[track_caller]
    fn is_refused_by_both(&self, bundle: &str, exit: i32) {
        let said = self.judged(&[bundle]).exits(exit);
        assert!(!said.out.contains("VERIFIED"), "{said:?}");
        let said = verify_py(&["--key", &self.key, bundle]).exits(exit);
        assert!(!said.out.contains("VERIFIED"), "{said:?}");
    }
}

/// Changes the last byte of a file, hands it to `look`, and puts it back.
#[track_caller]
fn with_another_byte(file: &Path, look: impl FnOnce()) {
    let good = fs::read(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let mut bad = good.clone();
    *bad.last_mut().unwrap() ^= 1;
    fs::write(file, bad).unwrap();
    look();
    fs::write(file, good).unwrap();
}

/// All files below a folder.
fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files_below(&path));
        } else {
            found.push(path);
        }
    }
    found.sort();
    found
}

#[test]
fn bundles_of_the_real_command_convince_both_verifiers_and_no_changed_file_does() {
    let giver = Giver::new();
    let (port, earlier) = (giver.port.as_str(), giver.sizes[0].to_string());
    // An archive and a folder of the whole port are the same evidence.
    let (archive, told) = giver.gives(&["export", port], "whole.zip");
    let verdict = giver.is_accepted_by_both(&archive);
    let subject = &verdict["subject"];
    assert_eq!(
        (&subject["count"], &subject["first"]),
        (&told["count"], &told["first"])
    );
    assert_eq!(
        (&verdict["root"], &verdict["size"]),
        (&told["root"], &told["size"])
    );
    assert_eq!(subject["count"], giver.records);
    let (folder, _) = giver.gives(&["export", port, "--format", "bundle"], "whole");
    assert_eq!(giver.is_accepted_by_both(&folder), verdict);
    // An alias stands for its port; a range, an earlier tree and an older checkpoint are what they say.
    if port == "CNNBG" {
        let (alias, _) = giver.gives(&["export", "CNNGB"], "alias.zip");
        assert_eq!(fs::read(&alias).unwrap(), fs::read(&archive).unwrap());
    }
    let (range, _) = giver.gives(&["export", port, "--range", "3..9"], "range.zip");
    let subject = giver.is_accepted_by_both(&range)["subject"].clone();
    assert_eq!(
        (&subject["first"], &subject["last"]),
        (&3.into(), &9.into()),
        "{subject}"
    );
    let (grown, _) = giver.gives(&["export", port, "--earlier", &earlier], "grown.zip");
    giver.is_accepted_by_both(&grown);
    let (older, _) = giver.gives(&["export", port, "--at", &earlier], "older.zip");
    assert_eq!(giver.is_accepted_by_both(&older)["size"], giver.sizes[0]);
    let (absent, _) = giver.gives(&["prove", "--absent", "CNRZH"], "absent.zip");
    assert_eq!(giver.is_accepted_by_both(&absent)["subject"]["count"], 0);
    // No file of it can be changed, however it is handed over.
    for file in files_below(Path::new(&folder)) {
        with_another_byte(&file, || {
            let said = giver.judged(&[&folder]);
            assert!(matches!(said.code, Some(10 | 12)), "{}: {said:?}", file.display());
            let other = verify_py(&["--key", &giver.key, &folder]);
            assert_eq!(other.code, said.code, "{}: {other:?}", file.display());
        });
    }
    let first = Path::new(&folder).join("entries/000");
    let first = if first.exists() {
        first
    } else {
        files_below(&Path::new(&folder).join("entries"))[0].clone()
    };
    fs::remove_file(first).unwrap();
    giver.is_refused_by_both(&folder, 12);
    with_another_byte(Path::new(&archive), || giver.is_refused_by_both(&archive, 10));
    remembers(&giver, [&older, &archive, &grown]);
    refusals(&giver, &archive);
}

/// What was accepted must be continued, and a bundle with `--earlier` shows that.
fn remembers(giver: &Giver, [older, newer, grown]: [&str; 3]) {
    let memory = TempDir::new().unwrap();
    let judged = |bundle: &str| portbook_verify_remembering(memory.path(), &["--key", &giver.key, bundle]);
    judged(older).exits(0);
    judged(newer).exits(12);
    judged(grown).exits(0);
    judged(newer).exits(0);
    judged(older).exits(13);
}

/// What cannot be written, and what another key says.
fn refusals(giver: &Giver, archive: &str) {
    let stranger = Node::init();
    let key = stranger.home().join("keys/log.pub").display().to_string();
    portbook_verify(&["--key", &key, archive]).exits(10);
    verify_py(&["--key", &key, archive]).exits(10);
    let run = |args: &[&str]| giver.node.run(args);
    // Nothing is written over, and nothing is left behind.
    run(&["export", &giver.port, "--out", archive]).exits(2);
    run(&["export", &giver.port]).exits(2);
    let never = giver.path("never.zip");
    run(&["export", &giver.port, "--range", "1..999999", "--out", &never]).exits(2);
    run(&["export", &giver.port, "--at", "7", "--out", &never]).exits(69);
    run(&["prove", "--absent", &giver.port, "--out", &never]).exits(20);
    assert!(!Path::new(&never).exists());
}

#[test]
fn tiles_of_the_real_command_convince_the_verifier_and_no_changed_file_does() {
    let giver = Giver::new();
    let tiles = giver.path("tiles");
    let told = giver
        .node
        .run(&["export", "tiles", &tiles, "--json"])
        .exits(0)
        .json();
    let verdict = giver.judged(&[&tiles]).exits(0).json();
    assert_eq!(
        (&verdict["size"], &verdict["root"]),
        (&told["size"], &told["root"])
    );
    assert_eq!(verdict["subject"]["kind"], "log");
    let files = files_below(Path::new(&tiles));
    assert_eq!(told["files"], files.len());
    assert_eq!(giver.sizes[1], told["size"].as_u64().unwrap());
    giver.node.run(&["export", "tiles", &tiles]).exits(2);
    let (mut leaves, mut ports) = (0, 0);
    for file in &files {
        let name = file.strip_prefix(&tiles).unwrap().to_str().unwrap();
        (leaves, ports) = (
            leaves + usize::from(name.starts_with("tile/entries/")),
            ports + usize::from(name.starts_with("port/")),
        );
        with_another_byte(file, || {
            let said = giver.judged(&[&tiles]);
            assert_eq!(said.code, Some(10), "{name}: {said:?}");
        });
    }
    assert!(
        leaves >= 10 && ports > 10,
        "{leaves} files of leaves, {ports} of ports"
    );
    let gone = Path::new(&tiles).join("tile/0/000");
    fs::rename(&gone, giver.path("aside")).unwrap();
    giver.judged(&[&tiles]).exits(12);
    fs::rename(giver.path("aside"), &gone).unwrap();
    fs::write(Path::new(&tiles).join("tile/entries/999"), "x").unwrap();
    giver.judged(&[&tiles]).exits(10);
    // The log as it was, which the log as it is continues.
    let older = giver.path("older");
    giver
        .node
        .run(&["export", "tiles", &older, "--at", &giver.sizes[0].to_string()])
        .exits(0);
    assert_eq!(giver.judged(&[&older]).exits(0).json()["size"], giver.sizes[0]);
}

#[test]
fn proofs_of_the_real_command_convince_the_verifier_of_what_they_say_alone() {
    let giver = Giver::new();
    let (leaf, other) = (giver.path("leaf"), giver.path("other-leaf"));
    let place = format!("{}/3", giver.port);
    let (proof, told) = giver.gives(&["prove", &place, "--leaf", &leaf], "record.tlog-proof");
    assert_eq!(told["proof"], fs::read_to_string(&proof).unwrap());
    assert!(fs::metadata(&proof).unwrap().len() < 2000);
    let verdict = giver.judged(&["--leaf", &leaf, &proof]).exits(0).json();
    assert_eq!(verdict["subject"]["index"], told["leaf"]);
    assert_eq!(verdict["subject"]["hash"], told["leaf_hash"]);
    // The same by its index, on stdout.
    let index = told["leaf"].to_string();
    let said = giver.node.run(&["prove", &index]).exits(0);
    assert_eq!(said.out, fs::read_to_string(&proof).unwrap());
    // Another record, no record, a changed proof, another key.
    let next = format!("{}/4", giver.port);
    giver.gives(&["prove", &next, "--leaf", &other], "other.tlog-proof");
    giver.judged(&["--leaf", &other, &proof]).exits(10);
    giver.judged(&[&proof]).exits(12);
    with_another_byte(Path::new(&leaf), || {
        giver.judged(&["--leaf", &leaf, &proof]).exits(10);
    });
    with_another_byte(Path::new(&proof), || {
        giver.judged(&["--leaf", &leaf, &proof]).exits(10);
    });
    in_the_ports_own_log(&giver, &leaf);
    of_growth(&giver);
    let run = |args: &[&str]| giver.node.run(args);
    run(&["prove", "CNXXX/1"]).exits(2);
    run(&["prove", &format!("{}/999999", giver.port)]).exits(2);
    run(&["prove"]).exits(2);
    let newest = (giver.sizes[1] - 1).to_string();
    run(&["prove", &newest, "--at", &giver.sizes[0].to_string()]).exits(69);
}

fn in_the_ports_own_log(giver: &Giver, leaf: &str) {
    let (proof, _) = giver.gives(&["prove", "3", "--port", &giver.port], "port.tlog-proof");
    let verdict = giver.judged(&["--leaf", leaf, &proof]).exits(0).json();
    assert_eq!(verdict["subject"]["index"], 2);
    assert_eq!(
        verdict["origin"],
        format!("test.example/port/port/{}", giver.port)
    );
    assert_eq!(verdict["size"], giver.records);
}

fn of_growth(giver: &Giver) {
    let since = giver.sizes[0].to_string();
    for port in [None, Some(giver.port.as_str())] {
        let earlier = giver.path("then");
        let mut verb = vec!["prove", "--since", &since, "--earlier", &earlier];
        verb.extend(port.iter().flat_map(|port| ["--port", port]));
        let (proof, told) = giver.gives(&verb, "grown");
        let verdict = giver.judged(&["--earlier", &earlier, &proof]).exits(0).json();
        assert_eq!(verdict["subject"]["old"], told["since"]);
        assert!(verdict["size"].as_u64() > told["since"].as_u64(), "{verdict}");
        giver.judged(&[&proof]).exits(12);
        with_another_byte(Path::new(&proof), || {
            giver.judged(&["--earlier", &earlier, &proof]).exits(10);
        });
        // The growth of one log says nothing about another's past.
        with_another_byte(Path::new(&earlier), || {
            giver.judged(&["--earlier", &earlier, &proof]).exits(10);
        });
    }
}
