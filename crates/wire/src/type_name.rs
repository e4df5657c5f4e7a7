//! Names of event types, known to this build or not.

use std::fmt;

use portbook_domain::{EventKind, InvalidText};
use serde::{Deserialize, Serialize};

const RULE: &str = "<entity>.<verb>, each 1 to 32 characters of a-z 0-9 _ beginning with a letter";

/// `<entity>.<verb>`, for example `license.granted`. It may name a type this build does not know.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TypeName(Box<str>);

impl TypeName {
    /// Checks `text` against the grammar.
    ///
    /// # Errors
    /// [`InvalidText`] names the grammar and quotes the text.
    pub fn new(text: &str) -> Result<Self, InvalidText> {
        if is_type_name(text) {
            Ok(Self(text.into()))
        } else {
            Err(InvalidText {
                what: "event type",
                rule: RULE,
                found: text.chars().take(80).collect(),
            })
        }
    }

    /// The name as published, without `portbook.` and version.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The kind it names, if this build knows it.
    #[must_use]
    pub fn kind(&self) -> Option<EventKind> {
        EventKind::from_name(&self.0)
    }
}

impl From<EventKind> for TypeName {
    fn from(kind: EventKind) -> Self {
        Self(kind.name().into())
    }
}

impl TryFrom<String> for TypeName {
    type Error = InvalidText;
    fn try_from(text: String) -> Result<Self, InvalidText> {
        Self::new(&text)
    }
}

impl From<TypeName> for String {
    fn from(name: TypeName) -> Self {
        name.0.into()
    }
}

impl fmt::Display for TypeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Splits `portbook.<entity>.<verb>.v<n>` into name and version; [`None`] when it is anything else.
#[must_use]
pub(crate) fn split_versioned(text: &str) -> Option<(&str, u16)> {
    let (name, version) = text.strip_prefix("portbook.")?.rsplit_once(".v")?;
    let canonical = !version.starts_with('0') && version.bytes().all(|b| b.is_ascii_digit());
    if !canonical || !is_type_name(name) {
        return None;
    }
    Some((name, version.parse().ok()?))
}

pub(crate) fn is_type_name(text: &str) -> bool {
    text.split_once('.')
        .is_some_and(|(entity, verb)| is_word(entity) && is_word(verb))
}

fn is_word(text: &str) -> bool {
    (1..=32).contains(&text.len())
        && text.bytes().next().is_some_and(|b| b.is_ascii_lowercase())
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_known_kind_is_a_type_name() {
        for &kind in EventKind::ALL {
            assert_eq!(TypeName::new(kind.name()).unwrap(), TypeName::from(kind));
            assert_eq!(TypeName::from(kind).kind(), Some(kind));
        }
    }

    #[test]
    fn a_versioned_type_has_one_spelling() {
        assert_eq!(
            split_versioned("portbook.license.granted.v1"),
            Some(("license.granted", 1))
        );
        assert_eq!(
            split_versioned("portbook.future.kind_2.v65535"),
            Some(("future.kind_2", 65535))
        );
        for wrong in [
            "license.granted.v1",
            "portbook.license.granted",
            "portbook.license.granted.v0",
            "portbook.license.granted.v01",
            "portbook.license.granted.v+1",
            "portbook.license.granted.v65536",
            "portbook.license.v1",
            "portbook.License.granted.v1",
            "portbook.license.granted.early.v1",
            "portbook.2license.granted.v1",
            "portbook..granted.v1",
        ] {
            assert_eq!(split_versioned(wrong), None, "{wrong}");
        }
    }
}
