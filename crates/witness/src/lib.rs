//! Looking at a log from outside: witnesses that cosign what they have checked, monitors that raise the alarm.
//!
//! An ordinary witness sees that a log only grows. A verifying witness and a monitor read every leaf as well, derive every
//! chain and every seal again, and so find the lie that ordinary checks pass: a seal that does not say what the leaves say.

mod alarm;
mod endpoint;
mod follower;
mod memory;
mod mirror;
mod monitor;
mod panel;
mod witness;

pub use alarm::Alarm;
pub use endpoint::endpoint;
pub use follower::{FollowError, Follower, Source};
pub use memory::{Memory, MemoryError};
pub use mirror::{Mirror, MirrorError};
pub use monitor::{Monitor, MonitorError, Sighting};
pub use panel::{Cosignatures, Cosigned, Panel, PanelError, Recalled, SubmitError, Submitted};
pub use witness::{KnownLog, Refusal, Witness, WitnessError};
