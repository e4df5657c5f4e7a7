//! The messages an import of a file publishes, made ready beforehand for those who only publish.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use async_nats::HeaderMap;
use bytes::Bytes;
use portbook_wire::observation::read_observations;
use portbook_wire::subject::{
    CONTENT_TYPE_EVENT, HEADER_CONTENT_TYPE, HEADER_MSG_ID, HEADER_SIGNATURE, events_subject,
};
use portbook_wire::{encode, msg_id};

use crate::Failure;
use crate::site::{importer_key, importer_source};

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

/// The messages of the facts in `file`, byte for byte as an import publishes them.
pub(crate) fn messages_of(file: &Path) -> Result<Vec<Message>, Failure> {
    let (source, key) = (importer_source()?, importer_key());
    let observations = read_observations(BufReader::new(File::open(file)?), "facts.ndjson")?;
    let message = |observation: portbook_wire::observation::Observation| -> Result<Message, Failure> {
        let (envelope, data) = observation.into_event(&source);
        let body = encode(&envelope, &data)?;
        let subject = events_subject(&envelope.case);
        let signature = key.sign_event(&subject, &body).to_string();
        let mut headers = HeaderMap::new();
        headers.insert(HEADER_MSG_ID, msg_id(Some(&signature), &body));
        headers.insert(HEADER_SIGNATURE, signature);
        headers.insert(HEADER_CONTENT_TYPE, CONTENT_TYPE_EVENT);
        Ok(Message {
            subject,
            headers,
            body: body.into(),
        })
    };
    observations.map(|observation| message(observation?)).collect()
}
