//! Tables of quantiles: a distribution as eleven whole numbers.

use serde::Deserialize;

use crate::stream::Stream;

/// The quantiles 0, 10, ... 100 per cent of a quantity, never falling.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "[i64; 11]")]
pub(crate) struct Quantiles([i64; 11]);

impl TryFrom<[i64; 11]> for Quantiles {
    type Error = &'static str;

    fn try_from(values: [i64; 11]) -> Result<Self, Self::Error> {
        if values.is_sorted()
            && values
                .iter()
                .all(|value| (0..=i64::from(i32::MAX)).contains(value))
        {
            Ok(Self(values))
        } else {
            Err("quantiles must be whole numbers that never fall")
        }
    }
}

impl Quantiles {
    /// Draws a value, between two quantiles by straight interpolation.
    pub(crate) fn draw(&self, stream: &mut Stream) -> i64 {
        let share = stream.below(10_000);
        let at = usize::try_from(share / 1000).unwrap_or_default();
        let low = self.0.get(at).copied().unwrap_or_default();
        let high = self.0.get(at + 1).copied().unwrap_or(low);
        low + (high - low) * (share % 1000) / 1000
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_drawn_has_the_quantiles_of_the_table() {
        let table = Quantiles::try_from([0, 1, 2, 3, 5, 8, 15, 30, 60, 240, 2880]).unwrap();
        let mut stream = Stream::of(1);
        let mut drawn: Vec<i64> = (0..20_000).map(|_| table.draw(&mut stream)).collect();
        drawn.sort_unstable();
        assert!((7..=9).contains(&drawn[10_000]), "{}", drawn[10_000]);
        assert!((220..=280).contains(&drawn[18_000]), "{}", drawn[18_000]);
        assert!(drawn[0] == 0 && drawn[19_999] < 2880);
        assert!(Quantiles::try_from([0, 2, 1, 3, 4, 5, 6, 7, 8, 9, 10]).is_err());
    }
}
