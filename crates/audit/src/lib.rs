//! The read side: timelines, cases, balances, and verification of a stored ledger.

mod attestor;

pub use attestor::{attest, verdicts_of};
