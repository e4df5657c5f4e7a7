//! Countries and the groups of countries that policies name.

use std::collections::{BTreeMap, BTreeSet};

use crate::identifier::CountryCode;
use crate::table::{Table, TableError};

/// One country.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Country {
    /// English name, a label only.
    pub name: String,
    /// Region, a label only.
    pub region: String,
    /// Whether it is a member of the European Union of 27.
    pub is_eu27: bool,
}

/// The countries of ISO 3166-1.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Countries(BTreeMap<CountryCode, Country>);

impl Countries {
    /// Name of the group of the European Union's 27 members.
    pub const EU27: &str = "EU27";

    /// Reads columns `alpha2,alpha3,numeric,name,region,sub_region,eu27_member`.
    ///
    /// # Errors
    /// [`TableError`] names file, line, field and rule; a code listed twice and an empty file are refused.
    pub fn parse(file: &str, text: &str) -> Result<Self, TableError> {
        let columns = &[
            "alpha2",
            "alpha3",
            "numeric",
            "name",
            "region",
            "sub_region",
            "eu27_member",
        ];
        let mut table = Table::open(file, text, columns)?;
        let mut countries = BTreeMap::new();
        while let Some(row) = table.next_row()? {
            let code: CountryCode = row.parsed("alpha2", "an ISO 3166-1 alpha-2 code")?;
            let country = Country {
                name: row.stated("name")?,
                region: row.text("region").to_owned(),
                is_eu27: row.one_of("eu27_member", &[("0", false), ("1", true)])?,
            };
            if countries.insert(code, country).is_some() {
                return Err(row.invalid("alpha2", "listed once"));
            }
        }
        if countries.is_empty() {
            return Err(TableError::Empty {
                file: file.to_owned(),
            });
        }
        Ok(Self(countries))
    }

    /// The country with this code.
    #[must_use]
    pub fn get(&self, code: &CountryCode) -> Option<&Country> {
        self.0.get(code)
    }

    /// Every country, by code.
    pub fn iter(&self) -> impl Iterator<Item = (&CountryCode, &Country)> {
        self.0.iter()
    }

    /// The members of a group, or the one country of a code; `None` when it is neither.
    #[must_use]
    pub fn members_of(&self, group: &str) -> Option<BTreeSet<CountryCode>> {
        if group == Self::EU27 {
            return Some(
                self.iter()
                    .filter(|(_, it)| it.is_eu27)
                    .map(|(code, _)| code.clone())
                    .collect(),
            );
        }
        CountryCode::new(group)
            .ok()
            .filter(|code| self.0.contains_key(code))
            .map(|code| BTreeSet::from([code]))
    }
}
