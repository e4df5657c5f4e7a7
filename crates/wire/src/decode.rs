//! The one way from an event's bytes to its value: parse, lift to the current version, read the type.

mod quick;

use std::{fmt, str::FromStr};

use jiff::Timestamp;
use portbook_domain::{CaseId, Event, EventData, EventKind, InvalidText};
use serde::{Deserialize, Deserializer};

use crate::{
    BODY_BYTES_MAX,
    envelope::{Decided, Envelope, Mode, SequenceError},
    json::{JsonError, JsonRule, Node, Object, Spelled, Spelling, Typed},
    moment::{DATE_RULE, UTC_RULE, parse_date, parse_utc},
    schema::{Schema, is_schema_urn},
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
    match quick::decode(upcasts, body) {
        Some(read) => Ok(read),
        None => decode_whole(upcasts, body),
    }
}

/// Reads the whole document before any of it is looked at: of several errors the same one is always told.
fn decode_whole(upcasts: &Upcasts, body: &[u8]) -> Result<(Envelope, Event), DecodeError> {
    let mut attributes = Node::parse(body, BODY_BYTES_MAX)?.into_object()?;
    let (kind, version) = read_type(upcasts, &attributes)?;
    let envelope = read_envelope(&attributes, kind, version)?;
    let data = required("data", attributes.remove("data"))?;
    let data = data.into_object().map_err(|error| error.within("data"))?;
    let data = upcasts
        .lift(kind, version, data)
        .map_err(|error| error.within("data"))?;
    let data = read_data(kind, data).map_err(|error| error.within("data"))?;
    Ok(with_event(envelope, data))
}

fn with_event(envelope: Envelope, data: EventData) -> (Envelope, Event) {
    let event = Event {
        case: envelope.case.clone(),
        id: envelope.id.clone(),
        occurred_at: envelope.occurred_at,
        data,
    };
    (envelope, event)
}

/// The members of the envelope, read by name.
trait Attributes {
    fn text(&self, name: &str) -> Result<Option<&str>, JsonError>;

    fn flag(&self, name: &str) -> Result<bool, JsonError>;

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

    fn constant(&self, name: &str, value: &'static str) -> Result<(), JsonError> {
        match self.text(name)? {
            Some(text) if text != value => Err(grammar(name, value, text)),
            Some(_) | None => Ok(()),
        }
    }
}

impl Attributes for Object<'_> {
    fn text(&self, name: &str) -> Result<Option<&str>, JsonError> {
        let Some(node) = self.get(name) else {
            return Ok(None);
        };
        match node.as_text() {
            Some(text) => Ok(Some(text)),
            None => Err(JsonError::wrong_kind(name, "a text", node)),
        }
    }

    fn flag(&self, name: &str) -> Result<bool, JsonError> {
        match self.get(name) {
            None => Ok(false),
            Some(Node::Bool(value)) => Ok(*value),
            Some(node @ (Node::Integer(_) | Node::Text(_) | Node::List(_) | Node::Object(_))) => {
                Err(JsonError::wrong_kind(name, "true or false", node))
            }
        }
    }
}

fn read_type(upcasts: &Upcasts, attributes: &impl Attributes) -> Result<(EventKind, u16), DecodeError> {
    let text = required("type", attributes.text("type")?)?;
    let published = Schema::ALL.iter().find(|schema| schema.type_ == text);
    let known = match published {
        Some(schema) => Some((schema.kind, schema.version)),
        None => {
            split_versioned(text).and_then(|(name, version)| Some((EventKind::from_name(name)?, version)))
        }
    };
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
    attributes: &impl Attributes,
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

fn read_mode(attributes: &impl Attributes) -> Result<Mode, DecodeError> {
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
    for (field, spelling) in spelled(kind) {
        match data.get(field).and_then(Node::as_text) {
            Some(text) if !(spelling.holds)(text) => return Err(grammar(field, spelling.rule, text)),
            Some(_) | None => {}
        }
    }
    read_typed(kind, Typed(&Node::Object(data)))
}

fn read_typed<'de, D: Deserializer<'de>>(kind: EventKind, data: D) -> Result<EventData, D::Error> {
    Ok(match kind {
        EventKind::ApplicationSubmitted => EventData::ApplicationSubmitted(Deserialize::deserialize(data)?),
        EventKind::ApplicationClosed => EventData::ApplicationClosed(Deserialize::deserialize(data)?),
        EventKind::PaperworkQueried => EventData::PaperworkQueried(Deserialize::deserialize(data)?),
        EventKind::PaperworkAnswered => EventData::PaperworkAnswered(Deserialize::deserialize(data)?),
        EventKind::LicenseGranted => EventData::LicenseGranted(Deserialize::deserialize(data)?),
        EventKind::LicenseChanged => EventData::LicenseChanged(Deserialize::deserialize(data)?),
        EventKind::ShipmentDeclared => EventData::ShipmentDeclared(Deserialize::deserialize(data)?),
        EventKind::ShipmentCleared => EventData::ShipmentCleared(Deserialize::deserialize(data)?),
        EventKind::ShipmentClosed => EventData::ShipmentClosed(Deserialize::deserialize(data)?),
        EventKind::RecordCorrected => EventData::RecordCorrected(Deserialize::deserialize(data)?),
        EventKind::RecordAnnulled => EventData::RecordAnnulled(Deserialize::deserialize(data)?),
    })
}

/// The moments and days of a payload: each has one spelling, where the types that read them take several.
fn spelled(kind: EventKind) -> Spelled {
    const DATE: Spelling = Spelling {
        rule: DATE_RULE,
        holds: |text| parse_date(text).is_some(),
    };
    const UTC: Spelling = Spelling {
        rule: UTC_RULE,
        holds: |text| parse_utc(text).is_some(),
    };
    match kind {
        EventKind::PaperworkQueried => &[("reply_due", DATE)],
        EventKind::LicenseGranted => &[("valid_from", DATE), ("valid_until", DATE)],
        EventKind::LicenseChanged => &[("effective_at", UTC)],
        EventKind::ApplicationSubmitted
        | EventKind::ApplicationClosed
        | EventKind::PaperworkAnswered
        | EventKind::ShipmentDeclared
        | EventKind::ShipmentCleared
        | EventKind::ShipmentClosed
        | EventKind::RecordCorrected
        | EventKind::RecordAnnulled => &[],
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

#[cfg(test)]
mod tests;
