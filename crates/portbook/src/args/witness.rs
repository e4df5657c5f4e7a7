//! What can be typed to witness a log and to watch over it.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Subcommand};

/// Verbs of `witness`.
#[derive(Debug, Subcommand)]
pub(crate) enum WitnessCommand {
    /// Create the key of a witness in the home directory
    Init {
        /// Name of the witness, for example witness.example/w1
        #[arg(long, value_name = "NAME")]
        name: String,
    },
    /// Cosign the checkpoints of known logs over HTTP (C2SP tlog-witness)
    Serve(ServeArgs),
    /// Write what a witness without network needs: the newest checkpoint and a consistency proof
    Request {
        /// Size that the witness knows of this log
        #[arg(long, value_name = "SIZE", default_value_t = 0)]
        old: u64,
        /// File to write; standard output when left out
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Consider a request in a file, as `serve` does, and write the cosignature
    Answer {
        /// The file that `request` wrote
        request: PathBuf,
        #[command(flatten)]
        logs: LogArgs,
        /// File to write; standard output when left out
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Keep cosignatures that came in a file beside the checkpoint they are for
    Attach {
        /// The file that `answer` wrote
        answer: PathBuf,
        /// Policy that lists the witness; the configured one when left out
        #[arg(long, value_name = "FILE")]
        policy: Option<PathBuf>,
        /// Size of the checkpoint; the newest when left out
        #[arg(long, value_name = "SIZE")]
        size: Option<u64>,
    },
}

/// Arguments of `witness serve`.
#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    #[command(flatten)]
    pub(crate) logs: LogArgs,
    /// Address to listen on; port 0 takes a free one, and the same again at the next start
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    pub(crate) listen: SocketAddr,
    /// Read every leaf of the logs and derive every chain and seal again, and cosign only then
    #[arg(long)]
    pub(crate) verify: bool,
}

/// Which logs are known.
#[derive(Debug, Args)]
pub(crate) struct LogArgs {
    /// A log's public key, and the URL of its tiles: "KEY" or "KEY URL"
    #[arg(long = "log", value_name = "LOG", required_unless_present = "policy")]
    pub(crate) logs: Vec<String>,
    /// Policy whose log lines are the known logs
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,
}

/// Arguments of `monitor`.
#[derive(Debug, Args)]
pub(crate) struct MonitorArgs {
    /// URL of the log's tiles: `<url of up>/log`
    pub(crate) url: String,
    /// The log's public key, as <name>+<hash>+<key> or a file with it
    #[arg(long, value_name = "KEY")]
    pub(crate) key: String,
    /// Directory for what was seen; alarms and their proofs are in it as well
    #[arg(long, value_name = "DIR", default_value = "portbook-monitor")]
    pub(crate) dir: PathBuf,
    /// Policy whose witnesses must have cosigned
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,
    /// Look once instead of following
    #[arg(long)]
    pub(crate) once: bool,
    /// Pause between two looks, milliseconds
    #[arg(long, value_name = "MS", default_value_t = 5000)]
    pub(crate) interval_ms: u64,
}
