//! Creating a ledger: the streams, the first messages, the empty store. An explicit act, never a side effect.

use std::collections::BTreeMap;

use bytes::Bytes;
use jiff::Timestamp;
use portbook_bus::{
    Bus, Log, Outgoing, PublishError, Publisher, ReadError, Stored, StreamError, StreamIdentity, StreamSpec,
};
use portbook_domain::{Digest, InvalidText, Text};
use portbook_ledger::{Origin, PublicKey, SecretKey};
use portbook_store::{LedgerDirectory, Store, StoreError};
use portbook_wire::control::{
    self, Control, KeyRegistered, LedgerOpened, ModeName, PortAliases, encode_control, parse_control,
};
use portbook_wire::{JsonError, Source, TypeName, msg_id};

/// What a new ledger is to be.
#[derive(Debug)]
pub struct Opening {
    /// Its name.
    pub origin: Origin,
    /// The key that signs its checkpoints and control messages.
    pub log_key: SecretKey,
    /// Keys that sign events, by the source they sign for.
    pub producers: Vec<Producer>,
    /// Trade aliases of ports.
    pub port_aliases: PortAliases,
    /// Digests of the reference files, by name.
    pub references: BTreeMap<Text, Digest>,
    /// Digests of the policy files, by name.
    pub policies: BTreeMap<Text, Digest>,
    /// Copies the streams keep.
    pub replicas: u8,
    /// Size beyond which the feed drops its oldest messages, in bytes.
    pub feed_bytes_max: u64,
    /// The time of opening.
    pub opened_at: Timestamp,
}

/// A producer and its key.
#[derive(Debug)]
pub struct Producer {
    /// The source it signs for.
    pub source: Source,
    /// Whether it decides or observes.
    pub mode: ModeName,
    /// Types it may sign; empty means every type.
    pub event_types: Vec<TypeName>,
    /// Its public key.
    pub public_key: PublicKey,
    /// End of the key's validity.
    pub valid_until: Timestamp,
}

/// Why a ledger could not be created.
#[derive(Debug, thiserror::Error)]
pub enum OpeningError {
    /// A stream could not be created.
    #[error(transparent)]
    Stream(#[from] StreamError),
    /// The stream holds messages already: it belongs to another ledger.
    #[error("stream {stream} holds {messages} messages already: a ledger starts with its stream")]
    NotEmpty {
        /// The stream.
        stream: String,
        /// Messages in it.
        messages: u64,
    },
    /// The store could not be created.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What the stream holds could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A first message could not be published.
    #[error("could not publish the first messages")]
    Publish(#[from] PublishError),
    /// A first message could not be written.
    #[error("could not write the first messages")]
    Text(#[from] JsonError),
    /// A name cannot stand in a message.
    #[error(transparent)]
    Name(#[from] InvalidText),
    /// The server's creation time of the stream is no time.
    #[error("the server says that the stream was created {found:?}, which is no time")]
    Created {
        /// What it said.
        found: String,
    },
}

/// Creates the streams, publishes `ledger.opened` and the producers' keys, and creates the empty store, which is last. What was
/// interrupted before that is gone on with.
///
/// # Errors
/// [`OpeningError`]. A directory that holds a ledger, or a stream that holds other messages, is left as it is.
pub async fn open_ledger(
    bus: &Bus,
    publisher: &Publisher,
    directory: &LedgerDirectory,
    opening: &Opening,
) -> Result<(), OpeningError> {
    if directory.store().join("db").exists() {
        return Err(StoreError::Exists {
            path: directory.path().to_owned(),
        }
        .into());
    }
    let identity = bus.create_stream(&StreamSpec::ledger(opening.replicas)).await?;
    let begun = begun(&Log::ledger(bus), opening, &identity).await?;
    bus.create_stream(&StreamSpec::checkpoints(opening.replicas))
        .await?;
    bus.create_stream(&StreamSpec::feed(opening.replicas, opening.feed_bytes_max))
        .await?;
    let created = identity
        .created
        .parse()
        .ok()
        .ok_or_else(|| OpeningError::Created {
            found: identity.created.clone(),
        })?;
    let opened = LedgerOpened {
        origin: Text::new(opening.origin.as_str())?,
        log_public_key: control::PublicKey(*opening.log_key.public().as_bytes()),
        stream: Text::new(&identity.name)?,
        stream_created: created,
        stream_config_sha256: Digest::new(&identity.config_sha256)?,
        port_aliases: opening.port_aliases.clone(),
        references: opening.references.clone(),
        policies: opening.policies.clone(),
        opened_at: opening.opened_at,
    };
    let keys = opening.producers.iter();
    let keys = keys.map(|producer| Control::KeyRegistered(registration(producer, opening.opened_at)));
    let first = std::iter::once(Control::LedgerOpened(opened)).chain(keys);
    for control in first.skip(begun) {
        publish(publisher, &opening.log_key, &control).await?;
    }
    directory.create()?;
    Store::create(&directory.store())?;
    Ok(())
}

/// How many of the first messages the stream holds, of an attempt with the same keys that was interrupted.
async fn begun(log: &Log, opening: &Opening, identity: &StreamIdentity) -> Result<usize, OpeningError> {
    let mut begun = 0;
    for seq in 1..=identity.messages {
        if !is_first(&log.get(seq).await?, begun, opening) {
            return Err(OpeningError::NotEmpty {
                stream: identity.name.clone(),
                messages: identity.messages,
            });
        }
        begun += 1;
    }
    Ok(begun)
}

/// Whether `stored` is the first message at `place`, signed by the log key; it may have been published at another time.
fn is_first(stored: &Stored, place: usize, opening: &Opening) -> bool {
    let key = opening.log_key.public();
    let signature = stored.signature.as_deref().and_then(|text| text.parse().ok());
    let is_signed = |signature| {
        key.verify_event(&stored.subject, &stored.body, &signature)
            .is_ok()
    };
    if !signature.is_some_and(is_signed) {
        return false;
    }
    match (place.checked_sub(1), parse_control(&stored.subject, &stored.body)) {
        (None, Ok(Control::LedgerOpened(opened))) => opened.origin.as_str() == opening.origin.as_str(),
        (Some(at), Ok(Control::KeyRegistered(registered))) => opening
            .producers
            .get(at)
            .is_some_and(|producer| registered.public_key.0 == *producer.public_key.as_bytes()),
        (_, _) => false,
    }
}

fn registration(producer: &Producer, valid_from: Timestamp) -> KeyRegistered {
    KeyRegistered {
        key_id: control::KeyId(*producer.public_key.id().as_bytes()),
        public_key: control::PublicKey(*producer.public_key.as_bytes()),
        source: producer.source.clone(),
        mode: producer.mode,
        event_types: producer.event_types.clone(),
        valid_from,
        valid_until: producer.valid_until,
    }
}

async fn publish(publisher: &Publisher, log_key: &SecretKey, control: &Control) -> Result<(), OpeningError> {
    let body = encode_control(control)?;
    let subject = control.kind().subject();
    let signature = log_key.sign_event(subject, &body).to_string();
    let outgoing = Outgoing {
        subject: subject.to_owned(),
        msg_id: msg_id(Some(&signature), &body),
        signature: Some(signature),
        body: Bytes::from(body),
        expected_last_subject_seq: None,
    };
    publisher.publish(outgoing).await?;
    Ok(())
}
