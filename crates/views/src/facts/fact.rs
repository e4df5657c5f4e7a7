//! A fact in memory: numbers for texts, everything else in the types of the domain.

use std::num::NonZeroU32;

use jiff::civil::Date;
use portbook_domain::{
    CloseOutcome, ControlStatus, Lane, LicenseChange, LicenseKind, QueryStage, ShipmentOutcome,
};

use super::names::Name;

/// Where a fact stands in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct FactAt(NonZeroU32);

impl FactAt {
    /// The place after `count` facts.
    pub(super) fn after(count: usize) -> Self {
        let number = u32::try_from(count.saturating_add(1)).unwrap_or(u32::MAX);
        Self(NonZeroU32::new(number).unwrap_or(NonZeroU32::MAX))
    }

    /// The index of its slot.
    pub(super) fn at(self) -> usize {
        usize::try_from(self.0.get() - 1).unwrap_or(usize::MAX)
    }

    pub(super) const fn number(self) -> u32 {
        self.0.get()
    }

    pub(super) fn numbered(number: u32) -> Option<Self> {
        NonZeroU32::new(number).map(Self)
    }
}

/// One fact: what one record told, as corrected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fact {
    /// Leaf index of its record.
    pub leaf: u64,
    /// When it happened, as claimed, in nanoseconds since 1970.
    pub occurred_at_ns: i64,
    /// When its source says it wrote it down.
    pub stated_at_ns: Option<i64>,
    pub(super) event: [u8; 16],
    /// The case: see [`super::Facts::case_id`].
    pub case: Name,
    /// The port, after the alias table: see [`super::Facts::word`].
    pub port: Name,
    /// The port as its source wrote it.
    pub port_as_written: Name,
    pub(super) next_of_case: Option<FactAt>,
    /// The day it happened, in the time of China.
    pub day: Date,
    /// Whether its source marked it as simulated.
    pub simulated: bool,
    /// Whether it stands: annulled facts and those that were replaced by a corrected one do not.
    pub(super) stands: bool,
    /// Whether it is a corrected version of what was recorded.
    pub(super) is_copy: bool,
    /// What happened.
    pub told: Told,
}

impl Fact {
    /// Identity of the event, as the number its UUID stands for.
    #[must_use]
    pub const fn event(&self) -> u128 {
        u128::from_be_bytes(self.event)
    }

    /// Order of events in time; the same for every order in which they were recorded.
    #[must_use]
    pub const fn moment(&self) -> (i64, [u8; 16]) {
        (self.occurred_at_ns, self.event)
    }
}

/// Consecutive entries of a table beside the facts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Span {
    pub(super) at: u32,
    pub(super) count: u16,
}

impl Span {
    pub(super) fn of<T>(self, table: &[T]) -> &[T] {
        let start = usize::try_from(self.at).unwrap_or(usize::MAX);
        let end = start.saturating_add(usize::from(self.count));
        table.get(start..end).unwrap_or_default()
    }
}

/// What happened. Numbers of cases, licences, declarations and other texts belong to one table each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// An application was filed.
    Submitted(Submitted),
    /// An application ended without a licence.
    Closed(CloseOutcome),
    /// An authority asked.
    Queried(Queried),
    /// The applicant answered.
    Answered {
        /// The query that is answered.
        query: Name,
        /// Whether the answer settles it.
        complete: bool,
    },
    /// A licence was granted.
    Granted(Granted),
    /// The state of a licence changed.
    Changed {
        /// The licence.
        license: Name,
        /// What changed.
        change: LicenseChange,
        /// When it takes effect, in nanoseconds since 1970.
        effective_at_ns: i64,
    },
    /// Goods were declared.
    Declared(Declared),
    /// Goods were released for export.
    Cleared(Cleared),
    /// A declaration ended, or a clearance was undone.
    ShipmentEnded {
        /// The declaration.
        declaration: Name,
        /// How.
        outcome: ShipmentOutcome,
        /// Grams that came back; absent means all.
        returned_g: Option<u64>,
    },
}

/// An application.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Submitted {
    /// Country of destination.
    pub destination: Name,
    /// Commitment to the applicant's identity.
    pub applicant: Option<Name>,
    /// Commitment to the end user's identity.
    pub end_user: Option<Name>,
    /// Queue asked for.
    pub lane: Lane,
    /// Goods applied for.
    pub lines: Span,
}

/// A query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Queried {
    /// Which authority asks.
    pub stage: QueryStage,
    /// Round of questions.
    pub round: u16,
    /// Name of the query within its case.
    pub query: Name,
    /// The challenged declaration.
    pub declaration: Option<Name>,
    /// Last day of the answer.
    pub reply_due: Option<Date>,
}

/// A grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Granted {
    /// The licence.
    pub license: Name,
    /// Its kind.
    pub kind: Option<LicenseKind>,
    /// Number of declarations it may be used on.
    pub uses_allowed: Option<u32>,
    /// First day of validity.
    pub valid_from: Option<Date>,
    /// Last day of validity.
    pub valid_until: Date,
    /// Country of destination.
    pub destination: Name,
    /// Ports the goods may leave through, as written.
    pub exit_ports: Span,
    /// Queue it was handled in.
    pub lane: Lane,
    /// Goods granted.
    pub lines: Span,
}

/// A declaration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Declared {
    /// The declaration.
    pub declaration: Name,
    /// Licence it is declared under.
    pub license: Option<Name>,
    /// Whether the goods are declared as controlled.
    pub control_status: ControlStatus,
    /// Country of destination.
    pub destination: Option<Name>,
    /// Declared goods.
    pub lines: Span,
}

/// A clearance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cleared {
    /// The declaration.
    pub declaration: Name,
    /// Licence it is cleared under.
    pub license: Option<Name>,
    /// Whether the goods are controlled.
    pub control_status: ControlStatus,
    /// Country of destination.
    pub destination: Name,
    /// Cleared goods.
    pub lines: Span,
    /// Its documents.
    pub documents: Span,
}

/// One line of goods.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Goods {
    /// Grams.
    pub grams: u64,
    /// Commodity code.
    pub hs: Name,
    /// Control-list entry.
    pub control_code: Option<Name>,
    /// Controlled element.
    pub element: Option<Name>,
    /// Form of the goods.
    pub form: Option<Name>,
    /// Number of the line.
    pub line: Option<u16>,
}

/// A record that repeats an earlier event: absorbed when it is the same byte for byte, evidence when it is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Repeat {
    /// Leaf index of its record.
    pub leaf: u64,
    /// Leaf index of the record that holds the event first.
    pub refers_to: Option<u64>,
    /// Whether its content differs.
    pub is_conflict: bool,
    /// When it happened, as claimed, in nanoseconds since 1970.
    pub occurred_at_ns: i64,
    pub(super) stated_at_ns: Option<i64>,
    pub(super) simulated: bool,
    pub(super) event: [u8; 16],
    /// The case.
    pub case: Name,
    /// The port, after the alias table.
    pub port: Name,
    pub(super) port_as_written: Name,
}

impl Repeat {
    /// Identity of the event, as the number its UUID stands for.
    #[must_use]
    pub const fn event(&self) -> u128 {
        u128::from_be_bytes(self.event)
    }
}
