//! One server per store: a lock that lives exactly as long as any process that works on it.
//!
//! The lock belongs to an open file, and the server inherits that file as its standard input. So the lock outlives us when
//! we are killed and the server is not, and it is free as soon as both are gone, without any clean-up.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;
use tokio::time::Instant;

use super::{STOP_TIMEOUT, ServerError, at};

const LOCK_FILE: &str = "portbook.lock";
/// A held lock is waited for this long: a process that is being killed, or has just been forked and not yet replaced by the
/// program it is to run, holds it for a moment.
const BRIEF: Duration = Duration::from_millis(500);
/// How often a lock that is about to be free is tried.
const LOCK_PERIOD: Duration = Duration::from_millis(5);
/// Longest text a lock file holds, in bytes.
const NOTE_BYTES_MAX: u64 = 256;

/// The lock on a store, with a note of who holds it.
#[derive(Debug)]
pub(super) struct StoreLock {
    file: File,
}

/// Who holds a lock: the server, and the process that started it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Holder {
    server: u32,
    parent: u32,
}

impl StoreLock {
    /// Takes the lock. A server whose parent was killed is asked to finish first: nobody could use it any more.
    pub(super) async fn take(store_dir: &Path, binary: &Path, config: &Path) -> Result<Self, ServerError> {
        let path = store_dir.join(LOCK_FILE);
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let mut file = options.open(&path).map_err(|source| at(&path, source))?;
        if lock_within(&file, BRIEF)
            .await
            .map_err(|source| at(&path, source))?
        {
            return Ok(Self { file });
        }
        let holder = Holder::read(&mut file);
        if let Some(orphan) = holder.filter(|holder| holder.is_orphan(config)) {
            tracing::warn!(
                pid = orphan.server,
                "finishing a nats-server whose parent was killed"
            );
            signal(binary, "term", orphan.server)
                .await
                .map_err(|source| at(binary, source))?;
            if lock_within(&file, STOP_TIMEOUT)
                .await
                .map_err(|source| at(&path, source))?
            {
                return Ok(Self { file });
            }
        }
        let holder = holder.map_or_else(|| "unknown".to_owned(), |holder| holder.server.to_string());
        Err(ServerError::StoreInUse {
            store_dir: store_dir.to_owned(),
            holder,
        })
    }

    /// The same open file for the server's standard input.
    pub(super) fn share(&self) -> io::Result<Stdio> {
        Ok(self.file.try_clone()?.into())
    }

    /// Writes down which process is the server.
    pub(super) fn note_server(&self, pid: Option<u32>) -> io::Result<()> {
        let mut file = &self.file;
        file.set_len(0)?;
        file.rewind()?;
        writeln!(file, "{} {}", pid.unwrap_or_default(), std::process::id())
    }
}

impl Holder {
    fn read(file: &mut File) -> Option<Self> {
        let mut note = String::new();
        file.rewind().ok()?;
        file.take(NOTE_BYTES_MAX).read_to_string(&mut note).ok()?;
        let mut pids = note.split_whitespace().map(str::parse);
        Some(Self {
            server: pids.next()?.ok()?,
            parent: pids.next()?.ok()?,
        })
    }

    /// Whether the server is still ours, by its command line, and nobody's child. Says no where there is no `/proc`.
    fn is_orphan(self, config: &Path) -> bool {
        let process = |pid: u32| Path::new("/proc").join(pid.to_string());
        let command_line = std::fs::read(process(self.server).join("cmdline")).unwrap_or_default();
        let config = config.as_os_str().as_encoded_bytes();
        !process(self.parent).exists() && command_line.split(|&byte| byte == 0).any(|word| word == config)
    }
}

fn try_lock(file: &File) -> io::Result<bool> {
    match file.try_lock() {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

async fn lock_within(file: &File, patience: Duration) -> io::Result<bool> {
    let started = Instant::now();
    let mut period = tokio::time::interval(LOCK_PERIOD);
    while !try_lock(file)? {
        if started.elapsed() >= patience {
            return Ok(false);
        }
        period.tick().await;
    }
    Ok(true)
}

/// Sends a signal by way of nats-server itself: the standard library only knows how to kill.
pub(super) async fn signal(binary: &Path, name: &str, pid: u32) -> io::Result<()> {
    let mut command = Command::new(binary);
    command
        .arg("--signal")
        .arg(format!("{name}={pid}"))
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    let status =
        tokio::time::timeout(Duration::from_secs(5), command.stderr(Stdio::null()).status()).await??;
    if status.success() {
        Ok(())
    } else {
        Err(io::Error::other(format!(
            "signal {name} to process {pid}: {status}"
        )))
    }
}
