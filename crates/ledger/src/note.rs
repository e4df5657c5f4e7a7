//! C2SP signed notes: a text, and signatures of which those by known keys must all hold.

use std::fmt;

use base64::{Engine, engine::general_purpose::STANDARD};

use crate::key::{KeyName, NoteAlgorithm, NoteKeyId, SignerKey, VerifierKey};

/// Largest note in bytes.
const NOTE_BYTES_MAX: usize = 64 * 1024;
/// Most signatures on a note.
const SIGNATURES_MAX: usize = 100;
/// What a signature line begins with: an em dash and a space.
const SIGNATURE_PREFIX: &str = "\u{2014} ";

/// A text with signature lines below it; shown as the bytes of the note.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    text: String,
    signatures: Vec<NoteSignature>,
}

/// One signature line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoteSignature {
    /// Which key it claims to be from.
    pub key: NoteKeyId,
    /// What the key's algorithm put there; not empty.
    pub bytes: Vec<u8>,
}

/// A signature by a known key that holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedSignature {
    /// The key.
    pub key: NoteKeyId,
    /// How it signs.
    pub algorithm: NoteAlgorithm,
    /// When a witness says it saw the note, in seconds since 1970-01-01T00:00:00Z; none for a log.
    pub cosigned_at_s: Option<u64>,
}

/// Why bytes are not a note, or what it says must not be believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// The note is larger than any note of a log.
    #[error("the note has {found} bytes, at most {NOTE_BYTES_MAX} are read")]
    TooLarge {
        /// Its length in bytes.
        found: usize,
    },
    /// The bytes are not UTF-8.
    #[error("the note is not UTF-8")]
    NotUtf8,
    /// Control characters other than LF are not allowed; CRLF is refused by this.
    #[error("the note contains control character {found:#04x}")]
    ControlCharacter {
        /// The character found.
        found: u32,
    },
    /// A note is a text ending in LF, an empty line, and 1 or more lines ending in LF.
    #[error("the note is not a text, an empty line and signature lines")]
    Shape,
    /// A line below the empty line is not a signature.
    #[error("not a signature line: {found:?}")]
    SignatureLine {
        /// The line, cut to 80 characters.
        found: String,
    },
    /// There are more signatures than any quorum needs.
    #[error("the note has more than {SIGNATURES_MAX} signatures")]
    TooManySignatures,
    /// A signature by a known key does not hold: the whole note is refused.
    #[error("the signature by {key} does not hold")]
    BadSignature {
        /// The key.
        key: NoteKeyId,
    },
    /// A known key signed twice: it is not clear which one is meant.
    #[error("the note has two signatures by {key}")]
    RepeatedSignature {
        /// The key.
        key: NoteKeyId,
    },
    /// Two different known keys have the same name and hash.
    #[error("two of the known keys are called {key}")]
    AmbiguousKey {
        /// Their name and hash.
        key: NoteKeyId,
    },
    /// None of the signatures is by a known key.
    #[error("no signature by a known key")]
    NoKnownSignature,
}

impl Note {
    /// A note without signatures.
    ///
    /// # Errors
    /// [`NoteError`] when `text` is empty, does not end in LF or contains control characters.
    pub fn new(text: &str) -> Result<Self, NoteError> {
        check_characters(text)?;
        if text.len() < 2 || !text.ends_with('\n') {
            return Err(NoteError::Shape);
        }
        Ok(Self {
            text: text.to_owned(),
            signatures: Vec::new(),
        })
    }

    /// Reads a note; its signatures are not verified by this.
    ///
    /// # Errors
    /// [`NoteError`] when the bytes are not exactly a note. What is read is shown as the same bytes again.
    pub fn parse(bytes: &[u8]) -> Result<Self, NoteError> {
        if bytes.len() > NOTE_BYTES_MAX {
            return Err(NoteError::TooLarge { found: bytes.len() });
        }
        let Ok(whole) = std::str::from_utf8(bytes) else {
            return Err(NoteError::NotUtf8);
        };
        check_characters(whole)?;
        // The text may hold empty lines itself: the last one separates it from the signatures.
        let (before, lines) = whole.rsplit_once("\n\n").ok_or(NoteError::Shape)?;
        let lines = lines.strip_suffix('\n').ok_or(NoteError::Shape)?;
        if before.is_empty() {
            return Err(NoteError::Shape);
        }
        let signatures: Vec<_> = lines
            .split('\n')
            .take(SIGNATURES_MAX + 1)
            .map(NoteSignature::parse)
            .collect::<Result<_, _>>()?;
        if signatures.len() > SIGNATURES_MAX {
            return Err(NoteError::TooManySignatures);
        }
        Ok(Self {
            text: format!("{before}\n"),
            signatures,
        })
    }

    /// The text, LF at its end included.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// All signature lines, verified or not.
    #[must_use]
    pub fn signatures(&self) -> &[NoteSignature] {
        &self.signatures
    }

    /// Signs as a log.
    #[must_use]
    pub fn signed(self, key: &SignerKey) -> Self {
        let bytes = key.sign(self.text.as_bytes()).to_vec();
        self.with_signature(NoteSignature {
            key: key.verifier().id().clone(),
            bytes,
        })
    }

    /// Signs as a witness that saw the note at `seconds` since 1970-01-01T00:00:00Z.
    #[must_use]
    pub fn cosigned(self, key: &SignerKey, seconds: u64) -> Self {
        let mut bytes = seconds.to_be_bytes().to_vec();
        bytes.extend_from_slice(&key.sign(cosignature_message(seconds, &self.text).as_bytes()));
        self.with_signature(NoteSignature {
            key: key.verifier().id().clone(),
            bytes,
        })
    }

    /// Adds a signature line made elsewhere, for example by a witness.
    #[must_use]
    pub fn with_signature(mut self, signature: NoteSignature) -> Self {
        self.signatures.push(signature);
        self
    }

    /// Checks the signatures by `known` keys and gives those that hold; signatures by other keys say nothing.
    ///
    /// # Errors
    /// [`NoteError`] when one signature by a known key does not hold, when a known key signed twice, when the known keys
    /// cannot be told apart, or when none of them signed. Nothing of the note may be used then.
    pub fn verify(&self, known: &[VerifierKey]) -> Result<Vec<VerifiedSignature>, NoteError> {
        for (place, key) in known.iter().enumerate() {
            if known.iter().skip(place + 1).any(|other| other.id() == key.id()) {
                return Err(NoteError::AmbiguousKey {
                    key: key.id().clone(),
                });
            }
        }
        let mut verified: Vec<VerifiedSignature> = Vec::new();
        for signature in &self.signatures {
            let Some(key) = known.iter().find(|key| *key.id() == signature.key) else {
                continue;
            };
            if verified.iter().any(|earlier| earlier.key == signature.key) {
                return Err(NoteError::RepeatedSignature {
                    key: signature.key.clone(),
                });
            }
            verified.push(signature.verify(key, &self.text)?);
        }
        if verified.is_empty() {
            Err(NoteError::NoKnownSignature)
        } else {
            Ok(verified)
        }
    }
}

impl NoteSignature {
    /// Reads one signature line without its LF.
    ///
    /// # Errors
    /// [`NoteError::SignatureLine`] quotes the line.
    pub fn parse(line: &str) -> Result<Self, NoteError> {
        parse_signature(line).ok_or_else(|| NoteError::SignatureLine {
            found: crate::hash::excerpt(line),
        })
    }

    fn verify(&self, key: &VerifierKey, text: &str) -> Result<VerifiedSignature, NoteError> {
        let (cosigned_at_s, holds) = match key.algorithm() {
            NoteAlgorithm::Ed25519 => (None, ed25519_holds(key, text.as_bytes(), &self.bytes)),
            NoteAlgorithm::CosignatureV1 => match self.bytes.split_first_chunk() {
                Some((seconds, signature)) => {
                    let seconds = u64::from_be_bytes(*seconds);
                    let message = cosignature_message(seconds, text);
                    (Some(seconds), ed25519_holds(key, message.as_bytes(), signature))
                }
                None => (None, false),
            },
        };
        if holds {
            Ok(VerifiedSignature {
                key: self.key.clone(),
                algorithm: key.algorithm(),
                cosigned_at_s,
            })
        } else {
            Err(NoteError::BadSignature {
                key: self.key.clone(),
            })
        }
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        self.signatures
            .iter()
            .try_for_each(|signature| writeln!(f, "{signature}"))
    }
}

impl fmt::Display for NoteSignature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = self.key.hash.to_be_bytes().to_vec();
        bytes.extend_from_slice(&self.bytes);
        write!(
            f,
            "{SIGNATURE_PREFIX}{} {}",
            self.key.name,
            STANDARD.encode(bytes)
        )
    }
}

fn cosignature_message(seconds: u64, text: &str) -> String {
    format!("cosignature/v1\ntime {seconds}\n{text}")
}

fn ed25519_holds(key: &VerifierKey, message: &[u8], signature: &[u8]) -> bool {
    <&[u8; 64]>::try_from(signature).is_ok_and(|signature| key.public().verify(message, signature))
}

fn parse_signature(line: &str) -> Option<NoteSignature> {
    let (name, base64) = line.strip_prefix(SIGNATURE_PREFIX)?.split_once(' ')?;
    let bytes = STANDARD.decode(base64).ok()?;
    let (hash, bytes) = bytes.split_first_chunk()?;
    let key = NoteKeyId {
        name: KeyName::new(name).ok()?,
        hash: u32::from_be_bytes(*hash),
    };
    (!bytes.is_empty()).then(|| NoteSignature {
        key,
        bytes: bytes.to_vec(),
    })
}

fn check_characters(text: &str) -> Result<(), NoteError> {
    match text.chars().find(|char| *char < ' ' && *char != '\n') {
        Some(found) => Err(NoteError::ControlCharacter { found: found.into() }),
        None => Ok(()),
    }
}
