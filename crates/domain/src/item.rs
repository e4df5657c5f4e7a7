//! What is controlled, and what commodity codes mean.

use std::collections::{BTreeMap, BTreeSet};

use crate::identifier::{ControlCode, Element, HsCode};
use crate::table::{Table, TableError};

/// One row of the control list: an entry, an element, a form, and the commodity code it is declared under.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ControlItem {
    /// Control-list entry.
    pub control_code: ControlCode,
    /// Controlled element.
    pub element: Element,
    /// Form of the goods.
    pub form: String,
    /// Commodity code; the announcement gives none for alloys.
    pub hs: Option<HsCode>,
    /// How sure the row is: `verified`, `tariff table`, `inferred`.
    pub status: String,
    /// Where it was read.
    pub source: String,
}

/// A control that was announced later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LaterControl {
    /// Control-list entry.
    pub control_code: ControlCode,
    /// Controlled element.
    pub element: Element,
    /// The announcement and its fate.
    pub note: String,
}

/// The control list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ControlItems {
    items: Vec<ControlItem>,
    later: Vec<LaterControl>,
    listed: BTreeSet<(ControlCode, Element)>,
}

impl ControlItems {
    /// Reads columns `control_code,element,form,cn_hs10,hs6,status,source`.
    ///
    /// # Errors
    /// [`TableError`] names file, line, field and rule; a commodity code outside its HS6 heading and an empty file
    /// are refused.
    pub fn parse(file: &str, text: &str) -> Result<Self, TableError> {
        let columns = &[
            "control_code",
            "element",
            "form",
            "cn_hs10",
            "hs6",
            "status",
            "source",
        ];
        let mut table = Table::open(file, text, columns)?;
        let mut items = Vec::new();
        while let Some(row) = table.next_row()? {
            let hs: Option<HsCode> = row.optional("cn_hs10", "10 digits")?;
            if hs.as_ref().is_some_and(|hs| hs.as_str().len() != 10) {
                return Err(row.invalid("cn_hs10", "10 digits"));
            }
            if hs
                .as_ref()
                .is_some_and(|hs| !hs.as_str().starts_with(row.text("hs6")))
            {
                return Err(row.invalid("hs6", "the first six digits of cn_hs10"));
            }
            items.push(ControlItem {
                control_code: row.parsed("control_code", "a control-list entry")?,
                element: row.parsed("element", "the symbol of an element")?,
                form: row.stated("form")?,
                hs,
                status: row.text("status").to_owned(),
                source: row.text("source").to_owned(),
            });
        }
        if items.is_empty() {
            return Err(TableError::Empty {
                file: file.to_owned(),
            });
        }
        let listed = items
            .iter()
            .map(|item| (item.control_code.clone(), item.element.clone()))
            .collect();
        Ok(Self {
            items,
            later: Vec::new(),
            listed,
        })
    }

    /// Adds later announcements, columns `control_code,element,note`.
    ///
    /// # Errors
    /// [`TableError`] names file, line, field and rule.
    pub fn add_later(&mut self, file: &str, text: &str) -> Result<(), TableError> {
        let mut table = Table::open(file, text, &["control_code", "element", "note"])?;
        while let Some(row) = table.next_row()? {
            self.later.push(LaterControl {
                control_code: row.parsed("control_code", "a control-list entry")?,
                element: row.parsed("element", "the symbol of an element")?,
                note: row.stated("note")?,
            });
        }
        Ok(())
    }

    /// Whether the list has this entry for this element.
    #[must_use]
    pub fn is_listed(&self, control_code: &ControlCode, element: &Element) -> bool {
        self.listed.contains(&(control_code.clone(), element.clone()))
    }

    /// Every row, in the order of the file.
    #[must_use]
    pub fn items(&self) -> &[ControlItem] {
        &self.items
    }

    /// Every control that was announced later.
    #[must_use]
    pub fn later(&self) -> &[LaterControl] {
        &self.later
    }
}

/// Descriptions of the commodity codes around rare earths.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CommodityCodes(BTreeMap<String, String>);

impl CommodityCodes {
    /// Reads columns `hscode,level,parent,description`.
    ///
    /// # Errors
    /// [`TableError`] names file, line, field and rule; a code listed twice and an empty file are refused.
    pub fn parse(file: &str, text: &str) -> Result<Self, TableError> {
        let mut table = Table::open(file, text, &["hscode", "level", "parent", "description"])?;
        let mut codes = BTreeMap::new();
        while let Some(row) = table.next_row()? {
            let code = row.stated("hscode")?;
            if !code.bytes().all(|b| b.is_ascii_digit()) || row.text("level") != code.len().to_string() {
                return Err(row.invalid("hscode", "as many digits as its level"));
            }
            if codes.insert(code, row.stated("description")?).is_some() {
                return Err(row.invalid("hscode", "listed once"));
            }
        }
        if codes.is_empty() {
            return Err(TableError::Empty {
                file: file.to_owned(),
            });
        }
        Ok(Self(codes))
    }

    /// What the first six digits of a commodity code mean, else the first four.
    #[must_use]
    pub fn description_of(&self, hs: &HsCode) -> Option<&str> {
        [6, 4]
            .iter()
            .find_map(|digits| self.0.get(hs.as_str().get(..*digits)?))
            .map(String::as_str)
    }
}
