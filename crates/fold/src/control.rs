//! What control messages do to the book, and which of them are believed.

mod note;
mod rotation;

use portbook_ledger::{Hash, Index, Origin, ProducerSignature, PublicKey};
use portbook_wire::control::{
    Control, KeyRegistered, KeyRevoked, LedgerOpened, ModeName, SealRequested, SourceStated,
};

use crate::book::{Book, Opened};
use crate::delivery::Delivery;
use crate::key::{Occasion, ProducerKey, Revoked};
use crate::reading::{Reading, Unplaced, read};

/// What became of a believed control message.
#[derive(Debug)]
pub(crate) enum Settled<'a> {
    /// It is recorded in the chain of control messages, under this word, with a note for readers.
    Recorded(&'static str, String),
    /// It becomes a seal.
    Seal(&'a SealRequested),
}

/// Opens the ledger: `ledger.opened`, signed by the key that it names.
pub(crate) fn open(
    opened: &LedgerOpened,
    delivery: &Delivery,
    signature: Option<ProducerSignature>,
    book: &mut Book,
) -> Result<(), Unplaced> {
    let origin = Origin::new(opened.origin.as_str())
        .ok()
        .ok_or(Unplaced::Contradiction {
            what: "the origin is no origin",
        })?;
    check_signature(&opened.log_public_key.0, delivery, signature)?;
    book.port_aliases = aliases_of(&opened.port_aliases);
    book.opened = Some(Opened {
        origin,
        log_key: opened.log_public_key.0,
        stream: opened.stream.as_str().to_owned(),
        stream_created: opened.stream_created.to_string(),
        stream_config: hash_of(&opened.stream_config_sha256),
    });
    Ok(())
}

/// Lets a control message take effect. Only what the log key signed is believed, and what a source states about itself.
pub(crate) fn settle<'a>(
    control: &'a Control,
    delivery: &Delivery,
    signature: Option<ProducerSignature>,
    index: Index,
    book: &mut Book,
) -> Result<Settled<'a>, Unplaced> {
    let log_key = book.opened.as_ref().ok_or(Unplaced::NotOpened)?.log_key;
    let by_log = check_signature(&log_key, delivery, signature);
    if let (Control::SourceStated(stated), Err(_)) = (control, &by_log) {
        check_stated(stated, delivery, signature, index, book)?;
    } else {
        by_log?;
    }
    let mut effect = None;
    match control {
        Control::LedgerOpened(_) => {
            return Err(Unplaced::Contradiction {
                what: "the ledger is open already",
            });
        }
        Control::Seal(request) => return seal(request, book),
        Control::KeyRegistered(registered) => register(registered, index, book)?,
        Control::KeyRevoked(revoked) => revoke(revoked, index, book)?,
        Control::KeyRotated(rotated) => effect = rotation::rotate(rotated, delivery, index, book).err(),
        Control::ReferencePublished(published) => {
            if let Some(aliases) = &published.port_aliases {
                book.port_aliases = aliases_of(aliases);
            }
        }
        Control::EpochDeclared(declared) => {
            if let (Some(created), Some(opened)) = (declared.stream_created, &mut book.opened) {
                opened.stream_created = created.to_string();
            }
        }
        Control::SourceStated(_) | Control::ErasureNoticed(_) => {}
    }
    let note = note::of(control);
    let note = effect.map_or(note.clone(), |why| format!("{note}; without effect: {why}"));
    Ok(Settled::Recorded(control.kind().name(), note))
}

/// A statement counts when the source it speaks of signed it, with a key in force there.
fn check_stated(
    stated: &SourceStated,
    delivery: &Delivery,
    signature: Option<ProducerSignature>,
    index: Index,
    book: &Book,
) -> Result<(), Unplaced> {
    let signature = signature.ok_or(Unplaced::NotBySource)?;
    let key = book
        .keys
        .get(signature.key_id.as_bytes())
        .ok_or(Unplaced::NotBySource)?;
    let at = Occasion {
        index: index.get(),
        recorded_at_ns: delivery.recorded_at_ns,
    };
    key.in_force(stated.source.as_str(), at)
        .ok()
        .ok_or(Unplaced::NotBySource)?;
    check_signature(&key.public_key, delivery, Some(signature))
        .ok()
        .ok_or(Unplaced::NotBySource)
}

fn revoke(revoked: &KeyRevoked, index: Index, book: &mut Book) -> Result<(), Unplaced> {
    let Some(key) = book.keys.get_mut(&revoked.key_id.0) else {
        return Err(Unplaced::Contradiction {
            what: "the key that is revoked was never registered",
        });
    };
    key.revoked.get_or_insert(Revoked {
        leaf: index.get(),
        contested_from_ns: revoked.contested_from.as_nanosecond(),
    });
    Ok(())
}

fn seal<'a>(request: &'a SealRequested, book: &Book) -> Result<Settled<'a>, Unplaced> {
    let origin = book.opened.as_ref().map(|opened| opened.origin.as_str());
    if origin == Some(request.origin.as_str()) {
        Ok(Settled::Seal(request))
    } else {
        Err(Unplaced::Contradiction {
            what: "the seal is meant for another ledger",
        })
    }
}

fn register(registered: &KeyRegistered, index: Index, book: &mut Book) -> Result<(), Unplaced> {
    let public = PublicKey::from_bytes(&registered.public_key.0)
        .ok()
        .ok_or(Unplaced::Contradiction {
            what: "the registered key is no Ed25519 key",
        })?;
    if public.id().as_bytes() != &registered.key_id.0 {
        return Err(Unplaced::Contradiction {
            what: "the key id is not that of the registered key",
        });
    }
    if book.keys.contains_key(&registered.key_id.0) {
        return Err(Unplaced::Contradiction {
            what: "the key is registered already",
        });
    }
    let key = ProducerKey {
        public_key: registered.public_key.0,
        source: registered.source.as_str().to_owned(),
        observes: registered.mode == ModeName::Observed,
        event_types: registered.event_types.iter().map(ToString::to_string).collect(),
        valid_from_ns: registered.valid_from.as_nanosecond(),
        valid_until_ns: registered.valid_until.as_nanosecond(),
        registered: index.get(),
        superseded: None,
        revoked: None,
    };
    book.keys.insert(registered.key_id.0, key);
    Ok(())
}

fn check_signature(
    key: &[u8; 32],
    delivery: &Delivery,
    signature: Option<ProducerSignature>,
) -> Result<(), Unplaced> {
    let key = PublicKey::from_bytes(key).ok().ok_or(Unplaced::NotByLogKey)?;
    let signature = signature.ok_or(Unplaced::NotByLogKey)?;
    key.verify_event(&delivery.subject, &delivery.body, &signature)
        .ok()
        .ok_or(Unplaced::NotByLogKey)
}

fn aliases_of(aliases: &portbook_wire::control::PortAliases) -> std::collections::BTreeMap<String, String> {
    aliases
        .iter()
        .map(|(alias, port)| (alias.as_str().to_owned(), port.as_str().to_owned()))
        .collect()
}

/// The hash a digest's text stands for.
pub(crate) fn hash_of(digest: &portbook_domain::Digest) -> Hash {
    // A digest is 64 lower-case hexadecimal digits by construction.
    Hash::from_hex(digest.as_str()).unwrap_or(Hash::ZERO)
}

/// Lets a recorded control message take effect on `book` again, as the fold did when it recorded it.
///
/// # Errors
/// [`Unplaced`] when the message would not have been believed.
pub fn replay_control(book: &mut Book, delivery: &Delivery, index: Index) -> Result<(), Unplaced> {
    match read(delivery) {
        Reading::Control(control, signature) => {
            if let Control::LedgerOpened(opened) = control.as_ref()
                && book.opened.is_none()
            {
                return open(opened, delivery, signature, book);
            }
            settle(&control, delivery, signature, index, book).map(|_| ())
        }
        Reading::Event(_) | Reading::Sealed(_) => Err(Unplaced::NotOpened),
        Reading::Unplaced(reason) => Err(reason),
    }
}
