//! The command services: intake, paperwork, licensing and clearance over one engine.
//!
//! An [`Engine`] loads a case from its exact subject, asks the domain to decide a command, signs the resulting event and
//! appends it under a guard: the event is stored only if the case has not moved on. Whatever is retried, by whom and
//! after whatever crash, a command is accepted once, because its id stands in the event it led to.
//!
//! Only what an authority decided makes up the case here: facts that somebody observed under the same case id
//! move the guard, never a decision. So a command cannot correct or annul an observed event.

mod authority;
mod cache;
mod clearance;
mod client;
mod draft;
mod endpoint;
mod engine;
mod history;
mod intake;
mod licensing;
mod paperwork;
mod remit;
mod setback;
mod surroundings;

pub use authority::Authorities;
pub use client::{Client, ClientError};
pub use endpoint::serve;
pub use engine::{Engine, EngineError, EngineLimits, EngineParts};
pub use history::{HistoryFault, check_case};
pub use remit::Remit;
pub use surroundings::{Clock, IdSource};
