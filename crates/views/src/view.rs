//! What a view is: a fold over recorded events into rows.

use std::fmt::Debug;

use jiff::Timestamp;
use portbook_domain::{Event, PortCode};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::timeline::{Placement, RecordClass};

/// A record of a readable event, as views see it.
#[derive(Debug, Clone, Copy)]
pub struct Recorded<'a> {
    /// Where it stands in the ledger.
    pub place: Placement,
    /// What the ledger made of it: an event, or a redelivery or conflict of an earlier one.
    pub class: RecordClass,
    /// Leaf index of the original of a redelivery or conflict.
    pub refers_to: Option<u64>,
    /// The port whose chain holds it, after the alias table.
    pub port: &'a PortCode,
    /// The port as its source wrote it.
    pub port_as_written: &'a PortCode,
    /// URN of the source that states it.
    pub source: &'a str,
    /// When the source wrote it down, where it says so.
    pub source_recorded_at: Option<Timestamp>,
    /// Whether its source marked it as simulated.
    pub simulated: bool,
    /// What happened.
    pub event: &'a Event,
}

/// A deterministic fold over records into rows.
///
/// A view is a cache: whatever it holds can be made again from the ledger. What a record adds to which rows is a function
/// of that record alone, and what it adds to one row is joined in ledger order; so records can be read on every core, sums be
/// kept on disk and joined later, and the rows are the same: no view is ever held in memory for that. Its state must be a function
/// of the *set* of records it took, not of the order in which cases came: records of one case come in ledger order, but a case
/// that was parked is folded later than others. No clock, no randomness, no map whose order is not defined, no float in a row.
pub trait View: Debug + Send {
    /// Its name, as people type it.
    const NAME: &'static str;
    /// Version of its code: rows of another version are not read, the view is folded again.
    const VERSION: u32;
    /// Whether each record adds one row of its own, under a key that rises with the leaves, to which nothing is added later.
    const IS_LOG: bool;
    /// Key of a row. The order of keys is the order of rows.
    type Key: Serialize + DeserializeOwned + Ord + Clone + Debug + Send + 'static;
    /// One row.
    type Row: Serialize + DeserializeOwned;
    /// What one record, or several in a row, add to one row.
    type Part: Serialize + DeserializeOwned + Clone + Debug + Send + 'static;

    /// Hands `add` what one record adds to which rows. Total: what it has no use for it leaves alone.
    fn parts(recorded: &Recorded<'_>, add: &mut impl FnMut(Self::Key, Self::Part));

    /// Joins what later records add to what earlier ones added to the same row. Associative.
    fn join(part: &mut Self::Part, later: Self::Part);

    /// The row `before`, or none, with what later records add to it.
    fn row(before: Option<Self::Row>, part: Self::Part) -> Self::Row;
}
