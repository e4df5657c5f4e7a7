//! Passes over facts side by side: each only reads, so nothing but the processor is shared.

use std::panic::resume_unwind;
use std::thread;

/// What `work` makes of each item, in the order of the items, on a thread for each.
pub fn side_by_side<T: Send, R: Send>(
    items: impl IntoIterator<Item = T>,
    work: impl Fn(T) -> R + Sync,
) -> Vec<R> {
    let work = &work;
    thread::scope(|scope| {
        let begun: Vec<_> = items
            .into_iter()
            .map(|item| scope.spawn(move || work(item)))
            .collect();
        let ended = begun.into_iter().map(thread::ScopedJoinHandle::join);
        ended
            .map(|made| made.unwrap_or_else(|panic| resume_unwind(panic)))
            .collect()
    })
}
