//! Moments and days as text: RFC 3339 in UTC with `Z`, days as `YYYY-MM-DD`, and no other spelling.

use jiff::{Timestamp, civil::Date};

/// How a moment must be written.
pub(crate) const UTC_RULE: &str = "an RFC 3339 time in UTC that ends in Z";
/// How a day must be written.
pub(crate) const DATE_RULE: &str = "a date as YYYY-MM-DD";

/// Reads `YYYY-MM-DDThh:mm:ss[.fraction]Z`, at most nine digits of fraction.
///
/// The shape is checked here because the library also reads offsets, zones and leap seconds.
pub(crate) fn parse_utc(text: &str) -> Option<Timestamp> {
    let (seconds, rest) = text.split_at_checked(19)?;
    let fraction = rest.strip_suffix('Z')?;
    let fraction_fits = match fraction.strip_prefix('.') {
        Some(digits) => (1..=9).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit()),
        None => fraction.is_empty(),
    };
    let fits = fraction_fits && has_shape(seconds, "0000-00-00T00:00:00") && !seconds.ends_with("60");
    if fits { text.parse().ok() } else { None }
}

/// Reads `YYYY-MM-DD`.
pub(crate) fn parse_date(text: &str) -> Option<Date> {
    if has_shape(text, "0000-00-00") {
        text.parse().ok()
    } else {
        None
    }
}

/// Whether `text` has a digit wherever `shape` has one, and equals it elsewhere.
fn has_shape(text: &str, shape: &str) -> bool {
    text.len() == shape.len()
        && text
            .bytes()
            .zip(shape.bytes())
            .all(|(b, s)| if s == b'0' { b.is_ascii_digit() } else { b == s })
}

/// Serde's form of a moment in control messages.
pub(crate) mod utc {
    use jiff::Timestamp;
    use serde::{Deserialize, Deserializer, Serializer, de::Error as _};

    pub(crate) fn serialize<S: Serializer>(moment: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(moment)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
        let text = String::deserialize(deserializer)?;
        super::parse_utc(&text)
            .ok_or_else(|| D::Error::custom(format_args!("expected {}, found {text:?}", super::UTC_RULE)))
    }

    /// A moment that may be left out; `null` is none.
    pub(crate) mod optional {
        use jiff::Timestamp;
        use serde::{Deserializer, Serializer};

        #[expect(clippy::ref_option, reason = "serde passes the field as it is")]
        pub(crate) fn serialize<S: Serializer>(
            moment: &Option<Timestamp>,
            serializer: S,
        ) -> Result<S::Ok, S::Error> {
            match moment {
                Some(moment) => super::serialize(moment, serializer),
                None => serializer.serialize_none(),
            }
        }

        pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
            deserializer: D,
        ) -> Result<Option<Timestamp>, D::Error> {
            super::deserialize(deserializer).map(Some)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_utc_is_a_moment() {
        for text in [
            "2025-04-01T01:04:30Z",
            "2025-04-01T01:04:30.5Z",
            "2025-04-01T01:04:30.123456789Z",
        ] {
            assert_eq!(parse_utc(text).unwrap().to_string(), text);
        }
        for wrong in [
            "",
            "2025-04-01T01:04:30",
            "2025-04-01T01:04:30z",
            "2025-04-01t01:04:30Z",
            "2025-04-01 01:04:30Z",
            "2025-04-01T01:04:30+00:00",
            "2025-04-01T01:04:30+08:00",
            "2025-04-01T01:04:60Z",
            "2025-04-01T01:04:30.Z",
            "2025-04-01T01:04:30.1234567890Z",
            "2025-04-01T01:04:30,5Z",
            "2025-04-01T01:04Z",
            "2025-02-30T01:04:30Z",
            "2025-04-01T24:00:00Z",
            "+002025-04-01T01:04:30Z",
            "2025-04-01T01:04:30Z[UTC]",
            "2025-04-01T01:04:3\u{663}Z",
        ] {
            assert_eq!(parse_utc(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn only_a_calendar_day_is_a_date() {
        assert_eq!(parse_date("2024-02-29").unwrap().to_string(), "2024-02-29");
        for wrong in [
            "2025-02-29",
            "20250401",
            "2025-4-1",
            "2025-04-01T00:00:00",
            "2025-W14-2",
            "2025-091",
        ] {
            assert_eq!(parse_date(wrong), None, "{wrong}");
        }
    }
}
