//! A ledger, or one port of it, as files that people already have tools for.
//!
//! A file is whole or there is none: it covers what a published checkpoint covers, its manifest says how many rows and grams
//! are in it and what the format has no place for, and nothing is cut short.

mod column;
mod csv_file;
mod entry;
mod epcis;
mod error;
mod export;
mod manifest;
mod ndjson;
mod ocel;
mod parquet_file;
mod report;
mod row;
mod xes;

pub use column::{COLUMNS, Column, Kind};
pub use entry::{Book, Entry, Scope};
pub use error::ExportError;
pub use export::{Format, export};
pub use manifest::{About, Manifest, Tally};
pub use report::{Report, Section, Subject};
pub use row::Row;
