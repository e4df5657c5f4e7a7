//! Working days: the weekdays, less public holidays, plus the weekend days that are worked instead.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::{Date, Weekday};
use jiff::{SignedDuration, Timestamp, ToSpan, tz};

use crate::table::{Table, TableError};

/// The date in the time of China (+08:00, the whole country, no daylight saving) on which `at` falls.
///
/// The only place where an instant becomes a date.
#[must_use]
pub fn local_date(at: Timestamp) -> Date {
    tz::offset(8).to_datetime(at).date()
}

/// A question that reaches beyond the published calendar. It is never answered by a guess.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{date} is outside the published calendar, {first} to {last}")]
pub struct CalendarError {
    /// The date that would have to be known.
    pub date: Date,
    /// First published day.
    pub first: Date,
    /// Last published day.
    pub last: Date,
}

/// The working-day calendar of whole published years.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Calendar {
    /// 1 January of the first published year.
    first: Date,
    /// For each day from `first` on, how many days up to and including it are worked.
    worked: Vec<u32>,
}

impl Calendar {
    /// Reads columns `date`, `override` (`off` or `work`); others are for people. A year is published when it occurs.
    ///
    /// # Errors
    /// [`TableError`] names file, line, field and rule; a missing year between two others and an empty file are
    /// refused.
    pub fn parse(file: &str, text: &str) -> Result<Self, TableError> {
        let mut overrides = BTreeMap::new();
        let mut table = Table::open(
            file,
            text,
            &["date", "override", "name_zh", "name_en", "notice_url"],
        )?;
        while let Some(row) = table.next_row()? {
            let date: Date = row.parsed("date", "a date as YYYY-MM-DD")?;
            let worked = row.one_of("override", &[("off", false), ("work", true)])?;
            if overrides.insert(date, worked).is_some() {
                return Err(row.invalid("date", "listed once"));
            }
        }
        let (Some((first_entry, _)), Some((last_entry, _))) =
            (overrides.first_key_value(), overrides.last_key_value())
        else {
            return Err(TableError::Empty {
                file: file.to_owned(),
            });
        };
        let (first_year, last_year) = (first_entry.year(), last_entry.year());
        let years: BTreeSet<i16> = overrides.keys().map(|date| date.year()).collect();
        if let Some(year) = (first_year..=last_year).find(|year| !years.contains(year)) {
            return Err(TableError::YearMissing {
                file: file.to_owned(),
                year,
            });
        }
        Ok(Self::from_overrides(
            first_entry.first_of_year(),
            last_year,
            &overrides,
        ))
    }

    fn from_overrides(first: Date, last_year: i16, overrides: &BTreeMap<Date, bool>) -> Self {
        let mut count = 0;
        let worked = first
            .series(1.day())
            .take_while(|date| date.year() <= last_year)
            .map(|date| {
                let weekday = !matches!(date.weekday(), Weekday::Saturday | Weekday::Sunday);
                count += u32::from(overrides.get(&date).copied().unwrap_or(weekday));
                count
            })
            .collect();
        Self { first, worked }
    }

    /// First and last published day.
    #[must_use]
    pub fn range(&self) -> (Date, Date) {
        (self.first, self.date_at(self.worked.len().saturating_sub(1)))
    }

    /// Whether `date` is worked.
    ///
    /// # Errors
    /// [`CalendarError`] outside the published years.
    pub fn is_working_day(&self, date: Date) -> Result<bool, CalendarError> {
        let index = self.index_of(date)?;
        let before = index.checked_sub(1).map_or(0, |index| self.worked_by(index));
        Ok(self.worked_by(index) > before)
    }

    /// The `n`-th working day after `date`, the date itself not counted; `date` for `n` = 0.
    ///
    /// # Errors
    /// [`CalendarError`] when either lies outside the published years.
    pub fn working_days_after(&self, date: Date, n: u32) -> Result<Date, CalendarError> {
        let index = self.index_of(date)?;
        if n == 0 {
            return Ok(date);
        }
        let wanted = self.worked_by(index).saturating_add(n);
        let found = self.worked.partition_point(|worked| *worked < wanted);
        if found == self.worked.len() {
            return Err(self.unknown(self.date_at(found)));
        }
        Ok(self.date_at(found))
    }

    /// How many working days lie after `from` up to and including `to`; 0 where `to` is not after `from`.
    ///
    /// # Errors
    /// [`CalendarError`] when either end lies outside the published years.
    pub fn working_days_between(&self, from: Date, to: Date) -> Result<u32, CalendarError> {
        let (from, to) = (self.index_of(from)?, self.index_of(to)?);
        Ok(self.worked_by(to).saturating_sub(self.worked_by(from)))
    }

    fn index_of(&self, date: Date) -> Result<usize, CalendarError> {
        usize::try_from(date.duration_since(self.first).as_hours() / 24)
            .ok()
            .filter(|index| self.first <= date && *index < self.worked.len())
            .ok_or_else(|| self.unknown(date))
    }

    fn date_at(&self, index: usize) -> Date {
        let days = i64::try_from(index).unwrap_or(i64::MAX).saturating_mul(24);
        self.first.saturating_add(SignedDuration::from_hours(days))
    }

    fn worked_by(&self, index: usize) -> u32 {
        self.worked.get(index).copied().unwrap_or_default()
    }

    fn unknown(&self, date: Date) -> CalendarError {
        let (first, last) = self.range();
        CalendarError { date, first, last }
    }
}
