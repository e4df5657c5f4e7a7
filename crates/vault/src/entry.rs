//! One entry as a file: `"PBV1" || 24 nonce || ciphertext`, XChaCha20-Poly1305 over the padded plaintext.
//!
//! The plaintext is `32 salt || u8 length || field || u32 length || value || zeros` up to a multiple of 256, so that its
//! length says little about the value. The associated data is `"portbook/v1/vault-entry\n" || commitment`, which keeps one
//! entry from being shown as another.

use std::fmt;

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use portbook_ledger::{Hash, SALT_BYTES};

use crate::disclosure::Disclosure;

const MAGIC: &[u8] = b"PBV1";
const LABEL: &[u8] = b"portbook/v1/vault-entry\n";
/// Plaintexts are padded to a multiple of this.
const BLOCK_BYTES: usize = 256;
/// Bytes of a nonce; random ones do not meet.
pub(crate) const NONCE_BYTES: usize = 24;

/// The key of a vault. Never shown by `Debug`.
#[derive(Clone)]
pub struct VaultKey([u8; 32]);

impl VaultKey {
    /// The key with these bytes, which the caller draws from a source of randomness.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(Key::from_slice(&self.0))
    }
}

impl fmt::Debug for VaultKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("VaultKey")
    }
}

/// Encrypts an entry; none when a length does not fit.
pub(crate) fn seal(
    key: &VaultKey,
    nonce: [u8; NONCE_BYTES],
    commitment: Hash,
    disclosure: &Disclosure,
) -> Option<Vec<u8>> {
    let payload = Payload {
        msg: &plaintext_of(disclosure)?,
        aad: &associated(commitment),
    };
    let ciphertext = key.cipher().encrypt(XNonce::from_slice(&nonce), payload).ok()?;
    Some([MAGIC, &nonce, &ciphertext].concat())
}

/// Decrypts an entry; none when it is not one of this key and commitment.
pub(crate) fn open(key: &VaultKey, commitment: Hash, bytes: &[u8]) -> Option<Disclosure> {
    let (nonce, ciphertext) = bytes.strip_prefix(MAGIC)?.split_first_chunk::<NONCE_BYTES>()?;
    let payload = Payload {
        msg: ciphertext,
        aad: &associated(commitment),
    };
    let plaintext = key.cipher().decrypt(XNonce::from_slice(nonce), payload).ok()?;
    disclosure_of(&plaintext)
}

fn associated(commitment: Hash) -> Vec<u8> {
    [LABEL, commitment.as_bytes()].concat()
}

fn plaintext_of(disclosure: &Disclosure) -> Option<Vec<u8>> {
    let mut plaintext = disclosure.salt.to_vec();
    plaintext.push(u8::try_from(disclosure.field.len()).ok()?);
    plaintext.extend_from_slice(disclosure.field.as_bytes());
    plaintext.extend_from_slice(&u32::try_from(disclosure.value.len()).ok()?.to_be_bytes());
    plaintext.extend_from_slice(&disclosure.value);
    plaintext.resize(plaintext.len().next_multiple_of(BLOCK_BYTES), 0);
    Some(plaintext)
}

fn disclosure_of(plaintext: &[u8]) -> Option<Disclosure> {
    let (salt, rest) = plaintext.split_first_chunk::<SALT_BYTES>()?;
    let (field_len, rest) = rest.split_first()?;
    let (field, rest) = rest.split_at_checked(usize::from(*field_len))?;
    let (value_len, rest) = rest.split_first_chunk::<4>()?;
    let value_len = usize::try_from(u32::from_be_bytes(*value_len)).ok()?;
    let (value, padding) = rest.split_at_checked(value_len)?;
    padding.iter().all(|byte| *byte == 0).then_some(())?;
    Some(Disclosure {
        field: String::from_utf8(field.to_vec()).ok()?,
        value: value.to_vec(),
        salt: *salt,
    })
}
