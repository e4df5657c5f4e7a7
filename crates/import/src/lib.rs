//! Observed facts from files into the stream, once each, however often they are imported.
//!
//! What is already there is read from the stream itself, case by case: no window of the broker and no file of our own
//! decides whether a fact is new.

mod history;
mod importer;
mod preparation;
mod workers;

pub use importer::{ImportError, Importer, Tally};
pub use preparation::Line;
