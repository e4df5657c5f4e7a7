//! The figures of a ledger in the text format of Prometheus.

use std::fmt;
use std::sync::atomic::AtomicU64;
use std::time::{Instant, SystemTime};

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use crate::health::Standing;

/// Names and values that tell figures of one name apart.
type Labels = Vec<(&'static str, &'static str)>;

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
    register_views(&mut registry, standing, time);
    let mut text = String::new();
    encode(&mut text, &registry)?;
    Ok(text)
}

/// How far each view is behind the ledger, by the name of the view.
fn register_views(registry: &mut Registry, standing: &Standing, time: SystemTime) {
    if standing.views.is_empty() {
        return;
    }
    let events = Family::<Labels, Gauge<u64, AtomicU64>>::default();
    let seconds = Family::<Labels, Gauge<f64, AtomicU64>>::default();
    for lag in &standing.views {
        let labels = vec![("view", lag.view)];
        events.get_or_create(&labels).set(lag.waiting);
        seconds.get_or_create(&labels).set(lag.time(time).as_secs_f64());
    }
    registry.register(
        "view_lag_events",
        "Leaves recorded that the view has not folded, seals among them",
        events,
    );
    registry.register(
        "view_lag_seconds",
        "How long the first of them has waited",
        seconds,
    );
}
