//! What an answer rests on: leaves, a day, tables and policies, each by digest.

use std::borrow::Cow;
use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use portbook_answers::{Counted, Grounds, SourceCount};
use portbook_audit::{FactsAt, KeptFacts, Prefix, SourceFacts, sealed_prefix};
use portbook_store::StoreReader;
use portbook_views::Facts;
use serde::Serialize;

use crate::args::{Known, RestsOnArgs};
use crate::failure::Failure;
use crate::reference::{self, Tables};
use crate::session::Session;
use crate::speech::{Speech, grouped};

/// Facts of so many leaves are kept by whoever folded them: fewer are folded again in no time.
const KEPT_FROM: u64 = 50_000;

/// Facts that this process folded, and the tables they are judged by.
pub(crate) struct Loaded {
    at: FactsAt,
    tables: Tables,
}

/// What one answer is given on.
pub(crate) struct Basis<'a> {
    pub(crate) at: &'a FactsAt,
    pub(crate) tables: &'a Tables,
    facts: Cow<'a, Facts>,
    args: RestsOnArgs,
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
    /// Folds the part of the ledger that was asked for, on from what is kept if that is no more; the tables are read meanwhile.
    pub(crate) fn load(session: &Session, args: &RestsOnArgs) -> Result<Self, Failure> {
        Self::of(session, &StoreReader::open(&session.home.ledger().store())?, args)
    }

    /// The same from a store that is open.
    pub(crate) fn of(session: &Session, reader: &StoreReader, args: &RestsOnArgs) -> Result<Self, Failure> {
        std::thread::scope(|scope| {
            let tables = scope.spawn(reference::load);
            let at = load_facts(session, reader, args)?;
            match tables.join() {
                Ok(tables) => Ok(Self { at, tables: tables? }),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        })
    }

    pub(crate) fn basis(&self, args: &RestsOnArgs) -> Basis<'_> {
        Basis::over(&self.at, &self.tables, args)
    }
}

fn load_facts(session: &Session, reader: &StoreReader, args: &RestsOnArgs) -> Result<FactsAt, Failure> {
    let prefix = match args.at {
        None => Prefix::Newest,
        Some(Known::Size(size)) => Prefix::Size(size),
        Some(Known::Time(time)) => Prefix::Time(u64::try_from(time.as_nanosecond()).unwrap_or(0)),
    };
    let sealed = sealed_prefix(reader, prefix).map_err(|error| {
        Failure::from(error).hint("portbook checkpoint ls lists the checkpoints there are")
    })?;
    let size = sealed.index.get().saturating_add(1);
    let kept = KeptFacts::in_ledger(&session.home.ledger());
    let loaded = if args.recompute {
        None
    } else {
        kept.load(reader, size)?
    };
    let mut at = loaded.unwrap_or_else(FactsAt::empty);
    let before = at.size;
    let bar = session.speech.bar("facts", size);
    let folded = at.fold_on(reader, &sealed, |leaf| bar.set_position(leaf));
    bar.finish_and_clear();
    folded?;
    if args.at.is_none() && !args.recompute && size - before >= KEPT_FROM {
        // Who may not write here folds again the next time.
        if let Err(error) = kept.write(&at) {
            tracing::debug!(%error, "the facts are not kept");
        }
    }
    Ok(at)
}

impl<'a> Basis<'a> {
    /// Facts, judged by `tables` as `args` say.
    pub(crate) fn over(at: &'a FactsAt, tables: &'a Tables, args: &RestsOnArgs) -> Self {
        let facts = if args.as_recorded {
            Cow::Owned(at.facts.as_recorded())
        } else {
            Cow::Borrowed(&at.facts)
        };
        Self {
            at,
            tables,
            facts,
            args: *args,
        }
    }

    pub(crate) fn grounds(&self) -> Grounds<'_> {
        Grounds::new(&self.facts, &self.tables.reference, self.args.as_of)
    }

    /// What each source published and stated.
    pub(crate) fn sources(&self) -> Vec<SourceCount<'a>> {
        let count = |(source, it): (&'a String, &'a SourceFacts)| SourceCount {
            source,
            events: it.events,
            statements: it.statements,
            stated: it.stated,
            events_at_statement: it.events_at_statement,
            differing: it.differing,
            stated_at_ns: it.stated_at_ns.and_then(|at_ns| i64::try_from(at_ns).ok()),
            ports: &it.ports,
        };
        self.at.sources.iter().map(count).collect()
    }

    /// Every seal, and when it was made.
    pub(crate) fn seals(&self) -> Vec<(u64, i64)> {
        let seals = self.at.seals.iter();
        seals
            .map(|seal| (seal.index, i64::try_from(seal.sealed_at_ns).unwrap_or(i64::MAX)))
            .collect()
    }

    /// What the ledger counted while it recorded.
    pub(crate) fn counted<'b>(&self, sources: &'b [SourceCount<'b>], seals: &'b [(u64, i64)]) -> Counted<'b> {
        let counts = self.at.counted;
        Counted {
            events: counts.events,
            redeliveries: counts.redeliveries,
            conflicts: counts.conflicts,
            unreadable: counts.unreadable,
            idle: u64::try_from(self.at.idle.len()).unwrap_or(u64::MAX),
            sources,
            seals,
        }
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
        RestsOn {
            checkpoint: CheckpointAt {
                size: self.at.size,
                root: self.at.root.to_base64(),
            },
            known_until: Timestamp::from_nanosecond(i128::from(self.at.recorded_at_ns()))
                .unwrap_or(Timestamp::UNIX_EPOCH),
            as_of: grounds.as_of,
            corrections: if self.args.as_recorded {
                "left out"
            } else {
                "applied"
            },
            facts: grounds.count,
            simulated: grounds.simulated,
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
    pub(crate) fn print(&self, speech: &Speech) -> Result<(), Failure> {
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
