//! Which generation is read: made live after it was held against the one before, and the way back.

use std::path::Path;

use portbook_store::{Comparison, Generation, Pointer, StoreReader, ViewStore};

use crate::building::{Building, build_whole};
use crate::comparison::OnChange;
use crate::kind::Kind;
use crate::pass::ProjectionError;
use crate::projections::skips;
use crate::rebuild::{compare_stored, compare_with, drop_older, live_of, may_be_promoted};
use crate::snapshot;

/// A generation and what it is to its view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// The generation.
    pub generation: Generation,
    /// What it is.
    pub standing: Standing,
}

/// What a generation is to its view.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It is read.
    Live,
    /// It was read before: the way back.
    Former,
    /// It is whole and can be promoted.
    Ready,
    /// It is being folded, or was left unfinished.
    Building,
}

/// Every generation in the database at `path`, by view and number.
///
/// # Errors
/// [`ProjectionError::Store`] when it cannot be read.
pub fn generations(path: &Path) -> Result<Vec<Listed>, ProjectionError> {
    let store = ViewStore::open(path)?;
    let listed = store.generations()?.into_iter().map(|generation| {
        let pointer = store.pointer(&generation.view)?;
        let standing = match pointer {
            Some(pointer) if pointer.live == generation.number => Standing::Live,
            Some(pointer) if pointer.before == Some(generation.number) => Standing::Former,
            Some(_) | None if generation.whole => Standing::Ready,
            Some(_) | None => Standing::Building,
        };
        Ok(Listed { generation, standing })
    });
    listed.collect()
}

/// Makes generation `number` of a view live, or the newest that is ready; folds it on and holds it against the live one first.
///
/// # Errors
/// [`ProjectionError::NoGeneration`] when there is none, [`ProjectionError::OtherCode`] when this program cannot go on with it,
/// [`ProjectionError::NotCompared`] when it cannot be held against what is live.
pub fn promote(
    reader: &StoreReader,
    path: &Path,
    kind: Kind,
    number: Option<u64>,
    on_change: &mut OnChange<'_>,
) -> Result<Generation, ProjectionError> {
    let store = ViewStore::open(path)?;
    let live = live_of(&store, kind)?;
    let ready = store.generations_of(kind.name)?.into_iter().rev().find(|it| {
        let wanted = number.is_none_or(|number| number == it.number);
        wanted && it.whole && live.as_ref().is_none_or(|live| live.number != it.number)
    });
    let ready = ready.ok_or_else(|| no_generation(kind, number))?;
    check_code(reader, kind, &ready)?;
    let (size, selection) = (reader.book()?.size(), skips(&store)?);
    let mut buildings = vec![Building::load(&store, kind, ready)?];
    if let Some(live) = &live
        && snapshot::fits(reader, kind, live)?
    {
        buildings.push(Building::load(&store, kind, live.clone())?);
    }
    build_whole(&mut buildings, &store, reader, &selection, size)?;
    let mut generation = settled(kind, &mut buildings, &store, reader)?;
    let (mut is_lost, number) = (false, generation.number);
    if let [_, live] = buildings.as_slice() {
        generation.compared = compare_with(&store, live, &generation, on_change)?;
        is_lost = generation.compared.is_none();
    }
    if !is_lost && !may_be_promoted(reader, &generation, live.as_ref())? {
        return Err(ProjectionError::NotCompared {
            view: kind.name,
            number,
        });
    }
    let pointer = Pointer {
        live: number,
        before: live.map(|live| live.number),
    };
    store.commit(std::slice::from_ref(&generation), &[(kind.name, pointer)])?;
    drop_older(&store, kind.name, pointer)?;
    Ok(generation)
}

/// Makes the generation live again that was live before.
///
/// # Errors
/// [`ProjectionError::NoGeneration`] when there is none, [`ProjectionError::OtherCode`] when this program cannot go on with it.
pub fn promote_back(reader: &StoreReader, path: &Path, kind: Kind) -> Result<Generation, ProjectionError> {
    let store = ViewStore::open(path)?;
    let pointer = store.pointer(kind.name)?;
    let (live, before) = pointer
        .and_then(|pointer| Some((pointer.live, pointer.before?)))
        .ok_or_else(|| no_generation(kind, None))?;
    let generation = store.generation(kind.name, before)?;
    let generation = generation.ok_or_else(|| no_generation(kind, Some(before)))?;
    check_code(reader, kind, &generation)?;
    let back = Pointer {
        live: before,
        before: Some(live),
    };
    store.commit(&[], &[(kind.name, back)])?;
    Ok(generation)
}

/// Holds generation `to` of a view against `from`, both after the same leaves. Left out, they are the live one and the newest
/// other one.
///
/// # Errors
/// [`ProjectionError::NotCompared`] when neither can be brought to where the other is.
pub fn difference(
    reader: &StoreReader,
    path: &Path,
    kind: Kind,
    (from, to): (Option<u64>, Option<u64>),
    on_change: &mut OnChange<'_>,
) -> Result<Comparison, ProjectionError> {
    let store = ViewStore::open(path)?;
    let selection = skips(&store)?;
    let live = live_of(&store, kind)?.map(|live| live.number);
    let generations = store.generations_of(kind.name)?;
    let numbers = || generations.iter().map(|it| it.number).rev();
    let to = to.or(live).ok_or_else(|| no_generation(kind, to))?;
    let from = from.or_else(|| numbers().find(|number| *number != to));
    let find = |number: Option<u64>| {
        let found = generations.iter().find(|it| Some(it.number) == number);
        found.ok_or_else(|| no_generation(kind, number))
    };
    let (old, new) = (find(from)?, find(Some(to))?);
    let (fits_old, fits_new) = (
        snapshot::fits(reader, kind, old)?,
        snapshot::fits(reader, kind, new)?,
    );
    let mut compare_at = |generations: &[&Generation], size| {
        let loaded = generations
            .iter()
            .map(|it| Building::load(&store, kind, (*it).clone()));
        let mut buildings = loaded.collect::<Result<Vec<_>, _>>()?;
        build_whole(&mut buildings, &store, reader, &selection, size)?;
        let ours = settled(kind, &mut buildings, &store, reader)?;
        match buildings.get(1) {
            Some(held) => compare_with(&store, held, &ours, on_change),
            None => compare_stored(&store, kind, (old, &ours), on_change).map(Some),
        }
    };
    let compared = if fits_old && fits_new {
        compare_at(&[new, old], reader.book()?.size())?
    } else if old.cursor == new.cursor && old.pending() == 0 && new.pending() == 0 {
        Some(compare_stored(&store, kind, (old, new), on_change)?)
    } else if fits_new && old.pending() == 0 && snapshot::is_of(reader, old)? {
        // What this program makes of the leaves the other one had; its files are nobody's, and are removed with the next commit.
        let begun = Generation::begun(kind.name, 0, kind.version, None);
        compare_at(&[&begun], old.cursor)?
    } else {
        None
    };
    compared.ok_or(ProjectionError::NotCompared {
        view: kind.name,
        number: new.number,
    })
}

/// The first of `buildings`, all of it in rows.
fn settled(
    kind: Kind,
    buildings: &mut [Building],
    store: &ViewStore,
    reader: &StoreReader,
) -> Result<Generation, ProjectionError> {
    let first = buildings.first_mut();
    let first = first.ok_or_else(|| no_generation(kind, None))?;
    first.settle(store, reader)?;
    Ok(first.generation.clone())
}

fn check_code(reader: &StoreReader, kind: Kind, generation: &Generation) -> Result<(), ProjectionError> {
    if snapshot::fits(reader, kind, generation)? {
        return Ok(());
    }
    Err(ProjectionError::OtherCode {
        view: kind.name,
        number: generation.number,
        version: generation.version,
        ours: kind.version,
    })
}

const fn no_generation(kind: Kind, number: Option<u64>) -> ProjectionError {
    ProjectionError::NoGeneration {
        view: kind.name,
        number,
    }
}
