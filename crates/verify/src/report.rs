//! What a check amounts to: a report of what holds, or a refusal that names the check.

use portbook_ledger::{Chain, Checkpoint, Hash};

/// How a run of the verifier ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// All that can be checked was checked, and holds.
    Verified,
    /// The command line cannot be understood.
    Usage,
    /// Read to the end, and it is not what it should be.
    Fault,
    /// Two signed trees that cannot both be true.
    Fork,
    /// Part of it could not be checked: not a pass.
    Incomplete,
    /// It holds, but is older than what was seen before.
    Stale,
    /// Reading or writing failed, which says nothing about the evidence.
    InputOutput,
}

/// Why evidence is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{check}: {reason}")]
pub struct Refusal {
    /// How the run ends.
    pub exit: Exit,
    /// Which check did not hold.
    pub check: &'static str,
    /// What was found in place of what was expected.
    pub reason: String,
    /// Of a fork: both signed statements, to be kept and shown to others.
    pub proof: Option<String>,
}

/// A check that holds, and what it shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Name of the check.
    pub check: &'static str,
    /// What it shows.
    pub shows: String,
}

/// What the evidence is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// Records of one chain.
    Chain {
        /// The chain.
        chain: Chain,
        /// Its records at the checkpoint.
        count: u64,
        /// Position of the first that was checked; 0 when there is none.
        first: u64,
        /// Position of the last that was checked; 0 when there is none.
        last: u64,
    },
    /// A whole log.
    Log,
    /// One leaf.
    Leaf {
        /// Its index.
        index: u64,
        /// Its hash.
        hash: Hash,
    },
    /// That one tree is the beginning of another.
    Growth {
        /// Size of the earlier tree.
        old: u64,
    },
}

/// What was checked and holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The checkpoint it rests on.
    pub checkpoint: Checkpoint,
    /// The file of that checkpoint.
    pub note: String,
    /// What it is about.
    pub subject: Subject,
    /// The checks, in order.
    pub lines: Vec<Line>,
    /// What was not checked.
    pub not_checked: Vec<&'static str>,
    /// When the records existed at the latest, by the word of the earliest witness of the quorum, in seconds since 1970.
    pub not_after_s: Option<u64>,
}

impl Exit {
    /// The number.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Verified => 0,
            Self::Usage => 2,
            Self::Fault => 10,
            Self::Fork => 11,
            Self::Incomplete => 12,
            Self::Stale => 13,
            Self::InputOutput => 74,
        }
    }

    /// The word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Verified => "VERIFIED",
            Self::Usage => "USAGE",
            Self::Fault => "FAULT",
            Self::Fork => "FORK",
            Self::Incomplete => "INCOMPLETE",
            Self::Stale => "STALE",
            Self::InputOutput => "UNREADABLE",
        }
    }
}

impl Refusal {
    /// The evidence is not what it should be.
    pub fn fault(check: &'static str, reason: impl ToString) -> Self {
        Self::new(Exit::Fault, check, reason)
    }

    /// Something that is needed is not there.
    pub fn incomplete(check: &'static str, reason: impl ToString) -> Self {
        Self::new(Exit::Incomplete, check, reason)
    }

    /// Two signed statements contradict each other.
    #[must_use]
    pub fn fork(check: &'static str, reason: impl ToString, first: &str, second: &str) -> Self {
        Self {
            proof: Some(format!("{first}\n{second}")),
            ..Self::new(Exit::Fork, check, reason)
        }
    }

    #[expect(
        clippy::needless_pass_by_value,
        reason = "errors come out of map_err, texts out of format"
    )]
    pub(crate) fn new(exit: Exit, check: &'static str, reason: impl ToString) -> Self {
        Self {
            exit,
            check,
            reason: reason.to_string(),
            proof: None,
        }
    }
}
