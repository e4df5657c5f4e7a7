//! SHA-256 digests: the only hash this ledger knows.

use std::fmt;

use base64::{Engine, engine::general_purpose::STANDARD};
use sha2::digest::generic_array::GenericArray;
use sha2::{Digest, Sha256, compress256};

/// SHA-256's initial state, FIPS 180-4 section 5.3.3.
pub(crate) const INITIAL_STATE: [u32; 8] = [
    0x6a09_e667,
    0xbb67_ae85,
    0x3c6e_f372,
    0xa54f_f53a,
    0x510e_527f,
    0x9b05_688c,
    0x1f83_d9ab,
    0x5be0_cd19,
];

/// A SHA-256 digest; shown as 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash([u8; 32]);

/// A text that is not a digest in the expected encoding.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("digest must be {rule}, found {found:?}")]
pub struct InvalidHash {
    /// The encoding that was expected.
    pub rule: &'static str,
    /// What was offered, cut to 80 characters.
    pub found: String,
}

impl Hash {
    /// 32 zero bytes: "there is none yet" where the format says so, never a digest of anything.
    pub const ZERO: Self = Self([0; 32]);

    /// The digest whose bytes are `bytes`.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes of the digest.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The first `N` bytes of the digest, `N` at most 32.
    pub(crate) fn prefix<const N: usize>(&self) -> [u8; N] {
        const { assert!(N <= 32) };
        let mut prefix = [0; N];
        prefix.iter_mut().zip(self.0).for_each(|(to, from)| *to = from);
        prefix
    }

    /// The digest that SHA-256 ends with in `state`.
    pub(crate) fn from_state(state: [u32; 8]) -> Self {
        let mut bytes = [0; 32];
        for (to, word) in bytes.chunks_mut(4).zip(state) {
            to.copy_from_slice(&word.to_be_bytes());
        }
        Self(bytes)
    }

    /// 64 lower-case hexadecimal digits.
    #[must_use]
    pub fn to_hex(&self) -> String {
        self.to_string()
    }

    /// Reads 64 lower-case hexadecimal digits and nothing else.
    ///
    /// # Errors
    /// [`InvalidHash`] for every other text, upper-case digits included.
    pub fn from_hex(text: &str) -> Result<Self, InvalidHash> {
        hex_bytes(text.as_bytes()).map(Self).ok_or_else(|| InvalidHash {
            rule: "64 lower-case hexadecimal digits",
            found: excerpt(text),
        })
    }

    /// 44 characters of padded standard base64, as in a checkpoint.
    #[must_use]
    pub fn to_base64(&self) -> String {
        STANDARD.encode(self.0)
    }

    /// Reads the canonical padded standard base64 of 32 bytes and nothing else.
    ///
    /// # Errors
    /// [`InvalidHash`] for every other text, non-zero trailing bits included.
    pub fn from_base64(text: &str) -> Result<Self, InvalidHash> {
        STANDARD
            .decode(text)
            .ok()
            .and_then(|bytes| <[u8; 32]>::try_from(bytes).ok())
            .map(Self)
            .ok_or_else(|| InvalidHash {
                rule: "canonical base64 of 32 bytes",
                found: excerpt(text),
            })
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(f, &self.0)
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// SHA-256 over the concatenation of `parts`.
#[must_use]
pub fn sha256(parts: &[&[u8]]) -> Hash {
    let mut state = Sha256::new();
    for part in parts {
        state.update(part);
    }
    Hash(state.finalize().into())
}

/// SHA-256 over two blocks that end with their padding.
pub(crate) fn sha256_padded(blocks: [[u8; 64]; 2]) -> Hash {
    let mut state = INITIAL_STATE;
    compress256(&mut state, &blocks.map(GenericArray::from));
    Hash::from_state(state)
}

/// SHA-256 over bytes that come piece by piece.
#[derive(Debug, Clone, Default)]
pub struct Hasher(Sha256);

impl Hasher {
    /// Takes the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The digest of all bytes taken.
    #[must_use]
    pub fn finish(self) -> Hash {
        Hash(self.0.finalize().into())
    }
}

/// Writes bytes as lower-case hexadecimal digits.
pub(crate) fn write_hex(to: &mut impl fmt::Write, bytes: &[u8]) -> fmt::Result {
    let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap_or('0');
    bytes.iter().try_for_each(|byte| {
        to.write_char(digit(byte >> 4))?;
        to.write_char(digit(byte & 15))
    })
}

/// The bytes that exactly `2 * N` lower-case hexadecimal digits stand for.
pub(crate) fn hex_bytes<const N: usize>(text: &[u8]) -> Option<[u8; N]> {
    let (pairs, odd) = text.as_chunks::<2>();
    if pairs.len() != N || !odd.is_empty() {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        *byte = hex_digit(*high)? << 4 | hex_digit(*low)?;
    }
    Some(bytes)
}

/// At most 80 characters of a text that is quoted in an error.
pub(crate) fn excerpt(text: &str) -> String {
    text.chars().take(80).collect()
}

const fn hex_digit(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_and_base64_have_one_spelling() {
        let hash = sha256(&[b"ab", b"c"]);
        assert_eq!(
            hash.to_hex(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        assert_eq!(Hash::from_hex(&hash.to_hex()), Ok(hash));
        assert_eq!(Hash::from_base64(&hash.to_base64()), Ok(hash));
        assert!(Hash::from_hex(&hash.to_hex().to_uppercase()).is_err());
        assert!(Hash::from_hex(&hash.to_hex()[1..]).is_err());
        assert!(Hash::from_hex(&format!("{hash}0")).is_err());
        assert!(Hash::from_base64(hash.to_base64().trim_end_matches('=')).is_err());
        assert!(Hash::from_base64(&format!("{}\n", hash.to_base64())).is_err());
    }

    #[test]
    fn base64_with_stray_trailing_bits_is_refused() {
        let text = Hash::ZERO.to_base64();
        assert_eq!(text, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
        assert!(Hash::from_base64("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB=").is_err());
    }
}
