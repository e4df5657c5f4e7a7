//! The two ways to state the fields of a command: as flags, or as a JSON file.

use std::path::PathBuf;

use clap::builder::ValueParser;
use clap::{Arg, ArgMatches, Args, Command, Error, FromArgMatches};

const FROM: &str = "from";

/// The fields of a command as they were given.
#[derive(Debug)]
pub(crate) enum Given<F> {
    /// As flags.
    Flags(F),
    /// As a file; `-` is standard input.
    File(PathBuf),
}

// Written by hand because a derived group leaves out what is flattened into it: a flag beside `--from` would go unseen.
impl<F: Args> Args for Given<F> {
    fn augment_args(command: Command) -> Command {
        let flags = F::augment_args(Command::new(FROM));
        let from = Arg::new(FROM)
            .long(FROM)
            .value_name("FILE")
            .value_parser(ValueParser::path_buf())
            .help("Read the fields from a JSON file instead of flags; `-` reads standard input");
        flags
            .get_arguments()
            .fold(F::augment_args(command.arg(from)), |command, flag| {
                command.mut_arg(flag.get_id(), |flag| flag.conflicts_with(FROM))
            })
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl<F: FromArgMatches> FromArgMatches for Given<F> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        match matches.get_one::<PathBuf>(FROM) {
            Some(file) => Ok(Self::File(file.clone())),
            None => F::from_arg_matches(matches).map(Self::Flags),
        }
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}
