//! Moments and days as text: RFC 3339 in UTC with `Z`, days as `YYYY-MM-DD`, and no other spelling.

use jiff::{
    Timestamp,
    civil::{Date, DateTime, Time},
    tz::Offset,
};

/// How a moment must be written.
pub(crate) const UTC_RULE: &str = "an RFC 3339 time in UTC that ends in Z";
/// How a day must be written.
pub(crate) const DATE_RULE: &str = "a date as YYYY-MM-DD";

/// Reads `YYYY-MM-DDThh:mm:ss[.fraction]Z`, at most nine digits of fraction.
///
/// It is read here because the library also reads offsets, zones and leap seconds. What a moment may be, the library says.
pub(crate) fn parse_utc(text: &str) -> Option<Timestamp> {
    let (seconds, rest) = text.as_bytes().split_first_chunk::<19>()?;
    let (date, time) = seconds.split_first_chunk::<10>()?;
    let &[b'T', h1, h2, b':', m1, m2, b':', s1, s2] = time else {
        return None;
    };
    let time = Time::new(
        two_digits([h1, h2])?,
        two_digits([m1, m2])?,
        two_digits([s1, s2])?,
        nanoseconds(rest)?,
    );
    let moment = DateTime::from_parts(date_of(*date)?, time.ok()?);
    Offset::UTC.to_timestamp(moment).ok()
}

/// Reads `YYYY-MM-DD`.
pub(crate) fn parse_date(text: &str) -> Option<Date> {
    date_of(text.as_bytes().try_into().ok()?)
}

fn date_of(text: [u8; 10]) -> Option<Date> {
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = text else {
        return None;
    };
    let year = i16::from(two_digits([y1, y2])?) * 100 + i16::from(two_digits([y3, y4])?);
    Date::new(year, two_digits([m1, m2])?, two_digits([d1, d2])?).ok()
}

fn two_digits([tens, ones]: [u8; 2]) -> Option<i8> {
    let digit = |b: u8| i8::try_from(b.checked_sub(b'0').filter(|digit| *digit < 10)?).ok();
    Some(digit(tens)? * 10 + digit(ones)?)
}

/// Reads what stands behind the seconds: `[.fraction]Z`.
fn nanoseconds(rest: &[u8]) -> Option<i32> {
    let fraction = rest.strip_suffix(b"Z")?;
    let Some(digits) = fraction.strip_prefix(b".") else {
        return fraction.is_empty().then_some(0);
    };
    if !(1..=9).contains(&digits.len()) || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let padded = digits.iter().chain(std::iter::repeat(&b'0')).take(9);
    Some(padded.fold(0, |all, b| all * 10 + i32::from(b - b'0')))
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
    use proptest::prelude::*;

    use super::*;

    /// The shape this crate takes, and behind it the library: what is read here is what that reads.
    fn by_the_library(text: &str) -> (Option<Timestamp>, Option<Date>) {
        let has_shape = |text: &str, shape: &str| {
            let fits = |(b, s): (u8, u8)| if s == b'0' { b.is_ascii_digit() } else { b == s };
            text.len() == shape.len() && text.bytes().zip(shape.bytes()).all(fits)
        };
        let is_utc = text.split_at_checked(19).is_some_and(|(seconds, rest)| {
            let fraction = rest.strip_suffix('Z').map(|it| {
                it.strip_prefix('.')
                    .unwrap_or(if it.is_empty() { "0" } else { "no" })
            });
            has_shape(seconds, "0000-00-00T00:00:00")
                && !seconds.ends_with("60")
                && fraction
                    .is_some_and(|it| (1..=9).contains(&it.len()) && it.bytes().all(|b| b.is_ascii_digit()))
        });
        let date = has_shape(text, "0000-00-00").then(|| text.parse().ok()).flatten();
        (is_utc.then(|| text.parse().ok()).flatten(), date)
    }

    proptest! {
        #[test]
        fn moments_and_days_are_what_the_library_reads(
            text in "[0-9]{4}-[01][0-9]-[0-3][0-9](T[0-2][0-9]:[0-6][0-9]:[0-6][0-9](\\.[0-9]{0,10})?(Z|z|\\+00:00)?)?",
        ) {
            prop_assert_eq!((parse_utc(&text), parse_date(&text)), by_the_library(&text));
        }

        #[test]
        fn so_are_the_ends_of_time(
            text in "(0000|0001|1582|1969|2000|2100|9999)-(02|12)-(28|29|30|31)T(00|21|22|23|24):(00|59):(00|59|60)(\\.9{1,9})?Z",
        ) {
            prop_assert_eq!((parse_utc(&text), parse_date(text.get(..10).unwrap())).0, by_the_library(&text).0);
        }
    }

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
