//! Verifying a stored ledger: every byte hashed again, nothing believed that is not signed.

use portbook_ledger::{
    Auditor, Check, Checkpoint, CheckpointError, Fault, Hash, Leaf, LogVerdict, OpenedCheckpoint, Origin,
    RecordKind, SignedRoot, Size, VerifierKey, leaf_hash, tree::Frontier,
};
use portbook_store::{LedgerDirectory, Packed, StoreError, StoreReader, for_groups_in_order};

use crate::epoch::Epoch;
use crate::leaf_hashes::{LeafHasher, one_by_one, side_by_side};
use crate::rederive::{Governance, Rederived, rederive};

/// What the one who verifies brings along; none of it comes from the ledger.
#[derive(Debug, Clone)]
pub struct Trust {
    /// Name of the log.
    pub origin: Origin,
    /// The key that must have signed its checkpoints.
    pub log_key: VerifierKey,
    /// Trees that were signed, as he remembers them.
    pub remembered: Vec<SignedRoot>,
}

/// How much to verify.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// Leaves, chains, seals, tree and checkpoints.
    Structure,
    /// Also the placement of every record and every producer's signature.
    Everything,
}

/// Where the checkpoint to verify against comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Against {
    /// The newest published one.
    Newest,
    /// The published one of this size.
    Size(Size),
}

/// What verification went through, and what it came to.
#[derive(Debug, Clone)]
pub struct Verification {
    /// The checkpoint it was verified against.
    pub checkpoint: Checkpoint,
    /// Epochs that were declared: from each on, the ledger is another history than before a restore.
    pub epochs: Vec<Epoch>,
    /// Leaves in the store beyond the checkpoint: nothing vouches for them yet.
    pub beyond: u64,
    /// Signed trees that were reproduced on the way, the checkpoint's included.
    pub roots: usize,
    /// What the leaves amount to.
    pub log: LogVerdict,
    /// Placement and signatures, where they were asked for.
    pub rederived: Option<Rederived>,
}

/// What verification came to.
#[derive(Debug, Clone)]
pub enum Verified {
    /// Everything that was checked holds.
    Holds(Box<Verification>),
    /// Something is not what it should be.
    Faulty {
        /// The first thing that is not.
        fault: Fault,
        /// The checkpoint it was verified against.
        checkpoint: Checkpoint,
    },
}

/// Why verification could not be carried out.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// The store could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No checkpoint to verify against.
    #[error("nothing was signed yet: there is no checkpoint to verify against")]
    NothingSigned,
    /// There is no checkpoint of this size.
    #[error("there is no checkpoint of {size} leaves")]
    NoSuchCheckpoint {
        /// The size asked for.
        size: Size,
    },
    /// The checkpoint is not to be believed.
    #[error("the checkpoint is not to be believed")]
    Checkpoint(#[from] CheckpointError),
}

/// Reads the whole ledger and compares it with `against`, with every earlier signed tree and with what is remembered.
///
/// `progress` is told how many leaves were read, out of how many.
///
/// # Errors
/// [`VerifyError`] when it could not be carried out to the end, which is neither a pass nor a fault.
pub fn verify(
    reader: &StoreReader,
    directory: &LedgerDirectory,
    trust: &Trust,
    against: Against,
    depth: Depth,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Verified, VerifyError> {
    let checkpoint = open_checkpoint(directory, trust, against)?;
    let size = checkpoint.size.get();
    let roots = roots_through(directory, trust, &checkpoint)?;
    let steps = if depth == Depth::Everything {
        size * 2
    } else {
        size
    };
    let mut told = |read| progress(read, steps);
    let audit = |hasher, told: &mut dyn FnMut(u64)| audit(reader, size, trust, &roots, hasher, told);
    let (audited, governance) = match audit(side_by_side, &mut told)? {
        // Only what both ways of hashing find is a fault; what one of them reproduces was signed.
        (Err(_), _) => audit(one_by_one, &mut told)?,
        held => held,
    };
    let log = match audited {
        Ok(log) => log,
        Err(fault) => {
            let fault = name_exactly(reader, trust, &checkpoint, fault);
            return Ok(Verified::Faulty { fault, checkpoint });
        }
    };
    let rederived = match depth {
        Depth::Structure => None,
        Depth::Everything => Some(rederive(reader, size, &governance, |read| told(size + read))?),
    };
    let beyond = reader.book()?.size().saturating_sub(size);
    Ok(Verified::Holds(Box::new(Verification {
        epochs: governance.into_epochs(),
        checkpoint,
        beyond,
        roots: roots.len(),
        log,
        rederived,
    })))
}

fn open_checkpoint(
    directory: &LedgerDirectory,
    trust: &Trust,
    against: Against,
) -> Result<Checkpoint, VerifyError> {
    let note = match against {
        Against::Newest => directory.checkpoint()?.ok_or(VerifyError::NothingSigned)?,
        Against::Size(size) => directory
            .checkpoint_at(size)?
            .ok_or(VerifyError::NoSuchCheckpoint { size })?,
    };
    Ok(OpenedCheckpoint::open(note.as_bytes(), &trust.origin, &trust.log_key, &[])?.checkpoint)
}

/// Every tree that must be reproduced on the way to `checkpoint`. The ones in `signed.log` only narrow a fault down.
fn roots_through(
    directory: &LedgerDirectory,
    trust: &Trust,
    checkpoint: &Checkpoint,
) -> Result<Vec<SignedRoot>, StoreError> {
    let logged = directory.signed_log()?.unwrap_or_default();
    let mut roots: Vec<SignedRoot> = logged.roots().iter().chain(&trust.remembered).copied().collect();
    roots.retain(|root| root.size <= checkpoint.size);
    roots.push(SignedRoot {
        size: checkpoint.size,
        root: checkpoint.root,
    });
    roots.sort_unstable_by_key(|root| (root.size, root.root));
    roots.dedup();
    Ok(roots)
}

/// A fault that ends reading early, or a store that fails.
enum Ended {
    Fault(Fault),
    Store(StoreError),
}

impl From<StoreError> for Ended {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

fn audit(
    reader: &StoreReader,
    size: u64,
    trust: &Trust,
    roots: &[SignedRoot],
    hasher: LeafHasher,
    progress: &mut dyn FnMut(u64),
) -> Result<(Result<LogVerdict, Fault>, Governance), StoreError> {
    let mut governance = Governance::default();
    let mut auditor = Auditor::new(&trust.origin, roots.iter().copied());
    let hashes_of = |group: &[Packed]| {
        let leaves: Vec<&[u8]> = group.iter().flat_map(Packed::iter).collect();
        let mut made = hasher(&leaves).into_iter();
        let of_each = group
            .iter()
            .map(|packed| made.by_ref().take(packed.count()).collect::<Vec<_>>());
        of_each.collect()
    };
    let read = for_groups_in_order(reader.leaves(0..size), hashes_of, |packed, hashes| {
        for ((leaf, hash), index) in packed.iter().zip(hashes).zip(packed.first..) {
            let before = is_governing(leaf).then(|| auditor.root());
            auditor.feed(leaf, hash).map_err(Ended::Fault)?;
            if let Some(root) = before {
                take_control(&mut governance, index, leaf, root);
            }
        }
        progress(packed.first);
        Ok(())
    });
    let audited = match read {
        // Missing leaves are for the auditor to judge: it knows how many were signed.
        Ok(()) | Err(Ended::Store(StoreError::LeafMissing { .. })) => auditor.finish(),
        Err(Ended::Fault(fault)) => Err(fault),
        Err(Ended::Store(error)) => return Err(error),
    };
    Ok((audited, governance))
}

/// Whether a leaf is a control record or in quarantine: the kind stands right behind the magic. They are few.
fn is_governing(leaf: &[u8]) -> bool {
    let few = [RecordKind::Control, RecordKind::Quarantine];
    few.iter().any(|kind| leaf.get(4) == Some(&kind.number()))
}

/// Replays a control record; `root` is the root of all leaves before it.
fn take_control(governance: &mut Governance, index: u64, leaf: &[u8], root: Hash) {
    if let Ok(Leaf::Record(record)) = Leaf::decode(leaf) {
        governance.take(index, &record, root);
    }
}

/// Names the first bad leaf beyond doubt where the stored leaf hashes still lead to the signed root; otherwise `fault`
/// stands as it is.
fn name_exactly(reader: &StoreReader, trust: &Trust, checkpoint: &Checkpoint, fault: Fault) -> Fault {
    let size = checkpoint.size.get();
    let mut committed = Frontier::new();
    for packed in reader.leaf_hashes(0..size) {
        let Ok(packed) = packed else { return fault };
        packed
            .iter()
            .filter_map(stored_hash)
            .for_each(|hash| committed.push(hash));
    }
    if committed.size() != checkpoint.size || committed.root() != checkpoint.root {
        return fault;
    }
    let mut auditor = Auditor::new(
        &trust.origin,
        [SignedRoot {
            size: checkpoint.size,
            root: checkpoint.root,
        }],
    );
    let mut hashes = reader
        .leaf_hashes(0..size)
        .flatten()
        .flat_map(|packed| packed.iter().filter_map(stored_hash).collect::<Vec<_>>());
    for packed in reader.leaves(0..size) {
        let Ok(packed) = packed else { break };
        for leaf in packed.iter() {
            let Some(committed) = hashes.next() else { break };
            if let Err(exact) = auditor.feed_committed(leaf, leaf_hash(leaf), committed) {
                return Fault {
                    last_good_size: fault.last_good_size,
                    ..exact
                };
            }
        }
    }
    auditor.finish().err().unwrap_or(fault)
}

fn stored_hash(bytes: &[u8]) -> Option<Hash> {
    bytes.try_into().ok().map(Hash::from_bytes)
}

/// Whether a fault says that leaves are missing at the end, not that one was changed.
#[must_use]
pub fn is_truncation(fault: &Fault) -> bool {
    matches!(*fault.check, Check::Missing { .. })
}
