//! Auditing: reading leaves in order and naming the first one that is not what it should be.
//!
//! What is checked: see [`Auditor`] for a whole log and [`ChainAuditor`] for one chain. What is not: that the events are true,
//! that everything that happened was published, producer signatures (see [`crate::verify_events`]), the meaning of
//! bodies, and the fields of a seal that speak about files outside the log (`prev_checkpoint`) or the broker's clock.

mod chain_auditor;
mod dispute;
mod event_set;
mod fault;
mod log_auditor;
mod suspicion;
mod tip;

pub use chain_auditor::{ChainAuditor, ChainVerdict};
pub use fault::{Check, Fault, Voucher};
pub use log_auditor::{Auditor, LogVerdict};
