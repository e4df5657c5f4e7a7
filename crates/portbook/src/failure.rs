//! A failed run: an exit code, an error with its causes, and what to do next.

use std::error::Error;
use std::fmt;
use std::path::Path;

use portbook_audit::{QuestionError, VerifyError};
use portbook_bus::{
    ApiError, CheckpointError, ConnectError, FeedError, IdentityError, PublishError, ReadError, ReaderError,
    ServerError, SnapshotError, StreamError,
};
use portbook_evidence::{EvidenceError, SinkError};
use portbook_fold::FoldError;
use portbook_projection::{ProjectionError, TranscriptError};
use portbook_projector::{AnchorError, OpeningError, RunError, SignError, StandbyError, TakeError};
use portbook_source::{AccountError, JournalError, KeyRingError, SignerError};
use portbook_store::StoreError;
use portbook_subscribe::SubscribeError;

use crate::exit::Exit;

/// Why a run failed.
#[derive(Debug)]
pub(crate) struct Failure {
    /// How the process ends.
    pub(crate) exit: Exit,
    message: String,
    causes: Vec<String>,
    hint: Option<String>,
}

/// What commands return.
pub(crate) type Outcome = Result<Exit, Failure>;

impl Failure {
    /// A failure in words of its own.
    pub(crate) fn new(exit: Exit, message: impl fmt::Display) -> Self {
        Self {
            exit,
            message: message.to_string(),
            causes: Vec::new(),
            hint: None,
        }
    }

    /// A failure told by an error and what caused it.
    pub(crate) fn of(exit: Exit, error: &dyn Error) -> Self {
        let mut causes = Vec::new();
        let mut cause = error.source();
        while let Some(found) = cause {
            causes.push(found.to_string());
            cause = found.source();
        }
        Self {
            exit,
            message: error.to_string(),
            causes,
            hint: None,
        }
    }

    /// A file that could not be read or written.
    pub(crate) fn file(doing: &str, path: &Path, error: &std::io::Error) -> Self {
        let denied = error.kind() == std::io::ErrorKind::PermissionDenied;
        let exit = if denied {
            Exit::Permission
        } else {
            Exit::InputOutput
        };
        Self {
            causes: vec![error.to_string()],
            ..Self::new(exit, format!("could not {doing} {}", path.display()))
        }
    }

    /// The same with another exit code.
    pub(crate) fn exiting(self, exit: Exit) -> Self {
        Self { exit, ..self }
    }

    /// Adds the exact next command.
    pub(crate) fn hint(self, hint: impl fmt::Display) -> Self {
        Self {
            hint: Some(hint.to_string()),
            ..self
        }
    }
}

impl Failure {
    /// The failure as one JSON document.
    pub(crate) fn to_json(&self) -> String {
        let Self {
            exit,
            message,
            causes,
            hint,
        } = self;
        serde_json::json!({
            "schema": "portbook.error/v1", "exit": exit.code(), "error": message, "causes": causes, "hint": hint,
        })
        .to_string()
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}", self.message)?;
        for cause in &self.causes {
            write!(f, "\n  caused by: {cause}")?;
        }
        if let Some(hint) = &self.hint {
            write!(f, "\n\nhint: {hint}")?;
        }
        Ok(())
    }
}

/// Gives each error family its exit code; an error without one does not compile.
macro_rules! failures {
    ($($error:ty => $exit:expr,)*) => { $(
        impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                let exit: fn(&$error) -> Exit = $exit;
                Self::of(exit(&error), &error)
            }
        }
    )* };
}

failures! {
    ApiError => api,
    ReadError => |_| Exit::Unavailable,
    PublishError => |_| Exit::Unavailable,
    ServerError => |_| Exit::Unavailable,
    ConnectError => |_| Exit::Unavailable,
    IdentityError => |_| Exit::Permission,
    StreamError => |_| Exit::Unavailable,
    FeedError => feed,
    SubscribeError => subscribing,
    OpeningError => opening,
    FoldError => |_| Exit::LedgerFault,
    QuestionError => question,
    ProjectionError => projection,
    TranscriptError => transcript,
    VerifyError => verification,
    EvidenceError => evidence,
    SinkError => sink,
    RunError => running,
    KeyRingError => key_ring,
    AccountError => account,
    SignerError => |_| Exit::Configuration,
    StandbyError => standing_by,
    SnapshotError => snapshot,
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let failure = Self::of(store(&error), &error);
        match error {
            StoreError::Missing { .. } => {
                failure.hint("portbook init creates a ledger; --home names another place")
            }
            StoreError::InUse { .. } => {
                failure.hint("stop that process first: one process holds a ledger directory at a time")
            }
            StoreError::Damaged { .. } => failure
                .hint("the stream is the backup: move the store away and let `portbook up` build it again"),
            StoreError::OtherLayout { .. } => failure.hint(
                "nothing is lost: move the store away, then `portbook init --replay` and `portbook up` build it again from the stream",
            ),
            StoreError::Unanswered { .. } => {
                failure.hint("run the command again; a portbook that is stopping answers nobody")
            }
            StoreError::Exists { .. }
            | StoreError::Foreign
            | StoreError::Restless
            | StoreError::Sled { .. }
            | StoreError::Io { .. }
            | StoreError::Row { .. }
            | StoreError::Rows { .. }
            | StoreError::Unstorable { .. }
            | StoreError::LeafMissing { .. }
            | StoreError::NotNext { .. }
            | StoreError::SignedLog { .. }
            | StoreError::Poisoned => failure,
        }
    }
}

fn api(error: &ApiError) -> Exit {
    if matches!(error, ApiError::Denied { .. }) {
        Exit::Permission
    } else {
        Exit::Unavailable
    }
}

fn feed(error: &FeedError) -> Exit {
    match error {
        FeedError::Api(error) => api(error),
        FeedError::Foreign { .. } => Exit::LedgerFault,
        FeedError::Stream(_)
        | FeedError::Read(_)
        | FeedError::Moved { .. }
        | FeedError::NotTaken { .. }
        | FeedError::Unsendable { .. }
        | FeedError::Gone { .. } => Exit::Unavailable,
    }
}

fn subscribing(error: &SubscribeError) -> Exit {
    match error {
        SubscribeError::Feed(error) => feed(error),
        SubscribeError::Changed { .. } | SubscribeError::Order { .. } | SubscribeError::Link { .. } => {
            Exit::LedgerFault
        }
    }
}

fn store(error: &StoreError) -> Exit {
    match error {
        StoreError::Missing { .. }
        | StoreError::Exists { .. }
        | StoreError::InUse { .. }
        | StoreError::Unanswered { .. }
        | StoreError::Foreign
        | StoreError::Restless => Exit::Unavailable,
        StoreError::Damaged { .. }
        | StoreError::Row { .. }
        | StoreError::LeafMissing { .. }
        | StoreError::NotNext { .. }
        | StoreError::SignedLog { .. } => Exit::LedgerFault,
        StoreError::OtherLayout { .. } => Exit::Configuration,
        StoreError::Sled { .. }
        | StoreError::Io { .. }
        | StoreError::Rows { .. }
        | StoreError::Unstorable { .. }
        | StoreError::Poisoned => Exit::InputOutput,
    }
}

fn opening(error: &OpeningError) -> Exit {
    match error {
        OpeningError::Store(error) => store(error),
        OpeningError::Stream(_)
        | OpeningError::NotEmpty { .. }
        | OpeningError::Read(_)
        | OpeningError::Publish(_)
        | OpeningError::Created { .. } => Exit::Unavailable,
        OpeningError::Text(_) | OpeningError::Name(_) => Exit::Configuration,
    }
}

fn question(error: &QuestionError) -> Exit {
    match error {
        QuestionError::Store(error) => store(error),
        QuestionError::Leaf { .. } => Exit::LedgerFault,
        QuestionError::NoLeaf { .. } => Exit::Usage,
        QuestionError::NoSeal => Exit::Unavailable,
    }
}

fn evidence(error: &EvidenceError) -> Exit {
    match error {
        EvidenceError::Store(error) => store(error),
        EvidenceError::Sink(error) => sink(error),
        EvidenceError::NoSuchRecords { .. } | EvidenceError::Plan(_) => Exit::Usage,
        EvidenceError::NoKey => Exit::Unavailable,
        EvidenceError::Name(_) | EvidenceError::Key(_) => Exit::Configuration,
        EvidenceError::Checkpoint(_)
        | EvidenceError::Root { .. }
        | EvidenceError::Heads { .. }
        | EvidenceError::Unsorted(_)
        | EvidenceError::Head(_)
        | EvidenceError::NoSeal { .. }
        | EvidenceError::Leaf { .. }
        | EvidenceError::Damaged { .. } => Exit::LedgerFault,
    }
}

fn sink(error: &SinkError) -> Exit {
    match error {
        SinkError::Exists { .. } => Exit::Usage,
        SinkError::Io { .. } | SinkError::Zip { .. } => Exit::InputOutput,
    }
}

fn projection(error: &ProjectionError) -> Exit {
    match error {
        ProjectionError::Store(error) => store(error),
        ProjectionError::Leaf { .. } => Exit::LedgerFault,
        ProjectionError::NoView { .. } | ProjectionError::NoGeneration { .. } => Exit::Usage,
        ProjectionError::OtherCode { .. } | ProjectionError::NotCompared { .. } => Exit::Incomplete,
    }
}

fn transcript(error: &TranscriptError) -> Exit {
    match error {
        TranscriptError::Projection(error) => projection(error),
        TranscriptError::Fold(_) | TranscriptError::Different { .. } => Exit::LedgerFault,
    }
}

fn verification(error: &VerifyError) -> Exit {
    match error {
        VerifyError::Store(error) => store(error),
        VerifyError::NothingSigned | VerifyError::NoSuchCheckpoint { .. } => Exit::Incomplete,
        VerifyError::Checkpoint(_) => Exit::LedgerFault,
    }
}

fn key_ring(error: &KeyRingError) -> Exit {
    match error {
        KeyRingError::Read(_) | KeyRingError::NotOpened => Exit::Unavailable,
        KeyRingError::Foreign { .. } => Exit::LedgerFault,
    }
}

fn account(error: &AccountError) -> Exit {
    match error {
        AccountError::Journal(JournalError::InUse { .. })
        | AccountError::Read(_)
        | AccountError::Publish(_) => Exit::Unavailable,
        AccountError::Journal(JournalError::Io { .. } | JournalError::Damaged { .. }) => Exit::InputOutput,
        AccountError::Keys(error) => key_ring(error),
        AccountError::Json(_) | AccountError::Field(_) => Exit::Configuration,
    }
}

fn running(error: &RunError) -> Exit {
    match error {
        RunError::Take(TakeError::Store(error)) | RunError::Store(error) => store(error),
        RunError::Anchor(AnchorError::Read(_))
        | RunError::Reader(ReaderError::Api(_))
        | RunError::Stream(_)
        | RunError::Seal(_) => Exit::Unavailable,
        RunError::Anchor(_) | RunError::Take(TakeError::Fold(_)) | RunError::Reader(_) => Exit::LedgerFault,
        RunError::Sign(error) if error.is_transient() => Exit::Unavailable,
        RunError::Sign(error) => match error {
            SignError::Store(error) => store(error),
            // Somebody else registered a checkpoint: this projector is fenced off.
            SignError::Register(CheckpointError::Conflict { .. })
            | SignError::Contradiction(_)
            | SignError::LogMissing { .. }
            | SignError::RolledBack { .. } => Exit::Fork,
            SignError::Unread(_)
            | SignError::Register(CheckpointError::Api(_))
            | SignError::Checkpoint(_)
            | SignError::NotReproduced { .. }
            | SignError::ReadBack { .. }
            | SignError::SealMissing { .. } => Exit::LedgerFault,
        },
        RunError::SealText(_) | RunError::SealField(_) | RunError::Worker(_) | RunError::ReadingEnded => {
            Exit::InputOutput
        }
    }
}

fn standing_by(error: &StandbyError) -> Exit {
    match error {
        StandbyError::Follow(error) => running(error),
        StandbyError::Store(error) => store(error),
        StandbyError::Unread(_)
        | StandbyError::Register(CheckpointError::Api(_))
        | StandbyError::Seal(_)
        | StandbyError::LogMissing => Exit::Unavailable,
        StandbyError::Register(CheckpointError::Conflict { .. })
        | StandbyError::Contradiction(_)
        | StandbyError::Differs { .. } => Exit::Fork,
        StandbyError::Checkpoint(_) => Exit::LedgerFault,
    }
}

fn snapshot(error: &SnapshotError) -> Exit {
    match error {
        SnapshotError::Api(error) => api(error),
        SnapshotError::Stream(_) => Exit::Unavailable,
        SnapshotError::BrokenOff { .. } => Exit::LedgerFault,
        SnapshotError::Copy { .. } => Exit::InputOutput,
    }
}
