//! Corrections and annulments: records about other records of their case, whichever comes first.

use std::collections::{BTreeMap, BTreeSet};

use portbook_domain::FieldPatch;

use super::fact::{Fact, FactAt, Span, Told};
use super::names::Name;
use super::row::{FactRow, ToldRow};
use super::{CaseFacts, Facts};

/// An event within its case.
type Target = (Name, u128);

/// What is known of repairs. They are few beside facts.
#[derive(Debug, Clone, Default)]
pub(super) struct Repairs {
    /// The records themselves, by leaf.
    pub(super) records: BTreeMap<u64, FactRow>,
    /// Corrections of an event, in ledger order: the identity of each and its patches.
    corrections: BTreeMap<Target, BTreeMap<u64, (u128, Vec<FieldPatch>)>>,
    /// The event that a correction speaks of.
    corrected_by: BTreeMap<Target, u128>,
    annulled: BTreeSet<Target>,
    /// Repairs that found their event.
    applied: BTreeSet<Target>,
}

impl Repairs {
    /// Whether any repair speaks of this event.
    pub(super) fn concern(&self, case: Name, event: u128) -> bool {
        let target = (case, event);
        self.annulled.contains(&target) || self.corrections.contains_key(&target)
    }

    /// Events that were repaired, and repairs whose event no record holds.
    pub(super) fn counts(&self) -> (usize, usize) {
        let of_corrections = |target: &&Target| self.corrected_by.contains_key(*target);
        let named = self.corrections.keys().chain(&self.annulled);
        let named: BTreeSet<&Target> = named.filter(|target| !of_corrections(target)).collect();
        (self.applied.len(), named.len().saturating_sub(self.applied.len()))
    }

    /// Writes down a record about another record; gives the event whose facts it changes.
    fn note(&mut self, leaf: u64, case: Name, row: &FactRow) -> Option<u128> {
        self.records.insert(leaf, row.clone());
        match &row.told {
            ToldRow::Corrected { target, patches } => {
                let entry = self.corrections.entry((case, *target)).or_default();
                entry.insert(leaf, (row.event, patches.clone()));
                self.corrected_by.insert((case, row.event), *target);
                Some(*target)
            }
            ToldRow::Annulled { target } => {
                self.annulled.insert((case, *target));
                // Annulling a correction puts back what it corrected.
                let corrected = self.corrected_by.get(&(case, *target)).copied();
                Some(corrected.unwrap_or(*target))
            }
            ToldRow::Submitted { .. }
            | ToldRow::Closed { .. }
            | ToldRow::Queried { .. }
            | ToldRow::Answered { .. }
            | ToldRow::Granted { .. }
            | ToldRow::Changed { .. }
            | ToldRow::Declared { .. }
            | ToldRow::Cleared { .. }
            | ToldRow::ShipmentEnded { .. }
            | ToldRow::Repeated => None,
        }
    }

    /// The patches in force on an event, oldest first.
    fn patches(&self, target: Target) -> impl Iterator<Item = &FieldPatch> {
        let corrections = self
            .corrections
            .get(&target)
            .into_iter()
            .flat_map(BTreeMap::values);
        corrections
            .filter(move |(own, _)| !self.annulled.contains(&(target.0, *own)))
            .flat_map(|(_, patches)| patches)
    }
}

impl Facts {
    /// Takes a record about another record.
    pub(super) fn repair(&mut self, leaf: u64, case: Name, row: &FactRow) {
        if let Some(target) = self.repairs.note(leaf, case, row) {
            self.refresh(case, target);
        }
    }

    /// Enters a repair whose effect is in the facts already.
    pub(super) fn remember_repair(&mut self, leaf: u64, row: &FactRow) {
        let case = self.cases.keep(row.case.as_str());
        if let Some(target) = self.repairs.note(leaf, case, row)
            && !self.versions(case, target).is_empty()
        {
            self.repairs.applied.insert((case, target));
        }
    }

    /// Lets the repairs of an event take effect on what was recorded first.
    pub(super) fn refresh(&mut self, case: Name, event: u128) {
        let versions: Vec<FactAt> = self.versions(case, event);
        for at in versions.iter().copied() {
            self.part(at);
        }
        let originals = versions
            .into_iter()
            .filter(|at| self.get(*at).is_some_and(|it| !it.is_copy));
        let originals: Vec<FactAt> = originals.collect();
        if originals.is_empty() {
            return;
        }
        self.repairs.applied.insert((case, event));
        if self.repairs.annulled.contains(&(case, event)) {
            return;
        }
        for at in originals {
            let Some((leaf, recorded)) = self.get(at).map(|fact| (fact.leaf, self.row_of(fact))) else {
                continue;
            };
            let mut row = recorded.clone();
            for patch in self.repairs.patches((case, event)) {
                row.patch(patch);
            }
            if row == recorded {
                self.stand(at);
            } else {
                self.add(leaf, case, &row, true);
                if let Some(copy) = self.all.last_mut() {
                    copy.is_copy = true;
                }
            }
        }
    }

    /// Every version of an event: as recorded, and as corrected so far.
    fn versions(&self, case: Name, event: u128) -> Vec<FactAt> {
        let newest = self.case(case).newest;
        let places = std::iter::successors(newest, |at| self.get(*at)?.next_of_case);
        places
            .filter(|at| self.get(*at).is_some_and(|fact| fact.event() == event))
            .collect()
    }

    fn stand(&mut self, at: FactAt) {
        if let Some(fact) = self.all.get_mut(at.at()) {
            fact.stands = true;
            let fact = *fact;
            self.join(at, &fact);
        }
    }

    /// Takes a fact out of everything it was joined with.
    fn part(&mut self, at: FactAt) {
        let Some(fact) = self.all.get_mut(at.at()) else {
            return;
        };
        if !std::mem::replace(&mut fact.stands, false) {
            return;
        }
        let fact = *fact;
        self.rejoin_case(&fact);
        if let Told::Granted(it) = &fact.told {
            self.part_license(at, it.license);
        }
        if let Told::Cleared(it) = &fact.told {
            self.part_documents(at, it.documents);
        }
    }

    fn rejoin_case(&mut self, fact: &Fact) {
        let newest = self.case(fact.case).newest;
        if let Some(entry) = self.by_case.get_mut(fact.case.at()) {
            *entry = CaseFacts {
                newest,
                ..CaseFacts::default()
            };
        }
        let places = std::iter::successors(newest, |at| self.get(*at)?.next_of_case);
        let places: Vec<FactAt> = places.collect();
        for at in places {
            if let Some(other) = self.get(at).copied().filter(|other| other.stands) {
                self.join_case(at, &other);
            }
        }
    }

    fn part_license(&mut self, at: FactAt, license: Name) {
        let mut left = self.regranted.remove(&license).unwrap_or_default();
        left.retain(|other| *other != at);
        let first = left
            .iter()
            .copied()
            .min_by_key(|at| self.get(*at).map(Fact::moment));
        if let Some(entry) = self.by_license.get_mut(license.at()) {
            *entry = first;
        }
        if left.len() > 1 {
            self.regranted.insert(license, left);
        }
    }

    fn part_documents(&mut self, at: FactAt, documents: Span) {
        for document in documents.of(&self.documents).to_vec() {
            let mut left = self.reused.remove(&document).unwrap_or_default();
            left.retain(|other| *other != at);
            match left.first() {
                Some(first) => self.by_document().insert(document, *first),
                None => self.by_document().remove(&document),
            };
            if left.len() > 1 {
                self.reused.insert(document, left);
            }
        }
    }
}
