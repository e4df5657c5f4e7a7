//! A wire between client and server that can be made to lose the server's words.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinSet};

/// Forwards connections to a server on loopback.
pub(crate) struct Proxy {
    port: u16,
    is_mute: Arc<AtomicBool>,
    task: AbortHandle,
}

impl Proxy {
    pub(crate) async fn to(server_port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let is_mute = Arc::new(AtomicBool::new(false));
        let task = tokio::spawn(forward_all(listener, server_port, Arc::clone(&is_mute))).abort_handle();
        Self { port, is_mute, task }
    }

    pub(crate) fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// From now on the client is heard and the server is not, or both are again.
    pub(crate) fn mute_server(&self, is_mute: bool) {
        self.is_mute.store(is_mute, Ordering::SeqCst);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn forward_all(listener: TcpListener, server_port: u16, is_mute: Arc<AtomicBool>) {
    let mut links = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        // While the server is down the client is hung up on, and tries again.
        let Ok(server) = TcpStream::connect(("127.0.0.1", server_port)).await else {
            continue;
        };
        let (from_client, to_client) = client.into_split();
        let (from_server, to_server) = server.into_split();
        let is_mute = Arc::clone(&is_mute);
        links.spawn(async move {
            let never = Arc::default();
            tokio::select! {
                () = pump(from_client, to_server, &never) => {}
                () = pump(from_server, to_client, &is_mute) => {}
            }
        });
    }
}

async fn pump(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, is_mute: &Arc<AtomicBool>) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(bytes @ 1..) = from.read(&mut buffer).await {
        if !is_mute.load(Ordering::SeqCst) && to.write_all(&buffer[..bytes]).await.is_err() {
            return;
        }
    }
}
