//! The signing order when a step of it fails: nothing is signed ahead, nothing is signed twice, and a repair needs no hands.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use crate::node::{Node, first_lines, wait_for};

/// A file of the ledger that cannot be written any more.
struct Broken {
    path: PathBuf,
    aside: Option<PathBuf>,
}

impl Broken {
    /// Every write to it says that no space is left.
    fn full(path: &Path) -> Self {
        let broken = Self::moved_away(path);
        symlink("/dev/full", path).unwrap();
        broken
    }

    /// A file stands where a directory is needed.
    fn blocked(path: &Path) -> Self {
        let broken = Self::moved_away(path);
        fs::write(path, "").unwrap();
        broken
    }

    fn moved_away(path: &Path) -> Self {
        let aside = path.with_extension("aside");
        let aside = path.exists().then(|| {
            fs::rename(path, &aside).unwrap();
            aside
        });
        Self {
            path: path.to_owned(),
            aside,
        }
    }

    fn repair(self) {
        fs::remove_file(&self.path).unwrap();
        if let Some(aside) = self.aside {
            fs::rename(aside, &self.path).unwrap();
        }
    }
}

/// What cannot be done, how it is brought about, and with which file.
type Step = (&'static str, fn(&Path) -> Broken, PathBuf);

fn import(node: &Node, lines: usize) {
    let file = node.home().join("facts.ndjson");
    fs::write(&file, first_lines(lines)).unwrap();
    let said = node.run(&["import", &file.display().to_string()]);
    // The projector may take the server with it before the last statement is made.
    assert!(matches!(said.code, Some(0 | 69)), "{said:?}");
}

/// Sizes and roots that were ever about to be signed; no size twice. Nothing was signed under a line that a kill left without
/// its end: the next start cuts it off.
pub(crate) fn signed_roots(node: &Node) -> BTreeMap<u64, String> {
    let text = fs::read_to_string(node.home().join("ledger/signed.log")).unwrap();
    let finished = text.rfind('\n').map_or("", |end| &text[..end]);
    let mut roots = BTreeMap::new();
    for line in finished.lines() {
        let (size, root) = line.split_once(' ').unwrap();
        let before = roots.insert(size.parse().unwrap(), root.to_owned());
        assert_eq!(before, None, "two lines for {size} leaves: {text}");
    }
    roots
}

#[test]
fn a_step_that_fails_stops_the_projector_and_the_next_start_finishes_it() {
    let mut node = Node::init();
    let ledger = node.home().join("ledger");
    let steps: [Step; 3] = [
        (
            "what is about to be signed cannot be written down",
            Broken::full,
            ledger.join("signed.log"),
        ),
        (
            "no checkpoint can be kept",
            Broken::blocked,
            ledger.join("checkpoints"),
        ),
        (
            "the newest checkpoint cannot be written",
            Broken::full,
            ledger.join("checkpoint.new"),
        ),
    ];
    let mut lines = 5;
    node.up();
    import(&node, lines);
    node.wait_until_signed(6 + 5);
    for (step, break_it, path) in steps {
        let quiet =
            wait_for(|| (node.signed_size() > 0 && newest(&node) == node.signed_size()).then_some(()));
        assert!(quiet.is_some(), "{step}");
        let (roots, checkpoint) = (signed_roots(&node), node.checkpoint());
        let broken = break_it(&path);
        lines += 5;
        import(&node, lines);
        let (code, said) = node.ended();
        assert_eq!(code, Some(74), "{step}: {said}");
        assert_eq!(node.checkpoint(), checkpoint, "{step}: something was published");
        broken.repair();
        let after = signed_roots(&node);
        assert!(
            roots.iter().all(|(size, root)| after.get(size) == Some(root)),
            "{step}: {after:?}"
        );
        node.up();
        let before = roots.keys().next_back().copied().unwrap_or(0);
        node.wait_until_signed(before + 5);
    }
    node.stop();
    node.verify();
    signed_roots(&node);
}

/// Size of the last tree that was about to be signed.
fn newest(node: &Node) -> u64 {
    signed_roots(node).keys().next_back().copied().unwrap_or(0)
}
