//! Two states of one view held against each other: which rows were added, removed, changed.

use std::collections::BTreeMap;

use portbook_store::{Comparison, Generation, StoreError, ViewStore};

use crate::kind::{Kind, TakeRow};
use crate::projection::Projection;

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

/// The rows of a state, wherever they are.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Rows<'a> {
    Held(&'a Projection),
    Stored(&'a ViewStore, &'a Generation),
}

impl Rows<'_> {
    fn are_of(self, kind: Kind) -> bool {
        match self {
            Self::Held(_) => true,
            Self::Stored(_, generation) => generation.version == kind.version,
        }
    }

    fn each(self, take: &mut TakeRow<'_>) -> Result<(), StoreError> {
        match self {
            Self::Held(projection) => projection.fold.each_row(take),
            Self::Stored(store, generation) => store.rows(generation).try_for_each(|stored| {
                let (key, row) = stored?;
                take(&key, &row)
            }),
        }
    }
}

/// Holds `new` against `old`, generation `with`, both after the same `at` leaves.
///
/// Keys of two versions of code may sort differently, so the older rows are looked up, not merged with.
pub(crate) fn compare(
    kind: Kind,
    (with, at): (u64, u64),
    old: Rows<'_>,
    new: Rows<'_>,
    on_change: &mut OnChange<'_>,
) -> Result<Comparison, StoreError> {
    let mut olds = BTreeMap::new();
    old.each(&mut |key, row| {
        olds.insert(key.to_vec(), row.to_vec());
        Ok(())
    })?;
    let mut found = Comparison {
        with,
        at,
        added: 0,
        removed: 0,
        changed: 0,
    };
    let (before_is_ours, after_is_ours) = (old.are_of(kind), new.are_of(kind));
    new.each(&mut |key, row| {
        let before = olds.remove(key);
        if before.as_deref() == Some(row) {
            return Ok(());
        }
        if before.is_some() {
            found.changed += 1;
        } else {
            found.added += 1;
        }
        let change = Change {
            key: key.to_vec(),
            before,
            after: Some(row.to_vec()),
            before_is_ours,
            after_is_ours,
        };
        on_change(kind.name, &change);
        Ok(())
    })?;
    for (key, row) in olds {
        found.removed += 1;
        let change = Change {
            key,
            before: Some(row),
            after: None,
            before_is_ours,
            after_is_ours,
        };
        on_change(kind.name, &change);
    }
    Ok(found)
}
