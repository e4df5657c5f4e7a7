//! Who states an event.

use std::fmt;
use std::sync::Arc;

use portbook_domain::InvalidText;
use serde::{Deserialize, Serialize};

const SERVICE_PREFIX: &str = "urn:portbook:svc:";
const FEED_PREFIX: &str = "urn:portbook:src:";
const RULE: &str =
    "urn:portbook:svc:<name> or urn:portbook:src:<name>, name of 1 to 64 characters of a-z 0-9 - _";

/// The origin of events: `urn:portbook:svc:licensing` for a service, `urn:portbook:src:<name>` for an outside source.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Source(Arc<str>);

impl Source {
    /// Checks a whole URN.
    ///
    /// # Errors
    /// [`InvalidText`] names the grammar and quotes the text.
    pub fn new(urn: &str) -> Result<Self, InvalidText> {
        if is_source(urn) {
            Ok(Self(urn.into()))
        } else {
            Err(InvalidText {
                what: "source",
                rule: RULE,
                found: urn.chars().take(80).collect(),
            })
        }
    }

    /// The source of a service that decides for an authority.
    ///
    /// # Errors
    /// [`InvalidText`] when `name` does not fit into the URN.
    pub fn service(name: &str) -> Result<Self, InvalidText> {
        Self::new(&format!("{SERVICE_PREFIX}{name}"))
    }

    /// The source of imported, observed facts.
    ///
    /// # Errors
    /// [`InvalidText`] when `name` does not fit into the URN.
    pub fn outside(name: &str) -> Result<Self, InvalidText> {
        Self::new(&format!("{FEED_PREFIX}{name}"))
    }

    /// The URN.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Source {
    type Error = InvalidText;
    fn try_from(text: String) -> Result<Self, InvalidText> {
        Self::new(&text)
    }
}

impl From<Source> for String {
    fn from(source: Source) -> Self {
        source.as_str().to_owned()
    }
}

impl std::str::FromStr for Source {
    type Err = InvalidText;
    fn from_str(text: &str) -> Result<Self, InvalidText> {
        Self::new(text)
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The grammar of [`Source`]; part of the frozen rule of [`crate::read_head`].
pub(crate) fn is_source(text: &str) -> bool {
    text.strip_prefix(SERVICE_PREFIX)
        .or_else(|| text.strip_prefix(FEED_PREFIX))
        .is_some_and(|name| {
            (1..=64).contains(&name.len())
                && name
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_')
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_two_families_are_sources() {
        assert_eq!(
            Source::service("licensing").unwrap().as_str(),
            "urn:portbook:svc:licensing"
        );
        assert_eq!(
            Source::outside("scenario_2025").unwrap().as_str(),
            "urn:portbook:src:scenario_2025"
        );
        assert!(Source::outside(&"a".repeat(64)).is_ok());
        for wrong in [
            "",
            "urn:portbook:src:",
            "urn:portbook:app:x",
            "urn:portbook:svc:A",
            "urn:portbook:src:a b",
        ] {
            assert!(Source::new(wrong).is_err(), "{wrong}");
        }
        assert!(Source::outside(&"a".repeat(65)).is_err());
    }
}
