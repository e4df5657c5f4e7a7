//! The verbs: one file each, all with the same shape.

pub(crate) mod answers;
mod backup;
mod case;
mod checkpoint;
mod completions;
mod config;
mod connect;
mod demo;
mod doctor;
mod export;
mod feed;
mod import;
mod init;
mod key;
mod man;
mod monitor;
mod order;
mod parked;
mod projection;
mod promote;
mod prove;
mod published;
mod rebuild;
mod record;
mod repair;
mod replay;
mod report;
mod restore;
mod run;
mod schema;
mod simulate;
mod source;
mod stream;
mod timeline;
mod vault;
mod verify;
pub(crate) mod watch;
mod witness;

use crate::args::{CheckpointCommand, Command, Part};
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::session::Session;
use crate::speech::Form;

/// Carries out what was typed.
pub(crate) fn run(session: &Session, command: Command) -> Outcome {
    if session.speech.form == Form::Csv && !is_table(&command) {
        let message = "this answer is no table: it has no form of comma-separated values";
        return Err(Failure::new(Exit::Usage, message).hint("--output json has all of it"));
    }
    match command {
        Command::Demo(args) => demo::run(session, &args),
        Command::Init(args) => init::run(session, &args),
        Command::Up => run::run(session, Part::All),
        Command::Run(args) => run::run(session, args.part),
        Command::Order(args) => order::run(session, &args),
        Command::Import(args) => import::run(session, &args),
        Command::Simulate(args) => simulate::run(session, &args),
        Command::Timeline(args) => timeline::run(session, &args),
        Command::Case(args) => case::run_case(session, &args),
        Command::License(args) => case::run_license(session, &args),
        Command::Stats(args) => answers::stats(session, &args),
        Command::Findings(args) => answers::findings(session, &args),
        Command::Claims(args) => answers::claims(session, &args),
        Command::Verify(args) => verify::run(session, &args),
        Command::Export(args) => export::run(session, &args),
        Command::Report(args) => report::run(session, &args),
        Command::Prove(args) => prove::run(session, &args),
        Command::Record(args) => record::run(session, &args),
        Command::Key(args) => key::run(session, &args),
        Command::Source(args) => source::run(session, &args),
        Command::Vault(args) => vault::run(session, &args),
        Command::Checkpoint(args) => checkpoint::run(session, &args),
        Command::Watch(args) => watch::run(session, &args),
        Command::Schema(command) => schema::run(session, &command),
        Command::Connect(args) => connect::run(session, &args),
        Command::Rebuild(args) => rebuild::run(session, &args),
        Command::Projection(command) => projection::run(session, &command),
        Command::Replay(args) => replay::run(session, &args),
        Command::Parked(command) => parked::run(session, &command),
        Command::Promote => promote::run(session),
        Command::Backup(args) => backup::run(session, &args),
        Command::Restore(args) => restore::run(session, &args),
        Command::Stream(args) => stream::run(session, &args),
        Command::Feed(command) => feed::run(session, &command),
        Command::Witness(args) => witness::run(session, &args),
        Command::Monitor(args) => monitor::run(session, &args),
        Command::Doctor => doctor::run(session),
        Command::Config(args) => config::run(session, &args),
        Command::Completions(args) => completions::run(session, &args),
        Command::Man(args) => man::run(session, &args),
    }
}

/// Whether what `command` answers has rows of the same columns.
const fn is_table(command: &Command) -> bool {
    matches!(
        command,
        Command::Order(_)
            | Command::Timeline(_)
            | Command::Stats(_)
            | Command::Findings(_)
            | Command::Claims(_)
            | Command::Checkpoint(CheckpointCommand::Ls)
    )
}
