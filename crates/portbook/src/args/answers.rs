//! What can be typed to ask: questions, findings, claims.

use std::path::PathBuf;

use clap::Args;
use jiff::Timestamp;
use jiff::civil::Date;
use portbook_answers::{By, Month, Question, Rule};

/// What part of the ledger an answer rests on.
#[derive(Debug, Clone, Copy, Default, Args)]
pub(crate) struct RestsOnArgs {
    /// As the ledger was known: at the checkpoint of this size, or at the last one not later than this time
    #[arg(long, value_name = "SIZE|TIME", value_parser = parse_known)]
    pub(crate) at: Option<Known>,
    /// As it happened: leave out what happened after this day, and count what is open up to it
    #[arg(long, value_name = "DATE")]
    pub(crate) as_of: Option<Date>,
    /// As it was recorded first, without corrections and annulments
    #[arg(long)]
    pub(crate) as_recorded: bool,
    /// Fold every leaf again instead of going on from what is kept of earlier folds; the answer is the same
    #[arg(long)]
    pub(crate) recompute: bool,
}

/// How far the ledger was known.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Known {
    /// The checkpoint of this size.
    Size(u64),
    /// The last checkpoint not later than this.
    Time(Timestamp),
}

/// Arguments of `stats`.
#[derive(Debug, Args)]
pub(crate) struct StatsArgs {
    /// Name or number of a question; without it, all questions are listed
    #[arg(value_parser = parse_question)]
    pub(crate) question: Option<Question>,
    /// Break down by port, group, country, element, form, month or lane
    #[arg(long, value_parser = parse_by, value_name = "DIMENSION")]
    pub(crate) by: Option<By>,
    /// Only this month, or from the first to the last of two: 2025-04..2025-06
    #[arg(long, value_parser = parse_months, value_name = "MONTH..MONTH")]
    pub(crate) month: Option<(Month, Month)>,
    /// Day from which on "after" begins
    #[arg(long, value_name = "DATE")]
    pub(crate) split: Option<Date>,
    /// Days to compare on either side of the split
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) window: Option<u16>,
    /// Say how it is defined, computed and to be read
    #[arg(long)]
    pub(crate) explain: bool,
    #[command(flatten)]
    pub(crate) rests_on: RestsOnArgs,
}

/// Arguments of `findings`.
#[derive(Debug, Args)]
pub(crate) struct FindingsArgs {
    /// Only this rule; overdue and `late_decision` are listed only when asked for
    #[arg(long, value_parser = parse_rule, value_name = "RULE")]
    pub(crate) rule: Option<Rule>,
    /// Only this port; an alias stands for its port
    #[arg(long, value_name = "PORT")]
    pub(crate) port: Option<String>,
    /// Only this case
    #[arg(long = "case", value_name = "CASE")]
    pub(crate) case: Option<String>,
    /// Say what each rests on and how to prove it
    #[arg(long)]
    pub(crate) explain: bool,
    #[command(flatten)]
    pub(crate) rests_on: RestsOnArgs,
}

/// Arguments of `claims`.
#[derive(Debug, Args)]
pub(crate) struct ClaimsArgs {
    /// Files with claims; without any, the claims this program carries
    #[arg(value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) rests_on: RestsOnArgs,
}

fn parse_known(text: &str) -> Result<Known, String> {
    if let Ok(size) = text.parse() {
        return Ok(Known::Size(size));
    }
    super::parse_time(text)
        .map(Known::Time)
        .map_err(|rule| format!("a size is a whole number; {rule}"))
}

fn parse_question(text: &str) -> Result<Question, String> {
    Question::parse(text).ok_or_else(|| "no question is called that; portbook stats lists them".to_owned())
}

fn parse_by(text: &str) -> Result<By, String> {
    let known = By::ALL.iter().copied().find(|by| by.word() == text);
    known.ok_or_else(|| {
        let words: Vec<&str> = By::ALL.iter().map(|by| by.word()).collect();
        format!("a dimension is one of {}", words.join(", "))
    })
}

fn parse_rule(text: &str) -> Result<Rule, String> {
    Rule::from_word(text).ok_or_else(|| {
        let words: Vec<&str> = Rule::ALL.iter().map(|rule| rule.word()).collect();
        format!("a rule is one of {}", words.join(", "))
    })
}

fn parse_months(text: &str) -> Result<(Month, Month), String> {
    let (first, last) = text.split_once("..").unwrap_or((text, text));
    let month = |text: &str| text.parse::<Month>().map_err(|error| error.to_string());
    let months = (month(first)?, month(last)?);
    if months.0 <= months.1 {
        Ok(months)
    } else {
        Err("the first month comes first".to_owned())
    }
}
