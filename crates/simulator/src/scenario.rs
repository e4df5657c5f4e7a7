//! A scenario: every parameter of a run, read strictly from its files.

mod class;
mod error;
mod file;
mod rule;

use portbook_domain::{Calendar, ControlCode, CountryCode, Element, HsCode, PortCode};
use serde::Deserialize;

use crate::office::Office;
use crate::quantile::Quantiles;
use crate::target::{MagnetMonth, OxideFlow};

pub use error::ScenarioError;
pub(crate) use file::{Defects, GeneralLicense};

/// The texts of a scenario, each with what messages call it.
#[derive(Debug, Clone, Copy)]
pub struct ScenarioTexts<'a> {
    /// `scenario.toml`.
    pub scenario: &'a str,
    /// `targets_magnets_t.csv`.
    pub magnets: &'a str,
    /// `targets_dytb_kg.csv`.
    pub oxides: &'a str,
    /// The working-day calendar that the scenario names.
    pub calendar: &'a Calendar,
}

/// The scenario that is shipped, without its calendar.
pub(crate) const SHIPPED: (&str, &str, &str) = (
    include_str!("../../../config/scenario/scenario.toml"),
    include_str!("../../../config/scenario/targets_magnets_t.csv"),
    include_str!("../../../config/scenario/targets_dytb_kg.csv"),
);

/// Every parameter of a run.
#[derive(Debug)]
pub struct Scenario {
    pub(crate) seed: u64,
    pub(crate) end: i64,
    pub(crate) regime_start: i64,
    pub(crate) office: Office,
    pub(crate) controlled_share_pct: i64,
    pub(crate) recording_lag_min: Quantiles,
    pub(crate) alias_pct: i64,
    pub(crate) periods: Vec<Span>,
    pub(crate) ports: Vec<(i64, Port)>,
    pub(crate) magnets: Vec<(i64, Goods)>,
    pub(crate) oxides: Vec<Goods>,
    pub(crate) oxide_lot_kg_max: i64,
    pub(crate) application: ApplicationRules,
    pub(crate) classes: Vec<Class>,
    pub(crate) license: LicenseRules,
    pub(crate) customs: CustomsRules,
    pub(crate) defects: Defects,
    /// The code of a port that is none.
    pub(crate) unknown_port: PortCode,
    pub(crate) magnet_months: Vec<MagnetMonth>,
    pub(crate) oxide_flows: Vec<OxideFlow>,
}

/// Days from one to another, both counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) from: i64,
    pub(crate) to: i64,
}

/// A port of exit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Port {
    /// Its UN/LOCODE.
    pub(crate) code: PortCode,
    /// First four digits of declaration numbers.
    pub(crate) office: String,
    /// What traders write instead.
    pub(crate) alias: Vec<PortCode>,
}

/// What is exported.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Goods {
    pub(crate) hs: HsCode,
    pub(crate) control_code: ControlCode,
    pub(crate) element: Element,
}

/// Applications of one group of destinations.
#[derive(Debug)]
pub(crate) struct Class {
    pub(crate) name: String,
    pub(crate) members: Vec<(i64, CountryCode)>,
    /// First day and share of the expedited lane.
    pub(crate) expedited: Option<(i64, i64)>,
    pub(crate) first_grant: i64,
    /// Working days with this many applications in a hundred days.
    pub(crate) arrivals: Vec<(Span, i64)>,
    /// What is open when the window begins is decided within it, by this share.
    pub(crate) backlog_release: Option<(Span, i64)>,
    /// What becomes of applications, by the period they are filed in.
    pub(crate) fates: Vec<Fate>,
}

/// What becomes of applications; who is neither granted nor refused nor withdrawn stays open.
#[derive(Debug)]
pub(crate) struct Fate {
    pub(crate) grant_pct: i64,
    pub(crate) refuse_pct: i64,
    pub(crate) withdraw_pct: i64,
    pub(crate) query_pct: i64,
    pub(crate) latency_days: Quantiles,
}

/// What applies to every application.
#[derive(Debug)]
pub(crate) struct ApplicationRules {
    pub(crate) expedited_days_off_pct: i64,
    pub(crate) first_grant_spread_days: i64,
    pub(crate) returned_pct: i64,
    pub(crate) query_rounds_max: i64,
    pub(crate) further_query_pct: i64,
    pub(crate) query_reasons: Vec<(i64, String)>,
}

/// What applies to every licence.
#[derive(Debug)]
pub(crate) struct LicenseRules {
    pub(crate) kg: Quantiles,
    pub(crate) validity_days: i64,
    pub(crate) single_use_pct: i64,
    pub(crate) declarations_max: i64,
    pub(crate) partial_pct: (i64, i64),
    pub(crate) general: GeneralLicense,
    pub(crate) lag_to_clear_days: Quantiles,
}

/// What applies to every shipment.
#[derive(Debug)]
pub(crate) struct CustomsRules {
    pub(crate) shipment_kg: Quantiles,
    pub(crate) challenge_pct: Vec<(Span, i64)>,
    pub(crate) challenge_days: Quantiles,
    pub(crate) routine_hours: Quantiles,
    pub(crate) reply_due_working_days: i64,
}

impl Scenario {
    /// Reads a scenario.
    ///
    /// # Errors
    /// [`ScenarioError`] names the file, and the key or the line.
    pub fn parse(texts: &ScenarioTexts<'_>) -> Result<Self, ScenarioError> {
        file::read(texts)
    }

    /// The scenario that is shipped.
    ///
    /// # Errors
    /// [`ScenarioError`] when the calendar does not reach far enough.
    pub fn shipped(calendar: &Calendar) -> Result<Self, ScenarioError> {
        let (scenario, magnets, oxides) = SHIPPED;
        Self::parse(&ScenarioTexts {
            scenario,
            magnets,
            oxides,
            calendar,
        })
    }

    /// The seed that the scenario itself names.
    #[must_use]
    pub const fn seed(&self) -> u64 {
        self.seed
    }

    /// The class a destination belongs to; what no class names belongs to the last one.
    pub(crate) fn class_of(&self, destination: &CountryCode) -> Option<&Class> {
        let named = |class: &&Class| class.members.iter().any(|(_, member)| member == destination);
        self.classes.iter().find(named).or_else(|| {
            let other = |class: &&Class| class.name == file::OTHER;
            self.classes.iter().find(other)
        })
    }

    /// The fate of what is filed on `day`.
    pub(crate) fn fate<'a>(&self, class: &'a Class, day: i64) -> Option<&'a Fate> {
        let period = self.periods.iter().position(|period| period.contains(day))?;
        class.fates.get(period)
    }
}

impl Span {
    /// Whether a day lies within it.
    pub(crate) const fn contains(self, day: i64) -> bool {
        self.from <= day && day <= self.to
    }
}
