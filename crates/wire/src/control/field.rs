//! Fields of control messages: keys, signatures, alias tables.

use std::{collections::BTreeMap, fmt};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use portbook_domain::PortCode;
use serde::{Deserialize, Serialize};

/// Which port a code stands for, where it is not the port's own.
pub type PortAliases = BTreeMap<PortCode, PortCode>;

/// A field that is not the encoding of as many bytes as it must hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected {bytes} bytes in {encoding}")]
pub struct InvalidBytes {
    /// How many bytes belong here.
    pub bytes: usize,
    /// How they are written.
    pub encoding: &'static str,
}

/// Declares a field of a fixed number of bytes with its one spelling.
macro_rules! byte_field {
    ($(#[$doc:meta])* $name:ident[$bytes:literal], $encoding:literal, $write:expr, $read:expr) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(pub [u8; $bytes]);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let write: fn(&[u8]) -> String = $write;
                f.write_str(&write(&self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({self})", stringify!($name))
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidBytes;
            fn try_from(text: String) -> Result<Self, InvalidBytes> {
                let read: fn(&str) -> Option<Vec<u8>> = $read;
                let bytes = read(&text).and_then(|bytes| bytes.try_into().ok());
                bytes.map(Self).ok_or(InvalidBytes { bytes: $bytes, encoding: $encoding })
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.to_string()
            }
        }
    };
}

byte_field!(
    /// The short name of a key, the first 8 bytes of a hash of its public half.
    KeyId[8], "lower-case hexadecimal", crate::digest::hex, read_hex
);
byte_field!(
    /// An Ed25519 public key.
    PublicKey[32], "padded base64", |bytes| STANDARD.encode(bytes), |text| STANDARD.decode(text).ok()
);
byte_field!(
    /// An Ed25519 signature.
    Signature[64], "padded base64", |bytes| STANDARD.encode(bytes), |text| STANDARD.decode(text).ok()
);

/// What a key signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyRole {
    /// Checkpoints of the ledger.
    Log,
    /// Events of one source.
    Producer,
}

/// The two kinds of source, as registered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ModeName {
    /// Decides for an authority.
    Authoritative,
    /// Reports what it saw.
    Observed,
}

fn read_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: &u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let pairs = text.as_bytes().chunks(2);
    pairs
        .map(|pair| {
            if let [high, low] = pair {
                Some(digit(high)? << 4 | digit(low)?)
            } else {
                None
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_have_one_spelling() {
        let key = PublicKey([7; 32]);
        assert_eq!(PublicKey::try_from(key.to_string()), Ok(key));
        assert_eq!(
            KeyId::try_from("00ff10a0b1c2d3e4".to_owned())
                .unwrap()
                .to_string(),
            "00ff10a0b1c2d3e4"
        );
        for wrong in [
            "00FF10a0b1c2d3e4",
            "00ff10a0b1c2d3e",
            "00ff10a0b1c2d3e4f0",
            "00ff10a0b1c2d3eg",
            "",
        ] {
            assert!(KeyId::try_from(wrong.to_owned()).is_err(), "{wrong}");
        }
        let unpadded = key.to_string().trim_end_matches('=').to_owned();
        assert!(PublicKey::try_from(unpadded).is_err());
        // The last character before the padding carries two bits that belong to no byte.
        let trailing_bits = key.to_string().replace("c=", "d=");
        assert_ne!(trailing_bits, key.to_string());
        assert!(PublicKey::try_from(trailing_bits).is_err());
    }
}
