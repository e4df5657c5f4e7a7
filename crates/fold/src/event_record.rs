//! A record of an event, read: what it says, and where it stands.

use portbook_domain::{Event, PortCode};
use portbook_ledger::{Chain, Index, Record, RecordKind};
use portbook_views::{Placement, RecordClass, Recorded};
use portbook_wire::{Envelope, decode_event};

/// A record of an event that can be read, for whoever folds events.
#[derive(Debug)]
pub struct EventRecord {
    place: Placement,
    class: RecordClass,
    refers_to: Option<u64>,
    port: PortCode,
    envelope: Envelope,
    /// What happened.
    pub event: Event,
}

/// What a record is to whoever folds events.
#[derive(Debug)]
pub enum RecordReading {
    /// An event, or a repeat of one.
    Event(Box<EventRecord>),
    /// An event, or a repeat of one, that this program cannot read.
    Unreadable {
        /// What the ledger made of it.
        class: RecordClass,
        /// Why it cannot be read.
        reason: String,
    },
    /// Something else: a message of the ledger's own, or one in quarantine.
    Other,
}

impl RecordReading {
    /// Reads the record at leaf `index`.
    #[must_use]
    pub fn of(index: u64, record: &Record<'_>) -> Self {
        let Some((class, port)) = class_of(record.kind).zip(port_of(record.chain)) else {
            return Self::Other;
        };
        match decode_event(record.body) {
            Ok((envelope, event)) => Self::Event(Box::new(EventRecord {
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
            Err(error) => Self::Unreadable {
                class,
                reason: error.to_string(),
            },
        }
    }
}

impl EventRecord {
    /// What the ledger made of it.
    #[must_use]
    pub const fn class(&self) -> RecordClass {
        self.class
    }

    /// As views see it.
    #[must_use]
    pub fn recorded(&self) -> Recorded<'_> {
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
