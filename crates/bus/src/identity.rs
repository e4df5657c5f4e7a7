//! Who may connect: one NATS user per part of portbook, each with a key of its own.

use std::path::Path;

/// One NATS user. Its rights are written down in `config/nats/users.conf`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Identity {
    /// The intake service.
    Intake,
    /// The paperwork service.
    Paperwork,
    /// The licensing service.
    Licensing,
    /// The clearance service.
    Clearance,
    /// Imports of observed facts.
    Importer,
    /// The projector.
    Projector,
    /// Creates streams; kept off line.
    Operator,
    /// Reads everything, writes nothing.
    Auditor,
    /// Reads the verified feed.
    Subscriber,
    /// Sends commands.
    Client,
}

impl Identity {
    /// Every identity.
    pub const ALL: &[Self] = &[
        Self::Intake,
        Self::Paperwork,
        Self::Licensing,
        Self::Clearance,
        Self::Importer,
        Self::Projector,
        Self::Operator,
        Self::Auditor,
        Self::Subscriber,
        Self::Client,
    ];

    /// Its name in file names, subjects and logs: `intake`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Intake => "intake",
            Self::Paperwork => "paperwork",
            Self::Licensing => "licensing",
            Self::Clearance => "clearance",
            Self::Importer => "importer",
            Self::Projector => "projector",
            Self::Operator => "operator",
            Self::Auditor => "auditor",
            Self::Subscriber => "subscriber",
            Self::Client => "client",
        }
    }
}

/// A seed file that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{path}")]
pub struct IdentityError {
    path: String,
}

/// Creates a seed file `<dir>/<identity>.nk` (mode 0600) for every identity that has none; returns nothing secret.
///
/// # Errors
/// [`IdentityError`] names the file.
pub fn create_seeds(dir: &Path) -> Result<(), IdentityError> {
    todo!("{dir:?}")
}
