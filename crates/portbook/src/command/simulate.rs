//! `portbook simulate`: an observation file of made-up facts.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use portbook_domain::Calendar;
use portbook_simulator::{Scenario, ScenarioTexts, SimulateError, Wanted, simulate};
use serde::Serialize;

use crate::args::SimulateArgs;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::output::Output;
use crate::reference;
use crate::session::Session;
use crate::speech::grouped;

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    simulated: bool,
    seed: u64,
    scale: u32,
    file: &'a Path,
    lines: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    truth: Option<&'a Path>,
    labels: u64,
}

/// Simulates, and says what was written.
pub(crate) fn run(session: &Session, args: &SimulateArgs) -> Outcome {
    let calendar = reference::load()?.reference.calendar;
    let scenario = scenario(args.scenario.as_deref(), &calendar)?;
    let wanted = Wanted {
        seed: args.seed.unwrap_or_else(|| scenario.seed()),
        scale: args.scale,
        defects: args.defects,
        declarations: args.declarations,
    };
    let truth = truth_of(args)?;
    let mut out = Output::create(&args.out)?;
    let mut labels = truth.as_deref().map(Output::create).transpose()?;
    let mut nothing = io::sink();
    let labels_out: &mut dyn Write = match &mut labels {
        Some(labels) => labels,
        None => &mut nothing,
    };
    let bar = session.speech.bar("simulating", 0);
    let made = simulate(&scenario, &wanted, &mut out, labels_out, &mut |progress| {
        bar.set_length(progress.total);
        bar.set_position(progress.done);
    });
    bar.finish_and_clear();
    let made = made.map_err(|error| failed(&error))?;
    let is_standard = out.is_standard();
    out.finish()?;
    if let Some(labels) = labels {
        labels.finish()?;
    }
    // Whoever reads the facts from standard output does not want them mixed with what is said about them.
    if is_standard {
        return Ok(Exit::Done);
    }
    if session.speech.is_machine() {
        session.speech.json(&Document {
            schema: "portbook.simulation/v1",
            simulated: true,
            seed: wanted.seed,
            scale: wanted.scale,
            file: &args.out,
            lines: made.lines,
            truth: truth.as_deref(),
            labels: made.labels,
        })?;
        return Ok(Exit::Done);
    }
    session.speech.answer(format_args!(
        "{}: {} simulated facts, seed {}",
        args.out.display(),
        grouped(made.lines),
        wanted.seed
    ))?;
    if let Some(truth) = truth {
        let labels = grouped(made.labels);
        session
            .speech
            .answer(format_args!("{}: {labels} labels of defects", truth.display()))?;
    }
    Ok(Exit::Done)
}

fn scenario(directory: Option<&Path>, calendar: &Calendar) -> Result<Scenario, Failure> {
    let parsed = match directory {
        None => Scenario::shipped(calendar),
        Some(directory) => {
            let read = |name: &str| {
                let path = directory.join(name);
                fs::read_to_string(&path).map_err(|error| Failure::file("read", &path, &error))
            };
            let texts = [
                read("scenario.toml")?,
                read("targets_magnets_t.csv")?,
                read("targets_dytb_kg.csv")?,
            ];
            let [scenario, magnets, oxides] = &texts;
            Scenario::parse(&ScenarioTexts {
                scenario,
                magnets,
                oxides,
                calendar,
            })
        }
    };
    parsed.map_err(|error| Failure::of(Exit::Configuration, &error))
}

/// Where the labels go, when there are any.
fn truth_of(args: &SimulateArgs) -> Result<Option<PathBuf>, Failure> {
    if !args.defects {
        return Ok(None);
    }
    if let Some(truth) = &args.truth {
        return Ok(Some(truth.clone()));
    }
    if args.out == Path::new("-") {
        return Err(Failure::new(
            Exit::Usage,
            "with --defects on standard output, --truth must say where the labels go",
        )
        .hint("portbook simulate --defects --out simulated.ndjson.gz"));
    }
    let mut truth = args.out.clone();
    for ending in ["gz", "ndjson", "jsonl"] {
        if truth.extension().is_some_and(|found| found == ending) {
            truth.set_extension("");
        }
    }
    truth.as_mut_os_string().push(".truth.jsonl");
    Ok(Some(truth))
}

fn failed(error: &SimulateError) -> Failure {
    match error {
        SimulateError::Write(cause) if cause.kind() == io::ErrorKind::BrokenPipe => {
            Failure::new(Exit::Done, "")
        }
        SimulateError::Write(_) => Failure::of(Exit::InputOutput, error),
        SimulateError::TooFew { .. } => Failure::of(Exit::Configuration, error),
    }
}
