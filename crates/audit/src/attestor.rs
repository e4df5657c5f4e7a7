//! Checks producers' signatures beside the ledger stage, never in its way, and keeps what it found.

use std::collections::BTreeMap;

use portbook_fold::{Book, ProducerKey};
use portbook_ledger::{Leaf, PublicKey, Record, RecordKind, SignedMessage, verify_events};
use portbook_store::{StoreError, StoreReader, VERDICTS_TOGETHER, Verdict};
use portbook_wire::read_head;

/// Checks the signatures of up to [`VERDICTS_TOGETHER`] leaves that were not checked yet and keeps the verdicts.
///
/// Gives how many leaves that were; 0 when there is nothing to do.
///
/// # Errors
/// [`StoreError`] when leaves cannot be read or verdicts not be kept.
pub fn attest(reader: &StoreReader) -> Result<u64, StoreError> {
    let book = reader.book()?;
    let first = reader.verdict_position()?;
    let end = book
        .size()
        .min(first - first % VERDICTS_TOGETHER + VERDICTS_TOGETHER);
    if first >= end {
        return Ok(0);
    }
    let mut leaves: Vec<Vec<u8>> = Vec::new();
    for packed in reader.leaves(first..end) {
        leaves.extend(packed?.iter().map(<[u8]>::to_vec));
    }
    reader.keep_verdicts(first, &verdicts_of(&leaves, first, &book))?;
    Ok(end - first)
}

/// The verdict on each of `leaves`, the first of which has leaf index `first`.
#[must_use]
pub fn verdicts_of(leaves: &[Vec<u8>], first: u64, book: &Book) -> Vec<Verdict> {
    let keys: BTreeMap<[u8; 8], PublicKey> = book
        .keys
        .iter()
        .filter_map(|(id, key)| Some((*id, PublicKey::from_bytes(&key.public_key).ok()?)))
        .collect();
    let mut verdicts = vec![Verdict::Unsigned; leaves.len()];
    let mut places = Vec::new();
    let mut messages = Vec::new();
    for ((verdict, leaf), index) in verdicts.iter_mut().zip(leaves).zip(first..) {
        let Ok(Leaf::Record(record)) = Leaf::decode(leaf) else {
            continue;
        };
        let Some(signature) = record.signature.filter(|_| is_event(record.kind)) else {
            continue;
        };
        let id = signature.key_id.as_bytes();
        let (Some(registered), Some(key)) = (book.keys.get(id), keys.get(id)) else {
            *verdict = Verdict::UnknownKey;
            continue;
        };
        // Provisional: stands only if the signature holds.
        *verdict = if entitled(registered, &record, index) {
            Verdict::Valid
        } else {
            Verdict::KeyNotEntitled
        };
        messages.push(SignedMessage {
            subject: record.subject,
            body: record.body,
            signature,
            key,
        });
        places.push(index - first);
    }
    for (place, held) in places.iter().zip(verify_events(&messages)) {
        if held.is_err()
            && let Some(verdict) = usize::try_from(*place)
                .ok()
                .and_then(|place| verdicts.get_mut(place))
        {
            *verdict = Verdict::BadSignature;
        }
    }
    verdicts
}

const fn is_event(kind: RecordKind) -> bool {
    match kind {
        RecordKind::Event | RecordKind::Redelivery | RecordKind::Conflict => true,
        RecordKind::Quarantine | RecordKind::Control => false,
    }
}

fn entitled(key: &ProducerKey, record: &Record<'_>, index: u64) -> bool {
    let Ok(head) = read_head(record.subject, record.body) else {
        return false;
    };
    let at = i128::from(record.recorded_at_ns);
    head.source == key.source
        && (key.event_types.is_empty() || key.event_types.iter().any(|allowed| allowed == head.type_name))
        && (key.valid_from_ns..key.valid_until_ns).contains(&at)
        && key.registered < index
        && key.revoked.is_none_or(|revoked| index < revoked)
}
