//! A running portbook: the server, the connections and the parts on top of them.

use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use portbook_audit::attest;
use portbook_bus::{
    Bus, BusOptions, CheckpointRegister, ConnectError, Identity, Log, Login, ManagedServer, PublishLimits,
    Publisher, ServerPort, ServerSpec, find_binary,
};
use portbook_domain::ServiceName;
use portbook_http::ViewLag;
use portbook_ledger::{Origin, SecretKey};
use portbook_projector::{
    FeedParts, FeedPosition, Pace, Position, Projector, Publishing, RunParts, SignerParts, feed, run,
};
use portbook_service::{Authorities, Clock, Engine, EngineLimits, EngineParts, IdSource, serve};
use portbook_source::{Account, AccountError, AccountParts};
use portbook_store::{Store, StoreReader};
use portbook_wire::Source;
use portbook_wire::subject::{CHECKPOINT_REGISTER, STREAM_LEDGER};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::desk::{LiveFacts, answer_askers};
use crate::elsewhere;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::home::KeyOf;
use crate::keeper;
use crate::kept_port::KeptPort;
use crate::reference::Tables;
use crate::session::Session;

/// Largest size of all streams of a managed server together, in bytes.
const STREAM_BYTES_MAX: u64 = 256 << 30;
/// How long to wait before a server that could not be reached is tried again.
const RECONNECT_PAUSE: Duration = Duration::from_millis(100);
/// Longest wait for a server on this machine to take a connection.
const KNOCK_TIMEOUT: Duration = Duration::from_secs(1);
/// How long the attestor sleeps when it has nothing to do or must not be in the way.
const ATTESTOR_PAUSE: Duration = Duration::from_millis(50);

/// Where a server is.
#[derive(Debug, Clone)]
pub(crate) struct Address {
    url: String,
}

/// The server a node uses: its own child, or somebody else's.
#[derive(Debug)]
pub(crate) struct Server {
    address: Address,
    child: Option<ManagedServer>,
    url_file: Option<PathBuf>,
}

impl Server {
    /// The configured server, or a managed child in the home directory.
    pub(crate) async fn start(session: &Session) -> Result<Self, Failure> {
        if !session.config.nats.url.is_empty() {
            return Ok(Self::elsewhere(session.config.nats.url.clone()));
        }
        let port = KeptPort::of(session, "nats");
        let child = ManagedServer::start(ServerSpec {
            binary: binary(session)?,
            store_dir: session.home.nats_store().to_owned(),
            seeds_dir: session.home.nats_seeds(),
            port: port.had.map_or(ServerPort::Free, ServerPort::Rather),
            file_store_bytes_max: STREAM_BYTES_MAX,
        })
        .await?;
        port.keep(child.port())?;
        let url_file = session.home.url_file();
        std::fs::write(&url_file, child.url()).map_err(|error| Failure::file("write", &url_file, &error))?;
        let address = Address {
            url: child.url().to_owned(),
        };
        Ok(Self {
            address,
            child: Some(child),
            url_file: Some(url_file),
        })
    }

    /// The server that runs already: the configured one, or the one another process manages in this home.
    pub(crate) fn running(session: &Session) -> Result<Self, Failure> {
        if !session.config.nats.url.is_empty() {
            return Ok(Self::elsewhere(session.config.nats.url.clone()));
        }
        let url_file = session.home.url_file();
        let url = std::fs::read_to_string(&url_file).ok().ok_or_else(|| {
            Failure::new(
                Exit::Unavailable,
                format!("no portbook is running in {}", session.home.root().display()),
            )
            .hint("portbook up runs one; --server names another")
        })?;
        Ok(Self::elsewhere(url))
    }

    /// The server that runs already, or else one of our own over the same store.
    pub(crate) async fn reachable(session: &Session) -> Result<Self, Failure> {
        match Self::running(session) {
            Ok(server) if !session.config.nats.url.is_empty() || server.address.answers() => Ok(server),
            // A process that was killed left the address of its server behind.
            Ok(_) | Err(_) => Self::start(session).await,
        }
    }

    const fn elsewhere(url: String) -> Self {
        Self {
            address: Address { url },
            child: None,
            url_file: None,
        }
    }

    /// Where it is.
    pub(crate) const fn address(&self) -> &Address {
        &self.address
    }

    /// Waits until the managed child ends, which it should not; for ever when it is not ours.
    pub(crate) async fn ended(&mut self) -> Failure {
        match &mut self.child {
            Some(child) => child.ended().await.into(),
            None => std::future::pending().await,
        }
    }

    /// Stops the managed child and waits for it.
    pub(crate) async fn stop(self) -> Result<(), Failure> {
        if let Some(file) = &self.url_file {
            // Left behind it would only make the next command wait for a connection.
            std::fs::remove_file(file).unwrap_or_default();
        }
        match self.child {
            Some(child) => Ok(child.stop().await?),
            None => Ok(()),
        }
    }
}

impl Address {
    /// The URL.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Whether anybody listens on this machine at the address a managed server had.
    fn answers(&self) -> bool {
        let address = self.url.strip_prefix("nats://").and_then(|it| it.parse().ok());
        address.is_some_and(|address| TcpStream::connect_timeout(&address, KNOCK_TIMEOUT).is_ok())
    }

    /// Connects as `identity`; a server that cannot be reached is tried until the configured time is over.
    pub(crate) async fn connect(&self, session: &Session, identity: Identity) -> Result<Bus, Failure> {
        let seed_file = identity.seed_file(&session.home.nats_seeds());
        let login = if seed_file.exists() {
            Login::Nkey { seed_file }
        } else {
            Login::Open
        };
        let mut options = BusOptions::new(&self.url, identity, login);
        options.connect_timeout = Duration::from_millis(session.config.nats.connect_timeout_ms);
        options.request_timeout = Duration::from_millis(session.config.nats.request_timeout_ms);
        let patience = options.connect_timeout;
        let started = Instant::now();
        loop {
            match Bus::connect(options.clone()).await {
                // A server that is being started again is not one that is away.
                Err(ConnectError::Unreachable { .. }) if started.elapsed() < patience => {
                    tokio::time::sleep(RECONNECT_PAUSE).await;
                }
                connected => return Ok(connected?),
            }
        }
    }
}

/// The nats-server binary to run.
pub(crate) fn binary(session: &Session) -> Result<PathBuf, Failure> {
    let configured = match session.config.nats.binary.as_str() {
        "" => std::env::var_os("PORTBOOK_NATS_SERVER")
            .filter(|path| !path.is_empty())
            .map(PathBuf::from),
        path => Some(PathBuf::from(path)),
    };
    Ok(find_binary(
        configured.as_deref(),
        Path::new(".tools"),
        std::env::var_os("PATH").as_deref(),
    )?)
}

/// The identity a service connects under.
pub(crate) const fn identity_of(service: ServiceName) -> Identity {
    match service {
        ServiceName::Intake => Identity::Intake,
        ServiceName::Paperwork => Identity::Paperwork,
        ServiceName::Licensing => Identity::Licensing,
        ServiceName::Clearance => Identity::Clearance,
    }
}

/// The secret behind a key file.
pub(crate) fn secret(session: &Session, of: KeyOf) -> Result<SecretKey, Failure> {
    Ok(session.home.key(of)?.secret().clone())
}

/// Runs one service until `stop`. Gives where its last statement is, 0 when it made none.
pub(crate) async fn run_service(
    session: &Session,
    address: &Address,
    tables: &Tables,
    name: ServiceName,
    simulated: bool,
    ready: &watch::Sender<usize>,
    stop: watch::Receiver<bool>,
) -> Result<u64, Failure> {
    let bus = address.connect(session, identity_of(name)).await?;
    let limits = EngineLimits {
        conflict_retries_max: session.config.service.conflict_retries_max,
        cases_cached_max: session.config.service.cases_cached_max,
    };
    let publisher = Publisher::start(&bus, PublishLimits::default());
    let source = Source::service(name.name()).map_err(|error| Failure::of(Exit::Configuration, &error))?;
    let key = secret(session, KeyOf::Service(name))?;
    let account = open_account(session, &bus, &publisher, source, key.clone()).await?;
    let log_key = *session.home.public_key(KeyOf::Log)?.public();
    let engine = Engine::new(EngineParts {
        service: name,
        key,
        authorities: patiently(session, || async {
            Ok(Authorities::registered(&Log::ledger(&bus), log_key).await?)
        })
        .await?,
        policies: Arc::new(tables.reference.policies.clone()),
        calendar: Arc::new(tables.reference.calendar.clone()),
        publisher,
        bus: bus.clone(),
        clock: Clock::system(),
        ids: IdSource::random(),
        account: Some(account.clone()),
        limits,
        simulated,
    })
    .map_err(|error| Failure::of(Exit::Configuration, &error))?;
    let interval = Duration::from_millis(session.config.sources.statement_interval_ms);
    let (served, ()) = tokio::join!(
        serve(
            &bus,
            Arc::new(engine),
            session.config.service.commands_in_flight_max,
            // Looked at only once the endpoints are announced.
            async {
                ready.send_modify(|services| *services += 1);
                stopped(stop.clone()).await;
            },
        ),
        account.keep_stating(interval, stopped(stop.clone())),
    );
    let stated = account.close().await.unwrap_or_else(|error| {
        // Kept in the journal, and stated when the service runs again.
        tracing::warn!(%error, service = name.name(), "the last statement waits");
        None
    });
    bus.close().await;
    served.map_err(|error| Failure::of(Exit::Unavailable, &error))?;
    Ok(stated.map_or(0, |stated| stated.seq))
}

/// Opens the account of a source that this process publishes for.
pub(crate) async fn open_account(
    session: &Session,
    bus: &Bus,
    publisher: &Publisher,
    source: Source,
    key: SecretKey,
) -> Result<Account, Failure> {
    let log_key = *session.home.public_key(KeyOf::Log)?.public();
    let parts = || AccountParts {
        journal: session.home.journal(&source),
        source: source.clone(),
        key: key.clone(),
        log_key,
        log: Log::ledger(bus),
        publisher: publisher.clone(),
        clock: Timestamp::now,
    };
    patiently(session, || Account::open(parts())).await
}

/// Tries until it works or the configured time is over: a server that is being started again is not one that is away.
async fn patiently<T, F>(session: &Session, attempt: impl Fn() -> F) -> Result<T, Failure>
where
    F: Future<Output = Result<T, AccountError>>,
{
    let patience = Duration::from_millis(session.config.nats.connect_timeout_ms);
    let started = Instant::now();
    loop {
        match attempt().await {
            Err(error) if error.is_transient() && started.elapsed() < patience => {
                tokio::time::sleep(RECONNECT_PAUSE).await;
            }
            done => return Ok(done?),
        }
    }
}

/// How the projector divides its time, as it is configured.
const fn pace_of(session: &Session) -> Pace {
    let settings = &session.config.projector;
    Pace {
        batch_messages_max: settings.batch_messages_max,
        batch_wait: Duration::from_millis(settings.batch_wait_ms),
        seal_records_max: settings.seal_records_max,
        seal_interval: Duration::from_millis(settings.seal_interval_ms),
    }
}

/// What a projector is run with.
#[derive(Debug)]
pub(crate) struct Running {
    /// Who it connects as.
    pub(crate) identity: Identity,
    /// The ledger.
    pub(crate) store: Store,
    /// Where it tells how far it has come.
    pub(crate) position: watch::Sender<Position>,
    /// Where it tells how far the feed has come.
    pub(crate) feed: watch::Sender<FeedPosition>,
    /// Where it tells how far the views are behind.
    pub(crate) views: watch::Sender<Vec<ViewLag>>,
    /// Who publishes its checkpoints.
    pub(crate) publishing: Publishing,
}

/// Runs the projector until `stop`.
pub(crate) async fn run_projector(
    session: &Session,
    address: &Address,
    running: Running,
    stop: watch::Receiver<bool>,
) -> Result<(), Failure> {
    let Running {
        identity,
        store,
        position,
        feed,
        views,
        publishing,
    } = running;
    let bus = address.connect(session, identity).await?;
    let key = session.home.key(KeyOf::Log)?;
    let origin = Origin::new(key.verifier().id().name.as_str())
        .map_err(|error| Failure::of(Exit::Configuration, &error))?;
    let mark = elsewhere::refuse_rollback(session, &origin, key.verifier()).await?;
    let projector = Projector::new(store);
    let reader = projector.reader();
    let marking = tokio::spawn(mark.follow(session.home.ledger(), position.subscribe()));
    let signer = SignerParts {
        directory: session.home.ledger(),
        reader: reader.clone(),
        register: CheckpointRegister::new(&bus, CHECKPOINT_REGISTER),
        key,
        origin,
        publishing,
    };
    let attesting = tokio::task::spawn_blocking({
        let (watched, stop) = (position.subscribe(), stop.clone());
        move || attest_beside(&reader, &watched, &stop)
    });
    let keeping = keep_beside(
        session,
        projector.reader(),
        views,
        position.subscribe(),
        stop.clone(),
    );
    let feeding = FeedParts {
        bus: bus.clone(),
        directory: session.home.ledger(),
        reader: projector.reader(),
        ledger: position.subscribe(),
        position: feed,
    };
    let feeding = tokio::spawn(feed_beside(feeding, stop.clone()));
    let parts = RunParts {
        publisher: Publisher::start(&bus, PublishLimits::default()),
        bus: bus.clone(),
        stream: STREAM_LEDGER.to_owned(),
        projector,
        signer,
        pace: pace_of(session),
        position,
    };
    let ended = run(parts, stopped(stop)).await;
    joined(feeding).await?;
    joined(marking).await?;
    bus.close().await;
    keeping.ended().await?;
    let attested = joined(attesting).await?;
    ended?;
    attested
}

/// What work beside the ledger stage ended with.
async fn joined<T>(work: JoinHandle<T>) -> Result<T, Failure> {
    work.await.map_err(|error| Failure::of(Exit::InputOutput, &error))
}

/// What is kept beside the ledger stage, and answers from it.
struct Keeping {
    views: JoinHandle<()>,
    answers: JoinHandle<()>,
}

/// Keeps views and facts, and answers questions about the facts, until `stop`.
fn keep_beside(
    session: &Session,
    reader: StoreReader,
    lags: watch::Sender<Vec<ViewLag>>,
    position: watch::Receiver<Position>,
    stop: watch::Receiver<bool>,
) -> Keeping {
    let facts = Arc::new(LiveFacts::of(reader.clone()));
    let answers = answer_beside(session.home.answers_socket(), Arc::clone(&facts), stop.clone());
    let keeper = keeper::Keeper::new(session, reader, facts, lags);
    Keeping {
        answers: tokio::spawn(answers),
        views: tokio::task::spawn_blocking(move || keeper.keep(&position, &stop)),
    }
}

impl Keeping {
    /// Waits until views and facts are written down, and nothing of it holds the store any more.
    async fn ended(self) -> Result<(), Failure> {
        self.answers.abort();
        // An error says that it was stopped, which is what was wanted.
        self.answers.await.unwrap_or_default();
        joined(self.views).await
    }
}

/// Answers questions about facts. Should that not work, whoever asks works it out alone.
async fn answer_beside(socket: PathBuf, facts: Arc<LiveFacts>, stop: watch::Receiver<bool>) {
    if let Err(failure) = answer_askers(&socket, facts, stopped(stop)).await {
        tracing::warn!("questions are not answered from memory: {failure}");
    }
}

/// Publishes the verified feed. Should that have to stop, the ledger goes on: it owes nothing to its readers.
async fn feed_beside(parts: FeedParts, stop: watch::Receiver<bool>) {
    if let Err(error) = feed(parts, stopped(stop)).await {
        let failure = Failure::of(Exit::LedgerFault, &error);
        tracing::error!("the feed has stopped: {failure}");
    }
}

/// Checks signatures while the ledger stage has nothing to do.
fn attest_beside(
    reader: &StoreReader,
    position: &watch::Receiver<Position>,
    stop: &watch::Receiver<bool>,
) -> Result<(), Failure> {
    // A closed channel is a projector that ended.
    while !*stop.borrow() && position.has_changed().is_ok() {
        if position.borrow().behind || attest(reader)? == 0 {
            std::thread::sleep(ATTESTOR_PAUSE);
        }
    }
    Ok(())
}

/// Ends when `stop` turns true or nobody can turn it any more.
pub(crate) async fn stopped(mut stop: watch::Receiver<bool>) {
    // An error means that the sender is gone, which is a stop as well.
    stop.wait_for(|stop| *stop).await.map(|_| ()).unwrap_or_default();
}

/// Ends with SIGINT or SIGTERM.
pub(crate) async fn interrupted() {
    use tokio::signal::unix::{SignalKind, signal};
    let terminate = async {
        match signal(SignalKind::terminate()) {
            Ok(mut terminate) => terminate.recv().await.unwrap_or_default(),
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        () = terminate => {}
    }
}
