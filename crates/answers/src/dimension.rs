//! What an answer can be broken down by.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;
use portbook_domain::Lane;
use portbook_views::{Goods, Name};

use crate::answer::Cell;
use crate::grounds::{Case, Grounds};

/// A dimension.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum By {
    /// The port of the application, of the grant or of the clearance, after the alias table.
    Port,
    /// The country of destination, members of the European Union together.
    Group,
    /// The country of destination.
    Country,
    /// The controlled element; a case or a shipment with several counts under each.
    Element,
    /// The form of the goods, where stated, otherwise as the control list has it.
    Form,
    /// The month in which the thing that is counted happened, in the time of China.
    Month,
    /// The queue.
    Lane,
}

impl By {
    /// Every dimension.
    pub const ALL: &[Self] = &[
        Self::Port,
        Self::Group,
        Self::Country,
        Self::Element,
        Self::Form,
        Self::Month,
        Self::Lane,
    ];

    /// Its name, as people type it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Port => "port",
            Self::Group => "group",
            Self::Country => "country",
            Self::Element => "element",
            Self::Form => "form",
            Self::Month => "month",
            Self::Lane => "lane",
        }
    }
}

/// A month of a year.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Month {
    year: i16,
    month: i8,
}

impl Month {
    /// The month of a day.
    #[must_use]
    pub fn of(day: Date) -> Self {
        Self {
            year: day.year(),
            month: day.month(),
        }
    }

    /// Its last day.
    #[must_use]
    pub fn last_day(self) -> Date {
        Date::new(self.year, self.month, 1).map_or(Date::MAX, Date::last_of_month)
    }

    /// The month after it.
    #[must_use]
    pub fn next(self) -> Self {
        if self.month == 12 {
            Self {
                year: self.year.saturating_add(1),
                month: 1,
            }
        } else {
            Self {
                month: self.month + 1,
                ..self
            }
        }
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year, self.month)
    }
}

/// A text that is no month.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a month is of the form 2025-06")]
pub struct InvalidMonth;

impl FromStr for Month {
    type Err = InvalidMonth;

    fn from_str(text: &str) -> Result<Self, InvalidMonth> {
        let (year, month) = text.split_once('-').ok_or(InvalidMonth)?;
        let (year, month) = (year.parse().ok(), month.parse().ok());
        let (Some(year), Some(month)) = (year, month) else {
            return Err(InvalidMonth);
        };
        if text.len() == 7 && Date::new(year, month, 1).is_ok() {
            Ok(Self { year, month })
        } else {
            Err(InvalidMonth)
        }
    }
}

/// One value of a dimension.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Key<'a> {
    /// Everything together.
    All,
    /// A month.
    Month(Month),
    /// A word.
    Word(&'a str),
}

/// What stands where a fact says nothing.
pub(crate) const NOT_STATED: &str = "-";

impl Key<'_> {
    pub(crate) fn cell(self) -> Cell {
        match self {
            Self::All => Cell::text("all"),
            Self::Month(month) => Cell::text(month.to_string()),
            Self::Word(word) => Cell::text(word),
        }
    }
}

/// Title of the first column.
pub(crate) const fn title(by: Option<By>) -> &'static str {
    match by {
        None => "of",
        Some(by) => by.word(),
    }
}

/// Where and for whom something happened: what a breakdown needs to know of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'g> {
    pub(crate) port: Name,
    pub(crate) destination: Option<Name>,
    pub(crate) day: Date,
    pub(crate) lane: Option<Lane>,
    pub(crate) goods: &'g [Goods],
}

impl<'a> Grounds<'a> {
    /// Place of a case; `day` says which of its days counts.
    pub(crate) fn place_of_case(&self, case: &Case<'a>, day: Date) -> Place<'a> {
        Place {
            port: case.submitted.port,
            destination: Some(case.application.destination),
            day,
            lane: Some(Self::lane_of(case)),
            goods: self.facts.goods(case.application.lines),
        }
    }

    /// The values of a dimension that something counts under.
    pub(crate) fn keys(&self, by: Option<By>, place: &Place<'a>) -> Vec<Key<'a>> {
        let Some(by) = by else {
            return vec![Key::All];
        };
        let one = match by {
            By::Port => Key::Word(self.facts.word(place.port)),
            By::Group => place
                .destination
                .map_or(Key::Word(NOT_STATED), |it| Key::Word(self.group_of(it))),
            By::Country => place
                .destination
                .map_or(Key::Word(NOT_STATED), |it| Key::Word(self.facts.word(it))),
            By::Month => Key::Month(Month::of(place.day)),
            By::Lane => Key::Word(place.lane.map_or(NOT_STATED, Lane::word)),
            By::Element | By::Form => return self.keys_of_goods(by, place.goods),
        };
        vec![one]
    }

    fn keys_of_goods(&self, by: By, goods: &'a [Goods]) -> Vec<Key<'a>> {
        let mut keys: Vec<Key<'a>> = goods.iter().map(|goods| self.key_of_goods(by, goods)).collect();
        keys.sort_unstable();
        keys.dedup();
        if keys.is_empty() {
            keys.push(Key::Word(NOT_STATED));
        }
        keys
    }

    /// Element or form of one line.
    pub(crate) fn key_of_goods(&self, by: By, goods: &Goods) -> Key<'a> {
        let word = if by == By::Form {
            self.form_of(goods)
        } else {
            goods.element.map(|name| self.facts.word(name))
        };
        Key::Word(word.unwrap_or(NOT_STATED))
    }

    /// The form stated, otherwise that of the control list for code, element and commodity code.
    fn form_of(&self, goods: &Goods) -> Option<&'a str> {
        if let Some(form) = goods.form {
            return Some(self.facts.word(form));
        }
        let (code, element) = (
            self.facts.word(goods.control_code?),
            self.facts.word(goods.element?),
        );
        let hs = self.facts.word(goods.hs);
        let fits = |listed: &str| listed == hs || listed.starts_with(hs) || hs.starts_with(listed);
        let mut items = self.reference.items.items().iter();
        let item = items.find(|item| {
            item.control_code.as_str() == code
                && item.element.as_str() == element
                && item.hs.as_ref().is_some_and(|listed| fits(listed.as_str()))
        })?;
        Some(&item.form)
    }
}

/// Sums under every key of everything that is counted.
pub(crate) fn tally<'a, T: Default>(
    counted: impl Iterator<Item = (Vec<Key<'a>>, T)>,
    add: impl Fn(&mut T, &T),
) -> BTreeMap<Key<'a>, T> {
    let mut sums: BTreeMap<Key<'a>, T> = BTreeMap::new();
    for (keys, one) in counted {
        for key in keys {
            add(sums.entry(key).or_default(), &one);
        }
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_read_as_they_print() {
        let month: Month = "2025-12".parse().unwrap();
        assert_eq!(month.to_string(), "2025-12");
        assert_eq!(month.next().to_string(), "2026-01");
        assert_eq!(month.last_day().to_string(), "2025-12-31");
        for text in ["2025-13", "2025-1", "2025", "25-01", "2025-00", ""] {
            assert!(text.parse::<Month>().is_err(), "{text}");
        }
    }
}
