//! The port a managed server is to listen on.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use tokio::net::TcpSocket;

/// What port on loopback a server gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServerPort {
    /// One that the system chooses.
    Free,
    /// This one, or a free one while another process has it.
    Rather(u16),
    /// This one and no other.
    Exactly(u16),
}

impl ServerPort {
    /// As a server configuration says it: -1 lets the system choose.
    pub(super) fn setting(self) -> i32 {
        match self {
            Self::Exactly(port) => port.into(),
            Self::Rather(port) if bind(port).is_ok() => port.into(),
            Self::Rather(_) | Self::Free => -1,
        }
    }
}

/// Takes the port for a moment without listening on it: nobody connects to us by mistake.
fn bind(port: u16) -> io::Result<()> {
    let socket = TcpSocket::new_v4()?;
    // Connections of an earlier server that have not quite ended are not in the way.
    socket.set_reuseaddr(true)?;
    socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
}
