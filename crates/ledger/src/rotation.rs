//! The statement by which one key takes over from another; both keys sign it.

use crate::chain::Origin;
use crate::signature::{KeyId, PublicKey, SecretKey};

const LABEL: &[u8] = b"portbook/v1/key-rotation\n";

/// What a key signs that can be rotated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RotatedKey {
    /// Checkpoints of the log.
    Log,
    /// Events of one source.
    Producer,
}

/// A rotation, as both keys sign it.
#[derive(Debug, Clone, Copy)]
pub struct Rotation<'a> {
    /// The log it is meant for: it cannot be shown to another.
    pub origin: &'a Origin,
    /// What the keys sign.
    pub role: RotatedKey,
    /// The key that is taken over from.
    pub old: KeyId,
    /// The key that takes over.
    pub new: &'a PublicKey,
    /// Until when both are good, nanoseconds since 1970.
    pub overlap_until_ns: u64,
}

impl RotatedKey {
    const fn number(self) -> u8 {
        match self {
            Self::Log => 1,
            Self::Producer => 2,
        }
    }
}

impl Rotation<'_> {
    /// The signature of `key`, which is one of the two.
    #[must_use]
    pub fn sign(&self, key: &SecretKey) -> [u8; 64] {
        key.sign(&self.message())
    }

    /// Whether `signature` is that of `key`, in the strict sense.
    #[must_use]
    pub fn is_signed_by(&self, key: &PublicKey, signature: &[u8; 64]) -> bool {
        key.verify(&self.message(), signature)
    }

    /// `label || u8 length || origin || u8 role || old key id || new public key || u64 overlap_until`.
    fn message(&self) -> Vec<u8> {
        let origin = self.origin.as_str().as_bytes();
        let mut message = Vec::with_capacity(LABEL.len() + origin.len() + 50);
        message.extend_from_slice(LABEL);
        // An origin has at most 255 bytes.
        message.push(u8::try_from(origin.len()).unwrap_or(u8::MAX));
        message.extend_from_slice(origin);
        message.push(self.role.number());
        message.extend_from_slice(self.old.as_bytes());
        message.extend_from_slice(self.new.as_bytes());
        message.extend_from_slice(&self.overlap_until_ns.to_be_bytes());
        message
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rotation_is_for_one_log_one_role_one_pair_and_one_time() {
        let (old, new) = (SecretKey::from_seed(&[1; 32]), SecretKey::from_seed(&[2; 32]));
        let (origin, other) = (
            Origin::new("a.example/b").unwrap(),
            Origin::new("a.example/c").unwrap(),
        );
        let (public, stranger) = (new.public(), SecretKey::from_seed(&[3; 32]).public());
        let rotation = Rotation {
            origin: &origin,
            role: RotatedKey::Producer,
            old: old.public().id(),
            new: &public,
            overlap_until_ns: 7,
        };
        let signature = rotation.sign(&old);
        assert!(rotation.is_signed_by(&old.public(), &signature));
        assert!(!rotation.is_signed_by(&new.public(), &signature));
        for changed in [
            Rotation {
                origin: &other,
                ..rotation
            },
            Rotation {
                role: RotatedKey::Log,
                ..rotation
            },
            Rotation {
                old: new.public().id(),
                ..rotation
            },
            Rotation {
                new: &stranger,
                ..rotation
            },
            Rotation {
                overlap_until_ns: 8,
                ..rotation
            },
        ] {
            assert!(!changed.is_signed_by(&old.public(), &signature), "{changed:?}");
        }
    }
}
