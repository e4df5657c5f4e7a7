//! One key takes over from another, both agreeing.
//!
//! A rotation that does not hold is a record like any other, but changes nothing: what is recorded of a message does not
//! depend on it.

use portbook_ledger::{Index, KeyId, PublicKey, RotatedKey, Rotation};
use portbook_wire::control::{KeyRole, KeyRotated};

use crate::book::Book;
use crate::delivery::Delivery;
use crate::key::{Occasion, ProducerKey, Superseded};

/// Registers the new key for what the old one may do, or says why nothing changes.
///
/// The new key is valid from here on, for as long as the old one was registered for.
pub(super) fn rotate(
    rotated: &KeyRotated,
    delivery: &Delivery,
    index: Index,
    book: &mut Book,
) -> Result<(), &'static str> {
    if rotated.role != KeyRole::Producer {
        return Err("a log keeps its key");
    }
    let new = PublicKey::from_bytes(&rotated.new_public_key.0)
        .ok()
        .ok_or("the new key is no Ed25519 key")?;
    if new.id().as_bytes() != &rotated.new_key_id.0 {
        return Err("the new key id is not that of the new key");
    }
    if book.keys.contains_key(&rotated.new_key_id.0) {
        return Err("the new key is registered already");
    }
    let at = Occasion {
        index: index.get(),
        recorded_at_ns: delivery.recorded_at_ns,
    };
    let old = book
        .keys
        .get(&rotated.old_key_id.0)
        .ok_or("the old key was never registered")?;
    if old.superseded.is_some() || old.in_force(&old.source, at).is_err() {
        return Err("the old key is not in force");
    }
    check_signatures(rotated, &new, old, book)?;
    let now = i128::from(delivery.recorded_at_ns);
    let successor = ProducerKey {
        public_key: rotated.new_public_key.0,
        valid_from_ns: now,
        valid_until_ns: now.saturating_add(old.valid_until_ns.saturating_sub(old.valid_from_ns)),
        registered: index.get(),
        superseded: None,
        revoked: None,
        ..old.clone()
    };
    if let Some(old) = book.keys.get_mut(&rotated.old_key_id.0) {
        old.superseded = Some(Superseded {
            leaf: index.get(),
            by: rotated.new_key_id.0,
            until_ns: rotated.overlap_until.as_nanosecond(),
        });
    }
    book.keys.insert(rotated.new_key_id.0, successor);
    Ok(())
}

fn check_signatures(
    rotated: &KeyRotated,
    new: &PublicKey,
    old: &ProducerKey,
    book: &Book,
) -> Result<(), &'static str> {
    let old = PublicKey::from_bytes(&old.public_key)
        .ok()
        .ok_or("the old key is no Ed25519 key")?;
    let opened = book.opened.as_ref().ok_or("the ledger is not open")?;
    let overlap_until_ns = u64::try_from(rotated.overlap_until.as_nanosecond())
        .ok()
        .ok_or("the overlap ends before 1970")?;
    let rotation = Rotation {
        origin: &opened.origin,
        role: RotatedKey::Producer,
        old: KeyId::from_bytes(rotated.old_key_id.0),
        new,
        overlap_until_ns,
    };
    if !rotation.is_signed_by(&old, &rotated.old_signature.0) {
        return Err("the old key did not sign it");
    }
    if !rotation.is_signed_by(new, &rotated.new_signature.0) {
        return Err("the new key did not sign it");
    }
    Ok(())
}
