//! The history of a case as its subject holds it: what was decided, in order, each event chained to the one before.

use std::collections::BTreeMap;

use portbook_bus::Stored;
use portbook_domain::{CaseId, CaseState, CommandId, Digest, Event, EventId, evolve};
use portbook_wire::command::Appended;
use portbook_wire::{Decided, DecodeError, Mode, Source, decode_event, event_digest};

use crate::authority::Authorities;
use crate::remit::Remit;

/// A case whose decided events do not follow from one another: something was lost, changed, or decided in ignorance of
/// what had gone before. Nothing more is decided on it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HistoryFault {
    /// A service signed what this build cannot read, for example an event of a later version.
    #[error("message {seq} cannot be read")]
    Unreadable {
        /// Its place in the stream.
        seq: u64,
        /// Why.
        source: DecodeError,
    },
    /// An event is missing, or stands at another event's place.
    #[error("message {seq} is version {found} of the case, expected {expected}")]
    Version {
        /// Its place in the stream.
        seq: u64,
        /// The version it says it makes.
        found: u64,
        /// The version it should make.
        expected: u64,
    },
    /// The event before is not the one the writer had read.
    #[error("message {seq} follows {}, but the event before it is {}", named(found.as_ref()), named(expected.as_ref()))]
    Link {
        /// Its place in the stream.
        seq: u64,
        /// The digest it names.
        found: Option<Digest>,
        /// The digest of the event before.
        expected: Option<Digest>,
    },
    /// Two events of the case share an identity.
    #[error("message {seq} bears the id {event} of an earlier event with other content")]
    IdRepeated {
        /// Its place in the stream.
        seq: u64,
        /// The identity.
        event: EventId,
    },
}

/// A case and its place in the stream.
#[derive(Debug, Default)]
pub(crate) struct CaseHistory {
    state: CaseState,
    /// Stream sequences of the events in `state`, in order.
    seqs: Vec<u64>,
    /// Digest of the last event in `state`.
    last_digest: Option<Digest>,
    /// Sequence of the subject's last message, whoever wrote it; 0 when there is none.
    last_seq: u64,
}

impl CaseHistory {
    /// Reads every message of a case's subject.
    ///
    /// Messages that no authority signed are none of the case's: anybody who may publish facts may put them there. They
    /// can be corrected and annulled all the same.
    pub(crate) fn read(
        case: &CaseId,
        messages: &[Stored],
        authorities: &Authorities,
    ) -> Result<Self, HistoryFault> {
        let mut history = Self::default();
        let mut digests: BTreeMap<EventId, Digest> = BTreeMap::new();
        for message in messages {
            history.last_seq = message.seq;
            let Some((decided, event)) = decision_in(case, message, authorities)? else {
                history.observe(case, message);
                continue;
            };
            let digest = event_digest(&message.body);
            match digests.insert(event.id.clone(), digest.clone()) {
                // Signed bytes can be published again by anybody who has read them.
                Some(earlier) if earlier == digest => continue,
                Some(_) => {
                    return Err(HistoryFault::IdRepeated {
                        seq: message.seq,
                        event: event.id,
                    });
                }
                None => history.check_link(message.seq, &decided)?,
            }
            history.append(&event, &decided.command, digest, message.seq);
        }
        Ok(history)
    }

    /// Takes in what others say they saw, if it can be read.
    fn observe(&mut self, case: &CaseId, message: &Stored) {
        if let Ok((envelope, event)) = decode_event(&message.body)
            && envelope.mode == Mode::Observed
            && event.case == *case
        {
            self.state = std::mem::take(&mut self.state).with_observed(event, envelope.port);
        }
    }

    /// Takes in an event that was just stored at `seq`.
    pub(crate) fn append(&mut self, event: &Event, command: &CommandId, digest: Digest, seq: u64) {
        self.state = evolve(std::mem::take(&mut self.state), event, Some(command));
        self.seqs.push(seq);
        self.last_digest = Some(digest);
        self.last_seq = seq;
    }

    pub(crate) const fn state(&self) -> &CaseState {
        &self.state
    }

    pub(crate) const fn last_seq(&self) -> u64 {
        self.last_seq
    }

    pub(crate) const fn last_digest(&self) -> Option<&Digest> {
        self.last_digest.as_ref()
    }

    /// An event of the case with its place in the stream.
    pub(crate) fn appended(&self, id: &EventId) -> Option<Appended> {
        let place = self
            .state
            .history()
            .iter()
            .position(|past| past.event.id == *id)?;
        let kind = self.state.history().get(place)?.event.data.kind();
        Some(Appended {
            id: id.clone(),
            type_name: kind.into(),
            seq: *self.seqs.get(place)?,
        })
    }

    fn check_link(&self, seq: u64, decided: &Decided) -> Result<(), HistoryFault> {
        let expected = self.state.version().saturating_add(1);
        if decided.sequence != expected {
            return Err(HistoryFault::Version {
                seq,
                found: decided.sequence,
                expected,
            });
        }
        if decided.prev != self.last_digest {
            let (found, expected) = (decided.prev.clone(), self.last_digest.clone());
            return Err(HistoryFault::Link { seq, found, expected });
        }
        Ok(())
    }
}

/// Whether the decisions among a case's messages follow from one another, as the services read them.
///
/// # Errors
/// The first [`HistoryFault`].
pub fn check_case(case: &CaseId, messages: &[Stored], authorities: &Authorities) -> Result<(), HistoryFault> {
    CaseHistory::read(case, messages, authorities).map(|_| ())
}

/// The decision a message carries, if it carries one of `case` by a service that may make it.
fn decision_in(
    case: &CaseId,
    message: &Stored,
    authorities: &Authorities,
) -> Result<Option<(Decided, Event)>, HistoryFault> {
    let Some(service) = authorities.signer_of(message) else {
        return Ok(None);
    };
    let read = decode_event(&message.body);
    let (envelope, event) = read.map_err(|source| HistoryFault::Unreadable {
        seq: message.seq,
        source,
    })?;
    let Mode::Authoritative(decided) = envelope.mode else {
        return Ok(None);
    };
    let is_own = Source::service(service.name()).is_ok_and(|source| source == envelope.source);
    if is_own && event.case == *case && Remit::of(service).may_state(&event.data) {
        return Ok(Some((decided, event)));
    }
    tracing::warn!(seq = message.seq, %case, service = service.name(), "a service stated what is not its to state");
    Ok(None)
}

fn named(digest: Option<&Digest>) -> &str {
    digest.map_or("nothing", Digest::as_str)
}

#[cfg(test)]
mod tests;
