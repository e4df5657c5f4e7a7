//! Lines into messages: read, encode, hash and sign, ahead of publishing and on a thread of their own.

use std::io::BufRead;

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

/// Prepares every line of `observations` in order. Ends early when nobody takes the chunks any more.
pub(crate) fn prepare_all(
    observations: Observations<impl BufRead>,
    source: &Source,
    key: &SecretKey,
    chunks: &mpsc::Sender<Result<Vec<Line>, ImportError>>,
) {
    let mut chunk = Vec::with_capacity(LINES_TOGETHER);
    for read in observations {
        let line = match read {
            Ok(observation) => prepare(observation, source, key),
            Err(ReadError::Line(bad)) => Ok(Line::Bad(bad)),
            Err(error) => Err(ImportError::Unreadable(error)),
        };
        match line {
            Ok(line) => chunk.push(line),
            Err(error) => {
                // Whoever takes the chunks may be gone, and then nobody needs to know.
                chunks
                    .blocking_send(Ok(chunk))
                    .and_then(|()| chunks.blocking_send(Err(error)))
                    .unwrap_or_default();
                return;
            }
        }
        if chunk.len() == LINES_TOGETHER && chunks.blocking_send(Ok(std::mem::take(&mut chunk))).is_err() {
            return;
        }
    }
    chunks.blocking_send(Ok(chunk)).unwrap_or_default();
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
