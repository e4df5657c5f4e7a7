//! A second projector: it records the same stream in a ledger of its own and signs nothing until it is promoted.
//!
//! What the first one signs it compares with its own tree; only what it can reproduce does it write into its `signed.log`. So its
//! directory is at any time one a projector can go on with. Promotion is a compare-and-swap: the last checkpoint is put into
//! the register once more, and from then on the first projector's next one is refused. A seal follows at once; with the
//! checkpoint that covers it the first projector is behind the register, and stays out when it is started again.

use std::future::Future;
use std::time::{Duration, Instant};

use portbook_bus::{
    ApiError, Bus, CheckpointError as RegisterError, CheckpointRegister, PublishError, Publisher,
};
use portbook_ledger::{
    Admission, Checkpoint, CheckpointError, Contradiction, Hash, OpenedCheckpoint, Origin, SignedLog,
    SignedRoot, SignerKey, Size, VerifierKey, sha256,
};
use portbook_store::{LedgerDirectory, StoreError};
use tokio::sync::watch;

use crate::follow::Follower;
use crate::projector::Projector;
use crate::run::{Position, RunError};
use crate::seal::seal_request;

/// How often the register and the stream's identity are looked at.
const LOOKING_PERIOD: Duration = Duration::from_millis(500);
/// How often a promotion is tried while the first projector goes on signing.
const FENCINGS_MAX: u32 = 50;

/// What a standby works with.
#[derive(Debug)]
pub struct StandbyParts {
    /// The connection, under an identity of its own.
    pub bus: Bus,
    /// Name of the ledger stream.
    pub stream: String,
    /// The writing half of its ledger.
    pub projector: Projector,
    /// Its ledger's files.
    pub directory: LedgerDirectory,
    /// The register the first projector signs into.
    pub register: CheckpointRegister,
    /// Publishes the first seal after a promotion.
    pub publisher: Publisher,
    /// The log's public key.
    pub key: VerifierKey,
    /// The log's name.
    pub origin: Origin,
    /// Most messages folded into one commit.
    pub batch_messages_max: usize,
    /// How long a batch may wait for its first message.
    pub batch_wait: Duration,
    /// Where progress is told.
    pub position: watch::Sender<Position>,
}

/// How a standby ended.
#[derive(Debug)]
pub enum StandbyEnd {
    /// It was asked to stop.
    Stopped,
    /// It is the projector now: the register is its own, and a seal is on its way.
    Promoted(Box<Projector>),
}

/// Why a standby stopped.
#[derive(Debug, thiserror::Error)]
pub enum StandbyError {
    /// The stream cannot be followed.
    #[error(transparent)]
    Follow(Box<RunError>),
    /// The store or the directory failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The register could not be read.
    #[error("could not read the checkpoint register")]
    Unread(#[from] ApiError),
    /// The register did not take a checkpoint.
    #[error(transparent)]
    Register(#[from] RegisterError),
    /// What is registered is not to be believed.
    #[error("the registered checkpoint is not to be believed")]
    Checkpoint(#[from] CheckpointError),
    /// The record of what was signed is missing.
    #[error("signed.log is missing: this directory was not made for a standby")]
    LogMissing,
    /// The first projector signed something that contradicts what it signed before.
    #[error("the first projector contradicts what it signed before")]
    Contradiction(#[from] Contradiction),
    /// The first projector signed a tree that this stream does not lead to.
    #[error(
        "the first projector signed {size} leaves with root {signed}; the same stream gives {found} here"
    )]
    Differs {
        /// Size of the tree.
        size: Size,
        /// Root it signed.
        signed: Hash,
        /// What stands here: a root, or that no seal does.
        found: String,
    },
    /// The seal that follows a promotion could not be published.
    #[error("could not publish the first seal after the promotion")]
    Seal(#[from] PublishError),
}

impl From<RunError> for StandbyError {
    fn from(error: RunError) -> Self {
        Self::Follow(Box::new(error))
    }
}

/// Records and compares until `shutdown`, or until `promotion` brings the key to sign with.
///
/// # Errors
/// [`StandbyError`]; nothing was signed.
pub async fn stand_by(
    parts: StandbyParts,
    shutdown: impl Future<Output = ()>,
    promotion: impl Future<Output = SignerKey>,
) -> Result<StandbyEnd, StandbyError> {
    let Some(log) = parts.directory.begin_signing()? else {
        return Err(StandbyError::LogMissing);
    };
    tokio::pin!(shutdown, promotion);
    let follower = Follower::open(
        &parts.bus,
        &parts.stream,
        parts.projector,
        parts.batch_messages_max,
    );
    // A server that is silent is waited for; who asks for the end does not wait with it.
    let follower = tokio::select! {
        follower = follower => follower?,
        () = &mut shutdown => return Ok(StandbyEnd::Stopped),
    };
    let mut standby = Standby {
        follower,
        bus: parts.bus,
        stream: parts.stream,
        directory: parts.directory,
        register: parts.register,
        publisher: parts.publisher,
        key: parts.key,
        origin: parts.origin,
        batch_wait: parts.batch_wait,
        position: parts.position,
        log,
        register_seq: 0,
        pending: None,
        adopted: None,
        looked_at: None,
    };
    loop {
        // A step is always waited for: given up half way it would take the ledger with it.
        standby.step().await?;
        tokio::select! {
            biased;
            () = &mut shutdown => return Ok(StandbyEnd::Stopped),
            key = &mut promotion => {
                standby.take_over(&key).await?;
                return Ok(StandbyEnd::Promoted(Box::new(standby.follower.into_projector()?)));
            }
            () = std::future::ready(()) => {}
        }
    }
}

struct Standby {
    follower: Follower,
    bus: Bus,
    stream: String,
    directory: LedgerDirectory,
    register: CheckpointRegister,
    publisher: Publisher,
    key: VerifierKey,
    origin: Origin,
    batch_wait: Duration,
    position: watch::Sender<Position>,
    log: SignedLog,
    /// Sequence of the last checkpoint that was looked at.
    register_seq: u64,
    /// A registered checkpoint that this ledger has not come to yet.
    pending: Option<Registered>,
    /// The last one that this ledger reproduced.
    adopted: Option<Registered>,
    looked_at: Option<Instant>,
}

#[derive(Debug, Clone)]
struct Registered {
    checkpoint: Checkpoint,
    note: String,
}

impl Standby {
    async fn step(&mut self) -> Result<(), StandbyError> {
        let size = self.follower.step(self.batch_wait).await?;
        if self.looked_at.is_none_or(|at| at.elapsed() >= LOOKING_PERIOD) {
            self.looked_at = Some(Instant::now());
            self.follower.look_at_stream().await?;
            match self.look_at_register().await {
                Err(StandbyError::Unread(error)) if error.is_transient() => {}
                looked => looked?,
            }
        }
        let signed_size = self
            .adopted
            .as_ref()
            .map_or(0, |adopted| adopted.checkpoint.size.get());
        self.position.send_replace(Position {
            size,
            signed_size,
            behind: false,
        });
        Ok(())
    }

    /// Reads the last registered checkpoint, and adopts it once the ledger has come to it.
    async fn look_at_register(&mut self) -> Result<(), StandbyError> {
        if let Some((seq, note)) = self.register.last().await?
            && seq != self.register_seq
        {
            let opened = OpenedCheckpoint::open(&note, &self.origin, &self.key, &[])?;
            self.register_seq = seq;
            self.pending = Some(Registered {
                checkpoint: opened.checkpoint,
                note: String::from_utf8_lossy(&note).into_owned(),
            });
        }
        let size = self.follower.book()?.size();
        if let Some(pending) = self
            .pending
            .take_if(|pending| pending.checkpoint.size.get() <= size)
        {
            self.adopt(pending)?;
        }
        Ok(())
    }

    fn adopt(&mut self, registered: Registered) -> Result<(), StandbyError> {
        let Checkpoint { size, root, .. } = registered.checkpoint;
        let sealed = size
            .last()
            .map(|index| self.follower.ledger()?.sealed(index).map_err(StandbyError::from))
            .transpose()?
            .flatten();
        let found = sealed.as_ref().map(|sealed| sealed.root);
        if found != Some(root) {
            return Err(StandbyError::Differs {
                size,
                signed: root,
                found: found.map_or_else(|| "no seal".to_owned(), |found| format!("root {found}")),
            });
        }
        let signed = SignedRoot { size, root };
        if self.log.admit(&signed)? == Admission::Append {
            self.directory.note_signing(&signed)?;
            self.log.append(signed)?;
        }
        self.directory.publish_checkpoint(size, &registered.note)?;
        self.adopted = Some(registered);
        Ok(())
    }

    /// Catches up with the stream and the register, fences the first projector off, and asks for a seal.
    async fn take_over(&mut self, key: &SignerKey) -> Result<(), StandbyError> {
        let last_seq = self.last_seq().await?;
        while self.follower.book()?.size() < last_seq {
            self.follower.step(self.batch_wait).await?;
        }
        for attempt in 1.. {
            self.catch_up_with_register().await?;
            let Some(adopted) = self.adopted.clone() else {
                break;
            };
            match self.register.put(adopted.note.into(), self.register_seq).await {
                Ok(_) => break,
                // The first projector signed meanwhile: what it signed is adopted first.
                Err(RegisterError::Conflict { .. }) if attempt < FENCINGS_MAX => {}
                Err(error) => return Err(error.into()),
            }
        }
        let (published, size) = self.adopted.as_ref().map_or((Hash::ZERO, Size::ZERO), |adopted| {
            (sha256(&[adopted.note.as_bytes()]), adopted.checkpoint.size)
        });
        let request = seal_request(&self.origin, key.secret(), published, size)?;
        self.publisher.publish(request).await?;
        Ok(())
    }

    async fn catch_up_with_register(&mut self) -> Result<(), StandbyError> {
        self.look_at_register().await?;
        while self.pending.is_some() {
            self.follower.step(self.batch_wait).await?;
            self.look_at_register().await?;
        }
        Ok(())
    }

    async fn last_seq(&self) -> Result<u64, StandbyError> {
        let identity = self.bus.stream_identity(&self.stream).await;
        Ok(identity.map_err(RunError::from)?.last_seq)
    }
}
