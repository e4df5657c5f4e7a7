//! Health: whether the process lives, whether the ledger keeps up with its stream, and how far it is behind.

use std::time::{Duration, Instant, SystemTime};

use axum::Router;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::json;
use tokio::sync::watch;

use crate::metrics::exposition;
use crate::problem::Problem;

/// Where a ledger stands, as told by whoever runs it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Standing {
    /// Leaves recorded.
    pub size: u64,
    /// Leaves covered by the newest published checkpoint.
    pub signed_size: u64,
    /// Last sequence of the stream, as far as it could be asked.
    pub stream_last_seq: u64,
    /// When the stream was asked last; none before the first time.
    pub asked_at: Option<Instant>,
    /// Since when the ledger has not had all of the stream; none while it has.
    pub behind_since: Option<Instant>,
    /// When the newest checkpoint was published; none before the first.
    pub published_at: Option<SystemTime>,
    /// Leaves recorded that the feed has not passed.
    pub feed_waiting: u64,
    /// When the first of them was recorded; none when there are none.
    pub feed_waiting_since: Option<SystemTime>,
    /// How far each view is behind the ledger.
    pub views: Vec<ViewLag>,
    /// Witnesses that cosigned the newest checkpoint.
    pub witnesses: u64,
    /// Whether that is a quorum of the policy in force; true without a policy.
    pub quorum: bool,
}

/// How far a view is behind the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ViewLag {
    /// The view.
    pub view: &'static str,
    /// Leaves recorded that it has not folded.
    pub waiting: u64,
    /// When the first of them was recorded; none when there are none.
    pub waiting_since: Option<SystemTime>,
}

/// What counts as ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// How long the ledger may be behind the stream, and how old what is known of the stream may be.
    pub lag_max: Duration,
}

impl Standing {
    /// Messages the ledger has not recorded yet.
    #[must_use]
    pub const fn lag(&self) -> u64 {
        self.stream_last_seq.saturating_sub(self.size)
    }

    /// How long the ledger has been behind at `now`.
    #[must_use]
    pub fn lag_time(&self, now: Instant) -> Duration {
        self.behind_since
            .map_or(Duration::ZERO, |since| now.saturating_duration_since(since))
    }

    /// How long the first leaf that the feed has not passed has waited at `time`.
    #[must_use]
    pub fn feed_lag_time(&self, time: SystemTime) -> Duration {
        waited(self.feed_waiting_since, time)
    }

    /// What is wrong at `now`; nothing when the ledger is the stream, within `bounds`.
    fn unready(&self, bounds: Bounds, now: Instant) -> Option<String> {
        let Some(asked_at) = self.asked_at else {
            return Some("the stream has not been asked yet".to_owned());
        };
        let unasked = now.saturating_duration_since(asked_at);
        if unasked > bounds.lag_max {
            return Some(format!(
                "the stream has not answered for {} seconds",
                unasked.as_secs()
            ));
        }
        let behind = self.lag_time(now);
        (behind > bounds.lag_max).then(|| {
            format!(
                "the ledger is {} messages behind, for {} seconds now",
                self.lag(),
                behind.as_secs()
            )
        })
    }
}

impl ViewLag {
    /// How long the first leaf that it has not folded has waited at `time`.
    #[must_use]
    pub fn time(&self, time: SystemTime) -> Duration {
        waited(self.waiting_since, time)
    }
}

/// How long ago `since` was at `time`; nothing when nobody waits, or the clocks disagree.
fn waited(since: Option<SystemTime>, time: SystemTime) -> Duration {
    let waited = since.map(|since| time.duration_since(since));
    waited.and_then(Result::ok).unwrap_or_default()
}

#[derive(Debug, Clone)]
struct Watched {
    standing: watch::Receiver<Standing>,
    bounds: Bounds,
}

/// `/healthz` (the process answers), `/readyz` (the ledger's position is the stream's last sequence, within `bounds`) and
/// `/metrics` in the text format of Prometheus.
pub fn health(standing: watch::Receiver<Standing>, bounds: Bounds) -> Router {
    Router::new()
        .route(
            "/healthz",
            get(async || json_answer(&json!({ "status": "alive" }))),
        )
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .with_state(Watched { standing, bounds })
}

async fn ready(State(watched): State<Watched>) -> Response {
    let (standing, now) = (watched.standing.borrow().clone(), Instant::now());
    // A closed channel is a ledger that nobody runs any more.
    let unready = match watched.standing.has_changed() {
        Ok(_) => standing.unready(watched.bounds, now),
        Err(_) => Some("the projector has stopped".to_owned()),
    };
    match unready {
        Some(why) => Problem::busy(why, 1).into_response(),
        None => json_answer(&json!({
            "status": "ready",
            "size": standing.size,
            "signed_size": standing.signed_size,
            "stream_last_seq": standing.stream_last_seq,
            "lag_events": standing.lag(),
            "lag_ms": u64::try_from(standing.lag_time(now).as_millis()).unwrap_or(u64::MAX),
        })),
    }
}

async fn metrics(State(watched): State<Watched>) -> Response {
    let standing = watched.standing.borrow().clone();
    match exposition(&standing, Instant::now(), SystemTime::now()) {
        Ok(text) => {
            let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
            ([(header::CONTENT_TYPE, kind)], text).into_response()
        }
        Err(error) => Problem::busy(format!("the metrics could not be written: {error}"), 1).into_response(),
    }
}

fn json_answer(document: &serde_json::Value) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], document.to_string()).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ready_is_what_keeps_up_and_is_known_to() {
        let bounds = Bounds {
            lag_max: Duration::from_secs(5),
        };
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let asked = Standing {
            size: 10,
            stream_last_seq: 10,
            asked_at: Some(at(100)),
            ..Standing::default()
        };
        assert!(Standing::default().unready(bounds, start).is_some());
        assert_eq!(asked.unready(bounds, at(100)), None);
        assert_eq!(asked.unready(bounds, at(105)), None);
        assert!(
            asked
                .unready(bounds, at(106))
                .unwrap()
                .contains("not answered for 6")
        );
        let behind = Standing {
            stream_last_seq: 17,
            behind_since: Some(at(96)),
            ..asked.clone()
        };
        assert_eq!(behind.unready(bounds, at(101)), None);
        assert!(
            behind
                .unready(bounds, at(102))
                .unwrap()
                .contains("7 messages behind, for 6")
        );
    }
}
