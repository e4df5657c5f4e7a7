//! The monitor: looks at a log again and again, and raises the alarm with a proof that others can check.

use std::path::PathBuf;

use portbook_ledger::{Checkpoint, Origin, Size, VerifierKey};

use crate::alarm::Alarm;
use crate::follower::{FollowError, Follower, Source};
use crate::mirror::Mirror;

/// Looks at one log.
#[derive(Debug)]
pub struct Monitor {
    follower: Follower,
    keys: Vec<VerifierKey>,
}

/// What one look at a log came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sighting {
    /// What was checked, down to its last leaf.
    pub checkpoint: Checkpoint,
    /// The checkpoint as it was served.
    pub note: Vec<u8>,
    /// Size of what had been checked before.
    pub before: Size,
}

/// Why a look at a log did not end well.
#[derive(Debug, thiserror::Error)]
pub enum MonitorError {
    /// The log is to blame.
    #[error("{alarm}")]
    Alarm {
        /// What it did.
        alarm: Alarm,
        /// Where the proof was written.
        file: Option<PathBuf>,
    },
    /// It could not be seen whether it is.
    #[error(transparent)]
    Unseen(#[from] FollowError),
    /// There is a proof, and it could not be written.
    #[error("{alarm}; the proof could not be written to {}", .path.display())]
    Unwritten {
        /// What the log did.
        alarm: Alarm,
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
}

impl Monitor {
    /// A monitor of the log `origin` at `source`, whose checkpoints one of `keys` signs; it goes on where `mirror` ends.
    ///
    /// # Errors
    /// As [`Follower::open`].
    pub fn open(
        origin: Origin,
        keys: Vec<VerifierKey>,
        source: Source,
        mirror: Mirror,
    ) -> Result<Self, FollowError> {
        Ok(Self {
            follower: Follower::open(origin, &keys, source, mirror)?,
            keys,
        })
    }

    /// The newest checkpoint that was checked.
    #[must_use]
    pub fn checked(&self) -> Option<&Checkpoint> {
        self.follower.checked()
    }

    /// Checks everything that the log has added since the last look.
    ///
    /// # Errors
    /// [`MonitorError::Alarm`] when the log is to blame: the proof is written to the folder `alarms` of the mirror.
    pub async fn look(&mut self) -> Result<Sighting, MonitorError> {
        let before = self.checked().map_or(Size::ZERO, |checked| checked.size);
        let error = match self.follower.catch_up(&self.keys).await {
            Ok(note) => {
                let checkpoint = self.checked().cloned();
                let checkpoint = checkpoint.ok_or(FollowError::NoSeal { size: Size::ZERO })?;
                return Ok(Sighting {
                    checkpoint,
                    note,
                    before,
                });
            }
            Err(error) => error,
        };
        let Some(alarm) = Alarm::of(&error) else {
            return Err(error.into());
        };
        match alarm.keep(self.follower.mirror().folder()) {
            Ok(file) => Err(MonitorError::Alarm { alarm, file }),
            Err((path, source)) => Err(MonitorError::Unwritten { alarm, path, source }),
        }
    }
}
