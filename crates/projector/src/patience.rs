//! Patience at the start: a server that does not answer now, because it elects or is being started again, may answer soon.

use std::fmt::Display;
use std::time::Duration;

use tokio::time::{Instant, sleep};

/// Longest time something is tried again.
const PATIENCE: Duration = Duration::from_mins(1);
const PAUSE: Duration = Duration::from_millis(500);

/// Tries until it works, fails for good, or the time is over.
pub(crate) async fn patiently<T, E, F>(
    is_transient: impl Fn(&E) -> bool,
    attempt: impl Fn() -> F,
) -> Result<T, E>
where
    E: Display,
    F: Future<Output = Result<T, E>>,
{
    let started = Instant::now();
    loop {
        match attempt().await {
            Err(error) if is_transient(&error) && started.elapsed() < PATIENCE => {
                tracing::warn!(%error, "the start waits for the server");
                sleep(PAUSE).await;
            }
            done => return done,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_may_pass_is_tried_again_and_not_for_ever() {
        let tries = Cell::new(0);
        let third = || async {
            tries.set(tries.get() + 1);
            if tries.get() < 3 {
                Err("silent")
            } else {
                Ok(tries.get())
            }
        };
        assert_eq!(patiently(|_| true, third).await, Ok(3));
        let started = Instant::now();
        let never = || async { Err::<(), _>("silent") };
        assert_eq!(patiently(|_| true, never).await, Err("silent"));
        assert!((PATIENCE..PATIENCE * 2).contains(&started.elapsed()));
    }

    #[tokio::test(start_paused = true)]
    async fn what_fails_for_good_fails_at_once() {
        let started = Instant::now();
        let broken = || async { Err::<(), _>("another stream") };
        assert_eq!(patiently(|_| false, broken).await, Err("another stream"));
        assert!(started.elapsed() < PAUSE);
    }
}
