//! Which layout a store has: what this program writes it reads, and what another version wrote it says so.
//!
//! The stream is what counts, so an older layout is not carried on: the store is built again from the stream.

use std::path::Path;

use sled::IVec;

use crate::durable::StoreError;
use crate::key;

/// The layout this program writes. Whatever changes what is stored, or where, changes this.
pub(crate) const LAYOUT_NOW: &str = "1";

/// The layout named here is kept from ever being printed longer than this.
const SHOWN_MAX: usize = 40;

/// Holds the store at `path` to the layout of this program; `get` reads a value of it.
///
/// # Errors
/// [`StoreError::OtherLayout`] when another version wrote it. A store without a book is damaged, which whoever reads the book
/// finds.
pub(crate) fn check(
    path: &Path,
    get: impl Fn(&[u8]) -> Result<Option<IVec>, StoreError>,
) -> Result<(), StoreError> {
    let found = get(key::LAYOUT)?;
    if found.as_deref() == Some(LAYOUT_NOW.as_bytes()) || (found.is_none() && get(key::BOOK)?.is_none()) {
        return Ok(());
    }
    let shown = |found: IVec| {
        let text = String::from_utf8_lossy(&found);
        text.chars()
            .take(SHOWN_MAX)
            .flat_map(char::escape_default)
            .collect()
    };
    Err(StoreError::OtherLayout {
        path: path.to_owned(),
        found: found.map(shown),
        ours: LAYOUT_NOW,
    })
}
