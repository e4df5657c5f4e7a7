//! Drives views over the ledger: folds them, keeps what they hold, rebuilds them and reads them as of then.
//!
//! A view is a cache. Between snapshots the ledger itself is the log; whatever is lost here is folded again.

mod drive;
mod kind;
mod parking;
mod pass;
mod projection;
mod projections;
mod reading;
mod repair;
mod snapshot;

pub use drive::GoOn;
pub use kind::{Kind, VIEWS, Visitor, visit};
pub use pass::ProjectionError;
pub use projections::{AllViews, Projections, Views};
pub use repair::{ParkedIn, RepairError, Retried};
