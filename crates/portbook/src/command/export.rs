//! `portbook export`: one port for other tools, or the whole log as static files.

pub(crate) mod evidence;

use crate::args::{ExportArgs, ExportFormat};
use crate::failure::Outcome;
use crate::session::Session;

/// Exports what was asked for.
pub(crate) fn run(session: &Session, args: &ExportArgs) -> Outcome {
    if args.what == "tiles" {
        return evidence::export_tiles(session, args);
    }
    match args.format {
        ExportFormat::Bundle => evidence::export_bundle(session, args),
    }
}
