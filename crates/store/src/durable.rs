//! Why a store could not be used, and writing so that what is acknowledged survives power loss.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use portbook_ledger::SignedLogError;

use crate::codec::RowError;

/// Why the store could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Nothing was ever created here.
    #[error("there is no ledger at {}", path.display())]
    Missing {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// Something stands where a new ledger was to be created.
    #[error("there is a ledger at {} already", path.display())]
    Exists {
        /// Where it was to be created.
        path: PathBuf,
    },
    /// Another process has it open.
    #[error("the ledger at {} is in use by another process", path.display())]
    InUse {
        /// Where it is.
        path: PathBuf,
    },
    /// Another process has it open and was asked, but there is no answer.
    #[error("the process that holds the ledger at {} gave no answer", path.display())]
    Unanswered {
        /// Where it is.
        path: PathBuf,
        /// Why there is none.
        #[source]
        source: io::Error,
    },
    /// Only the process that has the store open can write to it.
    #[error("the store belongs to another process, which alone can write to it")]
    Foreign,
    /// Commits followed each other faster than the store could be read.
    #[error("the store changed during every attempt to read it")]
    Restless,
    /// sled met bytes that it did not write.
    #[error("the store at {} is damaged: {report}", path.display())]
    Damaged {
        /// Where it is.
        path: PathBuf,
        /// What sled says.
        report: String,
    },
    /// Another version of this program wrote it, in a layout that this one does not read.
    #[error(
        "the store at {} was written by another version of portbook: {}, this program reads layout {ours}",
        path.display(),
        found.as_ref().map_or_else(|| "it names no layout".to_owned(), |found| format!("it has layout {found}"))
    )]
    OtherLayout {
        /// Where it is.
        path: PathBuf,
        /// The layout it names.
        found: Option<String>,
        /// The layout that this program writes.
        ours: &'static str,
    },
    /// sled could not do it.
    #[error("could not {doing}")]
    Sled {
        /// What was being done.
        doing: &'static str,
        /// sled's reason.
        #[source]
        source: sled::Error,
    },
    /// The operating system could not do it.
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
    /// A row is not what this version writes.
    #[error("the stored {what} is not readable")]
    Row {
        /// Which row.
        what: &'static str,
        /// Why.
        #[source]
        source: RowError,
    },
    /// A file of rows is not what it must be.
    #[error("the rows in {} are not what was written there", path.display())]
    Rows {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: RowError,
    },
    /// A row could not be written.
    #[error("the {what} cannot be stored")]
    Unstorable {
        /// Which row.
        what: &'static str,
        /// bincode's reason.
        #[source]
        source: bincode::error::EncodeError,
    },
    /// A leaf that the book counts is not there.
    #[error("leaf {index} of {size} is missing from the store")]
    LeafMissing {
        /// Its index.
        index: u64,
        /// How many there should be.
        size: u64,
    },
    /// A batch does not start where the stored book ends.
    #[error("a batch that starts at leaf {offered} does not continue a ledger of {size} leaves")]
    NotNext {
        /// First leaf of the batch.
        offered: u64,
        /// Stored size.
        size: u64,
    },
    /// `signed.log` is not what this program writes.
    #[error("{} is damaged", path.display())]
    SignedLog {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: SignedLogError,
    },
    /// An earlier write failed, so what is on disk is not known.
    #[error("an earlier write failed; the store takes no more until the process is started again")]
    Poisoned,
}

/// Forces everything applied so far onto the disk.
///
/// On Linux sled's `flush` ends in `sync_file_range`, which is no barrier: without the `sync_all` behind it,
/// acknowledged batches were lost in simulated power failures.
pub(crate) fn sync(db: &sled::Db, path: &Path) -> Result<(), StoreError> {
    db.flush().map_err(|source| StoreError::Sled {
        doing: "flush the store",
        source,
    })?;
    let file = path.join("db");
    File::open(&file)
        .and_then(|opened| opened.sync_all())
        .map_err(|source| StoreError::Io {
            doing: "sync",
            path: file,
            source,
        })
}

/// Gives what is in directory `from` its final name, durably. Nothing but an empty directory may stand there.
pub(crate) fn rename(from: &Path, to: &Path) -> Result<(), StoreError> {
    fs::rename(from, to).map_err(|source| StoreError::Io {
        doing: "create",
        path: to.to_owned(),
        source,
    })?;
    to.parent().map_or(Ok(()), sync_directory)
}

/// Makes names created in `directory` durable.
pub(crate) fn sync_directory(directory: &Path) -> Result<(), StoreError> {
    File::open(directory)
        .and_then(|opened| opened.sync_all())
        .map_err(|source| StoreError::Io {
            doing: "sync the directory",
            path: directory.to_owned(),
            source,
        })
}
