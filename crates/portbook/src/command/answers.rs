//! Questions, findings and claims: what the ledger says, and what that rests on.

pub(crate) mod asking;
mod claims;
mod findings;
mod rests_on;
mod stats;

use crate::args::Command;
use crate::failure::Failure;
use crate::speech::Speech;

pub(crate) use claims::run as claims;
pub(crate) use findings::run as findings;
pub(crate) use rests_on::{Basis, Loaded};
pub(crate) use stats::{REPORTED, run as stats};

/// Answers `command` as this process knows the ledger; `false` when it is no question, or one about another time.
pub(crate) fn tell(
    speech: &Speech,
    at: &portbook_audit::FactsAt,
    tables: &crate::reference::Tables,
    command: &Command,
) -> Result<bool, Failure> {
    match command {
        Command::Stats(args) if asking::is_now(&args.rests_on) => {
            let Some(question) = args.question else {
                return Ok(false);
            };
            let basis = Basis::over(at, tables, &args.rests_on);
            stats::tell(speech, &basis, question, args)?;
        }
        Command::Findings(args) if asking::is_now(&args.rests_on) => {
            findings::tell(speech, &Basis::over(at, tables, &args.rests_on), args)?;
        }
        Command::Claims(args) if asking::is_now(&args.rests_on) && args.files.is_empty() => {
            claims::tell(speech, &Basis::over(at, tables, &args.rests_on), args)?;
        }
        _ => return Ok(false),
    }
    Ok(true)
}
