//! Values behind commitments: encrypted, outside the ledger, until they are disclosed or erased.
//!
//! The ledger holds commitments alone, so nothing here decides a hash: what is erased here leaves every proof as it was.

mod disclosure;
mod entry;
mod vault;

pub use disclosure::{Disclosure, Undisclosed};
pub use entry::VaultKey;
pub use vault::{Sealing, Vault, VaultError};
