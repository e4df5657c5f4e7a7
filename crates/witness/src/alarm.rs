//! The alarm: what a log did, told so that others can check it.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use portbook_ledger::fraud::{CoveredLeaf, FraudProof};
use portbook_ledger::tree::plan_inclusion;
use portbook_ledger::{
    Auditor, Checkpoint, Fault, Head, Index, Leaf, Origin, Seal, Size, heads_root, leaf_hash, prove_head,
};

use crate::follower::{FollowError, Source};
use crate::mirror::{Mirror, MirrorError};

/// What a log did, and what convinces others of it.
#[derive(Debug)]
pub struct Alarm {
    /// `FORK`, `ROLLBACK`, `FALSE SEAL` or `FAULT`.
    pub kind: &'static str,
    /// What is wrong, in one sentence.
    pub what: String,
    /// The proof; none where only the leaves themselves, all of them, are one.
    pub proof: Option<FraudProof>,
}

impl Alarm {
    /// The alarm that `error` is; none when the log is not to blame.
    #[must_use]
    pub fn of(error: &FollowError) -> Option<Self> {
        let (kind, what, proof) = match error {
            FollowError::Fork { proof } => ("FORK", error.to_string(), Some((**proof).clone())),
            FollowError::Rollback { proof, .. } => ("ROLLBACK", error.to_string(), Some((**proof).clone())),
            FollowError::Faulty {
                fault,
                proof: Some(proof),
            } => ("FALSE SEAL", fault.to_string(), Some((**proof).clone())),
            FollowError::Faulty { fault, proof: None } => ("FAULT", fault.to_string(), None),
            FollowError::NoSeal { .. } => ("FAULT", error.to_string(), None),
            FollowError::Client(_)
            | FollowError::Status { .. }
            | FollowError::Checkpoint(_)
            | FollowError::Bundle { .. }
            | FollowError::Mirror(_)
            | FollowError::Unproven { .. }
            | FollowError::Passed { .. } => return None,
        };
        Some(Self { kind, what, proof })
    }

    /// Writes the proof to the folder `alarms` in `folder`; gives its path, none when there is no proof to write.
    ///
    /// # Errors
    /// The path that could not be written, and what the system said.
    pub fn keep(&self, folder: &Path) -> Result<Option<PathBuf>, (PathBuf, io::Error)> {
        let Some(proof) = self.proof.as_ref().map(ToString::to_string) else {
            return Ok(None);
        };
        let folder = folder.join("alarms");
        let name = self.kind.to_lowercase().replace(' ', "-");
        // The name says which proof it is, so that a second alarm does not replace the first.
        let digest = portbook_ledger::sha256(&[proof.as_bytes()]).to_hex();
        let path = folder.join(format!("{name}-{}.fraud", digest.get(..16).unwrap_or_default()));
        match fs::create_dir_all(&folder).and_then(|()| fs::write(&path, proof)) {
            Ok(()) => Ok(Some(path)),
            Err(error) => Err((path, error)),
        }
    }
}

impl fmt::Display for Alarm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind, self.what)
    }
}

/// Proves with one seal and one leaf what is wrong in `checkpoint`, if that is possible: the heads that the log serves for
/// the seal say what it commits to, and one of its own leaves contradicts that.
pub(crate) async fn false_seal(
    origin: &Origin,
    source: &Source,
    mirror: &Mirror,
    fault: &Fault,
    checkpoint: &Checkpoint,
    note: &[u8],
) -> Result<Option<FraudProof>, FollowError> {
    let place = fault.last;
    let Some((seal, heads)) = heads_before(origin, mirror, place)? else {
        return Ok(None);
    };
    let Some(said) = source.heads(place).await? else {
        return Ok(None);
    };
    if heads_root(&said).ok() != Some(seal.heads_root) {
        return Ok(None);
    }
    let Some((chain, contradicting)) = contradiction(&heads, &said) else {
        return Ok(None);
    };
    let Ok(proven) = prove_head(&said, chain) else {
        return Ok(None);
    };
    let covered = |index| covered_leaf(mirror, index, checkpoint.size);
    Ok(Some(FraudProof::FalseSeal {
        checkpoint: note.to_vec(),
        seal: covered(place)?,
        said: Box::new(proven),
        record: covered(contradicting)?,
    }))
}

/// The seal at `place` and the heads that the leaves before it really have; none when it is no seal, or they are faulty
/// themselves.
fn heads_before(
    origin: &Origin,
    mirror: &Mirror,
    place: Index,
) -> Result<Option<(Seal, Vec<Head>)>, MirrorError> {
    let mut auditor = Auditor::new(origin, []);
    for leaves in mirror.leaves(place.size_through()) {
        for leaf in leaves? {
            if auditor.size() == place.size_before() {
                return Ok(match (Leaf::decode(&leaf), auditor.settle()) {
                    (Ok(Leaf::Seal(seal)), Ok(log)) => Some((seal, log.heads)),
                    (Ok(_) | Err(_), Ok(_) | Err(_)) => None,
                });
            }
            if auditor.feed(&leaf, leaf_hash(&leaf)).is_err() {
                return Ok(None);
            }
        }
    }
    Ok(None)
}

/// The first chain of which something else is said, and the leaf that contradicts it.
fn contradiction(heads: &[Head], said: &[Head]) -> Option<(portbook_ledger::Chain, Index)> {
    let hidden = heads.iter().find_map(|head| {
        let other = said.iter().find(|other| other.chain == head.chain);
        match other {
            None => Some((head.chain, head.head_index)),
            Some(other) if other.head_index < head.head_index => Some((head.chain, head.head_index)),
            // The leaf at the place that is said to be the head is something else, or the head is not as it is. A wrong
            // root of the chain alone is shown by all its leaves only.
            Some(other)
                if Head {
                    chain_root: head.chain_root,
                    ..*other
                } != *head =>
            {
                Some((head.chain, other.head_index))
            }
            Some(_) => None,
        }
    });
    let invented = || {
        let other = said
            .iter()
            .find(|other| !heads.iter().any(|head| head.chain == other.chain));
        other.map(|other| (other.chain, other.head_index))
    };
    hidden.or_else(invented)
}

fn covered_leaf(mirror: &Mirror, index: Index, size: Size) -> Result<CoveredLeaf, MirrorError> {
    let plan = plan_inclusion(index, size)?;
    let mut bytes = Vec::new();
    let bundle = usize::try_from(index.get() / crate::mirror::BUNDLE_WIDTH).unwrap_or(usize::MAX);
    let within = usize::try_from(index.get() % crate::mirror::BUNDLE_WIDTH).unwrap_or(usize::MAX);
    if let Some(leaves) = mirror.leaves(size).nth(bundle) {
        bytes = leaves?.into_iter().nth(within).unwrap_or_default();
    }
    Ok(CoveredLeaf {
        index,
        bytes,
        proof: mirror.carry_out(&plan, size)?,
    })
}
