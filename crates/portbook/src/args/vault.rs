//! Arguments of `vault`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use portbook_domain::Text;

/// Verbs of `vault`.
#[derive(Debug, Subcommand)]
pub(crate) enum VaultCommand {
    /// Keep a value and print the commitment to it, as it belongs into a command
    Put(PutArgs),
    /// Print value and salt of one field of a record: whoever gets them can check them
    Disclose {
        /// Leaf index, or <PORT>/<position in its chain>
        record: String,
        /// The field
        #[arg(value_enum)]
        field: FieldName,
    },
    /// Check what somebody disclosed against the record it came with
    Check {
        /// What `vault disclose` printed; `-` reads standard input
        file: PathBuf,
        /// Leaf hash of the record, from a proof or bundle, which must be the disclosed one's
        #[arg(long, value_name = "SHA256")]
        leaf_hash: Option<String>,
    },
    /// Destroy values and salts of a record's fields for good, and publish that it was done
    Erase(EraseArgs),
}

/// Arguments of `vault put`.
#[derive(Debug, Args)]
pub(crate) struct PutArgs {
    /// The field
    #[arg(value_enum)]
    pub(crate) field: FieldName,
    /// Its value; read from standard input, without a line end behind it, when left out
    pub(crate) value: Option<String>,
}

/// Arguments of `vault erase`.
#[derive(Debug, Args)]
pub(crate) struct EraseArgs {
    /// Leaf index, or <PORT>/<position in its chain>
    pub(crate) record: String,
    /// The fields
    #[arg(value_enum, required = true)]
    pub(crate) fields: Vec<FieldName>,
    /// Why
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Text,
}

/// A personal field that an event can commit to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum FieldName {
    /// Who applies.
    Applicant,
    /// The applicant's own reference.
    ExternalRef,
    /// Who will use the goods.
    EndUser,
    /// Who receives the goods.
    Consignee,
}

impl FieldName {
    /// Its name in a commitment.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Applicant => "applicant",
            Self::ExternalRef => "external_ref",
            Self::EndUser => "end_user",
            Self::Consignee => "consignee",
        }
    }

    /// Where an event has the commitment, as a JSON pointer.
    pub(crate) const fn pointer(self) -> &'static str {
        match self {
            Self::Applicant => "/data/applicant",
            Self::ExternalRef => "/data/external_ref",
            Self::EndUser => "/data/end_user_commitment",
            Self::Consignee => "/data/consignee_commitment",
        }
    }

    /// What stands before the commitment in a field that could hold another text.
    pub(crate) const fn prefix(self) -> &'static str {
        match self {
            Self::Applicant | Self::ExternalRef => "commit:",
            Self::EndUser | Self::Consignee => "",
        }
    }
}
