//! Days and hours of offices: numbers of days since 1970 in local time, seconds since 1970 in UTC.

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};
use portbook_domain::Calendar;

use crate::stream::Stream;

const DAY_S: i64 = 86_400;
/// China is eight hours ahead all the year.
const AHEAD_S: i64 = 8 * 3_600;

/// When offices work.
#[derive(Debug)]
pub(crate) struct Office {
    first: i64,
    working: Vec<bool>,
    /// First and last minute of the day, the last one not worked.
    hours_min: (i64, i64),
}

impl Office {
    /// The offices of a calendar.
    pub(crate) fn new(calendar: &Calendar, hours_min: (i64, i64)) -> Self {
        let (first, last) = calendar.range();
        let days = first.series(1.day()).take_while(|date| *date <= last);
        Self {
            first: day_of(first),
            working: days
                .map(|date| calendar.is_working_day(date).unwrap_or_default())
                .collect(),
            hours_min,
        }
    }

    /// Whether a day is worked; days outside the calendar are not.
    pub(crate) fn is_working(&self, day: i64) -> bool {
        usize::try_from(day - self.first)
            .ok()
            .and_then(|at| self.working.get(at))
            .copied()
            .unwrap_or_default()
    }

    /// The first working day from `day` on; `day` itself where the calendar knows none.
    pub(crate) fn at_or_after(&self, day: i64) -> i64 {
        (day..self.end()).find(|day| self.is_working(*day)).unwrap_or(day)
    }

    /// The last working day up to `day`; `day` itself where the calendar knows none.
    pub(crate) fn at_or_before(&self, day: i64) -> i64 {
        (self.first..=day)
            .rev()
            .find(|day| self.is_working(*day))
            .unwrap_or(day)
    }

    /// The `n`-th working day after `day`.
    pub(crate) fn after(&self, day: i64, n: i64) -> i64 {
        (0..n).fold(day, |day, _| self.at_or_after(day + 1))
    }

    /// The next day after `day` that is not worked.
    pub(crate) fn next_day_off(&self, day: i64) -> i64 {
        (day + 1..self.end())
            .find(|day| !self.is_working(*day))
            .unwrap_or(day)
    }

    /// The working days from `from` to `to`.
    pub(crate) fn days(&self, from: i64, to: i64) -> impl Iterator<Item = i64> {
        (from..=to).filter(|day| self.is_working(*day))
    }

    /// A moment within the hours of `day`.
    pub(crate) fn moment(&self, day: i64, stream: &mut Stream) -> i64 {
        let (open, close) = self.hours_min;
        start_of(day) + stream.between(open * 60, close * 60 - 1)
    }

    fn end(&self) -> i64 {
        self.first + i64::try_from(self.working.len()).unwrap_or_default()
    }
}

/// Number of a date.
pub(crate) fn day_of(date: Date) -> i64 {
    date.duration_since(Date::constant(1970, 1, 1)).as_hours() / 24
}

/// Date of a number.
pub(crate) fn date_of(day: i64) -> Date {
    Date::constant(1970, 1, 1)
        .checked_add(day.days())
        .unwrap_or(Date::MAX)
}

/// The moment at which a local day begins.
pub(crate) const fn start_of(day: i64) -> i64 {
    day * DAY_S - AHEAD_S
}

/// The local day of a moment.
pub(crate) const fn local_day(moment_s: i64) -> i64 {
    (moment_s + AHEAD_S).div_euclid(DAY_S)
}

/// A moment as time.
pub(crate) fn timestamp(moment_s: i64) -> Timestamp {
    Timestamp::from_second(moment_s).unwrap_or(Timestamp::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CALENDAR: &str = include_str!("../../../config/reference/calendar_cn.csv");

    #[test]
    fn days_and_moments_agree() {
        let office = Office::new(
            &Calendar::parse("calendar_cn.csv", CALENDAR).unwrap(),
            (540, 1050),
        );
        let friday = day_of(Date::constant(2025, 4, 4));
        assert!(!office.is_working(friday), "a public holiday");
        assert_eq!(date_of(office.at_or_after(friday)), Date::constant(2025, 4, 7));
        assert_eq!(date_of(office.at_or_before(friday)), Date::constant(2025, 4, 3));
        assert_eq!(date_of(office.after(friday, 45)), Date::constant(2025, 6, 11));
        let mut stream = Stream::of(3);
        for _ in 0..100 {
            let moment = office.moment(friday, &mut stream);
            assert_eq!(local_day(moment), friday);
            let text = timestamp(moment).to_string();
            assert!(
                text.as_str() >= "2025-04-04T01:00:00Z" && text.as_str() < "2025-04-04T09:30:00Z",
                "{text}"
            );
        }
        assert_eq!(date_of(day_of(Date::MAX)), Date::MAX);
    }
}
