//! The signing order: never ahead of the disk, never two different trees.
//!
//! 1 the batch is committed and synced; 2 what the checkpoint newly covers is read back and hashed again; 3 the root is
//! appended to `signed.log` and synced; 4 the checkpoint is signed (Ed25519 is deterministic: a crash here signs the same
//! bytes again); 5 it is put into the register by compare-and-swap, which keeps a second projector out; 6 witnesses are
//! asked for their cosignatures, beside the recording that goes on; 7 it is published by rename. A crash between any two
//! steps is repaired by going through the later ones again, in [`Signer::open`].

use bytes::Bytes;
use portbook_bus::{ApiError, CheckpointError as RegisterError, CheckpointRegister};
use portbook_fold::Sealed;
use portbook_ledger::{
    Admission, Checkpoint, CheckpointError, Contradiction, Frontier, Hash, OpenedCheckpoint, Origin,
    SignedLog, SignedRoot, SignerKey, Size, leaf_hash, sha256,
};
use portbook_store::{LedgerDirectory, StoreError, StoreReader};
use tokio::sync::watch;

use crate::patience::patiently;

/// Signs and publishes checkpoints of one ledger.
#[derive(Debug)]
pub(crate) struct Signer {
    directory: LedgerDirectory,
    reader: StoreReader,
    register: CheckpointRegister,
    register_seq: u64,
    key: SignerKey,
    origin: Origin,
    log: SignedLog,
    /// The tree that was read back last.
    covered: Frontier,
    publishing: Publishing,
    /// What this signer published itself.
    published: Published,
}

/// A checkpoint that is signed and registered, but not published yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedNote {
    /// Its size.
    pub size: Size,
    /// The note, with the log's signature alone.
    pub note: String,
}

/// What was published last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Published {
    /// SHA-256 of the file; zeros when there is none.
    pub digest: Hash,
    /// Its size.
    pub size: Size,
}

/// Who publishes what is signed.
#[derive(Debug)]
pub enum Publishing {
    /// The signer, at once, with the log's signature alone.
    AtOnce,
    /// Somebody beside it, who collects cosignatures first. Of checkpoints that come faster only the newest is published.
    Handed {
        /// Takes what is to be published.
        to: watch::Sender<Option<SignedNote>>,
        /// Tells what was published.
        published: watch::Receiver<Published>,
    },
}

/// Why nothing may be signed.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    /// The store or the directory failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The register could not be read.
    #[error("could not read the checkpoint register")]
    Unread(#[from] ApiError),
    /// The register did not take a checkpoint.
    #[error(transparent)]
    Register(#[from] RegisterError),
    /// A checkpoint could not be made or read.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The tree contradicts one that was signed.
    #[error("the ledger contradicts what was signed")]
    Contradiction(#[from] Contradiction),
    /// The record of what was signed is gone.
    #[error(
        "signed.log is missing beside a ledger of {size} leaves: this directory was rolled back or tampered with"
    )]
    LogMissing {
        /// Leaves in the ledger.
        size: u64,
    },
    /// The register knows a checkpoint that this directory never signed.
    #[error(
        "a checkpoint of {registered} leaves is registered, but the last one signed here has {signed}: \
         this directory was rolled back, or another projector is at work"
    )]
    RolledBack {
        /// Size in the register.
        registered: Size,
        /// Size in `signed.log`.
        signed: Size,
    },
    /// The store does not hold what was signed.
    #[error("the tree of {size} leaves was signed with root {signed}, but this ledger gives {found}")]
    NotReproduced {
        /// Its size.
        size: Size,
        /// Root that was signed.
        signed: Hash,
        /// Root of what is stored.
        found: Hash,
    },
    /// Reading back gave another tree than the fold.
    #[error("reading back {size} leaves gives root {found}, the fold gave {folded}")]
    ReadBack {
        /// Leaves of the tree.
        size: Size,
        /// Root by the fold.
        folded: Hash,
        /// Root of what is on disk.
        found: Hash,
    },
    /// The stream has no seal where a signed tree ended.
    #[error("a tree of {signed} leaves was signed, but no seal ends there in this stream")]
    SealMissing {
        /// Its size.
        signed: Size,
    },
}

impl SignError {
    /// Whether the same tree may be signed a moment later.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unread(error) | Self::Register(RegisterError::Api(error)) => error.is_transient(),
            Self::Register(RegisterError::Conflict { .. })
            | Self::Store(_)
            | Self::Checkpoint(_)
            | Self::Contradiction(_)
            | Self::LogMissing { .. }
            | Self::RolledBack { .. }
            | Self::NotReproduced { .. }
            | Self::ReadBack { .. }
            | Self::SealMissing { .. } => false,
        }
    }
}

/// What a signer works with.
#[derive(Debug)]
pub struct SignerParts {
    /// The ledger's files.
    pub directory: LedgerDirectory,
    /// Its store.
    pub reader: StoreReader,
    /// Its register.
    pub register: CheckpointRegister,
    /// The log key.
    pub key: SignerKey,
    /// The log's name.
    pub origin: Origin,
    /// Who publishes.
    pub publishing: Publishing,
}

impl Signer {
    /// Compares what was signed with the store and the register, and finishes what a crash left half done.
    ///
    /// # Errors
    /// [`SignError`] when the three contradict each other: somebody rolled one of them back, or signs as well. Nothing
    /// must be signed then.
    pub(crate) async fn open(parts: SignerParts) -> Result<Self, SignError> {
        let SignerParts {
            directory,
            reader,
            register,
            key,
            origin,
            publishing,
        } = parts;
        let size = reader.book()?.size();
        let Some(log) = directory.begin_signing()? else {
            return Err(SignError::LogMissing { size });
        };
        let registered = patiently(ApiError::is_transient, || register.last()).await?;
        let register_seq = registered.as_ref().map_or(0, |(seq, _)| *seq);
        let mut signer = Self {
            directory,
            reader,
            register,
            register_seq,
            key,
            origin,
            log,
            covered: Frontier::new(),
            publishing,
            published: Published::NOTHING,
        };
        let registered = registered.map(|(_, note)| signer.open_note(&note)).transpose()?;
        signer.compare_with_register(registered.as_ref())?;
        if let Some(last) = signer.log.last().copied().filter(|last| last.size.get() <= size) {
            signer.resume(last, registered.as_ref()).await?;
        }
        Ok(signer)
    }

    /// SHA-256 of the checkpoint published last, as the next seal states it; and its size.
    #[must_use]
    pub(crate) fn published(&self) -> (Hash, Size) {
        let Published { digest, size } = match &self.publishing {
            Publishing::AtOnce => self.published,
            Publishing::Handed { published, .. } => *published.borrow(),
        };
        (digest, size)
    }

    /// Signs and publishes the tree that ends with `sealed`.
    ///
    /// While the ledger is catching up with what was signed before, seals on the way are passed over.
    ///
    /// # Errors
    /// [`SignError`] when the tree on disk is not the one that was folded, or contradicts what was signed.
    pub(crate) async fn sign(&mut self, sealed: &Sealed) -> Result<(), SignError> {
        let size = sealed.index.size_through();
        if let Some(last) = self.log.last().copied() {
            if size < last.size {
                return Ok(());
            }
            if self.covered.size() < last.size && size > last.size {
                self.check_passed_over(last)?;
            }
        }
        self.read_back(sealed)?;
        let root = SignedRoot {
            size,
            root: sealed.root,
        };
        if self.log.admit(&root)? == Admission::Append {
            self.directory.note_signing(&root)?;
            self.log.append(root)?;
        }
        let note = self.note_of(root)?;
        self.register_seq = self
            .register
            .put(Bytes::from(note.clone()), self.register_seq)
            .await?;
        self.publish(size, note)
    }

    fn open_note(&self, note: &[u8]) -> Result<Checkpoint, CheckpointError> {
        Ok(OpenedCheckpoint::open(note, &self.origin, self.key.verifier(), &[])?.checkpoint)
    }

    fn compare_with_register(&self, registered: Option<&Checkpoint>) -> Result<(), SignError> {
        let Some(registered) = registered else {
            return Ok(());
        };
        let signed = self.log.last().map_or(Size::ZERO, |last| last.size);
        if registered.size > signed {
            return Err(SignError::RolledBack {
                registered: registered.size,
                signed,
            });
        }
        // An older entry must be one that this directory signed.
        match self.log.roots().iter().find(|root| root.size == registered.size) {
            Some(root) if root.root == registered.root => Ok(()),
            Some(root) => Err(Contradiction::Fork {
                size: root.size,
                signed: root.root,
                next: registered.root,
            }
            .into()),
            None => Err(SignError::RolledBack {
                registered: registered.size,
                signed,
            }),
        }
    }

    /// Goes through the steps behind `signed.log` again for the last line of it.
    async fn resume(&mut self, last: SignedRoot, registered: Option<&Checkpoint>) -> Result<(), SignError> {
        let sealed = last
            .size
            .last()
            .map(|index| self.reader.sealed(index))
            .transpose()?
            .flatten();
        let sealed = sealed.ok_or(SignError::SealMissing { signed: last.size })?;
        if sealed.root != last.root || sealed.frontier.root() != last.root {
            return Err(SignError::NotReproduced {
                size: last.size,
                signed: last.root,
                found: sealed.root,
            });
        }
        self.covered = sealed.frontier;
        let note = self.note_of(last)?;
        if registered.is_none_or(|registered| registered.size < last.size) {
            self.register_seq = self
                .register
                .put(Bytes::from(note.clone()), self.register_seq)
                .await?;
        }
        self.publish(last.size, note)
    }

    /// The stream went past the size of a signed tree: that tree must have ended with a seal, and with this root.
    fn check_passed_over(&self, last: SignedRoot) -> Result<(), SignError> {
        let sealed = last
            .size
            .last()
            .map(|index| self.reader.sealed(index))
            .transpose()?
            .flatten();
        let sealed = sealed.ok_or(SignError::SealMissing { signed: last.size })?;
        if sealed.root == last.root {
            Ok(())
        } else {
            Err(SignError::NotReproduced {
                size: last.size,
                signed: last.root,
                found: sealed.root,
            })
        }
    }

    fn read_back(&mut self, sealed: &Sealed) -> Result<(), SignError> {
        let size = sealed.index.size_through();
        let mut covered = self.covered.clone();
        for packed in self.reader.leaves(covered.size().get()..size.get()) {
            packed?.iter().for_each(|leaf| covered.push(leaf_hash(leaf)));
        }
        if covered.root() != sealed.root {
            return Err(SignError::ReadBack {
                size,
                folded: sealed.root,
                found: covered.root(),
            });
        }
        self.covered = covered;
        Ok(())
    }

    fn note_of(&self, root: SignedRoot) -> Result<String, CheckpointError> {
        let checkpoint = Checkpoint {
            origin: self.origin.clone(),
            size: root.size,
            root: root.root,
        };
        Ok(checkpoint.sign(&self.key)?.to_string())
    }

    fn publish(&mut self, size: Size, note: String) -> Result<(), SignError> {
        match &self.publishing {
            Publishing::AtOnce => {
                self.directory.publish_checkpoint(size, &note)?;
                self.published = Published {
                    digest: sha256(&[note.as_bytes()]),
                    size,
                };
            }
            Publishing::Handed { to, .. } => {
                to.send_replace(Some(SignedNote { size, note }));
            }
        }
        Ok(())
    }
}

impl Published {
    /// Nothing was published yet.
    pub const NOTHING: Self = Self {
        digest: Hash::ZERO,
        size: Size::ZERO,
    };
}
