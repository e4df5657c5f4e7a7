//! What can be typed after `simulate`.

use std::path::PathBuf;

use clap::Args;

/// Arguments of `simulate`.
#[derive(Debug, Args)]
pub(crate) struct SimulateArgs {
    /// File to write; gzip when its name ends in .gz; `-` is standard output
    #[arg(long, value_name = "FILE", default_value = "-")]
    pub(crate) out: PathBuf,
    /// What everything that is drawn depends on (default: the seed of the scenario)
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
    /// How many independent runs of the scenario there are, side by side; 40 give about a million facts
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) scale: u32,
    /// Lay labelled defects of 17 kinds over each run
    #[arg(long)]
    pub(crate) defects: bool,
    /// File for the labels of the defects (default: beside the file, ending in .truth.jsonl)
    #[arg(long, value_name = "FILE", requires = "defects")]
    pub(crate) truth: Option<PathBuf>,
    /// Say when each shipment was declared, too
    #[arg(long)]
    pub(crate) declarations: bool,
    /// Directory with scenario.toml and its two tables, instead of those compiled in
    #[arg(long, value_name = "DIR")]
    pub(crate) scenario: Option<PathBuf>,
}
