//! Keys of signed notes and their text forms: `<name>+<hash>+<base64>`, as in C2SP signed-note.

use std::fmt;

use base64::{Engine, engine::general_purpose::STANDARD};

use crate::{
    hash::{excerpt, sha256},
    signature::{PublicKey, SecretKey},
};

/// How a key signs notes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NoteAlgorithm {
    /// Ed25519 over the text of the note: the signature of a log.
    Ed25519,
    /// C2SP tlog-cosignature, Ed25519 over a timestamp and the text of the note: the signature of a witness.
    CosignatureV1,
}

/// Name and 4-byte hash of a note key, in the form users see them: `<name>+<8 hexadecimal digits>`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct NoteKeyId {
    /// Name of the signer.
    pub name: KeyName,
    /// First 4 bytes of `H(name || LF || algorithm || key)`, big-endian.
    pub hash: u32,
}

/// Name of a note key: of a log its origin.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeyName(Box<str>);

/// What is needed to check one signer's signatures on notes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifierKey {
    id: NoteKeyId,
    algorithm: NoteAlgorithm,
    key: PublicKey,
}

/// What is needed to sign notes. Never shown by `Debug`.
#[derive(Debug, Clone)]
pub struct SignerKey {
    verifier: VerifierKey,
    secret: SecretKey,
}

/// A text that is not a note key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidNoteKey {
    /// A name is 1 or more characters without spaces, control characters and `+`.
    #[error("a key name is 1 to 255 characters without spaces, control characters and +, found {found:?}")]
    Name {
        /// What was offered, cut to 80 characters.
        found: String,
    },
    /// The text does not have the form of a key. Not quoted: it may be a secret.
    #[error("a key is written {form}")]
    Form {
        /// The form.
        form: &'static str,
    },
    /// The hash is not the one of name and key.
    #[error("the key {name} has hash {expected:08x}, the text says {found:08x}")]
    Hash {
        /// Name in the text.
        name: KeyName,
        /// Hash computed from the key.
        expected: u32,
        /// Hash in the text.
        found: u32,
    },
    /// The algorithm is neither Ed25519 nor cosignature/v1, or not one that may stand here.
    #[error("unknown key algorithm {found:#04x}")]
    Algorithm {
        /// The byte found.
        found: u8,
    },
    /// The bytes are no usable public key.
    #[error("the public key is not usable")]
    Key(#[from] crate::signature::InvalidKey),
}

const VERIFIER_FORM: &str = "<name>+<8 hexadecimal digits>+<base64>";
const SIGNER_FORM: &str = "PRIVATE+KEY+<name>+<8 hexadecimal digits>+<base64>";
const SIGNER_PREFIX: &str = "PRIVATE+KEY+";

impl NoteAlgorithm {
    /// The byte before the key in its text form.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Ed25519 => 1,
            Self::CosignatureV1 => 4,
        }
    }

    /// The algorithm with this byte.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        [Self::Ed25519, Self::CosignatureV1]
            .into_iter()
            .find(|algorithm| algorithm.number() == number)
    }
}

impl KeyName {
    /// Checks `text`: 1 to 255 bytes without Unicode spaces, control characters and `+`.
    ///
    /// # Errors
    /// [`InvalidNoteKey::Name`] for every other text.
    pub fn new(text: &str) -> Result<Self, InvalidNoteKey> {
        let accepted = (1..=255).contains(&text.len())
            && !text
                .chars()
                .any(|char| char.is_whitespace() || char.is_control() || char == '+');
        if accepted {
            Ok(Self(text.into()))
        } else {
            Err(InvalidNoteKey::Name { found: excerpt(text) })
        }
    }

    /// The name as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl VerifierKey {
    /// The key called `name`.
    #[must_use]
    pub fn new(name: KeyName, algorithm: NoteAlgorithm, key: PublicKey) -> Self {
        let hash = key_hash(&name, algorithm, &key);
        Self {
            id: NoteKeyId { name, hash },
            algorithm,
            key,
        }
    }

    /// Reads `<name>+<hash>+<base64>` and checks the hash.
    ///
    /// # Errors
    /// [`InvalidNoteKey`] says what is not right.
    pub fn parse(text: &str) -> Result<Self, InvalidNoteKey> {
        let (name, hash, algorithm, bytes) =
            parse_parts(text).ok_or(InvalidNoteKey::Form { form: VERIFIER_FORM })?;
        let algorithm =
            NoteAlgorithm::from_number(algorithm).ok_or(InvalidNoteKey::Algorithm { found: algorithm })?;
        Self::new(KeyName::new(name)?, algorithm, PublicKey::from_bytes(&bytes)?).with_hash(hash)
    }

    /// Name and hash.
    #[must_use]
    pub const fn id(&self) -> &NoteKeyId {
        &self.id
    }

    /// How this key signs.
    #[must_use]
    pub const fn algorithm(&self) -> NoteAlgorithm {
        self.algorithm
    }

    /// The key itself.
    #[must_use]
    pub const fn public(&self) -> &PublicKey {
        &self.key
    }

    fn with_hash(self, found: u32) -> Result<Self, InvalidNoteKey> {
        if self.id.hash == found {
            Ok(self)
        } else {
            Err(InvalidNoteKey::Hash {
                name: self.id.name,
                expected: self.id.hash,
                found,
            })
        }
    }
}

impl SignerKey {
    /// The key called `name`.
    #[must_use]
    pub fn new(name: KeyName, algorithm: NoteAlgorithm, secret: SecretKey) -> Self {
        Self {
            verifier: VerifierKey::new(name, algorithm, secret.public()),
            secret,
        }
    }

    /// Reads `PRIVATE+KEY+<name>+<hash>+<base64>` and checks the hash.
    ///
    /// # Errors
    /// [`InvalidNoteKey`] says what is not right, without quoting the secret.
    pub fn parse(text: &str) -> Result<Self, InvalidNoteKey> {
        let form = InvalidNoteKey::Form { form: SIGNER_FORM };
        let Some(parts) = text.strip_prefix(SIGNER_PREFIX).and_then(parse_parts) else {
            return Err(form);
        };
        let (name, hash, algorithm, seed) = parts;
        let algorithm =
            NoteAlgorithm::from_number(algorithm).ok_or(InvalidNoteKey::Algorithm { found: algorithm })?;
        let secret = SecretKey::from_seed(&seed);
        let verifier = VerifierKey::new(KeyName::new(name)?, algorithm, secret.public()).with_hash(hash)?;
        Ok(Self { verifier, secret })
    }

    /// The secret itself, to sign as a producer of messages.
    #[must_use]
    pub const fn secret(&self) -> &SecretKey {
        &self.secret
    }

    /// The text form, to be written to a key file only.
    #[must_use]
    pub fn to_secret_text(&self) -> String {
        format!(
            "{SIGNER_PREFIX}{}+{}",
            self.verifier.id,
            key_base64(self.verifier.algorithm, self.secret.seed())
        )
    }

    /// What others need to check this key's signatures.
    #[must_use]
    pub const fn verifier(&self) -> &VerifierKey {
        &self.verifier
    }

    pub(crate) fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.secret.sign(message)
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Display for NoteKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}+{:08x}", self.name, self.hash)
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}+{}",
            self.id,
            key_base64(self.algorithm, self.key.as_bytes())
        )
    }
}

fn key_hash(name: &KeyName, algorithm: NoteAlgorithm, key: &PublicKey) -> u32 {
    let hash = sha256(&[name.0.as_bytes(), b"\n", &[algorithm.number()], key.as_bytes()]);
    u32::from_be_bytes(hash.prefix())
}

fn key_base64(algorithm: NoteAlgorithm, key: &[u8; 32]) -> String {
    let mut bytes = vec![algorithm.number()];
    bytes.extend_from_slice(key);
    STANDARD.encode(bytes)
}

/// Name, hash, algorithm and 32 key bytes of `<name>+<hash>+<base64>`.
fn parse_parts(text: &str) -> Option<(&str, u32, u8, [u8; 32])> {
    let (name, rest) = text.split_once('+')?;
    let (hash, base64) = rest.split_once('+')?;
    let hash = crate::hash::hex_bytes(hash.as_bytes()).map(u32::from_be_bytes)?;
    let bytes = STANDARD.decode(base64).ok()?;
    let (algorithm, key) = bytes.split_first()?;
    Some((name, hash, *algorithm, key.try_into().ok()?))
}

#[cfg(test)]
mod tests;
