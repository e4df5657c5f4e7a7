//! Arguments of `key` and `source`.

use clap::{Args, Subcommand};
use jiff::Timestamp;
use portbook_domain::Text;
use portbook_wire::TypeName;

use super::parse_time;

/// Verbs of `key`.
#[derive(Debug, Subcommand)]
pub(crate) enum KeyCommand {
    /// List the producers' keys as the ledger has them: whose, for what, until when
    Ls,
    /// Show one key and the records that say something about it
    Show {
        /// Its id, or the beginning of it
        key_id: String,
    },
    /// Register a key for a source; a new one is made unless --public-key gives one
    Register(RegisterArgs),
    /// Let a new key take over from a producer's present one; both sign that
    Rotate(RotateArgs),
    /// Revoke a key: what it signs from now on does not count, nothing is deleted
    Revoke(RevokeArgs),
}

/// Arguments of `key register`.
#[derive(Debug, Args)]
pub(crate) struct RegisterArgs {
    /// The source: a service, the <name> of urn:portbook:src:<name>, or a whole URN
    pub(crate) source: String,
    /// The only types of event the key may sign; every type when left out, a service's own for a service
    #[arg(long = "type", value_name = "TYPE", value_parser = parse_type)]
    pub(crate) types: Vec<TypeName>,
    /// Public key that somebody else made and holds, 32 bytes in base64
    #[arg(long, value_name = "BASE64")]
    pub(crate) public_key: Option<String>,
    /// End of its validity [default: in five years]
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    pub(crate) valid_until: Option<Timestamp>,
}

/// Arguments of `key rotate`.
#[derive(Debug, Args)]
pub(crate) struct RotateArgs {
    /// Whose key: a service, importer, or a source that has a key of its own
    pub(crate) owner: String,
    /// How many hours both keys are good
    #[arg(long, value_name = "HOURS", default_value_t = 24)]
    pub(crate) overlap_hours: u32,
}

/// Arguments of `key revoke`.
#[derive(Debug, Args)]
pub(crate) struct RevokeArgs {
    /// Its id, or the beginning of it
    pub(crate) key_id: String,
    /// What it signed since then is contested [default: now]
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    pub(crate) contested_from: Option<Timestamp>,
    /// Why
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Text,
}

/// Verbs of `source`.
#[derive(Debug, Subcommand)]
pub(crate) enum SourceCommand {
    /// List the sources: what they stated, what the ledger holds of them, and where the two differ
    Ls,
}

fn parse_type(text: &str) -> Result<TypeName, String> {
    TypeName::new(text).map_err(|error| error.to_string())
}
