//! The ledger on disk: leaves, lookups, chain heads, view rows and the reader's position, in sled.
//!
//! Everything one batch of messages changes is written in one atomic sled batch and then really synced; a ledger is
//! therefore always at the end of some batch. Sole owner of sled and of the bincode rows.

mod bloom;
mod codec;
mod directory;
mod durable;
mod entry;
mod forge;
mod key;
mod leaves;
mod packed;
mod reader;
mod record;
mod row;
mod run;
mod store;
mod verdict;

pub use codec::RowError;
pub use directory::LedgerDirectory;
pub use durable::StoreError;
pub use forge::{Forgery, forge};
pub use leaves::{Leaves, Packed};
pub use reader::{StoreReader, VERDICTS_TOGETHER};
pub use store::{Store, Unsynced};
pub use verdict::Verdict;
