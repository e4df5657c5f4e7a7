//! Views over real ledgers on disk: folding, snapshots, rebuilding, parked cases, replay, reads as of then.

#![expect(clippy::unwrap_used, reason = "builders of test data")]

mod fold;
mod ledger;
mod parked;
mod past;
mod rebuild;
