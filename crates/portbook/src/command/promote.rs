//! `portbook promote`: the standby of this home takes over.

use serde::Serialize;

use crate::exit::Exit;
use crate::failure::Outcome;
use crate::session::Session;
use crate::speech::grouped;
use crate::standby::promote;

#[derive(Serialize)]
struct Document {
    schema: &'static str,
    signed_size: u64,
}

/// Asks for it and waits for the first checkpoint.
pub(crate) fn run(session: &Session) -> Outcome {
    let signed_size = session.block_on(promote(session))?;
    if session.speech.is_machine() {
        session.speech.json(&Document {
            schema: "portbook.promote/v1",
            signed_size,
        })?;
    } else {
        session.speech.answer(format_args!(
            "promoted: signed through {} leaves; the projector before is fenced off",
            grouped(signed_size)
        ))?;
    }
    Ok(Exit::Done)
}
