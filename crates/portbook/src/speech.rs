//! How the command speaks: answers on stdout, everything else on stderr.

use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use jiff::Timestamp;
use jiff::tz::Offset;
use serde::Serialize;

use crate::exit::Exit;
use crate::failure::Failure;

/// The form of answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Form {
    /// For people.
    Table,
    /// One JSON document.
    Json,
    /// One JSON document a line; behind those of a list comes an `end` line.
    Ndjson,
    /// Comma-separated values with a header, of answers that are tables.
    Csv,
}

/// Where answers go.
#[derive(Debug, Clone, Default)]
pub(crate) enum Sink {
    /// To whoever ran this program.
    #[default]
    Stdout,
    /// Into a text, for somebody who asked another way.
    Text(Arc<Mutex<String>>),
}

/// Speaks to the user.
#[derive(Debug, Clone)]
pub(crate) struct Speech {
    /// Where answers go.
    pub(crate) sink: Sink,
    /// The form of answers.
    pub(crate) form: Form,
    /// Only errors on stderr.
    pub(crate) quiet: bool,
    /// Progress bars may be drawn.
    pub(crate) progress: bool,
    /// Colour may be used on stdout.
    pub(crate) color: bool,
    /// Offset in which times are shown.
    pub(crate) offset: Offset,
}

impl Speech {
    /// Whether answers are for programs.
    pub(crate) const fn is_machine(&self) -> bool {
        match self.form {
            Form::Table => false,
            Form::Json | Form::Ndjson | Form::Csv => true,
        }
    }

    /// Prints one line of an answer.
    pub(crate) fn answer(&self, line: impl std::fmt::Display) -> Result<(), Failure> {
        match &self.sink {
            Sink::Stdout => finish(writeln!(io::stdout().lock(), "{line}")),
            Sink::Text(text) => {
                let mut text = text.lock().unwrap_or_else(PoisonError::into_inner);
                writeln!(text, "{line}").map_err(|error| Failure::of(Exit::InputOutput, &error))
            }
        }
    }

    /// Prints an answer that somebody else has put into words already.
    pub(crate) fn pass_on(answer: &str) -> Result<(), Failure> {
        finish(io::stdout().lock().write_all(answer.as_bytes()))
    }

    /// Prints one JSON document.
    pub(crate) fn json(&self, document: &impl Serialize) -> Result<(), Failure> {
        let text = match self.form {
            Form::Ndjson => serde_json::to_string(document),
            Form::Table | Form::Json | Form::Csv => serde_json::to_string_pretty(document),
        };
        let text = text.map_err(|error| Failure::of(Exit::InputOutput, &error))?;
        self.answer(text)
    }

    /// Prints the documents of a list, one a line, and behind them how many they are: a list that was cut off has no end.
    pub(crate) fn lines<T: Serialize>(&self, documents: impl IntoIterator<Item = T>) -> Result<(), Failure> {
        let mut rows = 0_u64;
        for document in documents {
            self.json(&document)?;
            rows += 1;
        }
        self.json(&serde_json::json!({"end": true, "rows": rows}))
    }

    /// Tells what is going on.
    pub(crate) fn tell(&self, line: impl std::fmt::Display) {
        if !self.quiet {
            // Nobody to tell is no reason to stop.
            writeln!(io::stderr().lock(), "{line}").unwrap_or_default();
        }
    }

    /// A bar over `total` items, drawn only where a person looks at stderr, and only once it takes a second.
    pub(crate) fn bar(&self, what: &'static str, total: u64) -> ProgressBar {
        let visible = self.progress && !self.quiet && io::stderr().is_terminal();
        let target = if visible {
            ProgressDrawTarget::stderr_with_hz(5)
        } else {
            ProgressDrawTarget::hidden()
        };
        let style =
            ProgressStyle::with_template("{msg} {wide_bar} {human_pos}/{human_len}  {per_sec}  eta {eta}")
                .unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar = ProgressBar::with_draw_target(Some(total), target)
            .with_style(style)
            .with_message(what);
        bar.enable_steady_tick(Duration::from_millis(500));
        bar
    }

    /// A mark in green or red, or plain.
    pub(crate) fn mark(&self, good: bool) -> &'static str {
        match (self.color, good) {
            (true, true) => "\u{1b}[32m✓\u{1b}[0m",
            (true, false) => "\u{1b}[31m✗\u{1b}[0m",
            (false, true) => "✓",
            (false, false) => "✗",
        }
    }

    /// A time in the chosen offset, to the second.
    pub(crate) fn time(&self, at: Timestamp) -> String {
        let suffix = if self.offset == Offset::UTC {
            "Z".to_owned()
        } else {
            self.offset.to_string()
        };
        format!(
            "{}{suffix}",
            self.offset.to_datetime(at).strftime("%Y-%m-%d %H:%M:%S")
        )
    }
}

/// Text of others, safe for a terminal: control characters are shown, not obeyed.
pub(crate) fn harmless(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect()
}

/// Digits in groups of three, as people read them.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

/// Kilograms from grams, without a float.
pub(crate) fn kilograms(grams: u64) -> String {
    let (kg, rest) = (grams / 1000, grams % 1000);
    if rest == 0 {
        grouped(kg)
    } else {
        format!("{}.{rest:03}", grouped(kg))
    }
}

/// A reader that went away has seen enough.
fn finish(written: io::Result<()>) -> Result<(), Failure> {
    match written {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Err(Failure::new(Exit::Done, "")),
        Err(error) => Err(Failure::of(Exit::InputOutput, &error)),
    }
}
