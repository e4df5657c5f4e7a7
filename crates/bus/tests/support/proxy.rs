//! A proxy that can lose the server's answers and cut connections.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test whose proxy fails has failed"
)]

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

/// Stands between clients and a server.
pub(crate) struct Proxy {
    url: String,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    swallows: AtomicBool,
    connections: Mutex<Vec<TcpStream>>,
}

impl Proxy {
    /// A proxy in front of the server on `port`.
    pub(crate) fn before(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("nats://{}", listener.local_addr().unwrap());
        let state = Arc::new(State::default());
        let accepting = Arc::clone(&state);
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let Ok(server) = TcpStream::connect(("127.0.0.1", port)) else {
                    continue;
                };
                let mut connections = accepting.connections.lock().unwrap();
                connections.extend([client.try_clone().unwrap(), server.try_clone().unwrap()]);
                let (to_server, to_client) = (server.try_clone().unwrap(), client.try_clone().unwrap());
                let answers = Arc::clone(&accepting);
                thread::spawn(move || copy(client, to_server, || false));
                thread::spawn(move || copy(server, to_client, || answers.swallows.load(Ordering::SeqCst)));
            }
        });
        Self { url, state }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// From now on what the server says does not arrive.
    pub(crate) fn swallow_answers(&self) {
        self.state.swallows.store(true, Ordering::SeqCst);
    }

    /// Cuts all connections; new ones work again.
    pub(crate) fn cut(&self) {
        self.state.swallows.store(false, Ordering::SeqCst);
        for connection in self.state.connections.lock().unwrap().drain(..) {
            connection.shutdown(Shutdown::Both).ok();
        }
    }
}

fn copy(mut from: TcpStream, mut to: TcpStream, swallows: impl Fn() -> bool) {
    let mut buffer = [0; 16 * 1024];
    while let Ok(count) = from.read(&mut buffer) {
        if count == 0 || (!swallows() && to.write_all(&buffer[..count]).is_err()) {
            break;
        }
    }
    to.shutdown(Shutdown::Both).ok();
}
