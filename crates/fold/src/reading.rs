//! What a message says, before it is known where it belongs: a function of the message alone.
//!
//! Only its head is read: the ledger stage takes whatever has one, and what an event means is for those to decode who ask.

use portbook_ledger::{Hash, ProducerSignature, RecordError};
use portbook_wire::control::{Control, ControlError, parse_control};
use portbook_wire::{EventHead, EventNumbers, Quarantine, read_numbered_head, subject};

use crate::delivery::Delivery;
use crate::lookup::{self, LookupKey};

/// A message, read.
#[derive(Debug)]
pub enum Reading {
    /// An event, whether or not its content can be read.
    Event(Box<EventReading>),
    /// A message of the ledger's own.
    Control(Box<Control>, Option<ProducerSignature>),
    /// A seal that is recorded already, with the checkpoint it names: it is made again, not asked for.
    Sealed(Hash),
    /// A message that belongs to no port.
    Unplaced(Unplaced),
}

/// An event, read.
#[derive(Debug)]
pub struct EventReading {
    /// Its identity, hashed.
    pub key: LookupKey,
    /// The port as written, before the alias table.
    pub port: String,
    /// Its signature, not verified.
    pub signature: Option<ProducerSignature>,
    /// The case it is entered under.
    pub case: LookupKey,
    /// The licence and the declaration it is entered under.
    pub numbers: [Option<LookupKey>; 2],
}

/// Why a message went into quarantine.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unplaced {
    /// It is no event.
    #[error(transparent)]
    Event(#[from] Quarantine),
    /// It is no control message.
    #[error(transparent)]
    Control(#[from] ControlError),
    /// Its subject is neither an event's nor a control message's.
    #[error("{subject:?} is no subject of this ledger")]
    Subject {
        /// The subject.
        subject: String,
    },
    /// Its signature header is not of the form.
    #[error("the signature header is not <key id>:<base64>")]
    SignatureHeader,
    /// A control message that the log key did not sign.
    #[error("not signed by the log key")]
    NotByLogKey,
    /// A statement that the source it speaks of did not sign with a key in force.
    #[error("not signed by the source it speaks of")]
    NotBySource,
    /// A control message that contradicts what the ledger knows.
    #[error("{what}")]
    Contradiction {
        /// What is wrong.
        what: &'static str,
    },
    /// The stream began with something else than the opening of a ledger.
    #[error("not ledger.opened")]
    NotOpened,
    /// The alias table leads to something that is no port.
    #[error("{port:?} is no port")]
    NotAPort {
        /// The name.
        port: String,
    },
    /// The message does not fit into a record.
    #[error("{reason}")]
    TooLarge {
        /// Why not.
        reason: RecordError,
    },
}

impl Unplaced {
    /// One word for lists.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Event(reason) => reason.reason(),
            Self::Control(_) => "control-unreadable",
            Self::Subject { .. } => "unknown-subject",
            Self::SignatureHeader => "signature-header",
            Self::NotByLogKey => "control-not-by-log-key",
            Self::NotBySource => "statement-not-by-source",
            Self::Contradiction { .. } => "control-contradiction",
            Self::NotOpened => "not-opened",
            Self::NotAPort { .. } => "not-a-port",
            Self::TooLarge { .. } => "too-large",
        }
    }
}

/// Reads every message of a batch.
#[must_use]
pub fn read_all(deliveries: &[Delivery]) -> Vec<Reading> {
    deliveries.iter().map(read).collect()
}

/// Reads one message.
#[must_use]
pub fn read(delivery: &Delivery) -> Reading {
    let Ok(signature) = delivery.signature.as_deref().map(str::parse).transpose() else {
        return Reading::Unplaced(Unplaced::SignatureHeader);
    };
    if subject::is_control(&delivery.subject) {
        return match parse_control(&delivery.subject, &delivery.body) {
            Ok(control) => Reading::Control(Box::new(control), signature),
            Err(reason) => Reading::Unplaced(reason.into()),
        };
    }
    if subject::case_token(&delivery.subject).is_none() {
        return Reading::Unplaced(Unplaced::Subject {
            subject: delivery.subject.clone(),
        });
    }
    match read_numbered_head(&delivery.subject, &delivery.body) {
        Ok((head, numbers)) => Reading::Event(Box::new(event_reading(&head, &numbers, signature))),
        Err(reason) => Reading::Unplaced(reason.into()),
    }
}

fn event_reading(
    head: &EventHead<'_>,
    numbers: &EventNumbers<'_>,
    signature: Option<ProducerSignature>,
) -> EventReading {
    EventReading {
        key: head.key(),
        port: head.port.to_owned(),
        signature,
        case: lookup::of_case(head.case),
        numbers: [
            numbers.license.as_deref().map(lookup::of_license),
            numbers.declaration.as_deref().map(lookup::of_declaration),
        ],
    }
}
