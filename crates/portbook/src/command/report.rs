//! `portbook report`: one printable page about a port or all of them.

use std::path::Path;

use portbook_export::{About, Report, Section, Tally};
use serde::Serialize;

use super::export::data::failed;
use super::published::{Published, scope_of};
use crate::args::ReportArgs;
use crate::exit::Exit;
use crate::failure::Outcome;
use crate::output::Output;
use crate::session::Session;
use crate::speech::grouped;

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    file: &'a Path,
    #[serde(flatten)]
    about: &'a About,
    #[serde(flatten)]
    tally: &'a Tally,
    sections: &'a [Section],
}

/// Writes the page; its numbers are the answer for programs.
pub(crate) fn run(session: &Session, args: &ReportArgs) -> Outcome {
    let published = Published::open(session, args.at)?;
    let scope = scope_of(&args.what)?;
    let about = published.about(&args.out, &args.what, scope, "report");
    let bar = session.speech.bar("reading", published.book().size);
    let report = Report::of(
        &published.book(),
        scope,
        about,
        &published.reference().calendar,
        &mut |taken| bar.set_position(taken),
    );
    bar.finish_and_clear();
    let report = report.map_err(|error| failed(&error))?;
    let mut out = Output::create(&args.out)?;
    report.write_page(&mut out).map_err(|error| failed(&error))?;
    let is_standard = out.is_standard();
    out.finish()?;
    if is_standard {
        return Ok(Exit::Done);
    }
    if session.speech.is_machine() {
        session.speech.json(&Document {
            schema: "portbook.report/v1",
            file: &args.out,
            about: &report.about,
            tally: &report.tally,
            sections: &report.sections,
        })?;
    } else {
        let events = report.tally.events.values().sum();
        session.speech.answer(format_args!(
            "{}: {} events under checkpoint {}",
            args.out.display(),
            grouped(events),
            grouped(report.about.checkpoint_size)
        ))?;
    }
    Ok(Exit::Done)
}
