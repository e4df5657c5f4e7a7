//! What a leaf says to a view: an event, an event that cannot be read, or nothing.

use portbook_domain::{CaseId, Event, PortCode};
use portbook_ledger::{Chain, Index, Leaf, LeafError, Record, RecordKind};
use portbook_store::Packed;
use portbook_views::{Placement, RecordClass, Recorded};
use portbook_wire::{Envelope, decode_event, read_head};

/// A leaf, read.
#[derive(Debug)]
pub(crate) enum Reading {
    /// A readable event.
    Event(Box<ReadEvent>),
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

/// A readable event and where it stands.
#[derive(Debug)]
pub(crate) struct ReadEvent {
    place: Placement,
    class: RecordClass,
    refers_to: Option<u64>,
    port: PortCode,
    envelope: Envelope,
    event: Event,
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
        let Some((class, port)) = class_of(record.kind).zip(port_of(record.chain)) else {
            return Self::Nothing;
        };
        match decode_event(record.body) {
            Ok((envelope, event)) => Self::Event(Box::new(ReadEvent {
                place: Placement {
                    index,
                    chain_seq: record.chain_seq.get(),
                    recorded_at_ns: record.recorded_at_ns,
                },
                class,
                refers_to: record.refers_to.map(Index::get),
                port,
                envelope,
                event,
            })),
            Err(error) => match case_of(record) {
                Some(case) => Self::Unreadable {
                    case,
                    reason: error.to_string(),
                },
                None => Self::Nothing,
            },
        }
    }

    /// The case it is about.
    pub(crate) fn case(&self) -> Option<&CaseId> {
        match self {
            Self::Event(read) => Some(&read.event.case),
            Self::Unreadable { case, .. } => Some(case),
            Self::Nothing | Self::Damaged(_) => None,
        }
    }
}

impl ReadEvent {
    /// The case it is about.
    pub(crate) fn into_case(self) -> CaseId {
        self.event.case
    }

    /// As views see it.
    pub(crate) fn recorded(&self) -> Recorded<'_> {
        Recorded {
            place: self.place,
            class: self.class,
            refers_to: self.refers_to,
            port: &self.port,
            port_as_written: &self.envelope.port,
            source: self.envelope.source.as_str(),
            source_recorded_at: self.envelope.recorded_at,
            simulated: self.envelope.simulated,
            event: &self.event,
        }
    }
}

/// Reads every leaf of a packed value.
pub(crate) fn read_packed(packed: &Packed) -> Vec<Reading> {
    let numbered = (packed.first..).zip(packed.iter());
    numbered.map(|(index, leaf)| Reading::of(index, leaf)).collect()
}

const fn class_of(kind: RecordKind) -> Option<RecordClass> {
    match kind {
        RecordKind::Event => Some(RecordClass::Event),
        RecordKind::Redelivery => Some(RecordClass::Redelivery),
        RecordKind::Conflict => Some(RecordClass::Conflict),
        RecordKind::Quarantine | RecordKind::Control => None,
    }
}

/// Records of events stand in chains of ports, whose names are of the same grammar.
fn port_of(chain: Chain) -> Option<PortCode> {
    PortCode::new(std::str::from_utf8(chain.as_bytes()).ok()?).ok()
}

fn case_of(record: &Record<'_>) -> Option<CaseId> {
    CaseId::new(read_head(record.subject, record.body).ok()?.case).ok()
}
