//! Checked texts and quantities: the only place where their grammars are written down.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::event::QueryStage;

/// A text that does not follow the grammar of the field it was offered for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} must be {rule}, found {found:?}")]
pub struct InvalidText {
    /// The kind of identifier, in words a user knows.
    pub what: &'static str,
    /// Its grammar.
    pub rule: &'static str,
    /// What was offered, cut to 80 characters.
    pub found: String,
}

/// Declares a text newtype that can only be built through its grammar.
macro_rules! checked_text {
    ($(#[$doc:meta])* $name:ident, $what:literal, $rule:literal, $check:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Box<str>);

        impl $name {
            /// Checks `text` against the grammar.
            ///
            /// # Errors
            /// [`InvalidText`] names the grammar and quotes the text.
            pub fn new(text: &str) -> Result<Self, InvalidText> {
                let accepts: fn(&str) -> bool = $check;
                if accepts(text) {
                    Ok(Self(text.into()))
                } else {
                    Err(InvalidText { what: $what, rule: $rule, found: text.chars().take(80).collect() })
                }
            }

            /// The text as it was written.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidText;
            fn try_from(text: String) -> Result<Self, InvalidText> {
                Self::new(&text)
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.0.into()
            }
        }

        impl std::str::FromStr for $name {
            type Err = InvalidText;
            fn from_str(text: &str) -> Result<Self, InvalidText> {
                Self::new(text)
            }
        }
    };
}

checked_text!(
    /// One export-licence application and all that follows; also the last token of its NATS subject.
    CaseId, "case id", "1 to 64 characters of A-Z a-z 0-9 _ -",
    |t| (1..=64).contains(&t.len()) && t.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
);
checked_text!(
    /// A customs port as UN/LOCODE, for example `CNNBG`.
    PortCode, "port", "a UN/LOCODE: two letters, then three of A-Z 2-9",
    |t| t.len() == 5
        && t.bytes().take(2).all(|b| b.is_ascii_uppercase())
        && t.bytes().skip(2).all(|b| b.is_ascii_uppercase() || (b'2'..=b'9').contains(&b))
);
checked_text!(
    /// ISO 3166-1 alpha-2 code of a country (`NA` is Namibia).
    CountryCode, "country", "an ISO 3166-1 alpha-2 code",
    |t| t.len() == 2 && t.bytes().all(|b| b.is_ascii_uppercase())
);
checked_text!(
    /// Harmonized System commodity code, national digits included.
    HsCode, "hs", "6 to 10 digits",
    |t| (6..=10).contains(&t.len()) && t.bytes().all(|b| b.is_ascii_digit())
);
checked_text!(
    /// Entry of the control list, for example `1C905.a`.
    ControlCode, "control code", "1 to 16 characters of A-Z a-z 0-9 . -",
    |t| (1..=16).contains(&t.len()) && t.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.' || b == b'-')
);
checked_text!(
    /// Symbol of a chemical element, for example `Dy`.
    Element, "element", "a capital letter and at most one small letter",
    |t| matches!(t.as_bytes(), [first] if first.is_ascii_uppercase())
        || matches!(t.as_bytes(), [first, second] if first.is_ascii_uppercase() && second.is_ascii_lowercase())
);
checked_text!(
    /// Number of an export licence.
    LicenseNo, "license number", "1 to 32 printable characters without spaces",
    |t| (1..=32).contains(&t.len()) && t.bytes().all(|b| b.is_ascii_graphic())
);
checked_text!(
    /// Number of a customs declaration as written (18 digits in China; other shapes are kept and become findings).
    DeclarationNo, "declaration number", "1 to 32 printable characters without spaces",
    |t| (1..=32).contains(&t.len()) && t.bytes().all(|b| b.is_ascii_graphic())
);
checked_text!(
    /// Names one paperwork query within its case.
    QueryId, "query id", "1 to 64 printable characters without spaces",
    |t| (1..=64).contains(&t.len()) && t.bytes().all(|b| b.is_ascii_graphic())
);
checked_text!(
    /// Chosen by the caller of a command; the same id gives the same answer for ever.
    CommandId, "command id", "1 to 64 characters of A-Z a-z 0-9 _ -",
    |t| (1..=64).contains(&t.len()) && t.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
);
checked_text!(
    /// SHA-256 in lower-case hexadecimal.
    Digest, "digest", "64 lower-case hexadecimal digits",
    |t| t.len() == 64 && t.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
);
checked_text!(
    /// Identity of an event: a UUID in lower-case hyphenated form.
    EventId, "event id", "a UUID in lower-case hyphenated form",
    |t| t.len() == 36
        && t.bytes().enumerate().all(|(at, b)| match at {
            8 | 13 | 18 | 23 => b == b'-',
            _ => b.is_ascii_digit() || (b'a'..=b'f').contains(&b),
        })
);
checked_text!(
    /// Free text of a source: a reason, an authority, an end use.
    Text, "text", "1 to 500 characters without control characters",
    |t| !t.is_empty() && t.chars().count() <= 500 && !t.chars().any(char::is_control)
);

impl QueryId {
    /// The name of a query nobody named: `licensing-<round>` or `customs-<declaration number>-<round>`.
    #[must_use]
    pub fn of_round(stage: QueryStage, declaration_no: Option<&DeclarationNo>, round: u16) -> Self {
        let stage = stage.word();
        Self(match declaration_no {
            Some(declaration_no) => format!("{stage}-{declaration_no}-{round}").into(),
            None => format!("{stage}-{round}").into(),
        })
    }
}

/// A mass in whole grams, at most 2^53 - 1 so that every JSON reader keeps it exact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(try_from = "u64", into = "u64")]
pub struct Grams(u64);

impl Grams {
    /// The largest mass an event can carry.
    pub const MAX: Self = Self((1 << 53) - 1);
    /// No mass.
    pub const ZERO: Self = Self(0);

    /// Checks that `grams` stays exact in every JSON reader.
    ///
    /// # Errors
    /// [`InvalidText`] when it is larger than [`Grams::MAX`].
    pub fn new(grams: u64) -> Result<Self, InvalidText> {
        if grams <= Self::MAX.0 {
            Ok(Self(grams))
        } else {
            Err(InvalidText {
                what: "mass in grams",
                rule: "at most 9007199254740991",
                found: grams.to_string(),
            })
        }
    }

    /// The number of grams.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl fmt::Display for Grams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl TryFrom<u64> for Grams {
    type Error = InvalidText;
    fn try_from(grams: u64) -> Result<Self, InvalidText> {
        Self::new(grams)
    }
}

impl From<Grams> for u64 {
    fn from(value: Grams) -> Self {
        value.0
    }
}
