//! A licence and what has become of it.

use jiff::{Timestamp, civil::Date};

use crate::event::{GrantedLine, LicenseChange, LicenseChanged, LicenseGranted, LicenseKind};

/// Whether a licence may be used, its dates aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LicenseCondition {
    /// It may be used.
    Active,
    /// It may not be used until reinstated.
    Suspended,
    /// It may never be used again: revoked, surrendered or replaced.
    Ended(LicenseChange),
}

/// A licence of a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct License {
    /// The grant as recorded.
    pub granted: LicenseGranted,
    /// When it was granted.
    pub occurred_at: Timestamp,
    /// What changed since, in the order of the history.
    pub changes: Vec<LicenseChanged>,
}

impl License {
    /// Its condition after every change recorded so far, whenever they take effect.
    #[must_use]
    pub fn condition(&self) -> LicenseCondition {
        self.changes.iter().fold(LicenseCondition::Active, |_, changed| {
            condition_after(changed.change)
        })
    }

    /// Its condition at an instant: changes count from the instant they take effect.
    #[must_use]
    pub fn condition_at(&self, at: Timestamp) -> LicenseCondition {
        self.changes
            .iter()
            .filter(|changed| changed.effective_at <= at)
            .fold(LicenseCondition::Active, |_, changed| {
                condition_after(changed.change)
            })
    }

    /// Whether `date` (in local time) lies within its validity, both ends included.
    #[must_use]
    pub fn is_valid_on(&self, date: Date) -> bool {
        self.granted.valid_from.is_none_or(|from| from <= date) && date <= self.granted.valid_until
    }

    /// On how many declarations it may be used; `None` means without limit.
    #[must_use]
    pub fn uses_max(&self) -> Option<u32> {
        self.granted
            .uses_allowed
            .or_else(|| (self.granted.kind == Some(LicenseKind::Single)).then_some(1))
    }

    /// The granted line with this number.
    #[must_use]
    pub fn line(&self, number: u16) -> Option<&GrantedLine> {
        self.granted.lines.iter().find(|line| line.line == number)
    }
}

const fn condition_after(change: LicenseChange) -> LicenseCondition {
    match change {
        LicenseChange::Suspended => LicenseCondition::Suspended,
        LicenseChange::Reinstated => LicenseCondition::Active,
        LicenseChange::Revoked | LicenseChange::Surrendered | LicenseChange::Replaced => {
            LicenseCondition::Ended(change)
        }
    }
}
