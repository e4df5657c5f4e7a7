//! The file of a fraud proof: lines of a word and its values, each item followed by the hashes of its proof.
//!
//! ```text
//! portbook/fraud@v1
//! claim fork | rollback | false-seal
//! checkpoint <base64 of the note>            fork: smaller, then larger; rollback: seen first, then seen later
//! beginning <base64 hash>                    fork
//! seal <index> <base64 of the leaf>          false-seal
//! head <place> <base64 of the head>          false-seal, when the seal has the chain
//! before <place> <base64 of the head>        false-seal, when it has not, and there is a head before
//! after <place> <base64 of the head>         the same, and there is a head after
//! record <index> <base64 of the leaf>        false-seal
//! hash <base64 hash>                         the proof of the item above it
//! ```

use std::fmt;
use std::iter::Peekable;

use base64::{Engine, engine::general_purpose::STANDARD};

use super::{CoveredLeaf, FraudProof};
use crate::{
    checkpoint::parse_size,
    hash::{Hash, excerpt},
    head::{Head, HeadPath, HeadProof},
    position::Index,
};

/// Largest file of a proof in bytes: two leaves of the largest size and their proofs are far smaller.
pub const FRAUD_BYTES_MAX: usize = 1 << 20;
/// First line of the file.
const MAGIC: &str = "portbook/fraud@v1";
/// Most hashes of one proof.
const HASHES_MAX: usize = 128;

/// Bytes that are not the file of a fraud proof.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidFraudFile {
    /// The file is larger than any proof.
    #[error("{found} bytes are more than a proof has")]
    TooLarge {
        /// Its length.
        found: usize,
    },
    /// A line is not the one that must stand there.
    #[error("line {line} should be {expected}, found {found:?}")]
    Line {
        /// Number of the line, from 1.
        line: usize,
        /// What must stand there.
        expected: &'static str,
        /// The line, cut to 80 characters; empty at the end of the file.
        found: String,
    },
}

struct Lines<'a> {
    lines: Peekable<std::str::Split<'a, char>>,
    line: usize,
}

impl FraudProof {
    /// Reads the file of a proof. What is read is shown as the same bytes again.
    ///
    /// # Errors
    /// [`InvalidFraudFile`] names the first line that is not as it must be.
    pub fn parse(bytes: &[u8]) -> Result<Self, InvalidFraudFile> {
        if bytes.len() > FRAUD_BYTES_MAX {
            return Err(InvalidFraudFile::TooLarge { found: bytes.len() });
        }
        let text = std::str::from_utf8(bytes)
            .ok()
            .and_then(|text| text.strip_suffix('\n'));
        let text = text.ok_or_else(|| InvalidFraudFile::Line {
            line: 1,
            expected: "text in lines",
            found: String::new(),
        })?;
        let mut lines = Lines {
            lines: text.split('\n').peekable(),
            line: 0,
        };
        lines.exactly(MAGIC)?;
        let claim = lines.value("claim", "claim fork, rollback or false-seal")?;
        let proof = match claim {
            "fork" => Self::Fork {
                smaller: lines.checkpoint()?,
                larger: lines.checkpoint()?,
                beginning: lines.beginning()?,
                proof: lines.hashes()?,
            },
            "rollback" => Self::Rollback {
                before: lines.checkpoint()?,
                after: lines.checkpoint()?,
            },
            "false-seal" => Self::FalseSeal {
                checkpoint: lines.checkpoint()?,
                seal: lines.leaf("seal", "seal <index> <leaf>")?,
                said: Box::new(lines.said()?),
                record: lines.leaf("record", "record <index> <leaf>")?,
            },
            other => return Err(lines.wrong("claim fork, rollback or false-seal", other)),
        };
        match lines.lines.next() {
            None => Ok(proof),
            Some(more) => {
                lines.line += 1;
                Err(lines.wrong("the end", more))
            }
        }
    }
}

impl<'a> Lines<'a> {
    fn wrong(&self, expected: &'static str, found: &str) -> InvalidFraudFile {
        InvalidFraudFile::Line {
            line: self.line,
            expected,
            found: excerpt(found),
        }
    }

    fn take(&mut self) -> &'a str {
        self.line += 1;
        self.lines.next().unwrap_or_default()
    }

    fn next_word(&mut self) -> Option<&'a str> {
        self.lines.peek().and_then(|line| line.split(' ').next())
    }

    fn exactly(&mut self, expected: &'static str) -> Result<(), InvalidFraudFile> {
        match self.take() {
            line if line == expected => Ok(()),
            other => Err(self.wrong(expected, other)),
        }
    }

    fn value(&mut self, word: &str, expected: &'static str) -> Result<&'a str, InvalidFraudFile> {
        let line = self.take();
        let value = line.strip_prefix(word).and_then(|rest| rest.strip_prefix(' '));
        value.ok_or_else(|| self.wrong(expected, line))
    }

    fn checkpoint(&mut self) -> Result<Vec<u8>, InvalidFraudFile> {
        let expected = "checkpoint <base64>";
        let value = self.value("checkpoint", expected)?;
        STANDARD
            .decode(value)
            .map_err(|_undecodable| self.wrong(expected, value))
    }

    fn beginning(&mut self) -> Result<Hash, InvalidFraudFile> {
        let expected = "beginning <base64 hash>";
        let value = self.value("beginning", expected)?;
        Hash::from_base64(value).map_err(|_undecodable| self.wrong(expected, value))
    }

    fn hashes(&mut self) -> Result<Vec<Hash>, InvalidFraudFile> {
        let expected = "at most 128 lines hash <base64 hash>";
        let mut hashes = Vec::new();
        while self.next_word() == Some("hash") {
            let value = self.value("hash", expected)?;
            if hashes.len() == HASHES_MAX {
                return Err(self.wrong(expected, value));
            }
            hashes.push(Hash::from_base64(value).map_err(|_undecodable| self.wrong(expected, value))?);
        }
        Ok(hashes)
    }

    fn numbered(&mut self, word: &str, expected: &'static str) -> Result<(Index, Vec<u8>), InvalidFraudFile> {
        let value = self.value(word, expected)?;
        let parts = value.split_once(' ').and_then(|(index, bytes)| {
            let index = parse_size(index).and_then(|index| Index::new(index.get()))?;
            Some((index, STANDARD.decode(bytes).ok()?))
        });
        parts.ok_or_else(|| self.wrong(expected, value))
    }

    fn leaf(&mut self, word: &str, expected: &'static str) -> Result<CoveredLeaf, InvalidFraudFile> {
        let (index, bytes) = self.numbered(word, expected)?;
        Ok(CoveredLeaf {
            index,
            bytes,
            proof: self.hashes()?,
        })
    }

    fn path(&mut self, word: &str, expected: &'static str) -> Result<HeadPath, InvalidFraudFile> {
        let (place, bytes) = self.numbered(word, expected)?;
        let head = Head::decode(&bytes).map_err(|_undecodable| self.wrong(expected, "another head"))?;
        Ok(HeadPath {
            head,
            place,
            proof: self.hashes()?,
        })
    }

    fn said(&mut self) -> Result<HeadProof, InvalidFraudFile> {
        if self.next_word() == Some("head") {
            return Ok(HeadProof::Present(self.path("head", "head <place> <head>")?));
        }
        let mut neighbour = |word| {
            let there = self.next_word() == Some(word);
            there
                .then(|| self.path(word, "before or after <place> <head>"))
                .transpose()
        };
        Ok(HeadProof::Absent {
            before: neighbour("before")?,
            after: neighbour("after")?,
        })
    }
}

impl fmt::Display for FraudProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{MAGIC}")?;
        match self {
            Self::Fork {
                smaller,
                larger,
                beginning,
                proof,
            } => {
                writeln!(f, "claim fork")?;
                write_checkpoint(f, smaller)?;
                write_checkpoint(f, larger)?;
                writeln!(f, "beginning {}", beginning.to_base64())?;
                write_hashes(f, proof)
            }
            Self::Rollback { before, after } => {
                writeln!(f, "claim rollback")?;
                write_checkpoint(f, before)?;
                write_checkpoint(f, after)
            }
            Self::FalseSeal {
                checkpoint,
                seal,
                said,
                record,
            } => {
                writeln!(f, "claim false-seal")?;
                write_checkpoint(f, checkpoint)?;
                write_item(f, "seal", seal.index, &seal.bytes, &seal.proof)?;
                match &**said {
                    HeadProof::Present(path) => write_path(f, "head", Some(path))?,
                    HeadProof::Absent { before, after } => {
                        write_path(f, "before", before.as_ref())?;
                        write_path(f, "after", after.as_ref())?;
                    }
                }
                write_item(f, "record", record.index, &record.bytes, &record.proof)
            }
        }
    }
}

fn write_checkpoint(f: &mut fmt::Formatter<'_>, note: &[u8]) -> fmt::Result {
    writeln!(f, "checkpoint {}", STANDARD.encode(note))
}

fn write_path(f: &mut fmt::Formatter<'_>, word: &str, path: Option<&HeadPath>) -> fmt::Result {
    match path {
        Some(path) => write_item(f, word, path.place, &path.head.encode(), &path.proof),
        None => Ok(()),
    }
}

fn write_item(
    f: &mut fmt::Formatter<'_>,
    word: &str,
    index: Index,
    bytes: &[u8],
    proof: &[Hash],
) -> fmt::Result {
    writeln!(f, "{word} {index} {}", STANDARD.encode(bytes))?;
    write_hashes(f, proof)
}

fn write_hashes(f: &mut fmt::Formatter<'_>, hashes: &[Hash]) -> fmt::Result {
    hashes
        .iter()
        .try_for_each(|hash| writeln!(f, "hash {}", hash.to_base64()))
}
