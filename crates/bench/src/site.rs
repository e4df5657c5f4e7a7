//! A place to measure in: a temporary folder, a nats-server of its own that syncs every message, and made-up keys.

use std::collections::BTreeMap;
use std::env;
use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};
use portbook_bus::{
    Bus, BusOptions, Identity, Login, ManagedServer, PublishLimits, Publisher, ServerPort, ServerSpec,
    find_binary,
};
use portbook_domain::PortCode;
use portbook_ledger::{KeyName, NoteAlgorithm, Origin, SecretKey, SignerKey};
use portbook_projector::{Opening, Producer, open_ledger};
use portbook_source::EventSigner;
use portbook_store::LedgerDirectory;
use portbook_wire::Source;
use portbook_wire::control::ModeName;
use portbook_wire::subject::STREAM_LEDGER;
use tempfile::TempDir;

use crate::{Failure, fact};

/// Largest size of the streams of one site, in bytes.
const STREAM_BYTES_MAX: u64 = 64 << 30;
const ORIGIN: &str = "bench.example/ledger";

/// A server and its folder, both gone after [`Site::close`].
#[derive(Debug)]
pub(crate) struct Site {
    server: ManagedServer,
    dir: TempDir,
    place: Place,
}

/// Where a site is: all that another process needs to work there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    /// Where the server listens.
    pub(crate) url: String,
    /// The folder.
    pub(crate) dir: PathBuf,
}

impl Site {
    /// Starts a server, creates the streams and states the opening of a ledger.
    pub(crate) async fn open() -> Result<Self, Failure> {
        let dir = tempfile::Builder::new().prefix("portbook-bench-").tempdir()?;
        let configured = env::var_os("PORTBOOK_NATS_SERVER")
            .filter(|path| !path.is_empty())
            .map(PathBuf::from);
        let binary = find_binary(
            configured.as_deref(),
            Path::new(".tools"),
            env::var_os("PATH").as_deref(),
        )?;
        let server = ManagedServer::start(ServerSpec {
            binary,
            store_dir: dir.path().join("nats"),
            seeds_dir: seeds(dir.path()),
            port: ServerPort::Free,
            file_store_bytes_max: STREAM_BYTES_MAX,
        })
        .await?;
        let place = Place {
            url: server.url().to_owned(),
            dir: dir.path().to_owned(),
        };
        let operator = place.connect(Identity::Operator).await?;
        let publisher = Publisher::start(&operator, PublishLimits::default());
        open_ledger(&operator, &publisher, &place.ledger("opened"), &opening()?).await?;
        operator.close().await;
        Ok(Self { server, dir, place })
    }

    /// Where it is.
    pub(crate) const fn place(&self) -> &Place {
        &self.place
    }

    /// Stops the server and removes the folder.
    pub(crate) async fn close(self) -> Result<(), Failure> {
        self.server.stop().await?;
        Ok(self.dir.close()?)
    }
}

impl Place {
    /// Connects as `identity`.
    pub(crate) async fn connect(&self, identity: Identity) -> Result<Bus, Failure> {
        let login = Login::Nkey {
            seed_file: self.seed_file(identity),
        };
        Ok(Bus::connect(BusOptions::new(&self.url, identity, login)).await?)
    }

    /// The key of `identity` at the server.
    pub(crate) fn seed_file(&self, identity: Identity) -> PathBuf {
        identity.seed_file(&seeds(&self.dir))
    }

    /// A file of this site.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// A ledger directory of this site.
    pub(crate) fn ledger(&self, name: &str) -> LedgerDirectory {
        LedgerDirectory::at(self.file(name))
    }

    /// Messages in the ledger stream.
    pub(crate) async fn messages(&self) -> Result<u64, Failure> {
        let auditor = self.connect(Identity::Auditor).await?;
        let messages = auditor.stream_identity(STREAM_LEDGER).await?.last_seq;
        auditor.close().await;
        Ok(messages)
    }
}

fn seeds(dir: &Path) -> PathBuf {
    dir.join("seeds")
}

/// Name of the log.
pub(crate) fn origin() -> Result<Origin, Failure> {
    Ok(Origin::new(ORIGIN)?)
}

/// The key that signs checkpoints.
pub(crate) fn log_key() -> Result<SignerKey, Failure> {
    Ok(SignerKey::new(
        KeyName::new(ORIGIN)?,
        NoteAlgorithm::Ed25519,
        SecretKey::from_seed(&[1; 32]),
    ))
}

/// The key that signs imported facts.
pub(crate) fn importer_key() -> SecretKey {
    SecretKey::from_seed(&[2; 32])
}

/// What signs with it.
pub(crate) fn importer_signer() -> Result<EventSigner, Failure> {
    Ok(EventSigner::new(&importer_key())?)
}

/// The source of imported facts.
pub(crate) fn importer_source() -> Result<Source, Failure> {
    Ok(Source::outside("bench")?)
}

fn opening() -> Result<Opening, Failure> {
    let opened_at = Timestamp::now();
    let aliases: Result<_, Failure> = fact::aliases()
        .map(|(alias, port)| Ok((PortCode::new(alias)?, PortCode::new(port)?)))
        .collect();
    Ok(Opening {
        origin: origin()?,
        log_key: log_key()?.secret().clone(),
        producers: vec![Producer {
            source: importer_source()?,
            mode: ModeName::Observed,
            event_types: Vec::new(),
            public_key: importer_key().public(),
            valid_until: opened_at.checked_add(SignedDuration::from_hours(24))?,
        }],
        port_aliases: aliases?,
        references: BTreeMap::new(),
        policies: BTreeMap::new(),
        replicas: 1,
        feed_bytes_max: 1 << 30,
        opened_at,
    })
}
