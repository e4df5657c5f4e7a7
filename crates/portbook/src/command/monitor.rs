//! `portbook monitor`: follow a log from outside, read every leaf, and raise the alarm.

use std::path::PathBuf;
use std::time::Duration;

use portbook_ledger::{OpenedCheckpoint, Policy, VerifierKey};
use portbook_witness::{Cosigned, Mirror, Monitor, MonitorError, Sighting};
use serde::Serialize;

use crate::args::witness::MonitorArgs;
use crate::command::verify::parse_key;
use crate::command::witness::{origin_of, source, unopened};
use crate::cosigning::load_policy;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::node::interrupted;
use crate::session::Session;
use crate::speech::grouped;

#[derive(Serialize)]
struct SightingDocument<'a> {
    schema: &'static str,
    verdict: &'static str,
    origin: &'a str,
    size: u64,
    before: u64,
    root: String,
    witnesses: Option<usize>,
    quorum: Option<bool>,
}

#[derive(Serialize)]
struct AlarmDocument<'a> {
    schema: &'static str,
    verdict: &'static str,
    what: &'a str,
    proof: Option<String>,
}

/// Looks at the log once, or until it is interrupted or the log is to blame for something.
pub(crate) fn run(session: &Session, args: &MonitorArgs) -> Outcome {
    let key = parse_key(&args.key)?;
    let policy = args.policy.as_deref().map(load_policy).transpose()?;
    let mirror = Mirror::open(&args.dir).map_err(|error| Failure::of(Exit::InputOutput, &error))?;
    let opened = Monitor::open(origin_of(&key)?, vec![key.clone()], source(&args.url)?, mirror);
    let mut monitor = opened.map_err(|error| unopened(&error, &args.dir))?;
    let watched = Watched {
        session,
        key,
        policy,
        once: args.once,
    };
    session.block_on(async {
        let mut ticks = tokio::time::interval(Duration::from_millis(args.interval_ms.max(1)));
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let stop = interrupted();
        tokio::pin!(stop);
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                () = &mut stop => return Ok(Exit::Done),
            }
            let looked = tokio::select! {
                looked = monitor.look() => looked,
                () = &mut stop => return Ok(Exit::Done),
            };
            if let Some(exit) = watched.tell(looked)? {
                return Ok(exit);
            }
        }
    })
}

struct Watched<'a> {
    session: &'a Session,
    key: VerifierKey,
    policy: Option<Policy>,
    once: bool,
}

impl Watched<'_> {
    /// Tells what a look came to; how to end, if that is the end.
    fn tell(&self, looked: Result<Sighting, MonitorError>) -> Result<Option<Exit>, Failure> {
        match looked {
            Ok(sighting) => self.tell_sighting(&sighting),
            Err(MonitorError::Alarm { alarm, file }) => {
                let exit = exit_of(alarm.kind);
                self.tell_alarm(alarm.kind, &alarm.what, file)?;
                Ok(Some(exit))
            }
            Err(error @ MonitorError::Unwritten { .. }) => Err(Failure::of(Exit::InputOutput, &error)),
            Err(MonitorError::Unseen(error)) if self.once => Err(Failure::of(Exit::Incomplete, &error)
                .hint("nothing is known against the log; look again, or ask its operator")),
            Err(MonitorError::Unseen(error)) => {
                let failure = Failure::of(Exit::Incomplete, &error);
                self.session
                    .speech
                    .tell(format_args!("could not look: {failure}"));
                Ok(None)
            }
        }
    }

    fn tell_sighting(&self, sighting: &Sighting) -> Result<Option<Exit>, Failure> {
        let checkpoint = &sighting.checkpoint;
        let cosigned = self
            .policy
            .as_ref()
            .map(|policy| self.judge(policy, sighting))
            .transpose()?;
        let (speech, news) = (&self.session.speech, checkpoint.size > sighting.before);
        if speech.is_machine() {
            if news || self.once {
                speech.json(&SightingDocument {
                    schema: "portbook.monitor/v1",
                    verdict: "consistent",
                    origin: checkpoint.origin.as_str(),
                    size: checkpoint.size.get(),
                    before: sighting.before.get(),
                    root: checkpoint.root.to_base64(),
                    witnesses: cosigned.map(|cosigned| cosigned.witnesses),
                    quorum: cosigned.map(|cosigned| cosigned.quorum),
                })?;
            }
        } else if news || self.once {
            let witnesses = cosigned.map_or_else(
                String::new,
                |Cosigned {
                     witnesses,
                     known,
                     quorum,
                 }| {
                    let verdict = if quorum { "" } else { ", no quorum" };
                    format!("; witnesses {witnesses} of {known}{verdict}")
                },
            );
            speech.answer(format_args!(
                "{} {} {} leaves, {} new, every chain and seal derived again{witnesses}",
                speech.mark(cosigned.is_none_or(|cosigned| cosigned.quorum)),
                checkpoint.origin,
                grouped(checkpoint.size.get()),
                grouped(checkpoint.size.get() - sighting.before.get()),
            ))?;
        }
        let missing = cosigned.is_some_and(|cosigned| !cosigned.quorum);
        Ok(self
            .once
            .then_some(if missing { Exit::Incomplete } else { Exit::Done }))
    }

    fn judge(&self, policy: &Policy, sighting: &Sighting) -> Result<Cosigned, Failure> {
        let origin = &sighting.checkpoint.origin;
        let opened = OpenedCheckpoint::open(&sighting.note, origin, &self.key, &policy.witness_keys());
        let opened = opened.map_err(|error| Failure::of(Exit::LedgerFault, &error))?;
        Ok(Cosigned::judge(policy, &opened.cosignatures))
    }

    fn tell_alarm(&self, kind: &'static str, what: &str, file: Option<PathBuf>) -> Result<(), Failure> {
        let speech = &self.session.speech;
        if speech.is_machine() {
            return speech.json(&AlarmDocument {
                schema: "portbook.alarm/v1",
                verdict: kind,
                what,
                proof: file.map(|file| file.display().to_string()),
            });
        }
        speech.answer(format_args!("{} {kind}: {what}", speech.mark(false)))?;
        match file {
            Some(file) => speech.answer(format_args!("  proof in {}", file.display())),
            None => speech.answer("  the proof is all of the leaves, kept in the directory of this monitor"),
        }
    }
}

fn exit_of(kind: &str) -> Exit {
    match kind {
        "FORK" | "ROLLBACK" => Exit::Fork,
        _ => Exit::LedgerFault,
    }
}
