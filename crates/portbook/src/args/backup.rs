//! `portbook backup` and `portbook restore`.

use std::path::PathBuf;

use clap::Args;

/// Arguments of `backup`.
#[derive(Debug, Args)]
pub(crate) struct BackupArgs {
    /// Directory to create; nothing may be there
    pub(crate) directory: PathBuf,
}

/// Arguments of `restore`.
#[derive(Debug, Args)]
pub(crate) struct RestoreArgs {
    /// The backup
    pub(crate) directory: PathBuf,
    /// A checkpoint that was published: the restored ledger must continue it
    #[arg(long, value_name = "FILE")]
    pub(crate) checkpoint: Option<PathBuf>,
    /// Directory with the secret keys, which no backup holds; left out, they are in the home directory already
    #[arg(long, value_name = "DIR")]
    pub(crate) keys: Option<PathBuf>,
    /// Restore although later checkpoints were published, or may have been; the reason goes into the ledger for all to see.
    /// Without it the epoch that every restore begins says that nothing newer is known
    #[arg(long, value_name = "REASON")]
    pub(crate) declare_epoch: Option<String>,
    /// Who answers for the epoch
    #[arg(
        long,
        value_name = "NAME",
        default_value = "operator",
        requires = "declare_epoch"
    )]
    pub(crate) declared_by: String,
}
