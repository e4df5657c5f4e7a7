//! The portbook command: configuration, wiring, exit codes and speech.

mod args;
mod backup;
mod command;
mod config;
mod control_message;
mod cosigning;
mod desk;
mod elsewhere;
mod exit;
mod failure;
mod following;
mod home;
mod keeper;
mod kept_port;
mod key_file;
mod live;
mod node;
mod order;
mod output;
mod reference;
mod seen;
mod serving;
mod session;
mod speech;
mod standby;
mod view_row;

use std::process::ExitCode;

use clap::Parser;

use crate::args::Cli;
use crate::session::Session;

/// Reading events makes many small values; the system's allocator was a sixth of that.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // clap knows whether this is help (stdout, 0) or a usage error (stderr, 2).
            error.print().unwrap_or_default();
            return ExitCode::from(if error.use_stderr() {
                exit::Exit::Usage.code()
            } else {
                0
            });
        }
    };
    let ended = Session::start(&cli.global).and_then(|session| command::run(&session, cli.command));
    match ended {
        Ok(exit) => ExitCode::from(exit.code()),
        Err(failure) => {
            if failure.exit != exit::Exit::Done {
                session::tell_failure(&failure, &cli.global);
            }
            ExitCode::from(failure.exit.code())
        }
    }
}
