//! A ledger directory: the store, the log of what was signed, and the published checkpoints.
//!
//! ```text
//! store/                sled: leaves, lookups, heads, rows
//! views/                sled: generations of views, which can all be made again from the store
//! facts                 what questions rest on, which can be made again from the store
//! signed.log            "<size> <root>" per line, written and synced before anything is signed
//! checkpoint            the newest published checkpoint
//! checkpoints/<size>    every published checkpoint, 20 digits
//! cosigned/<size>       the same with cosignatures that came in files later
//! ```

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use portbook_ledger::{SignedLog, SignedRoot, Size};

use crate::durable::{StoreError, sync_directory};

/// Where the files of one ledger are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerDirectory {
    path: PathBuf,
}

impl LedgerDirectory {
    /// The ledger directory at `path`, whether or not anything is there.
    #[must_use]
    pub const fn at(path: PathBuf) -> Self {
        Self { path }
    }

    /// The directory itself.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Directory of the store.
    #[must_use]
    pub fn store(&self) -> PathBuf {
        self.path.join("store")
    }

    /// Directory of the views' database.
    #[must_use]
    pub fn views(&self) -> PathBuf {
        self.path.join("views")
    }

    /// File of the facts that questions rest on.
    #[must_use]
    pub fn facts(&self) -> PathBuf {
        self.path.join("facts")
    }

    /// Creates the empty files of a new ledger. Its store comes last: without that, they are of an attempt that was interrupted.
    ///
    /// # Errors
    /// [`StoreError::Exists`] when something was signed here already.
    pub fn create(&self) -> Result<(), StoreError> {
        let checkpoints = self.path.join("checkpoints");
        fs::create_dir_all(&checkpoints).map_err(|source| StoreError::Io {
            doing: "create",
            path: checkpoints,
            source,
        })?;
        let path = self.signed_log_path();
        if fs::metadata(&path).is_ok_and(|found| found.len() > 0) {
            return Err(StoreError::Exists { path });
        }
        let created = File::create(&path).and_then(|file| file.sync_all());
        created.map_err(|source| StoreError::Io {
            doing: "create",
            path,
            source,
        })?;
        sync_directory(&self.path)
    }

    /// What was signed; none when `signed.log` is missing.
    ///
    /// # Errors
    /// [`StoreError::SignedLog`] when the file is not what this program writes.
    pub fn signed_log(&self) -> Result<Option<SignedLog>, StoreError> {
        let path = self.signed_log_path();
        match fs::read(&path) {
            Ok(bytes) => match SignedLog::parse(&bytes) {
                Ok((log, _)) => Ok(Some(log)),
                Err(source) => Err(StoreError::SignedLog { path, source }),
            },
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(StoreError::Io {
                doing: "read",
                path,
                source,
            }),
        }
    }

    /// What was signed, with a line that a crash left unfinished cut off: nothing was signed under it.
    ///
    /// # Errors
    /// [`StoreError::SignedLog`] as [`LedgerDirectory::signed_log`].
    pub fn begin_signing(&self) -> Result<Option<SignedLog>, StoreError> {
        let path = self.signed_log_path();
        if !path.exists() {
            return Ok(None);
        }
        cut_unfinished_line(&path).map_err(|source| StoreError::Io {
            doing: "repair",
            path,
            source,
        })?;
        self.signed_log()
    }

    /// Writes down, durably, that `root` is about to be signed.
    ///
    /// # Errors
    /// [`StoreError::Io`] when that failed; nothing may be signed then.
    pub fn note_signing(&self, root: &SignedRoot) -> Result<(), StoreError> {
        let path = self.signed_log_path();
        // Written in one go: a kill in between leaves the whole line or none of it.
        let line = format!("{root}\n");
        let append = || {
            let mut file = OpenOptions::new().append(true).open(&path)?;
            file.write_all(line.as_bytes())?;
            file.sync_all()
        };
        append().map_err(|source| StoreError::Io {
            doing: "append to",
            path: path.clone(),
            source,
        })
    }

    /// Publishes `note` as the checkpoint of `size`: complete and durable under its final name, or not there at all.
    ///
    /// # Errors
    /// [`StoreError::Io`] names the file that could not be written.
    pub fn publish_checkpoint(&self, size: Size, note: &str) -> Result<(), StoreError> {
        self.replace(&self.checkpoint_of(size), note)?;
        self.replace(&self.path.join("checkpoint"), note)
    }

    /// Keeps `note`, the checkpoint of `size` with cosignatures that came after it was published. What was published stays
    /// as it was: later seals commit to its bytes.
    ///
    /// # Errors
    /// [`StoreError::Io`] names the file that could not be written.
    pub fn keep_cosigned(&self, size: Size, note: &str) -> Result<(), StoreError> {
        self.replace(&self.cosigned(size), note)
    }

    /// The checkpoint of `size` with the cosignatures that came later, when there are any.
    ///
    /// # Errors
    /// [`StoreError::Io`] when it is there but cannot be read.
    pub fn cosigned_at(&self, size: Size) -> Result<Option<String>, StoreError> {
        read_if_there(self.cosigned(size))
    }

    /// Puts back a published checkpoint from a backup; durable once [`LedgerDirectory::put_back_signed_log`] has returned.
    ///
    /// # Errors
    /// [`StoreError::Io`] names the file that could not be written.
    pub fn put_back_checkpoint(&self, size: Size, note: &[u8]) -> Result<(), StoreError> {
        let path = self.checkpoint_of(size);
        let write = || {
            fs::create_dir_all(path.parent().unwrap_or(&self.path))?;
            File::create(&path)?.write_all(note)
        };
        write().map_err(|source| StoreError::Io {
            doing: "write",
            path: path.clone(),
            source,
        })
    }

    /// Puts back what was signed, from a backup: the last step of restoring a ledger, for without it no projector starts.
    ///
    /// # Errors
    /// [`StoreError::Exists`] when there is a `signed.log`.
    pub fn put_back_signed_log(&self, signed: &SignedLog) -> Result<(), StoreError> {
        self.create()?;
        self.replace(&self.signed_log_path(), &signed.to_string())?;
        sync_directory(&self.path.join("checkpoints"))
    }

    /// The newest published checkpoint.
    ///
    /// # Errors
    /// [`StoreError::Io`] when it is there but cannot be read.
    pub fn checkpoint(&self) -> Result<Option<String>, StoreError> {
        read_if_there(self.path.join("checkpoint"))
    }

    /// When the newest checkpoint was published, by the clock of this machine; none when there is none.
    #[must_use]
    pub fn published_at(&self) -> Option<SystemTime> {
        let written = fs::metadata(self.path.join("checkpoint"));
        written.and_then(|written| written.modified()).ok()
    }

    /// The published checkpoint of `size`.
    ///
    /// # Errors
    /// [`StoreError::Io`] when it is there but cannot be read.
    pub fn checkpoint_at(&self, size: Size) -> Result<Option<String>, StoreError> {
        read_if_there(self.checkpoint_of(size))
    }

    /// Sizes of the published checkpoints, smallest first.
    ///
    /// # Errors
    /// [`StoreError::Io`] when the directory cannot be read.
    pub fn checkpoint_sizes(&self) -> Result<Vec<Size>, StoreError> {
        let path = self.path.join("checkpoints");
        let failed = |source| StoreError::Io {
            doing: "list",
            path: path.clone(),
            source,
        };
        let mut sizes = Vec::new();
        if !path.exists() {
            return Ok(sizes);
        }
        for entry in fs::read_dir(&path).map_err(failed)? {
            let name = entry.map_err(failed)?.file_name();
            // Unfinished files have another ending; they are left to the next publication.
            sizes.extend(name.to_str().and_then(|name| name.parse().ok()).map(Size::new));
        }
        sizes.sort_unstable();
        Ok(sizes)
    }

    fn signed_log_path(&self) -> PathBuf {
        self.path.join("signed.log")
    }

    fn checkpoint_of(&self, size: Size) -> PathBuf {
        self.path.join("checkpoints").join(format!("{:020}", size.get()))
    }

    fn cosigned(&self, size: Size) -> PathBuf {
        self.path.join("cosigned").join(format!("{:020}", size.get()))
    }

    fn replace(&self, path: &Path, text: &str) -> Result<(), StoreError> {
        let unfinished = path.with_extension("new");
        let write = || {
            fs::create_dir_all(path.parent().unwrap_or(&self.path))?;
            let mut file = File::create(&unfinished)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            fs::rename(&unfinished, path)
        };
        write().map_err(|source| StoreError::Io {
            doing: "write",
            path: path.to_owned(),
            source,
        })?;
        sync_directory(path.parent().unwrap_or(&self.path))
    }
}

/// The next line must start on a line of its own.
fn cut_unfinished_line(path: &Path) -> std::io::Result<()> {
    let bytes = fs::read(path)?;
    let kept = bytes
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |at| at + 1);
    if kept == bytes.len() {
        return Ok(());
    }
    let file = OpenOptions::new().write(true).open(path)?;
    file.set_len(u64::try_from(kept).unwrap_or(0))?;
    file.sync_all()
}

fn read_if_there(path: PathBuf) -> Result<Option<String>, StoreError> {
    match fs::read_to_string(&path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(StoreError::Io {
            doing: "read",
            path,
            source,
        }),
    }
}
