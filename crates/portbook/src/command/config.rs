//! `portbook config`: what is in force and where it comes from.

use serde::Serialize;

use crate::args::ConfigCommand;
use crate::config::{DEFAULTS, Setting};
use crate::exit::Exit;
use crate::failure::Outcome;
use crate::session::Session;

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    settings: &'a [Setting],
}

/// Prints the settings, or the commented defaults.
pub(crate) fn run(session: &Session, args: &ConfigCommand) -> Outcome {
    let ConfigCommand::Show { defaults } = args;
    if *defaults {
        session.speech.answer(DEFAULTS.trim_end())?;
    } else if session.speech.is_machine() {
        session.speech.json(&Document {
            schema: "portbook.config/v1",
            settings: &session.settings,
        })?;
    } else {
        for Setting { key, value, origin } in &session.settings {
            session
                .speech
                .answer(format_args!("{key:<34} {value:<28} {origin}"))?;
        }
    }
    Ok(Exit::Done)
}
