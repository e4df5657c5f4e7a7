//! What is wrong with a stream: named, placed, and bounded in number.

use std::fmt;

use serde::Serialize;

/// Findings that are told; one lost block would bring a hundred thousand.
const TOLD_MAX: usize = 20;

/// What was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Check {
    /// Every setting of the streams.
    Settings,
    /// Creation, configuration digest and extent.
    Identity,
    /// The registered checkpoint.
    Register,
    /// Every sequence is there.
    Gap,
    /// Every message equals its record.
    Record,
    /// Decisions of each case follow from one another.
    Case,
}

impl Check {
    /// In the order in which they are told.
    pub(super) const ALL: [Self; 6] = [
        Self::Settings,
        Self::Identity,
        Self::Register,
        Self::Gap,
        Self::Record,
        Self::Case,
    ];

    /// Its name in a report.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Settings => "settings",
            Self::Identity => "identity",
            Self::Register => "register",
            Self::Gap => "messages",
            Self::Record => "records",
            Self::Case => "cases",
        }
    }
}

/// One thing that is wrong.
#[derive(Debug, Serialize)]
pub(super) struct Finding {
    check: Check,
    /// The message it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    seq: Option<u64>,
    says: String,
}

/// The first things that are wrong, and how many more.
#[derive(Debug, Default)]
pub(super) struct Findings {
    told: Vec<Finding>,
    left_out: u64,
}

impl Findings {
    /// Adds one.
    pub(super) fn add(&mut self, check: Check, seq: Option<u64>, says: impl fmt::Display) {
        if self.told.len() < TOLD_MAX {
            self.told.push(Finding {
                check,
                seq,
                says: says.to_string(),
            });
        } else {
            self.left_out += 1;
        }
    }

    /// Whether nothing is wrong.
    pub(super) fn is_empty(&self) -> bool {
        self.told.is_empty()
    }

    /// Those of one check.
    pub(super) fn of(&self, check: Check) -> impl Iterator<Item = &Finding> {
        self.told.iter().filter(move |finding| finding.check == check)
    }

    /// How many are not told.
    pub(super) const fn left_out(&self) -> u64 {
        self.left_out
    }
}

impl Serialize for Findings {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.told.serialize(serializer)
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.says)
    }
}
