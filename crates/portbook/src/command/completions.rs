//! `portbook completions`: a script for the shell.

use std::io::Write;

use clap::CommandFactory;

use crate::args::{Cli, CompletionsArgs};
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::session::Session;

/// Prints the script.
pub(crate) fn run(_session: &Session, args: &CompletionsArgs) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "portbook", &mut script);
    match std::io::stdout().lock().write_all(&script) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Failure::of(Exit::InputOutput, &error))
        }
        Ok(()) | Err(_) => Ok(Exit::Done),
    }
}
