//! Working days, day by day, as a calendar that nobody here wrote has them; and nothing beyond the published years.

use jiff::civil::{Date, date};
use portbook_answers::{Asked, Grounds, Question, answer};
use portbook_views::Facts;

use crate::scenario::{facts, messages, reference, repository};

#[test]
fn every_day_of_three_years_is_worked_or_not_as_elsewhere() {
    let calendar = reference().calendar;
    let text = std::fs::read_to_string(repository().join("tests/answers/working_days.txt")).unwrap();
    let mut worked = 0;
    let mut days = 0;
    let start = date(2024, 1, 1);
    for line in text.lines() {
        let (day, is_worked) = line.split_once(' ').unwrap();
        let day: Date = day.parse().unwrap();
        let is_worked = is_worked == "1";
        assert_eq!(calendar.is_working_day(day), Ok(is_worked), "{day}");
        days += 1;
        // Counting is counting: from the first day on, and from the day before.
        worked += u32::from(is_worked && day > start);
        assert_eq!(calendar.working_days_between(start, day), Ok(worked), "{day}");
        if is_worked && day > start {
            assert_eq!(calendar.working_days_after(start, worked), Ok(day));
        }
    }
    assert_eq!(days, 366 + 365 + 365);
    for beyond in [date(2023, 12, 31), date(2027, 1, 1)] {
        assert!(calendar.is_working_day(beyond).is_err());
        assert!(calendar.working_days_between(start, beyond).is_err());
    }
}

#[test]
fn what_reaches_beyond_the_calendar_is_left_out_and_counted() {
    let reference = reference();
    let messages = messages("events.jsonl.gz");
    let facts: Facts = facts(&messages, &reference);
    let ask = |as_of| {
        let grounds = Grounds::new(&facts, &reference, Some(as_of));
        answer(&grounds, Question::Backlog, &Asked::default()).unwrap()
    };
    let within = ask(date(2026, 12, 31));
    assert_eq!((within.beyond_calendar, within.n), (0, 1934));
    let beyond = ask(date(2027, 1, 1));
    assert_eq!((beyond.beyond_calendar, beyond.n), (1934, 1934));
    // Ages that are not known are not printed.
    let ages = beyond.table("age_working_days").unwrap();
    assert_eq!(ages.cell(&["all"], "n").unwrap().to_text(), "0");
    assert_eq!(ages.cell(&["all"], "p50").unwrap().to_text(), "-");
}
