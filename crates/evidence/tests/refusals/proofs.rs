//! Attacks on the seal, the head, the range and the earlier checkpoint.

use portbook_ledger::{
    Checkpoint, GrowthProof, HeadProof, HeadProofText, Index, Record, Seal, Size, TlogProof, leaf_hash,
    prove_head,
};

use super::scene::{Case, Scene, good, key, origin, port, refuse};

const SEAL: &str = "seal.tlog-proof";
const HEAD: &str = "head";

fn seal(it: &mut Scene, change: impl FnOnce(&mut TlogProof)) {
    let mut proof = TlogProof::parse(&it.files[SEAL]).unwrap();
    change(&mut proof);
    it.put(SEAL, proof.to_string());
}

fn head(it: &mut Scene, change: impl FnOnce(&mut HeadProofText)) {
    let mut proof = HeadProofText::parse(&it.files[HEAD]).unwrap();
    change(&mut proof);
    it.put(HEAD, proof.to_string());
}

fn path(proof: &mut HeadProofText) -> &mut portbook_ledger::HeadPath {
    match &mut proof.proof {
        HeadProof::Present(path) => path,
        HeadProof::Absent { .. } => panic!("the port is there"),
    }
}

fn growth(it: &mut Scene, change: impl FnOnce(&mut GrowthProof)) {
    let mut proof = GrowthProof::parse(&it.files["consistency"]).unwrap();
    change(&mut proof);
    it.put("consistency", proof.to_string());
}

#[test]
fn tampered_proofs_are_refused() {
    refuse(Scene::whole, SEALS);
    refuse(Scene::whole, HEADS);
    refuse(Scene::whole, GROWTH);
}

#[test]
fn tampered_ranges_are_refused() {
    refuse(Scene::range, RANGES);
}

#[test]
fn false_absence_is_refused() {
    refuse(Scene::absent, ABSENCES);
}

/// A log of nothing but one seal, signed: what somebody with the log key can make of it.
fn lone_seal(it: &mut Scene, change: impl FnOnce(&mut Seal)) {
    let mut seal = Seal::decode(&TlogProof::parse(&it.files[SEAL]).unwrap().extra.unwrap()).unwrap();
    (seal.covered_size, seal.stream_seq) = (Size::ZERO, Index::FIRST.seq());
    change(&mut seal);
    let checkpoint = Checkpoint {
        origin: origin().clone(),
        size: Size::new(1),
        root: leaf_hash(&seal.encode()),
    };
    let checkpoint = checkpoint.sign(key()).unwrap().to_string();
    it.put("checkpoint", checkpoint.clone());
    let proof = TlogProof {
        extra: Some(seal.encode()),
        index: Index::FIRST,
        hashes: Vec::new(),
        checkpoint,
    };
    it.put(SEAL, proof.to_string());
}

const SEALS: &[Case] = &[
    Case {
        name: "a seal of another log, signed",
        tamper: |it| lone_seal(it, |seal| seal.origin_hash = leaf_hash(b"another log")),
        refused: (10, "seal"),
    },
    Case {
        name: "a seal that covers more than there is, signed",
        tamper: |it| lone_seal(it, |seal| seal.covered_size = Size::new(800)),
        refused: (10, "seal"),
    },
    Case {
        name: "a seal of a later message, signed",
        tamper: |it| lone_seal(it, |seal| seal.stream_seq = Index::new(9).unwrap().seq()),
        refused: (10, "seal"),
    },
    Case {
        name: "a seal that covers nothing over a head",
        tamper: |it| lone_seal(it, |_| {}),
        refused: (10, "head"),
    },
    Case {
        name: "another index",
        tamper: |it| seal(it, |it| it.index = Index::new(5).unwrap()),
        refused: (10, "seal"),
    },
    Case {
        name: "an index beyond the tree",
        tamper: |it| seal(it, |it| it.index = it.index.next().unwrap()),
        refused: (10, "seal"),
    },
    Case {
        name: "an index of 2^64-1",
        tamper: |it| it.replace(SEAL, "index ", "index 18446744073709551615\nindex "),
        refused: (10, "seal"),
    },
    Case {
        name: "a proof too short",
        tamper: |it| {
            seal(it, |it| {
                it.hashes.pop();
            });
        },
        refused: (10, "seal"),
    },
    Case {
        name: "a proof too long",
        tamper: |it| seal(it, |it| it.hashes.push(leaf_hash(b""))),
        refused: (10, "seal"),
    },
    Case {
        name: "a proof without hashes",
        tamper: |it| seal(it, |it| it.hashes.clear()),
        refused: (10, "seal"),
    },
    Case {
        name: "a proof of a hundred hashes",
        tamper: |it| seal(it, |it| it.hashes = vec![leaf_hash(b""); 100]),
        refused: (10, "seal"),
    },
    Case {
        name: "a hash of 31 bytes",
        tamper: |it| it.replace(SEAL, "\n\n", "\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==\n\n"),
        refused: (10, "seal"),
    },
    Case {
        name: "a hash of 33 bytes",
        tamper: |it| it.replace(SEAL, "\n\n", "\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n\n"),
        refused: (10, "seal"),
    },
    Case {
        name: "no seal in the proof",
        tamper: |it| seal(it, |it| it.extra = None),
        refused: (10, "seal"),
    },
    Case {
        name: "an empty seal",
        tamper: |it| seal(it, |it| it.extra = Some(Vec::new())),
        refused: (10, "seal"),
    },
    Case {
        name: "a seal grown by a byte",
        tamper: |it| seal(it, |it| it.extra.as_mut().unwrap().push(0)),
        refused: (10, "seal"),
    },
    Case {
        name: "two hashes in place of the seal",
        tamper: |it| {
            seal(it, |it| {
                let first = it.hashes.remove(0);
                it.extra = Some([first.as_bytes().as_slice(), first.as_bytes()].concat());
            });
        },
        refused: (10, "seal"),
    },
    Case {
        name: "the proof of a record in place of the seal's",
        tamper: |it| {
            let leaf = it.leaves("entries/000")[0].clone();
            let index = Record::decode(&leaf).unwrap().stream_seq.index();
            seal(it, |it| (it.extra, it.index) = (Some(leaf), index));
        },
        refused: (10, "seal"),
    },
    Case {
        name: "the proof for another checkpoint",
        tamper: |it| seal(it, |it| it.checkpoint.push('\n')),
        refused: (10, "seal"),
    },
    Case {
        name: "the seal of the checkpoint before",
        tamper: |it| {
            let older = TlogProof::parse(&good().older[SEAL]).unwrap();
            seal(it, |it| it.extra = older.extra);
        },
        refused: (10, "seal"),
    },
    Case {
        name: "no proof of the seal",
        tamper: |it| {
            it.files.remove(SEAL);
        },
        refused: (12, "files"),
    },
];

const HEADS: &[Case] = &[
    Case {
        name: "a count too large",
        tamper: |it| head(it, |it| path(it).head.count = portbook_ledger::Size::new(601)),
        refused: (10, "head"),
    },
    Case {
        name: "an old head",
        tamper: |it| it.put(HEAD, good().older[HEAD].clone()),
        refused: (10, "head"),
    },
    Case {
        name: "the head of another port",
        tamper: |it| it.put(HEAD, good().other_port[HEAD].clone()),
        refused: (12, "files"),
    },
    Case {
        name: "another port's name over this head",
        tamper: |it| it.replace(HEAD, "port CNNBG", "port CNSHG"),
        refused: (10, "head"),
    },
    Case {
        name: "another place",
        tamper: |it| head(it, |it| path(it).place = Index::new(1).unwrap()),
        refused: (10, "head"),
    },
    Case {
        name: "a head proof too short",
        tamper: |it| {
            head(it, |it| {
                path(it).proof.pop();
            });
        },
        refused: (10, "head"),
    },
    Case {
        name: "a head proof too long",
        tamper: |it| head(it, |it| path(it).proof.push(leaf_hash(b""))),
        refused: (10, "head"),
    },
    Case {
        name: "a port that is there shown as absent",
        tamper: |it| {
            let heads = good().ledger.heads();
            let neighbours = [heads[1], heads[2]].map(|head| match prove_head(&heads, head.chain).unwrap() {
                HeadProof::Present(path) => path,
                HeadProof::Absent { .. } => panic!(),
            });
            let [before, after] = neighbours;
            head(it, |it| {
                it.proof = HeadProof::Absent {
                    before: Some(before),
                    after: Some(after),
                };
            });
        },
        refused: (10, "head"),
    },
    Case {
        name: "another label",
        tamper: |it| it.replace(HEAD, "@v1", "@v2"),
        refused: (10, "head"),
    },
    Case {
        name: "a line behind the head",
        tamper: |it| it.file(HEAD).extend_from_slice(b"more\n"),
        refused: (10, "head"),
    },
    Case {
        name: "the same head twice",
        tamper: |it| {
            let text = it.text(HEAD);
            let (_, lines) = text.split_once("head ").unwrap();
            it.put(HEAD, format!("{text}head {lines}"));
        },
        refused: (10, "head"),
    },
    Case {
        name: "no head",
        tamper: |it| {
            it.files.remove(HEAD);
        },
        refused: (12, "files"),
    },
];

const GROWTH: &[Case] = &[
    Case {
        name: "no earlier checkpoint",
        tamper: |it| {
            it.files.remove("earlier");
        },
        refused: (12, "append-only"),
    },
    Case {
        name: "no consistency proof",
        tamper: |it| {
            it.files.remove("consistency");
        },
        refused: (12, "append-only"),
    },
    Case {
        name: "a consistency proof too short",
        tamper: |it| {
            growth(it, |it| {
                it.hashes.pop();
            });
        },
        refused: (10, "append-only"),
    },
    Case {
        name: "a consistency proof too long",
        tamper: |it| growth(it, |it| it.hashes.push(leaf_hash(b""))),
        refused: (10, "append-only"),
    },
    Case {
        name: "another hash in the consistency proof",
        tamper: |it| growth(it, |it| it.hashes[1] = leaf_hash(b"")),
        refused: (10, "append-only"),
    },
    Case {
        name: "a consistency proof for another size",
        tamper: |it| growth(it, |it| it.old = portbook_ledger::Size::new(7)),
        refused: (10, "append-only"),
    },
    Case {
        name: "an earlier checkpoint with another root, signed",
        tamper: |it| {
            let earlier = GrowthProof::parse(&it.files["consistency"]).unwrap().old;
            it.put("earlier", signed(earlier, b"fork"));
        },
        refused: (10, "append-only"),
    },
    Case {
        name: "the same size signed with two roots",
        tamper: |it| {
            let size = it.manifest.checkpoint.size;
            growth(it, |it| (it.old, it.hashes) = (size, Vec::new()));
            it.put("earlier", signed(size, b"fork"));
        },
        refused: (11, "append-only"),
    },
    Case {
        name: "an earlier checkpoint that is later",
        tamper: |it| {
            let size = portbook_ledger::Size::new(it.manifest.checkpoint.size.get() + 1);
            growth(it, |it| it.old = size);
            it.put("earlier", signed(size, b"later"));
        },
        refused: (10, "append-only"),
    },
    Case {
        name: "an earlier checkpoint that nobody signed",
        tamper: |it| it.replace("earlier", ORIGIN_LINE, "test.example/refusals\n1"),
        refused: (10, "append-only"),
    },
];

const ORIGIN_LINE: &str = "test.example/refusals\n";

/// A signed checkpoint of `size` leaves with some root.
pub(crate) fn signed(size: portbook_ledger::Size, root: &[u8]) -> String {
    let checkpoint = Checkpoint {
        origin: origin().clone(),
        size,
        root: leaf_hash(root),
    };
    checkpoint.sign(key()).unwrap().to_string()
}

const RANGES: &[Case] = &[
    Case {
        name: "a range moved",
        tamper: |it| it.replace("range", "first 290", "first 291"),
        refused: (10, "chain"),
    },
    Case {
        name: "a range cut",
        tamper: |it| it.replace("range", "last 560", "last 559"),
        refused: (12, "files"),
    },
    Case {
        name: "a range beyond the port",
        tamper: |it| it.replace("range", "last 560", "last 601"),
        refused: (10, "range"),
    },
    Case {
        name: "a range from 0",
        tamper: |it| it.replace("range", "first 290", "first 0"),
        refused: (10, "range"),
    },
    Case {
        name: "a range backwards",
        tamper: |it| it.replace("range", "first 290", "first 561"),
        refused: (10, "range"),
    },
    Case {
        name: "a range with a leading zero",
        tamper: |it| it.replace("range", "first 290", "first 0290"),
        refused: (10, "range"),
    },
    Case {
        name: "a range proof too short",
        tamper: |it| {
            let text = it.text("range");
            let cut = text.trim_end().rsplit_once('\n').unwrap().0.to_owned();
            it.put("range", format!("{cut}\n"));
        },
        refused: (10, "range"),
    },
    Case {
        name: "a range shown as the whole",
        tamper: |it| {
            it.files.remove("range");
        },
        refused: (10, "chain"),
    },
    Case {
        name: "a bit of the range's first record flipped",
        tamper: |it| it.with_leaf("entries/000", 0, |leaf| *leaf.last_mut().unwrap() ^= 1),
        refused: (10, "chain"),
    },
    Case {
        name: "a bit of the range's last record flipped",
        tamper: |it| it.with_leaf("entries/001.p/15", 14, |leaf| *leaf.last_mut().unwrap() ^= 1),
        refused: (10, "range"),
    },
];

const ABSENCES: &[Case] = &[
    Case {
        name: "absence with one neighbour",
        tamper: |it| {
            head(it, |it| {
                if let HeadProof::Absent { before, .. } = &mut it.proof {
                    *before = None;
                }
            });
        },
        refused: (10, "head"),
    },
    Case {
        name: "neighbours the wrong way round",
        tamper: |it| {
            head(it, |it| {
                if let HeadProof::Absent { before, after } = &mut it.proof {
                    std::mem::swap(before, after);
                }
            });
        },
        refused: (10, "head"),
    },
    Case {
        name: "absence without neighbours",
        tamper: |it| it.put(HEAD, "portbook/head-proof@v1\nport CNRRR\n"),
        refused: (10, "head"),
    },
    Case {
        name: "absence of a port outside its neighbours",
        tamper: |it| {
            it.manifest.chain = port("CNAAA");
            it.replace(HEAD, "port CNRRR", "port CNAAA");
        },
        refused: (10, "head"),
    },
    Case {
        name: "absence, and records all the same",
        tamper: |it| it.put("entries/000.p/1", b"\x00\x00".to_vec()),
        refused: (10, "files"),
    },
];
