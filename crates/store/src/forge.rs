//! What an insider with the store in his hands can do: change leaves behind the ledger's back.
//!
//! The demo and the tests use it on copies to show that verification finds every such change. It gives an attacker
//! nothing that sled does not give him already.

use std::path::Path;

use crate::codec::RowError;
use crate::durable::{self, StoreError};
use crate::key;
use crate::opening;
use crate::packed::{items, restored, stored, value_holding};

/// One change to the stored leaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Forgery {
    /// Leaf `index` gets these bytes.
    Replace {
        /// The leaf.
        index: u64,
        /// Its new bytes.
        bytes: Vec<u8>,
    },
    /// Leaf `index` disappears; later leaves move up.
    Remove {
        /// The leaf.
        index: u64,
    },
    /// Leaf `index` stands twice; later leaves move down.
    Double {
        /// The leaf.
        index: u64,
    },
}

/// Applies `forgery` to the store in `path`, which nobody may have open.
///
/// # Errors
/// [`StoreError::LeafMissing`] when there is no such leaf; otherwise as [`crate::Store::open`].
pub fn forge(path: &Path, forgery: &Forgery) -> Result<(), StoreError> {
    let db = opening::open(path, false)?;
    let index = match forgery {
        Forgery::Replace { index, .. } | Forgery::Remove { index } | Forgery::Double { index } => *index,
    };
    let found = value_holding(&db, key::LEAVES, index).map_err(reading)?;
    let (first, value) = found.ok_or(StoreError::LeafMissing { index, size: 0 })?;
    let value = restored(key::LEAVES, value)?;
    let mut leaves: Vec<Vec<u8>> = items(&value).map(<[u8]>::to_vec).collect();
    let at = usize::try_from(index - first).unwrap_or(usize::MAX);
    if at >= leaves.len() {
        return Err(StoreError::LeafMissing { index, size: first });
    }
    match forgery {
        Forgery::Replace { bytes, .. } => leaves
            .iter_mut()
            .skip(at)
            .take(1)
            .for_each(|leaf| leaf.clone_from(bytes)),
        Forgery::Remove { .. } => drop(leaves.remove(at)),
        Forgery::Double { .. } => leaves.extend_from_within(at..=at),
    }
    if let Forgery::Double { .. } = forgery {
        // The copy went to the end; bring it beside its original.
        leaves.get_mut(at + 1..).unwrap_or_default().rotate_right(1);
    }
    let mut packed = Vec::with_capacity(value.len());
    for leaf in &leaves {
        let length = u16::try_from(leaf.len()).ok().ok_or(StoreError::Row {
            what: "leaf",
            source: RowError::NotCanonical,
        })?;
        packed.extend_from_slice(&length.to_be_bytes());
        packed.extend_from_slice(leaf);
    }
    db.insert(key::numbered(key::LEAVES, first), stored(key::LEAVES, &packed))
        .map_err(reading)?;
    durable::sync(&db, path)
}

fn reading(source: sled::Error) -> StoreError {
    StoreError::Sled {
        doing: "change the store",
        source,
    }
}
