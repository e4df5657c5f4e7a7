//! What becomes of parked cases: tried again after a fix, or let go by a declared skip.

use std::collections::BTreeMap;

use portbook_domain::CaseId;
use portbook_ledger::Index;
use portbook_store::{Parked, Resolution, StoreError, ViewStore};

use crate::building::Building;
use crate::gather::Parts;
use crate::pass::ProjectionError;
use crate::projections::{Live, Projections};
use crate::reading::Reading;

/// A parked case of one view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParkedIn {
    /// The view.
    pub view: &'static str,
    /// What waits there, and why.
    pub parked: Parked,
}

/// What trying again came to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Retried {
    /// Cases that were parked in some view and now are in none.
    pub released: Vec<String>,
    /// What waits on.
    pub waiting: Vec<ParkedIn>,
}

/// Why a case cannot be let go.
#[derive(Debug, thiserror::Error)]
pub enum RepairError {
    /// The views could not be folded.
    #[error(transparent)]
    Projection(#[from] ProjectionError),
    /// The case is parked in no view.
    #[error("case {case} is not parked")]
    NotParked {
        /// The case.
        case: CaseId,
    },
}

impl From<StoreError> for RepairError {
    fn from(error: StoreError) -> Self {
        Self::Projection(error.into())
    }
}

impl Projections {
    /// Every parked case, by view.
    #[must_use]
    pub fn parked(&self) -> Vec<ParkedIn> {
        let live = self.live();
        let of_each = live.buildings.iter().flat_map(|building| {
            let view = building.kind.name;
            building
                .parking
                .parked()
                .map(move |parked| ParkedIn { view, parked })
        });
        of_each.collect()
    }

    /// Every declared skip.
    ///
    /// # Errors
    /// [`StoreError`] when they cannot be read.
    pub fn resolutions(&self) -> Result<Vec<Resolution>, StoreError> {
        ViewStore::open(self.path())?.resolutions()
    }

    /// Folds the waiting events of `case`, or of every parked case, as far as that can be done now, and writes the views down.
    ///
    /// # Errors
    /// [`ProjectionError`] when the ledger cannot be read or the views not be written.
    pub fn retry(&self, case: Option<&CaseId>) -> Result<Retried, ProjectionError> {
        let mut live = self.live();
        let store = ViewStore::open(self.path())?;
        self.take_over(&store, &mut live)?;
        let before = live.waiting(case);
        if let Err(error) = self.let_go(&store, &mut live, &before) {
            // What was let go and did not get in waits on.
            self.fold_again(&store, &mut live)?;
            return Err(error);
        }
        self.write_down(&store, &mut live, Building::settle)?;
        drop(live);
        let waiting = self.parked();
        let released = before.keys().map(|case| case.as_str().to_owned());
        let released = released.filter(|case| waiting.iter().all(|it| it.parked.case != *case));
        Ok(Retried {
            released: released.collect(),
            waiting,
        })
    }

    /// Declares that the event on which `case` waits enters no view, and lets the case go on.
    ///
    /// Where views wait on different events of the case, each of them is skipped, in all views.
    ///
    /// # Errors
    /// [`RepairError::NotParked`] when it does not wait.
    pub fn resolve(&self, case: &CaseId, reason: &str, declared_at_ns: u64) -> Result<Retried, RepairError> {
        let parked = self
            .parked()
            .into_iter()
            .filter(|it| it.parked.case == case.as_str());
        let blocking: Vec<u64> = parked
            .filter_map(|it| it.parked.waiting.first().copied())
            .collect();
        if blocking.is_empty() {
            return Err(RepairError::NotParked { case: case.clone() });
        }
        let store = ViewStore::open(self.path())?;
        for leaf in blocking {
            store.resolve(&Resolution {
                leaf,
                case: case.as_str().to_owned(),
                reason: reason.to_owned(),
                declared_at_ns,
            })?;
        }
        drop(store);
        Ok(self.retry(Some(case))?)
    }

    /// Lets the cases of `waiting` go on, as far as they can.
    fn let_go(
        &self,
        store: &ViewStore,
        live: &mut Live,
        waiting: &BTreeMap<CaseId, Vec<u64>>,
    ) -> Result<(), ProjectionError> {
        let Live { buildings, selection } = live;
        let mut late: Vec<Vec<Parts>> = buildings.iter().map(|_| Vec::new()).collect();
        for (case, leaves) in waiting {
            // One case at a time: of what waits, its events are all that is held in memory.
            let readings = leaves.iter().map(|leaf| Ok((*leaf, self.read(*leaf)?)));
            let readings: Vec<(u64, Reading)> = readings.collect::<Result<_, ProjectionError>>()?;
            for (building, late) in buildings.iter_mut().zip(&mut late) {
                late.extend(building.go_on(case, &readings, selection));
            }
        }
        let mut late = buildings.iter_mut().zip(late);
        late.try_for_each(|(building, late)| building.insert(store, late))
    }

    fn read(&self, leaf: u64) -> Result<Reading, ProjectionError> {
        let index = Index::new(leaf);
        let bytes = index
            .map(|index| self.reader().leaf(index))
            .transpose()?
            .flatten();
        let bytes = bytes.ok_or(StoreError::LeafMissing {
            index: leaf,
            size: leaf,
        })?;
        match Reading::of(leaf, &bytes) {
            Reading::Damaged(source) => Err(ProjectionError::Leaf { index: leaf, source }),
            reading @ (Reading::Event(_) | Reading::Unreadable { .. } | Reading::Nothing) => Ok(reading),
        }
    }
}

impl Live {
    /// The leaves that wait in any view, by case.
    fn waiting(&self, case: Option<&CaseId>) -> BTreeMap<CaseId, Vec<u64>> {
        let mut waiting: BTreeMap<CaseId, Vec<u64>> = BTreeMap::new();
        for building in &self.buildings {
            for (parked, leaves) in building.parking.waiting() {
                if case.is_none_or(|case| case == parked) {
                    waiting
                        .entry(parked.clone())
                        .or_default()
                        .extend_from_slice(leaves);
                }
            }
        }
        for leaves in waiting.values_mut() {
            leaves.sort_unstable();
            leaves.dedup();
        }
        waiting
    }
}
