//! Findings: rules that recorded facts break, each with the records it rests on.

mod clearance;
mod event;
mod grant;
mod mismatch;
mod reuse;
mod rule;
mod term;

use portbook_views::{Fact, Name};

use crate::grounds::Grounds;
use crate::parallel::side_by_side;

pub(crate) use mismatch::{Aspect, Compared, pairs};
pub use rule::{Concern, Rule};
pub(crate) use term::decision_of;

/// Records of a group that each finding about the group names beside its own: as many as make a burst.
const RECORDS_NAMED_MAX: usize = 20;

/// A broken rule seen in recorded facts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The rule.
    pub rule: Rule,
    /// What broke it: an event, a licence, a number, a case.
    pub subject: String,
    /// The port of the record it is about.
    pub port: String,
    /// The case of that record.
    pub case: String,
    /// Identity of the event it is about; none for a number nobody used.
    pub event: Option<u128>,
    /// Leaf indexes of the records it rests on, the one it is about first.
    pub records: Vec<u64>,
    /// The policy it was judged by, where one was needed.
    pub policy: Option<String>,
    /// What was compared, in words.
    pub evidence: String,
}

impl Finding {
    pub(crate) fn of(grounds: &Grounds<'_>, rule: Rule, fact: &Fact, evidence: String) -> Self {
        Self {
            rule,
            subject: uuid(fact.event()),
            port: grounds.facts.word(fact.port).to_owned(),
            case: grounds.facts.case_id(fact.case).to_owned(),
            event: Some(fact.event()),
            records: vec![fact.leaf],
            policy: None,
            evidence,
        }
    }

    /// Leaves of the earliest of `facts`: enough to show that something happened as often as a rule allows, and never more
    /// than a person would look at, however often it happened.
    pub(crate) fn earliest(facts: &[&Fact]) -> Vec<u64> {
        let mut facts = facts.to_vec();
        facts.sort_unstable_by_key(|fact| fact.moment());
        facts
            .iter()
            .take(RECORDS_NAMED_MAX)
            .map(|fact| fact.leaf)
            .collect()
    }

    pub(crate) fn about(self, subject: String) -> Self {
        Self { subject, ..self }
    }

    pub(crate) fn resting_on(mut self, records: impl IntoIterator<Item = u64>) -> Self {
        let first = self.records.first().copied();
        let mut others: Vec<u64> = records.into_iter().filter(|leaf| Some(*leaf) != first).collect();
        others.sort_unstable();
        others.dedup();
        self.records.extend(others);
        self
    }

    pub(crate) fn judged_by(self, policy: &portbook_domain::Policy) -> Self {
        Self {
            policy: Some(policy.id.to_string()),
            ..self
        }
    }
}

/// Looks for findings of a few rules that need the same pass over the facts.
type Find = fn(&Grounds<'_>) -> Vec<Finding>;

/// Findings of the rules in `rules`, in an order that does not depend on the order of records: by rule, subject, event.
#[must_use]
pub fn findings(grounds: &Grounds<'_>, rules: &[Rule]) -> Vec<Finding> {
    let wanted = |rule: &Rule| rules.contains(rule);
    let groups: [(&[Rule], Find); 8] = [
        (event::RULES, event::find),
        (clearance::RULES, clearance::find),
        (clearance::NUMBER_RULES, clearance::find_numbers),
        (clearance::BALANCE_RULES, clearance::find_overdrawn),
        (mismatch::RULES, mismatch::find),
        (grant::RULES, grant::find),
        (reuse::RULES, reuse::find),
        (term::RULES, term::find),
    ];
    let asked = groups
        .into_iter()
        .filter(|(of_group, _)| of_group.iter().any(wanted));
    // What order the passes end in does not show.
    let passes = side_by_side(asked, |(_, find)| find(grounds));
    let found = passes.into_iter().flatten();
    let mut found: Vec<Finding> = found.filter(|finding| wanted(&finding.rule)).collect();
    found.sort_by(|a, b| {
        let key = |it: &Finding| (it.rule, it.event);
        (a.rule, &a.subject)
            .cmp(&(b.rule, &b.subject))
            .then_with(|| key(a).cmp(&key(b)))
    });
    found
}

/// A UUID in lower-case hyphenated form.
#[must_use]
pub fn uuid(number: u128) -> String {
    let hex = format!("{number:032x}");
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    [part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32)].join("-")
}

pub(crate) fn license_text(grounds: &Grounds<'_>, license: Name) -> String {
    grounds.facts.license_no(license).to_owned()
}
