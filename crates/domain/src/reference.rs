//! The reference tables together, and the texts they are read from.

use crate::calendar::Calendar;
use crate::country::Countries;
use crate::item::{CommodityCodes, ControlItems};
use crate::policy::{PolicyError, PolicySet};
use crate::port::{PortAliases, PortTable};
use crate::table::TableError;

/// A reference table or a policy that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ReferenceError {
    /// A table.
    #[error(transparent)]
    Table(#[from] TableError),
    /// A policy.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// An alias stands for a port that does not exist.
    #[error("{file}: {alias} stands for {locode}, which is not in {ports}", ports = ReferenceTexts::UNLOCODE)]
    AliasTarget {
        /// The file.
        file: &'static str,
        /// The alias.
        alias: crate::identifier::PortCode,
        /// The port it stands for.
        locode: crate::identifier::PortCode,
    },
}

/// The texts of all reference files, read by whoever may read files.
#[derive(Debug, Clone, Copy)]
pub struct ReferenceTexts<'a> {
    /// `calendar_cn.csv`.
    pub calendar: &'a str,
    /// `control_items.csv`.
    pub control_items: &'a str,
    /// `control_items_later.csv`.
    pub control_items_later: &'a str,
    /// `countries.csv`.
    pub countries: &'a str,
    /// `hs6.csv`.
    pub hs6: &'a str,
    /// `port_aliases.csv`.
    pub port_aliases: &'a str,
    /// `port_gateways.csv`.
    pub port_gateways: &'a str,
    /// `ports_cn.csv`.
    pub ports_cn: &'a str,
    /// `ports_world.csv`.
    pub ports_world: &'a str,
    /// `unlocode.csv`, which is shipped as `unlocode.csv.gz`; here it is unpacked.
    pub unlocode: &'a str,
    /// Policy files, name and text.
    pub policies: &'a [(&'a str, &'a str)],
}

impl<'a> ReferenceTexts<'a> {
    const CALENDAR: &'static str = "calendar_cn.csv";
    const CONTROL_ITEMS: &'static str = "control_items.csv";
    const CONTROL_ITEMS_LATER: &'static str = "control_items_later.csv";
    const COUNTRIES: &'static str = "countries.csv";
    const HS6: &'static str = "hs6.csv";
    const PORT_ALIASES: &'static str = "port_aliases.csv";
    const PORT_GATEWAYS: &'static str = "port_gateways.csv";
    const PORTS_CN: &'static str = "ports_cn.csv";
    const PORTS_WORLD: &'static str = "ports_world.csv";
    const UNLOCODE: &'static str = "unlocode.csv";

    /// Every file by name: the tables in alphabetical order, then the policies in the order given.
    ///
    /// Whoever states digests of the reference data states them of these texts, under these names.
    #[must_use]
    pub fn named(&self) -> Vec<(&'a str, &'a str)> {
        let tables = [
            (Self::CALENDAR, self.calendar),
            (Self::CONTROL_ITEMS, self.control_items),
            (Self::CONTROL_ITEMS_LATER, self.control_items_later),
            (Self::COUNTRIES, self.countries),
            (Self::HS6, self.hs6),
            (Self::PORT_ALIASES, self.port_aliases),
            (Self::PORT_GATEWAYS, self.port_gateways),
            (Self::PORTS_CN, self.ports_cn),
            (Self::PORTS_WORLD, self.ports_world),
            (Self::UNLOCODE, self.unlocode),
        ];
        tables.into_iter().chain(self.policies.iter().copied()).collect()
    }
}

/// All reference tables, read and checked against one another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// Working days of the licensing authority and of customs.
    pub calendar: Calendar,
    /// What is controlled.
    pub items: ControlItems,
    /// What commodity codes mean.
    pub commodities: CommodityCodes,
    /// Countries and groups of countries.
    pub countries: Countries,
    /// Ports.
    pub ports: PortTable,
    /// Codes written for another port.
    pub aliases: PortAliases,
    /// Dated rule sets.
    pub policies: PolicySet,
}

impl Reference {
    /// Reads all tables.
    ///
    /// # Errors
    /// [`ReferenceError`] names file, line or key, and rule.
    pub fn parse(texts: &ReferenceTexts<'_>) -> Result<Self, ReferenceError> {
        let mut ports = PortTable::parse(ReferenceTexts::UNLOCODE, texts.unlocode)?;
        ports.add_names(ReferenceTexts::PORTS_WORLD, texts.ports_world)?;
        ports.add_names(ReferenceTexts::PORTS_CN, texts.ports_cn)?;
        ports.add_gateways(ReferenceTexts::PORT_GATEWAYS, texts.port_gateways)?;
        let aliases = PortAliases::parse(ReferenceTexts::PORT_ALIASES, texts.port_aliases)?;
        for (alias, locode) in aliases.to_map() {
            if !ports.contains(locode) {
                return Err(ReferenceError::AliasTarget {
                    file: ReferenceTexts::PORT_ALIASES,
                    alias: alias.clone(),
                    locode: locode.clone(),
                });
            }
        }
        let mut items = ControlItems::parse(ReferenceTexts::CONTROL_ITEMS, texts.control_items)?;
        items.add_later(ReferenceTexts::CONTROL_ITEMS_LATER, texts.control_items_later)?;
        let countries = Countries::parse(ReferenceTexts::COUNTRIES, texts.countries)?;
        Ok(Self {
            calendar: Calendar::parse(ReferenceTexts::CALENDAR, texts.calendar)?,
            items,
            commodities: CommodityCodes::parse(ReferenceTexts::HS6, texts.hs6)?,
            policies: PolicySet::parse(texts.policies, &countries)?,
            countries,
            ports,
            aliases,
        })
    }
}
