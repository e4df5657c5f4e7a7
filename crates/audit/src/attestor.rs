//! Checks producers' signatures beside the ledger stage, never in its way, and keeps what it found.

use std::collections::BTreeMap;

use portbook_fold::{Book, NotEntitled, Occasion, ProducerKey, SourceBook};
use portbook_ledger::{Index, Leaf, PublicKey, Record, RecordKind, SignedMessage, verify_events};
use portbook_store::{StoreError, StoreReader, VERDICTS_TOGETHER, Verdict};
use portbook_wire::read_head;

use crate::source_step::source_step;

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
    let verdicts = verdicts_of(&leaves, first, &book);
    let mut sources = match first {
        0 => SourceBook::default(),
        _ => reader.sources()?,
    };
    for (leaf, verdict) in leaves.iter().zip(&verdicts) {
        if let Some(step) = source_step(leaf, *verdict, &book) {
            step.take_into(&mut sources);
        }
    }
    reader.keep_verdicts(first, &verdicts, &sources)?;
    Ok(end - first)
}

/// What the sources stated, compared with what the ledger holds of them, up to its last leaf.
///
/// What was not checked yet is checked now, and not kept.
///
/// # Errors
/// [`StoreError`] when leaves cannot be read.
pub fn sources(reader: &StoreReader) -> Result<SourceBook, StoreError> {
    let book = reader.book()?;
    let first = reader.verdict_position()?;
    let mut sources = match first {
        0 => SourceBook::default(),
        _ => reader.sources()?,
    };
    for packed in reader.leaves(first..book.size()) {
        let packed = packed?;
        let leaves: Vec<Vec<u8>> = packed.iter().map(<[u8]>::to_vec).collect();
        for (leaf, verdict) in leaves.iter().zip(verdicts_of(&leaves, packed.first, &book)) {
            if let Some(step) = source_step(leaf, verdict, &book) {
                step.take_into(&mut sources);
            }
        }
    }
    Ok(sources)
}

/// The verdict on one leaf, kept or made now.
///
/// # Errors
/// [`StoreError`] when the kept one cannot be read.
pub fn verdict_on(
    reader: &StoreReader,
    book: &Book,
    index: Index,
    leaf: &[u8],
) -> Result<Verdict, StoreError> {
    if let Some(verdict) = reader.verdict(index)? {
        return Ok(verdict);
    }
    let verdicts = verdicts_of(&[leaf.to_vec()], index.get(), book);
    Ok(verdicts.first().copied().unwrap_or(Verdict::Unsigned))
}

/// The leaf of the revocation that contests a record's signature.
#[must_use]
pub fn contested_by(record: &Record<'_>, index: u64, book: &Book) -> Option<u64> {
    let key = book.keys.get(record.signature?.key_id.as_bytes())?;
    key.contested_by(Occasion {
        index,
        recorded_at_ns: record.recorded_at_ns,
    })
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
        *verdict = entitlement(registered, &record, index);
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

fn entitlement(key: &ProducerKey, record: &Record<'_>, index: u64) -> Verdict {
    // A record of an event has a head by construction; without one it says nothing about its source.
    let Ok(head) = read_head(record.subject, record.body) else {
        return Verdict::WrongSource;
    };
    let at = Occasion {
        index,
        recorded_at_ns: record.recorded_at_ns,
    };
    match key.entitled(head.source, head.type_name, at) {
        Ok(()) => Verdict::Valid,
        Err(NotEntitled::Source) => Verdict::WrongSource,
        Err(NotEntitled::Type) => Verdict::WrongType,
        Err(NotEntitled::Time) => Verdict::OutOfValidity,
        Err(NotEntitled::Revoked) => Verdict::RevokedKey,
    }
}
