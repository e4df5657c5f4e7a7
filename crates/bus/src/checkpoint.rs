//! The checkpoint register: compare-and-swap, so that of two projectors only one can go on.

use bytes::Bytes;

use crate::api::ApiError;
use crate::connection::Bus;

/// Why a checkpoint was not read or registered.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// The request failed.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// Somebody else registered a checkpoint in between.
    #[error("another checkpoint was registered on {subject}: {found}, not {expected}, is the last")]
    Conflict {
        /// The subject.
        subject: String,
        /// The register's sequence as the writer knew it.
        expected: u64,
        /// As it is.
        found: u64,
    },
}

/// The register of one ledger.
#[derive(Debug, Clone)]
pub struct CheckpointRegister {}

impl CheckpointRegister {
    /// The register on `subject` (`portbook.checkpoint.<name>`).
    #[must_use]
    pub fn new(bus: &Bus, subject: &str) -> Self {
        todo!("{bus:?} {subject}")
    }

    /// Registers `checkpoint` if `expected_last_seq` (0: none) is still the last; answers its sequence. Safe to repeat after a lost acknowledgement.
    ///
    /// # Errors
    /// [`CheckpointError::Conflict`].
    pub async fn put(&self, checkpoint: Bytes, expected_last_seq: u64) -> Result<u64, CheckpointError> {
        todo!("{checkpoint:?} {expected_last_seq}")
    }

    /// Sequence and bytes of the last checkpoint, if there is one; read from the stream's leader.
    ///
    /// # Errors
    /// [`CheckpointError::Api`].
    pub async fn last(&self) -> Result<Option<(u64, Bytes)>, CheckpointError> {
        todo!()
    }
}
