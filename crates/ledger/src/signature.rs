//! Ed25519 keys, and the signature a producer puts on an event.

use std::fmt;

use base64::{Engine, engine::general_purpose::STANDARD};
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};

use crate::hash::{excerpt, hex_bytes, sha256, write_hex};

/// Length of a signature's text: 16 digits, a colon, the base64 of 64 bytes.
const TEXT_BYTES: usize = 16 + 1 + 88;

/// A secret Ed25519 key. Never shown, not even by `Debug`.
#[derive(Clone)]
pub struct SecretKey(SigningKey);

/// A public Ed25519 key that can carry a meaning: no point of small order, under which anyone can sign.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PublicKey(VerifyingKey);

/// Short name of a producer's key; shown as 16 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId([u8; 8]);

/// The signature of a producer over subject and body of a message.
///
/// As text it is `<key id>:<base64>`, the value of the message header; no other spelling is read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ProducerSignature {
    /// Which key it claims to be from.
    pub key_id: KeyId,
    /// The 64 bytes of the Ed25519 signature.
    pub bytes: [u8; 64],
}

/// One message with the signature and the key it is to be checked against.
#[derive(Debug, Clone, Copy)]
pub struct SignedMessage<'a> {
    /// NATS subject of the message.
    pub subject: &'a str,
    /// Payload of the message.
    pub body: &'a [u8],
    /// The signature that came with it.
    pub signature: ProducerSignature,
    /// The key registered under the signature's key id.
    pub key: &'a PublicKey,
}

/// 32 bytes that are not a usable public key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidKey {
    /// The bytes are no point of the curve.
    #[error("not a point of the curve")]
    NotAPoint,
    /// The point has small order: every message would have a valid signature.
    #[error("a point of small order, under which anyone can sign")]
    SmallOrder,
    /// The same point has another, shorter encoding.
    #[error("not the canonical encoding of its point")]
    NotCanonical,
}

/// A text that is not a producer signature.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a signature is <16 hexadecimal digits>:<base64 of 64 bytes>, found {found:?}")]
pub struct InvalidSignatureText {
    /// What was offered, cut to 80 characters.
    pub found: String,
}

/// Why a signature says nothing about a message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// The signature names another key.
    #[error("the signature is by key {found}, not by {expected}")]
    OtherKey {
        /// Id of the key at hand.
        expected: KeyId,
        /// Id in the signature.
        found: KeyId,
    },
    /// The signature does not hold.
    #[error("the signature by key {key_id} does not hold")]
    DoesNotHold {
        /// Id of the key.
        key_id: KeyId,
    },
}

impl SecretKey {
    /// The key with this 32-byte seed, which the caller draws from a source of randomness.
    #[must_use]
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self(SigningKey::from_bytes(seed))
    }

    /// The seed, to be written to a key file only.
    #[must_use]
    pub fn seed(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }

    /// The public half.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key())
    }

    /// Signs a message as its producer. Ed25519 is deterministic: the same message gives the same signature.
    #[must_use]
    pub fn sign_event(&self, subject: &str, body: &[u8]) -> ProducerSignature {
        let bytes = self.sign(&event_signature_message(subject, body));
        ProducerSignature {
            key_id: self.public().id(),
            bytes,
        }
    }

    pub(crate) fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message).to_bytes()
    }
}

impl PublicKey {
    /// Reads a public key.
    ///
    /// # Errors
    /// [`InvalidKey`] when the bytes are no key that a signature could mean anything under.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, InvalidKey> {
        let Ok(key) = VerifyingKey::from_bytes(bytes) else {
            return Err(InvalidKey::NotAPoint);
        };
        if key.is_weak() {
            return Err(InvalidKey::SmallOrder);
        }
        if key.to_edwards().compress().as_bytes() != bytes {
            return Err(InvalidKey::NotCanonical);
        }
        Ok(Self(key))
    }

    /// The 32 bytes of the key.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }

    /// The first 8 bytes of `H("portbook/v1/key\n" || key)`.
    #[must_use]
    pub fn id(&self) -> KeyId {
        KeyId(sha256(&[b"portbook/v1/key\n", self.as_bytes()]).prefix())
    }

    /// Checks a producer's signature on a message.
    ///
    /// # Errors
    /// [`SignatureError`] when it names another key or does not hold.
    pub fn verify_event(
        &self,
        subject: &str,
        body: &[u8],
        signature: &ProducerSignature,
    ) -> Result<(), SignatureError> {
        let key_id = self.id();
        if signature.key_id != key_id {
            return Err(SignatureError::OtherKey {
                expected: key_id,
                found: signature.key_id,
            });
        }
        if self.verify(&event_signature_message(subject, body), &signature.bytes) {
            Ok(())
        } else {
            Err(SignatureError::DoesNotHold { key_id })
        }
    }

    /// Whether `signature` holds in the strict sense: canonical encodings, no small order, no cofactor.
    pub(crate) fn verify(&self, message: &[u8], signature: &[u8; 64]) -> bool {
        self.0
            .verify_strict(message, &Signature::from_bytes(signature))
            .is_ok()
    }
}

impl KeyId {
    /// The id with these bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 8]) -> Self {
        Self(bytes)
    }

    /// The 8 bytes of the id.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 8] {
        &self.0
    }
}

impl std::str::FromStr for ProducerSignature {
    type Err = InvalidSignatureText;

    fn from_str(text: &str) -> Result<Self, InvalidSignatureText> {
        let parts = text.split_once(':').and_then(|(key_id, signature)| {
            let bytes = STANDARD.decode(signature).ok()?;
            Some(Self {
                key_id: KeyId(hex_bytes(key_id.as_bytes())?),
                bytes: bytes.try_into().ok()?,
            })
        });
        parts.ok_or_else(|| InvalidSignatureText { found: excerpt(text) })
    }
}

impl fmt::Display for ProducerSignature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::with_capacity(TEXT_BYTES);
        write_hex(&mut text, &self.key_id.0)?;
        text.push(':');
        STANDARD.encode_string(self.bytes, &mut text);
        f.write_str(&text)
    }
}

impl fmt::Debug for ProducerSignature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(f, &self.0)
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", self.id())
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretKey({})", self.public().id())
    }
}

/// The bytes a producer signs: `"portbook/v1/event-signature\n" || u16 length, subject || u32 length, body`.
///
/// Lengths beyond what a record can hold are written as the largest number, so that such a signature never fits a record.
#[must_use]
pub fn event_signature_message(subject: &str, body: &[u8]) -> Vec<u8> {
    const LABEL: &[u8] = b"portbook/v1/event-signature\n";
    let mut message = Vec::with_capacity(LABEL.len() + 2 + subject.len() + 4 + body.len());
    message.extend_from_slice(LABEL);
    message.extend_from_slice(&u16::try_from(subject.len()).unwrap_or(u16::MAX).to_be_bytes());
    message.extend_from_slice(subject.as_bytes());
    message.extend_from_slice(&u32::try_from(body.len()).unwrap_or(u32::MAX).to_be_bytes());
    message.extend_from_slice(body);
    message
}

/// Checks many signatures; one verdict for each, in order.
///
/// Each is checked alone. The usual batch equation is no shortcut to the same verdict: a signer can add a component of
/// small order to a signature so that a batch accepts it or not depending on what else is in the batch, and two auditors who
/// cut their batches differently would then disagree. Callers who want speed divide the slice among threads.
#[must_use]
pub fn verify_events(messages: &[SignedMessage<'_>]) -> Vec<Result<(), SignatureError>> {
    messages
        .iter()
        .map(|message| {
            message
                .key
                .verify_event(message.subject, message.body, &message.signature)
        })
        .collect()
}

#[cfg(test)]
mod tests;
