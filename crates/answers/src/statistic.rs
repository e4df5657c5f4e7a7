//! Statistics that need fractions: survival curves, the log-rank test, rate ratios, p values.
//!
//! Only addition, subtraction, multiplication, division and square roots are used. The standard asks for the same bits
//! of them everywhere, which it does not of `exp` or `erfc`; so those two are made here.
#![expect(
    clippy::float_arithmetic,
    reason = "statistics need fractions; nothing here enters a row"
)]

use std::collections::BTreeMap;

/// A time in whole days after which something happened, or up to which it had not happened yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Duration {
    /// Days.
    pub(crate) days: u32,
    /// Whether it happened; otherwise it is censored.
    pub(crate) happened: bool,
}

/// At each time at which anything happened or was censored: how many happened, how many left at all.
type LifeTable = BTreeMap<u32, (u64, u64)>;

fn life_table(durations: &[Duration]) -> LifeTable {
    let mut table = LifeTable::new();
    for duration in durations {
        let (happened, left) = table.entry(duration.days).or_default();
        *happened += u64::from(duration.happened);
        *left += 1;
    }
    table
}

/// The Kaplan-Meier median: the first time at which the curve is at one half or below; none if it never is.
pub(crate) fn median_survival(durations: &[Duration]) -> Option<u32> {
    let mut at_risk = count(durations);
    let mut survival = 1.0;
    for (days, (happened, left)) in life_table(durations) {
        if happened > 0 {
            survival *= 1.0 - float(happened) / float(at_risk);
            // A product of fractions may miss one half by a few bits.
            if survival <= 0.5 + 1e-12 {
                return Some(days);
            }
        }
        at_risk -= left;
    }
    None
}

/// The log-rank test of two samples.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct LogRank {
    /// Statistic with one degree of freedom.
    pub(crate) chi2: f64,
    /// Probability of a statistic this large where the curves are equal.
    pub(crate) p: f64,
}

/// Compares two samples over their whole course; none where nothing happened in either.
pub(crate) fn log_rank(one: &[Duration], other: &[Duration]) -> Option<LogRank> {
    let (first, second) = (life_table(one), life_table(other));
    let mut at_risk = (count(one), count(other));
    let (mut observed, mut expected, mut variance) = (0.0, 0.0, 0.0);
    let times: std::collections::BTreeSet<u32> = first.keys().chain(second.keys()).copied().collect();
    for time in times {
        let (happened_one, left_one) = first.get(&time).copied().unwrap_or_default();
        let (happened_other, left_other) = second.get(&time).copied().unwrap_or_default();
        let happened = float(happened_one + happened_other);
        let total = float(at_risk.0 + at_risk.1);
        if happened > 0.0 {
            let share = float(at_risk.0) / total;
            observed += float(happened_one);
            expected += happened * share;
            if total > 1.0 {
                variance += happened * share * (1.0 - share) * (total - happened) / (total - 1.0);
            }
        }
        at_risk = (at_risk.0 - left_one, at_risk.1 - left_other);
    }
    if variance <= 0.0 {
        return None;
    }
    let chi2 = (observed - expected) * (observed - expected) / variance;
    Some(LogRank {
        chi2,
        p: chi2_tail(chi2, 1),
    })
}

/// A ratio of two rates with its 95 % confidence interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct RateRatio {
    /// The ratio.
    pub(crate) ratio: f64,
    /// Lower end.
    pub(crate) low: f64,
    /// Upper end.
    pub(crate) high: f64,
}

/// Ratio of the second rate to the first: events per day at risk. Wald interval of its logarithm with z = 1.96; none
/// where either saw no event.
pub(crate) fn rate_ratio(first: (u64, u64), second: (u64, u64)) -> Option<RateRatio> {
    if first.0 == 0 || second.0 == 0 || first.1 == 0 || second.1 == 0 {
        return None;
    }
    let ratio = (float(second.0) / float(second.1)) / (float(first.0) / float(first.1));
    let error = (1.0 / float(first.0) + 1.0 / float(second.0)).sqrt();
    let factor = exp(1.96 * error);
    Some(RateRatio {
        ratio,
        low: ratio / factor,
        high: ratio * factor,
    })
}

/// The Kruskal-Wallis test of several samples, with the correction for ties.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct KruskalWallis {
    /// Statistic.
    pub(crate) h: f64,
    /// Degrees of freedom: samples less one.
    pub(crate) degrees: u32,
    /// Probability of a statistic this large where all samples come from one distribution.
    pub(crate) p: f64,
}

/// Compares several samples by ranks; none where there are fewer than two, or all values are equal.
pub(crate) fn kruskal_wallis(samples: &[Vec<i64>]) -> Option<KruskalWallis> {
    let mut counts: BTreeMap<i64, u64> = BTreeMap::new();
    for value in samples.iter().flatten() {
        *counts.entry(*value).or_default() += 1;
    }
    // Twice the middle rank of equal values is whole.
    let (mut below, mut ties) = (0_u64, 0.0);
    let mut double_ranks: BTreeMap<i64, u64> = BTreeMap::new();
    for (value, equal) in counts {
        double_ranks.insert(value, 2 * below + equal + 1);
        below += equal;
        let equal = float(equal);
        ties += equal * equal * equal - equal;
    }
    let total = float(below);
    let filled: Vec<&Vec<i64>> = samples.iter().filter(|sample| !sample.is_empty()).collect();
    let correction = 1.0 - ties / (total * total * total - total);
    let degrees = u32::try_from(filled.len())
        .ok()?
        .checked_sub(1)
        .filter(|degrees| *degrees > 0)?;
    if below < 2 || correction <= 0.0 {
        return None;
    }
    let mut sum = 0.0;
    for sample in filled {
        let doubles = sample.iter().filter_map(|value| double_ranks.get(value));
        let ranks = float(doubles.sum()) / 2.0;
        sum += ranks * ranks / float(u64::try_from(sample.len()).ok()?);
    }
    let h = (12.0 / (total * (total + 1.0)) * sum - 3.0 * (total + 1.0)) / correction;
    Some(KruskalWallis {
        h,
        degrees,
        p: chi2_tail(h, degrees),
    })
}

/// Probability that a chi-square variable with `degrees` degrees of freedom exceeds `x`.
pub(crate) fn chi2_tail(x: f64, degrees: u32) -> f64 {
    if x <= 0.0 || degrees == 0 {
        return 1.0;
    }
    let half = x / 2.0;
    // Both closed forms are sums of half^j / Gamma(j + 1), over whole j or over halves.
    let (mut tail, mut term, mut j) = if degrees.is_multiple_of(2) {
        (0.0, exp(-half), 0.0)
    } else {
        // sqrt(half) / Gamma(3/2) = 2 sqrt(half / pi)
        let first = exp(-half) * 2.0 * (half / std::f64::consts::PI).sqrt();
        (erfc(half.sqrt()), first, 0.5)
    };
    for _ in 0..degrees / 2 {
        tail += term;
        j += 1.0;
        term *= half / j;
    }
    tail.clamp(0.0, 1.0)
}

/// The exponential function: powers of two exactly, the rest, below 0.35 either way, by its series.
fn exp(x: f64) -> f64 {
    // ln 2 in two parts, so that whole multiples of the first are exact.
    const LN2_HIGH: f64 = 6.931_471_803_691_238e-1;
    const LN2_LOW: f64 = 1.908_214_929_270_587_7e-10;
    let powers = (x / std::f64::consts::LN_2).round().clamp(-1100.0, 1100.0);
    let rest = (x - powers * LN2_HIGH) - powers * LN2_LOW;
    let (mut sum, mut term) = (1.0, 1.0);
    for n in 1..=20_u32 {
        term *= rest / f64::from(n);
        sum += term;
    }
    let step = if powers < 0.0 { 0.5 } else { 2.0 };
    let mut left = powers.abs();
    while left > 0.0 {
        sum *= step;
        left -= 1.0;
    }
    sum
}

/// The complementary error function of `x` >= 0: its series below 2, its continued fraction above.
fn erfc(x: f64) -> f64 {
    let pi_root = std::f64::consts::PI.sqrt();
    if x < 2.0 {
        let (mut sum, mut term) = (x, x);
        for n in 1..=60_u32 {
            let n = f64::from(n);
            term *= -x * x / n;
            sum += term / (2.0 * n + 1.0);
        }
        return 1.0 - 2.0 / pi_root * sum;
    }
    let mut fraction = 0.0;
    for n in (1..=120_u32).rev() {
        fraction = f64::from(n) / 2.0 / (x + fraction);
    }
    exp(-x * x) / pi_root / (x + fraction)
}

/// `x` with `digits` significant digits, as people write small probabilities.
pub(crate) fn significant(x: f64, digits: usize) -> String {
    let scientific = format!("{x:.*e}", digits.saturating_sub(1));
    let exponent: i32 = scientific
        .rsplit_once('e')
        .and_then(|(_, exponent)| exponent.parse().ok())
        .unwrap_or(0);
    if exponent < -4 {
        return scientific;
    }
    let places = i32::try_from(digits).unwrap_or(0) - 1 - exponent;
    format!("{x:.*}", usize::try_from(places).unwrap_or(0))
}

fn count(durations: &[Duration]) -> u64 {
    u64::try_from(durations.len()).unwrap_or(u64::MAX)
}

/// Counts are far below 2^53, where this is exact.
pub(crate) fn float(count: u64) -> f64 {
    let high = u32::try_from(count >> 32).unwrap_or(u32::MAX);
    let low = u32::try_from(count & 0xffff_ffff).unwrap_or(u32::MAX);
    f64::from(high) * 4_294_967_296.0 + f64::from(low)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(days: u32, happened: bool) -> Duration {
        Duration { days, happened }
    }

    /// Freireich 1963, remission of leukaemia in weeks: the textbook sample of the log-rank test.
    fn remission() -> (Vec<Duration>, Vec<Duration>) {
        let treated = [
            (6, true),
            (6, true),
            (6, true),
            (6, false),
            (7, true),
            (9, false),
            (10, true),
            (10, false),
            (11, false),
            (13, true),
            (16, true),
            (17, false),
            (19, false),
            (20, false),
            (22, true),
            (23, true),
            (25, false),
            (32, false),
            (32, false),
            (34, false),
            (35, false),
        ];
        let placebo = [
            1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23,
        ];
        (
            treated
                .iter()
                .map(|(days, happened)| of(*days, *happened))
                .collect(),
            placebo.iter().map(|days| of(*days, true)).collect(),
        )
    }

    #[test]
    fn the_textbook_sample_gives_the_textbook_numbers() {
        let (treated, placebo) = remission();
        assert_eq!(median_survival(&treated), Some(23));
        assert_eq!(median_survival(&placebo), Some(8));
        let test = log_rank(&treated, &placebo).unwrap();
        assert_eq!(format!("{:.2}", test.chi2), "16.79");
        assert_eq!(significant(test.p, 2), "4.2e-5");
        assert_eq!(
            log_rank(&placebo, &treated).map(|it| format!("{:.6}", it.chi2)),
            Some(format!("{:.6}", test.chi2))
        );
    }

    #[test]
    fn what_never_comes_down_to_one_half_has_no_median() {
        assert_eq!(median_survival(&[of(3, true), of(4, false), of(5, false)]), None);
        assert_eq!(median_survival(&[]), None);
        assert_eq!(median_survival(&[of(3, true), of(4, false)]), Some(3));
        assert_eq!(log_rank(&[of(3, false)], &[of(4, false)]), None);
    }

    #[test]
    fn tails_agree_with_tables() {
        for (x, degrees, tail) in [
            (3.841_458_821, 1, "0.0500"),
            (6.634_896_601, 1, "0.0100"),
            (10.827_566_17, 1, "0.00100"),
            (5.991_464_547, 2, "0.0500"),
            (7.814_727_903, 3, "0.0500"),
            (18.307_038_05, 10, "0.0500"),
            (19.675_137_57, 11, "0.0500"),
        ] {
            assert_eq!(significant(chi2_tail(x, degrees), 3), tail, "{x} {degrees}");
        }
        assert_eq!(significant(chi2_tail(67.2769, 1), 3), "2.36e-16");
        assert_eq!(significant(erfc(0.5), 12), "0.479500122187");
        assert_eq!(significant(erfc(2.0), 10), "0.004677734981");
        assert_eq!(significant(erfc(1.999_999_999), 8), "0.0046777350");
        assert_eq!(significant(exp(1.0), 14), "2.7182818284590");
        assert_eq!(significant(exp(-20.0), 12), "2.06115362244e-9");
    }

    #[test]
    fn a_rate_ratio_has_an_interval() {
        let it = rate_ratio((61, 6517), (394, 11695)).unwrap();
        assert_eq!(
            [it.ratio, it.low, it.high].map(|x| format!("{x:.4}")),
            ["3.5993", "2.7485", "4.7134"]
        );
        assert_eq!(rate_ratio((0, 6517), (394, 11695)), None);
    }

    #[test]
    fn ranks_are_compared_with_ties() {
        // scipy.stats.kruskal([1, 1, 1], [2, 2, 2], [2, 2]): H = 7.0, p = 0.0301973834223185
        let it = kruskal_wallis(&[vec![1, 1, 1], vec![2, 2, 2], vec![2, 2]]).unwrap();
        assert_eq!(
            (format!("{:.4}", it.h), it.degrees, significant(it.p, 4)),
            ("7.0000".to_owned(), 2, "0.03020".to_owned())
        );
        // scipy.stats.kruskal([1, 3, 5, 7, 9], [2, 4, 6, 8, 10]): H = 0.2727272727272734, p = 0.6015081344405895
        let it = kruskal_wallis(&[vec![1, 3, 5, 7, 9], vec![2, 4, 6, 8, 10]]).unwrap();
        assert_eq!(
            (format!("{:.4}", it.h), significant(it.p, 4)),
            ("0.2727".to_owned(), "0.6015".to_owned())
        );
        assert_eq!(kruskal_wallis(&[vec![1, 1], vec![1]]), None);
        assert_eq!(kruskal_wallis(&[vec![1, 2]]), None);
    }

    #[test]
    fn numbers_keep_their_significant_digits() {
        assert_eq!(significant(0.4964, 3), "0.496");
        assert_eq!(significant(0.000_059_41, 3), "5.94e-5");
        assert_eq!(significant(0.000_594_1, 3), "0.000594");
        assert_eq!(significant(1.0, 3), "1.00");
        assert_eq!(float(5_000_000_000).to_string(), "5000000000");
    }
}
