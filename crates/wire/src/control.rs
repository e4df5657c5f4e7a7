//! Control messages: what governs a ledger, written into the ledger.
//!
//! Their bodies are plain JSON with `kind` and `v`. A control record that a replay needs (aliases, seals, keys) is read
//! from the stream alone, so a message says everything itself and refers to nothing outside.

mod body;
mod field;

pub use body::{
    EpochDeclared, ErasureNoticed, KeyRegistered, KeyRevoked, KeyRotated, LedgerOpened, ReferencePublished,
    SealRequested, SourceStated,
};
pub use field::{KeyId, KeyRole, ModeName, PortAliases, PublicKey, Signature};

pub use crate::subject::ControlKind;
use crate::{
    BODY_BYTES_MAX,
    json::{JsonError, JsonRule, Node, Object, from_node},
};
use serde::{Serialize, Serializer, ser::SerializeMap as _};

/// The version of control bodies this build writes and reads.
const VERSION: i64 = 1;

/// A control message that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ControlError {
    /// The subject belongs to no control message.
    #[error("{subject:?} is not the subject of a control message")]
    UnknownSubject {
        /// The subject, cut to 80 characters.
        subject: String,
    },
    /// The body says it is of another kind than its subject.
    #[error("/kind: the subject is for {expected:?}, the body says {found:?}")]
    KindMismatch {
        /// The kind of the subject.
        expected: &'static str,
        /// The kind in the body, cut to 80 characters.
        found: String,
    },
    /// The body is of a version this build does not read.
    #[error("/v: this build reads version {VERSION}, found {found}")]
    UnknownVersion {
        /// The version found.
        found: i64,
    },
    /// The body breaks a rule.
    #[error(transparent)]
    Json(#[from] JsonError),
}

/// Declares the bodies once: kind and type.
macro_rules! controls {
    ($($kind:ident($body:ident),)*) => {
        /// A control message.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum Control {
            $(#[doc = concat!("See [`", stringify!($body), "`].")] $kind($body),)*
        }

        impl Control {
            /// Its kind, which is also its subject.
            #[must_use]
            pub const fn kind(&self) -> ControlKind {
                match self { $(Self::$kind(_) => ControlKind::$kind,)* }
            }
        }

        $(impl From<$body> for Control {
            fn from(body: $body) -> Self {
                Self::$kind(body)
            }
        })*

        fn read_body(kind: ControlKind, body: &Node<'_>) -> Result<Control, JsonError> {
            match kind { $(ControlKind::$kind => from_node(body).map(Control::$kind),)* }
        }

        impl Serialize for Control {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let mut map = serializer.serialize_map(Some(3))?;
                map.serialize_entry("kind", self.kind().name())?;
                map.serialize_entry("v", &VERSION)?;
                match self { $(Self::$kind(body) => map.serialize_entry("body", body)?,)* }
                map.end()
            }
        }
    };
}

controls! {
    LedgerOpened(LedgerOpened),
    Seal(SealRequested),
    KeyRegistered(KeyRegistered),
    KeyRotated(KeyRotated),
    KeyRevoked(KeyRevoked),
    ReferencePublished(ReferencePublished),
    SourceStated(SourceStated),
    EpochDeclared(EpochDeclared),
    ErasureNoticed(ErasureNoticed),
}

/// Reads a control message published on `subject`.
///
/// # Errors
/// [`ControlError`] names the JSON pointer and the rule. Fields that are not known are refused: a control message
/// decides how others are recorded, so nothing in it may be overlooked.
pub fn parse_control(subject: &str, body: &[u8]) -> Result<Control, ControlError> {
    let kind = ControlKind::from_subject(subject).ok_or_else(|| ControlError::UnknownSubject {
        subject: subject.chars().take(80).collect(),
    })?;
    let mut document = Node::parse(body, BODY_BYTES_MAX)?.into_object()?;
    check_kind(kind, &take(&mut document, "kind")?)?;
    check_version(&take(&mut document, "v")?)?;
    let content = take(&mut document, "body")?;
    match document.by_name().next() {
        Some((name, _)) => Err(JsonError::document(JsonRule::UnknownField {
            field: name.as_ref().to_owned(),
        })
        .into()),
        None => Ok(read_body(kind, &content).map_err(|error| error.within("body"))?),
    }
}

/// Writes a control message: one compact JSON document, fields in the order of docs/events.md.
///
/// # Errors
/// [`JsonError`] when the message would be longer than a message may be.
pub fn encode_control(control: &Control) -> Result<Vec<u8>, JsonError> {
    let body = serde_json::to_vec(control).map_err(|error| {
        JsonError::document(JsonRule::Grammar {
            grammar: error.to_string(),
        })
    })?;
    if body.len() > BODY_BYTES_MAX {
        return Err(JsonError::document(JsonRule::TooLarge {
            bytes: body.len(),
            bytes_max: BODY_BYTES_MAX,
        }));
    }
    Ok(body)
}

fn take<'a>(document: &mut Object<'a>, name: &str) -> Result<Node<'a>, JsonError> {
    document.remove(name).ok_or_else(|| {
        JsonError::document(JsonRule::Missing {
            field: name.to_owned(),
        })
    })
}

fn check_kind(kind: ControlKind, node: &Node<'_>) -> Result<(), ControlError> {
    match node.as_text() {
        Some(name) if name == kind.name() => Ok(()),
        Some(name) => Err(ControlError::KindMismatch {
            expected: kind.name(),
            found: name.chars().take(80).collect(),
        }),
        None => Err(JsonError::wrong_kind("kind", "a text", node).into()),
    }
}

fn check_version(node: &Node<'_>) -> Result<(), ControlError> {
    match node {
        Node::Integer(VERSION) => Ok(()),
        Node::Integer(found) => Err(ControlError::UnknownVersion { found: *found }),
        Node::Bool(_) | Node::Text(_) | Node::List(_) | Node::Object(_) => {
            Err(JsonError::wrong_kind("v", "an integer", node).into())
        }
    }
}
