//! What is on the disk of a view: it belongs to this ledger and to this code, or the view is folded again.

use portbook_ledger::{Hash, Index};
use portbook_store::{Generation, StoreError, StoreReader};

use crate::kind::Kind;
use crate::pass::ProjectionError;

/// Whether rows cannot be read because they are not those that were written.
pub(crate) const fn is_damage(error: &StoreError) -> bool {
    matches!(error, StoreError::Rows { .. })
}

/// Whether `generation` can be gone on with: folded by this code, from the ledger as it is.
pub(crate) fn fits(
    reader: &StoreReader,
    kind: Kind,
    generation: &Generation,
) -> Result<bool, ProjectionError> {
    Ok(generation.version == kind.version && is_of(reader, generation)?)
}

/// Whether `generation` was folded from the ledger as it is, by whatever code.
pub(crate) fn is_of(reader: &StoreReader, generation: &Generation) -> Result<bool, ProjectionError> {
    Ok(generation.cursor <= reader.book()?.size()
        && last_leaf(reader, generation.cursor)? == generation.last_leaf)
}

/// Hash of the last leaf below `cursor`; zeros when there is none.
pub(crate) fn last_leaf(reader: &StoreReader, cursor: u64) -> Result<Hash, ProjectionError> {
    let Some(index) = cursor.checked_sub(1).and_then(Index::new) else {
        return Ok(Hash::ZERO);
    };
    let missing = || StoreError::LeafMissing {
        index: index.get(),
        size: cursor,
    };
    let leaf = reader.leaf(index)?.ok_or_else(missing)?;
    Ok(portbook_ledger::leaf_hash(&leaf))
}
