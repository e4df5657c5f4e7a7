//! `portbook export`: a port, or all of them, for other tools; as evidence; or the whole log as static files.

pub(crate) mod data;
pub(crate) mod evidence;

use portbook_export::Format;

use crate::args::{ExportArgs, ExportFormat};
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::session::Session;

/// Exports what was asked for.
pub(crate) fn run(session: &Session, args: &ExportArgs) -> Outcome {
    if args.what == "tiles" {
        return evidence::export_tiles(session, args);
    }
    let format = match args.format {
        ExportFormat::Bundle => return evidence::export_bundle(session, args),
        ExportFormat::Parquet => Format::Parquet,
        ExportFormat::Csv => Format::Csv,
        ExportFormat::Ndjson => Format::Ndjson,
        ExportFormat::Ocel => Format::Ocel,
        ExportFormat::Xes => Format::Xes,
        ExportFormat::Epcis => Format::Epcis,
    };
    if args.range.is_some() || args.earlier.is_some() || args.policy.is_some() || args.dir.is_some() {
        return Err(Failure::new(
            Exit::Usage,
            "--range, --earlier, --policy and a directory belong to evidence, not to data",
        )
        .hint("portbook export PORT --format bundle --out evidence.zip"));
    }
    data::run(
        session,
        &data::Wanted {
            what: &args.what,
            format,
            out: args.out.as_deref(),
            at: args.at.map(|at| evidence::size_at(session, at)).transpose()?,
        },
    )
}
