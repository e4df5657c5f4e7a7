//! Why a scenario cannot be used.

use portbook_domain::CalendarError;

use crate::target::TargetError;

/// A scenario that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ScenarioError {
    /// The file is no scenario: the source names line and key.
    #[error("scenario.toml: not a scenario")]
    Malformed {
        /// What the reader found.
        #[source]
        source: toml::de::Error,
    },
    /// A key breaks its rule.
    #[error("scenario.toml, key {key}: must be {rule}, found {found}")]
    Key {
        /// The key, with dots.
        key: String,
        /// The rule.
        rule: &'static str,
        /// What was found.
        found: String,
    },
    /// A table of targets cannot be used.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// The calendar does not know the days of the scenario.
    #[error("the calendar does not know the days of the scenario")]
    Calendar(#[from] CalendarError),
}
