//! Attacks on records.

use portbook_ledger::{ChainSeq, Record, leaf_hash};

use super::scene::{Case, Scene, good, refuse};

const FIRST: &str = "entries/000";
const SECOND: &str = "entries/001";
const LAST: &str = "entries/002.p/88";

/// Bytes before the length of the subject in a record of a port.
const FIXED: usize = 4 + 1 + 1 + 1 + 5 + 8 + 8 + 32 + 8 + 8 + 8;

#[test]
fn tampered_records_are_refused() {
    refuse(Scene::whole, CASES);
}

/// Changes a record and makes every later link fit again, as an insider could.
fn rechain(scene: &mut Scene) {
    let mut prev = None;
    for name in [FIRST, SECOND, LAST] {
        let mut leaves = scene.leaves(name);
        for leaf in &mut leaves {
            let mut record = Record::decode(leaf).unwrap();
            let body = record.body.to_vec();
            let mut changed = Vec::new();
            record.prev_hash = prev.unwrap_or(record.prev_hash);
            let other: &[u8] = if record.chain_seq.get() == 10 {
                b"{\"n\":0}"
            } else {
                &body
            };
            Record {
                body: other,
                ..record
            }
            .encode_into(&mut changed)
            .unwrap();
            prev = Some(leaf_hash(&changed));
            *leaf = changed;
        }
        scene.put_leaves(name, &leaves);
    }
}

const CASES: &[Case] = &[
    Case {
        name: "a bit of a body flipped",
        tamper: |it| it.with_leaf(FIRST, 17, |leaf| *leaf.last_mut().unwrap() ^= 1),
        refused: (10, "chain"),
    },
    Case {
        name: "a bit of the last record flipped",
        tamper: |it| it.with_leaf(LAST, 87, |leaf| *leaf.last_mut().unwrap() ^= 1),
        refused: (10, "complete"),
    },
    Case {
        name: "two records swapped",
        tamper: |it| {
            let mut leaves = it.leaves(FIRST);
            leaves.swap(40, 41);
            it.put_leaves(FIRST, &leaves);
        },
        refused: (10, "chain"),
    },
    Case {
        name: "a record dropped in the middle",
        tamper: |it| {
            let mut leaves = it.leaves(SECOND);
            leaves.remove(3);
            it.put_leaves(SECOND, &leaves);
        },
        refused: (10, "chain"),
    },
    Case {
        name: "the newest record dropped",
        tamper: |it| {
            let mut leaves = it.leaves(LAST);
            leaves.pop();
            it.put_leaves(LAST, &leaves);
        },
        refused: (10, "files"),
    },
    Case {
        name: "the newest record dropped and its file renamed",
        tamper: |it| {
            let mut leaves = it.leaves(LAST);
            leaves.pop();
            it.files.remove(LAST);
            it.put_leaves("entries/002.p/87", &leaves);
        },
        refused: (12, "files"),
    },
    Case {
        name: "a record doubled",
        tamper: |it| {
            let mut leaves = it.leaves(FIRST);
            let twice = leaves[7].clone();
            leaves.insert(7, twice);
            it.put_leaves(FIRST, &leaves);
        },
        refused: (10, "chain"),
    },
    Case {
        name: "an entry appended to the last file",
        tamper: |it| {
            let mut leaves = it.leaves(LAST);
            let tip = leaves.last().unwrap().clone();
            let record = Record::decode(&tip).unwrap();
            let next = Record {
                chain_seq: ChainSeq::new(record.chain_seq.get() + 1).unwrap(),
                prev_index: Some(record.stream_seq.index()),
                prev_hash: leaf_hash(&tip),
                stream_seq: record.stream_seq.next().unwrap(),
                ..record
            };
            let mut bytes = Vec::new();
            next.encode_into(&mut bytes).unwrap();
            leaves.push(bytes);
            it.put_leaves(LAST, &leaves);
        },
        refused: (10, "files"),
    },
    Case {
        name: "a file of records that belongs nowhere",
        tamper: |it| {
            let bytes = it.files[LAST].clone();
            it.put("entries/003", bytes);
        },
        refused: (10, "files"),
    },
    Case {
        name: "a file of records missing",
        tamper: |it| {
            it.files.remove(SECOND);
        },
        refused: (12, "files"),
    },
    Case {
        name: "a record of another port in place of one",
        tamper: |it| {
            let other = good().other_port["entries/000.p/200"].clone();
            let leaf = portbook_verify::Entries::new(&other)
                .next()
                .unwrap()
                .unwrap()
                .to_vec();
            it.with_leaf(FIRST, 0, |it| *it = leaf);
        },
        refused: (10, "chain"),
    },
    Case {
        name: "a record changed and everything behind it hashed again",
        tamper: rechain,
        refused: (10, "complete"),
    },
    Case {
        name: "a byte behind the last record",
        tamper: |it| it.file(LAST).push(0),
        refused: (10, "files"),
    },
    Case {
        name: "the last record cut short",
        tamper: |it| {
            it.file(LAST).pop();
        },
        refused: (10, "files"),
    },
    Case {
        name: "an empty file of records",
        tamper: |it| it.file(LAST).clear(),
        refused: (10, "files"),
    },
    Case {
        name: "a seal in place of a record",
        tamper: |it| {
            let seal = portbook_ledger::TlogProof::parse(&it.files["seal.tlog-proof"])
                .unwrap()
                .extra
                .unwrap();
            it.with_leaf(FIRST, 9, |leaf| *leaf = seal);
        },
        refused: (10, "chain"),
    },
    Case {
        name: "a head in place of a record",
        tamper: |it| {
            let heads = good().ledger.heads();
            it.with_leaf(FIRST, 9, |leaf| *leaf = heads[0].encode());
        },
        refused: (10, "chain"),
    },
    Case {
        name: "an interior node in place of a record",
        tamper: |it| it.with_leaf(FIRST, 9, |leaf| *leaf = vec![1; 65]),
        refused: (10, "chain"),
    },
    Case {
        name: "an empty record",
        tamper: |it| it.with_leaf(FIRST, 9, Vec::clear),
        refused: (10, "chain"),
    },
    Case {
        name: "an unknown kind",
        tamper: |it| it.with_leaf(FIRST, 9, |leaf| leaf[4] = 6),
        refused: (10, "chain"),
    },
    Case {
        name: "a kind that does not belong to a port",
        tamper: |it| it.with_leaf(FIRST, 9, |leaf| leaf[4] = 5),
        refused: (10, "chain"),
    },
    Case {
        name: "an unknown flag",
        tamper: |it| it.with_leaf(FIRST, 9, |leaf| leaf[5] = 2),
        refused: (10, "chain"),
    },
    Case {
        name: "a signature announced and missing",
        tamper: |it| it.with_leaf(FIRST, 9, |leaf| leaf[5] = 1),
        refused: (10, "chain"),
    },
    Case {
        name: "a record grown by a byte",
        tamper: |it| it.with_leaf(FIRST, 9, |leaf| leaf.push(0)),
        refused: (10, "chain"),
    },
    Case {
        name: "a port that looks alike",
        tamper: |it| it.with_leaf(FIRST, 9, |leaf| leaf[7..12].copy_from_slice(b"CNNB6")),
        refused: (10, "chain"),
    },
    Case {
        name: "a port in lower case",
        tamper: |it| it.with_leaf(FIRST, 9, |leaf| leaf[7..12].copy_from_slice(b"cnnbg")),
        refused: (10, "chain"),
    },
    Case {
        name: "the boundary between port and position moved",
        tamper: |it| it.with_leaf(FIRST, 9, |leaf| leaf[6] = 4),
        refused: (10, "chain"),
    },
    Case {
        name: "the boundary between subject and body moved",
        tamper: |it| it.with_leaf(FIRST, 9, |leaf| leaf[FIXED + 1] += 1),
        refused: (10, "chain"),
    },
    Case {
        name: "a record dated otherwise",
        tamper: |it| it.with_leaf(FIRST, 9, |leaf| leaf[FIXED - 9] ^= 1),
        refused: (10, "chain"),
    },
    Case {
        name: "a stream sequence of 0",
        tamper: |it| it.with_leaf(FIRST, 0, |leaf| leaf[FIXED - 24..FIXED - 16].fill(0)),
        refused: (10, "chain"),
    },
    Case {
        name: "a reference to a later record",
        tamper: |it| {
            it.with_leaf(FIRST, 9, |leaf| {
                leaf[4] = 2;
                leaf[FIXED - 8..FIXED].copy_from_slice(&u64::to_be_bytes(700));
            });
        },
        refused: (10, "chain"),
    },
    Case {
        name: "the first record linked to another genesis",
        tamper: |it| it.with_leaf(FIRST, 0, |leaf| leaf[28] ^= 1),
        refused: (10, "chain"),
    },
    Case {
        name: "records of another bundle under this head",
        tamper: |it| {
            it.files.retain(|name, _| !name.starts_with("entries/"));
            for (name, bytes) in good()
                .older
                .iter()
                .filter(|(name, _)| name.starts_with("entries/"))
            {
                it.put(name, bytes.clone());
            }
        },
        refused: (12, "files"),
    },
];
