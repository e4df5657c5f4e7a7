//! The process that holds a database, seen from one that wants to read it.

use std::io;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::question::{Pairs, Question, receive_answer};
use super::socket::{connect, socket_of};
use crate::durable::StoreError;
use crate::key;

/// Longest wait for an answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

/// Asks the holder; from several threads at once over a connection each.
#[derive(Debug)]
pub(crate) struct Holder {
    store: PathBuf,
    socket: PathBuf,
    /// Connections that nobody is using.
    idle: Mutex<Vec<UnixStream>>,
}

impl Holder {
    /// The process that holds the database in `store`, if one answers.
    pub(super) fn at(store: &Path) -> Option<Self> {
        let holder = Self {
            store: store.to_owned(),
            socket: socket_of(store),
            idle: Mutex::default(),
        };
        let stream = holder.connect().ok()?;
        holder.ask_over(stream, &Question::Get { key: key::BOOK }).ok()?;
        Some(holder)
    }

    /// Asks, and asks again over a new connection when one that lay idle was closed.
    pub(super) fn ask(&self, question: &Question<'_>) -> Result<Pairs, StoreError> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        if let Some(stream) = idle
            && let Ok(pairs) = self.ask_over(stream, question)
        {
            return Ok(pairs);
        }
        let asked = self.connect().and_then(|stream| self.ask_over(stream, question));
        asked.map_err(|source| StoreError::Unanswered {
            path: self.store.clone(),
            source,
        })
    }

    fn connect(&self) -> io::Result<UnixStream> {
        let stream = connect(&self.socket)?;
        stream.set_read_timeout(Some(ANSWER_TIMEOUT))?;
        stream.set_write_timeout(Some(ANSWER_TIMEOUT))?;
        Ok(stream)
    }

    fn ask_over(&self, mut stream: UnixStream, question: &Question<'_>) -> io::Result<Pairs> {
        question.send(&mut stream)?;
        let pairs = receive_answer(&mut stream)?;
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.push(stream);
        Ok(pairs)
    }
}
