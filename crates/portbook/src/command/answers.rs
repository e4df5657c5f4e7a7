//! Questions, findings and claims: what the ledger says, and what that rests on.

mod claims;
mod findings;
mod rests_on;
mod stats;

pub(crate) use claims::run as claims;
pub(crate) use findings::run as findings;
pub(crate) use stats::run as stats;
