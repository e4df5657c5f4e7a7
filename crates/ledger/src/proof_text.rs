//! Reading proofs that are written as lines of text: every step yields exactly one spelling or names the line.

use crate::{
    checkpoint::parse_size,
    hash::{Hash, excerpt},
};

/// Most bytes of a proof text: a note, a leaf as base64, and 64 hashes fit twice.
const TEXT_BYTES_MAX: usize = 256 * 1024;
/// Most hashes in one proof: a consistency proof in a tree of 2^63 leaves or more has 65.
const HASHES_MAX: usize = 65;

/// A text that is not the proof it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line} must be {expected}, found {found:?}")]
pub struct InvalidProofText {
    /// Number of the line, from 1.
    pub line: usize,
    /// What should be there.
    pub expected: &'static str,
    /// What is there, cut to 80 characters.
    pub found: String,
}

/// The unread lines of a proof text.
#[derive(Debug)]
pub(crate) struct Lines<'a> {
    rest: &'a str,
    number: usize,
}

impl<'a> Lines<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Result<Self, InvalidProofText> {
        let refused = |expected| InvalidProofText {
            line: 1,
            expected,
            found: String::from_utf8_lossy(bytes.get(..80).unwrap_or(bytes)).into_owned(),
        };
        if bytes.len() > TEXT_BYTES_MAX {
            return Err(refused("at most 256 KiB of text"));
        }
        let rest = std::str::from_utf8(bytes).ok().ok_or_else(|| refused("UTF-8"))?;
        Ok(Self { rest, number: 0 })
    }

    /// The next line without its LF, which must be there.
    pub(crate) fn next(&mut self, expected: &'static str) -> Result<&'a str, InvalidProofText> {
        self.number = self.number.saturating_add(1);
        let (line, rest) = self
            .rest
            .split_once('\n')
            .ok_or_else(|| self.refused(expected, self.rest))?;
        self.rest = rest;
        Ok(line)
    }

    /// The next line if it begins with `prefix`, without that; the line stays unread otherwise.
    pub(crate) fn next_after(&mut self, prefix: &str) -> Option<&'a str> {
        let (line, rest) = self.rest.split_once('\n')?;
        let line = line.strip_prefix(prefix)?;
        self.number = self.number.saturating_add(1);
        self.rest = rest;
        Some(line)
    }

    /// A number in its one spelling after `prefix`.
    pub(crate) fn number(&mut self, prefix: &str, expected: &'static str) -> Result<u64, InvalidProofText> {
        let line = self.next(expected)?;
        let number = line.strip_prefix(prefix).and_then(parse_size);
        number
            .map(crate::position::Size::get)
            .ok_or_else(|| self.refused(expected, line))
    }

    /// Hashes, one a line, up to a line that is none, which stays unread.
    pub(crate) fn hashes(&mut self) -> Result<Vec<Hash>, InvalidProofText> {
        let mut hashes = Vec::new();
        while let Some((line, rest)) = self.rest.split_once('\n') {
            let Ok(hash) = Hash::from_base64(line) else { break };
            self.number = self.number.saturating_add(1);
            self.rest = rest;
            hashes.push(hash);
            if hashes.len() > HASHES_MAX {
                return Err(self.refused("the end of the hashes: no proof has more than 65", line));
            }
        }
        Ok(hashes)
    }

    /// Everything that was not read.
    pub(crate) const fn rest(&self) -> &'a str {
        self.rest
    }

    pub(crate) fn refused(&self, expected: &'static str, found: &str) -> InvalidProofText {
        InvalidProofText {
            line: self.number,
            expected,
            found: excerpt(found),
        }
    }
}
