//! Masses as decimal text, read exactly: no binary fraction ever stands between a file and its grams.

use portbook_domain::Grams;

use super::cell::{Cell, LineRule};

const KILOGRAM_RULE: &str = "kilograms with at most three decimal places, at most 9007199254740.991";
const GRAM_RULE: &str = "whole grams, at most 9007199254740991";

pub(super) fn kilograms(cell: &Cell<'_>) -> Result<Grams, LineRule> {
    grams_of_kilograms(cell.written()).ok_or_else(|| cell.unlike(KILOGRAM_RULE))
}

pub(super) fn grams(cell: &Cell<'_>) -> Result<Grams, LineRule> {
    whole(cell.written())
        .and_then(|grams| Grams::new(grams).ok())
        .ok_or_else(|| cell.unlike(GRAM_RULE))
}

fn grams_of_kilograms(text: &str) -> Option<Grams> {
    let (kilograms, decimals) = text.split_once('.').unwrap_or((text, "0"));
    let thousandths = match decimals.len() {
        1 => whole(decimals)? * 100,
        2 => whole(decimals)? * 10,
        3 => whole(decimals)?,
        _ => return None,
    };
    let grams = whole(kilograms)?.checked_mul(1000)?.checked_add(thousandths)?;
    Grams::new(grams).ok()
}

fn whole(digits: &str) -> Option<u64> {
    if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) {
        digits.parse().ok()
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kilograms_become_grams_exactly() {
        for (text, grams) in [
            ("0", 0),
            ("1", 1_000),
            ("1.5", 1_500),
            ("1.05", 1_050),
            ("0.001", 1),
            ("12345.678", 12_345_678),
            ("9007199254740.991", 9_007_199_254_740_991),
        ] {
            assert_eq!(grams_of_kilograms(text).map(Grams::get), Some(grams), "{text}");
        }
    }

    #[test]
    fn anything_else_is_not_a_mass() {
        for wrong in [
            "",
            ".",
            "1.",
            ".5",
            "-1",
            "+1",
            "1e3",
            "1.0005",
            "1,5",
            " 1",
            "1_000",
            "9007199254740.992",
            "18446744073709551616",
            "18446744073709552",
            "\u{661}",
        ] {
            assert_eq!(grams_of_kilograms(wrong), None, "{wrong}");
        }
    }
}
