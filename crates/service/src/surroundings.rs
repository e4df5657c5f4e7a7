//! What a decision needs and cannot compute: the time, and identities for new events.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use portbook_domain::EventId;
use uuid::Uuid;

/// Tells the time at which commands are decided.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> Timestamp + Send + Sync>);

/// Names new events.
#[derive(Clone)]
pub struct IdSource(Arc<dyn Fn() -> Uuid + Send + Sync>);

impl Clock {
    /// A clock that shows what `now` gives.
    pub fn new(now: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// The clock of this machine, in whole milliseconds.
    #[must_use]
    pub fn system() -> Self {
        Self::new(|| {
            let now = Timestamp::now();
            Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
        })
    }

    pub(crate) fn now(&self) -> Timestamp {
        (self.0)()
    }
}

impl IdSource {
    /// Names that `next` gives. They must never repeat.
    pub fn new(next: impl Fn() -> Uuid + Send + Sync + 'static) -> Self {
        Self(Arc::new(next))
    }

    /// UUIDs of version 7: in the order of time, with 74 random bits.
    #[must_use]
    pub fn random() -> Self {
        Self::new(Uuid::now_v7)
    }

    #[expect(
        clippy::expect_used,
        reason = "a UUID is always written in the form of an event id"
    )]
    pub(crate) fn next(&self) -> EventId {
        EventId::new(&(self.0)().to_string()).expect("a UUID is an event id")
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}

impl fmt::Debug for IdSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IdSource")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_identities_are_of_version_7_and_differ() {
        let ids = IdSource::random();
        let (first, second) = (ids.next(), ids.next());
        assert_ne!(first, second);
        assert_eq!(&first.as_str()[14..15], "7");
    }

    #[test]
    fn the_time_is_in_whole_milliseconds() {
        assert_eq!(Clock::system().now().subsec_nanosecond() % 1_000_000, 0);
    }
}
