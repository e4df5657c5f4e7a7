//! Timelines, cases and licence balances: folds over recorded events.
//!
//! Pure and deterministic: no clock, no randomness, no map whose order is not defined. A view is a function of the
//! records it was given, so that a rebuilt view can be compared with the one it replaces.

mod activity;
mod balance;
mod case;
mod cases;
mod facts;
mod moment;
mod timeline;
mod view;

pub use activity::{Activity, ActivityKey, PortActivity};
pub use balance::{BalanceLine, LicenseBalance, LicenseStatus};
pub use case::{CaseProgress, CaseStage, CaseTimeline, OpenQuery, Settlement};
pub use cases::{CasePart, CaseRow, Cases};
pub use facts::{
    CaseFacts, Cleared, Declared, Fact, FactAt, FactRow, Facts, Goods, GoodsRow, Granted, Name, NamedCounts,
    Packed, Queried, Repeat, Span, Submitted, TableSink, TableSource, Told, ToldRow, day_of,
};
pub use timeline::{Placement, RecordClass, TimelineRow};
pub use view::{Recorded, View};
