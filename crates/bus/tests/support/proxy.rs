//! A proxy that can lose what clients or the server say, and cut connections.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test whose proxy fails has failed"
)]

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

/// Stands between clients and a server.
pub(crate) struct Proxy {
    url: String,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    swallows_answers: AtomicBool,
    swallows_requests: AtomicBool,
    swallowed_bytes: AtomicUsize,
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
                let (requests, answers) = (Arc::clone(&accepting), Arc::clone(&accepting));
                thread::spawn(move || copy(client, to_server, &requests, &requests.swallows_requests));
                thread::spawn(move || copy(server, to_client, &answers, &answers.swallows_answers));
            }
        });
        Self { url, state }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// From now on what the server says does not arrive.
    pub(crate) fn swallow_answers(&self) {
        self.state.swallows_answers.store(true, Ordering::SeqCst);
    }

    /// From now on what clients say does not arrive.
    pub(crate) fn swallow_requests(&self) {
        self.state.swallows_requests.store(true, Ordering::SeqCst);
    }

    /// Bytes that did not arrive.
    pub(crate) fn swallowed_bytes(&self) -> usize {
        self.state.swallowed_bytes.load(Ordering::SeqCst)
    }

    /// Cuts all connections; new ones work again.
    pub(crate) fn cut(&self) {
        self.state.swallows_answers.store(false, Ordering::SeqCst);
        self.state.swallows_requests.store(false, Ordering::SeqCst);
        for connection in self.state.connections.lock().unwrap().drain(..) {
            connection.shutdown(Shutdown::Both).ok();
        }
    }
}

fn copy(mut from: TcpStream, mut to: TcpStream, state: &State, swallows: &AtomicBool) {
    let mut buffer = [0; 16 * 1024];
    while let Ok(count) = from.read(&mut buffer) {
        if count == 0 {
            break;
        }
        if swallows.load(Ordering::SeqCst) {
            state.swallowed_bytes.fetch_add(count, Ordering::SeqCst);
        } else if to.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    to.shutdown(Shutdown::Both).ok();
}
