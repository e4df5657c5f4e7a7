//! The follower: reads the leaves of a log over HTTP, and derives every chain and every seal again.

use std::collections::BTreeMap;

use portbook_http::{Client, ClientError, StatusCode};
use portbook_ledger::fraud::FraudProof;
use portbook_ledger::tree::{Frontier, TileWidth, plan_consistency};
use portbook_ledger::{
    Auditor, Checkpoint, CheckpointError, Fault, Hash, Head, Index, Origin, Size, VerifierKey, leaf_hash,
};

use crate::alarm;
use crate::memory::open_any;
use crate::mirror::{BUNDLE_WIDTH, Mirror, MirrorError, bundle, leaves_of};

/// Largest checkpoint that is read, in bytes.
const CHECKPOINT_BYTES_MAX: usize = 64 << 10;
/// Largest bundle that is read: 256 leaves of the largest size.
const BUNDLE_BYTES_MAX: usize = 256 * (2 + 65_535);
/// Largest list of heads that is read: a hundred thousand ports.
const HEADS_BYTES_MAX: usize = 10 << 20;
/// Sizes whose roots are remembered, for submissions that come late.
const ROOTS_MAX: usize = 1024;

/// Where a log is served: C2SP tlog-tiles below one URL, and the heads of its seals.
#[derive(Debug)]
pub struct Source {
    client: Client,
}

/// Follows one log: what it has read is on disk, and what it has read contradicts nothing.
#[derive(Debug)]
pub struct Follower {
    origin: Origin,
    source: Source,
    mirror: Mirror,
    read: Read,
    /// The newest checkpoint that was checked, as it was served.
    checked: Option<(Checkpoint, Vec<u8>)>,
    roots: BTreeMap<Size, Hash>,
}

/// What was made of the leaves read so far.
#[derive(Debug)]
struct Read {
    tree: Frontier,
    auditor: Auditor,
    /// The first thing that is wrong, believed once the leaves are known to be the signed ones.
    fault: Option<Fault>,
}

/// Why a log could not be followed.
#[derive(Debug, thiserror::Error)]
pub enum FollowError {
    /// The log cannot be reached.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The log does not serve what it should.
    #[error("{path} was answered with {status}")]
    Status {
        /// What was asked for.
        path: String,
        /// The answer.
        status: StatusCode,
    },
    /// The checkpoint is not the log's.
    #[error("the checkpoint does not hold")]
    Checkpoint(#[from] CheckpointError),
    /// A bundle is not made of as many leaves as it should be.
    #[error("{path} is not a bundle of {width} leaves")]
    Bundle {
        /// Its path.
        path: String,
        /// Leaves it should have.
        width: u16,
    },
    /// What was seen cannot be kept.
    #[error(transparent)]
    Mirror(#[from] MirrorError),
    /// What is served is not what was signed.
    #[error("the leaves served give root {found} for {size} leaves, {signed} was signed")]
    Unproven {
        /// Size of the checkpoint.
        size: Size,
        /// Root that was signed.
        signed: Hash,
        /// Root of what is served.
        found: Hash,
    },
    /// The checkpoint is older than what was read already, and its root is not remembered.
    #[error("{size} leaves were read past before they were signed")]
    Passed {
        /// Size of the checkpoint.
        size: Size,
    },
    /// Two signed trees of which neither is the beginning of the other.
    #[error("the log signed two histories")]
    Fork {
        /// What convinces others.
        proof: Box<FraudProof>,
    },
    /// A smaller tree than was seen before.
    #[error("the log serves {found} leaves, {seen} were seen before")]
    Rollback {
        /// Leaves seen before.
        seen: Size,
        /// Leaves served now.
        found: Size,
        /// Both checkpoints.
        proof: Box<FraudProof>,
    },
    /// The signed leaves contradict each other.
    #[error("the signed leaves contradict each other")]
    Faulty {
        /// The first thing that is wrong.
        #[source]
        fault: Fault,
        /// What convinces others, where one seal and one leaf are enough.
        proof: Option<Box<FraudProof>>,
    },
    /// A checkpoint must end with a seal.
    #[error("the checkpoint of {size} leaves does not end with a seal")]
    NoSeal {
        /// Its size.
        size: Size,
    },
}

impl FollowError {
    /// Whether the log is to blame for it, whatever the network does.
    #[must_use]
    pub const fn is_contradiction(&self) -> bool {
        match self {
            Self::Fork { .. } | Self::Rollback { .. } | Self::Faulty { .. } | Self::NoSeal { .. } => true,
            Self::Client(_)
            | Self::Status { .. }
            | Self::Checkpoint(_)
            | Self::Bundle { .. }
            | Self::Mirror(_)
            | Self::Unproven { .. }
            | Self::Passed { .. } => false,
        }
    }
}

impl Source {
    /// The log that `client` asks.
    #[must_use]
    pub const fn new(client: Client) -> Self {
        Self { client }
    }

    async fn checkpoint(&self) -> Result<Vec<u8>, FollowError> {
        self.get("/checkpoint", CHECKPOINT_BYTES_MAX).await
    }

    /// The first `width` leaves of bundle `index`, as they are served.
    async fn bundle(&self, index: u64, width: TileWidth) -> Result<Vec<u8>, FollowError> {
        let path = |width| format!("/{}", bundle(index, width));
        match self.get(&path(width), BUNDLE_BYTES_MAX).await {
            // A log need not keep a partial bundle once it has the full one.
            Err(FollowError::Status { status, .. })
                if status == StatusCode::NOT_FOUND && width != TileWidth::FULL =>
            {
                self.get(&path(TileWidth::FULL), BUNDLE_BYTES_MAX).await
            }
            answered => answered,
        }
    }

    /// The heads of the seal at `index` as they are served, each with its u16 length before it; none when they are not.
    pub(crate) async fn heads(&self, index: Index) -> Result<Option<Vec<Head>>, FollowError> {
        match self.get(&format!("/heads/{index}"), HEADS_BYTES_MAX).await {
            Ok(bytes) => Ok(leaves_of(&bytes)
                .and_then(|heads| heads.iter().map(|head| Head::decode(head).ok()).collect())),
            Err(FollowError::Status { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn get(&self, path: &str, bytes_max: usize) -> Result<Vec<u8>, FollowError> {
        let answer = self.client.get(path, bytes_max).await?;
        if answer.status == StatusCode::OK {
            Ok(answer.body.to_vec())
        } else {
            Err(FollowError::Status {
                path: path.to_owned(),
                status: answer.status,
            })
        }
    }
}

impl Read {
    fn nothing(origin: &Origin) -> Self {
        Self {
            tree: Frontier::new(),
            auditor: Auditor::new(origin, []),
            fault: None,
        }
    }

    fn take(&mut self, leaf: &[u8]) {
        let hash = leaf_hash(leaf);
        self.tree.push(hash);
        if self.fault.is_none() {
            self.fault = self.auditor.feed(leaf, hash).err();
        }
    }

    /// The fault in what was read, a suspicion that nothing more can settle included.
    fn fault(&mut self) -> Option<Fault> {
        if self.fault.is_none() {
            self.fault = self.auditor.settle().err();
        }
        self.fault.clone()
    }

    fn ends_with_seal(&mut self) -> bool {
        let last = self.tree.size().last();
        last.is_some() && self.auditor.settle().is_ok_and(|log| log.last_seal == last)
    }
}

impl Follower {
    /// Follows the log `origin` at `source`, going on where `mirror` ends; the leaves there are all read again.
    ///
    /// # Errors
    /// [`FollowError`] when the mirror does not lead to the checkpoint kept in it.
    pub fn open(
        origin: Origin,
        keys: &[VerifierKey],
        source: Source,
        mirror: Mirror,
    ) -> Result<Self, FollowError> {
        let checked = match mirror.checkpoint()? {
            Some(note) => Some((open_any(&note, &origin, keys)?, note)),
            None => None,
        };
        let mut follower = Self {
            read: Read::nothing(&origin),
            origin,
            source,
            mirror,
            checked,
            roots: BTreeMap::new(),
        };
        follower.read_mirror()?;
        Ok(follower)
    }

    /// The newest checkpoint that was checked.
    #[must_use]
    pub fn checked(&self) -> Option<&Checkpoint> {
        self.checked.as_ref().map(|(checkpoint, _)| checkpoint)
    }

    /// What was seen.
    #[must_use]
    pub const fn mirror(&self) -> &Mirror {
        &self.mirror
    }

    /// Checks the checkpoint that the log serves now; gives it as it was served.
    ///
    /// # Errors
    /// [`FollowError`]; after one that is a contradiction there is nothing more to follow.
    pub async fn catch_up(&mut self, keys: &[VerifierKey]) -> Result<Vec<u8>, FollowError> {
        let note = self.source.checkpoint().await?;
        let served = open_any(&note, &self.origin, keys)?;
        if let Some((checked, before)) = &self.checked
            && served.size <= checked.size
        {
            if served == *checked {
                return Ok(note);
            }
            return Err(self.went_back(before, checked, &note, &served)?);
        }
        self.advance(&served, &note).await?;
        Ok(note)
    }

    /// Reads on to `to`, which the log has signed in `note`, and checks everything up to it. When it is interrupted, the
    /// next call goes on where this one stopped.
    ///
    /// # Errors
    /// [`FollowError`]: nothing may be said about `to` then.
    pub async fn advance(&mut self, to: &Checkpoint, note: &[u8]) -> Result<(), FollowError> {
        if to.size < self.read.tree.size() {
            return match self.roots.get(&to.size) {
                Some(root) if *root == to.root => Ok(()),
                Some(_) | None => Err(FollowError::Passed { size: to.size }),
            };
        }
        while self.read.tree.size() < to.size {
            self.read_bundle(to.size).await?;
        }
        let found = self.read.tree.root();
        if found != to.root {
            return Err(self.differing(to, note, found).await?);
        }
        if let Some(fault) = self.read.fault() {
            let proof = alarm::false_seal(&self.origin, &self.source, &self.mirror, &fault, to, note).await?;
            return Err(FollowError::Faulty {
                fault,
                proof: proof.map(Box::new),
            });
        }
        if !self.read.ends_with_seal() {
            return Err(FollowError::NoSeal { size: to.size });
        }
        self.mirror.keep_checkpoint(to.size, note)?;
        self.checked = Some((to.clone(), note.to_vec()));
        self.roots.insert(to.size, to.root);
        while self.roots.len() > ROOTS_MAX {
            self.roots.pop_first();
        }
        Ok(())
    }

    async fn read_bundle(&mut self, end: Size) -> Result<(), FollowError> {
        let size = self.read.tree.size().get();
        let index = size / BUNDLE_WIDTH;
        let width = (end.get() - index * BUNDLE_WIDTH).min(BUNDLE_WIDTH);
        let width = u16::try_from(width)
            .ok()
            .and_then(TileWidth::new)
            .unwrap_or(TileWidth::FULL);
        let bytes = self.source.bundle(index, width).await?;
        let leaves = leaves_of(&bytes).filter(|leaves| leaves.len() >= usize::from(width.get()));
        let leaves = leaves.ok_or_else(|| FollowError::Bundle {
            path: bundle(index, width).to_string(),
            width: width.get(),
        })?;
        // More may be served than is signed: that is none of our business yet.
        let leaves = leaves.get(..usize::from(width.get())).unwrap_or_default();
        let known = usize::try_from(size % BUNDLE_WIDTH).unwrap_or(usize::MAX);
        let fresh = leaves.get(known..).unwrap_or_default();
        // What was read before stays as it was read: should the log say something else now, the root will not fit, and
        // what was seen is the evidence.
        let before = self.mirror.bundle(index, known)?;
        let kept: Vec<u8> = before
            .iter()
            .chain(fresh)
            .flat_map(|leaf| with_length(leaf))
            .collect();
        self.mirror.keep_bundle(index, width, &kept)?;
        for leaf in fresh {
            self.read.take(leaf);
        }
        Ok(())
    }

    /// Reads what is on disk up to the checkpoint that was checked, and nothing beyond.
    fn read_mirror(&mut self) -> Result<(), FollowError> {
        self.read = Read::nothing(&self.origin);
        let Some((checked, _)) = &self.checked else {
            return Ok(());
        };
        for leaves in self.mirror.leaves(checked.size) {
            leaves?.iter().for_each(|leaf| self.read.take(leaf));
        }
        let found = self.read.tree.root();
        if found != checked.root {
            return Err(FollowError::Unproven {
                size: checked.size,
                signed: checked.root,
                found,
            });
        }
        self.roots.insert(checked.size, checked.root);
        Ok(())
    }

    /// A checkpoint that is not larger than the one seen before, and not the same.
    fn went_back(
        &self,
        before: &[u8],
        checked: &Checkpoint,
        note: &[u8],
        served: &Checkpoint,
    ) -> Result<FollowError, FollowError> {
        let mut beginning = Frontier::new();
        for leaves in self.mirror.leaves(served.size) {
            leaves?.iter().for_each(|leaf| beginning.push(leaf_hash(leaf)));
        }
        if beginning.root() == served.root {
            let proof = FraudProof::Rollback {
                before: before.to_vec(),
                after: note.to_vec(),
            };
            return Ok(FollowError::Rollback {
                seen: checked.size,
                found: served.size,
                proof: Box::new(proof),
            });
        }
        let plan = plan_consistency(served.size, checked.size).map_err(MirrorError::from)?;
        let proof = FraudProof::Fork {
            smaller: note.to_vec(),
            larger: before.to_vec(),
            beginning: beginning.root(),
            proof: self.mirror.carry_out(&plan, checked.size)?,
        };
        Ok(FollowError::Fork {
            proof: Box::new(proof),
        })
    }

    /// What was read does not lead to what was signed: reads all of it anew, to know whether the log has another history or
    /// has only served what it did not sign.
    async fn differing(
        &mut self,
        to: &Checkpoint,
        note: &[u8],
        found: Hash,
    ) -> Result<FollowError, FollowError> {
        let unproven = FollowError::Unproven {
            size: to.size,
            signed: to.root,
            found,
        };
        // What was kept beyond the last checkpoint is not to be built on.
        self.read_mirror()?;
        let Some((checked, before)) = &self.checked else {
            return Ok(unproven);
        };
        let elsewhere = self.mirror.folder().join("fork");
        let mut other = Mirror::open(&elsewhere)?;
        let (mut tree, mut beginning) = (Frontier::new(), None);
        for index in 0..to.size.get().div_ceil(BUNDLE_WIDTH) {
            let rest = (to.size.get() - index * BUNDLE_WIDTH).min(BUNDLE_WIDTH);
            let width = u16::try_from(rest)
                .ok()
                .and_then(TileWidth::new)
                .unwrap_or(TileWidth::FULL);
            let bytes = self.source.bundle(index, width).await?;
            let leaves = leaves_of(&bytes).unwrap_or_default();
            let leaves = leaves.get(..usize::from(width.get())).unwrap_or_default();
            let kept: Vec<u8> = leaves.iter().flat_map(|leaf| with_length(leaf)).collect();
            other.keep_bundle(index, width, &kept)?;
            for leaf in leaves {
                tree.push(leaf_hash(leaf));
                if tree.size() == checked.size {
                    beginning = Some(tree.root());
                }
            }
        }
        let Some(beginning) = beginning.filter(|root| tree.root() == to.root && *root != checked.root) else {
            return Ok(unproven);
        };
        other.keep_checkpoint(to.size, note)?;
        let plan = plan_consistency(checked.size, to.size).map_err(MirrorError::from)?;
        let proof = FraudProof::Fork {
            smaller: before.clone(),
            larger: note.to_vec(),
            beginning,
            proof: other.carry_out(&plan, to.size)?,
        };
        Ok(FollowError::Fork {
            proof: Box::new(proof),
        })
    }
}

fn with_length(leaf: &[u8]) -> Vec<u8> {
    // A leaf was read with a u16 length, so it has one.
    let mut bytes = u16::try_from(leaf.len())
        .unwrap_or(u16::MAX)
        .to_be_bytes()
        .to_vec();
    bytes.extend_from_slice(leaf);
    bytes
}
