//! The verified feed over HTTP: a page of events, and events as they are fed, for those who do not speak NATS.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::unfold;
use portbook_bus::{Bus, FeedError};
use portbook_domain::PortCode;
use portbook_http::{
    Body, HeaderMap, HeaderValue, IntoResponse, Problem, Response, Router, State, StatusCode, Uri, header,
    routing,
};
use portbook_subscribe::{FeedFilter, SubscribeError, Subscription};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use crate::command::watch::{Document, filter};
use crate::node::stopped;

/// Clients that follow the feed at once; each holds a connection.
const FOLLOWERS_MAX: usize = 64;
/// Events in one page, unless fewer are asked for.
const PAGE_EVENTS_MAX: usize = 1_000;
/// Bytes after which a page ends.
const PAGE_BYTES_MAX: usize = 8 << 20;
/// How long a follower waits for an event before he hears that the line still stands.
const SILENCE_MAX: Duration = Duration::from_secs(10);

/// What the routes work with.
#[derive(Debug, Clone)]
pub(crate) struct Live {
    /// The connection of a subscriber.
    pub(crate) bus: Bus,
    /// Trade aliases of ports.
    pub(crate) aliases: Arc<BTreeMap<PortCode, PortCode>>,
    /// Turns true when nothing may go on.
    pub(crate) stop: watch::Receiver<bool>,
    followers: Arc<Semaphore>,
}

/// What a request asks for.
#[derive(Debug, Default)]
struct Asked {
    filter: FeedFilter,
    /// The last leaf the client has.
    after: Option<u64>,
    limit: usize,
}

impl Live {
    pub(crate) fn new(bus: Bus, aliases: BTreeMap<PortCode, PortCode>, stop: watch::Receiver<bool>) -> Self {
        Self {
            bus,
            aliases: Arc::new(aliases),
            stop,
            followers: Arc::new(Semaphore::new(FOLLOWERS_MAX)),
        }
    }

    /// `/v1/events` and `/live`.
    pub(crate) fn routes(self) -> Router {
        Router::new()
            .route("/v1/events", routing::get(page))
            .route("/live", routing::get(follow))
            .with_state(self)
    }

    fn asked(&self, uri: &Uri) -> Result<Asked, Problem> {
        let mut asked = Asked {
            limit: PAGE_EVENTS_MAX,
            ..Asked::default()
        };
        let (mut ports, mut types) = (Vec::new(), Vec::new());
        for pair in uri
            .query()
            .unwrap_or_default()
            .split('&')
            .filter(|pair| !pair.is_empty())
        {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            match name {
                "port" => ports.extend(value.split(',').map(str::to_owned)),
                "type" => types.extend(value.split(',').map(str::to_owned)),
                "after" => asked.after = Some(leaf(name, value)?),
                "limit" => {
                    let limit = usize::try_from(leaf(name, value)?).unwrap_or(usize::MAX);
                    asked.limit = limit.clamp(1, PAGE_EVENTS_MAX);
                }
                _ => {
                    return Err(bad(format!(
                        "there is no parameter {name:?}; there are port, type, after and limit"
                    )));
                }
            }
        }
        asked.filter = filter(&self.aliases, &ports, &types).map_err(|error| bad(error.to_string()))?;
        Ok(asked)
    }
}

/// A page of events behind a leaf, one JSON document a line, with the way to the next page.
async fn page(State(live): State<Live>, uri: Uri) -> Result<Response, Problem> {
    let Asked { filter, after, limit } = live.asked(&uri)?;
    let from = after.map_or(0, |leaf| leaf.saturating_add(1));
    let mut subscription = Subscription::open(&live.bus, filter, from)
        .await
        .map_err(problem)?;
    let mut body = String::new();
    let mut last = None;
    for _ in 0..limit {
        let Some(verified) = subscription.next(Duration::ZERO).await.map_err(problem)? else {
            break;
        };
        body += &line(&verified)?;
        body.push('\n');
        last = Some(verified.place.leaf_index);
        if body.len() >= PAGE_BYTES_MAX {
            break;
        }
    }
    let kind = [
        (header::CONTENT_TYPE, "application/x-ndjson"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    let mut response = (kind, body).into_response();
    if let Some(next) = last.and_then(|leaf| next_page(&uri, leaf)) {
        response.headers_mut().insert(header::LINK, next);
    }
    Ok(response)
}

/// Events as they are fed, as server-sent events. The id of each is its leaf, so a browser goes on where it was.
async fn follow(State(live): State<Live>, headers: HeaderMap, uri: Uri) -> Result<Response, Problem> {
    let Asked { filter, after, .. } = live.asked(&uri)?;
    let resumed = headers
        .get("last-event-id")
        .map(|id| leaf("Last-Event-ID", id.to_str().unwrap_or_default()));
    let busy = |_full| Problem::busy(format!("{FOLLOWERS_MAX} clients follow the feed already"), 5);
    let room = Arc::clone(&live.followers).try_acquire_owned().map_err(busy)?;
    let subscription = match resumed.transpose()?.or(after) {
        Some(leaf) => Subscription::open(&live.bus, filter, leaf.saturating_add(1)).await,
        None => Subscription::at_end(&live.bus, filter).await,
    };
    let follower = Follower {
        subscription: subscription.map_err(problem)?,
        stop: live.stop,
        ended: false,
        _room: room,
    };
    let events = unfold(follower, async |mut follower| {
        let said = follower.next().await?;
        Some((Ok::<_, Infallible>(Bytes::from(said)), follower))
    });
    let kind = [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    Ok((kind, Body::from_stream(events)).into_response())
}

/// A client that follows the feed.
struct Follower {
    subscription: Subscription,
    stop: watch::Receiver<bool>,
    ended: bool,
    _room: OwnedSemaphorePermit,
}

impl Follower {
    /// What is said next; nothing at the end.
    async fn next(&mut self) -> Option<String> {
        if self.ended {
            return None;
        }
        let next = tokio::select! {
            next = self.subscription.next(SILENCE_MAX) => next,
            () = stopped(self.stop.clone()) => return None,
        };
        let said = match next {
            Ok(None) => Ok(": the line stands\n\n".to_owned()),
            Ok(Some(verified)) => {
                line(&verified).map(|line| format!("id: {}\ndata: {line}\n\n", verified.place.leaf_index))
            }
            Err(error) => Err(problem(error)),
        };
        Some(said.unwrap_or_else(|problem| {
            self.ended = true;
            format!("event: problem\ndata: {}\n\n", problem.detail())
        }))
    }
}

fn line(verified: &portbook_subscribe::Verified) -> Result<String, Problem> {
    let line = Document::of(verified).and_then(|document| document.line());
    line.map_err(|failure| {
        tracing::error!(%failure, "an event cannot be told");
        Problem::busy("an event cannot be told", 60)
    })
}

/// The same question behind `leaf`. What was asked for came over HTTP, so it can be a header.
fn next_page(uri: &Uri, leaf: u64) -> Option<HeaderValue> {
    let others = uri.query().unwrap_or_default().split('&');
    let after = format!("after={leaf}");
    let kept = others.filter(|pair| !pair.is_empty() && !pair.starts_with("after="));
    let query: Vec<&str> = kept.chain([after.as_str()]).collect();
    HeaderValue::from_str(&format!("<{}?{}>; rel=\"next\"", uri.path(), query.join("&"))).ok()
}

fn leaf(name: &str, value: &str) -> Result<u64, Problem> {
    value
        .parse()
        .ok()
        .ok_or_else(|| bad(format!("{name} must be a decimal number, found {value:?}")))
}

fn bad(detail: String) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, detail)
}

fn problem(error: SubscribeError) -> Problem {
    match error {
        SubscribeError::Feed(error @ FeedError::Gone { .. }) => {
            Problem::new(StatusCode::GONE, error.to_string())
        }
        SubscribeError::Feed(error) => {
            tracing::warn!(%error, "the feed cannot be read");
            Problem::busy("the feed cannot be read now", 1)
        }
        SubscribeError::Changed { .. } | SubscribeError::Order { .. } | SubscribeError::Link { .. } => {
            tracing::error!(%error, "the feed contradicts the ledger");
            Problem::busy("the feed contradicts the ledger; its operator was told", 60)
        }
    }
}
