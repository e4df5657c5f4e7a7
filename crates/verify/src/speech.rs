//! How the command speaks: the verdict on stdout, progress and errors on stderr.

use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use portbook_ledger::Chain;
use portbook_verify::bundle::quoted;
use portbook_verify::{Conviction, Line, Refusal, Report, Subject};

use crate::arguments::Arguments;

/// Work shorter than this shows no progress.
const SILENCE: Duration = Duration::from_secs(1);

/// Speaks to the user.
#[derive(Debug)]
pub(crate) struct Speech {
    json: bool,
    quiet: bool,
    started: Instant,
    shown: Option<u64>,
}

impl Speech {
    /// Speech as the arguments ask for.
    pub(crate) fn of(arguments: &Arguments) -> Self {
        Self {
            json: arguments.json,
            quiet: arguments.quiet,
            started: Instant::now(),
            shown: None,
        }
    }

    /// Speech before anything was asked for.
    pub(crate) fn plain() -> Self {
        Self {
            json: false,
            quiet: false,
            started: Instant::now(),
            shown: None,
        }
    }

    /// Shows how far the check is, where a person looks at it and it takes long.
    pub(crate) fn progress(&mut self, done: u64, total: u64) {
        let percent = done.saturating_mul(100) / total.max(1);
        if self.quiet
            || self.started.elapsed() < SILENCE
            || self.shown == Some(percent)
            || !io::stderr().is_terminal()
        {
            return;
        }
        self.shown = Some(percent);
        write!(io::stderr(), "\r{done} of {total} leaves, {percent} %").unwrap_or_default();
    }

    /// Ends the line of progress.
    pub(crate) fn done(&self) {
        if self.shown.is_some() {
            writeln!(io::stderr()).unwrap_or_default();
        }
    }

    /// Prints text on stdout. A reader that went away has seen enough.
    pub(crate) fn answer(&self, text: &str) {
        if !self.quiet {
            write!(io::stdout(), "{text}").unwrap_or_default();
        }
    }

    /// Tells what holds.
    pub(crate) fn report(&self, report: &Report) {
        let text = if self.json {
            json_of(report)
        } else {
            text_of(report)
        };
        self.answer(&text);
    }

    /// Tells what the log did.
    pub(crate) fn conviction(&self, conviction: &Conviction) {
        let Conviction {
            origin,
            fraud,
            lines,
            not_shown,
        } = conviction;
        if self.json {
            self.answer(&format!(
                "{{\"schema\":\"portbook.verdict/v1\",\"verdict\":\"CONFIRMED\",\"exit\":0,\"origin\":{},\"fraud\":\"{}\",\
                 \"what\":{},\"checks\":[{}],\"not_checked\":[{}]}}\n",
                quoted(origin.as_str()),
                fraud.kind(),
                quoted(&fraud.to_string()),
                json_lines(lines),
                json_limits(not_shown)
            ));
            return;
        }
        let verdict = format!("CONFIRMED {} of {}\n", fraud.kind(), harmless(origin.as_str()));
        self.answer(&[text_lines(lines), verdict, text_limits(not_shown)].concat());
    }

    /// Tells what does not hold.
    pub(crate) fn refusal(&self, refusal: &Refusal, kept: Option<&Path>) {
        self.done();
        let kept = kept.map(|path| path.display().to_string());
        let Refusal {
            exit, check, reason, ..
        } = refusal;
        if self.json {
            let kept = kept.as_deref().map_or_else(|| "null".to_owned(), quoted);
            self.answer(&format!(
                "{{\"schema\":\"portbook.verdict/v1\",\"verdict\":\"{}\",\"exit\":{},\"check\":\"{check}\",\
                 \"reason\":{},\"proof\":{kept}}}\n",
                exit.word(),
                exit.code(),
                quoted(reason)
            ));
            return;
        }
        let reason = harmless(reason);
        let code = exit.code();
        let text = match code {
            2 | 74 => format!("error: {reason}\n"),
            _ => format!("{} {check}: {reason}\n(exit {code})\n", exit.word()),
        };
        if code == 2 || code == 74 {
            write!(io::stderr(), "{text}").unwrap_or_default();
        } else {
            self.answer(&text);
        }
        if let Some(kept) = kept {
            self.answer(&format!("both statements are in {kept}: keep them, show them\n"));
        }
    }
}

fn text_of(report: &Report) -> String {
    let Report {
        checkpoint,
        subject,
        lines,
        not_checked,
        not_after_s,
        ..
    } = report;
    let about = match subject {
        Subject::Chain { chain, count: 0, .. } => format!("{chain} HAS NO RECORDS"),
        Subject::Chain {
            chain,
            count,
            first: 1,
            last,
        } if last == count => format!("{chain} {count} records, all there are"),
        Subject::Chain {
            chain,
            count,
            first,
            last,
        } => format!("{chain} records {first} to {last} of {count}"),
        Subject::Log => "the whole log".to_owned(),
        Subject::Leaf { index, .. } => format!("leaf {index}"),
        Subject::Growth { old } => format!("growth from {old} leaves"),
    };
    let root = checkpoint.root.to_base64();
    let verdict = format!("VERIFIED {about} @{} {root}\n", checkpoint.size);
    let time = not_after_s.map(|seconds| format!("Existed {seconds} s after 1970 began, by a witness.\n"));
    let time = time.unwrap_or_default();
    [text_lines(lines), verdict, time, text_limits(not_checked)].concat()
}

/// The checks, a line each.
fn text_lines(lines: &[Line]) -> String {
    let lines = lines
        .iter()
        .map(|line| format!("  ✓ {:<13} {}\n", line.check, harmless(&line.shows)));
    lines.collect()
}

/// What was not shown, a line each.
fn text_limits(limits: &[&str]) -> String {
    let limits = limits.iter().map(|what| format!("  - {what}\n"));
    ["Does not show:\n".to_owned()]
        .into_iter()
        .chain(limits)
        .collect()
}

fn json_of(report: &Report) -> String {
    let port = |chain: &Chain| quoted(&chain.to_string());
    let subject = match &report.subject {
        Subject::Chain {
            chain,
            count,
            first,
            last,
        } => format!(
            "{{\"kind\":\"port\",\"port\":{},\"count\":{count},\"first\":{first},\"last\":{last}}}",
            port(chain)
        ),
        Subject::Log => "{\"kind\":\"log\"}".to_owned(),
        Subject::Leaf { index, hash } => {
            format!("{{\"kind\":\"leaf\",\"index\":{index},\"hash\":\"{hash}\"}}")
        }
        Subject::Growth { old } => format!("{{\"kind\":\"growth\",\"old\":{old}}}"),
    };
    format!(
        "{{\"schema\":\"portbook.verdict/v1\",\"verdict\":\"VERIFIED\",\"exit\":0,\"origin\":{},\"size\":{},\
         \"root\":\"{}\",\"subject\":{subject},\"not_after_s\":{},\"checks\":[{}],\"not_checked\":[{}]}}\n",
        quoted(report.checkpoint.origin.as_str()),
        report.checkpoint.size,
        report.checkpoint.root.to_base64(),
        report
            .not_after_s
            .map_or_else(|| "null".to_owned(), |seconds| seconds.to_string()),
        json_lines(&report.lines),
        json_limits(&report.not_checked)
    )
}

fn json_lines(lines: &[Line]) -> String {
    let lines = lines.iter().map(|line| {
        let shows = quoted(&line.shows);
        format!("{{\"check\":\"{}\",\"shows\":{shows}}}", line.check)
    });
    lines.collect::<Vec<_>>().join(",")
}

fn json_limits(limits: &[&str]) -> String {
    let limits = limits.iter().map(|what| quoted(what));
    limits.collect::<Vec<_>>().join(",")
}

/// Text of others, safe for a terminal.
fn harmless(text: &str) -> String {
    text.chars()
        .map(|char| if char.is_control() { '\u{fffd}' } else { char })
        .collect()
}
