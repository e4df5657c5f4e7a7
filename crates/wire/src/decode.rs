//! The one way from an event's bytes to its value: parse, lift to the current version, read the type.

use std::{fmt, str::FromStr};

use jiff::Timestamp;
use portbook_domain::{CaseId, Event, EventData, EventKind, InvalidText};

use crate::{
    BODY_BYTES_MAX,
    envelope::{Decided, Envelope, Mode, SequenceError},
    json::{JsonError, JsonRule, Node, Object, from_node},
    moment::{DATE_RULE, UTC_RULE, parse_date, parse_utc},
    schema::is_schema_urn,
    type_name::split_versioned,
    upcast::{PUBLISHED, Upcasts},
};

/// An event that cannot be read. The ledger keeps it all the same; views park its case.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The document breaks a rule.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// This build does not know the type.
    #[error("/type: this build does not know {found:?}")]
    UnknownType {
        /// The type as written, cut to 80 characters.
        found: String,
    },
    /// This build knows the type, but not in this version.
    #[error("/type: this build reads {} up to version {newest}, found {found}", kind.name())]
    UnknownVersion {
        /// The kind of event.
        kind: EventKind,
        /// The version found.
        found: u16,
        /// The newest version known.
        newest: u16,
    },
    /// An observed event claims a place in the history of its case, or a decided one claims none.
    #[error("/{attribute}: {} event", if *.decided { "missing from an authoritative" } else { "cannot stand in an observed" })]
    ModeMismatch {
        /// The attribute.
        attribute: &'static str,
        /// Whether the event says it is authoritative.
        decided: bool,
    },
    /// Version and previous event do not fit together.
    #[error("/sequence: {0}")]
    Sequence(#[from] SequenceError),
}

/// Reads one event.
///
/// Attributes and fields that are not known are accepted and stay in the bytes. Every version ever published is read.
/// Equal bytes give equal answers.
///
/// # Errors
/// [`DecodeError`] names the JSON pointer and the rule.
pub fn decode_event(body: &[u8]) -> Result<(Envelope, Event), DecodeError> {
    decode_with(&PUBLISHED, body)
}

pub(crate) fn decode_with(upcasts: &Upcasts, body: &[u8]) -> Result<(Envelope, Event), DecodeError> {
    let mut attributes = Attributes(Node::parse(body, BODY_BYTES_MAX)?.into_object()?);
    let (kind, version) = read_type(upcasts, &attributes)?;
    let envelope = read_envelope(&attributes, kind, version)?;
    let data = attributes.take_data()?;
    let data = upcasts
        .lift(kind, version, data)
        .map_err(|error| error.within("data"))?;
    let data = read_data(kind, data).map_err(|error| error.within("data"))?;
    let event = Event {
        case: envelope.case.clone(),
        id: envelope.id.clone(),
        occurred_at: envelope.occurred_at,
        data,
    };
    Ok((envelope, event))
}

/// The members of the envelope, read by name.
struct Attributes<'a>(Object<'a>);

impl<'a> Attributes<'a> {
    fn text(&self, name: &str) -> Result<Option<&str>, JsonError> {
        let Some(node) = self.0.get(name) else {
            return Ok(None);
        };
        match node.as_text() {
            Some(text) => Ok(Some(text)),
            None => Err(JsonError::wrong_kind(name, "a text", node)),
        }
    }

    fn parsed<T: FromStr<Err = InvalidText>>(&self, name: &str) -> Result<Option<T>, JsonError> {
        let refused = |error: InvalidText| {
            JsonError::at(
                name,
                JsonRule::Grammar {
                    grammar: error.to_string(),
                },
            )
        };
        self.text(name)?
            .map(|text| text.parse().map_err(refused))
            .transpose()
    }

    fn moment(&self, name: &str) -> Result<Option<Timestamp>, JsonError> {
        let read = |text| parse_utc(text).ok_or_else(|| grammar(name, UTC_RULE, text));
        self.text(name)?.map(read).transpose()
    }

    /// Ten digits; the range is [`Decided::check`]'s business.
    fn sequence(&self) -> Result<Option<u64>, JsonError> {
        let read = |text: &str| {
            let digits = text.len() == 10 && text.bytes().all(|b| b.is_ascii_digit());
            let value = if digits { text.parse().ok() } else { None };
            value.ok_or_else(|| grammar("sequence", "ten digits", text))
        };
        self.text("sequence")?.map(read).transpose()
    }

    fn flag(&self, name: &str) -> Result<bool, JsonError> {
        match self.0.get(name) {
            None => Ok(false),
            Some(Node::Bool(value)) => Ok(*value),
            Some(node @ (Node::Integer(_) | Node::Text(_) | Node::List(_) | Node::Object(_))) => {
                Err(JsonError::wrong_kind(name, "true or false", node))
            }
        }
    }

    fn constant(&self, name: &str, value: &'static str) -> Result<(), JsonError> {
        match self.text(name)? {
            Some(text) if text != value => Err(grammar(name, value, text)),
            Some(_) | None => Ok(()),
        }
    }

    fn take_data(&mut self) -> Result<Object<'a>, JsonError> {
        let data = required("data", self.0.remove("data"))?;
        data.into_object().map_err(|error| error.within("data"))
    }
}

fn read_type(upcasts: &Upcasts, attributes: &Attributes<'_>) -> Result<(EventKind, u16), DecodeError> {
    let text = required("type", attributes.text("type")?)?;
    let known =
        split_versioned(text).and_then(|(name, version)| Some((EventKind::from_name(name)?, version)));
    let (kind, found) = known.ok_or_else(|| DecodeError::UnknownType {
        found: text.chars().take(80).collect(),
    })?;
    if upcasts.can_read(kind, found) {
        Ok((kind, found))
    } else {
        Err(DecodeError::UnknownVersion {
            kind,
            found,
            newest: upcasts.current(kind),
        })
    }
}

fn read_envelope(
    attributes: &Attributes<'_>,
    kind: EventKind,
    version: u16,
) -> Result<Envelope, DecodeError> {
    required("specversion", attributes.text("specversion")?)?;
    attributes.constant("specversion", "1.0")?;
    attributes.constant("datacontenttype", "application/json")?;
    if let Some(urn) = attributes.text("dataschema")?
        && !is_schema_urn(urn, kind, version)
    {
        return Err(grammar("dataschema", "the URN of a schema of this type and version", urn).into());
    }
    let case: CaseId = required("subject", attributes.parsed("subject")?)?;
    Ok(Envelope {
        id: required("id", attributes.parsed("id")?)?,
        source: required("source", attributes.parsed("source")?)?,
        occurred_at: required("time", attributes.moment("time")?)?,
        recorded_at: attributes.moment("recordedtime")?,
        correlation: attributes
            .parsed("correlationid")?
            .unwrap_or_else(|| case.clone()),
        causation: attributes.parsed("causationid")?,
        port: required("partitionkey", attributes.parsed("partitionkey")?)?,
        mode: read_mode(attributes)?,
        simulated: attributes.flag("pbsimulated")?,
        case,
    })
}

fn read_mode(attributes: &Attributes<'_>) -> Result<Mode, DecodeError> {
    let sequence = attributes.sequence()?;
    let prev = attributes.parsed("pbprev")?;
    let command = attributes.parsed("pbcmd")?;
    match required("pbmode", attributes.text("pbmode")?)? {
        "authoritative" => {
            let missing = |attribute| DecodeError::ModeMismatch {
                attribute,
                decided: true,
            };
            let sequence = sequence.ok_or_else(|| missing("sequence"))?;
            let command = command.ok_or_else(|| missing("pbcmd"))?;
            let decided = Decided {
                sequence,
                prev,
                command,
            };
            decided.check()?;
            Ok(Mode::Authoritative(decided))
        }
        "observed" => {
            let stray = [
                ("sequence", sequence.is_some()),
                ("pbprev", prev.is_some()),
                ("pbcmd", command.is_some()),
            ];
            match stray.into_iter().find(|(_, present)| *present) {
                Some((attribute, _)) => Err(DecodeError::ModeMismatch {
                    attribute,
                    decided: false,
                }),
                None => Ok(Mode::Observed),
            }
        }
        other => Err(grammar("pbmode", "authoritative or observed", other).into()),
    }
}

fn read_data(kind: EventKind, data: Object<'_>) -> Result<EventData, JsonError> {
    check_moments(kind, &data)?;
    let data = &Node::Object(data);
    Ok(match kind {
        EventKind::ApplicationSubmitted => EventData::ApplicationSubmitted(from_node(data)?),
        EventKind::ApplicationClosed => EventData::ApplicationClosed(from_node(data)?),
        EventKind::PaperworkQueried => EventData::PaperworkQueried(from_node(data)?),
        EventKind::PaperworkAnswered => EventData::PaperworkAnswered(from_node(data)?),
        EventKind::LicenseGranted => EventData::LicenseGranted(from_node(data)?),
        EventKind::LicenseChanged => EventData::LicenseChanged(from_node(data)?),
        EventKind::ShipmentDeclared => EventData::ShipmentDeclared(from_node(data)?),
        EventKind::ShipmentCleared => EventData::ShipmentCleared(from_node(data)?),
        EventKind::ShipmentClosed => EventData::ShipmentClosed(from_node(data)?),
        EventKind::RecordCorrected => EventData::RecordCorrected(from_node(data)?),
        EventKind::RecordAnnulled => EventData::RecordAnnulled(from_node(data)?),
    })
}

/// Holds the moments and days of a payload to one spelling; the types that read them take several.
fn check_moments(kind: EventKind, data: &Object<'_>) -> Result<(), JsonError> {
    let is_utc = |text: &str| parse_utc(text).is_some();
    let is_date = |text: &str| parse_date(text).is_some();
    match kind {
        EventKind::PaperworkQueried => check_text(data, "reply_due", DATE_RULE, is_date),
        EventKind::LicenseGranted => {
            check_text(data, "valid_from", DATE_RULE, is_date)?;
            check_text(data, "valid_until", DATE_RULE, is_date)
        }
        EventKind::LicenseChanged => check_text(data, "effective_at", UTC_RULE, is_utc),
        EventKind::ApplicationSubmitted
        | EventKind::ApplicationClosed
        | EventKind::PaperworkAnswered
        | EventKind::ShipmentDeclared
        | EventKind::ShipmentCleared
        | EventKind::ShipmentClosed
        | EventKind::RecordCorrected
        | EventKind::RecordAnnulled => Ok(()),
    }
}

fn check_text(
    data: &Object<'_>,
    field: &str,
    rule: &'static str,
    holds: fn(&str) -> bool,
) -> Result<(), JsonError> {
    match data.get(field).and_then(Node::as_text) {
        Some(text) if !holds(text) => Err(grammar(field, rule, text)),
        Some(_) | None => Ok(()),
    }
}

fn required<T>(field: &str, value: Option<T>) -> Result<T, JsonError> {
    value.ok_or_else(|| {
        JsonError::document(JsonRule::Missing {
            field: field.to_owned(),
        })
    })
}

fn grammar(field: &str, rule: impl fmt::Display, found: &str) -> JsonError {
    let found: String = found.chars().take(80).collect();
    JsonError::at(
        field,
        JsonRule::Grammar {
            grammar: format!("expected {rule}, found {found:?}"),
        },
    )
}
