//! The checkpoint: a signed statement that the log called so had this root when it had so many leaves.

use std::fmt;

use crate::{
    chain::Origin,
    hash::{Hash, excerpt},
    key::{NoteAlgorithm, SignerKey, VerifierKey},
    note::{Note, NoteError, VerifiedSignature},
    position::Size,
};

/// Origin, size and root; shown as the three lines that are signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Name of the log.
    pub origin: Origin,
    /// Number of leaves.
    pub size: Size,
    /// RFC 6962 root over them.
    pub root: Hash,
}

/// A checkpoint whose signatures were verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenedCheckpoint {
    /// What the log signed.
    pub checkpoint: Checkpoint,
    /// Cosignatures by known witnesses, each key at most once.
    pub cosignatures: Vec<VerifiedSignature>,
}

/// Why a checkpoint must not be believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// The note around it is not to be believed.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// The text is not exactly three lines.
    #[error("a checkpoint has three lines, found {found}")]
    LineCount {
        /// Lines found; with more than three it may be an extension line, which this log does not use.
        found: usize,
    },
    /// The first line is not an origin.
    #[error("the first line is not an origin: {found:?}")]
    Origin {
        /// The line, cut to 80 characters.
        found: String,
    },
    /// The second line is not a decimal number in its shortest form.
    #[error("the second line is not a size: {found:?}")]
    Size {
        /// The line, cut to 80 characters.
        found: String,
    },
    /// The third line is not the canonical base64 of 32 bytes.
    #[error("the third line is not a root: {found:?}")]
    Root {
        /// The line, cut to 80 characters.
        found: String,
    },
    /// The checkpoint is of another log.
    #[error("the checkpoint is of {found}, not of {expected}")]
    OtherLog {
        /// Origin that was asked for.
        expected: Origin,
        /// Origin in the checkpoint.
        found: Origin,
    },
    /// The log itself did not sign.
    #[error("the log key {key} did not sign")]
    NotSignedByLog {
        /// Name and hash of the key.
        key: crate::key::NoteKeyId,
    },
    /// A key in the wrong role: a log signs with Ed25519, a witness with cosignature/v1.
    #[error("key {key} cannot sign in this role")]
    Role {
        /// Name and hash of the key.
        key: crate::key::NoteKeyId,
    },
}

impl Checkpoint {
    /// Reads the three lines that are signed.
    ///
    /// # Errors
    /// [`CheckpointError`] for every other spelling, an extension line included.
    pub fn parse(text: &str) -> Result<Self, CheckpointError> {
        let lines: Vec<&str> = text.split_inclusive('\n').collect();
        let [origin, size, root] = *lines else {
            return Err(CheckpointError::LineCount { found: lines.len() });
        };
        let root = root
            .strip_suffix('\n')
            .ok_or_else(|| CheckpointError::Root { found: excerpt(root) })?;
        let (origin, size) = (origin.trim_end_matches('\n'), size.trim_end_matches('\n'));
        Ok(Self {
            origin: Origin::new(origin).map_err(|error| CheckpointError::Origin { found: error.found })?,
            size: parse_size(size).ok_or_else(|| CheckpointError::Size { found: excerpt(size) })?,
            root: Hash::from_base64(root).map_err(|error| CheckpointError::Root { found: error.found })?,
        })
    }

    /// The signed note that is published. Deterministic: the same checkpoint and key give the same bytes.
    ///
    /// # Errors
    /// [`CheckpointError::Role`] when `key` is the key of a witness.
    pub fn sign(&self, key: &SignerKey) -> Result<Note, CheckpointError> {
        in_role(key.verifier(), NoteAlgorithm::Ed25519)?;
        Ok(Note::new(&self.to_string())?.signed(key))
    }
}

impl OpenedCheckpoint {
    /// Reads a signed checkpoint of the log `origin`, which must have signed it with `log_key`.
    ///
    /// Signatures by keys that are neither `log_key` nor in `witnesses` say nothing and are ignored.
    ///
    /// # Errors
    /// [`CheckpointError`] when one signature by a known key does not hold, when the log did not sign, or when it is
    /// another log's.
    pub fn open(
        note: &[u8],
        origin: &Origin,
        log_key: &VerifierKey,
        witnesses: &[VerifierKey],
    ) -> Result<Self, CheckpointError> {
        in_role(log_key, NoteAlgorithm::Ed25519)?;
        for witness in witnesses {
            in_role(witness, NoteAlgorithm::CosignatureV1)?;
        }
        let note = Note::parse(note)?;
        let known: Vec<VerifierKey> = std::iter::once(log_key).chain(witnesses).cloned().collect();
        let (by_log, cosignatures): (Vec<_>, Vec<_>) = note
            .verify(&known)?
            .into_iter()
            .partition(|signature| signature.key == *log_key.id());
        if by_log.is_empty() {
            return Err(CheckpointError::NotSignedByLog {
                key: log_key.id().clone(),
            });
        }
        let checkpoint = Checkpoint::parse(note.text())?;
        if checkpoint.origin != *origin {
            return Err(CheckpointError::OtherLog {
                expected: origin.clone(),
                found: checkpoint.origin,
            });
        }
        Ok(Self {
            checkpoint,
            cosignatures,
        })
    }

    /// How many different witness keys cosigned. One key under two names counts once.
    #[must_use]
    pub fn witness_count(&self, witnesses: &[VerifierKey]) -> usize {
        let keys: std::collections::BTreeSet<&[u8; 32]> = witnesses
            .iter()
            .filter(|witness| {
                self.cosignatures
                    .iter()
                    .any(|signature| signature.key == *witness.id())
            })
            .map(|witness| witness.public().as_bytes())
            .collect();
        keys.len()
    }
}

impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n{}\n{}\n", self.origin, self.size, self.root.to_base64())
    }
}

/// A number in its one decimal spelling: no sign, no leading zero.
pub(crate) fn parse_size(text: &str) -> Option<Size> {
    let size: u64 = text.parse().ok()?;
    (size.to_string() == text).then_some(Size::new(size))
}

fn in_role(key: &VerifierKey, algorithm: NoteAlgorithm) -> Result<(), CheckpointError> {
    if key.algorithm() == algorithm {
        Ok(())
    } else {
        Err(CheckpointError::Role {
            key: key.id().clone(),
        })
    }
}
