//! Figures: a rate of the product beside the rate of its limit, both taken several times in turn.

use std::time::Duration;

use crate::Failure;

/// Rates of product and limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pair {
    /// What the product does, per second.
    pub(crate) product: u64,
    /// What the machine would do, per second.
    pub(crate) limit: u64,
}

/// How often `count` things happen in a second when they took `took`.
pub(crate) fn per_second(count: u64, took: Duration) -> u64 {
    let rate = u128::from(count) * 1_000_000_000 / took.as_nanos().max(1);
    u64::try_from(rate).unwrap_or(u64::MAX)
}

/// The middle one of some rates; 0 of none.
pub(crate) fn median(mut rates: Vec<u64>) -> u64 {
    rates.sort_unstable();
    rates.get(rates.len() / 2).copied().unwrap_or(0)
}

/// Measures both `rounds` times, taking turns in who goes first: whatever else the machine does slows both alike.
pub(crate) async fn alternate(
    rounds: u64,
    mut product: impl AsyncFnMut(u64) -> Result<u64, Failure>,
    mut limit: impl AsyncFnMut(u64) -> Result<u64, Failure>,
) -> Result<Pair, Failure> {
    let (mut products, mut limits) = (Vec::new(), Vec::new());
    for round in 0..rounds {
        if round.is_multiple_of(2) {
            limits.push(limit(round).await?);
            products.push(product(round).await?);
        } else {
            products.push(product(round).await?);
            limits.push(limit(round).await?);
        }
    }
    Ok(Pair {
        product: median(products),
        limit: median(limits),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_per_second() {
        assert_eq!(per_second(500, Duration::from_millis(250)), 2_000);
        assert_eq!(per_second(7, Duration::ZERO), 7_000_000_000);
    }

    #[test]
    fn the_median_ignores_outliers() {
        assert_eq!(median(vec![9_000, 10, 12]), 12);
        assert_eq!(median(Vec::new()), 0);
    }

    #[tokio::test]
    async fn product_and_limit_take_turns_in_going_first() {
        let order = std::cell::RefCell::new(String::new());
        let note = |who: char, rate: u64| {
            order.borrow_mut().push(who);
            Ok(rate)
        };
        let pair = alternate(
            3,
            async |round| note('p', round),
            async |round| note('l', round * 10),
        )
        .await;
        assert_eq!(
            pair.unwrap(),
            Pair {
                product: 1,
                limit: 10
            }
        );
        assert_eq!(order.into_inner(), "lppllp");
    }
}
