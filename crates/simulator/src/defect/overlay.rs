//! The pool of facts that can still be altered, and the labels of those that were.

use portbook_domain::{CountryCode, PortCode};

use crate::case::Case;
use crate::fact::{Fact, Recorder, What};
use crate::label::{Label, Note};
use crate::scenario::{Defects, Goods, Scenario};
use crate::simulation::SimulateError;
use crate::stream::Stream;

/// Facts of a run while defects are laid over them.
#[derive(Debug)]
pub(super) struct Overlay<'a> {
    scenario: &'a Scenario,
    stream: Stream,
    facts: Vec<Fact<'a>>,
    /// Facts that are taken out at the end.
    removed: Vec<usize>,
    labels: Vec<Label<'a>>,
    /// Licences nobody has altered, in an order that is drawn.
    licenses: Vec<License<'a>>,
    license_count: i64,
    /// Clearances without licence and without query that nobody has altered, in an order that is drawn.
    light: Vec<usize>,
}

/// A licence as the run has it.
#[derive(Debug, Clone)]
pub(super) struct License<'a> {
    /// Its rank.
    pub(super) rank: i64,
    /// Its grant.
    pub(super) grant: Fact<'a>,
    grant_at: usize,
    /// What was cleared on it.
    pub(super) cleared: Vec<Fact<'a>>,
    cleared_at: Vec<usize>,
}

impl License<'_> {
    /// Last day of validity.
    pub(super) fn valid_until(&self) -> i64 {
        match self.grant.what {
            What::Granted { valid_until, .. } => valid_until,
            What::Submitted { .. }
            | What::Queried(_)
            | What::Closed { .. }
            | What::Declared(_)
            | What::Cleared(_) => i64::MAX,
        }
    }

    /// How much it allows.
    pub(super) fn kg(&self) -> i64 {
        self.lot().map_or(0, |lot| lot.kg)
    }

    /// Whether nobody could take it for a licence of the expedited lane.
    pub(super) fn is_never_expedited(&self, scenario: &Scenario) -> bool {
        let class = self.lot().and_then(|lot| scenario.class_of(lot.destination));
        // Oxides go to countries that no class names.
        matches!(self.grant.case, Case::Dual(_)) && class.is_some_and(|class| class.expedited.is_none())
    }

    fn lot(&self) -> Option<crate::fact::Lot<'_>> {
        match self.grant.what {
            What::Granted { lot, .. } => Some(lot),
            What::Submitted { .. }
            | What::Queried(_)
            | What::Closed { .. }
            | What::Declared(_)
            | What::Cleared(_) => None,
        }
    }
}

impl<'a> Overlay<'a> {
    /// Takes the facts over.
    pub(super) fn new(from: &Recorder<'a>, facts: &mut Vec<Fact<'a>>) -> Self {
        let facts = std::mem::take(facts);
        let mut licenses: Vec<License<'a>> = Vec::new();
        for (at, fact) in facts.iter().enumerate() {
            if let What::Granted { license, .. } = fact.what {
                licenses.push(License {
                    rank: license,
                    grant: *fact,
                    grant_at: at,
                    cleared: Vec::new(),
                    cleared_at: Vec::new(),
                });
            }
        }
        licenses.sort_by_key(|license| license.rank);
        let mut challenged: Vec<Case<'a>> = Vec::new();
        let mut light = Vec::new();
        for (at, fact) in facts.iter().enumerate() {
            match &fact.what {
                What::Queried(query) if query.challenge.is_some() => challenged.push(fact.case),
                What::Cleared(shipped) => {
                    let license = shipped.license.and_then(|rank| usize::try_from(rank).ok());
                    match license.and_then(|rank| licenses.get_mut(rank)) {
                        Some(license) => {
                            license.cleared.push(*fact);
                            license.cleared_at.push(at);
                        }
                        None => light.push(at),
                    }
                }
                What::Queried(_)
                | What::Submitted { .. }
                | What::Granted { .. }
                | What::Closed { .. }
                | What::Declared(_) => {}
            }
        }
        challenged.sort_unstable();
        light.retain(|at| {
            facts
                .get(*at)
                .is_some_and(|fact| challenged.binary_search(&fact.case).is_err())
        });
        let mut stream = Stream::open(from.seed, format_args!("{}/defects", from.run));
        let license_count = i64::try_from(licenses.len()).unwrap_or(i64::MAX);
        shuffle(&mut licenses, &mut stream);
        shuffle(&mut light, &mut stream);
        Self {
            scenario: from.scenario,
            stream,
            facts,
            removed: Vec::new(),
            labels: Vec::new(),
            licenses,
            license_count,
            light,
        }
    }

    /// Gives the facts back, and their labels.
    pub(super) fn finish(mut self, facts: &mut Vec<Fact<'a>>) -> Vec<Label<'a>> {
        self.removed.sort_unstable();
        let kept = self.facts.into_iter().enumerate();
        facts.extend(
            kept.filter(|(at, _)| self.removed.binary_search(at).is_err())
                .map(|(_, fact)| fact),
        );
        self.labels
    }

    /// How many of each kind are asked for.
    pub(super) const fn wanted(&self) -> Defects {
        self.scenario.defects
    }

    /// The scenario.
    pub(super) const fn scenario(&self) -> &'a Scenario {
        self.scenario
    }

    /// Last day of the scenario.
    pub(super) const fn end(&self) -> i64 {
        self.scenario.end
    }

    /// How many licences there were before anything was altered.
    pub(super) const fn license_count(&self) -> i64 {
        self.license_count
    }

    /// The code of a port that is none.
    pub(super) const fn unknown_port(&self) -> &'a PortCode {
        &self.scenario.unknown_port
    }

    /// A number from `from` to `to`.
    pub(super) fn draw(&mut self, from: i64, to: i64) -> i64 {
        self.stream.between(from, to)
    }

    /// The fact at a place.
    pub(super) fn fact(&self, at: usize) -> Option<&Fact<'a>> {
        self.facts.get(at)
    }

    /// Takes `count` licences that fit out of the pool.
    pub(super) fn licenses(
        &mut self,
        rule: &'static str,
        count: usize,
        fits: impl Fn(&License<'a>) -> bool,
    ) -> Result<Vec<License<'a>>, SimulateError> {
        let (mut taken, mut rest) = (Vec::new(), Vec::new());
        for license in self.licenses.drain(..) {
            if taken.len() < count && fits(&license) {
                taken.push(license);
            } else {
                rest.push(license);
            }
        }
        self.licenses = rest;
        enough(rule, count, taken)
    }

    /// Takes `count` light clearances out of the pool.
    pub(super) fn light(&mut self, rule: &'static str, count: usize) -> Result<Vec<usize>, SimulateError> {
        let taken = self.light.split_off(self.light.len().saturating_sub(count));
        enough(rule, count, taken)
    }

    /// A destination that is not the licence's.
    pub(super) fn other_destination(
        &mut self,
        license: &License<'a>,
    ) -> Result<&'a CountryCode, SimulateError> {
        let members = self.scenario.classes.iter().flat_map(|class| &class.members);
        let own = license.lot().map(|lot| lot.destination);
        let others: Vec<&CountryCode> = members
            .map(|(_, country)| country)
            .filter(|country| Some(*country) != own)
            .collect();
        let other = self.stream.one_of(&others).copied();
        other.ok_or(SimulateError::TooFew {
            rule: "destination_mismatch",
            wanted: 1,
            found: 0,
        })
    }

    /// Goods that are not the licence's.
    pub(super) fn other_goods(&mut self, license: &License<'a>) -> Result<&'a Goods, SimulateError> {
        let own = license.lot().map(|lot| &lot.goods.control_code);
        let others: Vec<&Goods> = self
            .scenario
            .magnets
            .iter()
            .map(|(_, goods)| goods)
            .filter(|goods| Some(&goods.control_code) != own)
            .collect();
        let other = self.stream.one_of(&others).copied();
        other.ok_or(SimulateError::TooFew {
            rule: "item_mismatch",
            wanted: 1,
            found: 0,
        })
    }

    /// Alters the fact at a place and labels it.
    pub(super) fn alter(
        &mut self,
        rule: &'static str,
        at: usize,
        note: Note,
        change: impl FnOnce(&mut Fact<'a>),
    ) {
        if let Some(fact) = self.facts.get_mut(at) {
            let label = label(rule, fact, note);
            change(fact);
            self.labels.push(label);
        }
    }

    /// Alters the only clearance on a licence and labels it.
    pub(super) fn alter_clearance(
        &mut self,
        rule: &'static str,
        license: &License<'a>,
        note: Note,
        change: impl FnOnce(&mut Fact<'a>),
    ) {
        if let [at] = license.cleared_at.as_slice() {
            self.alter(rule, *at, note, change);
        }
    }

    /// Alters a grant without a label.
    pub(super) fn alter_grant(&mut self, license: &License<'a>, change: impl FnOnce(&mut Fact<'a>)) {
        if let Some(fact) = self.facts.get_mut(license.grant_at) {
            change(fact);
        }
    }

    /// Labels a grant.
    pub(super) fn label_grant(&mut self, rule: &'static str, license: &License<'a>) {
        self.labels.push(label(rule, &license.grant, Note::None));
    }

    /// Labels every grant of a time.
    pub(super) fn label_grants(&mut self, rule: &'static str, from_s: i64, to_s: i64) {
        let grants = self.facts.iter().filter(|fact| {
            matches!(fact.what, What::Granted { .. }) && (from_s..to_s).contains(&fact.occurred_s)
        });
        let labels: Vec<Label<'a>> = grants.map(|fact| label(rule, fact, Note::None)).collect();
        self.labels.extend(labels);
    }

    /// Takes a grant out; its number is missing from then on.
    pub(super) fn remove_grant(&mut self, rule: &'static str, license: &License<'a>) {
        self.labels
            .push(label(rule, &license.grant, Note::License(license.rank)));
        self.removed.push(license.grant_at);
    }

    /// Writes the fact at a place once more, altered, and labels it.
    pub(super) fn repeat(
        &mut self,
        rule: &'static str,
        at: usize,
        note: Note,
        change: impl FnOnce(&mut Fact<'a>),
    ) {
        if let Some(mut fact) = self.facts.get(at).copied() {
            self.labels.push(label(rule, &fact, note));
            change(&mut fact);
            // The sort that follows is stable: the repeat stands behind the original.
            self.facts.push(fact);
        }
    }
}

fn label<'a>(rule: &'static str, fact: &Fact<'a>, note: Note) -> Label<'a> {
    let license = match fact.what {
        What::Granted { license, .. } => Some(license),
        What::Cleared(shipped) => shipped.license,
        What::Submitted { .. } | What::Queried(_) | What::Closed { .. } | What::Declared(_) => None,
    };
    Label {
        rule,
        id: fact.id,
        case: fact.case,
        license,
        note,
    }
}

fn enough<T>(rule: &'static str, wanted: usize, taken: Vec<T>) -> Result<Vec<T>, SimulateError> {
    if taken.len() == wanted {
        Ok(taken)
    } else {
        Err(SimulateError::TooFew {
            rule,
            wanted,
            found: taken.len(),
        })
    }
}

fn shuffle<T>(items: &mut [T], stream: &mut Stream) {
    for at in (1..items.len()).rev() {
        let with = usize::try_from(stream.below(i64::try_from(at + 1).unwrap_or(i64::MAX)));
        items.swap(at, with.unwrap_or(at));
    }
}
