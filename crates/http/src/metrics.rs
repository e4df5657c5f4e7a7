//! The figures of a ledger in the text format of Prometheus.

use std::fmt;
use std::sync::atomic::AtomicU64;
use std::time::{Instant, SystemTime};

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use crate::health::Standing;

/// All figures at `now`, which is `time` on the clock. A figure that does not exist yet is left out rather than told as zero.
pub(crate) fn exposition(standing: &Standing, now: Instant, time: SystemTime) -> Result<String, fmt::Error> {
    let mut registry = Registry::with_prefix("portbook");
    let mut count = |name: &str, help: &str, value: u64| {
        let gauge = Gauge::<u64, AtomicU64>::default();
        gauge.set(value);
        registry.register(name, help, gauge);
    };
    count("ledger_size", "Leaves recorded", standing.size);
    count(
        "ledger_signed_size",
        "Leaves covered by the newest published checkpoint",
        standing.signed_size,
    );
    count(
        "checkpoint_witnesses",
        "Witnesses that cosigned the newest checkpoint",
        standing.witnesses,
    );
    count(
        "checkpoint_quorum",
        "Whether these are a quorum: 1 or 0",
        u64::from(standing.quorum),
    );
    count(
        "feed_lag_events",
        "Leaves recorded that the verified feed has not passed, seals among them",
        standing.feed_waiting,
    );
    if standing.asked_at.is_some() {
        count(
            "stream_last_sequence",
            "Last sequence of the stream",
            standing.stream_last_seq,
        );
        count(
            "ledger_lag_events",
            "Messages of the stream that are not recorded yet",
            standing.lag(),
        );
    }
    let mut seconds = |name: &str, help: &str, value: f64| {
        let gauge = Gauge::<f64, AtomicU64>::default();
        gauge.set(value);
        registry.register(name, help, gauge);
    };
    seconds(
        "ledger_lag_seconds",
        "How long the ledger has been behind the stream",
        standing.lag_time(now).as_secs_f64(),
    );
    seconds(
        "feed_lag_seconds",
        "How long the first of them has waited",
        standing.feed_lag_time(time).as_secs_f64(),
    );
    if let Some(published_at) = standing.published_at {
        seconds(
            "checkpoint_age_seconds",
            "Time since the newest checkpoint was published",
            time.duration_since(published_at)
                .unwrap_or_default()
                .as_secs_f64(),
        );
    }
    let mut text = String::new();
    encode(&mut text, &registry)?;
    Ok(text)
}
