//! A log whose operator lies: he has the log key, and serves over HTTP whatever suits him.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use portbook_http::{IntoResponse, Limits, Problem, Response, Router, State, Uri, bind, routing, serve};
use portbook_ledger::tree::{self, NodeId, TileContent, TileId};
use portbook_ledger::{
    Chain, ChainSeq, Checkpoint, Hash, Head, Index, KeyName, NoteAlgorithm, Origin, Record, RecordKind, Seal,
    SecretKey, SignerKey, Size, genesis, heads_root, leaf_hash,
};

pub(crate) const ORIGIN: &str = "crooked.example/port";

/// A ledger made as the format says, except where it is told otherwise.
#[derive(Debug, Clone)]
pub(crate) struct CrookedLog {
    pub(crate) key: SignerKey,
    leaves: Vec<Vec<u8>>,
    chains: BTreeMap<Chain, Vec<u64>>,
    prev_seal: Option<Index>,
    /// What is served as the heads of each seal.
    said: BTreeMap<u64, Vec<Head>>,
}

pub(crate) fn port(code: &str) -> Chain {
    Chain::port(code).unwrap()
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap()
}

impl CrookedLog {
    pub(crate) fn new() -> Self {
        Self {
            key: Self::key_of(7),
            leaves: Vec::new(),
            chains: BTreeMap::new(),
            prev_seal: None,
            said: BTreeMap::new(),
        }
    }

    /// A key with the name of the log.
    pub(crate) fn key_of(seed: u8) -> SignerKey {
        let name = KeyName::new(ORIGIN).unwrap();
        SignerKey::new(name, NoteAlgorithm::Ed25519, SecretKey::from_seed(&[seed; 32]))
    }

    /// Some hundred records of three ports, so that there are a full bundle and a partial one.
    pub(crate) fn with_history() -> Self {
        let mut log = Self::new();
        for round in 0..130_u32 {
            for code in ["CNLYG", "CNNBG", "CNSHA"] {
                log.append(port(code), &round.to_be_bytes());
            }
            if round % 50 == 49 {
                log.seal();
            }
        }
        log.seal();
        log
    }

    pub(crate) fn origin() -> Origin {
        Origin::new(ORIGIN).unwrap()
    }

    pub(crate) fn size(&self) -> u64 {
        count(self.leaves.len())
    }

    fn leaf(&self, at: u64) -> &[u8] {
        &self.leaves[usize::try_from(at).unwrap()]
    }

    pub(crate) fn append(&mut self, chain: Chain, body: &[u8]) {
        let own = Index::new(self.size()).unwrap();
        let before = self.chains.entry(chain).or_default().last().copied();
        let record = Record {
            kind: RecordKind::Event,
            chain,
            chain_seq: ChainSeq::new(count(self.chains[&chain].len()) + 1).unwrap(),
            prev_index: before.and_then(Index::new),
            prev_hash: before.map_or_else(|| genesis(&Self::origin(), chain), |at| leaf_hash(self.leaf(at))),
            stream_seq: own.seq(),
            recorded_at_ns: 1_750_000_000_000_000_000 + own.get(),
            refers_to: None,
            subject: "portbook.events.test",
            body,
            signature: None,
        };
        let mut bytes = Vec::new();
        record.encode_into(&mut bytes).unwrap();
        self.leaves.push(bytes);
        self.chains.get_mut(&chain).unwrap().push(own.get());
    }

    pub(crate) fn seal(&mut self) {
        self.seal_saying(|_| {});
    }

    /// Seals over heads that `lie` has changed.
    pub(crate) fn seal_saying(&mut self, lie: impl FnOnce(&mut Vec<Head>)) {
        let own = Index::new(self.size()).unwrap();
        let mut heads = self.heads();
        lie(&mut heads);
        let seal = Seal {
            covered_size: own.size_before(),
            chain_count: count(heads.len()),
            heads_root: heads_root(&heads).unwrap(),
            prev_checkpoint: Hash::ZERO,
            prev_seal: self.prev_seal,
            stream_seq: own.seq(),
            sealed_at_ns: 1_750_000_000_000_000_000 + own.get(),
            origin_hash: Self::origin().hash(),
        };
        self.leaves.push(seal.encode());
        self.prev_seal = Some(own);
        self.said.insert(own.get(), heads);
    }

    pub(crate) fn heads(&self) -> Vec<Head> {
        self.chains
            .iter()
            .map(|(chain, places)| self.head_after(*chain, places))
            .collect()
    }

    fn head_after(&self, chain: Chain, places: &[u64]) -> Head {
        let hashes: Vec<Hash> = places.iter().map(|at| leaf_hash(self.leaf(*at))).collect();
        Head {
            chain,
            count: Size::new(count(places.len())),
            head_index: Index::new(*places.last().unwrap()).unwrap(),
            head_hash: *hashes.last().unwrap(),
            chain_root: tree::root_of(&hashes),
        }
    }

    /// The head of `chain` as it was `records` records ago: true then.
    pub(crate) fn old_head(&self, chain: Chain, records: usize) -> Head {
        let places = &self.chains[&chain];
        self.head_after(chain, &places[..places.len() - records])
    }

    pub(crate) fn root(&self, size: u64) -> Hash {
        let leaves = self.leaves.iter().take(usize::try_from(size).unwrap());
        tree::root_of(&leaves.map(|leaf| leaf_hash(leaf)).collect::<Vec<_>>())
    }

    /// The signed checkpoint of `size` leaves.
    pub(crate) fn note(&self, size: u64) -> String {
        let checkpoint = Checkpoint {
            origin: Self::origin(),
            size: Size::new(size),
            root: self.root(size),
        };
        checkpoint.sign(&self.key).unwrap().to_string()
    }

    pub(crate) fn consistency(&self, old: u64, new: u64) -> Vec<Hash> {
        let plan = tree::plan_consistency(Size::new(old), Size::new(new)).unwrap();
        let read: Vec<Hash> = plan.nodes().iter().map(|node| self.node(*node)).collect();
        plan.hashes(&read).unwrap()
    }

    fn node(&self, node: NodeId) -> Hash {
        let width = 1 << node.level;
        let first = usize::try_from(node.index).unwrap() * width;
        tree::root_of(
            &self.leaves[first..first + width]
                .iter()
                .map(|leaf| leaf_hash(leaf))
                .collect::<Vec<_>>(),
        )
    }

    fn resource(&self, path: &str) -> Option<Vec<u8>> {
        if let Some(seal) = path.strip_prefix("heads/") {
            let heads = self.said.get(&seal.parse().ok()?)?;
            return Some(
                heads
                    .iter()
                    .flat_map(|head| with_length(&head.encode()))
                    .collect(),
            );
        }
        let tile = TileId::parse(path).ok()?;
        let first = usize::try_from(tile.index).ok()? * 256;
        let leaves = self.leaves.get(first..first + usize::from(tile.width.get()))?;
        (tile.content == TileContent::Entries)
            .then(|| leaves.iter().flat_map(|leaf| with_length(leaf)).collect())
    }
}

fn with_length(bytes: &[u8]) -> Vec<u8> {
    let mut out = u16::try_from(bytes.len()).unwrap().to_be_bytes().to_vec();
    out.extend_from_slice(bytes);
    out
}

/// What is served at the moment: the leaves of a log, and a checkpoint.
type Shown = Arc<Mutex<(CrookedLog, String)>>;

/// The server of a lying operator.
pub(crate) struct Stage {
    shown: Shown,
    pub(crate) address: SocketAddr,
    _runtime: tokio::runtime::Runtime,
}

impl Stage {
    /// Shows all of `log`.
    pub(crate) fn showing(log: &CrookedLog) -> Self {
        let shown = Arc::new(Mutex::new((log.clone(), log.note(log.size()))));
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let router = Router::new()
            .route("/log/{*path}", routing::get(resource))
            .with_state(Arc::clone(&shown));
        let (listener, address) = runtime
            .block_on(bind(SocketAddr::from(([127, 0, 0, 1], 0))))
            .unwrap();
        runtime.spawn(serve(listener, router, Limits::default(), std::future::pending()));
        Self {
            shown,
            address,
            _runtime: runtime,
        }
    }

    /// Shows the first `size` leaves of `log` from now on.
    pub(crate) fn show(&self, log: &CrookedLog, size: u64) {
        self.show_apart(log, log.note(size));
    }

    /// Shows the leaves of `log` beside a checkpoint that need not be theirs.
    pub(crate) fn show_apart(&self, log: &CrookedLog, note: String) {
        *self.shown.lock().unwrap() = (log.clone(), note);
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/log", self.address)
    }
}

async fn resource(State(shown): State<Shown>, uri: Uri) -> Response {
    let path = uri.path().strip_prefix("/log/").unwrap_or_default();
    let (log, note) = &*shown.lock().unwrap();
    let found = if path == "checkpoint" {
        Some(note.clone().into_bytes())
    } else {
        log.resource(path)
    };
    found.map_or_else(
        || Problem::not_found().into_response(),
        IntoResponse::into_response,
    )
}
