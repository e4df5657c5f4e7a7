//! Lines into messages: read, encode, hash and sign.

use std::io::BufRead;

use bytes::Bytes;
use portbook_bus::Outgoing;
use portbook_source::EventSigner;
use portbook_wire::observation::{BadLine, Observation, Observations, ReadError};
use portbook_wire::{EncodeError, EventKey, Source, encode, event_digest, msg_id, read_head, subject};
use tokio::sync::mpsc;

use crate::importer::ImportError;

/// Lines read and prepared together: half of what is published together, so that two threads share a chunk.
pub(crate) const LINES_TOGETHER: usize = 500;

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
    pub(crate) digest: String,
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
    pub(crate) fn prepare(&self, read: Vec<Read>) -> Prepared {
        let mut lines = Vec::with_capacity(read.len());
        for line in read {
            let line = match line {
                Ok(observation) => prepare_observation(observation, &self.source, &self.signer),
                Err(bad) => Ok(Line::Bad(bad)),
            };
            match line {
                Ok(line) => lines.push(line),
                Err(error) => return (lines, Some(error)),
            }
        }
        (lines, None)
    }
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

fn prepare_observation(
    observation: Observation,
    source: &Source,
    signer: &EventSigner,
) -> Result<Line, ImportError> {
    let line = observation.line;
    let (envelope, data) = observation.into_event(source);
    let unwritable = |error: EncodeError| ImportError::Unwritable { line, source: error };
    let body = encode(&envelope, &data).map_err(unwritable)?;
    let subject = subject::events_subject(&envelope.case);
    // What was just written reads back; the key is the ledger's view of it.
    let head = read_head(&subject, &body).map_err(|reason| ImportError::NotRecordable { line, reason })?;
    let event_key = head.key();
    let signature = signer.sign_event(&subject, &body).to_string();
    let outgoing = Outgoing {
        msg_id: msg_id(Some(&signature), &body),
        subject,
        signature: Some(signature),
        expected_last_subject_seq: None,
        body: Bytes::from(body),
    };
    let digest = event_digest(&outgoing.body).as_str().to_owned();
    Ok(Line::Ready(Message {
        key: event_key,
        digest,
        outgoing,
    }))
}
