//! A ledger in memory: appends records and seals as the format document says, for tests to verify and to damage.

use std::collections::BTreeMap;

use portbook_ledger::{
    Chain, ChainSeq, Hash, Head, Index, Origin, ProducerSignature, Record, RecordKind, Seal, SignedRoot,
    Size, genesis, heads_root, leaf_hash, tree,
};

pub(crate) const ORIGIN: &str = "portbook.example/re";

#[derive(Debug, Clone)]
pub(crate) struct Book {
    pub(crate) origin: Origin,
    pub(crate) leaves: Vec<Vec<u8>>,
    chains: BTreeMap<Chain, Vec<Index>>,
    prev_seal: Option<Index>,
}

/// What differs from one record to the next, beside the links.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Message<'a> {
    pub(crate) kind: RecordKind,
    pub(crate) chain: Chain,
    pub(crate) subject: &'a str,
    pub(crate) body: &'a [u8],
    pub(crate) refers_to: Option<u64>,
    pub(crate) signature: Option<ProducerSignature>,
}

pub(crate) fn port(code: &str) -> Chain {
    Chain::port(code).unwrap()
}

pub(crate) fn index(raw: u64) -> Index {
    Index::new(raw).unwrap()
}

pub(crate) fn event<'a>(chain: Chain, subject: &'a str, body: &'a [u8]) -> Message<'a> {
    Message {
        kind: RecordKind::Event,
        chain,
        subject,
        body,
        refers_to: None,
        signature: None,
    }
}

impl Book {
    pub(crate) fn new() -> Self {
        let origin = Origin::new(ORIGIN).unwrap();
        Self {
            origin,
            leaves: Vec::new(),
            chains: BTreeMap::new(),
            prev_seal: None,
        }
    }

    pub(crate) fn next_index(&self) -> Index {
        index(u64::try_from(self.leaves.len()).unwrap())
    }

    fn time_ns(&self) -> u64 {
        1_750_000_000_000_000_000 + self.next_index().get() * 1_000_000_007
    }

    pub(crate) fn append(&mut self, message: Message<'_>) -> &mut Self {
        let own = self.next_index();
        let recorded_at_ns = self.time_ns();
        let chain = self.chains.entry(message.chain).or_default();
        let prev_index = chain.last().copied();
        let record = Record {
            kind: message.kind,
            chain: message.chain,
            chain_seq: ChainSeq::new(u64::try_from(chain.len()).unwrap() + 1).unwrap(),
            prev_index,
            prev_hash: prev_index.map_or_else(
                || genesis(&self.origin, message.chain),
                |prev| leaf_hash(&self.leaves[usize::try_from(prev.get()).unwrap()]),
            ),
            stream_seq: own.seq(),
            recorded_at_ns,
            refers_to: message.refers_to.map(index),
            subject: message.subject,
            body: message.body,
            signature: message.signature,
        };
        chain.push(own);
        let mut bytes = Vec::new();
        record.encode_into(&mut bytes).unwrap();
        self.leaves.push(bytes);
        self
    }

    pub(crate) fn seal(&mut self, prev_checkpoint: Hash) -> &mut Self {
        let own = self.next_index();
        let heads = self.heads();
        let seal = Seal {
            covered_size: own.size_before(),
            chain_count: u64::try_from(heads.len()).unwrap(),
            heads_root: heads_root(&heads).unwrap(),
            prev_checkpoint,
            prev_seal: self.prev_seal,
            stream_seq: own.seq(),
            sealed_at_ns: self.time_ns(),
            origin_hash: self.origin.hash(),
        };
        self.leaves.push(seal.encode());
        self.prev_seal = Some(own);
        self
    }

    pub(crate) fn heads(&self) -> Vec<Head> {
        let head = |(chain, indexes): (&Chain, &Vec<Index>)| {
            let hashes: Vec<Hash> = indexes
                .iter()
                .map(|at| leaf_hash(&self.leaves[usize::try_from(at.get()).unwrap()]))
                .collect();
            Head {
                chain: *chain,
                count: Size::new(u64::try_from(indexes.len()).unwrap()),
                head_index: *indexes.last().unwrap(),
                head_hash: *hashes.last().unwrap(),
                chain_root: tree::root_of(&hashes),
            }
        };
        self.chains.iter().map(head).collect()
    }

    pub(crate) fn leaves_of(&self, chain: Chain) -> Vec<Vec<u8>> {
        self.chains[&chain]
            .iter()
            .map(|at| self.leaves[usize::try_from(at.get()).unwrap()].clone())
            .collect()
    }

    /// The root over all leaves so far, as a checkpoint would sign it.
    pub(crate) fn signed_root(&self) -> SignedRoot {
        let hashes: Vec<Hash> = self.leaves.iter().map(|leaf| leaf_hash(leaf)).collect();
        SignedRoot {
            size: self.next_index().size_before(),
            root: tree::root_of(&hashes),
        }
    }
}
