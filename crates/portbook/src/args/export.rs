//! What can be typed behind `export`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// Arguments of `export`.
#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    /// Port as UN/LOCODE, an alias stands for its port; `all` for every chain
    #[arg(value_name = "PORT|all")]
    pub(crate) what: String,
    /// Form of the export
    #[arg(long, value_enum)]
    pub(crate) format: ExportFormat,
    /// File to write; gzip when its name ends in .gz; `-` is standard output
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Under the checkpoint of this size instead of the newest
    #[arg(long, value_name = "SIZE")]
    pub(crate) at: Option<u64>,
}

/// What can be exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExportFormat {
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
