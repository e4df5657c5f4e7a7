//! `portbook export`: one port, or all of them, for other tools.

pub(crate) mod data;

use portbook_export::Format;

use crate::args::{ExportArgs, ExportFormat};
use crate::failure::Outcome;
use crate::session::Session;

/// Exports what was asked for.
pub(crate) fn run(session: &Session, args: &ExportArgs) -> Outcome {
    let format = match args.format {
        ExportFormat::Parquet => Format::Parquet,
        ExportFormat::Csv => Format::Csv,
        ExportFormat::Ndjson => Format::Ndjson,
        ExportFormat::Ocel => Format::Ocel,
        ExportFormat::Xes => Format::Xes,
        ExportFormat::Epcis => Format::Epcis,
    };
    data::run(
        session,
        &data::Wanted {
            what: &args.what,
            format,
            out: args.out.as_deref(),
            at: args.at,
        },
    )
}
