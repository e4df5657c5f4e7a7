//! What an answer rests on: leaves, a day, tables and policies, each by digest.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use portbook_answers::Grounds;
use portbook_audit::{FactsAt, Prefix, facts};
use portbook_store::StoreReader;
use serde::Serialize;

use crate::args::{Known, RestsOnArgs};
use crate::failure::Failure;
use crate::reference::{self, Tables};
use crate::session::Session;
use crate::speech::grouped;

/// Facts of the ledger, and the tables they are judged by.
pub(crate) struct Loaded {
    pub(crate) at: FactsAt,
    pub(crate) tables: Tables,
    as_of: Option<Date>,
    as_recorded: bool,
}

/// Everything a number depends on beside its definition.
#[derive(Debug, Serialize)]
pub(crate) struct RestsOn {
    checkpoint: CheckpointAt,
    /// When the last record was written, by the stream's clock.
    known_until: Timestamp,
    /// Facts of later days are left out.
    as_of: Date,
    corrections: &'static str,
    /// Facts up to that day, and how many of them their source marked as simulated.
    facts: u64,
    simulated: u64,
    calendar: String,
    port_aliases: String,
    /// Digest of each policy's file.
    policies: BTreeMap<String, String>,
}

#[derive(Debug, Serialize)]
struct CheckpointAt {
    size: u64,
    root: String,
}

impl Loaded {
    /// Folds the part of the ledger that was asked for.
    pub(crate) fn load(session: &Session, args: &RestsOnArgs) -> Result<Self, Failure> {
        let reader = StoreReader::open(&session.home.ledger().store())?;
        let prefix = match args.at {
            None => Prefix::Newest,
            Some(Known::Size(size)) => Prefix::Size(size),
            Some(Known::Time(time)) => Prefix::Time(u64::try_from(time.as_nanosecond()).unwrap_or(0)),
        };
        let bar = session.speech.bar("facts", reader.book()?.frontier.size().get());
        let folded = facts(&reader, prefix, |leaf| bar.set_position(leaf));
        bar.finish_and_clear();
        let mut at = folded.map_err(|error| {
            Failure::from(error).hint("portbook checkpoint ls lists the checkpoints there are")
        })?;
        if args.as_recorded {
            at.facts = at.facts.as_recorded();
        }
        Ok(Self {
            at,
            tables: reference::load()?,
            as_of: args.as_of,
            as_recorded: args.as_recorded,
        })
    }

    pub(crate) fn grounds(&self) -> Grounds<'_> {
        Grounds::new(&self.at.facts, &self.tables.reference, self.as_of)
    }

    pub(crate) fn rests_on(&self, grounds: &Grounds<'_>) -> RestsOn {
        let digest = |name: &str| {
            let found = self
                .tables
                .references
                .iter()
                .find(|(file, _)| file.as_str() == name);
            found.map(|(_, digest)| digest.to_string()).unwrap_or_default()
        };
        let policies = self.tables.policies.iter();
        let (mut facts, mut simulated) = (0, 0);
        for fact in grounds.all() {
            facts += 1;
            simulated += u64::from(fact.simulated);
        }
        RestsOn {
            checkpoint: CheckpointAt {
                size: self.at.size,
                root: self.at.root.to_base64(),
            },
            known_until: Timestamp::from_nanosecond(i128::from(self.at.recorded_at_ns))
                .unwrap_or(Timestamp::UNIX_EPOCH),
            as_of: grounds.as_of,
            corrections: if self.as_recorded { "left out" } else { "applied" },
            facts,
            simulated,
            calendar: digest("calendar_cn.csv"),
            port_aliases: digest("port_aliases.csv"),
            policies: policies
                .map(|(file, digest)| (file.to_string(), digest.to_string()))
                .collect(),
        }
    }
}

impl RestsOn {
    /// Prints it below an answer.
    pub(crate) fn print(&self, session: &Session) -> Result<(), Failure> {
        let speech = &session.speech;
        let short = |digest: &str| digest.chars().take(16).collect::<String>();
        speech.answer(format_args!(
            "rests on   checkpoint {} {}",
            grouped(self.checkpoint.size),
            self.checkpoint.root
        ))?;
        speech.answer(format_args!(
            "           known until {}, happened until {}, corrections {}",
            speech.time(self.known_until),
            self.as_of,
            self.corrections
        ))?;
        let policies: Vec<String> = self.policies.values().map(|digest| short(digest)).collect();
        speech.answer(format_args!(
            "           calendar {}, aliases {}, policies {}",
            short(&self.calendar),
            short(&self.port_aliases),
            policies.join(" ")
        ))?;
        if self.simulated > 0 {
            speech.answer(format_args!(
                "SIMULATED  {} of {} facts are marked as simulated by their source",
                grouped(self.simulated),
                grouped(self.facts)
            ))?;
        }
        Ok(())
    }
}
