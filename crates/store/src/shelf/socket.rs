//! A socket beside a database: where it is, how it is reached under a long path, how it comes to be private.

use std::fs::{self, DirBuilder, File, Permissions};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

/// Longest address of a socket that every system takes.
const ADDRESS_BYTES_MAX: usize = 100;

/// The socket of the database in `store`: `store.sock` beside `store`.
pub(super) fn socket_of(store: &Path) -> PathBuf {
    store.with_extension("sock")
}

/// Connects to the process that listens on `socket`.
///
/// # Errors
/// What the system says: nobody listens, or this user may not connect.
pub fn connect(socket: &Path) -> io::Result<UnixStream> {
    shortened(socket, |address| UnixStream::connect(address))
}

/// Listens on `socket`, which from its first moment nobody but this user can connect to. What a killed process left there
/// is replaced: only who holds the database may call this.
///
/// # Errors
/// What the system says.
pub fn listen(socket: &Path) -> io::Result<UnixListener> {
    let private = socket.with_extension("sock-new");
    if private.exists() {
        fs::remove_dir_all(&private)?;
    }
    DirBuilder::new().mode(0o700).create(&private)?;
    let unfinished = private.join("s");
    let listener = shortened(&unfinished, |address| UnixListener::bind(address))?;
    fs::set_permissions(&unfinished, Permissions::from_mode(0o600))?;
    fs::rename(&unfinished, socket)?;
    fs::remove_dir(&private)?;
    Ok(listener)
}

/// An address is at most some hundred bytes; a longer path is gone through its open directory.
fn shortened<T>(path: &Path, act: impl FnOnce(&Path) -> io::Result<T>) -> io::Result<T> {
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
        return act(path);
    };
    if path.as_os_str().len() <= ADDRESS_BYTES_MAX {
        return act(path);
    }
    let directory = File::open(parent)?;
    act(&Path::new("/proc/self/fd")
        .join(directory.as_raw_fd().to_string())
        .join(name))
}
