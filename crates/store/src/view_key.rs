//! The key space of the views' database: a prefix byte, the view's name with its length, numbers big-endian.

/// Prefix of the generations, by view and number.
pub(crate) const GENERATIONS: u8 = b'G';
/// Prefix of the pointers to what is live, by view.
pub(crate) const POINTERS: u8 = b'L';
/// Which layout all of this has.
pub(crate) const LAYOUT: &[u8] = b"V";
/// Prefix of the declared skips, by leaf index.
pub(crate) const RESOLUTIONS: u8 = b'X';

/// `prefix` and the name of a view.
pub(crate) fn of_view(prefix: u8, view: &str) -> Vec<u8> {
    let mut key = vec![prefix, u8::try_from(view.len()).unwrap_or(u8::MAX)];
    key.extend_from_slice(view.as_bytes());
    key
}

/// The view whose name stands behind the prefix.
pub(crate) fn view_of(key: &[u8]) -> Option<&str> {
    let (length, rest) = key.get(1..)?.split_first()?;
    std::str::from_utf8(rest.get(..usize::from(*length))?).ok()
}

/// `prefix` followed by `numbers`.
pub(crate) fn numbered(mut prefix: Vec<u8>, numbers: &[u64]) -> Vec<u8> {
    for number in numbers {
        prefix.extend_from_slice(&number.to_be_bytes());
    }
    prefix
}
