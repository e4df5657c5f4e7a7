//! Which generation is read: made live after it was held against the one before, and the way back.

use std::path::Path;

use portbook_store::{Comparison, Generation, Pointer, StoreReader, ViewStore};

use crate::comparison::{OnChange, Rows, compare};
use crate::kind::Kind;
use crate::pass::ProjectionError;
use crate::projections::skips;
use crate::rebuild::{bring_to, drop_older, live_of, may_be_promoted};
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
    let mut projection = bring_to(&store, reader, kind, &ready, &selection, size)?;
    if let Some(live) = &live
        && snapshot::fits(reader, kind, live)?
    {
        let held = bring_to(&store, reader, kind, live, &selection, size)?;
        let (old, new) = (Rows::Held(&held), Rows::Held(&projection));
        let compared = compare(kind, (live.number, size), old, new, on_change)?;
        projection.generation.compared = Some(compared);
    }
    if !may_be_promoted(reader, &projection.generation, live.as_ref())? {
        return Err(ProjectionError::NotCompared {
            view: kind.name,
            number: ready.number,
        });
    }
    let mut staged = [snapshot::stage(&store, reader, &projection)?];
    let pointer = Pointer {
        live: ready.number,
        before: live.map(|live| live.number),
    };
    store.commit(&mut staged, &[(kind.name, pointer)])?;
    drop_older(&store, kind.name, pointer)?;
    let [(generation, _)] = staged;
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
    store.commit(&mut [], &[(kind.name, back)])?;
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
    let name = kind.name;
    let bring = |it: &Generation, size| bring_to(&store, reader, kind, it, &selection, size);
    let (fits_old, fits_new) = (
        snapshot::fits(reader, kind, old)?,
        snapshot::fits(reader, kind, new)?,
    );
    if fits_old && fits_new {
        let size = reader.book()?.size();
        let (held, ours) = (bring(old, size)?, bring(new, size)?);
        let at = (old.number, size);
        return Ok(compare(
            kind,
            at,
            Rows::Held(&held),
            Rows::Held(&ours),
            on_change,
        )?);
    }
    let at = (old.number, old.cursor);
    if old.cursor == new.cursor {
        let (old, new) = (Rows::Stored(&store, old), Rows::Stored(&store, new));
        return Ok(compare(kind, at, old, new, on_change)?);
    }
    if fits_new && snapshot::is_of(reader, old)? {
        // What this program makes of the leaves the other one had.
        let begun = Generation::begun(name, new.number, kind.version, None);
        let ours = bring(&begun, old.cursor)?;
        return Ok(compare(
            kind,
            at,
            Rows::Stored(&store, old),
            Rows::Held(&ours),
            on_change,
        )?);
    }
    Err(ProjectionError::NotCompared {
        view: name,
        number: new.number,
    })
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
