//! Exit codes: what a script learns from a run without reading a word.

/// How a run ended. 1 is never chosen: it would be a bug.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done; for `verify`: all that was asked for was checked and holds.
    Done,
    /// The command line cannot be understood.
    Usage,
    /// Read to the end, and it is not what it should be.
    LedgerFault,
    /// Two signed trees that cannot both be true, or a rollback.
    Fork,
    /// Part of it could not be checked: not a pass.
    Incomplete,
    /// A rule refused it, or lines of a file were rejected.
    Rejected,
    /// The case kept changing.
    Conflict,
    /// Something that is needed is not there.
    Unavailable,
    /// Reading or writing failed.
    InputOutput,
    /// Not allowed.
    Permission,
    /// The configuration cannot be used.
    Configuration,
    /// Interrupted; can be resumed.
    Interrupted,
}

impl Exit {
    /// The number.
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Usage => 2,
            Self::LedgerFault => 10,
            Self::Fork => 11,
            Self::Incomplete => 12,
            Self::Rejected => 20,
            Self::Conflict => 21,
            Self::Unavailable => 69,
            Self::InputOutput => 74,
            Self::Permission => 77,
            Self::Configuration => 78,
            Self::Interrupted => 130,
        }
    }
}
