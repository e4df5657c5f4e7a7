//! What can be typed behind `export` and `prove`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use jiff::Timestamp;

/// Arguments of `export`.
#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    /// Port as UN/LOCODE, an alias stands for its port; `all` for every chain; `tiles` for the whole log as static files
    #[arg(value_name = "PORT|all|tiles")]
    pub(crate) what: String,
    /// Where the tiles go: a new or empty directory
    #[arg(value_name = "DIR", conflicts_with = "out")]
    pub(crate) dir: Option<PathBuf>,
    /// Form of the export
    #[arg(long, value_enum, default_value_t = ExportFormat::Bundle)]
    pub(crate) format: ExportFormat,
    /// File to write; a bundle is written as a directory when the name does not end in .zip, all else is compressed when
    /// it ends in .gz; `-` is standard output
    #[arg(long = "out", value_name = "FILE|DIR", id = "out")]
    pub(crate) out: Option<PathBuf>,
    /// Only the records at these positions of the port
    #[arg(long, value_name = "A..B", value_parser = parse_positions)]
    pub(crate) range: Option<(u64, u64)>,
    /// Under the checkpoint of this size, or the newest of this time, instead of the newest
    #[arg(long, value_name = "SIZE|TIME", value_parser = parse_at)]
    pub(crate) at: Option<At>,
    /// Prove that the checkpoint continues the one of this size or time
    #[arg(long, value_name = "SIZE|TIME", value_parser = parse_at)]
    pub(crate) earlier: Option<At>,
    /// C2SP tlog-policy to put into a bundle
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,
}

/// What can be exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExportFormat {
    /// Evidence that others can check without portbook.
    Bundle,
    /// Apache Parquet: one row per record.
    Parquet,
    /// Comma-separated values: one row per record.
    Csv,
    /// JSON objects, one a line: one per record.
    Ndjson,
    /// OCEL 2.0: events and the objects they are about, for process mining.
    Ocel,
    /// XES: events by case, for process mining.
    Xes,
    /// EPCIS 2.0: events in the vocabulary of supply chains.
    Epcis,
}

/// Arguments of `prove`.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("question").required(true).args(["record", "since", "absent"]))]
pub(crate) struct ProveArgs {
    /// That this record is in the ledger: leaf index, or <PORT>/<position in its chain>
    pub(crate) record: Option<String>,
    /// That the ledger continues what it was at this size or time
    #[arg(long, value_name = "SIZE|TIME", value_parser = parse_at)]
    pub(crate) since: Option<At>,
    /// That this port has no records; needs --out
    #[arg(long, value_name = "PORT", requires = "out")]
    pub(crate) absent: Option<String>,
    /// In the own log of this port; a record is then given as its position
    #[arg(long, value_name = "PORT", conflicts_with = "absent")]
    pub(crate) port: Option<String>,
    /// Under the checkpoint of this size, or the newest of this time, instead of the newest
    #[arg(long, value_name = "SIZE|TIME", value_parser = parse_at)]
    pub(crate) at: Option<At>,
    /// Write the proof to this file instead of standard output
    #[arg(long = "out", value_name = "FILE", id = "out")]
    pub(crate) out: Option<PathBuf>,
    /// Write the record itself to this file: who checks the proof needs it
    #[arg(long, value_name = "FILE", requires = "record")]
    pub(crate) leaf: Option<PathBuf>,
    /// Write the earlier checkpoint to this file
    #[arg(long, value_name = "FILE", requires = "since")]
    pub(crate) earlier: Option<PathBuf>,
    /// C2SP tlog-policy whose witnesses' cosignatures say when the record was recorded
    #[arg(long, value_name = "FILE", requires = "record")]
    pub(crate) policy: Option<PathBuf>,
}

/// A checkpoint, by its size or by when it was sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum At {
    /// The one with so many leaves.
    Size(u64),
    /// The newest sealed at this time or before.
    Time(Timestamp),
}

fn parse_at(text: &str) -> Result<At, String> {
    match text.parse() {
        Ok(size) => Ok(At::Size(size)),
        Err(_) => super::parse_time(text).map(At::Time),
    }
}

fn parse_positions(text: &str) -> Result<(u64, u64), String> {
    let positions = text.split_once("..").and_then(|(first, last)| {
        let last = last.strip_prefix('=').unwrap_or(last);
        Some((first.parse().ok()?, last.parse().ok()?))
    });
    positions
        .filter(|(first, last)| (1..=*last).contains(first))
        .ok_or_else(|| "positions are written 17..23, both included, from 1".to_owned())
}
