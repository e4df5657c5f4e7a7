//! What can be typed about views: rebuild, promote, replay, parked cases.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use jiff::Timestamp;
use portbook_domain::{CaseId, CountryCode, Element};

use super::parse_time;

/// Arguments of `rebuild`.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "flags, which are given or not")]
pub(crate) struct RebuildArgs {
    /// The view
    #[arg(required_unless_present = "all")]
    pub(crate) view: Option<String>,
    /// Every view, in one pass over the ledger
    #[arg(long, conflicts_with = "view")]
    pub(crate) all: bool,
    /// Say what there is to do and about how long it takes, and do nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Go on with a rebuild that was interrupted
    #[arg(long)]
    pub(crate) resume: bool,
    /// Leave the new generation beside the live one; `projection promote` makes it live
    #[arg(long)]
    pub(crate) no_promote: bool,
}

/// Verbs of `projection`.
#[derive(Debug, Subcommand)]
pub(crate) enum ProjectionCommand {
    /// List the generations of all views
    Ls,
    /// Show each live view: how far it is, what waits, its state root
    Status,
    /// Hold two generations of a view against each other after the same leaves, row by row
    Diff {
        /// The view
        view: String,
        /// The older generation [default: the newest that is not the other]
        #[arg(long, value_name = "N")]
        from: Option<u64>,
        /// The newer generation [default: the live one]
        #[arg(long, value_name = "N")]
        to: Option<u64>,
    },
    /// Make a rebuilt generation live, after it was held against the live one
    Promote {
        /// The view
        view: String,
        /// The generation [default: the newest that is ready]
        #[arg(long, value_name = "N")]
        generation: Option<u64>,
        /// Make the generation live again that was live before
        #[arg(long, conflicts_with = "generation")]
        back: bool,
    },
    /// Print the rows of a view, now or as of then
    Rows {
        /// The view
        view: String,
        #[command(flatten)]
        as_of: AsOfArgs,
    },
}

/// As of when, on both clocks.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct AsOfArgs {
    /// As known when the ledger had so many leaves, at a time, or at `checkpoint` or `checkpoint:<SIZE>`
    #[arg(long, value_name = "SIZE|TIME|CHECKPOINT", default_value = "now")]
    pub(crate) at: Point,
    /// Only of what had happened by then
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    pub(crate) as_of_occurred: Option<Timestamp>,
}

/// Arguments of `replay`.
#[derive(Debug, Args)]
pub(crate) struct ReplayArgs {
    /// How far: a number of messages, a time, `checkpoint` (the newest), `checkpoint:<SIZE>` or `now`
    #[arg(long, value_name = "SEQ|TIME|CHECKPOINT")]
    pub(crate) to: Point,
    /// Whether a time is when something was recorded or when it happened
    #[arg(long, value_enum, default_value_t = Clock::Recorded)]
    pub(crate) clock: Clock,
    /// Go on behind this many messages, as an interrupted replay says
    #[arg(long, value_name = "SEQ", default_value_t = 0)]
    pub(crate) from: u64,
    #[command(flatten)]
    pub(crate) filter: FilterArgs,
    /// Say what there is to do and about how long it takes, and do nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// What comes out: the events as they came, or the rows of a view that is folded of them
    #[arg(long = "as", value_name = "events|VIEW", default_value = "events")]
    pub(crate) form: String,
    /// Make a ledger of the same bytes in this directory, or go on with one that was begun
    #[arg(long, value_name = "DIR", conflicts_with_all = ["from", "form", "port", "case", "event", "destination", "element", "hs", "since", "until"])]
    pub(crate) into: Option<PathBuf>,
}

/// Which events.
#[derive(Debug, Args)]
pub(crate) struct FilterArgs {
    /// Only records of this port; an alias stands for its port
    #[arg(long)]
    pub(crate) port: Option<String>,
    /// Only this case
    #[arg(long)]
    pub(crate) case: Option<CaseId>,
    /// Only this type of event, for example license.granted
    #[arg(long = "type", value_name = "TYPE")]
    pub(crate) event: Option<String>,
    /// Only events that name this country of destination
    #[arg(long, value_name = "COUNTRY")]
    pub(crate) destination: Option<CountryCode>,
    /// Only events with a line of this element
    #[arg(long, value_name = "SYMBOL")]
    pub(crate) element: Option<Element>,
    /// Only events with a line whose commodity code begins so
    #[arg(long, value_name = "DIGITS")]
    pub(crate) hs: Option<String>,
    /// Only what happened at this time or later
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    pub(crate) since: Option<Timestamp>,
    /// Only what happened before this time
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    pub(crate) until: Option<Timestamp>,
}

/// Which of the two clocks a time is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Clock {
    /// When the stream took it.
    Recorded,
    /// When it happened, as its source claims.
    Occurred,
}

/// A point in the life of a ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Point {
    /// The end.
    Now,
    /// So many leaves.
    Size(u64),
    /// A time.
    Time(Timestamp),
    /// The published checkpoint of this size, or the newest.
    Checkpoint(Option<u64>),
}

impl std::str::FromStr for Point {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = |text: &str| {
            text.parse()
                .map_err(|error| format!("{text:?} is no size of a ledger: {error}"))
        };
        match text.split_once(':') {
            _ if text == "now" => Ok(Self::Now),
            _ if text == "checkpoint" => Ok(Self::Checkpoint(None)),
            Some(("checkpoint", size)) => Ok(Self::Checkpoint(Some(number(size)?))),
            _ if text.bytes().all(|b| b.is_ascii_digit()) => Ok(Self::Size(number(text)?)),
            _ => parse_time(text).map(Self::Time),
        }
    }
}

/// Verbs of `parked`.
#[derive(Debug, Subcommand)]
pub(crate) enum ParkedCommand {
    /// List the parked cases of all views, and what was skipped by declaration
    Ls,
    /// Show what waits in a case: each event with its body
    Show {
        /// The case
        case: CaseId,
    },
    /// Fold what waits, as far as this program can now
    Retry {
        /// Only this case
        case: Option<CaseId>,
    },
    /// Declare that the event a case waits on enters no view, and let the case go on
    Resolve {
        /// The case
        case: CaseId,
        /// Why; it is kept
        #[arg(long)]
        reason: String,
    },
}
