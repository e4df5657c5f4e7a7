//! One simulated fact, before it becomes a line.

use portbook_domain::{ControlCode, CountryCode, Element, HsCode, PortCode};

use crate::case::{Case, DeclarationRef};
use crate::scenario::{Goods, Port, Scenario};
use crate::stream::Stream;

/// A fact of a run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fact<'a> {
    /// 128 bits of its identity.
    pub(crate) id: (u64, u64),
    /// From which the digest of its document is drawn.
    pub(crate) document: u64,
    /// The case it belongs to.
    pub(crate) case: Case<'a>,
    /// When it happened.
    pub(crate) occurred_s: i64,
    /// When its source wrote it down.
    pub(crate) recorded_s: i64,
    /// Where it stands in the file.
    pub(crate) written_s: i64,
    /// The port as its source writes it.
    pub(crate) port: &'a PortCode,
    /// What happened.
    pub(crate) what: What<'a>,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What<'a> {
    /// An application was filed.
    Submitted {
        /// For what.
        lot: Lot<'a>,
        /// In the expedited lane.
        expedited: bool,
    },
    /// Papers were asked for.
    Queried(Query<'a>),
    /// A licence was granted.
    Granted {
        /// Its rank among the licences of the run, from 0.
        license: i64,
        /// Last day of validity.
        valid_until: i64,
        /// For what.
        lot: Lot<'a>,
        /// In the expedited lane.
        expedited: bool,
    },
    /// It ended without a licence.
    Closed {
        /// The outcome in a word.
        outcome: &'static str,
    },
    /// A shipment was declared.
    Declared(Shipped<'a>),
    /// A shipment was cleared.
    Cleared(Shipped<'a>),
}

/// What a licence is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Lot<'a> {
    /// Country of destination.
    pub(crate) destination: &'a CountryCode,
    /// The goods.
    pub(crate) goods: &'a Goods,
    /// How much.
    pub(crate) kg: i64,
}

/// A query, of the licensing authority or of customs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Query<'a> {
    /// Which time, from 1.
    pub(crate) round: i64,
    /// Why.
    pub(crate) reason: &'a str,
    /// The challenged declaration and the last day of an answer, where it is customs that asks.
    pub(crate) challenge: Option<(DeclarationRef<'a>, i64)>,
}

/// What crosses the border.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shipped<'a> {
    /// Its declaration.
    pub(crate) declaration: DeclarationRef<'a>,
    /// Its licence, by rank.
    pub(crate) license: Option<i64>,
    /// Commodity code.
    pub(crate) hs: &'a HsCode,
    /// Entry of the control list and element, where it is controlled.
    pub(crate) control: Option<(&'a ControlCode, &'a Element)>,
    /// Country of destination.
    pub(crate) destination: &'a CountryCode,
    /// How much.
    pub(crate) kg: i64,
}

/// Gives facts their identity, their delay and the port as it is written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Recorder<'a> {
    pub(crate) scenario: &'a Scenario,
    pub(crate) seed: u64,
    pub(crate) run: i64,
}

impl<'a> Recorder<'a> {
    /// Makes a fact; `nth` tells facts of one kind within a case apart.
    pub(crate) fn record(
        &self,
        case: Case<'a>,
        nth: i64,
        occurred_s: i64,
        port: &'a Port,
        what: What<'a>,
    ) -> Fact<'a> {
        let label = format_args!("{}/fact/{case}/{}/{nth}", self.run, what.word());
        let mut stream = Stream::open(self.seed, label);
        let lag_min = self.scenario.recording_lag_min.draw(&mut stream);
        let alias = stream
            .is_of(self.scenario.alias_pct)
            .then(|| stream.one_of(&port.alias))
            .flatten();
        Fact {
            id: (stream.bits(), stream.bits()),
            document: stream.bits(),
            case,
            occurred_s,
            recorded_s: occurred_s + 60 * lag_min,
            written_s: occurred_s,
            port: alias.unwrap_or(&port.code),
            what,
        }
    }
}

impl What<'_> {
    /// The type of its line.
    pub(crate) const fn word(&self) -> &'static str {
        match self {
            Self::Submitted { .. } => "application_submitted",
            Self::Queried(_) => "paperwork_query",
            Self::Granted { .. } => "license_granted",
            Self::Closed { .. } => "application_closed",
            Self::Declared(_) => "shipment_declared",
            Self::Cleared(_) => "shipment_cleared",
        }
    }
}
