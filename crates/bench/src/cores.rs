//! Work on every core at once.

use std::num::NonZero;
use std::thread;

/// How many cores there are.
pub(crate) fn count() -> usize {
    thread::available_parallelism().map_or(1, NonZero::get)
}

/// Lets every core do `work` on its share of `items`; gives the sum of what each came to.
pub(crate) fn share_out<T: Sync>(items: &[T], work: impl Fn(&T) -> u64 + Sync) -> u64 {
    let share = items.len().div_ceil(count()).max(1);
    let work = &work;
    thread::scope(|scope| {
        let shares: Vec<_> = items
            .chunks(share)
            .map(|share| scope.spawn(move || share.iter().map(work).sum::<u64>()))
            .collect();
        // A core that panicked has done nothing; the scope passes its panic on.
        shares.into_iter().map(|share| share.join().unwrap_or(0)).sum()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_item_is_worked_on_once() {
        let items: Vec<u64> = (1..=1_001).collect();
        assert_eq!(share_out(&items, |item| *item), 501_501);
        assert_eq!(share_out(&[], |item: &u64| *item), 0);
    }
}
