//! The messages an import of a file publishes, made ready beforehand for those who only publish, or only sign and publish.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use async_nats::HeaderMap;
use bytes::Bytes;
use portbook_source::EventSigner;
use portbook_wire::observation::{Observation, read_observations};
use portbook_wire::subject::{
    CONTENT_TYPE_EVENT, HEADER_CONTENT_TYPE, HEADER_MSG_ID, HEADER_SIGNATURE, events_subject,
};
use portbook_wire::{encode, msg_id};

use crate::Failure;
use crate::site::{importer_signer, importer_source};

/// A message with every header but those of its batch.
#[derive(Debug)]
pub(crate) struct Message {
    /// Its subject.
    pub(crate) subject: String,
    /// Its headers.
    pub(crate) headers: HeaderMap,
    /// Its body.
    pub(crate) body: Bytes,
}

/// A message before it is signed.
#[derive(Debug)]
pub(crate) struct Unsigned {
    subject: String,
    body: Bytes,
}

impl Unsigned {
    /// The message with its signature, byte for byte as an import publishes it.
    pub(crate) fn sign(self, signer: &EventSigner) -> Message {
        let Self { subject, body } = self;
        let signature = signer.sign_event(&subject, &body).to_string();
        let mut headers = HeaderMap::new();
        headers.insert(HEADER_MSG_ID, msg_id(Some(&signature), &body));
        headers.insert(HEADER_SIGNATURE, signature);
        headers.insert(HEADER_CONTENT_TYPE, CONTENT_TYPE_EVENT);
        Message {
            subject,
            headers,
            body,
        }
    }
}

/// The messages of the facts in `file`, not signed yet.
pub(crate) fn unsigned_of(file: &Path) -> Result<Vec<Unsigned>, Failure> {
    let source = importer_source()?;
    let observations = read_observations(BufReader::new(File::open(file)?), "facts.ndjson")?;
    let unsigned = |observation: Observation| -> Result<Unsigned, Failure> {
        let (envelope, data) = observation.into_event(&source);
        Ok(Unsigned {
            subject: events_subject(&envelope.case),
            body: encode(&envelope, &data)?.into(),
        })
    };
    observations.map(|observation| unsigned(observation?)).collect()
}

/// The messages of the facts in `file`, byte for byte as an import publishes them.
pub(crate) fn messages_of(file: &Path) -> Result<Vec<Message>, Failure> {
    let signer = importer_signer()?;
    let unsigned = unsigned_of(file)?;
    Ok(unsigned
        .into_iter()
        .map(|message| message.sign(&signer))
        .collect())
}
