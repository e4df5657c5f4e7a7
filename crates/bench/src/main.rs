//! Measures portbook against the limits of the machine it runs on, in the same run and on the same events, as ratios.
//!
//! What is measured, against what, and why is written down in `docs/benchmark.md`.

mod arguments;
mod bare;
mod command;
mod cores;
mod fact;
mod figure;
mod import;
mod memory;
mod message;
mod order;
mod plan;
mod replay;
mod site;
mod speech;
mod stage;
mod table;
mod verification;
mod views;
mod whole;

use std::error::Error;
use std::process::ExitCode;

use crate::arguments::{Arguments, USAGE};

/// As the command has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Whatever kept a measurement from being made. It is only ever printed, so one type for all of it will do.
pub(crate) type Failure = Box<dyn Error + Send + Sync>;

fn main() -> ExitCode {
    let typed: Vec<String> = std::env::args().skip(1).collect();
    if let [word, stage @ ..] = typed.as_slice()
        && word == stage::WORD
    {
        return ended(carry_out(stage::carry_out(stage)));
    }
    if let [word, rest @ ..] = typed.as_slice()
        && word == views::WORD
    {
        return ended(carry_out(views::carry_out(rest)));
    }
    let arguments = match Arguments::parse(typed) {
        Ok(arguments) => arguments,
        Err(error) => {
            speech::tell(format_args!("error: {error}\n\n{USAGE}"));
            return ExitCode::from(2);
        }
    };
    if arguments.help {
        return ended(speech::answer(USAGE));
    }
    ended(measure(&arguments))
}

fn measure(arguments: &Arguments) -> Result<(), Failure> {
    let table = carry_out(plan::carry_out(arguments))?;
    speech::answer(if arguments.json {
        table.to_json()?
    } else {
        table.to_string()
    })
}

fn carry_out<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?
        .block_on(work)
}

/// A missed target is a finding, not a failure; only a measurement that could not be made is one.
fn ended(outcome: Result<(), Failure>) -> ExitCode {
    let Err(failure) = outcome else {
        return ExitCode::SUCCESS;
    };
    speech::tell(format_args!("error: {failure}"));
    let mut cause = failure.source();
    while let Some(found) = cause {
        speech::tell(format_args!("  caused by: {found}"));
        cause = found.source();
    }
    ExitCode::FAILURE
}
