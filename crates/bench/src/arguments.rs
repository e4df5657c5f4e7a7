//! What can be typed after the command's name.

use std::collections::BTreeSet;

/// Events when nothing else is asked for.
const EVENTS: u64 = 100_000;
/// Fewer events than this take too little time to be measured.
const EVENTS_MIN: u64 = 5_000;

pub(crate) const USAGE: &str = "\
Measures portbook against the limits of this machine, in the same run, as ratios.

Usage: portbook-bench [--events N] [--million] [--only PART,...] [--json]

  --events N    events in the stream (default 100000)
  --million     one run more, over 1000000 events, for memory and growth
  --only PARTS  some of: import, commands, replay, verify, memory, growth
  --json        one JSON document instead of a table
  --help        this text";

/// What to measure and how to say it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Arguments {
    /// Events in the stream.
    pub(crate) events: u64,
    /// Whether to add the run over a million events.
    pub(crate) million: bool,
    /// What to measure.
    pub(crate) parts: BTreeSet<Part>,
    /// Whether the answer is for a program.
    pub(crate) json: bool,
    /// Whether only the usage is asked for.
    pub(crate) help: bool,
}

/// Something that is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Part {
    /// Facts from a file into the stream.
    Import,
    /// Commands, decided and stored.
    Commands,
    /// The stream into the ledger.
    Replay,
    /// The ledger checked.
    Verify,
    /// Peak memory of replaying and checking.
    Memory,
    /// Cost of an event in a long ledger and in a short one.
    Growth,
}

/// What cannot be understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum UsageError {
    /// No such flag.
    #[error("{found:?} is no argument")]
    Unknown {
        /// What was typed.
        found: String,
    },
    /// A flag without its value, or with one it cannot have.
    #[error("{flag} needs {rule}, found {found:?}")]
    Value {
        /// The flag.
        flag: &'static str,
        /// What it needs.
        rule: &'static str,
        /// What was typed.
        found: String,
    },
}

impl Part {
    const ALL: [Self; 6] = [
        Self::Import,
        Self::Commands,
        Self::Replay,
        Self::Verify,
        Self::Memory,
        Self::Growth,
    ];

    /// Its name.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Import => "import",
            Self::Commands => "commands",
            Self::Replay => "replay",
            Self::Verify => "verify",
            Self::Memory => "memory",
            Self::Growth => "growth",
        }
    }
}

impl Arguments {
    /// Reads what was typed.
    pub(crate) fn parse(typed: impl IntoIterator<Item = String>) -> Result<Self, UsageError> {
        let mut arguments = Self {
            events: EVENTS,
            million: false,
            parts: Part::ALL.into(),
            json: false,
            help: false,
        };
        let mut typed = typed.into_iter();
        while let Some(flag) = typed.next() {
            match flag.as_str() {
                "--events" => arguments.events = events(&typed.next().unwrap_or_default())?,
                "--only" => arguments.parts = parts(&typed.next().unwrap_or_default())?,
                "--million" => arguments.million = true,
                "--json" => arguments.json = true,
                "--help" | "-h" => arguments.help = true,
                _ => return Err(UsageError::Unknown { found: flag }),
            }
        }
        Ok(arguments)
    }

    /// Whether `part` is to be measured.
    pub(crate) fn wants(&self, part: Part) -> bool {
        self.parts.contains(&part)
    }
}

fn events(found: &str) -> Result<u64, UsageError> {
    let number = found.parse().ok().filter(|number| *number >= EVENTS_MIN);
    number.ok_or_else(|| UsageError::Value {
        flag: "--events",
        rule: "a number from 5000 on",
        found: found.to_owned(),
    })
}

fn parts(found: &str) -> Result<BTreeSet<Part>, UsageError> {
    let named = |name: &str| Part::ALL.into_iter().find(|part| part.name() == name);
    let parts: Option<BTreeSet<Part>> = found.split(',').map(|name| named(name.trim())).collect();
    parts.ok_or_else(|| UsageError::Value {
        flag: "--only",
        rule: "some of import, commands, replay, verify, memory, growth",
        found: found.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(typed: &str) -> Result<Arguments, UsageError> {
        Arguments::parse(typed.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn without_flags_everything_is_measured_over_100_000_events() {
        let arguments = parse("").unwrap();
        assert_eq!(arguments.events, 100_000);
        assert!(Part::ALL.into_iter().all(|part| arguments.wants(part)));
        assert!(!arguments.million && !arguments.json && !arguments.help);
    }

    #[test]
    fn parts_are_chosen_by_name() {
        let arguments = parse("--only verify,import --events 5000 --million --json").unwrap();
        assert_eq!(arguments.parts, [Part::Import, Part::Verify].into());
        assert_eq!(arguments.events, 5_000);
        assert!(arguments.million && arguments.json);
    }

    #[test]
    fn what_cannot_be_understood_is_named() {
        for typed in ["--only", "--only impart", "--events 4999", "--events", "--fast"] {
            let flag = typed.split(' ').next().unwrap();
            assert!(parse(typed).unwrap_err().to_string().contains(flag), "{typed}");
        }
    }

    #[test]
    fn the_usage_names_every_part() {
        assert!(Part::ALL.iter().all(|part| USAGE.contains(part.name())));
    }
}
