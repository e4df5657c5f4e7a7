//! Lines into messages: read, encode, hash and sign.

use std::io::BufRead;

use bytes::{Bytes, BytesMut};
use portbook_bus::Outgoing;
use portbook_ledger::{Hash, sha256};
use portbook_source::EventSigner;
use portbook_wire::observation::{BadLine, Observation, Observations, ReadError};
use portbook_wire::{EventKey, Source, encode_into, head_of, msg_id, subject};
use tokio::sync::mpsc;

use crate::importer::ImportError;

/// Lines read and prepared together: half of what is published together, so that two threads share a chunk.
pub(crate) const LINES_TOGETHER: usize = 500;

/// Length of a body, about.
const BODY_BYTES_USUAL: usize = 768;

/// What became of one line before anything was published.
#[derive(Debug)]
pub enum Line {
    /// A message, ready to be published.
    Ready(Message),
    /// No observation.
    Bad(Box<BadLine>),
}

/// An event as a message, and what tells it from others.
#[derive(Debug)]
pub struct Message {
    pub(crate) key: EventKey,
    /// SHA-256 of its body.
    pub(crate) digest: Hash,
    pub(crate) outgoing: Outgoing,
}

/// What is done to each line beside reading it.
#[derive(Debug, Clone)]
pub(crate) struct Preparation {
    pub(crate) source: Source,
    pub(crate) signer: EventSigner,
}

impl Preparation {
    /// Prepares lines in order. What cannot be prepared ends them: nothing behind it is looked at.
    pub(crate) fn prepare(&self, (read, broken): Part) -> Prepared {
        let mut lines = Vec::with_capacity(read.len());
        // One piece of memory for all bodies: they are freed on another thread, together.
        let mut bodies = BytesMut::with_capacity(read.len() * BODY_BYTES_USUAL);
        let mut body = Vec::with_capacity(BODY_BYTES_USUAL);
        for line in read {
            let line = match line {
                Ok(observation) => self.write(observation, &mut body).map(|written| {
                    bodies.extend_from_slice(&body);
                    Line::Ready(self.sign(written, bodies.split().freeze()))
                }),
                Err(bad) => Ok(Line::Bad(bad)),
            };
            match line {
                Ok(line) => lines.push(line),
                Err(error) => return (lines, Some(error)),
            }
        }
        (lines, broken.map(ImportError::Unreadable))
    }

    /// Writes an event down into `body`.
    fn write(&self, observation: Observation, body: &mut Vec<u8>) -> Result<Written, ImportError> {
        let line = observation.line;
        let (envelope, data) = observation.into_event(&self.source);
        // What the ledger would not read as an event must not be published as one.
        let head = head_of(&envelope, &data).map_err(|reason| ImportError::NotRecordable { line, reason })?;
        let written = Written {
            key: head.key(),
            subject: subject::events_subject(&envelope.case),
        };
        encode_into(&envelope, &data, body).map_err(|source| ImportError::Unwritable { line, source })?;
        Ok(written)
    }

    fn sign(&self, written: Written, body: Bytes) -> Message {
        let Written { key, subject } = written;
        let signature = self.signer.sign_event(&subject, &body).to_string();
        Message {
            key,
            digest: sha256(&[&body]),
            outgoing: Outgoing {
                msg_id: msg_id(Some(&signature), &body),
                subject,
                signature: Some(signature),
                expected_last_subject_seq: None,
                body,
            },
        }
    }
}

/// What is known of an event that was written down.
struct Written {
    key: EventKey,
    subject: String,
}

/// Lines as they were read, and why there are no more where that is not the end of the file.
pub(crate) type Part = (Vec<Read>, Option<ReadError>);

/// Lines prepared, and why there are no more where that is not the end of the file.
pub(crate) type Prepared = (Vec<Line>, Option<ImportError>);

/// Reads every line of `observations`, some at a time. Ends early when nobody takes them any more.
pub(crate) fn read_all(mut observations: Observations<impl BufRead>, parts: &mpsc::Sender<Part>) {
    loop {
        let (lines, broken) = next_lines(&mut observations);
        let is_last = lines.len() < LINES_TOGETHER;
        if parts.blocking_send((lines, broken)).is_err() || is_last {
            return;
        }
    }
}

/// A line as it was read.
pub(crate) type Read = Result<Observation, Box<BadLine>>;

/// The next lines, fewer than [`LINES_TOGETHER`] only at the end, and why there are no more if that is not the end of the
/// file.
fn next_lines(observations: &mut Observations<impl BufRead>) -> Part {
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
