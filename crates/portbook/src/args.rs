//! What can be typed: the command line as it is declared.

mod answers;
mod backup;
mod export;
mod feed;
mod key;
mod report;
mod simulate;
mod stream;
mod vault;
pub(crate) mod views;
pub(crate) mod witness;

use std::path::PathBuf;

use self::views::{AsOfArgs, Point};
use clap::{Args, Parser, Subcommand, ValueEnum};
use jiff::Timestamp;
use jiff::tz::Offset;

pub(crate) use self::answers::{ClaimsArgs, FindingsArgs, Known, RestsOnArgs, StatsArgs};
pub(crate) use self::backup::{BackupArgs, RestoreArgs};
pub(crate) use self::export::{At, ExportArgs, ExportFormat, ProveArgs};
pub(crate) use self::feed::{ConnectArgs, FeedCommand, Language, SchemaCommand, WatchArgs};
pub(crate) use self::key::{KeyCommand, RegisterArgs, RevokeArgs, RotateArgs, SourceCommand};
pub(crate) use self::stream::StreamCommand;
pub(crate) use self::vault::{EraseArgs, FieldName, PutArgs, VaultCommand};
use self::witness::{MonitorArgs, WitnessCommand};
use crate::order::OrderArgs;
use crate::speech::Form;

pub(crate) use report::ReportArgs;
pub(crate) use simulate::SimulateArgs;

/// An event-sourced audit ledger for customs clearance.
#[derive(Debug, Parser)]
#[command(
    name = "portbook",
    version,
    max_term_width = 100,
    disable_help_subcommand = true
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: GlobalArgs,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Options of every command.
#[derive(Debug, Args)]
pub(crate) struct GlobalArgs {
    /// Directory of this portbook: its ledger, keys and managed server
    #[arg(
        long,
        global = true,
        value_name = "DIR",
        env = "PORTBOOK_HOME",
        default_value = "portbook-home"
    )]
    pub(crate) home: PathBuf,
    /// Configuration file (default: portbook.toml in the home directory, if there is one)
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// NATS server to talk to instead of a managed one
    #[arg(short, long, global = true, value_name = "URL", env = "NATS_URL")]
    pub(crate) server: Option<String>,
    /// Form of the answer
    #[arg(short, long, global = true, value_enum, value_name = "FORM")]
    pub(crate) output: Option<Form>,
    /// The same as --output json
    #[arg(long, global = true, conflicts_with = "output")]
    pub(crate) json: bool,
    /// Say nothing but errors
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
    /// Say more on stderr; twice for much more
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
    /// When to use colour
    #[arg(long, global = true, value_enum, default_value_t = When::Auto, value_name = "WHEN")]
    pub(crate) color: When,
    /// Draw no progress bars
    #[arg(long, global = true)]
    pub(crate) no_progress: bool,
    /// Offset in which times are shown: UTC or, for example, +08:00
    #[arg(long, global = true, value_name = "OFFSET", default_value = "UTC", value_parser = parse_offset)]
    pub(crate) tz: Offset,
}

/// When to use colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum When {
    /// On a terminal.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show everything on simulated data: import, live cases, verification, one changed byte found
    Demo(DemoArgs),
    /// Create a ledger: keys, streams, store
    Init(InitArgs),
    /// Run everything in one process, with a managed nats-server unless --server names one
    Up,
    /// Run one service, or all of them, in this process
    Run(RunArgs),
    #[command(flatten)]
    Order(OrderArgs),
    /// Import observed facts from NDJSON or CSV files
    Import(ImportArgs),
    /// Make up facts: an observation file for load and for tests, the same for the same seed
    Simulate(SimulateArgs),
    /// Show the timeline of a port
    Timeline(TimelineArgs),
    /// Show a case: stage, open queries, licence balance, events
    Case(CaseArgs),
    /// Show the balance of a licence
    License(LicenseArgs),
    /// Answer one of 25 questions about licences and clearances, with its definition and what it rests on
    Stats(StatsArgs),
    /// List broken rules with the records they rest on
    Findings(FindingsArgs),
    /// Judge dated claims by what is recorded
    Claims(ClaimsArgs),
    /// Verify the ledger: recompute everything, believe nothing that is not signed
    Verify(VerifyArgs),
    /// Export a port, or all of them, for other tools; as evidence; or the whole log as tiles
    Export(ExportArgs),
    /// Write a printable page about a port, or about all of them
    Report(ReportArgs),
    /// Prove that a record is in the ledger, that the ledger only grew, or that a port has no records
    Prove(ProveArgs),
    /// Look at single records
    #[command(subcommand)]
    Record(RecordCommand),
    /// The producers' keys: list, register, rotate, revoke
    #[command(subcommand)]
    Key(KeyCommand),
    /// What sources state about themselves, compared with the ledger
    #[command(subcommand)]
    Source(SourceCommand),
    /// Values behind commitments: keep, disclose, check, erase
    #[command(subcommand)]
    Vault(VaultCommand),
    /// Look at signed checkpoints
    #[command(subcommand)]
    Checkpoint(CheckpointCommand),
    /// Follow the verified feed: events as they are sealed
    Watch(WatchArgs),
    /// Look at the schemas of events
    #[command(subcommand)]
    Schema(SchemaCommand),
    /// Print a subscriber to begin with
    Connect(ConnectArgs),
    /// Fold a view again from the ledger, beside the live one, and show what differs
    Rebuild(self::views::RebuildArgs),
    /// Look at the generations of views, compare them, choose which is live, print their rows
    #[command(subcommand)]
    Projection(self::views::ProjectionCommand),
    /// Replay recorded events to a point: as events, as a view, or into another ledger
    Replay(self::views::ReplayArgs),
    /// Look at cases that wait behind an event which cannot be folded, and let them go on
    #[command(subcommand)]
    Parked(self::views::ParkedCommand),
    /// Let the standby of this home take over from the projector
    Promote,
    /// Back up ledger, stream, checkpoints and public keys, while running or stopped
    Backup(BackupArgs),
    /// Make a ledger of a backup again, verified against what was published
    Restore(RestoreArgs),
    /// Look after the stream the ledger is made from
    #[command(subcommand)]
    Stream(StreamCommand),
    /// Look at the verified feed, or make it again
    #[command(subcommand)]
    Feed(FeedCommand),
    /// Cosign the checkpoints of logs
    #[command(subcommand)]
    Witness(WitnessCommand),
    /// Follow a log from outside: read every leaf, raise the alarm when it forks, goes back or seals what is not true
    Monitor(MonitorArgs),
    /// Check this machine, the server, the streams and the ledger
    Doctor,
    /// Look at the configuration
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Print a completion script
    Completions(CompletionsArgs),
    /// Print a manual page, or write all of them
    Man(ManArgs),
}

/// Arguments of `demo`.
#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    /// Stop after the tour instead of serving on
    #[arg(long)]
    pub(crate) exit: bool,
    /// Keep the demo's directory and say where it is
    #[arg(long)]
    pub(crate) keep: bool,
}

/// Arguments of `init`.
#[derive(Debug, Args)]
pub(crate) struct InitArgs {
    /// Name of the log, for example portbook.example/rare-earths
    #[arg(long, value_name = "NAME")]
    pub(crate) origin: Option<String>,
    /// Create only an empty store, into which the projector replays the stream; keys and signed.log stay
    #[arg(long, conflicts_with = "origin")]
    pub(crate) replay: bool,
    /// Create the empty ledger of a standby, beside keys that were brought from the ledger it is to follow
    #[arg(long, conflicts_with_all = ["origin", "replay"])]
    pub(crate) standby: bool,
}

/// Arguments of `run`.
#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    /// What to run
    #[arg(value_enum)]
    pub(crate) part: Part,
}

/// A part that can be a process of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Part {
    /// The service that speaks for applicants.
    Intake,
    /// The service that asks for papers.
    Paperwork,
    /// The service that decides on licences.
    Licensing,
    /// The service that speaks for customs.
    Clearance,
    /// The one writer of the ledger.
    Projector,
    /// A second projector in a home of its own, which only follows until it is promoted.
    Standby,
    /// All of them.
    All,
}

/// Arguments of `import`.
#[derive(Debug, Args)]
pub(crate) struct ImportArgs {
    /// Files to import, in order; `-` reads standard input
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// Name of the source: urn:portbook:src:<NAME>
    #[arg(long, value_name = "NAME")]
    pub(crate) source: Option<String>,
    /// Read and check the lines without publishing anything
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// Arguments of `timeline`.
#[derive(Debug, Args)]
pub(crate) struct TimelineArgs {
    /// Port as UN/LOCODE; an alias stands for its port
    pub(crate) port: String,
    /// Only this case
    #[arg(long = "case", value_name = "CASE")]
    pub(crate) case: Option<String>,
    /// Only this element
    #[arg(long, value_name = "SYMBOL")]
    pub(crate) element: Option<String>,
    /// Only this type of event, for example license.granted
    #[arg(long = "type", value_name = "TYPE")]
    pub(crate) event: Option<String>,
    /// Only this country of destination
    #[arg(long, value_name = "COUNTRY")]
    pub(crate) to: Option<String>,
    /// Only what happened at this time or later
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    pub(crate) since: Option<Timestamp>,
    /// Only what happened before this time
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    pub(crate) until: Option<Timestamp>,
    /// As known when the ledger had so many leaves, at a time, or at `checkpoint` or `checkpoint:<SIZE>`
    #[arg(long, value_name = "SIZE|TIME|CHECKPOINT", default_value = "now")]
    pub(crate) at: Point,
    /// Without what was annulled, and with corrected fields
    #[arg(long)]
    pub(crate) as_corrected: bool,
    /// In the order of the chain instead of the order of events
    #[arg(long)]
    pub(crate) chain_order: bool,
    /// At most this many rows, the last ones
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<usize>,
}

impl TimelineArgs {
    /// The last rows of a port, whatever they are.
    pub(crate) fn last(port: &str, limit: usize) -> Self {
        Self {
            port: port.to_owned(),
            case: None,
            element: None,
            event: None,
            to: None,
            since: None,
            until: None,
            at: Point::Now,
            as_corrected: false,
            chain_order: false,
            limit: Some(limit),
        }
    }
}

/// Arguments of `case`.
#[derive(Debug, Args)]
pub(crate) struct CaseArgs {
    /// The case
    pub(crate) case: String,
    /// As recorded, without corrections and annulments
    #[arg(long)]
    pub(crate) as_recorded: bool,
    #[command(flatten)]
    pub(crate) as_of: AsOfArgs,
}

/// Arguments of `license`.
#[derive(Debug, Args)]
pub(crate) struct LicenseArgs {
    /// Number of the licence
    pub(crate) license_no: String,
    #[command(flatten)]
    pub(crate) as_of: AsOfArgs,
}

/// Arguments of `verify`.
#[derive(Debug, Args)]
pub(crate) struct VerifyArgs {
    /// Ports to report on; aliases stand for their ports
    #[arg(value_name = "PORT", required_unless_present = "all")]
    pub(crate) ports: Vec<String>,
    /// Report on every chain
    #[arg(long, conflicts_with = "ports")]
    pub(crate) all: bool,
    /// Verify against the checkpoint of this size instead of the newest
    #[arg(long, value_name = "SIZE")]
    pub(crate) at: Option<u64>,
    /// Compare every record with the stream, message by message
    #[arg(long)]
    pub(crate) against_stream: bool,
    /// Leave out signatures of producers and the placement of records
    #[arg(long)]
    pub(crate) quick: bool,
    /// Go on from this epoch although it gives up a checkpoint that was seen here
    #[arg(long, value_name = "N")]
    pub(crate) accept_epoch: Option<u64>,
    /// The log's public key, as <name>+<hash>+<key> or a file with it; default is the one in the home directory
    #[arg(long, value_name = "KEY")]
    pub(crate) key: Option<String>,
    /// Policy whose witnesses must have cosigned
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,
}

impl VerifyArgs {
    /// Everything, against the newest checkpoint.
    pub(crate) const fn all() -> Self {
        Self {
            ports: Vec::new(),
            all: true,
            at: None,
            against_stream: false,
            quick: false,
            accept_epoch: None,
            key: None,
            policy: None,
        }
    }
}

/// Verbs of `record`.
#[derive(Debug, Subcommand)]
pub(crate) enum RecordCommand {
    /// Show one record: fields, body, hash and link
    Show {
        /// Leaf index, or <PORT>/<position in its chain>
        record: String,
    },
    /// Show a record as recorded beside what corrections made of it
    Diff {
        /// Leaf index, or <PORT>/<position in its chain>
        record: String,
    },
}

/// Verbs of `checkpoint`.
#[derive(Debug, Subcommand)]
pub(crate) enum CheckpointCommand {
    /// List the published checkpoints
    Ls,
    /// Show one checkpoint as it was published
    Show {
        /// Its size; the newest when left out
        size: Option<u64>,
    },
}

/// Verbs of `config`.
#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Show every value in force and where it comes from
    Show {
        /// Print the compiled-in defaults with their comments instead
        #[arg(long)]
        defaults: bool,
    },
}

/// Arguments of `completions`.
#[derive(Debug, Args)]
pub(crate) struct CompletionsArgs {
    /// The shell
    pub(crate) shell: clap_complete::Shell,
}

/// Arguments of `man`.
#[derive(Debug, Args)]
pub(crate) struct ManArgs {
    /// The command whose page to print, for example: stream check
    #[arg(value_name = "COMMAND", conflicts_with = "dir")]
    pub(crate) command: Vec<String>,
    /// Write the pages of all commands into this directory instead
    #[arg(long, value_name = "DIR")]
    pub(crate) dir: Option<PathBuf>,
}

fn parse_offset(text: &str) -> Result<Offset, String> {
    offset_of(text).ok_or_else(|| "an offset is UTC or of the form +08:00".to_owned())
}

fn offset_of(text: &str) -> Option<Offset> {
    if text.eq_ignore_ascii_case("utc") || text == "Z" {
        return Some(Offset::UTC);
    }
    let (sign, digits) = match text.split_at_checked(1)? {
        ("+", digits) => (1, digits),
        ("-", digits) => (-1, digits),
        _ => return None,
    };
    let (hours, minutes) = digits.split_once(':')?;
    let (hours, minutes): (i32, i32) = (
        hours.parse().ok()?,
        minutes.parse().ok().filter(|minutes| *minutes < 60)?,
    );
    Offset::from_seconds(sign * (hours * 3600 + minutes * 60)).ok()
}

fn parse_time(text: &str) -> Result<Timestamp, String> {
    let midnight = || {
        format!("{}T00:00:00Z", text.parse::<jiff::civil::Date>().ok()?)
            .parse()
            .ok()
    };
    text.parse()
        .ok()
        .or_else(midnight)
        .ok_or_else(|| "a time is a date, or of the form 2025-06-01T00:00:00Z".to_owned())
}
