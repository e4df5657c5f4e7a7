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
    /// The key signs for another source.
    WrongSource,
    /// The key may not sign this type of event.
    WrongType,
    /// The key was not valid yet, no longer, or another had taken over from it.
    OutOfValidity,
    /// The key was revoked before.
    RevokedKey,
}

impl Verdict {
    /// Every verdict.
    pub const ALL: &[Self] = &[
        Self::Unsigned,
        Self::Valid,
        Self::BadSignature,
        Self::UnknownKey,
        Self::WrongSource,
        Self::WrongType,
        Self::OutOfValidity,
        Self::RevokedKey,
    ];

    /// The stored byte.
    #[must_use]
    pub const fn byte(self) -> u8 {
        match self {
            Self::Unsigned => b'-',
            Self::Valid => b'v',
            Self::BadSignature => b'b',
            Self::UnknownKey => b'u',
            Self::WrongSource => b's',
            Self::WrongType => b't',
            Self::OutOfValidity => b'o',
            Self::RevokedKey => b'r',
        }
    }

    /// Stable word for it, as answers and findings use it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Unsigned => "unsigned",
            Self::Valid => "valid",
            Self::BadSignature => "bad-signature",
            Self::UnknownKey => "unknown-key",
            Self::WrongSource => "wrong-source",
            Self::WrongType => "wrong-type",
            Self::OutOfValidity => "out-of-validity",
            Self::RevokedKey => "revoked-key",
        }
    }

    /// The verdict stored as `byte`.
    #[must_use]
    pub fn from_byte(byte: u8) -> Option<Self> {
        Self::ALL.iter().copied().find(|verdict| verdict.byte() == byte)
    }
}
