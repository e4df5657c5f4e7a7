//! Arguments of the commands for subscribers.

use clap::{Args, Subcommand, ValueEnum};

/// Verbs of `feed`.
#[derive(Debug, Subcommand)]
pub(crate) enum FeedCommand {
    /// Show how far the feed reaches and what waits to be fed
    Status,
    /// Delete the feed and create it again; a running projector fills it from the ledger
    Reset,
}

/// Arguments of `watch`.
#[derive(Debug, Args)]
pub(crate) struct WatchArgs {
    /// Ports as UN/LOCODE; aliases stand for their ports; every port when none is given
    #[arg(value_name = "PORT")]
    pub(crate) ports: Vec<String>,
    /// Only this type of event, for example license.granted; may be given more than once
    #[arg(long = "type", value_name = "TYPE")]
    pub(crate) types: Vec<String>,
    /// Begin with this leaf (0: with the first event there is) instead of with what comes next
    #[arg(long, value_name = "LEAF")]
    pub(crate) from: Option<u64>,
    /// Stop after this many events
    #[arg(long, value_name = "N")]
    pub(crate) count: Option<u64>,
}

/// Verbs of `schema`.
#[derive(Debug, Subcommand)]
pub(crate) enum SchemaCommand {
    /// List the schemas of all events
    Ls,
    /// Print one schema as it was published
    Get {
        /// Type with or without version, for example license.granted or license.granted.v1; or envelope
        name: String,
    },
    /// Describes channels and messages of the feed.
    #[command(about = "Print the AsyncAPI 3 document of the verified feed")]
    Asyncapi,
    /// Write the digests of schemas that the ledger does not name yet into the ledger
    Register,
}

/// Arguments of `connect`.
#[derive(Debug, Args)]
pub(crate) struct ConnectArgs {
    /// Language of the subscriber
    #[arg(value_enum)]
    pub(crate) language: Language,
    /// Only this port; may be given more than once
    #[arg(long = "port", value_name = "PORT")]
    pub(crate) ports: Vec<String>,
    /// Only this type of event; may be given more than once
    #[arg(long = "type", value_name = "TYPE")]
    pub(crate) types: Vec<String>,
}

/// A language there is a subscriber in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Language {
    /// Python, with nats-py.
    Python,
    /// JavaScript on Node, with nats.js.
    Node,
    /// Go, with nats.go.
    Go,
    /// Rust, with portbook-subscribe.
    Rust,
}
