//! SHA-256 of bodies: message ids, the link between a case's events, identities of events.

use portbook_domain::Digest;
use sha2::{Digest as _, Sha256};

/// The `Nats-Msg-Id` of a message: hexadecimal SHA-256 over the signature header's text (if any), then the body.
///
/// An event id can be guessed, and a guessed message id would make the real event vanish as a repeat.
#[must_use]
pub fn msg_id(signature: Option<&str>, body: &[u8]) -> String {
    hex(&sha256(&[signature.unwrap_or_default().as_bytes(), body]))
}

/// SHA-256 of an event's body, as the next event of the case carries it in `pbprev`.
#[must_use]
pub fn event_digest(body: &[u8]) -> Digest {
    digest_of(&sha256(&[body]))
}

pub(crate) fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize().into()
}

#[expect(
    clippy::expect_used,
    reason = "32 bytes in hexadecimal are always 64 lower-case digits"
)]
fn digest_of(bytes: &[u8; 32]) -> Digest {
    Digest::new(&hex(bytes)).expect("a hexadecimal SHA-256 is a digest")
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap_or('0');
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        text.push(digit(byte >> 4));
        text.push(digit(byte & 15));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_sha_256_in_lower_case() {
        // FIPS 180-2, appendix B.1.
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(event_digest(b"abc").as_str(), abc);
        assert_eq!(msg_id(None, b"abc"), abc);
        assert_eq!(msg_id(Some("a"), b"bc"), abc);
        assert_ne!(msg_id(Some("b"), b"bc"), abc);
    }
}
