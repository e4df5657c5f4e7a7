//! Opening sled so that damage is reported, and writing so that what is acknowledged survives power loss.

use std::fs::File;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use portbook_ledger::SignedLogError;

use crate::codec::RowError;

/// Pages sled may keep in memory. The working set is the open ends and the lookups' newest runs.
const CACHE_BYTES: u64 = 16 * 1024 * 1024;
/// Bytes of one segment of sled's log.
///
/// What is longer than a quarter of a segment sled writes to a file of its own, which it never syncs: after a power cut
/// the log would name files that are empty. A node of the tree holds up to 17 values before it is split, and is written
/// whole then; a quarter of this is room for 17 of the longest there can be, 64 KiB.
const SEGMENT_BYTES: usize = 8 * 1024 * 1024;
/// How long a store may stay locked after it was closed: sled's own threads let go of it a moment later.
const RELEASE_WAIT: Duration = Duration::from_millis(500);
const RELEASE_PAUSE: Duration = Duration::from_millis(1);

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

/// Opens the sled database in `path`, which must hold one already unless `create`.
pub(crate) fn open(path: &Path, create: bool) -> Result<sled::Db, StoreError> {
    let exists = path.join("db").exists();
    match (exists, create) {
        (false, false) => {
            return Err(StoreError::Missing {
                path: path.to_owned(),
            });
        }
        (true, true) => {
            return Err(StoreError::Exists {
                path: path.to_owned(),
            });
        }
        (true, false) | (false, true) => {}
    }
    let started = Instant::now();
    loop {
        match open_sled(path) {
            Err(StoreError::InUse { .. }) if started.elapsed() < RELEASE_WAIT => thread::sleep(RELEASE_PAUSE),
            opened => return opened,
        }
    }
}

fn open_sled(path: &Path) -> Result<sled::Db, StoreError> {
    let config = sled::Config::new()
        .path(path)
        .cache_capacity(CACHE_BYTES)
        .segment_size(SEGMENT_BYTES)
        .flush_every_ms(None)
        .use_compression(false);
    // sled asserts its way through some damaged files; a reader of evidence must learn that, not see a backtrace.
    let opened = silently(|| catch_unwind(AssertUnwindSafe(|| config.open())));
    match opened {
        Ok(Ok(db)) => Ok(db),
        Ok(Err(source)) => Err(open_error(path, source)),
        Err(panic) => Err(StoreError::Damaged {
            path: path.to_owned(),
            report: report_of(panic.as_ref()),
        }),
    }
}

fn open_error(path: &Path, source: sled::Error) -> StoreError {
    let text = source.to_string();
    if text.contains("could not acquire lock") {
        StoreError::InUse {
            path: path.to_owned(),
        }
    } else if matches!(source, sled::Error::Corruption { .. }) {
        StoreError::Damaged {
            path: path.to_owned(),
            report: text,
        }
    } else {
        StoreError::Sled {
            doing: "open the store",
            source,
        }
    }
}

/// The panic hook belongs to the whole process: two threads that exchange it at once would lose it.
static HOOK: Mutex<()> = Mutex::new(());

/// Keeps the panic hook quiet while `act` runs; the panic is reported as an error instead.
fn silently<T>(act: impl FnOnce() -> T) -> T {
    let _exchanging = HOOK.lock().unwrap_or_else(PoisonError::into_inner);
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let done = act();
    std::panic::set_hook(hook);
    done
}

fn report_of(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied());
    text.unwrap_or("sled stopped without a reason")
        .chars()
        .take(300)
        .collect()
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
