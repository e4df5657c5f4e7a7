//! Rules about any event: its clocks, its port, its identity.

use jiff::Timestamp;
use portbook_domain::Policy;
use portbook_views::Fact;

use super::{Finding, Rule, uuid};
use crate::grounds::Grounds;

pub(super) const RULES: &[Rule] = &[
    Rule::Backdated,
    Rule::RecordedBeforeOccurred,
    Rule::UnknownPort,
    Rule::IdConflict,
];

const DAY_NS: i64 = 86_400_000_000_000;

pub(super) fn find(grounds: &Grounds<'_>) -> Vec<Finding> {
    let mut found: Vec<Finding> = conflicts(grounds).collect();
    let mut ports: Vec<Option<bool>> = vec![None; grounds.facts.counts().words];
    for fact in grounds.all() {
        found.extend(clocks(grounds, fact));
        let known = ports
            .get_mut(fact.port.at())
            .map(|known| *known.get_or_insert_with(|| grounds.is_port(fact.port)));
        if known != Some(true) {
            let port = grounds.facts.word(fact.port);
            let evidence = format!("{port} is not in the UN/LOCODE table");
            found.push(Finding::of(grounds, Rule::UnknownPort, fact, evidence));
        }
    }
    found
}

fn clocks(grounds: &Grounds<'_>, fact: &Fact) -> Option<Finding> {
    let stated_at_ns = fact.stated_at_ns?;
    let told = || {
        format!(
            "happened {}, written down {}",
            time(fact.occurred_at_ns),
            time(stated_at_ns)
        )
    };
    if stated_at_ns < fact.occurred_at_ns {
        return Some(Finding::of(grounds, Rule::RecordedBeforeOccurred, fact, told()));
    }
    let lag_ns = stated_at_ns.saturating_sub(fact.occurred_at_ns);
    if lag_ns <= DAY_NS {
        return None;
    }
    let policy: &Policy = grounds.policy(fact.day).ok()?;
    let limit_ns = i64::from(policy.backdating_days_max).saturating_mul(DAY_NS);
    (lag_ns > limit_ns).then(|| {
        let evidence = format!("{}, limit {} days", told(), policy.backdating_days_max);
        Finding::of(grounds, Rule::Backdated, fact, evidence).judged_by(policy)
    })
}

fn conflicts<'a>(grounds: &'a Grounds<'_>) -> impl Iterator<Item = Finding> + 'a {
    let facts = grounds.facts;
    let conflicts = facts.repeats().iter().filter(|repeat| repeat.is_conflict);
    conflicts.map(move |repeat| Finding {
        rule: Rule::IdConflict,
        subject: uuid(repeat.event()),
        port: facts.word(repeat.port).to_owned(),
        case: facts.case_id(repeat.case).to_owned(),
        event: Some(repeat.event()),
        records: std::iter::once(repeat.leaf).chain(repeat.refers_to).collect(),
        policy: None,
        evidence: match repeat.refers_to {
            Some(original) => format!("leaf {original} holds the event first and stays in force"),
            None => "the first content stays in force".to_owned(),
        },
    })
}

fn time(at_ns: i64) -> String {
    Timestamp::from_nanosecond(i128::from(at_ns))
        .unwrap_or(Timestamp::UNIX_EPOCH)
        .to_string()
}
