//! Customs ports: the codes that exist, their names, and the codes that traders write for another.

use std::collections::BTreeMap;

use crate::identifier::PortCode;
use crate::table::{Table, TableError};

const CODE: &str = "a UN/LOCODE";

/// A port with a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Port {
    /// Name as in UN/LOCODE, or the usual name of a gateway.
    pub name: String,
    /// What is there, as UN/LOCODE writes it: `1` sea port, `2` rail, `3` road, `4` airport, `6` inland depot.
    pub function: String,
    /// Set for a gateway of rare-earth exports.
    pub gateway: Option<Gateway>,
}

/// What makes a port a gateway of rare-earth exports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gateway {
    /// Code of its customs district: the first four digits of its declaration numbers.
    pub customs_district: String,
    /// Name of its customs district.
    pub customs_district_name: String,
    /// Whether the licence catalogue of 2016 names its district for rare earths.
    pub is_designated: bool,
}

/// The known ports.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PortTable {
    /// Every code of UN/LOCODE, sorted: 116,000 of them, so five bytes each.
    codes: Vec<[u8; 5]>,
    named: BTreeMap<PortCode, Port>,
}

impl PortTable {
    /// Reads every code of UN/LOCODE, columns `locode,function,status`.
    ///
    /// # Errors
    /// [`TableError`] names file, line, field and rule; an empty file is refused.
    pub fn parse(file: &str, text: &str) -> Result<Self, TableError> {
        let mut table = Table::open(file, text, &["locode", "function", "status"])?;
        let mut codes = Vec::new();
        while let Some(row) = table.next_row()? {
            // Three codes of the list break UN/LOCODE's own rule of no digit below 2; they are no reason to refuse it.
            match <[u8; 5]>::try_from(row.text("locode").as_bytes()) {
                Ok(code) if code.iter().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit()) => {
                    codes.push(code);
                }
                Ok(_) | Err(_) => return Err(row.invalid("locode", "five of A-Z 0-9")),
            }
        }
        if codes.is_empty() {
            return Err(TableError::Empty {
                file: file.to_owned(),
            });
        }
        codes.sort_unstable();
        codes.dedup();
        Ok(Self {
            codes,
            named: BTreeMap::new(),
        })
    }

    /// Adds names, columns as in the list of China and the list of world ports.
    ///
    /// # Errors
    /// [`TableError`] names file, line, field and rule; a code that UN/LOCODE does not have is refused.
    pub fn add_names(&mut self, file: &str, text: &str) -> Result<(), TableError> {
        let columns = &[
            "locode",
            "country",
            "location",
            "name",
            "subdivision",
            "status",
            "function",
            "lat",
            "lon",
            "coord_source",
        ];
        let mut table = Table::open(file, text, columns)?;
        while let Some(row) = table.next_row()? {
            let code: PortCode = row.parsed("locode", CODE)?;
            if !self.contains(&code) {
                return Err(row.invalid("locode", "a code of the UN/LOCODE list"));
            }
            let port = Port {
                name: row.stated("name")?,
                function: row.text("function").to_owned(),
                gateway: None,
            };
            self.named.insert(code, port);
        }
        Ok(())
    }

    /// Marks the gateways of rare-earth exports.
    ///
    /// # Errors
    /// [`TableError`] names file, line, field and rule; a code that UN/LOCODE does not have is refused.
    pub fn add_gateways(&mut self, file: &str, text: &str) -> Result<(), TableError> {
        let columns = &[
            "locode",
            "name",
            "customs_district_code",
            "customs_district",
            "designated_for_rare_earth_2016_list",
            "function",
            "lat",
            "lon",
        ];
        let mut table = Table::open(file, text, columns)?;
        while let Some(row) = table.next_row()? {
            let code: PortCode = row.parsed("locode", CODE)?;
            if !self.contains(&code) {
                return Err(row.invalid("locode", "a code of the UN/LOCODE list"));
            }
            let district = row.stated("customs_district_code")?;
            if district.len() != 4 || !district.bytes().all(|b| b.is_ascii_digit()) {
                return Err(row.invalid("customs_district_code", "four digits"));
            }
            let gateway = Gateway {
                customs_district: district,
                customs_district_name: row.stated("customs_district")?,
                is_designated: row.one_of(
                    "designated_for_rare_earth_2016_list",
                    &[("0", false), ("1", true)],
                )?,
            };
            let port = Port {
                name: row.stated("name")?,
                function: row.text("function").to_owned(),
                gateway: Some(gateway),
            };
            self.named.insert(code, port);
        }
        Ok(())
    }

    /// Whether UN/LOCODE has this code.
    #[must_use]
    pub fn contains(&self, code: &PortCode) -> bool {
        self.codes
            .binary_search_by(|known| known.as_slice().cmp(code.as_str().as_bytes()))
            .is_ok()
    }

    /// The port with this code, where its name is known.
    #[must_use]
    pub fn get(&self, code: &PortCode) -> Option<&Port> {
        self.named.get(code)
    }

    /// Every port with a name, by code.
    pub fn iter(&self) -> impl Iterator<Item = (&PortCode, &Port)> {
        self.named.iter()
    }
}

/// The codes that traders write for another port: airports and cities for the sea port they serve.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PortAliases(BTreeMap<PortCode, PortCode>);

impl PortAliases {
    /// Reads columns `alias,locode,note,alias_official_name,alias_function`.
    ///
    /// # Errors
    /// [`TableError`] names file, line, field and rule. An alias listed twice, one that stands for itself, and one
    /// that stands for another alias are refused: normalizing twice must change nothing.
    pub fn parse(file: &str, text: &str) -> Result<Self, TableError> {
        let columns = &["alias", "locode", "note", "alias_official_name", "alias_function"];
        let mut aliases = BTreeMap::new();
        let mut table = Table::open(file, text, columns)?;
        while let Some(row) = table.next_row()? {
            let alias: PortCode = row.parsed("alias", CODE)?;
            let canonical: PortCode = row.parsed("locode", CODE)?;
            if aliases.insert(alias, canonical).is_some() {
                return Err(row.invalid("alias", "listed once"));
            }
        }
        let mut table = Table::open(file, text, columns)?;
        while let Some(row) = table.next_row()? {
            let canonical: PortCode = row.parsed("locode", CODE)?;
            if aliases.contains_key(&canonical) {
                return Err(row.invalid("locode", "a port that is not itself an alias"));
            }
        }
        Ok(Self(aliases))
    }

    /// The port that `written` stands for: itself, unless it is an alias.
    #[must_use]
    pub fn normalize<'a>(&'a self, written: &'a PortCode) -> &'a PortCode {
        self.0.get(written).unwrap_or(written)
    }

    /// The whole table, alias to port.
    #[must_use]
    pub const fn to_map(&self) -> &BTreeMap<PortCode, PortCode> {
        &self.0
    }
}
