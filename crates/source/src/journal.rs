//! The journal of a source: what was acknowledged since its last statement, kept where a killed process leaves it.
//!
//! ```text
//! portbook-journal 1
//! after <stream sequence of the last statement>
//! ack <stream sequence> <SHA-256 of the body>
//! closed
//! ```
//! It is not synced: power loss may take its end, and what the stream holds fills that in. What it alone can show is an
//! event that was acknowledged and is *not* in the stream any more.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use portbook_ledger::Hash;

const HEADER: &str = "portbook-journal 1";

/// Acknowledged events: stream sequence and digest.
pub(crate) type Acknowledged = BTreeSet<(u64, Hash)>;

/// Why a journal cannot be kept.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The file could not be read or written.
    #[error("could not {doing} {}", path.display())]
    Io {
        /// What was being done.
        doing: &'static str,
        /// To what.
        path: PathBuf,
        /// The system's reason.
        #[source]
        source: io::Error,
    },
    /// Another process publishes for the source, and two would each state half of the truth.
    #[error("another process publishes for this source: {} is locked", path.display())]
    InUse {
        /// The lock file.
        path: PathBuf,
    },
    /// The file is not what this program writes.
    #[error("{}, line {line}: not a journal of this program", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The first line that is wrong, from 1.
        line: usize,
    },
}

/// The file, locked for this process.
#[derive(Debug)]
pub(crate) struct Journal {
    path: PathBuf,
    file: File,
    /// Held as long as the journal is open.
    _lock: File,
}

/// What a journal says when it is opened.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Kept {
    /// Stream sequence of the last statement.
    pub(crate) after_seq: u64,
    /// Acknowledged since.
    pub(crate) acknowledged: Acknowledged,
    /// Whether the process that wrote it ended in order: nothing is missing then.
    pub(crate) is_complete: bool,
}

impl Journal {
    /// Opens the journal at `path`, which may not exist yet, and locks it against other processes.
    pub(crate) fn open(path: &Path) -> Result<(Self, Kept), JournalError> {
        let lock = lock(&path.with_extension("lock"))?;
        let kept = match fs::read(path) {
            Ok(bytes) => parse(path, &bytes)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Kept::default(),
            Err(source) => return Err(failed("read", path, source)),
        };
        let mut journal = Self {
            file: write_new(path, &kept).map_err(|source| failed("write", path, source))?,
            path: path.to_owned(),
            _lock: lock,
        };
        journal
            .file
            .flush()
            .map_err(|source| failed("write", path, source))?;
        Ok((journal, kept))
    }

    /// Takes note of acknowledgements, with one write.
    pub(crate) fn note(&mut self, acknowledged: &[(u64, Hash)]) -> Result<(), JournalError> {
        let mut lines = String::with_capacity(acknowledged.len() * 80);
        for (seq, digest) in acknowledged {
            // A string takes whatever is written to it.
            writeln!(lines, "ack {seq} {digest}").unwrap_or_default();
        }
        self.append(&lines)
    }

    /// Begins anew behind the statement at message `after_seq`.
    pub(crate) fn restart(&mut self, after_seq: u64) -> Result<(), JournalError> {
        let kept = Kept {
            after_seq,
            ..Kept::default()
        };
        self.file = write_new(&self.path, &kept).map_err(|source| failed("write", &self.path, source))?;
        Ok(())
    }

    /// Writes down that nothing is missing.
    pub(crate) fn close(&mut self) -> Result<(), JournalError> {
        self.append("closed\n")?;
        self.file
            .sync_all()
            .map_err(|source| failed("sync", &self.path, source))
    }

    fn append(&mut self, lines: &str) -> Result<(), JournalError> {
        self.file
            .write_all(lines.as_bytes())
            .map_err(|source| failed("write", &self.path, source))
    }
}

fn lock(path: &Path) -> Result<File, JournalError> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(|source| failed("create", parent, source))?;
    }
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).write(true);
    let file = options
        .open(path)
        .map_err(|source| failed("open", path, source))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(fs::TryLockError::WouldBlock) => Err(JournalError::InUse {
            path: path.to_owned(),
        }),
        Err(fs::TryLockError::Error(source)) => Err(failed("lock", path, source)),
    }
}

/// Writes the journal beside the old one and puts it in its place; gives the open file.
fn write_new(path: &Path, kept: &Kept) -> io::Result<File> {
    let mut text = format!("{HEADER}\nafter {}\n", kept.after_seq);
    for (seq, digest) in &kept.acknowledged {
        writeln!(text, "ack {seq} {digest}").unwrap_or_default();
    }
    let unfinished = path.with_extension("new");
    let mut file = File::create(&unfinished)?;
    file.write_all(text.as_bytes())?;
    fs::rename(&unfinished, path)?;
    Ok(file)
}

fn parse(path: &Path, bytes: &[u8]) -> Result<Kept, JournalError> {
    let text = String::from_utf8_lossy(bytes);
    // What a kill left unfinished was never acted on.
    let (lines, _) = text.rsplit_once('\n').unwrap_or_default();
    let mut kept = Kept::default();
    for (line, content) in (1..).zip(lines.lines()) {
        let damaged = || JournalError::Damaged {
            path: path.to_owned(),
            line,
        };
        let mut words = content.split(' ');
        match (line, words.next()) {
            (1, _) if content == HEADER => {}
            (2, Some("after")) => kept.after_seq = number(words.next()).ok_or_else(damaged)?,
            (3.., Some("ack")) => {
                let seq = number(words.next()).ok_or_else(damaged)?;
                let digest = words.next().and_then(|hex| Hash::from_hex(hex).ok());
                kept.acknowledged.insert((seq, digest.ok_or_else(damaged)?));
            }
            (3.., Some("closed")) => kept.is_complete = true,
            _ => return Err(damaged()),
        }
    }
    Ok(kept)
}

fn number(word: Option<&str>) -> Option<u64> {
    word?.parse().ok()
}

fn failed(doing: &'static str, path: &Path, source: io::Error) -> JournalError {
    JournalError::Io {
        doing,
        path: path.to_owned(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use portbook_ledger::sha256;

    use super::*;

    #[test]
    fn what_was_noted_is_there_after_a_kill_and_complete_only_after_an_end_in_order() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("sources/a.journal");
        let (mut journal, kept) = Journal::open(&path).unwrap();
        assert_eq!(kept, Kept::default());
        assert!(matches!(Journal::open(&path), Err(JournalError::InUse { .. })));
        let acks = [(7, sha256(&[b"seven"])), (8, sha256(&[b"eight"]))];
        journal.note(&acks).unwrap();
        drop(journal);
        let (mut journal, kept) = Journal::open(&path).unwrap();
        assert_eq!(kept.acknowledged, Acknowledged::from(acks));
        assert!(!kept.is_complete);
        journal.restart(9).unwrap();
        journal.close().unwrap();
        drop(journal);
        let (_, kept) = Journal::open(&path).unwrap();
        assert_eq!(
            (kept.after_seq, kept.is_complete, kept.acknowledged.len()),
            (9, true, 0)
        );
        // Opened again and killed: it is not complete any more.
        let (_, kept) = Journal::open(&path).unwrap();
        assert!(!kept.is_complete);
    }

    #[test]
    fn an_unfinished_line_is_nothing_and_a_wrong_one_is_named() {
        let path = Path::new("a.journal");
        let whole = format!("{HEADER}\nafter 3\nack 4 {}\n", sha256(&[b"x"]));
        assert_eq!(parse(path, whole.as_bytes()).unwrap().acknowledged.len(), 1);
        for cut in 0..whole.len() {
            let kept = parse(path, whole.get(..cut).unwrap().as_bytes()).unwrap();
            assert!(kept.acknowledged.is_empty(), "{cut}");
        }
        let wrong = format!("{HEADER}\nafter 3\nack four x\n");
        assert!(matches!(
            parse(path, wrong.as_bytes()),
            Err(JournalError::Damaged { line: 3, .. })
        ));
    }
}
