//! What a leaf says to a view: an event, an event that cannot be read, or nothing.

use portbook_domain::CaseId;
use portbook_fold::{EventRecord, RecordReading};
use portbook_ledger::{Leaf, LeafError, Record};
use portbook_wire::read_head;

/// A leaf, read.
#[derive(Debug)]
pub(crate) enum Reading {
    /// A readable event.
    Event(Box<EventRecord>),
    /// An event that cannot be read: it parks its case.
    Unreadable {
        /// Its case, which the ledger made sure of.
        case: CaseId,
        /// Why.
        reason: String,
    },
    /// A leaf that enters no view.
    Nothing,
    /// No leaf at all.
    Damaged(LeafError),
}

impl Reading {
    /// Reads the leaf at `index`.
    pub(crate) fn of(index: u64, leaf: &[u8]) -> Self {
        match Leaf::decode(leaf) {
            Ok(Leaf::Record(record)) => Self::of_record(index, &record),
            Ok(Leaf::Seal(_)) => Self::Nothing,
            Err(error) => Self::Damaged(error),
        }
    }

    fn of_record(index: u64, record: &Record<'_>) -> Self {
        match RecordReading::of(index, record) {
            RecordReading::Event(read) => Self::Event(read),
            RecordReading::Unreadable { reason, .. } => match case_of(record) {
                Some(case) => Self::Unreadable { case, reason },
                None => Self::Nothing,
            },
            RecordReading::Other => Self::Nothing,
        }
    }
}

fn case_of(record: &Record<'_>) -> Option<CaseId> {
    CaseId::new(read_head(record.subject, record.body).ok()?.case).ok()
}
