//! Why an export ended early.

use std::io;

use portbook_audit::QuestionError;
use portbook_ledger::LeafError;
use portbook_store::StoreError;

/// An export that could not be finished; what was written of it is no export.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// Corrections and annulments could not be judged.
    #[error(transparent)]
    Question(#[from] QuestionError),
    /// The store could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A leaf is not what it should be; `verify` says more.
    #[error("leaf {index} is damaged")]
    Leaf {
        /// Its index.
        index: u64,
        /// What is wrong.
        #[source]
        source: LeafError,
    },
    /// There is no such leaf, though the checkpoint covers it.
    #[error("leaf {index} is missing")]
    NoLeaf {
        /// The index.
        index: u64,
    },
    /// The file could not be written.
    #[error("the export could not be written")]
    Write(#[from] io::Error),
    /// The Parquet writer refused what it was given.
    #[error("the Parquet file could not be written")]
    Parquet(#[from] parquet::errors::ParquetError),
    /// The JSON writer refused what it was given.
    #[error("the JSON could not be written")]
    Json(#[from] serde_json::Error),
    /// The CSV writer refused what it was given.
    #[error("the CSV could not be written")]
    Csv(#[from] csv::Error),
    /// The masses of one kind of event are more than 64 bits hold.
    #[error("the masses of {event} add up to more than a file can say")]
    TooHeavy {
        /// The kind of event.
        event: String,
    },
}
