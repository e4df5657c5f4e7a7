//! The process that holds a database answers those that want to read it.

use std::collections::BTreeMap;
use std::io;
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::question::{Question, receive_question, send_answer};
use super::socket::{connect, listen, socket_of};
use crate::durable::StoreError;

/// Connections answered at once; more wait. A reader has one for each thread that reads.
const CONNECTIONS_MAX: usize = 32;
/// A connection over which nothing is asked for this long is closed; who has another question opens one again.
const IDLE_MAX: Duration = Duration::from_mins(1);
/// Longest wait for a reader to take its answer.
const TAKE_TIMEOUT: Duration = Duration::from_secs(30);
/// Pause after a connection could not be taken in.
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);

/// Answers until it is dropped.
#[derive(Debug)]
pub(crate) struct Serving {
    socket: PathBuf,
    guests: Arc<Guests>,
    listening: Option<JoinHandle<()>>,
}

/// Who is being answered.
#[derive(Debug)]
struct Guests {
    open: Mutex<Open>,
    left: Condvar,
}

#[derive(Debug)]
struct Open {
    /// None once nobody is to be answered any more.
    db: Option<sled::Db>,
    streams: BTreeMap<u64, UnixStream>,
    next: u64,
}

impl Serving {
    /// Answers readers of `db`, which is the database in `store`.
    ///
    /// # Errors
    /// [`StoreError::Io`] when the socket cannot be made.
    pub(crate) fn start(db: sled::Db, store: &Path) -> Result<Self, StoreError> {
        let socket = socket_of(store);
        let failed = |source| StoreError::Io {
            doing: "listen on",
            path: socket.clone(),
            source,
        };
        let listener = listen(&socket).map_err(failed)?;
        let guests = Arc::new(Guests {
            open: Mutex::new(Open {
                db: Some(db),
                streams: BTreeMap::new(),
                next: 0,
            }),
            left: Condvar::new(),
        });
        let answering = Arc::clone(&guests);
        let named = thread::Builder::new().name("store-readers".to_owned());
        let listening = named.spawn(move || answering.listen(&listener)).map_err(failed)?;
        Ok(Self {
            socket,
            guests,
            listening: Some(listening),
        })
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.guests.close();
        // The listening thread looks up only when somebody knocks.
        let knocked = connect(&self.socket);
        std::fs::remove_file(&self.socket).unwrap_or_default();
        if knocked.is_ok()
            && let Some(listening) = self.listening.take()
        {
            listening.join().unwrap_or_default();
        }
        self.guests.wait_until_gone();
    }
}

impl Guests {
    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn listen(self: Arc<Self>, listener: &UnixListener) {
        while self.wait_for_room() {
            match listener.accept() {
                Ok((stream, _)) => {
                    if self.take_in(stream).is_err() {
                        thread::sleep(ACCEPT_PAUSE);
                    }
                }
                // Too many open files, for example: it passes.
                Err(_) => thread::sleep(ACCEPT_PAUSE),
            }
        }
    }

    /// Waits until one more can be answered; `false` when nobody is to be any more.
    fn wait_for_room(&self) -> bool {
        let open = self.open();
        let full = |open: &mut Open| open.db.is_some() && open.streams.len() >= CONNECTIONS_MAX;
        let open = self
            .left
            .wait_while(open, full)
            .unwrap_or_else(PoisonError::into_inner);
        open.db.is_some()
    }

    fn take_in(self: &Arc<Self>, stream: UnixStream) -> io::Result<()> {
        stream.set_read_timeout(Some(IDLE_MAX))?;
        stream.set_write_timeout(Some(TAKE_TIMEOUT))?;
        let mut open = self.open();
        let Some(db) = open.db.clone() else { return Ok(()) };
        let number = open.next;
        open.next += 1;
        open.streams.insert(number, stream.try_clone()?);
        drop(open);
        let guest = Guest {
            guests: Arc::clone(self),
            number,
        };
        let named = thread::Builder::new().name("store-reader".to_owned());
        named.spawn(move || {
            {
                // Let go of before the guest has left, also when answering panics.
                let db = db;
                // Whatever ends the conversation, only the one who asked hears of it.
                answer_all(stream, &db).unwrap_or_default();
            }
            drop(guest);
        })?;
        Ok(())
    }

    fn close(&self) {
        let mut open = self.open();
        open.db = None;
        for stream in open.streams.values() {
            // One that is gone already needs no farewell.
            stream.shutdown(Shutdown::Both).unwrap_or_default();
        }
        self.left.notify_all();
    }

    fn wait_until_gone(&self) {
        let open = self.open();
        let gone = self.left.wait_while(open, |open| !open.streams.is_empty());
        drop(gone.unwrap_or_else(PoisonError::into_inner));
    }
}

/// One connection; leaves when dropped, also when its thread panics or was never started.
struct Guest {
    guests: Arc<Guests>,
    number: u64,
}

impl Drop for Guest {
    fn drop(&mut self) {
        self.guests.open().streams.remove(&self.number);
        self.guests.left.notify_all();
    }
}

fn answer_all(mut stream: UnixStream, db: &sled::Db) -> io::Result<()> {
    while let Some(payload) = receive_question(&mut stream)? {
        let answer = match Question::parse(&payload) {
            Some(question) => question.answer(db).map_err(|error| error.to_string()),
            None => Err("this is no question that the process holding the store understands".to_owned()),
        };
        send_answer(&mut stream, answer)?;
    }
    Ok(())
}
