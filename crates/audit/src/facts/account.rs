//! What a source published, as the ledger counted it, beside what it stated.

use std::collections::BTreeSet;

/// When a seal was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SealTime {
    /// Its leaf index: the sealed tree holds the leaves below it and the seal itself.
    pub index: u64,
    /// When, by the stream's clock, nanoseconds since 1970.
    pub sealed_at_ns: u64,
}

/// What a source published and stated.
///
/// Statements are compared by number. Whether the events are the very ones stated, and validly signed, is what verification
/// looks at: it depends on keys.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SourceFacts {
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
    pub stated_at_ns: Option<u64>,
    /// Ports it published events of.
    pub ports: BTreeSet<String>,
}

impl SourceFacts {
    pub(super) fn publish_at(&mut self, port: &str) {
        if !self.ports.contains(port) {
            self.ports.insert(port.to_owned());
        }
    }

    pub(super) fn state(&mut self, count: u64, recorded_at_ns: u64) {
        let recorded = self.events - self.events_at_statement;
        self.differing += u64::from(count != recorded);
        self.statements += 1;
        self.stated = self.stated.saturating_add(count);
        self.events_at_statement = self.events;
        self.stated_at_ns = Some(recorded_at_ns);
    }
}
