//! One record as its chain lists it: `u64 leaf index || remark`.

use portbook_fold::ChainEntry;
use portbook_ledger::Index;

use crate::codec::RowError;
use crate::durable::StoreError;

/// Bytes of a remark that are kept: an entry must fit where items of at most 65,535 bytes do.
const REMARK_BYTES_MAX: usize = 1024;

/// The bytes of `entry`.
pub(crate) fn pack(entry: &ChainEntry) -> Vec<u8> {
    let remark = entry.remark.as_bytes();
    let kept = remark.get(..REMARK_BYTES_MAX).unwrap_or(remark);
    let mut bytes = Vec::with_capacity(8 + kept.len());
    bytes.extend_from_slice(&entry.index.get().to_be_bytes());
    bytes.extend_from_slice(kept);
    bytes
}

/// The entry behind `bytes`.
pub(crate) fn unpack(bytes: &[u8]) -> Result<ChainEntry, StoreError> {
    let unreadable = StoreError::Row {
        what: "chain entry",
        source: RowError::NotCanonical,
    };
    let Some((index, remark)) = bytes.split_first_chunk::<8>() else {
        return Err(unreadable);
    };
    Ok(ChainEntry {
        index: Index::new(u64::from_be_bytes(*index)).ok_or(unreadable)?,
        remark: String::from_utf8_lossy(remark).into_owned(),
    })
}
