//! The file of everything ever signed: one line per checkpoint, written and synced before its signature is made.

use std::fmt;

use crate::{checkpoint::parse_size, hash::Hash, position::Size};

/// One line: `<size> <root as base64>`, with LF.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignedRoot {
    /// Number of leaves.
    pub size: Size,
    /// RFC 6962 root over them.
    pub root: Hash,
}

/// All that was signed, oldest first, sizes strictly rising.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SignedLog {
    roots: Vec<SignedRoot>,
}

/// What remains to be done before a root is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// Append the line and sync it, then sign.
    Append,
    /// The line is there already: signing again gives the same signature.
    SignAgain,
}

/// Why a file is not a signed log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignedLogError {
    /// A line is not a size and a root.
    #[error("line {line} is not <size> <root>")]
    Line {
        /// Number of the line, from 1.
        line: usize,
    },
    /// A line does not continue the one before.
    #[error("line {line} contradicts the lines before it")]
    Contradiction {
        /// Number of the line, from 1.
        line: usize,
        /// What is wrong with it.
        #[source]
        source: Contradiction,
    },
}

/// Two statements that must not both be signed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Contradiction {
    /// A smaller tree after a larger one: a rollback.
    #[error("size {next} is smaller than size {last}, which was signed before")]
    Rollback {
        /// Last size signed.
        last: Size,
        /// Size to be signed.
        next: Size,
    },
    /// Another root for a size that was signed before: a fork.
    #[error("size {size} was signed with root {signed}, now it has {next}")]
    Fork {
        /// The size.
        size: Size,
        /// Root signed before.
        signed: Hash,
        /// Root to be signed.
        next: Hash,
    },
}

/// The file as it is written: every line whole.
impl fmt::Display for SignedLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.roots.iter().try_for_each(|root| writeln!(f, "{root}"))
    }
}

impl SignedLog {
    /// Reads a signed log, and how many bytes at its end are an unfinished line.
    ///
    /// A line is signed only after it was synced whole, so an unfinished one was never signed and is to be cut off.
    ///
    /// # Errors
    /// [`SignedLogError`] when a whole line is not as it must be.
    pub fn parse(bytes: &[u8]) -> Result<(Self, usize), SignedLogError> {
        let whole = bytes
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(0, |last| last + 1);
        let (lines, unfinished) = bytes.split_at(whole);
        let mut log = Self::default();
        for (place, text) in lines.split_inclusive(|byte| *byte == b'\n').enumerate() {
            let line = place + 1;
            let next = parse_line(text).ok_or(SignedLogError::Line { line })?;
            match log.admit(&next) {
                Ok(Admission::Append) => log.roots.push(next),
                Ok(Admission::SignAgain) => return Err(SignedLogError::Line { line }),
                Err(source) => return Err(SignedLogError::Contradiction { line, source }),
            }
        }
        Ok((log, unfinished.len()))
    }

    /// Decides whether `next` may be signed after all that was signed.
    ///
    /// Whether the tree of `next` continues the last one must be checked beside this, by a consistency proof or by having
    /// reproduced the last root.
    ///
    /// # Errors
    /// [`Contradiction`]: never sign it, stop.
    pub fn admit(&self, next: &SignedRoot) -> Result<Admission, Contradiction> {
        match self.last() {
            Some(last) if next.size < last.size => Err(Contradiction::Rollback {
                last: last.size,
                next: next.size,
            }),
            Some(last) if next.size == last.size && next.root != last.root => Err(Contradiction::Fork {
                size: last.size,
                signed: last.root,
                next: next.root,
            }),
            Some(last) if next.size == last.size => Ok(Admission::SignAgain),
            Some(_) | None => Ok(Admission::Append),
        }
    }

    /// Takes note of a line that was appended and synced.
    ///
    /// # Errors
    /// [`Contradiction`] when it must not be signed; nothing is taken note of then.
    pub fn append(&mut self, next: SignedRoot) -> Result<(), Contradiction> {
        if self.admit(&next)? == Admission::Append {
            self.roots.push(next);
        }
        Ok(())
    }

    /// What was signed last.
    #[must_use]
    pub fn last(&self) -> Option<&SignedRoot> {
        self.roots.last()
    }

    /// All that was signed, oldest first.
    #[must_use]
    pub fn roots(&self) -> &[SignedRoot] {
        &self.roots
    }
}

impl fmt::Display for SignedRoot {
    /// The line without its LF.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.size, self.root.to_base64())
    }
}

fn parse_line(line: &[u8]) -> Option<SignedRoot> {
    let (size, root) = std::str::from_utf8(line)
        .ok()?
        .strip_suffix('\n')?
        .split_once(' ')?;
    Some(SignedRoot {
        size: parse_size(size)?,
        root: Hash::from_base64(root).ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signed(size: u64, byte: u8) -> SignedRoot {
        SignedRoot {
            size: Size::new(size),
            root: Hash::from_bytes([byte; 32]),
        }
    }

    #[test]
    fn an_unfinished_last_line_is_reported_not_believed() {
        let file = format!("{}\n{}\n", signed(3, 1), signed(7, 2));
        for cut in 0..=file.len() {
            let (log, unfinished) = SignedLog::parse(&file.as_bytes()[..cut]).unwrap();
            let whole = file[..cut].matches('\n').count();
            assert_eq!(log.roots(), &[signed(3, 1), signed(7, 2)][..whole]);
            assert_eq!(unfinished, file[..cut].rsplit('\n').next().unwrap().len());
        }
    }

    #[test]
    fn rollback_and_fork_are_never_admitted() {
        let mut log = SignedLog::default();
        log.append(signed(7, 1)).unwrap();
        assert_eq!(log.admit(&signed(7, 1)), Ok(Admission::SignAgain));
        assert_eq!(log.admit(&signed(8, 1)), Ok(Admission::Append));
        assert!(matches!(
            log.append(signed(7, 2)),
            Err(Contradiction::Fork { .. })
        ));
        assert!(matches!(
            log.append(signed(6, 1)),
            Err(Contradiction::Rollback { .. })
        ));
        assert_eq!(log.roots(), [signed(7, 1)]);
    }

    #[test]
    fn files_with_other_lines_are_refused() {
        let (a, b) = (signed(3, 1), signed(7, 2));
        for file in [
            format!("{b}\n{a}\n"),
            format!("{a}\n{a}\n"),
            format!("{a}\r\n"),
            format!("0{a}\n"),
            format!("+{a}\n"),
            format!("{a} \n"),
            format!(" {a}\n"),
            format!("{a}\n\n{b}\n"),
            "\n".to_owned(),
            "3 AA==\n".to_owned(),
        ] {
            assert!(SignedLog::parse(file.as_bytes()).is_err(), "{file:?}");
        }
    }
}
