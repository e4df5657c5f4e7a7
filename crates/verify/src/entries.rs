//! C2SP entry bundles: leaves one behind the other, each with its u16 length before it.

/// The leaves of an entry bundle, in order.
#[derive(Debug, Clone)]
pub struct Entries<'a> {
    rest: &'a [u8],
}

/// Bytes that do not end with the end of a leaf.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the last of its leaves is cut short")]
pub struct InvalidEntries;

impl<'a> Entries<'a> {
    /// Reads the leaves of `bytes`.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// Appends a leaf to `out`; it must have at most 65,535 bytes.
    pub fn append(out: &mut Vec<u8>, leaf: &[u8]) {
        out.extend_from_slice(&u16::try_from(leaf.len()).unwrap_or(u16::MAX).to_be_bytes());
        out.extend_from_slice(leaf);
    }
}

impl<'a> Iterator for Entries<'a> {
    type Item = Result<&'a [u8], InvalidEntries>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let split = self
            .rest
            .split_first_chunk::<2>()
            .and_then(|(length, rest)| rest.split_at_checked(usize::from(u16::from_be_bytes(*length))));
        let Some((leaf, rest)) = split else {
            self.rest = &[];
            return Some(Err(InvalidEntries));
        };
        self.rest = rest;
        Some(Ok(leaf))
    }
}
