//! Questions, findings and claims: what the ledger says, and what that rests on.

pub(crate) mod asking;
mod claims;
mod findings;
mod rests_on;
mod stats;

use portbook_audit::FactsAt;

use crate::args::{Command, RestsOnArgs};
use crate::failure::Failure;
use crate::reference::Tables;
use crate::speech::Speech;

pub(crate) use claims::run as claims;
pub(crate) use findings::run as findings;
pub(crate) use rests_on::{Basis, Loaded};
pub(crate) use stats::{REPORTED, run as stats};

/// Answers `command` as this process knows the ledger; `false` when it is no question, or one about another time.
pub(crate) fn tell(
    speech: &Speech,
    at: &FactsAt,
    tables: &Tables,
    command: &Command,
) -> Result<bool, Failure> {
    let basis = |args: &RestsOnArgs| asking::is_now(args).then(|| Basis::over(at, tables, args));
    if let Command::Stats(args) = command
        && let Some((question, basis)) = args.question.zip(basis(&args.rests_on))
    {
        stats::tell(speech, &basis, question, args)?;
    } else if let Command::Findings(args) = command
        && let Some(basis) = basis(&args.rests_on)
    {
        findings::tell(speech, &basis, args)?;
    } else if let Command::Claims(args) = command
        && let Some(basis) = basis(&args.rests_on).filter(|_| args.files.is_empty())
    {
        claims::tell(speech, &basis, args)?;
    } else {
        return Ok(false);
    }
    Ok(true)
}
