//! What a source is to the ledger: keys that control messages registered, the signer of its events, and an account of what it published.
//!
//! A service or an importer states now and then how many events it has published and the hash over them. Whoever holds
//! the ledger compares: events that were acknowledged and never reached it are found, although nothing of them is there.

mod account;
mod journal;
mod key_ring;
mod signer;

pub use account::{Account, AccountError, AccountParts, Publishing};
pub use journal::JournalError;
pub use key_ring::{KeyRing, KeyRingError};
pub use signer::{EventSigner, SignerError};
