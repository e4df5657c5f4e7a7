//! What checking a producer's signature found, one byte per leaf.

/// Result of checking the producer signature of one leaf.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// Not a record of an event, or without a signature.
    Unsigned,
    /// Signed by a key that was in force for this type of event.
    Valid,
    /// The signature does not fit the bytes.
    BadSignature,
    /// No key with this id was registered.
    UnknownKey,
    /// The key may not sign this type of event, or was not in force.
    KeyNotEntitled,
}

impl Verdict {
    /// The stored byte.
    #[must_use]
    pub const fn byte(self) -> u8 {
        match self {
            Self::Unsigned => b'-',
            Self::Valid => b'v',
            Self::BadSignature => b'b',
            Self::UnknownKey => b'u',
            Self::KeyNotEntitled => b'n',
        }
    }

    /// The verdict stored as `byte`.
    #[must_use]
    pub const fn from_byte(byte: u8) -> Option<Self> {
        match byte {
            b'-' => Some(Self::Unsigned),
            b'v' => Some(Self::Valid),
            b'b' => Some(Self::BadSignature),
            b'u' => Some(Self::UnknownKey),
            b'n' => Some(Self::KeyNotEntitled),
            _ => None,
        }
    }
}
