//! Signs what a source states, many events a second.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::signature::Ed25519KeyPair;
use portbook_ledger::{KeyId, ProducerSignature, SecretKey, event_signature_message};

/// The key of a source, ready to sign its events. Cheap to clone; never shown.
///
/// Ed25519 is deterministic: the signatures are those of [`SecretKey::sign_event`], byte for byte, in half the time. Who
/// verifies them uses another implementation.
#[derive(Clone)]
pub struct EventSigner {
    key_id: KeyId,
    pair: Arc<Ed25519KeyPair>,
}

/// A secret key that the signing library does not take, or takes for that of another public key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("key {key_id} cannot sign")]
pub struct SignerError {
    /// Id of the key.
    pub key_id: KeyId,
}

impl EventSigner {
    /// Makes `key` ready.
    ///
    /// # Errors
    /// [`SignerError`], which no key that was drawn at random meets.
    pub fn new(key: &SecretKey) -> Result<Self, SignerError> {
        let public = key.public();
        let key_id = public.id();
        match Ed25519KeyPair::from_seed_and_public_key(key.seed(), public.as_bytes()) {
            Ok(pair) => Ok(Self {
                key_id,
                pair: Arc::new(pair),
            }),
            Err(_rejected) => Err(SignerError { key_id }),
        }
    }

    /// Signs a message as its producer.
    #[must_use]
    pub fn sign_event(&self, subject: &str, body: &[u8]) -> ProducerSignature {
        let signature = self.pair.sign(&event_signature_message(subject, body));
        ProducerSignature {
            key_id: self.key_id,
            bytes: signature_bytes(signature.as_ref()),
        }
    }
}

#[expect(clippy::expect_used, reason = "an Ed25519 signature has 64 bytes")]
fn signature_bytes(signature: &[u8]) -> [u8; 64] {
    signature.try_into().expect("an Ed25519 signature")
}

impl fmt::Debug for EventSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key_id = &self.key_id;
        f.debug_struct("EventSigner")
            .field("key_id", key_id)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_are_those_of_the_ledgers_own_implementation() {
        for number in 0..=u8::MAX {
            let key = SecretKey::from_seed(&[number; 32]);
            let (subject, body) = (
                format!("portbook.events.{number}"),
                vec![number; usize::from(number)],
            );
            let signature = EventSigner::new(&key).unwrap().sign_event(&subject, &body);
            assert_eq!(signature, key.sign_event(&subject, &body), "{number}");
        }
    }

    #[test]
    fn a_signer_does_not_show_its_key() {
        let key = SecretKey::from_seed(&[7; 32]);
        let shown = format!("{:?}", EventSigner::new(&key).unwrap());
        assert_eq!(
            shown,
            format!("EventSigner {{ key_id: {:?}, .. }}", key.public().id())
        );
    }
}
