//! A decided event on its way into the stream: written down, linked to the one before, signed, guarded.

use bytes::Bytes;
use jiff::Timestamp;
use portbook_bus::Outgoing;
use portbook_domain::{Digest, Event, EventId, Fact, Order};
use portbook_source::EventSigner;
use portbook_wire::subject::events_subject;
use portbook_wire::{Decided, EncodeError, Envelope, Mode, Source, encode, event_digest, msg_id};

use crate::history::CaseHistory;

/// Who writes a service's events.
#[derive(Debug)]
pub(crate) struct Writer {
    pub(crate) source: Source,
    pub(crate) signer: EventSigner,
    /// Whether what is written is made up, and labelled so for ever.
    pub(crate) simulated: bool,
}

/// An event that is not stored yet.
#[derive(Debug)]
pub(crate) struct Draft {
    pub(crate) event: Event,
    pub(crate) digest: Digest,
    pub(crate) outgoing: Outgoing,
}

impl Writer {
    /// Writes down what was decided on `history`. The message can only be stored while the case is as it was read.
    pub(crate) fn write(
        &self,
        history: &CaseHistory,
        order: &Order,
        fact: Fact,
        id: EventId,
        now: Timestamp,
    ) -> Result<Draft, EncodeError> {
        let envelope = Envelope {
            id: id.clone(),
            source: self.source.clone(),
            case: order.case.clone(),
            occurred_at: fact.occurred_at,
            recorded_at: Some(now),
            correlation: order.case.clone(),
            causation: history.state().history().last().map(|past| past.event.id.clone()),
            port: fact.port,
            mode: Mode::Authoritative(Decided {
                sequence: history.state().version().saturating_add(1),
                prev: history.last_digest().cloned(),
                command: order.command_id.clone(),
            }),
            simulated: self.simulated,
        };
        let body = encode(&envelope, &fact.data)?;
        let subject = events_subject(&order.case);
        let signature = self.signer.sign_event(&subject, &body).to_string();
        let event = Event {
            case: envelope.case,
            id,
            occurred_at: fact.occurred_at,
            data: fact.data,
        };
        Ok(Draft {
            event,
            digest: event_digest(&body),
            outgoing: Outgoing {
                subject,
                msg_id: msg_id(Some(&signature), &body),
                signature: Some(signature),
                body: Bytes::from(body),
                expected_last_subject_seq: Some(history.last_seq()),
            },
        })
    }
}
