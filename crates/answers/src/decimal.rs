//! Fractions as text, made with whole numbers: the same digits on every machine.

/// `numerator / denominator` with `places` digits after the point, halves rounded up; none for a denominator of 0.
pub(crate) fn ratio(numerator: u128, denominator: u128, places: u32) -> Option<String> {
    let scale = 10_u128.checked_pow(places)?;
    // Shares of masses beyond 2^90 grams do not need their last bits.
    let spare = numerator.max(denominator).leading_zeros();
    let shift = 38_u32.saturating_sub(spare);
    let (numerator, denominator) = (numerator >> shift, denominator >> shift);
    if denominator == 0 {
        return None;
    }
    let scaled = (numerator * scale + denominator / 2) / denominator;
    Some(fixed(scaled, scale, places))
}

/// Grams as kilograms.
pub(crate) fn kilograms(grams: u64) -> String {
    let (whole, rest) = (grams / 1000, grams % 1000);
    if rest == 0 {
        whole.to_string()
    } else {
        format!("{whole}.{rest:03}")
    }
}

fn fixed(scaled: u128, scale: u128, places: u32) -> String {
    let width = usize::try_from(places).unwrap_or(0);
    if width == 0 {
        return scaled.to_string();
    }
    format!("{}.{:0width$}", scaled / scale, scaled % scale)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fractions_are_rounded_once_and_halves_go_up() {
        assert_eq!(ratio(1, 3, 3).as_deref(), Some("0.333"));
        assert_eq!(ratio(2, 3, 3).as_deref(), Some("0.667"));
        assert_eq!(ratio(5, 10, 0).as_deref(), Some("1"));
        assert_eq!(ratio(1, 2000, 3).as_deref(), Some("0.001"));
        assert_eq!(ratio(26, 1, 3).as_deref(), Some("26.000"));
        assert_eq!(ratio(1, 0, 3), None);
        assert_eq!(ratio(u128::MAX, u128::MAX, 6).as_deref(), Some("1.000000"));
    }

    #[test]
    fn kilograms_are_exact() {
        assert_eq!(kilograms(6_240_000), "6240");
        assert_eq!(kilograms(6_240_005), "6240.005");
    }
}
