//! The state root: one digest for everything a view holds.

use portbook_ledger::{Hash, Hasher};

/// First bytes of what is hashed.
const LABEL: &[u8] = b"portbook/v1/view-state\n";

/// Digest over the rows of a view in the order of their keys.
///
/// `H("portbook/v1/view-state\n" || u8 length of name || name || row...)`, where a row is
/// `u32 length || key || u32 length || row` with key and row as they are stored.
#[derive(Debug, Clone)]
pub struct StateRoot {
    hasher: Hasher,
    rows: u64,
}

impl StateRoot {
    /// The root of the view named `view` without rows.
    #[must_use]
    pub fn of(view: &str) -> Self {
        let mut hasher = Hasher::default();
        hasher.update(LABEL);
        // Names are constants of this program, far shorter than 255 bytes.
        hasher.update(&[u8::try_from(view.len()).unwrap_or(u8::MAX)]);
        hasher.update(view.as_bytes());
        Self { hasher, rows: 0 }
    }

    /// Takes the next `rows` rows, each as [`crate::frame_row`] gives it.
    pub fn take_framed(&mut self, framed: &[u8], rows: u64) {
        self.hasher.update(framed);
        self.rows += rows;
    }

    /// Takes the next row.
    pub fn row(&mut self, key: &[u8], row: &[u8]) {
        let mut framed = Vec::with_capacity(8 + key.len() + row.len());
        frame_stored(key, row, &mut framed);
        self.take_framed(&framed, 1);
    }

    /// How many rows it took.
    #[must_use]
    pub const fn rows(&self) -> u64 {
        self.rows
    }

    /// The digest.
    #[must_use]
    pub fn finish(self) -> Hash {
        self.hasher.finish()
    }
}

/// Appends one row in the form that is hashed and stored.
pub fn frame_stored(key: &[u8], row: &[u8], out: &mut Vec<u8>) {
    for part in [key, row] {
        // The codec's limit keeps both far below 4 GiB.
        let length = u32::try_from(part.len()).unwrap_or(u32::MAX);
        out.extend_from_slice(&length.to_be_bytes());
        out.extend_from_slice(part);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_is_the_hash_of_its_layout() {
        let mut root = StateRoot::of("cases");
        root.row(b"k", b"row");
        let bytes = b"portbook/v1/view-state\n\x05cases\0\0\0\x01k\0\0\0\x03row";
        assert_eq!(root.rows(), 1);
        assert_eq!(root.finish(), portbook_ledger::sha256(&[bytes]));
    }

    #[test]
    fn where_a_key_ends_is_part_of_the_root() {
        let root = |key: &[u8], row: &[u8]| {
            let mut root = StateRoot::of("cases");
            root.row(key, row);
            root.finish()
        };
        assert_ne!(root(b"ab", b"c"), root(b"a", b"bc"));
        assert_ne!(root(b"", b""), StateRoot::of("cases").finish());
    }
}
