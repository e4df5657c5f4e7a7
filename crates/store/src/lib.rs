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
mod generation;
mod key;
mod layout;
mod leaves;
mod opening;
mod packed;
mod reader;
mod record;
mod row;
mod row_file;
mod run;
mod shelf;
mod state_root;
mod store;
mod verdict;
mod view_key;
mod view_row;
mod view_store;
mod workers;

pub use codec::RowError;
pub use directory::LedgerDirectory;
pub use durable::StoreError;
pub use forge::{Forgery, forge};
pub use generation::{Comparison, Generation, Parked, Pointer, Resolution};
pub use leaves::{Leaves, Packed};
pub use reader::{StoreReader, VERDICTS_TOGETHER};
pub use row_file::{RowWriter, StoredRow, StoredRows, Written, framed_rows};
pub use shelf::socket::{connect as connect_privately, listen as listen_privately};
pub use state_root::{StateRoot, frame_stored};
pub use store::{Store, Unsynced};
pub use verdict::Verdict;
pub use view_row::{decode_row, encode_row, frame_row};
pub use view_store::ViewStore;
pub use workers::{for_each_in_order, for_groups_in_order, for_joined_in_order};
