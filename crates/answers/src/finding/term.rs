//! Rules about the term for a decision.

use portbook_domain::CloseOutcome;
use portbook_views::{Fact, Told};

use super::{Finding, Rule};
use crate::grounds::{Case, Grounds};

pub(super) const RULES: &[Rule] = &[Rule::LateDecision, Rule::Overdue];

pub(super) fn find(grounds: &Grounds<'_>) -> Vec<Finding> {
    grounds.cases().filter_map(|case| judge(grounds, &case)).collect()
}

fn judge(grounds: &Grounds<'_>, case: &Case<'_>) -> Option<Finding> {
    let policy = grounds.policy(case.submitted.day).ok()?;
    let term = policy.decision_working_days;
    let case_id = grounds.facts.case_id(case.name).to_owned();
    if let Some(decided) = decision_of(case) {
        let days = grounds.working_days(case.submitted.day, decided.day)?;
        return (days > term).then(|| {
            let evidence = format!(
                "submitted {}, decided {}: {days} working days, term {term}",
                case.submitted.day, decided.day
            );
            Finding::of(grounds, Rule::LateDecision, decided, evidence)
                .about(case_id)
                .resting_on([case.submitted.leaf])
                .judged_by(policy)
        });
    }
    if case.closed.is_some() {
        return None;
    }
    let days = grounds.working_days(case.submitted.day, grounds.as_of)?;
    (days > term).then(|| {
        let evidence = format!(
            "submitted {}, open on {}: {days} working days, term {term}",
            case.submitted.day, grounds.as_of
        );
        Finding::of(grounds, Rule::Overdue, case.submitted, evidence)
            .about(case_id)
            .judged_by(policy)
    })
}

/// What the authority decided: a licence, a refusal, a return. A withdrawal is the applicant's, a lapse nobody's.
pub(crate) fn decision_of<'a>(case: &Case<'a>) -> Option<&'a Fact> {
    if let Some((fact, _)) = case.granted {
        return Some(fact);
    }
    case.closed.filter(|fact| {
        matches!(
            fact.told,
            Told::Closed(CloseOutcome::Refused | CloseOutcome::Returned)
        )
    })
}
