//! A log that lies in every way there is, and the proof of each lie.

use std::collections::BTreeMap;

use portbook_ledger::fraud::{CoveredLeaf, FraudProof};
use portbook_ledger::{
    Chain, ChainSeq, Checkpoint, Hash, Head, Index, KeyName, NoteAlgorithm, Origin, Record, RecordKind, Seal,
    SecretKey, SignerKey, Size, genesis, heads_root, leaf_hash, prove_head, tree,
};

pub(crate) const ORIGIN: &str = "lying.example/port";
/// Where the seal of the lies is: the last leaf of 14.
const SEAL: u64 = 13;

/// Changes what a seal says about the chains.
type Lie = fn(&mut Vec<Head>, &Log);

/// Leaves in memory, made as the format says.
#[derive(Debug, Clone, Default)]
struct Log {
    leaves: Vec<Vec<u8>>,
    chains: BTreeMap<Chain, Vec<usize>>,
}

pub(crate) fn key(seed: u8) -> SignerKey {
    let name = KeyName::new(ORIGIN).unwrap();
    SignerKey::new(name, NoteAlgorithm::Ed25519, SecretKey::from_seed(&[seed; 32]))
}

fn port(code: &str) -> Chain {
    Chain::port(code).unwrap()
}

fn index(at: usize) -> Index {
    Index::new(u64::try_from(at).unwrap()).unwrap()
}

impl Log {
    fn append(&mut self, chain: Chain, body: &[u8]) {
        let own = index(self.leaves.len());
        let places = self.chains.entry(chain).or_default();
        let before = places.last().copied();
        let record = Record {
            kind: RecordKind::Event,
            chain,
            chain_seq: ChainSeq::new(u64::try_from(places.len()).unwrap() + 1).unwrap(),
            prev_index: before.map(index),
            prev_hash: before.map_or_else(
                || genesis(&Origin::new(ORIGIN).unwrap(), chain),
                |at| leaf_hash(&self.leaves[at]),
            ),
            stream_seq: own.seq(),
            recorded_at_ns: 1_750_000_000_000_000_000 + own.get(),
            refers_to: None,
            subject: "portbook.events.test",
            body,
            signature: None,
        };
        let mut bytes = Vec::new();
        record.encode_into(&mut bytes).unwrap();
        places.push(self.leaves.len());
        self.leaves.push(bytes);
    }

    /// Thirteen records of three ports; whatever is sealed next covers all of them.
    fn records(other: u8) -> Self {
        let mut log = Self::default();
        for round in 0..5_u8 {
            log.append(port("CNNBG"), &[round, other]);
            log.append(port("CNLYG"), &[round]);
        }
        log.append(port("CNSHA"), b"x");
        log.append(port("CNLYG"), b"y");
        log.append(port("CNNBG"), b"z");
        log
    }

    fn head(&self, chain: Chain, count: usize) -> Head {
        let places = &self.chains[&chain][..count];
        let hashes: Vec<Hash> = places.iter().map(|at| leaf_hash(&self.leaves[*at])).collect();
        Head {
            chain,
            count: index(count).size_before(),
            head_index: index(*places.last().unwrap()),
            head_hash: *hashes.last().unwrap(),
            chain_root: tree::root_of(&hashes),
        }
    }

    /// Seals over heads that `lie` has changed; gives them.
    fn seal(&mut self, lie: Lie) -> Vec<Head> {
        let own = index(self.leaves.len());
        let chains = self.chains.iter();
        let mut heads: Vec<Head> = chains
            .map(|(chain, places)| self.head(*chain, places.len()))
            .collect();
        lie(&mut heads, self);
        let seal = Seal {
            covered_size: own.size_before(),
            chain_count: u64::try_from(heads.len()).unwrap(),
            heads_root: heads_root(&heads).unwrap(),
            prev_checkpoint: Hash::ZERO,
            prev_seal: None,
            stream_seq: own.seq(),
            sealed_at_ns: 1_750_000_000_000_000_000,
            origin_hash: Origin::new(ORIGIN).unwrap().hash(),
        };
        self.leaves.push(seal.encode());
        heads
    }

    fn root(&self, size: usize) -> Hash {
        let leaves = self.leaves[..size].iter();
        tree::root_of(&leaves.map(|leaf| leaf_hash(leaf)).collect::<Vec<_>>())
    }

    fn note(&self, size: usize) -> Vec<u8> {
        let checkpoint = Checkpoint {
            origin: Origin::new(ORIGIN).unwrap(),
            size: index(size).size_before(),
            root: self.root(size),
        };
        checkpoint.sign(&key(7)).unwrap().to_string().into_bytes()
    }

    fn carry_out(&self, plan: &tree::Plan) -> Vec<Hash> {
        let node = |id: &tree::NodeId| {
            let (first, width) = (usize::try_from(id.index).unwrap() << id.level, 1 << id.level);
            let leaves = self.leaves[first..first + width].iter();
            tree::root_of(&leaves.map(|leaf| leaf_hash(leaf)).collect::<Vec<_>>())
        };
        plan.hashes(&plan.nodes().iter().map(node).collect::<Vec<_>>())
            .unwrap()
    }

    fn covered(&self, at: u64) -> CoveredLeaf {
        let (at, size) = (Index::new(at).unwrap(), index(self.leaves.len()).size_before());
        CoveredLeaf {
            index: at,
            bytes: self.leaves[usize::try_from(at.get()).unwrap()].clone(),
            proof: self.carry_out(&tree::plan_inclusion(at, size).unwrap()),
        }
    }
}

/// The file that proves a seal false which says `lie`: of `chain`, by the record at `record`.
fn false_seal(lie: Lie, chain: &str, record: u64) -> String {
    let mut log = Log::records(0);
    let heads = log.seal(lie);
    let proof = FraudProof::FalseSeal {
        checkpoint: log.note(log.leaves.len()),
        seal: log.covered(SEAL),
        said: Box::new(prove_head(&heads, port(chain)).unwrap()),
        record: log.covered(record),
    };
    proof.to_string()
}

/// The file that sets the first `smaller` leaves of one history against all 13 of another.
fn fork(smaller: usize) -> String {
    let (one, other) = (Log::records(1), Log::records(2));
    let sizes = (index(smaller).size_before(), Size::new(13));
    let proof = FraudProof::Fork {
        smaller: one.note(smaller),
        larger: other.note(13),
        beginning: other.root(smaller),
        proof: other.carry_out(&tree::plan_consistency(sizes.0, sizes.1).unwrap()),
    };
    proof.to_string()
}

/// The file that sets the first `later` leaves of a history against the first `first`.
pub(crate) fn rollback(first: usize, later: usize) -> String {
    let log = Log::records(0);
    let proof = FraudProof::Rollback {
        before: log.note(first),
        after: log.note(later),
    };
    proof.to_string()
}

/// Every lie that a file alone proves: its name, what is confirmed, and the file.
pub(crate) fn conclusive() -> Vec<(&'static str, &'static str, String)> {
    let newest: Lie = |heads, log| heads[1] = log.head(port("CNNBG"), 5);
    let hidden: Lie = |heads, _| heads.retain(|head| head.chain != port("CNSHA"));
    let first: Lie = |heads, _| heads.retain(|head| head.chain != port("CNLYG"));
    let old: Lie = |heads, log| heads[0] = log.head(port("CNLYG"), 2);
    let other: Lie = |heads, _| heads[1].head_hash = Hash::ZERO;
    vec![
        (
            "the newest record hidden",
            "FALSE SEAL",
            false_seal(newest, "CNNBG", 12),
        ),
        (
            "the last port hidden",
            "FALSE SEAL",
            false_seal(hidden, "CNSHA", 10),
        ),
        (
            "the first port hidden",
            "FALSE SEAL",
            false_seal(first, "CNLYG", 11),
        ),
        ("an old head shown", "FALSE SEAL", false_seal(old, "CNLYG", 11)),
        ("another head shown", "FALSE SEAL", false_seal(other, "CNNBG", 12)),
        ("a shorter history", "FORK", fork(5)),
        ("another history of this length", "FORK", fork(13)),
    ]
}
