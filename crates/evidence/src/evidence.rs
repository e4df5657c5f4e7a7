//! The evidence of one ledger: its trees, what is published of them, and the proofs in them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use portbook_ledger::Chain;
use portbook_ledger::{
    Checkpoint, Hash, Head, Index, KeyName, Leaf, NodeId, NoteAlgorithm, OpenedCheckpoint, Origin, Seal,
    SignerKey, Size, VerifierKey,
    tree::{Plan, plan_consistency, plan_inclusion, plan_root, root_of},
};
use portbook_store::{LedgerDirectory, StoreReader};

use crate::error::EvidenceError;
use crate::heads;
use crate::log::LogName;
use crate::reading;
use crate::tree::{BLOCK_LEAVES, BLOCK_LEVEL, UpperTree};

/// Gives evidence of one ledger; can be shared between threads.
///
/// It remembers the upper nodes of the trees it was asked about and reads on where it stopped when the ledger has grown.
/// The first question about a log therefore reads all its leaf hashes, every later one a bounded number of them.
#[derive(Debug)]
pub struct Evidence {
    reader: StoreReader,
    directory: LedgerDirectory,
    origin: Origin,
    log_key: VerifierKey,
    signer: Option<SignerKey>,
    published: Mutex<Option<Arc<Published>>>,
    heads: Mutex<Option<(Index, Arc<[Head]>)>>,
    trees: Mutex<BTreeMap<LogName, Arc<Mutex<UpperTree>>>>,
}

/// A published checkpoint and the seal it ends with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// The file, cosignatures included.
    pub note: String,
    /// What the log signed.
    pub checkpoint: Checkpoint,
    /// Index of its last leaf, the seal.
    pub seal_index: Index,
    /// The seal.
    pub seal: Seal,
}

impl Evidence {
    /// Evidence of the ledger in `directory`, whose checkpoints `log_key` signs.
    ///
    /// # Errors
    /// [`EvidenceError::Name`] when the key's name is no origin.
    pub fn new(
        reader: StoreReader,
        directory: LedgerDirectory,
        log_key: VerifierKey,
    ) -> Result<Self, EvidenceError> {
        Ok(Self {
            reader,
            directory,
            origin: Origin::new(log_key.id().name.as_str())?,
            log_key,
            signer: None,
            published: Mutex::default(),
            heads: Mutex::default(),
            trees: Mutex::default(),
        })
    }

    /// The same, able to sign the checkpoints of the ports' own logs with the log key.
    ///
    /// What is signed was sealed and published before: a port's checkpoint says nothing that a signed checkpoint of the
    /// ledger does not say already. Ed25519 is deterministic: the same head gives the same bytes, however often it is signed.
    ///
    /// # Errors
    /// As [`Evidence::new`].
    pub fn signing(
        reader: StoreReader,
        directory: LedgerDirectory,
        key: SignerKey,
    ) -> Result<Self, EvidenceError> {
        let evidence = Self::new(reader, directory, key.verifier().clone())?;
        Ok(Self {
            signer: Some(key),
            ..evidence
        })
    }

    /// Name of the ledger.
    #[must_use]
    pub const fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The key its checkpoints are signed with.
    #[must_use]
    pub const fn log_key(&self) -> &VerifierKey {
        &self.log_key
    }

    /// The file of the checkpoint of `size`.
    pub(crate) fn note_at(&self, size: Size) -> Result<Option<String>, EvidenceError> {
        Ok(self.directory.checkpoint_at(size)?)
    }

    /// The store this evidence is computed from.
    #[must_use]
    pub const fn reader(&self) -> &StoreReader {
        &self.reader
    }

    /// The newest published checkpoint; none when nothing was signed yet.
    ///
    /// # Errors
    /// [`EvidenceError`] when it is not signed by the log key, the ledger does not end there with a seal, or what is stored
    /// does not lead to the signed root: evidence that nobody could verify is not given away.
    pub fn published(&self) -> Result<Option<Arc<Published>>, EvidenceError> {
        let Some(note) = self.directory.checkpoint()? else {
            return Ok(None);
        };
        let mut published = locked(&self.published);
        if let Some(known) = published.as_ref().filter(|known| known.note == note) {
            return Ok(Some(Arc::clone(known)));
        }
        let opened = Arc::new(self.open(note)?);
        *published = Some(Arc::clone(&opened));
        Ok(Some(opened))
    }

    /// The checkpoint of `size` as it was published; none when none was signed there.
    ///
    /// # Errors
    /// As [`Evidence::published`].
    pub fn published_at(&self, size: Size) -> Result<Option<Published>, EvidenceError> {
        let note = self.directory.checkpoint_at(size)?;
        let opened = note.map(|note| self.open(note)).transpose()?;
        Ok(opened.filter(|opened| opened.checkpoint.size == size))
    }

    /// Sizes of the published checkpoints, smallest first.
    ///
    /// # Errors
    /// [`EvidenceError::Store`] when they cannot be listed.
    pub fn published_sizes(&self) -> Result<Vec<Size>, EvidenceError> {
        Ok(self.directory.checkpoint_sizes()?)
    }

    fn open(&self, note: String) -> Result<Published, EvidenceError> {
        let opened = OpenedCheckpoint::open(note.as_bytes(), &self.origin, &self.log_key, &[])?;
        let checkpoint = opened.checkpoint;
        let seal_index = checkpoint.size.last().unwrap_or(Index::FIRST);
        let seal = self
            .seal(seal_index)?
            .ok_or(EvidenceError::NoSeal { index: seal_index })?;
        let found = self.root(LogName::Ledger, checkpoint.size)?;
        if found != checkpoint.root {
            return Err(EvidenceError::Root {
                size: checkpoint.size,
                signed: checkpoint.root,
                found,
            });
        }
        Ok(Published {
            note,
            checkpoint,
            seal_index,
            seal,
        })
    }

    /// The seal at `index`; none when that leaf is a record or not there.
    pub(crate) fn seal(&self, index: Index) -> Result<Option<Seal>, EvidenceError> {
        let Some(leaf) = self.reader.leaf(index)? else {
            return Ok(None);
        };
        match Leaf::decode(&leaf) {
            Ok(Leaf::Seal(seal)) => Ok(Some(seal)),
            Ok(Leaf::Record(_)) => Ok(None),
            Err(source) => Err(EvidenceError::Leaf { index, source }),
        }
    }

    /// The heads that the seal at `index` commits to, sorted; they are compared with it.
    ///
    /// # Errors
    /// [`EvidenceError::Heads`] when the store does not lead to them any more.
    pub fn heads_at(&self, index: Index, seal: &Seal) -> Result<Arc<[Head]>, EvidenceError> {
        let known = locked(&self.heads).clone();
        if let Some((_, heads)) = known.filter(|(at, _)| *at == index) {
            return Ok(heads);
        }
        let heads: Arc<[Head]> = heads::derive(self, index, seal)?.into();
        *locked(&self.heads) = Some((index, Arc::clone(&heads)));
        Ok(heads)
    }

    /// Root of the first `size` leaves of `log`, computed from stored leaf hashes.
    ///
    /// # Errors
    /// [`EvidenceError`] when they cannot be read.
    pub fn root(&self, log: LogName, size: Size) -> Result<Hash, EvidenceError> {
        let plan = plan_root(size);
        Ok(plan.root(&self.nodes(log, size, plan.nodes())?)?)
    }

    /// Proves that the leaf at `index` of `log` is in its tree of `size` leaves.
    ///
    /// # Errors
    /// [`EvidenceError::Plan`] when it is not.
    pub fn inclusion(&self, log: LogName, index: Index, size: Size) -> Result<Vec<Hash>, EvidenceError> {
        self.carry_out(log, size, &plan_inclusion(index, size)?)
    }

    /// Proves that the tree of `new` leaves of `log` begins with its tree of `old` leaves.
    ///
    /// # Errors
    /// [`EvidenceError::Plan`] when `old` is the larger one.
    pub fn consistency(&self, log: LogName, old: Size, new: Size) -> Result<Vec<Hash>, EvidenceError> {
        self.carry_out(log, new, &plan_consistency(old, new)?)
    }

    fn carry_out(&self, log: LogName, size: Size, plan: &Plan) -> Result<Vec<Hash>, EvidenceError> {
        Ok(plan.hashes(&self.nodes(log, size, plan.nodes())?)?)
    }

    /// The hashes of complete nodes in the tree of `size` leaves of `log`.
    pub(crate) fn nodes(
        &self,
        log: LogName,
        size: Size,
        nodes: &[NodeId],
    ) -> Result<Vec<Hash>, EvidenceError> {
        let tree = self.tree(log);
        let mut tree = locked(&tree);
        // Only what is asked for is read: the last leaves of a small log need no upper nodes.
        if nodes.iter().any(|node| node.level >= BLOCK_LEVEL) {
            self.grow(log, &mut tree, size)?;
        }
        let mut blocks: BTreeMap<u64, Vec<Hash>> = BTreeMap::new();
        let mut hashes = Vec::with_capacity(nodes.len());
        for node in nodes {
            let hash = if node.level >= BLOCK_LEVEL {
                tree.hash(*node)
            } else {
                let first = node.index.checked_shl(u32::from(node.level)).unwrap_or(u64::MAX);
                let block = first / BLOCK_LEAVES;
                if let std::collections::btree_map::Entry::Vacant(entry) = blocks.entry(block) {
                    let start = block.saturating_mul(BLOCK_LEAVES);
                    let end = start.saturating_add(BLOCK_LEAVES).min(size.get());
                    entry.insert(reading::leaf_hashes(&self.reader, log, start..end)?);
                }
                blocks
                    .get(&block)
                    .and_then(|leaves| lower_node(*node, first, leaves))
            };
            hashes.push(hash.ok_or(EvidenceError::Damaged {
                what: "tree",
                log,
                place: node.index,
            })?);
        }
        Ok(hashes)
    }

    /// Reads on until every complete block of `size` leaves is there.
    fn grow(&self, log: LogName, tree: &mut UpperTree, size: Size) -> Result<(), EvidenceError> {
        let (known, complete) = (tree.blocks(), size.get() / BLOCK_LEAVES);
        if known >= complete {
            return Ok(());
        }
        let range = known * BLOCK_LEAVES..complete * BLOCK_LEAVES;
        let mut block = Vec::with_capacity(256);
        reading::each_leaf_hash(&self.reader, log, range, |hash| {
            block.push(hash);
            if block.len() == 256 {
                tree.push(root_of(&block));
                block.clear();
            }
        })
    }

    fn tree(&self, log: LogName) -> Arc<Mutex<UpperTree>> {
        Arc::clone(locked(&self.trees).entry(log).or_default())
    }

    /// The signed checkpoint of one chain's own log, as sealed by `published`; none without a key or without records.
    ///
    /// # Errors
    /// [`EvidenceError::Heads`] when the store does not lead to what was sealed; nothing is signed then.
    pub fn chain_checkpoint(
        &self,
        published: &Published,
        chain: Chain,
    ) -> Result<Option<String>, EvidenceError> {
        let Some(signer) = &self.signer else {
            return Ok(None);
        };
        let heads = self.heads_at(published.seal_index, &published.seal)?;
        let Some(head) = heads.iter().find(|head| head.chain == chain) else {
            return Ok(None);
        };
        let origin = self.origin.of_chain(chain)?;
        let name = KeyName::new(origin.as_str())?;
        let key = SignerKey::new(name, NoteAlgorithm::Ed25519, signer.secret().clone());
        let checkpoint = Checkpoint {
            origin,
            size: head.count,
            root: head.chain_root,
        };
        Ok(Some(checkpoint.sign(&key)?.to_string()))
    }
}

/// A node below the block level, from the leaf hashes of its block.
fn lower_node(node: NodeId, first_leaf: u64, block: &[Hash]) -> Option<Hash> {
    let start = usize::try_from(first_leaf % BLOCK_LEAVES).ok()?;
    let end = start.checked_add(1 << node.level)?;
    block.get(start..end).map(root_of)
}

/// What was computed before a panic is as good as ever: everything is replaced whole.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
