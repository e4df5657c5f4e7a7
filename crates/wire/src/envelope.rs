//! What is said about an event beside what happened, and the bytes both become.

use jiff::Timestamp;
use portbook_domain::{CaseId, CommandId, Digest, EventData, EventId, PortCode};
use serde::{Serialize, Serializer};

use crate::{BODY_BYTES_MAX, schema::Schema, source::Source};

/// The largest case version ten digits can write.
const SEQUENCE_MAX: u64 = 9_999_999_999;

/// The envelope of an event: the CloudEvents attributes that are not functions of its data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// Identity of the event, unique within its source.
    pub id: EventId,
    /// Who states it.
    pub source: Source,
    /// The case it belongs to.
    pub case: CaseId,
    /// When it happened, as the source claims.
    pub occurred_at: Timestamp,
    /// When the source wrote it down.
    pub recorded_at: Option<Timestamp>,
    /// The first case of a chain of re-submissions; the case itself when there is none.
    pub correlation: CaseId,
    /// The event that led to this one.
    pub causation: Option<EventId>,
    /// The port as written.
    pub port: PortCode,
    /// Whether an authority decided it or somebody observed it.
    pub mode: Mode,
    /// Whether it is made up: such events are labelled for ever.
    pub simulated: bool,
}

/// The two kinds of event source (`pbmode`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mode {
    /// An authority decided it, knowing the case's history.
    Authoritative(Decided),
    /// Somebody saw it; the history of the case was not known to them.
    Observed,
}

/// What an authority knew when it decided an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decided {
    /// Version of the case this event makes, from 1 (`sequence`); at most ten digits.
    pub sequence: u64,
    /// [`crate::event_digest`] of the case's previous event (`pbprev`); [`None`] exactly for the first.
    pub prev: Option<Digest>,
    /// The command that was decided (`pbcmd`).
    pub command: CommandId,
}

/// An event that cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum EncodeError {
    /// The body would be longer than an event may be. Larger documents go in by digest.
    #[error("the event has {bytes} bytes; at most {bytes_max} fit, larger documents go in by digest")]
    TooLarge {
        /// Length of the body.
        bytes: usize,
        /// Length allowed.
        bytes_max: usize,
    },
    /// Version and previous event do not fit together.
    #[error(transparent)]
    Sequence(#[from] SequenceError),
    /// The writer of JSON refused a value.
    #[error("the event cannot be written as JSON")]
    Json(#[source] serde_json::Error),
}

/// A case version that cannot be, or does not fit the previous event named beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SequenceError {
    /// The case version is zero or has more than ten digits.
    #[error("case version {sequence} is not between 1 and 9999999999")]
    Range {
        /// The version.
        sequence: u64,
    },
    /// The first event of a case names a previous one.
    #[error("the first event of a case names a previous one")]
    FirstNamesPrevious,
    /// A later event of a case names no previous one.
    #[error("case version {sequence} names no previous event")]
    NoPrevious {
        /// The version.
        sequence: u64,
    },
}

impl Envelope {
    /// An observed event, as an importer states it: neither guarded nor caused by a command.
    #[must_use]
    pub fn observed(
        id: EventId,
        source: Source,
        case: CaseId,
        port: PortCode,
        occurred_at: Timestamp,
    ) -> Self {
        Self {
            id,
            source,
            correlation: case.clone(),
            case,
            occurred_at,
            recorded_at: None,
            causation: None,
            port,
            mode: Mode::Observed,
            simulated: false,
        }
    }

    /// What the authority knew; [`None`] for an observed event.
    #[must_use]
    pub const fn decided(&self) -> Option<&Decided> {
        match &self.mode {
            Mode::Authoritative(decided) => Some(decided),
            Mode::Observed => None,
        }
    }
}

impl Mode {
    /// `authoritative` or `observed`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Authoritative(_) => "authoritative",
            Self::Observed => "observed",
        }
    }
}

impl Decided {
    /// A decided event is the first of its case exactly when it names no previous one.
    pub(crate) const fn check(&self) -> Result<(), SequenceError> {
        let sequence = self.sequence;
        match (sequence, &self.prev) {
            (0, _) => Err(SequenceError::Range { sequence }),
            (1, Some(_)) => Err(SequenceError::FirstNamesPrevious),
            (2.., None) => Err(SequenceError::NoPrevious { sequence }),
            (1.., _) if sequence > SEQUENCE_MAX => Err(SequenceError::Range { sequence }),
            (1.., _) => Ok(()),
        }
    }
}

/// Writes an event as its published bytes: one compact JSON document, attributes in the order of docs/events.md.
///
/// The same event gives the same bytes, always. These bytes are what is signed, hashed and stored.
///
/// # Errors
/// See [`EncodeError`].
pub fn encode(envelope: &Envelope, data: &EventData) -> Result<Vec<u8>, EncodeError> {
    let mut body = Vec::with_capacity(1024);
    encode_into(envelope, data, &mut body)?;
    Ok(body)
}

/// [`encode`] into a buffer that is emptied first, for callers that write many events.
///
/// # Errors
/// See [`EncodeError`].
pub fn encode_into(envelope: &Envelope, data: &EventData, body: &mut Vec<u8>) -> Result<(), EncodeError> {
    envelope.decided().map_or(Ok(()), Decided::check)?;
    body.clear();
    let document = Document::new(envelope, data);
    serde_json::to_writer(&mut *body, &document).map_err(EncodeError::Json)?;
    if body.len() > BODY_BYTES_MAX {
        return Err(EncodeError::TooLarge {
            bytes: body.len(),
            bytes_max: BODY_BYTES_MAX,
        });
    }
    Ok(())
}

/// The envelope's layout: field order is byte order.
#[derive(Serialize)]
struct Document<'a> {
    specversion: &'static str,
    id: &'a str,
    source: &'a str,
    #[serde(rename = "type")]
    type_: &'static str,
    subject: &'a str,
    time: Moment<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    recordedtime: Option<Moment<'a>>,
    datacontenttype: &'static str,
    dataschema: &'static str,
    correlationid: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    causationid: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sequence: Option<String>,
    partitionkey: &'a str,
    pbmode: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pbprev: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pbcmd: Option<&'a str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pbsimulated: bool,
    data: Payload<'a>,
}

/// A moment in UTC, with as many digits of fraction as it has.
struct Moment<'a>(&'a Timestamp);

/// The payload of an event, written without the name of its kind.
struct Payload<'a>(&'a EventData);

impl<'a> Document<'a> {
    fn new(envelope: &'a Envelope, data: &'a EventData) -> Self {
        let schema = Schema::current(data.kind());
        let decided = envelope.decided();
        Self {
            specversion: "1.0",
            id: envelope.id.as_str(),
            source: envelope.source.as_str(),
            type_: schema.type_,
            subject: envelope.case.as_str(),
            time: Moment(&envelope.occurred_at),
            recordedtime: envelope.recorded_at.as_ref().map(Moment),
            datacontenttype: "application/json",
            dataschema: schema.urn,
            correlationid: envelope.correlation.as_str(),
            causationid: envelope.causation.as_ref().map(EventId::as_str),
            sequence: decided.map(|decided| format!("{:010}", decided.sequence)),
            partitionkey: envelope.port.as_str(),
            pbmode: envelope.mode.name(),
            pbprev: decided
                .and_then(|decided| decided.prev.as_ref())
                .map(Digest::as_str),
            pbcmd: decided.map(|decided| decided.command.as_str()),
            pbsimulated: envelope.simulated,
            data: Payload(data),
        }
    }
}

impl Serialize for Moment<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self.0)
    }
}

impl Serialize for Payload<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            EventData::ApplicationSubmitted(data) => data.serialize(serializer),
            EventData::ApplicationClosed(data) => data.serialize(serializer),
            EventData::PaperworkQueried(data) => data.serialize(serializer),
            EventData::PaperworkAnswered(data) => data.serialize(serializer),
            EventData::LicenseGranted(data) => data.serialize(serializer),
            EventData::LicenseChanged(data) => data.serialize(serializer),
            EventData::ShipmentDeclared(data) => data.serialize(serializer),
            EventData::ShipmentCleared(data) => data.serialize(serializer),
            EventData::ShipmentClosed(data) => data.serialize(serializer),
            EventData::RecordCorrected(data) => data.serialize(serializer),
            EventData::RecordAnnulled(data) => data.serialize(serializer),
        }
    }
}
