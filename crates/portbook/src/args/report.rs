//! What can be typed after `report`.

use std::path::PathBuf;

use clap::Args;

/// Arguments of `report`.
#[derive(Debug, Args)]
pub(crate) struct ReportArgs {
    /// Port as UN/LOCODE, an alias stands for its port; `all` for every port
    #[arg(value_name = "PORT|all")]
    pub(crate) what: String,
    /// HTML file to write; `-` is standard output
    #[arg(long, value_name = "FILE", default_value = "report.html")]
    pub(crate) out: PathBuf,
    /// Under the checkpoint of this size instead of the newest
    #[arg(long, value_name = "SIZE")]
    pub(crate) at: Option<u64>,
}
