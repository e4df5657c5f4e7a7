//! `portbook stream`.

use clap::Subcommand;

/// Verbs of `stream`.
#[derive(Debug, Subcommand)]
pub(crate) enum StreamCommand {
    /// Read the whole stream again: settings, identity, gaps, case versions and links, every message against its record
    Check,
}
