//! `portbook up` and `portbook run`: the parts of a portbook, in one process or in several.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::try_join_all;
use portbook_bus::Identity;
use portbook_domain::ServiceName;
use portbook_evidence::Evidence;
use portbook_projector::{FeedPosition, Position, Publishing};
use portbook_store::Store;
use tokio::sync::watch;

use crate::args::Part;
use crate::command::verify;
use crate::config::AuditAtStart;
use crate::cosigning::Cosigning;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::home::KeyOf;
use crate::node::{Address, Running, Server, interrupted, run_projector, run_service, stopped};
use crate::reference::{self, Tables};
use crate::serving::Outlet;
use crate::session::Session;
use crate::standby::run_standby;

/// How long the projector may take to record what the services stated when they ended.
const LAST_RECORDS_WAIT: Duration = Duration::from_secs(2);

/// Runs `part` until it is interrupted or cannot go on.
pub(crate) fn run(session: &Session, part: Part) -> Outcome {
    session.block_on(async {
        let tables = reference::load()?;
        let store = if has_projector(part) {
            Some(open_store(session)?)
        } else {
            None
        };
        let mut server = match part {
            Part::All => Server::start(session).await?,
            Part::Intake
            | Part::Paperwork
            | Part::Licensing
            | Part::Clearance
            | Part::Projector
            | Part::Standby => Server::running(session)?,
        };
        let (position, watched) = watch::channel(Position::default());
        let (stop, stopped) = watch::channel(false);
        let (ready, mut answering) = watch::channel(0);
        let address = server.address().clone();
        let parts = Parts {
            session,
            address: &address,
            tables: &tables,
            simulated: false,
            ready: &ready,
        };
        let running = parts.run(part, store, position, stopped);
        tokio::pin!(running);
        // Who reads that it runs may send commands at once.
        let started = tokio::select! {
            ended = &mut running => ended,
            failure = server.ended() => Err(failure),
            () = interrupted() => Err(Failure::new(Exit::Interrupted, "interrupted")),
            _ = answering.wait_for(|services| *services == services_of(part).len()) => Ok(()),
        };
        if let Err(failure) = started {
            server.stop().await?;
            return Err(failure);
        }
        session.speech.tell(format_args!(
            "portbook {} is running on {}; Ctrl-C stops it",
            name_of(part),
            address.url()
        ));
        tracing::info!(position = ?*watched.borrow(), "running");
        let ended = tokio::select! {
            ended = &mut running => ended,
            failure = server.ended() => Err(failure),
            () = interrupted() => {
                stop.send_replace(true);
                running.await
            }
        };
        let stopped = server.stop().await;
        ended.and(stopped).map(|()| Exit::Done)
    })
}

/// Opens the store, from now on for other commands as well, and looks at it as an auditor would.
pub(crate) fn open_store(session: &Session) -> Result<Store, Failure> {
    let mut store = Store::open(&session.home.ledger().store())?;
    store.answer_readers()?;
    if session.config.projector.audit_at_start == AuditAtStart::Full {
        verify::audit_at_start(session, &store.reader())?;
    }
    Ok(store)
}

/// What the parts of one process share.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Parts<'a> {
    /// This run.
    pub(crate) session: &'a Session,
    /// Where the server is.
    pub(crate) address: &'a Address,
    /// The reference tables.
    pub(crate) tables: &'a Tables,
    /// Whether what the services decide is marked as simulated.
    pub(crate) simulated: bool,
    /// How many services answer.
    pub(crate) ready: &'a watch::Sender<usize>,
}

impl Parts<'_> {
    /// Runs the services and the projector that belong to `part`, until `stop` or until one of them cannot go on.
    pub(crate) async fn run(
        self,
        part: Part,
        store: Option<Store>,
        position: watch::Sender<Position>,
        stop: watch::Receiver<bool>,
    ) -> Result<(), Failure> {
        let (halt, halted) = watch::channel(false);
        let reached = store.as_ref().map(|_| position.subscribe());
        let services = self.run_services(part, reached, halt, stop.clone());
        let identity = projector_identity(part);
        let (publishing, cosigning) = match &store {
            Some(_) => Cosigning::prepare(self.session)?,
            None => (Publishing::AtOnce, None),
        };
        let (cosigning, watched) = cosigning.unzip();
        let evidence = store
            .as_ref()
            .map(|store| evidence_of(self.session, store, part))
            .transpose()?;
        let (feed, feeding) = watch::channel(FeedPosition::default());
        let (views, viewing) = watch::channel(Vec::new());
        let outlet = evidence.clone().map(|evidence| Outlet {
            session: self.session,
            address: self.address,
            identity,
            aliases: self.tables.reference.aliases.to_map(),
            position: position.subscribe(),
            feed: feeding,
            views: viewing,
            evidence,
            watched,
        });
        let serving = serve_beside(outlet, stop.clone());
        let publishing_beside = publish_beside(cosigning, evidence, halted.clone());
        let projector = async {
            match store {
                Some(store) => {
                    let running = Running {
                        identity,
                        store,
                        position,
                        feed,
                        views,
                        publishing,
                    };
                    if part == Part::Standby {
                        run_standby(self.session, self.address, running, halted.clone()).await
                    } else {
                        run_projector(self.session, self.address, running, halted.clone()).await
                    }
                }
                None => Ok(()),
            }
        };
        tokio::try_join!(services, projector, serving, publishing_beside).map(|_| ())
    }

    /// Runs the services until `stop`, and lets the projector go once what they stated at their end is recorded: it belongs
    /// into the ledger.
    async fn run_services(
        self,
        part: Part,
        mut reached: Option<watch::Receiver<Position>>,
        halt: watch::Sender<bool>,
        stop: watch::Receiver<bool>,
    ) -> Result<(), Failure> {
        // The projector first sees whether the stream is the ledger's; what it says of it counts.
        if let Some(reached) = &mut reached
            && reached.changed().await.is_err()
        {
            return Ok(());
        }
        let services = services_of(part).iter().map(|name| {
            run_service(
                self.session,
                self.address,
                self.tables,
                *name,
                self.simulated,
                self.ready,
                stop.clone(),
            )
        });
        let stated = try_join_all(services).await?;
        stopped(stop.clone()).await;
        if let Some(reached) = &mut reached {
            let last = stated.into_iter().max().unwrap_or(0);
            let recorded = reached.wait_for(|position| position.size >= last);
            if tokio::time::timeout(LAST_RECORDS_WAIT, recorded).await.is_err() {
                tracing::warn!(last, "stopping before the last statements are recorded");
            }
        }
        halt.send_replace(true);
        Ok(())
    }
}

/// Who the part with the ledger connects as.
fn projector_identity(part: Part) -> Identity {
    if part == Part::Standby {
        Identity::Standby
    } else {
        Identity::Projector
    }
}

/// Serves what there is to serve.
async fn serve_beside(outlet: Option<Outlet<'_>>, stop: watch::Receiver<bool>) -> Result<(), Failure> {
    match outlet {
        Some(outlet) => outlet.serve(stop).await,
        None => Ok(()),
    }
}

/// Publishes what waits for cosignatures; nothing does without witnesses.
async fn publish_beside(
    cosigning: Option<Cosigning>,
    evidence: Option<Arc<Evidence>>,
    stop: watch::Receiver<bool>,
) -> Result<(), Failure> {
    match (cosigning, evidence) {
        (Some(cosigning), Some(evidence)) => cosigning.run(evidence, stop).await,
        (None, _) | (_, None) => Ok(()),
    }
}

/// Evidence of the ledger in `store`, signing for the ports' own logs; a standby has no key to sign with.
fn evidence_of(session: &Session, store: &Store, part: Part) -> Result<Arc<Evidence>, Failure> {
    let (reader, directory) = (store.reader(), session.home.ledger());
    let evidence = if part == Part::Standby {
        Evidence::new(reader, directory, session.home.public_key(KeyOf::Log)?)
    } else {
        Evidence::signing(reader, directory, session.home.key(KeyOf::Log)?)
    };
    Ok(Arc::new(
        evidence.map_err(|error| Failure::of(Exit::Configuration, &error))?,
    ))
}

/// Waits until the projector has recorded message `seq` and a signed checkpoint covers it.
pub(crate) async fn wait_until_signed(
    watched: &mut watch::Receiver<Position>,
    seq: u64,
) -> Result<(), Failure> {
    let covered = watched.wait_for(|position| position.size >= seq && position.signed_size >= seq);
    match tokio::time::timeout(Duration::from_mins(10), covered).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(_)) => Err(Failure::new(Exit::LedgerFault, "the projector stopped")),
        Err(_) => Err(Failure::new(
            Exit::Unavailable,
            format!("message {seq} was not sealed within ten minutes"),
        )),
    }
}

const fn has_projector(part: Part) -> bool {
    matches!(part, Part::All | Part::Projector | Part::Standby)
}

const fn services_of(part: Part) -> &'static [ServiceName] {
    match part {
        Part::Intake => &[ServiceName::Intake],
        Part::Paperwork => &[ServiceName::Paperwork],
        Part::Licensing => &[ServiceName::Licensing],
        Part::Clearance => &[ServiceName::Clearance],
        Part::Projector | Part::Standby => &[],
        Part::All => ServiceName::ALL,
    }
}

const fn name_of(part: Part) -> &'static str {
    match part {
        Part::Intake => "intake",
        Part::Paperwork => "paperwork",
        Part::Licensing => "licensing",
        Part::Clearance => "clearance",
        Part::Projector => "projector",
        Part::Standby => "standby",
        Part::All => "up",
    }
}
