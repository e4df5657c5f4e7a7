//! The read side: timelines, cases, balances, and verification of a stored ledger.

mod attestor;
mod epoch;
mod facts;
mod kept;
mod leaf_hashes;
mod question;
mod rederive;
mod repair;
mod source_step;
mod verify;

pub use attestor::{attest, contested_by, sources, verdict_on, verdicts_of};
pub use epoch::Epoch;
pub use facts::{FactsAt, Prefix, RecordCounts, SealTime, SourceFacts, sealed_prefix};
pub use kept::KeptFacts;
pub use question::{AsOf, QuestionError, RecordAt, Records, case, describe, license, record};
pub use rederive::{Misplaced, Rederived, SignatureCounts};
pub use repair::{Corrected, Idle, Repair, Repairs, Standing, repairs, repairs_among};
pub use verify::{Against, Depth, Trust, Verification, Verified, VerifyError, is_truncation, verify};
