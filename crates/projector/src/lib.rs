//! Stream to ledger to store: one pure fold, one commit per batch, seals and signed checkpoints.
//!
//! The ledger's own size is the only position: reading goes on at the next message, whatever a consumer remembers. On a
//! contradiction between stream, store and what was signed the projector stops and says why; it never skips.

mod anchor;
mod feed;
mod opening;
mod projector;
mod run;
mod signer;

pub use anchor::{AnchorError, check_head, check_identity, difference};
pub use feed::{FeedError, FeedParts, FeedPosition, feed};
pub use opening::{Opening, OpeningError, Producer, open_ledger};
pub use projector::{Batch, Projector, TakeError, Taken};
pub use run::{Pace, Position, RunError, RunParts, run};
pub use signer::{Published, Publishing, SignError, SignedNote, SignerParts};
