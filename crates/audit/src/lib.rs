//! The read side: timelines, cases, balances, and verification of a stored ledger.

mod attestor;
mod epoch;
mod facts;
mod question;
mod rederive;
mod verify;

pub use attestor::{attest, verdicts_of};
pub use epoch::Epoch;
pub use facts::{FactsAt, Prefix, RecordCounts, facts};
pub use question::{QuestionError, RecordAt, Records, case, describe, license, record};
pub use rederive::{Misplaced, Rederived, SignatureCounts};
pub use verify::{Against, Depth, Trust, Verification, Verified, VerifyError, is_truncation, verify};
