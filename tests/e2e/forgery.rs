//! What an insider with the store can do, done to every record of a small ledger and to many places of a large one.

use std::path::Path;

use portbook_audit::{Against, Depth, Trust, Verified, verify};
use portbook_ledger::{Fault, Index, Leaf, Origin, Record, VerifierKey};
use portbook_store::{Forgery, LedgerDirectory, StoreError, StoreReader, forge};
use tempfile::TempDir;

use crate::node::{Node, copy, first_lines};

/// A verified ledger that is only read from now on.
struct Original {
    node: Node,
}

impl Original {
    /// A ledger of `lines` facts of the scenario and the leaves that govern it.
    fn of(lines: usize) -> Self {
        let mut node = Node::init();
        node.up();
        let facts = node.home().join("facts.ndjson");
        std::fs::write(&facts, first_lines(lines)).unwrap();
        node.run(&["import", &facts.display().to_string()]).exits(0);
        node.wait_until_signed(6 + u64::try_from(lines).unwrap());
        node.stop();
        node.verify();
        Self { node }
    }

    fn size(&self) -> u64 {
        self.node.signed_size()
    }

    fn leaf(&self, index: u64) -> Vec<u8> {
        reader(&self.node.home())
            .leaf(Index::new(index).unwrap())
            .unwrap()
            .unwrap()
    }

    fn trust(&self) -> Trust {
        let key = std::fs::read_to_string(self.node.home().join("keys/log.pub")).unwrap();
        let log_key = VerifierKey::parse(key.trim()).unwrap();
        Trust {
            origin: Origin::new("test.example/port").unwrap(),
            log_key,
            remembered: Vec::new(),
        }
    }

    /// What verification says of a copy with these forgeries.
    fn forged(&self, forgeries: &[Forgery]) -> Fault {
        let directory = TempDir::new().unwrap();
        copy(&self.node.home().join("ledger"), &directory.path().join("ledger"));
        let ledger = LedgerDirectory::at(directory.path().join("ledger"));
        for forgery in forgeries {
            forge(&ledger.store(), forgery).unwrap();
        }
        let store = StoreReader::open(&ledger.store()).unwrap();
        match verify(
            &store,
            &ledger,
            &self.trust(),
            Against::Newest,
            Depth::Structure,
            &mut |_, _| {},
        )
        .unwrap()
        {
            Verified::Faulty { fault, .. } => fault,
            Verified::Holds(_) => panic!("{forgeries:?} went unnoticed"),
        }
    }
}

fn reader(home: &Path) -> StoreReader {
    StoreReader::open(&LedgerDirectory::at(home.join("ledger")).store()).unwrap()
}

#[track_caller]
fn names(fault: &Fault, index: u64) {
    assert!(
        fault.is_exact() && fault.last.get() == index,
        "leaf {index} was changed, the fault names {} to {}: {fault}",
        fault.first,
        fault.last
    );
}

#[test]
fn one_changed_byte_in_any_record_of_a_small_ledger_is_named() {
    let original = Original::of(40);
    for index in 0..original.size() {
        let leaf = original.leaf(index);
        // Another byte of each leaf: magic, fields, body, signature all get their turn.
        let at = usize::try_from(index * 37).unwrap() % leaf.len();
        let mut bytes = leaf.clone();
        bytes[at] ^= 0x01;
        names(&original.forged(&[Forgery::Replace { index, bytes }]), index);
    }
}

#[test]
fn records_removed_swapped_or_doubled_are_named() {
    let original = Original::of(40);
    for index in (0..original.size() - 1).step_by(3) {
        names(&original.forged(&[Forgery::Remove { index }]), index);
        let swapped = [(index, index + 1), (index + 1, index)];
        let swap = swapped.map(|(index, other)| Forgery::Replace {
            index,
            bytes: original.leaf(other),
        });
        names(&original.forged(&swap), index);
        // The copy is what should not be there.
        names(&original.forged(&[Forgery::Double { index }]), index + 1);
    }
}

#[test]
fn a_record_whose_later_links_were_all_hashed_again_is_still_named() {
    let original = Original::of(40);
    let victim = 12;
    let mut forgeries = Vec::new();
    let mut hashes = std::collections::BTreeMap::new();
    for index in victim..original.size() {
        let bytes = original.leaf(index);
        let Ok(Leaf::Record(record)) = Leaf::decode(&bytes) else {
            continue;
        };
        let body = if index == victim {
            changed_mass(record.body)
        } else {
            record.body.to_vec()
        };
        let prev_hash = hashes.get(&record.chain).copied().unwrap_or(record.prev_hash);
        let mut relinked = Vec::new();
        Record {
            body: &body,
            prev_hash,
            ..record
        }
        .encode_into(&mut relinked)
        .unwrap();
        if relinked != bytes {
            hashes.insert(record.chain, portbook_ledger::leaf_hash(&relinked));
            forgeries.push(Forgery::Replace {
                index,
                bytes: relinked,
            });
        }
    }
    assert!(forgeries.len() > 2, "the chain goes on behind the victim");
    names(&original.forged(&forgeries), victim);
}

fn changed_mass(body: &[u8]) -> Vec<u8> {
    let text = std::str::from_utf8(body).unwrap();
    let (front, back) = text.split_once("_g\":").unwrap();
    format!("{front}_g\":9{back}").into_bytes()
}

#[test]
fn two_hundred_places_of_a_large_ledger_are_named() {
    let original = Original::of(8_000);
    let (ledger, home) = (TempDir::new().unwrap(), original.node.home());
    copy(&home.join("ledger"), &ledger.path().join("ledger"));
    let directory = LedgerDirectory::at(ledger.path().join("ledger"));
    let trust = original.trust();
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    for _ in 0..200 {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let index = state % original.size();
        let untouched = leaf_of(&directory, index).unwrap();
        let mut bytes = untouched.clone();
        let at = usize::try_from(state >> 40).unwrap() % bytes.len();
        bytes[at] ^= u8::try_from(1 << (state % 8)).unwrap();
        forge(&directory.store(), &Forgery::Replace { index, bytes }).unwrap();
        let store = StoreReader::open(&directory.store()).unwrap();
        match verify(
            &store,
            &directory,
            &trust,
            Against::Newest,
            Depth::Structure,
            &mut |_, _| {},
        )
        .unwrap()
        {
            Verified::Faulty { fault, .. } => names(&fault, index),
            Verified::Holds(_) => panic!("byte {at} of leaf {index} went unnoticed"),
        }
        drop(store);
        forge(
            &directory.store(),
            &Forgery::Replace {
                index,
                bytes: untouched,
            },
        )
        .unwrap();
    }
}

fn leaf_of(directory: &LedgerDirectory, index: u64) -> Result<Vec<u8>, StoreError> {
    let store = StoreReader::open(&directory.store())?;
    Ok(store.leaf(Index::new(index).unwrap())?.unwrap())
}

#[test]
fn the_stream_names_a_changed_record_as_well() {
    let original = Original::of(40);
    let (home, index) = (original.node.home(), 20);
    let mut bytes = original.leaf(index);
    let at = bytes.len() - 100;
    bytes[at] ^= 0x01;
    forge(
        &LedgerDirectory::at(home.join("ledger")).store(),
        &Forgery::Replace { index, bytes },
    )
    .unwrap();
    let said = original
        .node
        .run(&["verify", "--all", "--against-stream", "--json"])
        .exits(10)
        .json();
    assert_eq!(said["verdict"], "failed");
    assert_eq!(said["stream_differs_at_leaf"], index);
    let said = original
        .node
        .run(&["verify", "--all", "--against-stream"])
        .exits(10);
    assert!(
        said.out.contains("leaf 20 and message 21 differ") && !said.out.contains("VERIFIED"),
        "{said:?}"
    );
}
