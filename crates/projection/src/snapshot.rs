//! Views to and from the disk: what is loaded belongs to this ledger and to this code, or it is folded again.

use portbook_ledger::{Hash, Index};
use portbook_store::{Generation, StateRoot, StoreError, StoreReader, ViewStore};

use crate::kind::Kind;
use crate::pass::ProjectionError;
use crate::projection::Projection;

/// Writes what `projection` holds. It counts once the generation that this gives is committed.
pub(crate) fn write(
    store: &ViewStore,
    reader: &StoreReader,
    projection: &Projection,
) -> Result<Generation, ProjectionError> {
    let mut generation = projection.generation.clone();
    generation.cursor = projection.cursor;
    generation.last_leaf = last_leaf(reader, projection.cursor)?;
    let poisoned = &projection.parking.poisoned;
    generation.poisoned = poisoned.iter().map(|(leaf, why)| (*leaf, why.clone())).collect();
    let mut writer = store.write_rows(&mut generation, StateRoot::of(projection.kind.name))?;
    projection.fold.each_row(&mut |key, row| writer.row(key, row))?;
    generation.replace_rows(&writer.finish()?);
    store.write_parked(&mut generation, projection.parking.parked())?;
    Ok(generation)
}

/// Puts `projection` back to its newest snapshot; events on which the fold failed stay known.
pub(crate) fn restore(store: &ViewStore, projection: &mut Projection) -> Result<(), ProjectionError> {
    let known = std::mem::take(&mut projection.parking.poisoned);
    let (kind, generation) = (projection.kind, projection.generation.clone());
    let mut restored = match load_whole(store, kind, generation.clone())? {
        Some(loaded) => loaded,
        None => Projection::begun(kind, generation),
    };
    restored.parking.poisoned.extend(known);
    *projection = restored;
    Ok(())
}

/// The state of `generation` at its newest snapshot.
fn load(store: &ViewStore, kind: Kind, generation: Generation) -> Result<Projection, ProjectionError> {
    let mut projection = Projection::begun(kind, generation);
    let generation = &projection.generation;
    projection.cursor = generation.cursor;
    projection
        .fold
        .restore(&mut kind.gather().rows(store, generation)?)?;
    let parking = &mut projection.parking;
    parking.poisoned.extend(generation.poisoned.iter().cloned());
    for parked in store.parked(generation)? {
        parking.restore(parked);
    }
    Ok(projection)
}

/// [`load`], unless a file is not what was written there: then the view is folded again.
pub(crate) fn load_whole(
    store: &ViewStore,
    kind: Kind,
    generation: Generation,
) -> Result<Option<Projection>, ProjectionError> {
    match load(store, kind, generation) {
        Err(ProjectionError::Store(error)) if is_damage(&error) => Ok(None),
        loaded => loaded.map(Some),
    }
}

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
