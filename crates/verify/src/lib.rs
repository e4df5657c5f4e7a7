//! Checks evidence of a ledger without trusting whoever hands it over, and knows the form of evidence bundles.
//!
//! No network, no store, no clock, no threads. Whatever the input, nothing here panics, hangs or asks for more memory than
//! the largest single file of a bundle.

pub mod bundle;
mod entries;
mod files;
mod fraud;
mod memory;
mod proof;
mod range;
mod report;
mod shelf;
mod tiles;
mod trust;
mod verify;
mod zip;

pub use entries::{Entries, InvalidEntries};
pub use files::{FILE_BYTES_MAX, Files, FilesError};
pub use fraud::{Conviction, FRAUD_MAGIC, verify_fraud};
pub use memory::{Memory, Remembered};
pub use proof::{verify_growth, verify_proof};
pub use range::{RangeAuditor, RangeProof};
pub use report::{Exit, Line, Refusal, Report, Subject};
pub use tiles::verify_tiles;
pub use trust::{Opened, Trust, chain_key};
pub use verify::verify_bundle;
pub use zip::{ZipError, ZipWriter};
