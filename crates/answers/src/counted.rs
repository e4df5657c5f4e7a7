//! What a ledger counted while it recorded: what facts cannot tell of themselves.

use std::collections::BTreeSet;

/// What a ledger counted while it recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counted<'a> {
    /// Events recorded for the first time, unreadable ones included.
    pub events: u64,
    /// Exact repeats.
    pub redeliveries: u64,
    /// Repeats with another content.
    pub conflicts: u64,
    /// Events whose body cannot be read: they enter no fact.
    pub unreadable: u64,
    /// Corrections and annulments that take no effect: they enter no fact either.
    pub idle: u64,
    /// What each source published and stated, by source.
    pub sources: &'a [SourceCount<'a>],
    /// Every seal in order: its leaf index, and when it was made by the stream's clock, nanoseconds since 1970.
    pub seals: &'a [(u64, i64)],
}

/// What one source published, as the ledger counted it, beside what it stated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceCount<'a> {
    /// Its name.
    pub source: &'a str,
    /// New events in its name.
    pub events: u64,
    /// Its statements.
    pub statements: u64,
    /// Events that its statements count.
    pub stated: u64,
    /// Of its events those recorded up to its last statement.
    pub events_at_statement: u64,
    /// Statements that count another number than was recorded since the one before.
    pub differing: u64,
    /// When its last statement was recorded, nanoseconds since 1970.
    pub stated_at_ns: Option<i64>,
    /// Ports it published events of.
    pub ports: &'a BTreeSet<String>,
}
