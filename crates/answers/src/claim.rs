//! Dated claims of others, judged by what is recorded: supported, contradicted, or not decidable.

use std::collections::BTreeSet;

use jiff::civil::Date;
use portbook_domain::{CountryCode, Lane};
use portbook_views::{Fact, Name};
use serde::{Deserialize, Serialize};

use crate::decimal::ratio;
use crate::finding::decision_of;
use crate::grounds::{Case, Grounds};

/// Records named as evidence for one part of a claim.
const RECORDS_NAMED_MAX: usize = 5;

/// A claim, as its file states it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claim {
    /// Its name.
    pub id: String,
    /// What is claimed, in a sentence.
    pub text: String,
    /// Where it was read.
    pub source: String,
    /// When it was made.
    pub date: Date,
    /// What a reader should know of it.
    pub note: Option<String>,
    /// What must hold for it to be supported.
    pub predicate: Predicate,
}

/// What must hold for a claim to be supported.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Predicate {
    /// No licence is granted to any of these destinations, although there are applications.
    NoGrants {
        /// `EU27` or alpha-2 codes, each judged by itself.
        destinations: Vec<String>,
        /// First day of the claim.
        from: Date,
        /// Last day of the claim.
        until: Option<Date>,
        /// With fewer applications open in that time, the absence of grants says nothing.
        applications_min: u64,
    },
    /// At least this share of the grants to these destinations came through a lane.
    LaneShare {
        /// `EU27` or alpha-2 codes, judged together.
        destinations: Vec<String>,
        /// The lane.
        lane: Lane,
        /// First day of the claim.
        from: Date,
        /// Last day of the claim.
        until: Option<Date>,
        /// The share, in percent.
        percent_min: u64,
        /// With fewer grants nothing is said.
        grants_min: u64,
    },
    /// At least this share of the applications was decided within the term; one that is open beyond it was not.
    TermKept {
        /// First day of submission.
        from: Date,
        /// Last day of submission.
        until: Option<Date>,
        /// The share, in percent.
        percent_min: u64,
        /// With fewer cases nothing is said.
        cases_min: u64,
    },
}

/// What is to be thought of a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// What is recorded fits it.
    Supported,
    /// What is recorded speaks against it.
    Contradicted,
    /// Too little is recorded.
    NotDecidable,
}

/// The verdict on a claim or on one part of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Judged {
    /// What was judged: the whole claim, or one destination.
    pub part: String,
    /// The verdict.
    pub verdict: Verdict,
    /// Applications, grants or cases it rests on.
    pub n: u64,
    /// What was compared.
    pub evidence: String,
    /// Leaf indexes of some of the records it rests on, the earliest first.
    pub records: Vec<u64>,
}

/// A claim that cannot be judged because it names something unknown.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("claim {id}, key predicate.destinations: must be EU27 or an ISO 3166-1 alpha-2 code, found {found}")]
pub struct InvalidClaim {
    /// The claim.
    id: String,
    /// What it names.
    found: String,
}

impl Verdict {
    /// Its words.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Supported => "supported",
            Self::Contradicted => "contradicted",
            Self::NotDecidable => "not decidable",
        }
    }
}

impl Claim {
    /// The verdict on the whole claim first, then those on its parts where it has several.
    ///
    /// # Errors
    /// [`InvalidClaim`] when it names a destination nobody knows.
    pub fn judge(&self, grounds: &Grounds<'_>) -> Result<Vec<Judged>, InvalidClaim> {
        match &self.predicate {
            Predicate::NoGrants {
                destinations,
                from,
                until,
                applications_min,
            } => {
                let window = (*from, until.unwrap_or(Date::MAX));
                let parts = destinations.iter().map(|destination| {
                    let members = self.members(grounds, std::slice::from_ref(destination))?;
                    Ok(no_grants(
                        grounds,
                        destination,
                        &members,
                        window,
                        *applications_min,
                    ))
                });
                Ok(together(parts.collect::<Result<_, _>>()?))
            }
            Predicate::LaneShare {
                destinations,
                lane,
                from,
                until,
                percent_min,
                grants_min,
            } => {
                let members = self.members(grounds, destinations)?;
                let window = (*from, until.unwrap_or(Date::MAX));
                Ok(vec![lane_share(
                    grounds,
                    &members,
                    *lane,
                    window,
                    (*percent_min, *grants_min),
                )])
            }
            Predicate::TermKept {
                from,
                until,
                percent_min,
                cases_min,
            } => {
                let window = (*from, until.unwrap_or(Date::MAX));
                Ok(vec![term_kept(grounds, window, (*percent_min, *cases_min))])
            }
        }
    }

    fn members(
        &self,
        grounds: &Grounds<'_>,
        named: &[String],
    ) -> Result<BTreeSet<CountryCode>, InvalidClaim> {
        let mut members = BTreeSet::new();
        for name in named {
            let known = grounds.reference.countries.members_of(name);
            members.extend(known.ok_or_else(|| InvalidClaim {
                id: self.id.clone(),
                found: name.clone(),
            })?);
        }
        Ok(members)
    }
}

fn within(day: Date, (first, last): (Date, Date)) -> bool {
    first <= day && day <= last
}

fn is_for(grounds: &Grounds<'_>, members: &BTreeSet<CountryCode>, destination: Name) -> bool {
    CountryCode::new(grounds.facts.word(destination)).is_ok_and(|code| members.contains(&code))
}

/// The earliest records, whatever their order in the ledger.
fn earliest(mut facts: Vec<&Fact>) -> Vec<u64> {
    facts.sort_unstable_by_key(|fact| fact.moment());
    facts
        .iter()
        .take(RECORDS_NAMED_MAX)
        .map(|fact| fact.leaf)
        .collect()
}

fn no_grants(
    grounds: &Grounds<'_>,
    destination: &str,
    members: &BTreeSet<CountryCode>,
    window: (Date, Date),
    applications_min: u64,
) -> Judged {
    let grants = grounds
        .licenses()
        .filter(|(fact, granted)| within(fact.day, window) && is_for(grounds, members, granted.destination));
    let grants: Vec<&Fact> = grants.map(|(fact, _)| fact).collect();
    let open_in_window = |case: &Case<'_>| {
        let end = case
            .granted
            .map(|(fact, _)| fact.day)
            .or(case.closed.map(|fact| fact.day));
        case.submitted.day <= window.1 && end.is_none_or(|end| end >= window.0)
    };
    let of = |case: &Case<'_>| is_for(grounds, members, case.application.destination) && open_in_window(case);
    let applications: Vec<&Fact> = grounds.cases().filter(of).map(|case| case.submitted).collect();
    let n = u64::try_from(applications.len()).unwrap_or(u64::MAX);
    let verdict = if !grants.is_empty() {
        Verdict::Contradicted
    } else if n >= applications_min {
        Verdict::Supported
    } else {
        Verdict::NotDecidable
    };
    let first = grants.iter().map(|fact| fact.day).min();
    let first = first
        .map(|day| format!(", the first on {day}"))
        .unwrap_or_default();
    Judged {
        part: destination.to_owned(),
        verdict,
        n,
        evidence: format!(
            "{} grants{first}; {n} applications open in that time",
            grants.len()
        ),
        records: earliest(if grants.is_empty() { applications } else { grants }),
    }
}

/// A claim about several destinations is contradicted by one, and supported by all.
fn together(parts: Vec<Judged>) -> Vec<Judged> {
    let any = |verdict| parts.iter().any(|part| part.verdict == verdict);
    let verdict = if any(Verdict::Contradicted) {
        Verdict::Contradicted
    } else if any(Verdict::NotDecidable) || parts.is_empty() {
        Verdict::NotDecidable
    } else {
        Verdict::Supported
    };
    let of = |verdict: Verdict| parts.iter().filter(|part| part.verdict == verdict).count();
    let whole = Judged {
        part: "all".to_owned(),
        verdict,
        n: parts.iter().map(|part| part.n).sum(),
        evidence: format!(
            "of {} destinations {} supported, {} contradicted, {} not decidable",
            parts.len(),
            of(Verdict::Supported),
            of(Verdict::Contradicted),
            of(Verdict::NotDecidable)
        ),
        records: Vec::new(),
    };
    std::iter::once(whole).chain(parts).collect()
}

fn lane_share(
    grounds: &Grounds<'_>,
    members: &BTreeSet<CountryCode>,
    lane: Lane,
    window: (Date, Date),
    (percent_min, grants_min): (u64, u64),
) -> Judged {
    let grants = grounds
        .licenses()
        .filter(|(fact, granted)| within(fact.day, window) && is_for(grounds, members, granted.destination));
    let grants: Vec<_> = grants.collect();
    let through: Vec<&Fact> = grants
        .iter()
        .filter(|(_, it)| it.lane == lane)
        .map(|(fact, _)| *fact)
        .collect();
    let whole = u64::try_from(grants.len()).unwrap_or(u64::MAX);
    let part = u64::try_from(through.len()).unwrap_or(u64::MAX);
    Judged {
        part: "all".to_owned(),
        verdict: share_verdict((part, whole), percent_min, grants_min),
        n: whole,
        evidence: format!(
            "{part} of {whole} grants {lane}{}, claimed {percent_min} %",
            percent_text(part, whole)
        ),
        records: earliest(through),
    }
}

fn term_kept(grounds: &Grounds<'_>, window: (Date, Date), (percent_min, cases_min): (u64, u64)) -> Judged {
    let (mut kept, mut missed) = (0_u64, 0_u64);
    let mut late = Vec::new();
    for case in grounds.cases().filter(|case| within(case.submitted.day, window)) {
        let Some(in_time) = is_in_time(grounds, &case) else {
            continue;
        };
        if in_time {
            kept += 1;
        } else {
            missed += 1;
            late.push(case.submitted);
        }
    }
    let whole = kept + missed;
    Judged {
        part: "all".to_owned(),
        verdict: share_verdict((kept, whole), percent_min, cases_min),
        n: whole,
        evidence: format!(
            "{kept} of {whole} cases decided within the term{}, claimed {percent_min} %; {missed} decided later or open beyond it",
            percent_text(kept, whole)
        ),
        records: earliest(late),
    }
}

/// Whether a case was decided in time; nothing while it is open within the term, or when its applicant ended it.
fn is_in_time(grounds: &Grounds<'_>, case: &Case<'_>) -> Option<bool> {
    let term = grounds.policy(case.submitted.day).ok()?.decision_working_days;
    let decided = decision_of(case);
    let until = decided.map_or(grounds.as_of, |fact| fact.day);
    let in_time = grounds.working_days(case.submitted.day, until)? <= term;
    let is_open = case.closed.is_none() && case.granted.is_none();
    (decided.is_some() || (is_open && !in_time)).then_some(in_time)
}

fn share_verdict((part, whole): (u64, u64), percent_min: u64, whole_min: u64) -> Verdict {
    if whole < whole_min.max(1) {
        Verdict::NotDecidable
    } else if u128::from(part) * 100 >= u128::from(whole) * u128::from(percent_min) {
        Verdict::Supported
    } else {
        Verdict::Contradicted
    }
}

fn percent_text(part: u64, whole: u64) -> String {
    let percent = ratio(u128::from(part) * 100, u128::from(whole), 1);
    percent
        .map(|percent| format!(", {percent} %"))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(verdict: Verdict) -> Judged {
        Judged {
            part: String::new(),
            verdict,
            n: 1,
            evidence: String::new(),
            records: Vec::new(),
        }
    }

    #[test]
    fn one_destination_contradicts_and_all_support() {
        use Verdict::{Contradicted, NotDecidable, Supported};
        for (verdicts, whole) in [
            (vec![Supported, Supported], Supported),
            (vec![Supported, Contradicted, NotDecidable], Contradicted),
            (vec![Supported, NotDecidable], NotDecidable),
            (vec![], NotDecidable),
        ] {
            let judged = together(verdicts.iter().copied().map(part).collect());
            assert_eq!(judged[0].verdict, whole, "{verdicts:?}");
        }
    }

    #[test]
    fn a_share_needs_enough_cases() {
        assert_eq!(share_verdict((5, 10), 50, 10), Verdict::Supported);
        assert_eq!(share_verdict((4, 10), 50, 10), Verdict::Contradicted);
        assert_eq!(share_verdict((9, 9), 50, 10), Verdict::NotDecidable);
        assert_eq!(share_verdict((0, 0), 50, 0), Verdict::NotDecidable);
    }
}
