//! A recorded leaf as the message it was made from.

use bytes::Bytes;
use portbook_ledger::{Chain, Leaf, LeafError, Record, RecordKind, Seal};
use portbook_wire::control::ControlKind;

use crate::delivery::Delivery;
use crate::reading::{Reading, Unplaced, read};

/// The message that became `leaf`, read as the ledger understood it.
///
/// A seal keeps of its message what it was made from; the signature under which it was asked for is not asked for again.
///
/// # Errors
/// [`LeafError`] when it is no leaf.
pub fn reread(leaf: &[u8]) -> Result<(Delivery, Reading), LeafError> {
    Ok(match Leaf::decode(leaf)? {
        Leaf::Record(record) => reread_record(&record),
        Leaf::Seal(seal) => reread_seal(&seal),
    })
}

fn reread_record(record: &Record<'_>) -> (Delivery, Reading) {
    let delivery = Delivery {
        seq: record.stream_seq,
        recorded_at_ns: record.recorded_at_ns,
        subject: record.subject.to_owned(),
        signature: record.signature.map(|signature| signature.to_string()),
        body: Bytes::copy_from_slice(record.body),
    };
    let reading = match (record.kind, read(&delivery)) {
        // A header that is no signature is not part of the record; that it kept the message out is.
        (RecordKind::Quarantine, Reading::Event(event))
            if record.signature.is_none() && Chain::port(&event.port).is_ok() =>
        {
            Reading::Unplaced(Unplaced::SignatureHeader)
        }
        (_, reading) => reading,
    };
    (delivery, reading)
}

fn reread_seal(seal: &Seal) -> (Delivery, Reading) {
    let delivery = Delivery {
        seq: seal.stream_seq,
        recorded_at_ns: seal.sealed_at_ns,
        subject: ControlKind::Seal.subject().to_owned(),
        signature: None,
        body: Bytes::new(),
    };
    (delivery, Reading::Sealed(seal.prev_checkpoint))
}
