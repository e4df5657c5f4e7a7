//! Lines into messages: read, encode, hash and sign, ahead of publishing and on threads of their own.

use std::io::BufRead;
use std::num::NonZero;
use std::thread;

use bytes::Bytes;
use portbook_bus::Outgoing;
use portbook_ledger::SecretKey;
use portbook_wire::observation::{BadLine, Observation, Observations, ReadError};
use portbook_wire::{EncodeError, EventKey, Source, encode, event_digest, msg_id, read_head, subject};
use tokio::sync::mpsc;

use crate::importer::ImportError;

/// Lines published together: the most an atomic batch of the server takes.
pub(crate) const LINES_TOGETHER: usize = 1000;
/// Chunks prepared ahead of the one being published.
pub(crate) const CHUNKS_AHEAD: usize = 2;

/// What became of one line before anything was published.
#[derive(Debug)]
pub enum Line {
    /// A message, ready to be published.
    Ready(Prepared),
    /// No observation.
    Bad(Box<BadLine>),
}

/// An event as a message, and what tells it from others.
#[derive(Debug)]
pub struct Prepared {
    pub(crate) key: EventKey,
    pub(crate) digest: String,
    pub(crate) outgoing: Outgoing,
}

/// What is done to each line beside reading it.
#[derive(Debug, Clone)]
pub(crate) struct Preparation {
    pub(crate) source: Source,
    pub(crate) key: SecretKey,
}

impl Preparation {
    /// Prepares every line of `observations` in order. Ends early when nobody takes the chunks any more.
    pub(crate) fn prepare_all(
        &self,
        mut observations: Observations<impl BufRead>,
        chunks: &mpsc::Sender<Result<Vec<Line>, ImportError>>,
    ) {
        loop {
            let (read, broken) = next_lines(&mut observations);
            let is_last = read.len() < LINES_TOGETHER;
            for chunk in self.prepare_together(read) {
                let failed = chunk.is_err();
                if chunks.blocking_send(chunk).is_err() || failed {
                    return;
                }
            }
            if let Some(error) = broken {
                // Whoever takes the chunks may be gone, and then nobody needs to know.
                chunks
                    .blocking_send(Err(ImportError::Unreadable(error)))
                    .unwrap_or_default();
            }
            if is_last {
                return;
            }
        }
    }

    /// Prepares the lines of a chunk on every core: signing alone takes longer than the server takes to store an event.
    /// Where a line cannot be prepared, those before it come first and then its error.
    fn prepare_together(&self, read: Vec<Read>) -> Vec<Result<Vec<Line>, ImportError>> {
        let threads = thread::available_parallelism().map_or(1, NonZero::get);
        let share = read.len().div_ceil(threads).max(1);
        let mut read = read.into_iter();
        let prepared = thread::scope(|scope| {
            let mut shares = Vec::new();
            while read.len() > 0 {
                let lines: Vec<Read> = read.by_ref().take(share).collect();
                shares.push(scope.spawn(move || lines.into_iter().map(|line| self.prepare_line(line)).collect::<Vec<_>>()));
            }
            let joined = shares.into_iter().map(|share| match share.join() {
                Ok(lines) => lines,
                // Preparing does not panic; should it, the panic is this thread's as well.
                Err(panic) => std::panic::resume_unwind(panic),
            });
            joined.flatten().collect::<Vec<_>>()
        });
        let mut chunk = Vec::with_capacity(prepared.len());
        for line in prepared {
            match line {
                Ok(line) => chunk.push(line),
                Err(error) => return vec![Ok(chunk), Err(error)],
            }
        }
        vec![Ok(chunk)]
    }

    fn prepare_line(&self, read: Read) -> Result<Line, ImportError> {
        match read {
            Ok(observation) => prepare(observation, &self.source, &self.key),
            Err(bad) => Ok(Line::Bad(bad)),
        }
    }
}

/// A line as it was read.
type Read = Result<Observation, Box<BadLine>>;

/// The next lines, fewer than [`LINES_TOGETHER`] only at the end, and why there are no more if that is not the end of the
/// file.
fn next_lines(observations: &mut Observations<impl BufRead>) -> (Vec<Read>, Option<ReadError>) {
    let mut lines = Vec::with_capacity(LINES_TOGETHER);
    for read in observations.take(LINES_TOGETHER) {
        match read {
            Ok(observation) => lines.push(Ok(observation)),
            Err(ReadError::Line(bad)) => lines.push(Err(bad)),
            Err(error) => return (lines, Some(error)),
        }
    }
    (lines, None)
}

fn prepare(observation: Observation, source: &Source, key: &SecretKey) -> Result<Line, ImportError> {
    let line = observation.line;
    let (envelope, data) = observation.into_event(source);
    let unwritable = |error: EncodeError| ImportError::Unwritable { line, source: error };
    let body = encode(&envelope, &data).map_err(unwritable)?;
    let subject = subject::events_subject(&envelope.case);
    // What was just written reads back; the key is the ledger's view of it.
    let head = read_head(&subject, &body).map_err(|reason| ImportError::NotRecordable { line, reason })?;
    let event_key = head.key();
    let signature = key.sign_event(&subject, &body).to_string();
    let outgoing = Outgoing {
        msg_id: msg_id(Some(&signature), &body),
        subject,
        signature: Some(signature),
        expected_last_subject_seq: None,
        body: Bytes::from(body),
    };
    let digest = event_digest(&outgoing.body).as_str().to_owned();
    Ok(Line::Ready(Prepared {
        key: event_key,
        digest,
        outgoing,
    }))
}
