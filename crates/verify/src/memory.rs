//! What was accepted before: the high-water mark that every later checkpoint of the log must continue.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use portbook_ledger::{Checkpoint, OpenedCheckpoint};

use crate::report::{Exit, Line, Refusal};
use crate::trust::Opened;

/// A folder with the newest checkpoint that was accepted of each log. It is the auditor's, never the evidence's.
#[derive(Debug, Clone)]
pub struct Memory {
    folder: PathBuf,
}

/// What was accepted last of one log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remembered {
    /// What it says.
    pub checkpoint: Checkpoint,
    /// Its file.
    pub note: String,
}

impl Memory {
    /// The memory in `folder`.
    #[must_use]
    pub const fn at(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// What was accepted of the log that `opened` is of. A file that its key did not sign is as good as none.
    #[must_use]
    pub fn recall(&self, opened: &Opened) -> Option<Remembered> {
        let note = fs::read(self.path(opened)).ok()?;
        let checkpoint = OpenedCheckpoint::open(&note, &opened.ledger, &opened.log_key, &[]).ok()?;
        Some(Remembered {
            checkpoint: checkpoint.checkpoint,
            note: String::from_utf8(note).ok()?,
        })
    }

    /// Remembers an accepted checkpoint of a whole ledger, unless a larger one is remembered.
    ///
    /// # Errors
    /// The system's, when it cannot be written.
    pub fn keep(&self, opened: &Opened) -> io::Result<()> {
        let known = self.recall(opened);
        if opened.chain.is_some()
            || known.is_some_and(|known| known.checkpoint.size >= opened.checkpoint.size)
        {
            return Ok(());
        }
        fs::create_dir_all(&self.folder)?;
        let path = self.path(opened);
        let unfinished = path.with_extension("new");
        fs::write(&unfinished, &opened.note)?;
        fs::rename(&unfinished, &path)
    }

    /// Writes the two statements of a fork to a file; gives its path.
    ///
    /// # Errors
    /// The system's, when it cannot be written.
    pub fn keep_fork(&self, folder: &Path, proof: &str) -> io::Result<PathBuf> {
        let digest = portbook_ledger::sha256(&[proof.as_bytes()]).to_hex();
        let path = folder.join(format!("fork-{}.txt", digest.get(..16).unwrap_or(&digest)));
        fs::write(&path, proof)?;
        Ok(path)
    }

    fn path(&self, opened: &Opened) -> PathBuf {
        let digest = opened.ledger.hash().to_hex();
        self.folder
            .join(format!("{}.checkpoint", digest.get(..16).unwrap_or(&digest)))
    }
}

/// Holds a checkpoint against what was accepted before; `proven` is an earlier checkpoint it was proven to continue.
pub(crate) fn compare(
    opened: &Opened,
    remembered: Option<&Remembered>,
    proven: Option<&Checkpoint>,
) -> Result<Line, Refusal> {
    const CHECK: &str = "append-only";
    let now = &opened.checkpoint;
    let Some(Remembered {
        checkpoint: seen,
        note,
    }) = remembered
    else {
        let shows = match proven {
            Some(earlier) => format!("continues the signed tree of {} leaves", earlier.size),
            None => "nothing was accepted of this log before".to_owned(),
        };
        return Ok(Line { check: CHECK, shows });
    };
    let fork = || {
        let reason = format!(
            "{} leaves were signed with root {} before, and now with {}",
            now.size, seen.root, now.root
        );
        Refusal::fork(CHECK, reason, note, &opened.note)
    };
    if now.size == seen.size {
        return if now.root == seen.root {
            let shows = "the very tree that was accepted before".to_owned();
            Ok(Line { check: CHECK, shows })
        } else {
            Err(fork())
        };
    }
    if now.size < seen.size {
        let reason = format!(
            "this is the tree of {} leaves, one of {} was accepted before: ask for newer evidence",
            now.size, seen.size
        );
        return Err(Refusal::new(Exit::Stale, CHECK, reason));
    }
    match proven {
        Some(earlier) if earlier == seen => Ok(Line {
            check: CHECK,
            shows: format!(
                "continues the tree of {} leaves that was accepted before",
                seen.size
            ),
        }),
        Some(earlier) if earlier.size == seen.size => {
            let reason = format!(
                "the tree of {} leaves it continues is not the one that was accepted before",
                seen.size
            );
            Err(Refusal::fork(CHECK, reason, note, &opened.note))
        }
        Some(_) | None => Err(Refusal::incomplete(
            CHECK,
            format!(
                "a tree of {} leaves was accepted before, and nothing shows that this one continues it: ask for \
                 evidence with --earlier {}",
                seen.size, seen.size
            ),
        )),
    }
}
