//! Writing a ledger of any items: links, hashes and seals as they belong, or only the bytes.

use std::collections::BTreeMap;

use portbook_fold::{Book, ChainHead, Commit, LeafBatch, Lookups, head_leaf};
use portbook_ledger::{
    Chain, ChainSeq, Frontier, Hash, Head, Index, Origin, ProducerSignature, Record, RecordKind, Seal, Seq,
    genesis, heads_root, leaf_hash,
};
use portbook_wire::control::{Control, parse_control};

pub(crate) const ORIGIN: &str = "test.example/tamper";

/// One leaf, without what follows from its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Item {
    /// The kind of its record; a seal has none.
    pub(crate) kind: Option<RecordKind>,
    pub(crate) chain: Chain,
    pub(crate) refers_to: Option<u64>,
    pub(crate) recorded_at_ns: u64,
    pub(crate) subject: String,
    pub(crate) body: Vec<u8>,
    pub(crate) signature: Option<ProducerSignature>,
}

/// A tree as it grows.
#[derive(Default)]
struct Growing {
    frontier: Frontier,
    heads: BTreeMap<Chain, ChainHead>,
    last_seal: Option<Index>,
}

pub(crate) fn origin() -> Origin {
    Origin::new(ORIGIN).unwrap()
}

/// The leaves of a ledger of `items`, every link and seal in order.
pub(crate) fn leaves_of(items: &[Item]) -> Vec<Vec<u8>> {
    let mut growing = Growing::default();
    items.iter().map(|item| growing.leaf_of(item)).collect()
}

/// The tree over some leaves.
pub(crate) fn frontier_of(leaves: &[Vec<u8>]) -> Frontier {
    let mut frontier = Frontier::new();
    for leaf in leaves {
        frontier.push(leaf_hash(leaf));
    }
    frontier
}

/// What a store is given to hold these leaves beside these hashes of leaves.
pub(crate) fn commit_of(leaves: &[Vec<u8>], leaf_hashes: Vec<Hash>) -> Commit {
    let mut batch = LeafBatch::default();
    for leaf in leaves {
        let write = |out: &mut Vec<u8>| {
            out.extend_from_slice(leaf);
            Ok::<(), ()>(())
        };
        batch.push_with(write).unwrap();
    }
    Commit {
        book: Book {
            frontier: frontier_of(leaves),
            ..Book::default()
        },
        leaves: batch,
        leaf_hashes,
        entries: BTreeMap::new(),
        lookups: Lookups::default(),
        seals: Vec::new(),
    }
}

impl Growing {
    fn leaf_of(&mut self, item: &Item) -> Vec<u8> {
        let index = self.frontier.size().next_index().unwrap();
        let leaf = match item.kind {
            Some(kind) => self.record(item, kind, index.seq()),
            None => self.seal(item, index),
        };
        let hash = leaf_hash(&leaf);
        self.frontier.push(hash);
        if item.kind.is_some() {
            let head = self.heads.entry(item.chain).or_insert_with(|| ChainHead {
                index,
                hash,
                frontier: Frontier::new(),
            });
            head.frontier.push(hash);
            (head.index, head.hash) = (index, hash);
        } else {
            self.last_seal = Some(index);
        }
        leaf
    }

    fn record(&self, item: &Item, kind: RecordKind, stream_seq: Seq) -> Vec<u8> {
        let head = self.heads.get(&item.chain);
        let chain_seq = head.map_or(Some(ChainSeq::FIRST), |head| {
            ChainSeq::new(head.frontier.size().get()).and_then(ChainSeq::next)
        });
        let mut leaf = Vec::new();
        Record {
            kind,
            chain: item.chain,
            chain_seq: chain_seq.unwrap(),
            prev_index: head.map(|head| head.index),
            prev_hash: head.map_or_else(|| genesis(&origin(), item.chain), |head| head.hash),
            stream_seq,
            recorded_at_ns: item.recorded_at_ns,
            refers_to: item.refers_to.and_then(Index::new),
            subject: &item.subject,
            body: &item.body,
            signature: item.signature,
        }
        .encode_into(&mut leaf)
        .unwrap();
        leaf
    }

    fn seal(&self, item: &Item, index: Index) -> Vec<u8> {
        let heads: Vec<Head> = self
            .heads
            .iter()
            .map(|(chain, head)| head_leaf(*chain, head))
            .collect();
        Seal {
            covered_size: index.size_before(),
            chain_count: u64::try_from(heads.len()).unwrap(),
            heads_root: heads_root(&heads).unwrap_or(Hash::ZERO),
            prev_checkpoint: asked_for(item),
            prev_seal: self.last_seal,
            stream_seq: index.seq(),
            sealed_at_ns: item.recorded_at_ns,
            origin_hash: origin().hash(),
        }
        .encode()
    }
}

/// The earlier checkpoint that a seal's message names.
fn asked_for(item: &Item) -> Hash {
    match parse_control(&item.subject, &item.body) {
        Ok(Control::Seal(request)) => Hash::from_hex(request.prev_checkpoint.as_str()).unwrap(),
        Ok(_) | Err(_) => portbook_ledger::sha256(&[&item.body]),
    }
}
