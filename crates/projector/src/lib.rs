//! Stream to ledger to store: one pure fold, one commit per batch, seals and signed checkpoints.
//!
//! The ledger's own size is the only position: reading goes on at the next message, whatever a consumer remembers. On a
//! contradiction between stream, store and what was signed the projector stops and says why; it never skips.

mod anchor;
mod epoch;
mod feed;
mod follow;
mod opening;
mod patience;
mod projector;
mod run;
mod seal;
mod signer;
mod standby;

pub use anchor::{AnchorError, check_anchor, check_head, check_identity, difference};
pub use epoch::{EpochError, declare_epoch};
pub use feed::{FeedError, FeedParts, FeedPosition, feed};
pub use follow::Follower;
pub use opening::{Opening, OpeningError, Producer, open_ledger};
pub use projector::{Batch, Projector, TakeError, Taken, Written};
pub use run::{Pace, Position, RunError, RunParts, run};
pub use signer::{Published, Publishing, SignError, SignedNote, SignerParts};
pub use standby::{StandbyEnd, StandbyError, StandbyParts, stand_by};
