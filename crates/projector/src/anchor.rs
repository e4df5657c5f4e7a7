//! Whether a stream is the one this ledger was made from, and still holds what the ledger took from it.

use portbook_bus::{Log, ReadError, Stored, StreamIdentity};
use portbook_fold::Book;
use portbook_ledger::{Leaf, LeafError, ProducerSignature, PublicKey, RecordKind, Seal};
use portbook_store::{StoreError, StoreReader};
use portbook_wire::control::{Control, ControlKind, parse_control};
use portbook_wire::read_head;

/// Why a stream must not be read on.
#[derive(Debug, thiserror::Error)]
pub enum AnchorError {
    /// The stream could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The store could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The leaf at the head cannot be read.
    #[error("the newest leaf is damaged")]
    Head(#[from] LeafError),
    /// The stream is another one.
    #[error("the stream {stream} was created {found}; this ledger was made from the one created {expected}")]
    Recreated {
        /// Its name.
        stream: String,
        /// Creation time the ledger knows.
        expected: String,
        /// Creation time of the stream that is there.
        found: String,
    },
    /// Its settings changed.
    #[error(
        "the configuration of stream {stream} has digest {found}; the ledger was opened under {expected}"
    )]
    Reconfigured {
        /// Its name.
        stream: String,
        /// Digest the ledger knows.
        expected: String,
        /// Digest of the settings in force.
        found: String,
    },
    /// Messages the ledger has are gone from it.
    #[error("the stream {stream} ends at message {last_seq}; the ledger has recorded {size}")]
    Behind {
        /// Its name.
        stream: String,
        /// Its last sequence.
        last_seq: u64,
        /// Messages recorded.
        size: u64,
    },
    /// Messages are gone from its beginning or middle.
    #[error("the stream {stream} holds {messages} messages from {first_seq} to {last_seq}: some are gone")]
    Lossy {
        /// Its name.
        stream: String,
        /// Messages in it.
        messages: u64,
        /// First sequence.
        first_seq: u64,
        /// Last sequence.
        last_seq: u64,
    },
    /// A sequence was used again.
    #[error("message {seq} of stream {stream} differs from record {seq}: {field}")]
    HeadDiffers {
        /// The stream.
        stream: String,
        /// The sequence.
        seq: u64,
        /// What differs.
        field: &'static str,
    },
}

/// Compares name, creation, settings and extent of the stream with what the ledger knows.
///
/// # Errors
/// [`AnchorError`] names the first difference.
pub fn check_identity(identity: &StreamIdentity, book: &Book) -> Result<(), AnchorError> {
    let stream = identity.name.clone();
    if let Some(opened) = &book.opened {
        if identity.created != opened.stream_created {
            let (expected, found) = (opened.stream_created.clone(), identity.created.clone());
            return Err(AnchorError::Recreated {
                stream,
                expected,
                found,
            });
        }
        let expected = opened.stream_config.to_hex();
        if identity.config_sha256 != expected {
            return Err(AnchorError::Reconfigured {
                stream,
                expected,
                found: identity.config_sha256.clone(),
            });
        }
    }
    let StreamIdentity {
        first_seq,
        last_seq,
        messages,
        ..
    } = *identity;
    if last_seq < book.size() {
        return Err(AnchorError::Behind {
            stream,
            last_seq,
            size: book.size(),
        });
    }
    if last_seq > 0 && (first_seq != 1 || messages != last_seq) {
        return Err(AnchorError::Lossy {
            stream,
            messages,
            first_seq,
            last_seq,
        });
    }
    Ok(())
}

/// As [`check_identity`], for a ledger that may be behind its stream. A stream that was put back from a backup has another
/// creation time; it is the ledger's own if an epoch declares it, under the log key, in a message that the ledger has not come to.
///
/// # Errors
/// [`AnchorError`] names the first difference.
pub async fn check_anchor(log: &Log, identity: &StreamIdentity, book: &Book) -> Result<(), AnchorError> {
    match check_identity(identity, book) {
        Err(AnchorError::Recreated { .. }) if declares(log, identity, book).await? => {
            let mut declared = identity.clone();
            if let Some(opened) = &book.opened {
                declared.created.clone_from(&opened.stream_created);
            }
            check_identity(&declared, book)
        }
        checked => checked,
    }
}

/// Whether the stream itself says, in the name of the log, that the ledger goes on from it.
async fn declares(log: &Log, identity: &StreamIdentity, book: &Book) -> Result<bool, AnchorError> {
    let Some(key) = book
        .opened
        .as_ref()
        .and_then(|opened| PublicKey::from_bytes(&opened.log_key).ok())
    else {
        return Ok(false);
    };
    let messages = log.load_subject(ControlKind::EpochDeclared.subject()).await?;
    let later = messages.iter().filter(|message| message.seq > book.size());
    let mut declared = later.filter_map(|message| {
        let signature: ProducerSignature = message.signature.as_deref()?.parse().ok()?;
        key.verify_event(&message.subject, &message.body, &signature)
            .ok()?;
        let Control::EpochDeclared(epoch) = parse_control(&message.subject, &message.body).ok()? else {
            return None;
        };
        epoch.stream_created
    });
    Ok(declared.any(|created| created.to_string() == identity.created))
}

/// Compares the message at the ledger's head with the leaf made of it: after a loss, sequences are used again.
///
/// # Errors
/// [`AnchorError::HeadDiffers`] names what differs.
pub async fn check_head(log: &Log, stream: &str, reader: &StoreReader) -> Result<(), AnchorError> {
    let Some(index) = reader.book()?.frontier.size().last() else {
        return Ok(());
    };
    let stored = log.get(index.seq().get()).await?;
    let missing = StoreError::LeafMissing {
        index: index.get(),
        size: index.size_through().get(),
    };
    let leaf = reader.leaf(index)?.ok_or(missing)?;
    match difference(&Leaf::decode(&leaf)?, &stored) {
        None => Ok(()),
        Some(field) => Err(AnchorError::HeadDiffers {
            stream: stream.to_owned(),
            seq: stored.seq,
            field,
        }),
    }
}

/// The first field in which a leaf and a message differ.
#[must_use]
pub fn difference(leaf: &Leaf<'_>, message: &Stored) -> Option<&'static str> {
    match leaf {
        Leaf::Seal(seal) => [
            ("sequence", seal.stream_seq.get() == message.seq),
            ("time", seal.sealed_at_ns == message.time_ns),
            ("earlier checkpoint", is_asked_for(seal, message)),
        ]
        .into_iter()
        .find_map(|(field, same)| (!same).then_some(field)),
        Leaf::Record(record) => {
            let signature = record.signature.map(|signature| signature.to_string());
            // A signature header that is none was left out of a quarantined record.
            let comparable = message
                .signature
                .as_deref()
                .is_none_or(|text| text.parse::<ProducerSignature>().is_ok());
            [
                ("sequence", record.stream_seq.get() == message.seq),
                ("time", record.recorded_at_ns == message.time_ns),
                ("subject", record.subject == message.subject),
                ("body", record.body == message.body.as_ref()),
                ("kind", is_event(record.kind) == is_event_message(message)),
                (
                    "signature",
                    !comparable || signature.as_deref() == message.signature.as_deref(),
                ),
            ]
            .into_iter()
            .find_map(|(field, same)| (!same).then_some(field))
        }
    }
}

/// Whether a message asks for this seal.
fn is_asked_for(seal: &Seal, message: &Stored) -> bool {
    match parse_control(&message.subject, &message.body) {
        Ok(Control::Seal(request)) => request.prev_checkpoint.as_str() == seal.prev_checkpoint.to_hex(),
        Ok(_) | Err(_) => false,
    }
}

const fn is_event(kind: RecordKind) -> bool {
    match kind {
        RecordKind::Event | RecordKind::Redelivery | RecordKind::Conflict => true,
        RecordKind::Quarantine | RecordKind::Control => false,
    }
}

/// Whether the ledger makes a record of a port of this message.
fn is_event_message(message: &Stored) -> bool {
    let header = message.signature.as_deref();
    header.is_none_or(|text| text.parse::<ProducerSignature>().is_ok())
        && read_head(&message.subject, &message.body).is_ok()
}
