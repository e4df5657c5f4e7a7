//! Moments in rows: the text that the library writes and reads, made here where it is the usual one.
//!
//! Rows of cases are mostly moments, and every row is written, read and held against its bytes again when parts are joined.

use std::fmt;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::Offset;
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A whole second of a year of four digits.
const USUAL: [u8; 20] = *b"0000-00-00T00:00:00Z";

/// A moment in the form in which rows hold it.
struct Held(Timestamp);

pub(crate) fn serialize<S: Serializer>(moment: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    let usual = written(*moment);
    match usual.as_ref().and_then(|text| std::str::from_utf8(text).ok()) {
        Some(text) => serializer.serialize_str(text),
        None => serializer.collect_str(moment),
    }
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
    Held::deserialize(deserializer).map(|held| held.0)
}

/// A moment that may be left out.
pub(crate) mod optional {
    use jiff::Timestamp;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::Held;

    #[expect(clippy::ref_option, reason = "serde passes the field as it is")]
    pub(crate) fn serialize<S: Serializer>(
        moment: &Option<Timestamp>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        moment.map(Held).serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Timestamp>, D::Error> {
        Ok(Option::<Held>::deserialize(deserializer)?.map(|held| held.0))
    }
}

impl Serialize for Held {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serialize(&self.0, serializer)
    }
}

impl<'de> Deserialize<'de> for Held {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;

        impl Visitor<'_> for Read {
            type Value = Held;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a timestamp string")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Held, E> {
                match read(text) {
                    Some(moment) => Ok(Held(moment)),
                    None => text.parse().map(Held).map_err(E::custom),
                }
            }
        }

        deserializer.deserialize_str(Read)
    }
}

/// The usual text of a moment; none where it has another.
fn written(moment: Timestamp) -> Option<[u8; 20]> {
    let at = Offset::UTC.to_datetime(moment);
    let year = u16::try_from(at.year()).ok().filter(|year| *year < 10_000)?;
    if at.subsec_nanosecond() != 0 {
        return None;
    }
    let numbers = [
        (0, i8::try_from(year / 100).ok()?),
        (2, i8::try_from(year % 100).ok()?),
        (5, at.month()),
        (8, at.day()),
        (11, at.hour()),
        (14, at.minute()),
        (17, at.second()),
    ];
    let mut text = USUAL;
    for (place, number) in numbers {
        let number = u8::try_from(number).ok()?;
        let [tens, ones] = text.get_mut(place..)?.first_chunk_mut()?;
        (*tens, *ones) = (b'0' + number / 10, b'0' + number % 10);
    }
    Some(text)
}

/// Reads what [`written`] gives; none where it is another text, which may be a moment all the same.
fn read(text: &str) -> Option<Timestamp> {
    let &[
        y1,
        y2,
        y3,
        y4,
        b'-',
        o1,
        o2,
        b'-',
        d1,
        d2,
        b'T',
        h1,
        h2,
        b':',
        m1,
        m2,
        b':',
        s1,
        s2,
        b'Z',
    ] = text.as_bytes().as_array::<20>()?
    else {
        return None;
    };
    let two = |tens: u8, ones: u8| {
        let digit = |b: u8| i8::try_from(b.checked_sub(b'0').filter(|digit| *digit < 10)?).ok();
        Some(digit(tens)? * 10 + digit(ones)?)
    };
    let year = i16::from(two(y1, y2)?) * 100 + i16::from(two(y3, y4)?);
    let date = Date::new(year, two(o1, o2)?, two(d1, d2)?).ok()?;
    let time = Time::new(two(h1, h2)?, two(m1, m2)?, two(s1, s2)?, 0).ok()?;
    Offset::UTC.to_timestamp(DateTime::from_parts(date, time)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Moments of all sizes, with and without a fraction, from the first to the last there is.
    fn moments() -> impl Iterator<Item = Timestamp> {
        let (first, last) = (Timestamp::MIN.as_second(), Timestamp::MAX.as_second());
        let steps = (first..=last).step_by(7_777_777_777);
        let near = [
            first,
            last,
            -62_167_219_201,
            -62_167_219_200,
            -1,
            0,
            1_744_000_000,
            1_743_987_599,
        ];
        let fractions = [0, 1, 500_000_000, 999_999_999];
        steps
            .chain(near)
            .flat_map(move |second| fractions.into_iter().map(move |ns| (second, ns)))
            .filter_map(|(second, ns)| Timestamp::new(second, ns).ok())
    }

    #[test]
    fn the_text_is_that_of_the_library() {
        let mut usual = 0;
        for moment in moments() {
            let text = moment.to_string();
            if let Some(written) = written(moment) {
                assert_eq!(std::str::from_utf8(&written), Ok(text.as_str()));
                assert_eq!(read(&text), Some(moment));
                usual += 1;
            } else {
                assert_eq!(read(&text), None, "{text}");
            }
        }
        assert!(usual > 30, "{usual}");
    }

    #[test]
    fn what_is_no_moment_is_left_to_the_library() {
        for text in [
            "2025-02-29T00:00:00Z",
            "2025-04-01T24:00:00Z",
            "2025-04-01T01:04:60Z",
            "2025-04-01t01:04:30Z",
            "2025-04-01T01:04:3:Z",
            "9999-12-31T23:59:59Z",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
