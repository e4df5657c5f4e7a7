//! A standby beside a running portbook: follows, and becomes the projector when it is asked to.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use portbook_bus::{CheckpointRegister, PublishLimits, Publisher};
use portbook_ledger::{Origin, SignerKey};
use portbook_projector::{Position, Projector, StandbyEnd, StandbyParts, stand_by};
use portbook_wire::subject::{CHECKPOINT_REGISTER, STREAM_LEDGER};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::watch;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::home::KeyOf;
use crate::node::{Address, Running, run_projector, stopped};
use crate::session::Session;

/// Longest wait for the first checkpoint after a promotion.
const FIRST_CHECKPOINT_TIMEOUT: Duration = Duration::from_mins(1);
/// Longest answer to who asks for a promotion, in bytes.
const ANSWER_BYTES_MAX: u64 = 64 * 1024;
/// What an answer begins with when the promotion succeeded; the size of the first checkpoint follows.
const PROMOTED: &str = "promoted ";

/// Follows the stream into `store` until `stop`; once promoted, runs the projector.
pub(crate) async fn run_standby(
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
    let key = session.home.public_key(KeyOf::Log)?;
    let origin =
        Origin::new(key.id().name.as_str()).map_err(|error| Failure::of(Exit::Configuration, &error))?;
    let door = Door::open(session.home.standby_socket())?;
    let settings = &session.config.projector;
    let parts = StandbyParts {
        bus: bus.clone(),
        stream: STREAM_LEDGER.to_owned(),
        projector: Projector::new(store),
        directory: session.home.ledger(),
        register: CheckpointRegister::new(&bus, CHECKPOINT_REGISTER),
        publisher: Publisher::start(&bus, PublishLimits::default()),
        key,
        origin,
        batch_messages_max: settings.batch_messages_max,
        batch_wait: Duration::from_millis(settings.batch_wait_ms),
        position: position.clone(),
    };
    let ended = stand_by(parts, stopped(stop.clone()), door.promotion(session)).await;
    bus.close().await;
    let asker = door.close();
    match ended {
        Ok(StandbyEnd::Stopped) => Ok(()),
        Ok(StandbyEnd::Promoted(projector)) => {
            session
                .speech
                .tell("promoted: this is the projector now, and the one before is fenced off");
            let told = answer_when_signed(asker, position.subscribe());
            let running = Running {
                identity,
                store: projector.into_store(),
                position,
                feed,
                views,
                publishing,
            };
            tokio::join!(told, run_projector(session, address, running, stop)).1
        }
        Err(error) => {
            let failure = Failure::from(error);
            answer(asker, &failure.to_string()).await;
            Err(failure)
        }
    }
}

/// Asks the standby of this home to take over; gives the size of the first checkpoint it signed.
pub(crate) async fn promote(session: &Session) -> Result<u64, Failure> {
    let key = session.home.key(KeyOf::Log)?;
    if *key.verifier() != session.home.public_key(KeyOf::Log)? {
        return Err(Failure::new(
            Exit::Configuration,
            "keys/log.key and keys/log.pub are of different logs",
        ));
    }
    let socket = session.home.standby_socket();
    let nobody = |error: std::io::Error| {
        Failure::file("reach", &socket, &error)
            .exiting(Exit::Unavailable)
            .hint("portbook run standby starts one; promote asks the one that runs in the same home")
    };
    let stream = UnixStream::connect(&socket).await.map_err(nobody)?;
    let mut text = String::new();
    stream
        .take(ANSWER_BYTES_MAX)
        .read_to_string(&mut text)
        .await
        .map_err(nobody)?;
    match text
        .strip_prefix(PROMOTED)
        .and_then(|size| size.trim().parse().ok())
    {
        Some(size) => Ok(size),
        None if text.is_empty() => Err(Failure::new(
            Exit::Unavailable,
            "the standby ended without an answer",
        )),
        None => Err(Failure::new(
            Exit::Unavailable,
            text.trim_end().trim_start_matches("error: "),
        )),
    }
}

/// Where a promotion is asked for: a socket of this user's alone.
struct Door {
    socket: PathBuf,
    listener: UnixListener,
    /// Who asked, and waits for an answer.
    asker: Mutex<Option<UnixStream>>,
}

impl Door {
    fn open(socket: PathBuf) -> Result<Self, Failure> {
        let failed = |error: std::io::Error| Failure::file("listen on", &socket, &error);
        if socket.exists() {
            // This process holds the store: whoever made it is gone.
            std::fs::remove_file(&socket).map_err(failed)?;
        }
        let listener = UnixListener::bind(&socket).map_err(failed)?;
        std::fs::set_permissions(&socket, std::fs::Permissions::from_mode(0o600)).map_err(failed)?;
        Ok(Self {
            asker: Mutex::default(),
            listener,
            socket,
        })
    }

    /// Ends with the key to sign with, once somebody asks and the key is there.
    async fn promotion(&self, session: &Session) -> SignerKey {
        loop {
            let Ok((stream, _)) = self.listener.accept().await else {
                continue;
            };
            match session.home.key(KeyOf::Log) {
                Ok(key) => {
                    *self.asker.lock().unwrap_or_else(PoisonError::into_inner) = Some(stream);
                    return key;
                }
                Err(failure) => answer(Some(stream), &failure.to_string()).await,
            }
        }
    }

    fn close(self) -> Option<UnixStream> {
        remove(&self.socket);
        self.asker.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

fn remove(socket: &Path) {
    // Left behind it would lead to nobody; the next standby replaces it.
    std::fs::remove_file(socket).unwrap_or_default();
}

/// The promotion is complete when a checkpoint of this projector is registered.
async fn answer_when_signed(asker: Option<UnixStream>, mut position: watch::Receiver<Position>) {
    let before = position.borrow_and_update().signed_size;
    let signed = position.wait_for(|position| position.signed_size > before);
    let text = match tokio::time::timeout(FIRST_CHECKPOINT_TIMEOUT, signed).await {
        Ok(Ok(position)) => format!("{PROMOTED}{}", position.signed_size),
        Ok(Err(_)) => "the projector stopped before its first checkpoint".to_owned(),
        Err(_) => "no checkpoint was signed within a minute; see what the standby says".to_owned(),
    };
    answer(asker, &text).await;
}

async fn answer(asker: Option<UnixStream>, text: &str) {
    if let Some(mut asker) = asker {
        // Who went away does not want to know.
        asker.write_all(text.as_bytes()).await.unwrap_or_default();
    }
}
