//! Which log is meant: the ledger itself or one of its chains, which are logs of their own.

use std::fmt;

use portbook_ledger::Chain;

/// The ledger, or one chain of it served as a log of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogName {
    /// All leaves.
    Ledger,
    /// The records of one chain.
    Chain(Chain),
}

impl fmt::Display for LogName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ledger => f.write_str("the ledger"),
            Self::Chain(chain) => fmt::Display::fmt(chain, f),
        }
    }
}
