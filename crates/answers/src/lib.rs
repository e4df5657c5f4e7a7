//! What the recorded facts say: the questions, the findings, the claims.
//!
//! Everything here is a function of facts, reference tables and what was asked: no clock, no randomness, no map whose
//! order is not defined. Whole numbers are used wherever a number can be whole; where statistics needs fractions they are
//! made of operations that give the same bits on every machine.

mod answer;
mod backlog;
mod claim;
mod completeness;
mod concentration;
mod conformity;
mod counted;
mod customs;
mod decimal;
mod dimension;
mod distribution;
mod finding;
mod grounds;
mod integrity;
mod latency;
mod licensing;
mod official;
mod parallel;
mod question;
mod reported;
mod resample;
mod shift;
mod statistic;
mod usage;
mod volume;

pub use answer::{Answer, Cell, Open, Table};
pub use claim::{Claim, InvalidClaim, Judged, Predicate, Verdict};
pub use counted::{Counted, SourceCount};
pub use dimension::{By, InvalidMonth, Month};
pub use distribution::Distribution;
pub use finding::{Concern, Finding, Rule, findings, uuid};
pub use grounds::{Case, EU, Grounds};
pub use parallel::side_by_side;
pub use question::{AskError, Asked, METHODS, Question, answer};
pub use reported::{Reported, ReportedError};
