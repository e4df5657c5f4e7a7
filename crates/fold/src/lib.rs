//! Messages in, leaves out: the pure fold that makes a ledger of a stream.
//!
//! A function of the messages and of the book before them: no clock, no randomness, no map order, no input or output.
//! That is what lets anyone replay a stream and compare, and what lets verification derive again what was recorded.

mod book;
mod commit;
mod control;
mod delivery;
mod event_record;
mod fold;
mod key;
pub mod lookup;
mod reading;
mod reread;
mod row;
mod source;

pub use book::{Book, ChainHead, Counts, Opened};
pub use commit::{ChainEntry, Commit, LeafBatch, Lookups, Sealed};
pub use control::replay_control;
pub use delivery::Delivery;
pub use event_record::{EventRecord, RecordReading};
pub use fold::{FoldError, Known, Original, fold, head_leaf};
pub use key::{NotEntitled, Occasion, ProducerKey, Revoked, Superseded};
pub use lookup::LookupKey;
pub use reading::{EventReading, Reading, Unplaced, read, read_all};
pub use reread::reread;
pub use row::row_of;
pub use source::{GapKind, SourceAccount, SourceBook, SourceGap};
