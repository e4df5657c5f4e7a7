//! Readers of single flags: words of a published list, moments, days, kilograms.

use clap::builder::{PossibleValuesParser, TypedValueParser};
use jiff::Timestamp;
use jiff::civil::Date;
use portbook_domain::Grams;

/// One of the published words of an enumeration.
pub(super) fn one_of<T: Copy + Send + Sync>(
    all: &'static [T],
    word: fn(T) -> &'static str,
) -> impl TypedValueParser<Value = T> {
    let find = move |typed: String| {
        all.iter()
            .copied()
            .find(|it| word(*it) == typed)
            .ok_or("not one of them")
    };
    PossibleValuesParser::new(all.iter().map(|it| word(*it))).try_map(find)
}

/// A moment in RFC 3339, in UTC or with its offset.
pub(super) fn moment(text: &str) -> Result<Timestamp, String> {
    let rule = || {
        format!("a time is written like 2025-04-07T02:36:44Z or 2025-04-07T10:36:44+08:00, found {text:?}")
    };
    // The library reads a good many other spellings; an event shows only this one.
    if text.as_bytes().get(10) == Some(&b'T') && !text.ends_with(']') {
        text.parse().ok().ok_or_else(rule)
    } else {
        Err(rule())
    }
}

/// A day as `YYYY-MM-DD`.
pub(super) fn day(text: &str) -> Result<Date, String> {
    let shaped = text.len() == 10 && text.bytes().filter(|b| *b == b'-').count() == 2;
    let day = if shaped { text.parse().ok() } else { None };
    day.ok_or_else(|| format!("a day is written as YYYY-MM-DD and is in the calendar, found {text:?}"))
}

/// A mass in kilograms with at most three decimal places, without ever being a binary fraction.
pub(super) fn kilograms(text: &str) -> Result<Grams, String> {
    grams_of_kilograms(text).ok_or_else(|| {
        format!("kg must be kilograms with at most three decimal places, at most 9007199254740.991, found {text:?}")
    })
}

/// A mass in whole grams.
pub(super) fn grams(text: &str) -> Result<Grams, String> {
    let grams = whole(text).and_then(|grams| Grams::new(grams).ok());
    grams.ok_or_else(|| format!("g must be whole grams, at most 9007199254740991, found {text:?}"))
}

fn grams_of_kilograms(text: &str) -> Option<Grams> {
    let (kilograms, decimals) = text.split_once('.').unwrap_or((text, "0"));
    if !(1..=3).contains(&decimals.len()) {
        return None;
    }
    let (kilograms, thousandths): (u64, u64) = (whole(kilograms)?, whole(&format!("{decimals:0<3}"))?);
    Grams::new(kilograms.checked_mul(1000)?.checked_add(thousandths)?).ok()
}

/// Digits and nothing else: the library would take a leading plus.
pub(super) fn whole<N: std::str::FromStr>(digits: &str) -> Option<N> {
    if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) {
        digits.parse().ok()
    } else {
        None
    }
}
