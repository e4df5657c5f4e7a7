//! What a witness remembers: of each log the newest checkpoint it cosigned, on disk before anybody hears of it.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use portbook_ledger::{Checkpoint, CheckpointError, OpenedCheckpoint, Origin, VerifierKey};

/// A folder with one checkpoint per log, held by one process at a time.
#[derive(Debug)]
pub struct Memory {
    folder: PathBuf,
    /// Locked as long as it is open; the system gives it back whatever happens to the process.
    _lock: File,
}

/// Why a witness cannot remember; it must not cosign then.
#[derive(Debug, thiserror::Error)]
pub enum MemoryError {
    /// A file could not be read or written.
    #[error("could not {doing} {}", .path.display())]
    Io {
        /// Read or write.
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Two processes that share a memory could each cosign what the other has not seen.
    #[error("another process uses {}", .path.display())]
    InUse {
        /// The folder.
        path: PathBuf,
    },
    /// What is remembered was not signed by the log.
    #[error("{} is not a checkpoint of the log", .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: CheckpointError,
    },
}

impl Memory {
    /// The memory in `folder`, which is created when it is not there.
    ///
    /// # Errors
    /// [`MemoryError::InUse`] while another process has it, [`MemoryError::Io`] when it cannot be opened.
    pub fn open(folder: &Path) -> Result<Self, MemoryError> {
        let failed = |source| MemoryError::Io {
            doing: "open",
            path: folder.to_owned(),
            source,
        };
        fs::create_dir_all(folder).map_err(failed)?;
        let lock = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(folder.join("lock"))
            .map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self {
                folder: folder.to_owned(),
                _lock: lock,
            }),
            Err(TryLockError::WouldBlock) => Err(MemoryError::InUse {
                path: folder.to_owned(),
            }),
            Err(TryLockError::Error(source)) => Err(failed(source)),
        }
    }

    /// What is remembered of the log `origin`; none when it was never cosigned.
    ///
    /// # Errors
    /// [`MemoryError::Damaged`] when the file is there but not signed by one of `keys`: that is no reason to begin anew.
    pub fn latest(&self, origin: &Origin, keys: &[VerifierKey]) -> Result<Option<Checkpoint>, MemoryError> {
        let path = self.path(origin);
        let note = match fs::read(&path) {
            Ok(note) => note,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => {
                return Err(MemoryError::Io {
                    doing: "read",
                    path,
                    source,
                });
            }
        };
        match open_any(&note, origin, keys) {
            Ok(checkpoint) => Ok(Some(checkpoint)),
            Err(source) => Err(MemoryError::Damaged { path, source }),
        }
    }

    /// Remembers `note` as the newest checkpoint of `origin`, and returns once that would survive power loss.
    ///
    /// # Errors
    /// [`MemoryError::Io`] when it is not certain; nothing may be answered then.
    pub fn remember(&self, origin: &Origin, note: &str) -> Result<(), MemoryError> {
        let path = self.path(origin);
        let unfinished = path.with_extension("new");
        let write = || {
            let mut file = File::create(&unfinished)?;
            file.write_all(note.as_bytes())?;
            file.sync_all()?;
            fs::rename(&unfinished, &path)?;
            File::open(&self.folder)?.sync_all()
        };
        write().map_err(|source| MemoryError::Io {
            doing: "write",
            path: path.clone(),
            source,
        })
    }

    fn path(&self, origin: &Origin) -> PathBuf {
        self.folder.join(format!("{}.checkpoint", origin.hash().to_hex()))
    }
}

/// Opens `note` with the first of `keys` that signed it.
pub(crate) fn open_any(
    note: &[u8],
    origin: &Origin,
    keys: &[VerifierKey],
) -> Result<Checkpoint, CheckpointError> {
    let mut refused = None;
    for key in keys {
        match OpenedCheckpoint::open(note, origin, key, &[]) {
            Ok(opened) => return Ok(opened.checkpoint),
            Err(error) => refused = Some(error),
        }
    }
    Err(refused.unwrap_or(CheckpointError::Note(
        portbook_ledger::NoteError::NoKnownSignature,
    )))
}
