//! Folding on: every view to the same leaf, whatever stands in the way of one of them.

use std::ops::ControlFlow;
use std::path::Path;

use portbook_store::{StoreReader, ViewStore};

use crate::pass::{ProjectionError, pass, read_whole};
use crate::projections::Views;
use crate::selection::Selection;
use crate::snapshot;

/// Asked now and then, with the leaf index reached and the one to reach: whether to go on.
pub type GoOn<'a> = dyn FnMut(u64, u64) -> bool + 'a;

/// Where snapshots are, should one be needed to start from again.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Database<'a> {
    /// It would have to be opened.
    At(&'a Path),
    /// It is open.
    Open(&'a ViewStore),
}

/// Folds every one of `views` on to `size`, or until `go_on` says no; gives how many leaves were passed.
pub(crate) fn fold_to(
    views: &Views,
    reader: &StoreReader,
    database: Database<'_>,
    selection: &Selection,
    size: u64,
    go_on: &mut GoOn<'_>,
) -> Result<u64, ProjectionError> {
    let mut passed = 0;
    loop {
        mend(views, database)?;
        let first = views.read().size();
        if first >= size {
            return Ok(passed);
        }
        let whole = pass(reader, first..size, read_whole, |first, readings| {
            let mut projections = views.write();
            for projection in projections.iter_mut() {
                projection.take_all(first, &readings, selection);
            }
            drop(projections);
            let count = u64::try_from(readings.len()).unwrap_or(u64::MAX);
            passed += count;
            if go_on(first + count, size) {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(())
            }
        })?;
        if !whole {
            return Ok(passed);
        }
    }
}

/// Puts what an event broke back to its newest snapshot: the case of that event is parked from there on.
fn mend(views: &Views, database: Database<'_>) -> Result<(), ProjectionError> {
    if views.read().projections().all(|projection| !projection.broken) {
        return Ok(());
    }
    let mut projections = views.write();
    let mut broken = projections.iter_mut().filter(|projection| projection.broken);
    match database {
        Database::Open(store) => broken.try_for_each(|it| snapshot::restore(store, it)),
        Database::At(path) => {
            let store = ViewStore::open(path)?;
            broken.try_for_each(|it| snapshot::restore(&store, it))
        }
    }
}
