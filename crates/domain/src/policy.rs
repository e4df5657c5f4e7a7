//! Dated rule sets: what the law said on a day, as configuration with a source.

use std::collections::{BTreeMap, BTreeSet};

use jiff::ToSpan;
use jiff::civil::Date;
use serde::Deserialize;

use crate::country::Countries;
use crate::event::{LicenseKind, QueryStage};
use crate::identifier::{CountryCode, Text};

/// A policy file that cannot be used, or a day no policy covers.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// The file is no policy: the source names line and key.
    #[error("{file}: not a policy")]
    Malformed {
        /// The file.
        file: String,
        /// What the reader found.
        source: toml::de::Error,
    },
    /// A key breaks its rule.
    #[error("{file}, key {key}: must be {rule}, found {found}")]
    Key {
        /// The file.
        file: String,
        /// The key, with dots.
        key: &'static str,
        /// The rule.
        rule: &'static str,
        /// What was found.
        found: String,
    },
    /// Two policies share a key that tells them apart.
    #[error("{file} and {other} have the same {key}: {value}")]
    Ambiguous {
        /// The later file.
        file: String,
        /// The earlier file.
        other: String,
        /// The key.
        key: &'static str,
        /// Its value.
        value: String,
    },
    /// No policy covers the day.
    #[error("no policy is in force on {date}")]
    NoneInForce {
        /// The day.
        date: Date,
    },
}

/// One dated rule set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Its name, with which every verdict is labelled.
    pub id: Text,
    /// What it is, in a few words.
    pub title: Text,
    /// What it is about.
    pub scope: Text,
    /// First day in force.
    pub valid_from: Date,
    /// Last day in force; absent until a later policy takes its place.
    pub valid_to: Option<Date>,
    /// When it became known.
    pub announced_at: Date,
    /// First day on which it is no longer in force because it was withdrawn or suspended.
    pub withdrawn_at: Option<Date>,
    /// Where its wording was read.
    pub source: Text,
    /// What a reader should know of how sure it is.
    pub note: Option<String>,
    /// Longest validity of a licence in months, by kind; a kind that is not named has no limit.
    pub validity_months_max: BTreeMap<LicenseKind, u16>,
    /// Working days the authority has for a decision.
    pub decision_working_days: u32,
    /// Countries whose applications may take the expedited lane.
    pub expedited: BTreeSet<CountryCode>,
    /// Working days to answer a customs query, where the procedure gives any.
    pub customs_reply_working_days: Option<u32>,
    /// Days between event and record beyond which a record counts as back-dated.
    pub backdating_days_max: u32,
    /// Seconds an event may lie ahead of the clock that records it.
    pub clock_skew_s_max: u32,
    /// How far clearances may exceed a licence before it is a finding, in thousandths. An authority never exceeds it.
    pub overdraw_tolerance_permille: u32,
}

/// The policy file, key for key.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PolicyFile {
    id: Text,
    title: Text,
    scope: Text,
    valid_from: Date,
    valid_to: Option<Date>,
    announced_at: Date,
    withdrawn_at: Option<Date>,
    source: Text,
    note: Option<String>,
    licensing: LicensingSection,
    customs: CustomsSection,
    recording: RecordingSection,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct LicensingSection {
    decision_working_days: u32,
    validity_months_max: BTreeMap<LicenseKind, u16>,
    expedited: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CustomsSection {
    reply_working_days: Option<u32>,
    overdraw_tolerance_permille: u32,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RecordingSection {
    backdating_days_max: u32,
    clock_skew_s_max: u32,
}

impl Policy {
    /// Reads one policy file.
    ///
    /// # Errors
    /// [`PolicyError`] names file, key and rule.
    pub fn parse(file: &str, text: &str, countries: &Countries) -> Result<Self, PolicyError> {
        let read: PolicyFile = toml::from_str(text).map_err(|source| PolicyError::Malformed {
            file: file.to_owned(),
            source,
        })?;
        let key_error = |key, rule, found: String| PolicyError::Key {
            file: file.to_owned(),
            key,
            rule,
            found,
        };
        if let Some(valid_to) = read.valid_to.filter(|valid_to| *valid_to < read.valid_from) {
            return Err(key_error(
                "valid_to",
                "no day before valid_from",
                valid_to.to_string(),
            ));
        }
        if let Some(withdrawn_at) = read.withdrawn_at.filter(|day| *day < read.announced_at) {
            return Err(key_error(
                "withdrawn_at",
                "no day before announced_at",
                withdrawn_at.to_string(),
            ));
        }
        let mut expedited = BTreeSet::new();
        for group in &read.licensing.expedited {
            let members = countries.members_of(group);
            let rule = "EU27 or an ISO 3166-1 alpha-2 code";
            expedited.extend(members.ok_or_else(|| key_error("licensing.expedited", rule, group.clone()))?);
        }
        Ok(Self {
            id: read.id,
            title: read.title,
            scope: read.scope,
            valid_from: read.valid_from,
            valid_to: read.valid_to,
            announced_at: read.announced_at,
            withdrawn_at: read.withdrawn_at,
            source: read.source,
            note: read.note,
            validity_months_max: read.licensing.validity_months_max,
            decision_working_days: read.licensing.decision_working_days,
            expedited,
            customs_reply_working_days: read.customs.reply_working_days,
            backdating_days_max: read.recording.backdating_days_max,
            clock_skew_s_max: read.recording.clock_skew_s_max,
            overdraw_tolerance_permille: read.customs.overdraw_tolerance_permille,
        })
    }

    /// The last day on which a licence that begins on `valid_from` may end; `None` without limit.
    #[must_use]
    pub fn valid_until_max(&self, kind: LicenseKind, valid_from: Date) -> Option<Date> {
        self.validity_months_max
            .get(&kind)
            .map(|months| valid_from.saturating_add(i32::from(*months).months()))
    }

    /// Whether applications for `destination` may take the expedited lane.
    #[must_use]
    pub fn is_expedited_eligible(&self, destination: &CountryCode) -> bool {
        self.expedited.contains(destination)
    }

    /// Working days to answer a query of this stage, where the procedure gives any.
    #[must_use]
    pub const fn reply_working_days(&self, stage: QueryStage) -> Option<u32> {
        match stage {
            QueryStage::Licensing => None,
            QueryStage::Customs => self.customs_reply_working_days,
        }
    }

    fn covers(&self, date: Date, known_on: Date) -> bool {
        let withdrawn = self.withdrawn_at.filter(|day| *day <= known_on);
        self.announced_at <= known_on
            && self.valid_from <= date
            && self.valid_to.is_none_or(|last| date <= last)
            && withdrawn.is_none_or(|day| date < day)
    }
}

/// Every policy, by the first day it is in force.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PolicySet(BTreeMap<Date, Policy>);

impl PolicySet {
    /// Reads policy files, given as name and text.
    ///
    /// # Errors
    /// [`PolicyError`] names file and key; two policies with one id or one first day are refused.
    pub fn parse(files: &[(&str, &str)], countries: &Countries) -> Result<Self, PolicyError> {
        let mut policies: BTreeMap<Date, Policy> = BTreeMap::new();
        let mut read: Vec<(&str, Policy)> = Vec::new();
        for (file, text) in files {
            let policy = Policy::parse(file, text, countries)?;
            for (other, earlier) in &read {
                let same = |key, value: String| PolicyError::Ambiguous {
                    file: (*file).to_owned(),
                    other: (*other).to_owned(),
                    key,
                    value,
                };
                if earlier.id == policy.id {
                    return Err(same("id", policy.id.to_string()));
                }
                if earlier.valid_from == policy.valid_from {
                    return Err(same("valid_from", policy.valid_from.to_string()));
                }
            }
            read.push((file, policy.clone()));
            policies.insert(policy.valid_from, policy);
        }
        Ok(Self(policies))
    }

    /// The policy in force on `date`, with all that became known since.
    ///
    /// # Errors
    /// [`PolicyError::NoneInForce`].
    pub fn in_force(&self, date: Date) -> Result<&Policy, PolicyError> {
        self.in_force_as_known(date, Date::MAX)
    }

    /// The policy that was believed on `known_on` to be in force on `date`: later announcements and withdrawals left
    /// out. Of several that cover the day, the one that began last.
    ///
    /// # Errors
    /// [`PolicyError::NoneInForce`].
    pub fn in_force_as_known(&self, date: Date, known_on: Date) -> Result<&Policy, PolicyError> {
        self.0
            .values()
            .rev()
            .find(|policy| policy.covers(date, known_on))
            .ok_or(PolicyError::NoneInForce { date })
    }

    /// Every policy, by first day.
    pub fn iter(&self) -> impl Iterator<Item = &Policy> {
        self.0.values()
    }
}
