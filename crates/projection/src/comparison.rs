//! Two states of one view held against each other: which rows were added, removed, changed.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hasher};

use portbook_ledger::Hash;
use portbook_store::{Comparison, StoreError};

use crate::gather::Rows;
use crate::kind::Kind;

/// One row that differs; key and rows as they are stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Its key.
    pub key: Vec<u8>,
    /// The row before; none for an added row.
    pub before: Option<Vec<u8>>,
    /// The row after; none for a removed one.
    pub after: Option<Vec<u8>>,
    /// Whether this program wrote the rows before, and can read them.
    pub before_is_ours: bool,
    /// Whether this program wrote the rows after, and can read them.
    pub after_is_ours: bool,
}

/// Told of every row that differs, with the name of its view.
pub type OnChange<'a> = dyn FnMut(&str, &Change) + 'a;

/// One state of a view, wherever it is.
pub(crate) struct Side<'a> {
    pub(crate) root: Hash,
    /// Bytes of its rows, about.
    pub(crate) bytes: u64,
    /// Whether this program can read them.
    pub(crate) is_ours: bool,
    pub(crate) rows: &'a dyn Fn() -> Result<Rows<'a>, StoreError>,
}

/// So many bytes of older rows are held at a time.
const HELD_BYTES: u64 = 32 * 1024 * 1024;

/// Holds `new` against `old`, generation `with`, both after the same `at` leaves.
///
/// Keys of two versions of code may sort differently, so older rows are looked up, not merged with: as many at a time as
/// memory is set aside for, by the hash of their keys.
pub(crate) fn compare(
    kind: Kind,
    (with, at): (u64, u64),
    old: &Side<'_>,
    new: &Side<'_>,
    on_change: &mut OnChange<'_>,
) -> Result<Comparison, StoreError> {
    let mut found = Comparison {
        with,
        at,
        added: 0,
        removed: 0,
        changed: 0,
    };
    if old.root == new.root {
        return Ok(found);
    }
    let parts = 1 + old.bytes / HELD_BYTES;
    for part in 0..parts {
        let is_here = |key: &[u8]| hash_of(key) % parts == part;
        compare_part((old, new), &is_here, &mut |change| {
            match (&change.before, &change.after) {
                (None, _) => found.added += 1,
                (Some(_), None) => found.removed += 1,
                (Some(_), Some(_)) => found.changed += 1,
            }
            on_change(kind.name, &change);
        })?;
    }
    Ok(found)
}

fn compare_part(
    (old, new): (&Side<'_>, &Side<'_>),
    is_here: &dyn Fn(&[u8]) -> bool,
    take: &mut dyn FnMut(Change),
) -> Result<(), StoreError> {
    let mut olds = BTreeMap::new();
    for stored in (old.rows)()? {
        let (key, row) = stored?;
        if is_here(&key) {
            olds.insert(key, row);
        }
    }
    let change = |key, before, after| Change {
        key,
        before,
        after,
        before_is_ours: old.is_ours,
        after_is_ours: new.is_ours,
    };
    for stored in (new.rows)()? {
        let (key, row) = stored?;
        if !is_here(&key) {
            continue;
        }
        let before = olds.remove(&key);
        if before.as_ref() != Some(&row) {
            take(change(key, before, Some(row)));
        }
    }
    for (key, row) in olds {
        take(change(key, Some(row), None));
    }
    Ok(())
}

fn hash_of(key: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(key);
    hasher.finish()
}
