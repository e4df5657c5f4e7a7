//! Opening sled so that damage is reported, and what a killed process left behind is not taken for damage.
//!
//! Two things of sled 0.34 are mended here. It reads and writes its configuration before it takes its lock. And it writes its
//! snapshot of the page table under a name that it takes for that of the newest snapshot: a process that is killed in
//! between leaves a database that sled can never open again, though nothing of it is lost. Both happen nowhere but in
//! opening, so opening has a lock of its own, and whoever has that removes what others left half written.

use std::cell::Cell;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Once;
use std::thread;
use std::time::{Duration, Instant};

use crate::durable::StoreError;

/// Pages sled may keep in memory. The working set is the open ends and the lookups' newest runs.
const CACHE_BYTES: u64 = 16 * 1024 * 1024;
/// Bytes of one segment of sled's log.
///
/// What is longer than a quarter of a segment sled writes to a file of its own, which it never syncs: after a power cut
/// the log would name files that are empty. A node of the tree holds up to 17 values before it is split, and is written
/// whole then; a quarter of this is room for 17 of the longest there can be, 64 KiB.
const SEGMENT_BYTES: usize = 8 * 1024 * 1024;
/// Where sled keeps what it was created with.
const CONFIGURATION: &str = "conf";
/// Whoever opens the database has this file locked meanwhile.
const OPENING: &str = "opening";
/// How long a store may stay locked after it was closed: sled's own threads let go of it a moment later.
const RELEASE_WAIT: Duration = Duration::from_secs(2);
const RELEASE_PAUSE: Duration = Duration::from_millis(1);

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
            Ok(db) if create => return sync_configuration(path).map(|()| db),
            opened => return opened,
        }
    }
}

fn open_sled(path: &Path) -> Result<sled::Db, StoreError> {
    let _alone = lock_opening(path)?;
    remove_half_written(path).map_err(|source| io_error("clear what was left behind in", path, source))?;
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

/// Keeps others from opening the database in `path` until it is dropped.
fn lock_opening(path: &Path) -> Result<File, StoreError> {
    let file = path.join(OPENING);
    let opened = OpenOptions::new().create(true).append(true).open(&file);
    let opened = opened.map_err(|source| io_error("open", &file, source))?;
    match opened.try_lock() {
        Ok(()) => Ok(opened),
        Err(TryLockError::WouldBlock) => Err(StoreError::InUse {
            path: path.to_owned(),
        }),
        Err(TryLockError::Error(source)) => Err(io_error("lock", &file, source)),
    }
}

/// Removes what a process left that was killed while it opened the database. Nobody else may be opening it.
fn remove_half_written(path: &Path) -> io::Result<()> {
    for entry in fs::read_dir(path)? {
        let name = entry?.file_name();
        let name = name.to_string_lossy();
        if name.starts_with("snap.") && name.ends_with(".generating") {
            fs::remove_file(path.join(&*name))?;
        }
    }
    let configuration = path.join(CONFIGURATION);
    if configuration.exists() && !path.join("db").exists() {
        fs::remove_file(configuration)?;
    }
    Ok(())
}

/// sled does not sync it, and reads nothing without it.
fn sync_configuration(path: &Path) -> Result<(), StoreError> {
    let file = path.join(CONFIGURATION);
    let synced = File::open(&file).and_then(|opened| opened.sync_all());
    synced.map_err(|source| io_error("sync", &file, source))
}

fn io_error(doing: &'static str, path: &Path, source: io::Error) -> StoreError {
    StoreError::Io {
        doing,
        path: path.to_owned(),
        source,
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

thread_local! {
    /// Whether panics of this thread are reported as errors.
    static IS_SILENT: Cell<bool> = const { Cell::new(false) };
}

/// Keeps the panic hook quiet on this thread while `act` runs, which reports a panic as an error instead.
///
/// The hook belongs to the whole process: what other threads have to say meanwhile must be heard.
fn silently<T>(act: impl FnOnce() -> T) -> T {
    static HOOKED: Once = Once::new();
    HOOKED.call_once(|| {
        let hook = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if !IS_SILENT.get() {
                hook(panic);
            }
        }));
    });
    IS_SILENT.set(true);
    let done = act();
    IS_SILENT.set(false);
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
