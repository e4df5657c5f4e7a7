//! Keeps the live views and the facts current beside the ledger stage, which never waits for them.

use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant, UNIX_EPOCH};

use portbook_audit::KeptFacts;
use portbook_http::ViewLag;
use portbook_projection::{KEPT, Projections, recorded_at_ns};
use portbook_projector::Position;
use portbook_store::StoreReader;
use portbook_views::{Facts, View as _};
use tokio::sync::watch;

use crate::desk::LiveFacts;
use crate::failure::Failure;
use crate::session::Session;

/// How long to sleep when there is nothing to fold.
const PAUSE: Duration = Duration::from_millis(50);
/// While the ledger stage is behind, leaves are left to it until so many are due: it needs the cores more.
const LAG_MAX: u64 = 200_000;

/// What the views of a running portbook are kept with.
#[derive(Debug)]
pub(crate) struct Keeper {
    reader: StoreReader,
    path: PathBuf,
    kept_facts: KeptFacts,
    facts: Arc<LiveFacts>,
    snapshot_interval: Duration,
    /// Where it tells how far they are behind.
    lags: watch::Sender<Vec<ViewLag>>,
}

impl Keeper {
    /// A keeper of the views of this home, and of `facts`.
    pub(crate) fn new(
        session: &Session,
        reader: StoreReader,
        facts: Arc<LiveFacts>,
        lags: watch::Sender<Vec<ViewLag>>,
    ) -> Self {
        Self {
            reader,
            path: session.home.ledger().views(),
            kept_facts: KeptFacts::in_ledger(&session.home.ledger()),
            facts,
            snapshot_interval: Duration::from_millis(session.config.views.snapshot_interval_ms),
            lags,
        }
    }

    /// Keeps them current until `stop`. A view that cannot be kept is no reason for a ledger to stop.
    pub(crate) fn keep(&self, position: &watch::Receiver<Position>, stop: &watch::Receiver<bool>) {
        if let Err(failure) = self.go_on(position, stop) {
            tracing::error!(%failure, "the views are not kept any more; the ledger goes on");
        }
    }

    fn go_on(
        &self,
        position: &watch::Receiver<Position>,
        stop: &watch::Receiver<bool>,
    ) -> Result<(), Failure> {
        // A closed channel is a projector that ended.
        let running = || !*stop.borrow() && position.has_changed().is_ok();
        self.facts.go_on_from(&self.kept_facts)?;
        let projections = Projections::open(self.reader.clone(), &self.path, KEPT)?;
        // A view that begins here is live from the start: what follows its snapshot is folded by whoever reads it.
        projections.snapshot()?;
        let mut written = Instant::now();
        while running() {
            let Position { size, behind, .. } = *position.borrow();
            let due = size.saturating_sub(projections.size());
            self.lags.send_replace(self.lags_of(&projections, size)?);
            if due == 0 || (behind && due < LAG_MAX) {
                thread::sleep(PAUSE);
            } else {
                projections.catch_up(&mut |_, _| running())?;
                self.facts.fold_on()?;
            }
            if written.elapsed() >= self.snapshot_interval {
                projections.snapshot()?;
                // All of them are written each time, so it waits until they are a tenth more.
                self.facts
                    .write_down(&self.kept_facts, |kept, now| now > kept + kept / 10)?;
                written = Instant::now();
            }
        }
        // The last seal may have come with the stop.
        self.facts.fold_on()?;
        self.facts.write_down(&self.kept_facts, |kept, now| now != kept)?;
        Ok(projections.snapshot()?)
    }

    /// How far each view is behind a ledger of `size` leaves.
    fn lags_of(&self, projections: &Projections, size: u64) -> Result<Vec<ViewLag>, Failure> {
        let mut sizes = projections.sizes();
        sizes.push((Facts::NAME, self.facts.covered(size)?));
        let lags = sizes.into_iter().map(|(view, folded)| {
            let waiting = size.saturating_sub(folded);
            let waiting_since = match waiting {
                0 => None,
                _ => UNIX_EPOCH.checked_add(Duration::from_nanos(recorded_at_ns(&self.reader, folded)?)),
            };
            Ok(ViewLag {
                view,
                waiting,
                waiting_since,
            })
        });
        lags.collect()
    }
}
