//! The port of a server that takes a free one, kept from start to start: what was told of it goes on to lead there.

use std::fs;
use std::net::SocketAddr;
use std::num::NonZeroU16;
use std::path::PathBuf;

use portbook_http::bind;
use tokio::net::TcpListener;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::session::Session;

/// The port that one server of a home had the last time.
#[derive(Debug)]
pub(crate) struct KeptPort<'a> {
    session: &'a Session,
    server: &'static str,
    file: PathBuf,
    /// None before its first start. A file that holds no port says as much as one that is missing.
    pub(crate) had: Option<u16>,
}

impl<'a> KeptPort<'a> {
    /// What `server` of this home had.
    pub(crate) fn of(session: &'a Session, server: &'static str) -> Self {
        let file = session.home.port_file(server);
        let text = fs::read_to_string(&file).unwrap_or_default();
        Self {
            session,
            server,
            had: text.trim().parse().ok().map(NonZeroU16::get),
            file,
        }
    }

    /// Keeps the port that the server has now, and tells if it had another one.
    pub(crate) fn keep(&self, port: u16) -> Result<(), Failure> {
        if self.had == Some(port) {
            return Ok(());
        }
        fs::write(&self.file, format!("{port}\n"))
            .map_err(|error| Failure::file("write", &self.file, &error))?;
        if let Some(had) = self.had {
            self.session.speech.tell(format_args!(
                "port {had} is taken by another process: {} is on port {port} from now on",
                self.server
            ));
        }
        Ok(())
    }
}

/// Listens on `address` for `server`; port 0 takes the one it had the last time, or else a free one, which is kept.
pub(crate) async fn listen(
    session: &Session,
    server: &'static str,
    address: SocketAddr,
    hint: &str,
) -> Result<(TcpListener, SocketAddr), Failure> {
    let kept = (address.port() == 0).then(|| KeptPort::of(session, server));
    let mut wanted = address;
    if let Some(port) = kept.as_ref().and_then(|kept| kept.had) {
        wanted.set_port(port);
    }
    let listening = match bind(wanted).await {
        Err(_) if wanted != address => bind(address).await,
        listening => listening,
    };
    let (listener, bound) = listening.map_err(|error| Failure::of(Exit::Unavailable, &error).hint(hint))?;
    if let Some(kept) = kept {
        kept.keep(bound.port())?;
    }
    Ok((listener, bound))
}
