//! What a running ledger serves over HTTP, beside the projector: health, metrics, the log itself, the verified feed.

mod log;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant, UNIX_EPOCH};

use portbook_bus::{Bus, Identity};
use portbook_domain::PortCode;
use portbook_evidence::Evidence;
use portbook_http::{Bounds, Limits, Router, Standing, ViewLag, health, serve};
use portbook_projector::{FeedPosition, Position};
use portbook_store::LedgerDirectory;
use portbook_wire::subject::STREAM_LEDGER;
use tokio::sync::watch;

use crate::cosigning::Watched;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::kept_port::listen;
use crate::live::Live;
use crate::node::{Address, stopped};
use crate::session::Session;

/// How often the stream is asked how long it is.
const ASKING_PERIOD: Duration = Duration::from_secs(1);

/// What an HTTP server needs to know of the projector it stands beside.
#[derive(Debug)]
pub(crate) struct Outlet<'a> {
    /// This run.
    pub(crate) session: &'a Session,
    /// Where the stream is.
    pub(crate) address: &'a Address,
    /// Who asks it how long it is.
    pub(crate) identity: Identity,
    /// Trade aliases of ports.
    pub(crate) aliases: &'a BTreeMap<PortCode, PortCode>,
    /// How far the projector has come.
    pub(crate) position: watch::Receiver<Position>,
    /// How far the feed has come.
    pub(crate) feed: watch::Receiver<FeedPosition>,
    /// How far the views are behind.
    pub(crate) views: watch::Receiver<Vec<ViewLag>>,
    /// What the log is made of.
    pub(crate) evidence: Arc<Evidence>,
    /// What the witnesses do; none without a policy.
    pub(crate) watched: Option<Watched>,
}

impl Outlet<'_> {
    /// Serves until `stop`, unless the configuration says that nothing is served.
    pub(crate) async fn serve(self, stop: watch::Receiver<bool>) -> Result<(), Failure> {
        let settings = &self.session.config.http;
        if settings.listen_addr.is_empty() {
            return Ok(());
        }
        let hint = format!(
            "http.listen_addr is {}; another port may be free",
            settings.listen_addr
        );
        let address = parse_address(&settings.listen_addr)?;
        let (listener, address) = listen(self.session, "http", address, &hint).await?;
        let url_file = self.session.home.http_url_file();
        let url = format!("http://{address}");
        std::fs::write(&url_file, &url).map_err(|error| Failure::file("write", &url_file, &error))?;
        self.session.speech.tell(format_args!("serving on {url}"));
        let bounds = Bounds {
            lag_max: Duration::from_millis(settings.ready_lag_ms_max),
        };
        let bus = self.address.connect(self.session, self.identity).await?;
        let (standing, watched) = watch::channel(Standing {
            quorum: true,
            ..Standing::default()
        });
        let live = match self.address.connect(self.session, Identity::Subscriber).await {
            Ok(subscriber) => Live::new(subscriber, self.aliases.clone(), stop.clone()).routes(),
            // A home without the subscriber's seed serves the rest.
            Err(failure) => {
                tracing::warn!("the feed is not served over HTTP: {failure}");
                Router::new()
            }
        };
        let router = health(watched, bounds)
            .merge(log::log(self.evidence, self.watched.as_ref()))
            .merge(live);
        let sights = Sights {
            directory: self.session.home.ledger(),
            position: self.position,
            feed: self.feed,
            views: self.views,
            watched: self.watched,
        };
        let watching = sights.look(&bus, &standing);
        let serving = serve(listener, router, Limits::default(), stopped(stop));
        tokio::select! {
            () = serving => {}
            () = watching => {}
        }
        bus.close().await;
        // Left behind it would only lead to nobody.
        std::fs::remove_file(&url_file).unwrap_or_default();
        Ok(())
    }
}

fn parse_address(text: &str) -> Result<SocketAddr, Failure> {
    text.parse().map_err(|error| {
        Failure::new(
            Exit::Configuration,
            format!("http.listen_addr {text:?} is not an address with a port: {error}"),
        )
        .hint("for example 127.0.0.1:8080, or [::1]:8080; empty turns HTTP off")
    })
}

/// What health is read from.
struct Sights {
    directory: LedgerDirectory,
    position: watch::Receiver<Position>,
    feed: watch::Receiver<FeedPosition>,
    views: watch::Receiver<Vec<ViewLag>>,
    watched: Option<Watched>,
}

impl Sights {
    /// Keeps `standing` true until the projector is gone.
    async fn look(mut self, bus: &Bus, standing: &watch::Sender<Standing>) {
        let mut asking = tokio::time::interval(ASKING_PERIOD);
        loop {
            let asked = tokio::select! {
                _ = asking.tick() => bus.stream_identity(STREAM_LEDGER).await.ok(),
                changed = self.position.changed() => match changed {
                    Ok(()) => None,
                    Err(_) => return,
                },
            };
            let (now, place) = (Instant::now(), *self.position.borrow_and_update());
            let waiting = *self.feed.borrow();
            let views = self.views.borrow().clone();
            let judged = self.watched.as_ref().and_then(|watched| *watched.judged.borrow());
            standing.send_modify(|standing| {
                if let Some(stream) = asked {
                    standing.stream_last_seq = stream.last_seq;
                    standing.asked_at = Some(now);
                }
                if place.signed_size != standing.signed_size {
                    standing.published_at = self.directory.published_at();
                }
                standing.feed_waiting = waiting.waiting;
                standing.feed_waiting_since = waiting
                    .waiting_since_ns
                    .and_then(|since| UNIX_EPOCH.checked_add(Duration::from_nanos(since)));
                standing.views = views;
                standing.size = place.size;
                standing.signed_size = place.signed_size;
                standing.behind_since = match standing.behind_since {
                    _ if standing.lag() == 0 => None,
                    Some(since) => Some(since),
                    None => Some(now),
                };
                if let Some(judged) = judged {
                    standing.witnesses = u64::try_from(judged.witnesses).unwrap_or(u64::MAX);
                    standing.quorum = judged.quorum;
                }
            });
        }
    }
}
