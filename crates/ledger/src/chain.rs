//! Names: the log's origin, the chains in it, and the hash that anchors each chain to both.

use std::fmt;

use crate::hash::{Hash, excerpt, sha256};

/// Longest origin in bytes.
const ORIGIN_BYTES_MAX: usize = 255;
/// Longest chain name in bytes: `~QUARANTINE`.
const CHAIN_BYTES_MAX: usize = 11;

/// Name of a log: the first line of its checkpoints and the name of its key, for example `portbook.example/re`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin(Box<str>);

/// Name of a chain: a port, or one of two chains for what belongs to no port. Ordered by its raw bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Chain {
    // Bytes past `len` are zero, so that derived equality is equality of names.
    bytes: [u8; CHAIN_BYTES_MAX],
    len: u8,
}

/// A name that does not follow its grammar.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} must be {rule}, found {found:?}")]
pub struct InvalidName {
    /// What was to be named.
    pub what: &'static str,
    /// The grammar of such names.
    pub rule: &'static str,
    /// What was offered, cut to 80 characters.
    pub found: String,
}

impl Origin {
    /// Checks `text`: 1 to 255 printable ASCII characters without space and `+`, which separate fields in notes and keys.
    ///
    /// # Errors
    /// [`InvalidName`] for every other text.
    pub fn new(text: &str) -> Result<Self, InvalidName> {
        let accepted = (1..=ORIGIN_BYTES_MAX).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'+');
        if accepted {
            Ok(Self(text.into()))
        } else {
            Err(InvalidName {
                what: "origin",
                rule: "1 to 255 printable ASCII characters without space and +",
                found: excerpt(text),
            })
        }
    }

    /// The origin of one chain served as a log of its own: `<origin>/port/<chain>`.
    ///
    /// # Errors
    /// [`InvalidName`] when the result is longer than an origin may be.
    pub fn of_chain(&self, chain: Chain) -> Result<Self, InvalidName> {
        Self::new(&format!("{self}/port/{chain}"))
    }

    /// The origin as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// SHA-256 of the origin, as carried by every seal.
    #[must_use]
    pub fn hash(&self) -> Hash {
        sha256(&[self.0.as_bytes()])
    }
}

impl Chain {
    /// The chain of control messages.
    pub const CONTROL: Self = Self {
        bytes: *b"~CONTROL\0\0\0",
        len: 8,
    };
    /// The chain of messages that could not be understood.
    pub const QUARANTINE: Self = Self {
        bytes: *b"~QUARANTINE",
        len: 11,
    };

    /// The chain of the port `code`, a UN/LOCODE.
    ///
    /// # Errors
    /// [`InvalidName`] when `code` is not two letters followed by three of A-Z 2-9.
    pub fn port(code: &str) -> Result<Self, InvalidName> {
        match Self::from_bytes(code.as_bytes()) {
            Some(chain) if chain.is_port() => Ok(chain),
            Some(_) | None => Err(InvalidName {
                what: "port",
                rule: "a UN/LOCODE: two letters, then three of A-Z 2-9",
                found: excerpt(code),
            }),
        }
    }

    /// The chain called `bytes`: a port or one of the two others; nothing else is a name.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        if let [a, b, c, d, e] = *bytes {
            let letters = [a, b].iter().all(u8::is_ascii_uppercase);
            let place = [c, d, e]
                .iter()
                .all(|byte| matches!(byte, b'A'..=b'Z' | b'2'..=b'9'));
            return (letters && place).then_some(Self {
                bytes: [a, b, c, d, e, 0, 0, 0, 0, 0, 0],
                len: 5,
            });
        }
        [Self::CONTROL, Self::QUARANTINE]
            .into_iter()
            .find(|chain| chain.as_bytes() == bytes)
    }

    /// The name as bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len)).unwrap_or(&self.bytes)
    }

    /// Whether this is the chain of a port.
    #[must_use]
    pub fn is_port(&self) -> bool {
        *self != Self::CONTROL && *self != Self::QUARANTINE
    }

    /// Appends `u8 length || name`.
    pub(crate) fn encode_into(&self, out: &mut Vec<u8>) {
        out.push(self.len);
        out.extend_from_slice(self.as_bytes());
    }
}

impl Ord for Chain {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.as_bytes().cmp(other.as_bytes())
    }
}

impl PartialOrd for Chain {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Every name that can be built is ASCII.
        f.pad(std::str::from_utf8(self.as_bytes()).unwrap_or_default())
    }
}

impl fmt::Debug for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// What the first record of a chain names as its predecessor: binds the chain to its log and to its name.
#[must_use]
pub fn genesis(origin: &Origin, chain: Chain) -> Hash {
    // An origin has at most 255 bytes by construction.
    let origin_len = u16::try_from(origin.0.len()).unwrap_or(u16::MAX);
    sha256(&[
        b"portbook/v1/genesis\n",
        &origin_len.to_be_bytes(),
        origin.0.as_bytes(),
        &[chain.len],
        chain.as_bytes(),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_ports_and_the_two_others_are_names() {
        assert_eq!(Chain::port("CNNBG").unwrap().to_string(), "CNNBG");
        for look_alike in [
            "cnnbg", "CNNB0", "CNNB1", "CNNB", "CNNBGG", "C2NBG", "CNNBG ", "", "~CONTROL", "СNNBG",
        ] {
            assert!(Chain::port(look_alike).is_err(), "{look_alike}");
        }
        assert_eq!(Chain::from_bytes(b"~CONTROL"), Some(Chain::CONTROL));
        assert_eq!(Chain::from_bytes(b"~QUARANTINE"), Some(Chain::QUARANTINE));
        for other in [&b"~CONTROL\0\0\0"[..], b"~OTHER", b"~", b""] {
            assert_eq!(Chain::from_bytes(other), None);
        }
    }

    #[test]
    fn chains_sort_by_raw_bytes_ports_first() {
        let mut chains = [
            Chain::QUARANTINE,
            Chain::CONTROL,
            Chain::port("CN999").unwrap(),
            Chain::port("CNAAA").unwrap(),
        ];
        chains.sort();
        assert_eq!(
            chains.map(|chain| chain.to_string()),
            ["CN999", "CNAAA", "~CONTROL", "~QUARANTINE"]
        );
    }

    #[test]
    fn genesis_separates_logs_and_chains() {
        let origin = |text| Origin::new(text).unwrap();
        let port = Chain::port("CNNBG").unwrap();
        let all = [
            genesis(&origin("a"), port),
            genesis(&origin("b"), port),
            genesis(&origin("aCNNBG"), port),
            genesis(&origin("a"), Chain::CONTROL),
        ];
        for (at, hash) in all.iter().enumerate() {
            assert!(!all[..at].contains(hash));
        }
    }

    #[test]
    fn origins_cannot_hold_what_separates_fields() {
        for text in ["", "a b", "a+b", "a\n", "é", &"x".repeat(256)] {
            assert!(Origin::new(text).is_err(), "{text:?}");
        }
        let origin = Origin::new("portbook.example/re").unwrap();
        assert_eq!(
            origin.of_chain(Chain::CONTROL).unwrap().as_str(),
            "portbook.example/re/port/~CONTROL"
        );
    }
}
