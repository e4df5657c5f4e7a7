//! Distributions of whole numbers: nearest-rank percentiles, maximum, mean.

use crate::answer::Cell;
use crate::decimal::ratio;

/// What is told of a set of whole numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Distribution {
    /// How many there are.
    pub n: u64,
    /// The smallest value that at least a tenth of them does not exceed.
    pub p10: i64,
    /// The smallest value that at least half of them does not exceed.
    pub p50: i64,
    /// The smallest value that at least nine tenths of them do not exceed.
    pub p90: i64,
    /// The largest.
    pub max: i64,
    sum: i128,
}

impl Distribution {
    /// Column titles of [`Distribution::cells`].
    pub(crate) const COLUMNS: [&'static str; 6] = ["n", "p10", "p50", "p90", "max", "mean"];

    /// Of `values`, which are put in order; none of no values.
    pub(crate) fn of(values: &mut [i64]) -> Option<Self> {
        values.sort_unstable();
        Some(Self {
            n: u64::try_from(values.len()).unwrap_or(u64::MAX),
            p10: nearest_rank(values, 10)?,
            p50: nearest_rank(values, 50)?,
            p90: nearest_rank(values, 90)?,
            max: values.last().copied()?,
            sum: values.iter().map(|value| i128::from(*value)).sum(),
        })
    }

    /// The mean with three digits after the point.
    #[must_use]
    pub fn mean(&self) -> Option<String> {
        let sign = if self.sum < 0 { "-" } else { "" };
        let mean = ratio(self.sum.unsigned_abs(), u128::from(self.n), 3)?;
        Some(format!("{sign}{mean}"))
    }

    /// Cells under [`Distribution::COLUMNS`]; a distribution of nothing has n = 0 and no values.
    pub(crate) fn cells(of: Option<Self>) -> Vec<Cell> {
        let Some(it) = of else {
            let mut cells = vec![Cell::Missing; Self::COLUMNS.len()];
            if let Some(n) = cells.first_mut() {
                *n = Cell::Count(0);
            }
            return cells;
        };
        let numbers = [it.p10, it.p50, it.p90, it.max].map(Cell::Number);
        let mut cells = vec![Cell::Count(it.n)];
        cells.extend(numbers);
        cells.push(Cell::decimal(it.mean()));
        cells
    }
}

/// The value of rank `percent` of `sorted` values, at least the first.
pub(crate) fn nearest_rank(sorted: &[i64], percent: usize) -> Option<i64> {
    let rank = sorted.len().saturating_mul(percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied()
}

/// The nearest-rank median of `values`, which are put in order.
pub(crate) fn median(values: &mut [i64]) -> Option<i64> {
    values.sort_unstable();
    nearest_rank(values, 50)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_occur() {
        let mut values: Vec<i64> = (1..=10).rev().collect();
        let it = Distribution::of(&mut values).unwrap();
        assert_eq!((it.n, it.p10, it.p50, it.p90, it.max), (10, 1, 5, 9, 10));
        assert_eq!(it.mean().as_deref(), Some("5.500"));
        let one = Distribution::of(&mut [7]).unwrap();
        assert_eq!((one.p10, one.p50, one.p90), (7, 7, 7));
        assert_eq!(Distribution::of(&mut []), None);
        let negative = Distribution::of(&mut [-3, 1]).unwrap();
        assert_eq!(negative.mean().as_deref(), Some("-1.000"));
    }
}
