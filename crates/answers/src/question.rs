//! The questions: number, name, and the method that docs/questions.md states for each.

use serde::{Serialize, Serializer};

use crate::answer::Answer;
use crate::counted::Counted;
use crate::dimension::{By, Month};
use crate::grounds::Grounds;
use crate::reported::Reported;
use crate::{
    backlog, completeness, concentration, conformity, customs, integrity, latency, licensing, official,
    shift, usage, volume,
};

/// The page that states the methods; what `--explain` prints is a section of it.
pub const METHODS: &str = include_str!("../../../docs/questions.md");

/// Declares the questions once: variant, number and name.
macro_rules! questions {
    ($($question:ident = $number:literal, $word:literal;)*) => {
        /// A question.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Question { $(#[doc = concat!("Question ", $number, ", `", $word, "`.")] $question,)* }

        impl Question {
            /// Every question.
            pub const ALL: &[Self] = &[$(Self::$question,)*];

            /// Its number.
            #[must_use]
            pub const fn number(self) -> u8 {
                match self { $(Self::$question => $number,)* }
            }

            /// Its name, as people type it.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self { $(Self::$question => $word,)* }
            }
        }
    };
}

questions! {
    Latency = 1, "latency";
    Shift = 2, "shift";
    Queries = 3, "queries";
    Expedited = 4, "expedited";
    Outcomes = 5, "outcomes";
    Licensed = 6, "licensed";
    Cleared = 7, "cleared";
    Utilisation = 8, "utilisation";
    FirstShipment = 9, "first-shipment";
    Backlog = 10, "backlog";
    Overdue = 11, "overdue";
    Challenges = 12, "challenges";
    Holds = 13, "holds";
    Official = 14, "official";
    Concentration = 15, "concentration";
    Ports = 16, "ports";
    WithoutRight = 17, "without-right";
    Overdrawn = 18, "overdrawn";
    Validity = 19, "validity";
    Mismatch = 20, "mismatch";
    Reuse = 21, "reuse";
    Backdating = 22, "backdating";
    Issuing = 23, "issuing";
    Conformity = 24, "conformity";
    Integrity = 25, "integrity";
}

/// What was asked beside the question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Asked<'a> {
    /// Break down by this.
    pub by: Option<By>,
    /// Only what happened from the first to the last of these months.
    pub months: Option<(Month, Month)>,
    /// The day from which on "after" begins.
    pub split: Option<jiff::civil::Date>,
    /// Days on either side of the split.
    pub window_days: Option<u16>,
    /// Figures that others reported.
    pub reported: &'a [Reported],
    /// What the ledger counted while it recorded.
    pub counted: Option<Counted<'a>>,
}

/// Why a question has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AskError {
    /// The dimension does not apply.
    #[error("{} cannot be broken down by {}; it can by {}", question.word(), by.word(), allowed(*question))]
    NotBy {
        /// The question.
        question: Question,
        /// The dimension.
        by: By,
    },
    /// A split was asked for where there is none.
    #[error("{} has no split; shift has", question.word())]
    NoSplit {
        /// The question.
        question: Question,
    },
    /// No rule set was in force before the split, so no window follows from it.
    #[error("no rule set is in force before {split}: say how many days to compare with --window")]
    NoWindow {
        /// The day.
        split: jiff::civil::Date,
    },
}

fn allowed(question: Question) -> String {
    let words: Vec<&str> = question.dimensions().iter().map(|by| by.word()).collect();
    if words.is_empty() {
        "nothing".to_owned()
    } else {
        words.join(", ")
    }
}

impl Question {
    /// The question of this name or number.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut all = Self::ALL.iter().copied();
        all.find(|question| question.word() == text || question.number().to_string() == text)
    }

    /// The question in words.
    #[must_use]
    pub fn title(self) -> &'static str {
        let heading = self.method().lines().next().unwrap_or_default();
        heading.split_once(": ").map_or(heading, |(_, title)| title)
    }

    /// Definition, computation, how to read it and where it comes from, as the page of methods states them.
    #[must_use]
    pub fn method(self) -> &'static str {
        let heading = format!("## {} {}: ", self.number(), self.word());
        let start = METHODS.find(&heading).unwrap_or(METHODS.len());
        let section = METHODS.get(start..).unwrap_or_default();
        let body = section.get(3..).unwrap_or_default();
        let end = body.find("\n## ").unwrap_or(body.len());
        body.get(..end).unwrap_or_default().trim_end()
    }

    /// One part of the method, by its name: definition, computation, reading or source.
    #[must_use]
    pub fn part(self, name: &str) -> Option<&'static str> {
        let head = format!("**{name}.** ");
        self.method()
            .split("\n\n")
            .find_map(|paragraph| paragraph.strip_prefix(head.as_str()))
            .map(str::trim)
    }

    /// What it can be broken down by.
    #[must_use]
    pub const fn dimensions(self) -> &'static [By] {
        match self {
            Self::Latency
            | Self::Queries
            | Self::Outcomes
            | Self::Licensed
            | Self::Cleared
            | Self::Utilisation
            | Self::FirstShipment
            | Self::Backlog
            | Self::Overdue => By::ALL,
            Self::Shift => &[By::Port, By::Group, By::Country, By::Element, By::Form, By::Lane],
            Self::Expedited => &[By::Port, By::Group, By::Country, By::Element, By::Form, By::Month],
            Self::Challenges | Self::Holds => &[By::Port, By::Month],
            Self::Concentration => &[By::Month, By::Element, By::Form],
            Self::Official | Self::Ports | Self::Conformity | Self::Integrity => &[],
            Self::WithoutRight
            | Self::Overdrawn
            | Self::Validity
            | Self::Mismatch
            | Self::Reuse
            | Self::Backdating
            | Self::Issuing => &[By::Port],
        }
    }
}

impl Serialize for Question {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.word())
    }
}

/// Answers a question.
///
/// # Errors
/// [`AskError`] when what was asked beside the question does not apply to it.
pub fn answer(grounds: &Grounds<'_>, question: Question, asked: &Asked<'_>) -> Result<Answer, AskError> {
    asked.check(question)?;
    Ok(match question {
        Question::Latency => latency::latency(grounds, asked),
        Question::Shift => shift::shift(grounds, asked)?,
        Question::Queries => licensing::queries(grounds, asked),
        Question::Expedited => licensing::expedited(grounds, asked),
        Question::Outcomes => licensing::outcomes(grounds, asked),
        Question::Licensed => volume::licensed(grounds, asked),
        Question::Cleared => volume::cleared(grounds, asked),
        Question::Utilisation => usage::utilisation(grounds, asked),
        Question::FirstShipment => usage::first_shipment(grounds, asked),
        Question::Backlog => backlog::backlog(grounds, asked),
        Question::Overdue => backlog::overdue(grounds, asked),
        Question::Challenges => customs::challenges(grounds, asked),
        Question::Holds => customs::holds(grounds, asked),
        Question::Official => official::official(grounds, asked),
        Question::Concentration => concentration::concentration(grounds, asked),
        Question::Ports => customs::ports(grounds, asked),
        Question::WithoutRight
        | Question::Overdrawn
        | Question::Validity
        | Question::Mismatch
        | Question::Reuse
        | Question::Backdating
        | Question::Issuing => integrity::broken_rules(grounds, question, asked),
        Question::Conformity => conformity::conformity(grounds, asked),
        Question::Integrity => completeness::completeness(grounds, asked),
    })
}

impl Asked<'_> {
    /// Whether what was asked beside `question` applies to it, as far as that does not depend on facts.
    ///
    /// # Errors
    /// [`AskError`] when it does not.
    pub fn check(&self, question: Question) -> Result<(), AskError> {
        if let Some(by) = self.by.filter(|by| !question.dimensions().contains(by)) {
            return Err(AskError::NotBy { question, by });
        }
        if question != Question::Shift && (self.split.is_some() || self.window_days.is_some()) {
            return Err(AskError::NoSplit { question });
        }
        Ok(())
    }

    /// Whether something that happened on a day is asked about.
    pub(crate) fn covers(&self, day: jiff::civil::Date) -> bool {
        let month = Month::of(day);
        self.months
            .is_none_or(|(first, last)| first <= month && month <= last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_question_has_a_method() {
        for (at, question) in Question::ALL.iter().enumerate() {
            assert_eq!(usize::from(question.number()), at + 1);
            assert_eq!(Question::parse(question.word()), Some(*question));
            assert_eq!(Question::parse(&question.number().to_string()), Some(*question));
            assert!(
                question.title().ends_with('?'),
                "{question:?}: {:?}",
                question.title()
            );
            let method = question.method();
            for part in [
                "**Definition.**",
                "**Computation.**",
                "**Reading.**",
                "**Source.**",
                "**Example.**",
            ] {
                assert!(method.contains(part), "{question:?} has no {part}");
            }
        }
        assert_eq!(Question::parse("26"), None);
    }
}
