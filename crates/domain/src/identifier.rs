//! Checked texts and quantities: the only place where their grammars are written down.

use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self, Visitor},
};
use smol_str::SmolStr;

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

/// Reads a checked text out of whatever text a format lends, without a copy of its own.
struct Checked<T>(PhantomData<fn() -> T>);

impl<T: FromStr<Err = InvalidText>> Visitor<'_> for Checked<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        text.parse().map_err(E::custom)
    }
}

/// Whether every byte passes. All are looked at: that is done for many at once, where stopping at the first is not.
fn each(text: &str, passes: impl Fn(u8) -> bool) -> bool {
    text.bytes().fold(true, |all, b| all & passes(b))
}

const fn is_hex(b: u8) -> bool {
    matches!(b, b'0'..=b'9' | b'a'..=b'f')
}

const fn is_name(b: u8) -> bool {
    matches!(b, b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'_' | b'-')
}

/// Declares a text newtype that can only be built through its grammar. Short texts, which most are, take no memory of their own.
macro_rules! checked_text {
    ($(#[$doc:meta])* $name:ident, $what:literal, $rule:literal, $check:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(SmolStr);

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

        impl FromStr for $name {
            type Err = InvalidText;
            fn from_str(text: &str) -> Result<Self, InvalidText> {
                Self::new(text)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_str(Checked(PhantomData))
            }
        }
    };
}

checked_text!(
    /// One export-licence application and all that follows; also the last token of its NATS subject.
    CaseId, "case id", "1 to 64 characters of A-Z a-z 0-9 _ -",
    |t| (1..=64).contains(&t.len()) && each(t, is_name)
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
    |t| (6..=10).contains(&t.len()) && each(t, |b| b.is_ascii_digit())
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
    |t| (1..=32).contains(&t.len()) && each(t, |b| b.is_ascii_graphic())
);
checked_text!(
    /// Number of a customs declaration as written (18 digits in China; other shapes are kept and become findings).
    DeclarationNo, "declaration number", "1 to 32 printable characters without spaces",
    |t| (1..=32).contains(&t.len()) && each(t, |b| b.is_ascii_graphic())
);
checked_text!(
    /// Names one paperwork query within its case.
    QueryId, "query id", "1 to 64 printable characters without spaces",
    |t| (1..=64).contains(&t.len()) && each(t, |b| b.is_ascii_graphic())
);
checked_text!(
    /// Chosen by the caller of a command; the same id gives the same answer for ever.
    CommandId, "command id", "1 to 64 characters of A-Z a-z 0-9 _ -",
    |t| (1..=64).contains(&t.len()) && each(t, is_name)
);
checked_text!(
    /// SHA-256 in lower-case hexadecimal.
    Digest, "digest", "64 lower-case hexadecimal digits",
    |t| t.len() == 64 && each(t, is_hex)
);
checked_text!(
    /// Identity of an event: a UUID in lower-case hyphenated form.
    EventId, "event id", "a UUID in lower-case hyphenated form",
    is_uuid
);
checked_text!(
    /// Free text of a source: a reason, an authority, an end use.
    Text, "text", "1 to 500 characters without control characters",
    is_text
);

fn is_uuid(text: &str) -> bool {
    let hyphens = [8, 13, 18, 23];
    text.len() == 36
        && hyphens.iter().all(|at| text.as_bytes().get(*at) == Some(&b'-'))
        // No other place is a hyphen where the rest are digits.
        && text.bytes().fold(0_u8, |count, b| count.wrapping_add(u8::from(is_hex(b)))) == 32
}

fn is_text(text: &str) -> bool {
    // Beyond ASCII a character takes more than a byte, and controls are found by character.
    if text.len() <= 500 && each(text, |b| (b' '..0x7f).contains(&b)) {
        return !text.is_empty();
    }
    !text.is_empty() && text.chars().count() <= 500 && !text.chars().any(char::is_control)
}

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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_uuid_is_what_it_is_byte_by_byte(text in "[0-9a-fg-]{8}-[0-9a-f]{4}-[0-9a-f-]{4}-[0-9a-f]{4}-[0-9a-fA]{11,13}") {
            let by_byte = text.len() == 36
                && text.bytes().enumerate().all(|(at, b)| match at {
                    8 | 13 | 18 | 23 => b == b'-',
                    _ => b.is_ascii_digit() || (b'a'..=b'f').contains(&b),
                });
            prop_assert_eq!(EventId::new(&text).is_ok(), by_byte);
        }

        #[test]
        fn a_text_is_what_it_is_character_by_character(text in "([ -~]{0,3}|[a-z]{498}|[\\x00-\\x20\\x7e-\\xa1]{0,4}|\u{4e2d}{166,168}){0,3}") {
            let by_character =
                !text.is_empty() && text.chars().count() <= 500 && !text.chars().any(char::is_control);
            prop_assert_eq!(Text::new(&text).is_ok(), by_character);
        }
    }

    #[test]
    fn every_hyphen_of_a_uuid_has_its_place() {
        assert!(EventId::new("4d422a90-d509-5eed-ade9-c9dbd190bcb7").is_ok());
        for moved in [
            "4d422a9-0d509-5eed-ade9-c9dbd190bcb7",
            "4d422a90-d50-95eed-ade9-c9dbd190bcb7",
            "4d422a90-d509-5ee-dade9-c9dbd190bcb7",
            "4d422a90-d509-5eed-ade9c-9dbd190bcb7",
            "4d422a90d509-5eed-ade9-c9dbd190bcb7-",
        ] {
            assert!(EventId::new(moved).is_err(), "{moved}");
        }
    }

    #[test]
    fn every_byte_of_a_name_is_looked_at() {
        for b in 0..=0x7f_u8 {
            let text = format!("a{}z", char::from(b));
            let is_name = b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
            assert_eq!(CaseId::new(&text).is_ok(), is_name, "{text:?}");
            assert_eq!(LicenseNo::new(&text).is_ok(), b.is_ascii_graphic(), "{text:?}");
            let digest = format!("{}{}", "0f9a".repeat(16).split_at(63).0, char::from(b));
            let is_digit = b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
            assert_eq!(Digest::new(&digest).is_ok(), is_digit, "{digest:?}");
        }
    }
}
