//! A simulation: as many runs as the scale says, side by side, written in the order of time.

use std::collections::BTreeMap;
use std::io::{self, Write};

use crate::case::Numbering;
use crate::fact::{Fact, Recorder};
use crate::line;
use crate::office::{date_of, local_day};
use crate::run::{Run, draw};
use crate::scenario::Scenario;

/// Facts held at the same time, about; what is more is drawn again, window by window.
const FACTS_HELD: u64 = 200_000;

/// What is to be simulated.
#[derive(Debug, Clone, Copy)]
pub struct Wanted {
    /// Everything that is drawn depends on it.
    pub seed: u64,
    /// How many independent runs of the scenario there are.
    pub scale: u32,
    /// Lay defects over each run.
    pub defects: bool,
    /// Say when each shipment was declared, too.
    pub declarations: bool,
}

/// How far a simulation is.
#[derive(Debug, Clone, Copy)]
pub struct Progress {
    /// Runs drawn.
    pub done: u64,
    /// Runs to be drawn; known once all were drawn for the first time.
    pub total: u64,
}

/// What was written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Made {
    /// Lines of facts.
    pub lines: u64,
    /// Labels of defects.
    pub labels: u64,
}

/// Why a simulation ended early.
#[derive(Debug, thiserror::Error)]
pub enum SimulateError {
    /// What was simulated could not be written.
    #[error("could not write what was simulated")]
    Write(#[from] io::Error),
    /// There are not enough facts that a defect can be laid over.
    #[error("{found} of {wanted} facts found for the defect {rule}: lower its number in the scenario")]
    TooFew {
        /// The defect.
        rule: &'static str,
        /// Facts asked for.
        wanted: usize,
        /// Facts found.
        found: usize,
    },
}

/// Local days from one to another, both counted.
#[derive(Debug, Clone, Copy)]
struct Window {
    from: i64,
    to: i64,
}

/// Writes facts to `out` and labels to `labels`, and tells how far it is.
///
/// A scale of N is N independent runs, each of which meets the figures of the scenario, so their sum is N times the figures.
/// All runs are drawn once to count licences and facts, then once for each window of time. What is held is a window of all
/// runs and the whole of one.
///
/// # Errors
/// [`SimulateError`].
pub fn simulate(
    scenario: &Scenario,
    wanted: &Wanted,
    out: &mut dyn Write,
    labels: &mut dyn Write,
    progress: &mut dyn FnMut(Progress),
) -> Result<Made, SimulateError> {
    let runs = i64::from(wanted.scale);
    let mut drawn = Drawn {
        scenario,
        wanted,
        progress,
        at: Progress {
            done: 0,
            total: 2 * u64::from(wanted.scale),
        },
    };
    let mut numbers = Vec::new();
    let (mut licenses_before, mut per_day) = (0, BTreeMap::new());
    for run in 0..runs {
        let Run { facts, licenses, .. } = drawn.run(run)?;
        numbers.push(Numbering {
            year: date_of(scenario.regime_start).year(),
            runs,
            run,
            licenses_before,
        });
        licenses_before += licenses;
        for fact in facts {
            *per_day.entry(local_day(fact.written_s)).or_default() += 1;
        }
    }
    let windows = windows(&per_day);
    let passes = 1 + u64::try_from(windows.len()).unwrap_or_default();
    drawn.at.total = passes * u64::from(wanted.scale);
    let mut made = Made::default();
    for (window, is_first) in windows
        .iter()
        .zip(std::iter::once(true).chain(std::iter::repeat(false)))
    {
        let mut held: Vec<(&Numbering, Fact<'_>)> = Vec::new();
        for (numbers, run) in numbers.iter().zip(0..) {
            let Run {
                facts, labels: found, ..
            } = drawn.run(run)?;
            let inside = facts
                .into_iter()
                .filter(|fact| (window.from..=window.to).contains(&local_day(fact.written_s)));
            held.extend(inside.map(|fact| (numbers, fact)));
            if is_first {
                for label in found {
                    label.write(labels, numbers)?;
                    made.labels += 1;
                }
            }
        }
        made.lines += write(out, held)?;
    }
    Ok(made)
}

/// Draws runs and counts them.
struct Drawn<'a, 'b> {
    scenario: &'a Scenario,
    wanted: &'b Wanted,
    progress: &'b mut dyn FnMut(Progress),
    at: Progress,
}

impl<'a> Drawn<'a, '_> {
    fn run(&mut self, run: i64) -> Result<Run<'a>, SimulateError> {
        let from = Recorder {
            scenario: self.scenario,
            seed: self.wanted.seed,
            run,
        };
        let run = draw(&from, self.wanted)?;
        self.at.done += 1;
        (self.progress)(self.at);
        Ok(run)
    }
}

/// Whole days, as many in a window as are held at the same time.
fn windows(per_day: &BTreeMap<i64, u64>) -> Vec<Window> {
    let mut windows: Vec<Window> = Vec::new();
    let mut held = 0;
    for (day, count) in per_day {
        match windows.last_mut() {
            Some(window) if held + count <= FACTS_HELD => {
                window.to = *day;
                held += count;
            }
            _ => {
                windows.push(Window { from: *day, to: *day });
                held = *count;
            }
        }
    }
    windows
}

/// Writes the facts of a window in the order of time, runs one after the other where times are equal.
fn write(out: &mut dyn Write, mut held: Vec<(&Numbering, Fact<'_>)>) -> Result<u64, SimulateError> {
    held.sort_by_key(|(_, fact)| fact.written_s);
    let mut text = String::new();
    let mut lines = 0;
    for (numbers, fact) in held {
        text.clear();
        line::write(&mut text, &fact, numbers).map_err(io::Error::other)?;
        out.write_all(text.as_bytes())?;
        lines += 1;
    }
    Ok(lines)
}
