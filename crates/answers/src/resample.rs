//! Bootstrap with a fixed seed, in whole numbers: the same interval on every machine and every day.

use crate::distribution::nearest_rank;

/// Resamples of an interval.
const RESAMPLES: usize = 1000;
/// Samples up to this size are drawn value by value; of a larger one only the rank of the median is drawn, which is then
/// as good as normal.
const DRAWN_MAX: usize = 200;

/// `SplitMix64` (Steele, Lea, Flood 2014).
#[derive(Debug)]
struct SplitMix(u64);

impl SplitMix {
    const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound`.
    fn below(&mut self, bound: u64) -> u64 {
        let wide = (u128::from(self.next()) * u128::from(bound)) >> 64;
        u64::try_from(wide).unwrap_or(0)
    }

    /// A normal variable in units of 2^-32: twelve uniform ones less their mean.
    fn normal(&mut self) -> i64 {
        let sum: i64 = (0..12)
            .map(|_| i64::try_from(self.next() >> 32).unwrap_or(0))
            .sum();
        sum - 6 * (1 << 32)
    }

    /// The median of a resample of `sorted`.
    fn median(&mut self, sorted: &[i64]) -> Option<i64> {
        let count = i64::try_from(sorted.len()).ok()?;
        if sorted.len() <= DRAWN_MAX {
            let bound = u64::try_from(count).ok()?;
            let mut drawn: Vec<u64> = (0..count).map(|_| self.below(bound)).collect();
            drawn.sort_unstable();
            let middle = drawn.get(drawn.len().div_ceil(2).checked_sub(1)?)?;
            return sorted.get(usize::try_from(*middle).ok()?).copied();
        }
        let spread = i64::try_from(sorted.len().isqrt()).ok()?;
        let away = (spread * self.normal()) >> 33;
        let rank = (count / 2 + away).clamp(0, count - 1);
        sorted.get(usize::try_from(rank).ok()?).copied()
    }
}

/// The 95 % percentile interval of the difference of medians, first less second; both must be sorted and not empty.
pub(crate) fn median_difference(first: &[i64], second: &[i64], seed: u64) -> Option<(i64, i64)> {
    let mut random = SplitMix(seed);
    let mut differences = Vec::with_capacity(RESAMPLES);
    for _ in 0..RESAMPLES {
        differences.push(random.median(first)? - random.median(second)?);
    }
    differences.sort_unstable();
    // Ranks 25 and 976 of 1000 leave 2.5 % on either side.
    let low = differences.get(RESAMPLES / 40 - 1).copied()?;
    let high = differences.get(RESAMPLES - RESAMPLES / 40).copied()?;
    nearest_rank(&differences, 50).map(|_| (low, high))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_generator_is_the_published_one() {
        let mut random = SplitMix(1_234_567);
        assert_eq!(
            [random.next(), random.next(), random.next()],
            [
                6_457_827_717_110_365_317,
                3_203_168_211_198_807_973,
                9_817_491_932_198_370_423
            ]
        );
    }

    #[test]
    fn the_interval_holds_the_difference_and_never_moves() {
        for size in [150_i64, 5000] {
            let first: Vec<i64> = (0..size).map(|n| 10 + n * 100 / size).collect();
            let second: Vec<i64> = (0..size).map(|n| n * 100 / size).collect();
            let (low, high) = median_difference(&first, &second, 7).unwrap();
            assert!(low <= 10 && 10 <= high, "{low} {high}");
            assert!(high - low < 60, "{low} {high}");
            assert_eq!(median_difference(&first, &second, 7), Some((low, high)));
        }
        // The wider the spread of the sample, the wider the interval; no spread, no width.
        assert_eq!(median_difference(&[5; 300], &[3; 20], 1), Some((2, 2)));
        assert_eq!(median_difference(&[], &[3], 1), None);
    }
}
