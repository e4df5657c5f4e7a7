//! Arguments of the commands for subscribers.

use clap::Subcommand;

/// Verbs of `feed`.
#[derive(Debug, Subcommand)]
pub(crate) enum FeedCommand {
    /// Show how far the feed reaches and what waits to be fed
    Status,
    /// Delete the feed and create it again; a running projector fills it from the ledger
    Reset,
}
