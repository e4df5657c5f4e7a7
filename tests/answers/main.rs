//! Answers and findings over the shipped scenario: every expected value, every labelled defect, in every order.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on must stop and say where"
)]

mod aspects;
mod calendar;
mod conformance;
mod defect;
mod order;
#[cfg(feature = "soak")]
mod scale;
mod scenario;
mod tables;
