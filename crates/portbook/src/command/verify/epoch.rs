//! What this machine remembers against what the ledger says: a rollback, or an epoch that was declared openly.

use portbook_audit::{Against, Depth, Epoch, Trust, Verified};
use portbook_ledger::{Checkpoint, Size};
use portbook_store::{LedgerDirectory, StoreReader};
use serde::Serialize;

use super::carry_out;
use super::trust::Trusted;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::session::Session;
use crate::speech::{grouped, harmless};

/// An epoch in an answer.
#[derive(Debug, Serialize)]
pub(super) struct EpochDocument<'a> {
    epoch: u64,
    restored_size: u64,
    reason: &'a str,
    declared_by: &'a str,
    declared_at: &'a str,
}

impl<'a> EpochDocument<'a> {
    pub(super) fn of(epoch: &'a Epoch) -> Self {
        Self {
            epoch: epoch.number,
            restored_size: epoch.index,
            reason: &epoch.reason,
            declared_by: &epoch.declared_by,
            declared_at: &epoch.declared_at,
        }
    }
}

/// What became of a verification that had something to remember.
#[derive(Debug)]
pub(super) enum Judged {
    /// It was carried out.
    Verified(Verified),
    /// The past is offered as the present.
    Rollback(Checkpoint, Option<Size>),
    /// What is remembered was given up openly: an epoch began before it.
    NewEpoch(Epoch, Checkpoint),
}

/// Verifies against what this machine remembers, unless `accepted` is the epoch that gave it up.
pub(super) fn judge(
    session: &Session,
    reader: &StoreReader,
    directory: &LedgerDirectory,
    trust: &mut Trusted,
    (against, depth): (Against, Depth),
    accepted: Option<u64>,
) -> Result<Judged, Failure> {
    let judged = match trust.rollback(directory, against)? {
        Some((seen, newest)) => Judged::Rollback(seen, newest),
        None => Judged::Verified(carry_out(
            session,
            reader,
            directory,
            &trust.trust,
            against,
            depth,
        )?),
    };
    let contradicts = match &judged {
        Judged::Verified(Verified::Holds(_)) => false,
        Judged::Verified(Verified::Faulty { .. }) | Judged::Rollback(..) | Judged::NewEpoch(..) => true,
    };
    let Some(seen) = trust.seen.checkpoint.clone().filter(|_| contradicts) else {
        return Ok(judged);
    };
    let forgetful = Trust {
        remembered: Vec::new(),
        ..trust.trust.clone()
    };
    let alone = carry_out(session, reader, directory, &forgetful, against, Depth::Structure);
    let Ok(Verified::Holds(verification)) = alone else {
        return Ok(judged);
    };
    let begun = verification
        .epochs
        .into_iter()
        .rfind(|epoch| epoch.index < seen.size.get());
    match begun {
        None => Ok(judged),
        Some(epoch) if accepted == Some(epoch.number) => {
            trust.forget();
            let verified = carry_out(session, reader, directory, &trust.trust, against, depth)?;
            Ok(Judged::Verified(verified))
        }
        Some(epoch) => Ok(Judged::NewEpoch(epoch, seen)),
    }
}

/// Tells that an epoch was declared, and what that means for what was seen here.
pub(super) fn report_epoch(session: &Session, epoch: &Epoch, seen: &Checkpoint) -> Outcome {
    let speech = &session.speech;
    if speech.is_machine() {
        speech.json(&serde_json::json!({
            "schema": "portbook.verify/v1", "verdict": "new-epoch", "seen_size": seen.size.get(),
            "epoch": EpochDocument::of(epoch),
        }))?;
        return Ok(Exit::Fork);
    }
    speech.answer(format_args!(
        "{} EPOCH {}  declared behind {} leaves by {} at {}: {}",
        speech.mark(false),
        epoch.number,
        grouped(epoch.index),
        harmless(&epoch.declared_by),
        epoch.declared_at,
        harmless(&epoch.reason)
    ))?;
    speech.answer(format_args!(
        "  seen here  a checkpoint of {} leaves; what it covers beyond {} was signed once and is given up",
        grouped(seen.size.get()),
        grouped(epoch.index)
    ))?;
    speech.answer(format_args!(
        "  next       ask for the lost records; then portbook verify --all --accept-epoch {}",
        epoch.number
    ))?;
    Ok(Exit::Fork)
}
