//! Drives views over the ledger: folds them, keeps what they hold, rebuilds them and reads them as of then.
//!
//! A view is a cache. Between snapshots the ledger itself is the log; whatever is lost here is folded again.

mod building;
mod comparison;
mod gather;
mod kind;
mod merge;
mod parking;
mod pass;
mod past;
mod projections;
mod promotion;
mod reading;
mod rebuild;
mod repair;
mod replay;
mod selection;
mod snapshot;
mod transcript;

pub use building::try_folding;
pub use comparison::{Change, OnChange};
pub use kind::{KEPT, Kind, VIEWS, Visitor, visit};
pub use pass::{GoOn, ProjectionError};
pub use past::{Past, past, recorded_at_ns, size_at};
pub use projections::Projections;
pub use promotion::{Listed, Standing, difference, generations, promote, promote_back};
pub use rebuild::{RebuildEnd, RebuildOptions, Rebuilt, rebuild};
pub use repair::{ParkedIn, RepairError, Retried};
pub use replay::{Replayed, replay};
pub use selection::Filter;
pub use transcript::{TranscriptError, transcribe};
