//! Reading one log out of the store: its leaf hashes and its leaves, by their place in that log.

use std::ops::Range;

use portbook_ledger::{Chain, Hash, Index};
use portbook_store::StoreReader;

use crate::error::EvidenceError;
use crate::log::LogName;

/// Leaf hashes of the ledger, read forwards: neighbours are in one stored value.
struct Hashes<'a> {
    reader: &'a StoreReader,
    first: u64,
    held: Vec<Hash>,
}

impl Hashes<'_> {
    fn at(&mut self, index: u64, log: LogName, place: u64) -> Result<Hash, EvidenceError> {
        let held = index
            .checked_sub(self.first)
            .and_then(|at| self.held.get(usize::try_from(at).ok()?));
        if let Some(hash) = held {
            return Ok(*hash);
        }
        let damaged = || EvidenceError::Damaged {
            what: "leaf hash",
            log,
            place,
        };
        let packed = self.reader.leaf_hashes(index..u64::MAX).next();
        let packed = packed.ok_or_else(damaged)??;
        self.first = packed.first;
        self.held.clear();
        for bytes in packed.iter() {
            let bytes = <[u8; 32]>::try_from(bytes).ok().ok_or_else(damaged)?;
            self.held.push(Hash::from_bytes(bytes));
        }
        self.held.first().copied().ok_or_else(damaged)
    }
}

/// The leaf hashes of `log` at the places `range`, handed to `take` in order.
pub(crate) fn each_leaf_hash(
    reader: &StoreReader,
    log: LogName,
    range: Range<u64>,
    mut take: impl FnMut(Hash),
) -> Result<(), EvidenceError> {
    let mut hashes = Hashes {
        reader,
        first: 0,
        held: Vec::new(),
    };
    match log {
        LogName::Ledger => {
            for place in range {
                take(hashes.at(place, log, place)?);
            }
        }
        LogName::Chain(chain) => {
            for (place, index) in (range.start..).zip(indexes(reader, chain, range)) {
                take(hashes.at(index?, log, place)?);
            }
        }
    }
    Ok(())
}

/// The leaf hashes of `log` at the places `range`.
pub(crate) fn leaf_hashes(
    reader: &StoreReader,
    log: LogName,
    range: Range<u64>,
) -> Result<Vec<Hash>, EvidenceError> {
    let mut hashes = Vec::new();
    each_leaf_hash(reader, log, range, |hash| hashes.push(hash))?;
    Ok(hashes)
}

/// The leaves of `log` at the places `range`, each with its length before it: a C2SP entry bundle.
pub(crate) fn entries(
    reader: &StoreReader,
    log: LogName,
    range: Range<u64>,
) -> Result<Vec<u8>, EvidenceError> {
    let mut out = Vec::new();
    let mut append = |leaf: &[u8]| {
        // No leaf is longer: they come out of values with this very length before each.
        let length = u16::try_from(leaf.len()).unwrap_or(u16::MAX);
        out.extend_from_slice(&length.to_be_bytes());
        out.extend_from_slice(leaf);
    };
    match log {
        LogName::Ledger => {
            for packed in reader.leaves(range) {
                packed?.iter().for_each(&mut append);
            }
        }
        LogName::Chain(chain) => {
            for (place, index) in (range.start..).zip(indexes(reader, chain, range)) {
                let leaf = Index::new(index?).map(|index| reader.leaf(index)).transpose()?;
                append(&leaf.flatten().ok_or(EvidenceError::Damaged {
                    what: "leaf",
                    log,
                    place,
                })?);
            }
        }
    }
    Ok(out)
}

/// Leaf index of the record at `place` of `chain`.
pub(crate) fn index_of(
    reader: &StoreReader,
    chain: Chain,
    place: u64,
) -> Result<Option<Index>, EvidenceError> {
    let row = reader.row(chain, place.saturating_add(1))?;
    Ok(row.and_then(|row| Index::new(row.place.index)))
}

/// Number of records of `chain` before the leaf `end`, when it has `count` in all.
pub(crate) fn count_before(
    reader: &StoreReader,
    chain: Chain,
    count: u64,
    end: u64,
) -> Result<u64, EvidenceError> {
    let (mut low, mut high) = (0, count);
    while low < high {
        let middle = low + (high - low) / 2;
        let index = index_of(reader, chain, middle)?.ok_or(EvidenceError::Damaged {
            what: "row",
            log: LogName::Chain(chain),
            place: middle,
        })?;
        if index.get() < end {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    Ok(low)
}

/// Leaf indexes of the records of `chain` at the places `range`.
fn indexes(
    reader: &StoreReader,
    chain: Chain,
    range: Range<u64>,
) -> impl Iterator<Item = Result<u64, EvidenceError>> + use<> {
    // A chain counts its records from 1.
    let positions = range.start.saturating_add(1)..range.end.saturating_add(1);
    reader.rows(chain, positions).map(|row| Ok(row?.place.index))
}
