//! Labels of defects: which one is where.

use std::io::{self, Write};

use crate::case::{Case, Numbering};
use crate::line::uuid;

/// What was done to one fact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Label<'a> {
    /// The rule that is broken.
    pub(crate) rule: &'static str,
    /// The fact.
    pub(crate) id: (u64, u64),
    /// Its case.
    pub(crate) case: Case<'a>,
    /// Its licence.
    pub(crate) license: Option<i64>,
    /// What else is to be known.
    pub(crate) note: Note,
}

/// What else is to be known of a defect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Note {
    /// Nothing.
    None,
    /// The number of the licence that is no longer there.
    License(i64),
    /// A word.
    Word(&'static str),
}

impl Label<'_> {
    /// Writes it as a line.
    pub(crate) fn write(&self, out: &mut dyn Write, numbers: &Numbering) -> io::Result<()> {
        let license = match self.license {
            Some(rank) => format!("\"{}\"", numbers.license(rank)),
            None => "null".to_owned(),
        };
        let note = match self.note {
            Note::None => String::new(),
            Note::License(rank) => numbers.license(rank),
            Note::Word(word) => word.to_owned(),
        };
        writeln!(
            out,
            "{{\"rule\":\"{}\",\"event_id\":\"{}\",\"case_id\":\"{}\",\"license_no\":{license},\"note\":\"{note}\"}}",
            self.rule,
            uuid(self.id),
            numbers.case(self.case),
        )
    }
}
