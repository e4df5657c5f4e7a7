//! Rules broken, counted, and what they can be measured against.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::resume_unwind;
use std::thread;

use portbook_views::{Fact, Name, Told};

use crate::answer::{Answer, Cell, Table};
use crate::dimension::title;
use crate::distribution::Distribution;
use crate::finding::{Aspect, Compared, Rule, findings, pairs};
use crate::grounds::Grounds;
use crate::question::{Asked, Question};

/// Rules by question.
const RULES: &[(Question, &[Rule])] = &[
    (
        Question::WithoutRight,
        &[
            Rule::ControlledWithoutLicense,
            Rule::LicenseUnknown,
            Rule::ClearedBeforeGranted,
        ],
    ),
    (Question::Overdrawn, &[Rule::ClearedOverLicensed]),
    (
        Question::Validity,
        &[Rule::ClearedAfterExpiry, Rule::ClearedBeforeValidity],
    ),
    (
        Question::Mismatch,
        &[
            Rule::DestinationMismatch,
            Rule::ItemMismatch,
            Rule::ElementMismatch,
            Rule::PortMismatch,
            Rule::ExporterMismatch,
            Rule::EndUserMismatch,
        ],
    ),
    (
        Question::Reuse,
        &[Rule::DigestReuse, Rule::DeclarationReuse, Rule::IdConflict],
    ),
    (
        Question::Backdating,
        &[Rule::Backdated, Rule::RecordedBeforeOccurred],
    ),
    (
        Question::Issuing,
        &[
            Rule::LicenseNumberGap,
            Rule::GrantBurst,
            Rule::GrantOnNonWorkingDay,
            Rule::DeclarationNumberInvalid,
        ],
    ),
];

const DAY_NS: i64 = 86_400_000_000_000;

/// Rules that a question is about; none for one about something else.
pub(crate) fn rules_of(question: Question) -> &'static [Rule] {
    let of = RULES.iter().find(|(of, _)| *of == question);
    of.map_or(&[], |(_, rules)| rules)
}

/// How often each rule of a question was broken, and what it can be measured against.
pub(crate) fn broken_rules(grounds: &Grounds<'_>, question: Question, asked: &Asked<'_>) -> Answer {
    let rules = rules_of(question);
    let (found, beside) = thread::scope(|scope| {
        // Two passes that share nothing.
        let beside = scope.spawn(|| beside_rules(grounds, question, asked));
        let found = findings(grounds, rules);
        (found, beside.join().unwrap_or_else(|panic| resume_unwind(panic)))
    });
    let ports: BTreeSet<&str> = found.iter().map(|finding| finding.port.as_str()).collect();
    let keys = match asked.by {
        Some(_) => ports.into_iter().map(Some).collect(),
        None => vec![None],
    };
    let mut table = Table::new("broken", &[title(asked.by), "rule", "version", "findings"]);
    for (key, rule) in keys
        .iter()
        .flat_map(|key| rules.iter().map(move |rule| (key, rule)))
    {
        let of = found
            .iter()
            .filter(|it| it.rule == *rule && key.is_none_or(|port| it.port == port));
        table.push([
            Cell::text(key.unwrap_or("all")),
            Cell::text(rule.word()),
            Cell::Count(Rule::VERSION.into()),
            Cell::Count(u64::try_from(of.count()).unwrap_or(u64::MAX)),
        ]);
    }
    let mut tables = vec![table];
    tables.extend(beside);
    Answer {
        question,
        n: population(grounds, question),
        open: None,
        as_of: grounds.as_of,
        beyond_calendar: 0,
        tables,
        notes: rules
            .iter()
            .map(|rule| format!("portbook findings --rule {} --explain", rule.word()))
            .collect(),
    }
}

/// What a question shows beside its broken rules.
fn beside_rules(grounds: &Grounds<'_>, question: Question, asked: &Asked<'_>) -> Vec<Table> {
    let mut tables = Vec::new();
    if question == Question::Overdrawn {
        tables.push(single_use(grounds));
    } else if question == Question::Mismatch {
        tables.push(compared(grounds));
    } else if question == Question::Reuse {
        tables.push(repeats(grounds));
    } else if question == Question::Backdating {
        tables.push(lags(grounds));
        tables.extend(asked.counted.map(|counted| after_seals(grounds, counted.seals)));
    }
    tables
}

/// What the findings of a question are counted among.
fn population(grounds: &Grounds<'_>, question: Question) -> u64 {
    let count = if question == Question::Overdrawn {
        grounds.licenses().count()
    } else if question == Question::Issuing {
        let grants = grounds.all().filter(|fact| matches!(fact.told, Told::Granted(_)));
        grants.count()
    } else if question == Question::Backdating {
        grounds.all().count()
    } else {
        grounds.clearances().count()
    };
    u64::try_from(count).unwrap_or(u64::MAX)
}

/// Licences for a stated number of uses that stand on more declarations.
fn single_use(grounds: &Grounds<'_>) -> Table {
    let mut declarations: BTreeMap<Name, BTreeSet<Name>> = BTreeMap::new();
    for (_, cleared) in grounds.clearances() {
        let license = cleared.license.and_then(|license| grounds.license(license));
        if let Some((_, granted)) = license.filter(|(_, granted)| granted.uses_allowed.is_some()) {
            declarations
                .entry(granted.license)
                .or_default()
                .insert(cleared.declaration);
        }
    }
    let mut table = Table::new("used_too_often", &["license_no", "uses_allowed", "declarations"]);
    let mut rows: Vec<(&str, u32, usize)> = Vec::new();
    for (license, used) in &declarations {
        let allowed = grounds
            .license(*license)
            .and_then(|(_, granted)| granted.uses_allowed);
        let Some(allowed) =
            allowed.filter(|allowed| usize::try_from(*allowed).is_ok_and(|allowed| allowed < used.len()))
        else {
            continue;
        };
        rows.push((grounds.facts.license_no(*license), allowed, used.len()));
    }
    rows.sort_unstable();
    for (license_no, allowed, used) in rows {
        table.push([
            Cell::text(license_no),
            Cell::Count(allowed.into()),
            Cell::Count(u64::try_from(used).unwrap_or(u64::MAX)),
        ]);
    }
    table
}

/// Clearances under a licence by what both state: a rule that compared nothing found nothing.
fn compared(grounds: &Grounds<'_>) -> Table {
    let mut counts: BTreeMap<Aspect, [u64; 3]> = Aspect::ALL.iter().map(|aspect| (*aspect, [0; 3])).collect();
    for pair in pairs(grounds) {
        for (aspect, [same, differing, not_stated]) in &mut counts {
            match pair.compare(grounds, *aspect) {
                Compared::Same => *same += 1,
                Compared::Differs(..) => *differing += 1,
                Compared::NotStated => *not_stated += 1,
            }
        }
    }
    let mut table = Table::new("compared", &["aspect", "same", "differing", "not_stated"]);
    for (aspect, counts) in counts {
        let mut row = vec![Cell::text(aspect.word())];
        row.extend(counts.map(Cell::Count));
        table.push(row);
    }
    table
}

fn repeats(grounds: &Grounds<'_>) -> Table {
    let mut table = Table::new("repeats", &["redeliveries", "conflicts"]);
    let count = |is_conflict| {
        let repeats = grounds.facts.repeats().iter();
        let of = repeats.filter(|repeat| repeat.is_conflict == is_conflict).count();
        Cell::Count(u64::try_from(of).unwrap_or(u64::MAX))
    };
    table.push([count(false), count(true)]);
    table
}

/// Whole days between what sources say happened and when they say they wrote it down.
fn lags(grounds: &Grounds<'_>) -> Table {
    let stated = grounds
        .all()
        .filter_map(|fact| Some(fact.stated_at_ns?.saturating_sub(fact.occurred_at_ns)));
    let mut days: Vec<i64> = stated.map(|lag_ns| lag_ns.div_euclid(DAY_NS)).collect();
    let mut table = Table::new("days_until_written_down", &Distribution::COLUMNS);
    table.push(Distribution::cells(Distribution::of(&mut days)));
    table
}

/// Events that are said to have happened before a sealed tree was made that does not hold them, and by how many whole days:
/// so much later than it happened an event came to the ledger, whatever its source says.
fn after_seals(grounds: &Grounds<'_>, seals: &[(u64, i64)]) -> Table {
    let (mut days, mut late) = (Vec::new(), 0_u64);
    let mut before = 0;
    for fact in grounds.all() {
        before = seals_before(seals, fact.leaf, before);
        let Some((_, sealed_at_ns)) = before.checked_sub(1).and_then(|last| seals.get(last)) else {
            continue;
        };
        let lag_ns = sealed_at_ns.saturating_sub(fact.occurred_at_ns);
        if lag_ns > 0 {
            days.push(lag_ns.div_euclid(DAY_NS));
            late += u64::from(is_beyond_limit(grounds, fact, lag_ns));
        }
    }
    let mut columns = vec!["events", "beyond_limit"];
    columns.extend(Distribution::COLUMNS);
    let mut table = Table::new("days_before_a_checkpoint_without_it", &columns);
    let events = u64::try_from(grounds.all().count()).unwrap_or(u64::MAX);
    let mut row = vec![Cell::Count(events), Cell::Count(late)];
    row.extend(Distribution::cells(Distribution::of(&mut days)));
    table.push(row);
    table
}

/// How many seals lie below a leaf. Facts mostly come in the order of leaves, so the count for the one before is near.
fn seals_before(seals: &[(u64, i64)], leaf: u64, near: usize) -> usize {
    let below = |at: usize| seals.get(at).is_some_and(|(index, _)| *index < leaf);
    if near.checked_sub(1).is_none_or(below) && !below(near.saturating_add(1)) {
        return near + usize::from(below(near));
    }
    seals.partition_point(|(index, _)| *index < leaf)
}

fn is_beyond_limit(grounds: &Grounds<'_>, fact: &Fact, lag_ns: i64) -> bool {
    let limit_days = grounds
        .policy(fact.day)
        .map(|policy| i64::from(policy.backdating_days_max));
    limit_days.is_ok_and(|days| lag_ns > days.saturating_mul(DAY_NS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seals_below_a_leaf_are_counted_from_wherever_one_stands() {
        let seals = [(3, 0), (4, 0), (9, 0), (20, 0)];
        for (leaf, count) in [(0, 0), (3, 0), (4, 1), (5, 2), (9, 2), (10, 3), (21, 4), (99, 4)] {
            for near in 0..=seals.len() {
                assert_eq!(seals_before(&seals, leaf, near), count, "{leaf} from {near}");
            }
        }
        assert_eq!(seals_before(&[], 7, 0), 0);
    }
}
