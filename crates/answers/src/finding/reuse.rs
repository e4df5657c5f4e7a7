//! Rules about what may be used once: documents and declaration numbers.

use std::collections::{BTreeMap, BTreeSet};

use portbook_views::{Fact, Name};

use super::{Finding, Rule};
use crate::grounds::Grounds;

pub(super) const RULES: &[Rule] = &[Rule::DigestReuse, Rule::DeclarationReuse];

pub(super) fn find(grounds: &Grounds<'_>) -> Vec<Finding> {
    let mut found = documents(grounds);
    found.extend(declarations(grounds));
    found
}

fn documents(grounds: &Grounds<'_>) -> Vec<Finding> {
    let mut by_clearance: BTreeMap<u64, Finding> = BTreeMap::new();
    for (document, uses) in grounds.facts.reused_documents() {
        let uses: Vec<&Fact> = uses.filter(|fact| fact.day <= grounds.as_of).collect();
        let leaves = Finding::earliest(&uses);
        for fact in in_two_cases(&uses) {
            let evidence = format!("document {document:032x}… is shown {} times", uses.len());
            let finding =
                Finding::of(grounds, Rule::DigestReuse, fact, evidence).resting_on(leaves.iter().copied());
            by_clearance.entry(fact.leaf).or_insert(finding);
        }
    }
    by_clearance.into_values().collect()
}

fn declarations(grounds: &Grounds<'_>) -> Vec<Finding> {
    // Most numbers are used by one case: remember that case, and look again only where there is a second one.
    let mut first_case: Vec<Option<Name>> = vec![None; grounds.facts.counts().declarations];
    let mut shared = BTreeSet::new();
    for (fact, cleared) in grounds.clearances() {
        if let Some(first) = first_case.get_mut(cleared.declaration.at())
            && *first.get_or_insert(fact.case) != fact.case
        {
            shared.insert(cleared.declaration);
        }
    }
    let mut uses: BTreeMap<Name, Vec<&Fact>> = BTreeMap::new();
    for (fact, cleared) in grounds.clearances() {
        if shared.contains(&cleared.declaration) {
            uses.entry(cleared.declaration).or_default().push(fact);
        }
    }
    let of_number = |(declaration, uses): (Name, Vec<&Fact>)| {
        let number = grounds.facts.declaration_no(declaration);
        let leaves = Finding::earliest(&uses);
        let finding = |fact: &&Fact| {
            let evidence = format!("declaration {number} stands on {} clearances", uses.len());
            Finding::of(grounds, Rule::DeclarationReuse, fact, evidence).resting_on(leaves.iter().copied())
        };
        uses.iter().map(finding).collect::<Vec<_>>()
    };
    uses.into_iter().flat_map(of_number).collect()
}

/// All of `uses` when they are of two or more cases, otherwise none.
fn in_two_cases<'a, 'f>(uses: &'a [&'f Fact]) -> &'a [&'f Fact] {
    let first = uses.first().map(|fact| fact.case);
    if uses.iter().any(|fact| Some(fact.case) != first) {
        uses
    } else {
        &[]
    }
}
