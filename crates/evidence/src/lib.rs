//! What others check a ledger with: tiles of it and of every port's own log, and proofs.
//!
//! Everything is computed from the store when it is asked for, at a cost that grows with the logarithm of the ledger. Only
//! what a published checkpoint covers is ever given away.

mod bundle;
mod error;
mod evidence;
mod heads;
mod log;
mod proof;
mod reading;
mod resource;
mod sink;
mod statics;
mod tree;

pub use bundle::{Bundle, Span};
pub use error::EvidenceError;
pub use evidence::{Evidence, Published};
pub use log::LogName;
pub use proof::Interval;
pub use resource::{Media, Resource};
pub use sink::{Sink, SinkError};
pub use statics::TileCount;
