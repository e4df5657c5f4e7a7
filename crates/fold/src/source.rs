//! What sources state about themselves, compared with what the ledger holds of them.
//!
//! A source states now and then how many events it published and the hash over their digests. The ledger counts what it
//! recorded of the source between two statements: events recorded for the first time whose signature is the source's. If
//! the two differ, events were lost or suppressed before the ledger saw them, or somebody else signs in the source's name.

use std::collections::BTreeMap;

use portbook_ledger::{DigestRun, Hash};
use portbook_wire::control::SourceStated;

use crate::control::hash_of;

/// What the ledger knows of every source that published or stated something.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SourceBook {
    /// By source.
    pub sources: BTreeMap<String, SourceAccount>,
    /// Statements that differ from the ledger, in order; the first thousand of them.
    pub gaps: Vec<SourceGap>,
    /// How many statements differ.
    pub gap_count: u64,
}

/// Gaps that are told apart; more of them are only counted.
pub(crate) const GAPS_KEPT_MAX: usize = 1_000;

/// What the ledger holds of one source.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SourceAccount {
    /// Statements so far.
    pub statements: u64,
    /// Stream sequence of the last statement; 0 when there is none.
    pub last_statement: u64,
    /// Events that statements agreeing with the ledger covered.
    pub covered: u64,
    /// Stream sequence of the last event since the last statement; 0 when there is none.
    pub last_event: u64,
    /// Digests of the events since the last statement.
    pub run: DigestRun,
}

/// A statement that differs from what the ledger holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceGap {
    /// Who stated it.
    pub source: String,
    /// Leaf index of the statement.
    pub leaf: u64,
    /// How it differs.
    pub kind: GapKind,
    /// Stream sequence behind which the source counts.
    pub after_seq: u64,
    /// Events the source says it published.
    pub stated: u64,
    /// Events the ledger holds.
    pub found: u64,
}

/// How a statement differs from the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum GapKind {
    /// The ledger lacks events that were published.
    Missing,
    /// The ledger holds events in the source's name that it does not know.
    Surplus,
    /// As many events, but not the same.
    Altered,
    /// An earlier statement is missing, or was made twice.
    Discontinuous,
}

impl GapKind {
    /// Stable word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Surplus => "surplus",
            Self::Altered => "altered",
            Self::Discontinuous => "discontinuous",
        }
    }

    /// Every kind, in the order of their stored numbers.
    pub const ALL: &[Self] = &[Self::Missing, Self::Surplus, Self::Altered, Self::Discontinuous];
}

impl SourceBook {
    /// Counts an event recorded for the first time, validly signed by `source`. In the order of the ledger.
    pub fn event(&mut self, source: &str, seq: u64, digest: &Hash) {
        let account = self.account(source);
        account.run.push(digest);
        account.last_event = seq;
    }

    /// Compares a statement, recorded at message `seq`, with what was counted since the last one.
    pub fn statement(&mut self, stated: &SourceStated, seq: u64) {
        let source = stated.source.as_str();
        let account = self.account(source);
        let found = account.run.count();
        let kind = if stated.after_seq != account.last_statement {
            Some(GapKind::Discontinuous)
        } else if stated.count > found {
            Some(GapKind::Missing)
        } else if stated.count < found {
            Some(GapKind::Surplus)
        } else if hash_of(&stated.events_sha256) != account.run.hash()
            || stated.last_seq != account.last_event
        {
            Some(GapKind::Altered)
        } else {
            None
        };
        if kind.is_none() {
            account.covered = account.covered.saturating_add(found);
        }
        account.statements = account.statements.saturating_add(1);
        account.last_statement = seq;
        account.last_event = 0;
        account.run = DigestRun::default();
        let Some(kind) = kind else { return };
        self.gap_count = self.gap_count.saturating_add(1);
        if self.gaps.len() < GAPS_KEPT_MAX {
            self.gaps.push(SourceGap {
                source: source.to_owned(),
                leaf: seq.saturating_sub(1),
                kind,
                after_seq: stated.after_seq,
                stated: stated.count,
                found,
            });
        }
    }

    fn account(&mut self, source: &str) -> &mut SourceAccount {
        if !self.sources.contains_key(source) {
            self.sources.insert(source.to_owned(), SourceAccount::default());
        }
        self.sources.entry(source.to_owned()).or_default()
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use portbook_domain::Digest;
    use portbook_ledger::sha256;
    use portbook_wire::Source;

    use super::*;

    const SOURCE: &str = "urn:portbook:src:a";

    fn stated(after_seq: u64, last_seq: u64, events: &[&[u8]]) -> SourceStated {
        let mut run = DigestRun::default();
        for event in events {
            run.push(&sha256(&[event]));
        }
        SourceStated {
            source: Source::new(SOURCE).unwrap(),
            after_seq,
            last_seq,
            count: run.count(),
            events_sha256: Digest::new(&run.hash().to_hex()).unwrap(),
            stated_at: Timestamp::UNIX_EPOCH,
        }
    }

    /// The book after three events at messages 3, 4 and 6, and this statement at message 8.
    fn after(statement: &SourceStated) -> SourceBook {
        let mut book = SourceBook::default();
        for (seq, body) in [(3, b"a"), (4, b"b"), (6, b"c")] {
            book.event(SOURCE, seq, &sha256(&[body]));
            book.event("urn:portbook:src:b", seq + 100, &sha256(&[b"another's"]));
        }
        book.statement(statement, 8);
        book
    }

    #[test]
    fn a_statement_that_agrees_covers_what_was_recorded() {
        let book = after(&stated(0, 6, &[b"a", b"b", b"c"]));
        assert_eq!((book.gap_count, book.sources[SOURCE].covered), (0, 3));
        let mut next = book;
        next.event(SOURCE, 9, &sha256(&[b"d"]));
        next.statement(&stated(8, 9, &[b"d"]), 10);
        assert_eq!((next.gap_count, next.sources[SOURCE].covered), (0, 4));
    }

    #[test]
    fn every_difference_has_its_name() {
        for (statement, kind) in [
            (stated(0, 6, &[b"a", b"b", b"lost", b"c"]), GapKind::Missing),
            (stated(0, 6, &[b"a", b"c"]), GapKind::Surplus),
            (stated(0, 6, &[b"a", b"x", b"c"]), GapKind::Altered),
            (stated(0, 6, &[b"b", b"a", b"c"]), GapKind::Altered),
            (stated(0, 5, &[b"a", b"b", b"c"]), GapKind::Altered),
            (stated(2, 6, &[b"a", b"b", b"c"]), GapKind::Discontinuous),
        ] {
            let book = after(&statement);
            assert_eq!(book.gaps.iter().map(|gap| gap.kind).collect::<Vec<_>>(), [kind]);
            assert_eq!(book.sources[SOURCE].covered, 0);
            // The next one is compared by itself: one loss is one gap.
            let mut next = book;
            next.event(SOURCE, 9, &sha256(&[b"d"]));
            next.statement(&stated(8, 9, &[b"d"]), 10);
            assert_eq!(next.gap_count, 1);
        }
    }
}
