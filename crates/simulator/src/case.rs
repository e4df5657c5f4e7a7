//! Names of cases, licences and declarations: unique over all runs of a simulation.

use std::fmt;

/// A case within its run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Case<'a> {
    /// An application for a dual-use licence, by its place in the order of submission.
    Dual(i64),
    /// A lot of an oxide, by its flow.
    Oxide(i64, i64),
    /// A shipment of uncontrolled magnets, by month and destination as the targets list it.
    Light(i8, &'a str, i64),
}

/// A declaration within its run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct DeclarationRef<'a> {
    /// First four digits.
    pub(crate) office: &'a str,
    /// Place among the declarations of the office, from 0.
    pub(crate) serial: i64,
}

/// How the things of one run are numbered among those of the others.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Numbering {
    /// Year of the scenario.
    pub(crate) year: i16,
    /// How many runs there are.
    pub(crate) runs: i64,
    /// Which one this is, from 0.
    pub(crate) run: i64,
    /// Licences granted in the runs before this one.
    pub(crate) licenses_before: i64,
}

impl fmt::Display for Case<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dual(at) => write!(f, "DU{at}"),
            Self::Oxide(flow, lot) => write!(f, "OX{flow}.{lot}"),
            Self::Light(month, destination, at) => write!(f, "LT{month}{destination}{at}"),
        }
    }
}

impl Numbering {
    /// The id of a case.
    pub(crate) fn case(&self, case: Case<'_>) -> String {
        let year = self.year;
        match case {
            Case::Dual(at) => format!("{year}DU{:06}", self.spread(at)),
            Case::Oxide(flow, lot) => format!("{year}OX{flow:03}{:03}", self.spread(lot)),
            Case::Light(month, destination, at) => {
                format!("{year}LT{month:02}{destination}{:05}", self.spread(at))
            }
        }
    }

    /// The number of a licence: one series without gaps over all runs.
    pub(crate) fn license(&self, rank: i64) -> String {
        format!("{:02}DU{:06}", self.year % 100, self.licenses_before + rank + 1)
    }

    /// The number of a declaration: office, year, 0 for export, serial.
    pub(crate) fn declaration(&self, declaration: DeclarationRef<'_>) -> String {
        let DeclarationRef { office, serial } = declaration;
        format!("{office}{}0{:09}", self.year, self.spread(serial))
    }

    const fn spread(&self, at: i64) -> i64 {
        at * self.runs + self.run + 1
    }
}
