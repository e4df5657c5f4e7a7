//! Who may connect: one NATS user per part of portbook, each with a key of its own.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::{fmt, fs};

use nkeys::KeyPair;

/// Longest key file worth reading, in bytes.
const SECRET_BYTES_MAX: u64 = 16 * 1024;

/// One NATS user. Its rights are written down in `config/nats/users.conf`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Identity {
    /// The intake service.
    Intake,
    /// The paperwork service.
    Paperwork,
    /// The licensing service.
    Licensing,
    /// The clearance service.
    Clearance,
    /// Imports of observed facts.
    Importer,
    /// The projector.
    Projector,
    /// A projector that stands by.
    Standby,
    /// Creates streams and states what a ledger starts with; its key is kept off line.
    Operator,
    /// Reads everything, writes nothing.
    Auditor,
    /// Reads the verified feed.
    Subscriber,
    /// Sends commands.
    Client,
}

/// A key file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// It cannot be read or written.
    #[error("{path}: {source}", path = .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Other users of the machine may read it.
    #[error("{path} can be read by others (mode {mode:o}); `chmod 600` it, or make a new key if it may have been read", path = .path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// It holds no seed of a user's `NKey`.
    #[error("{path} holds no NKey seed of a user (it starts with SU)", path = .path.display())]
    NotASeed {
        /// The file.
        path: PathBuf,
    },
}

impl Identity {
    /// Every identity.
    pub const ALL: &[Self] = &[
        Self::Intake,
        Self::Paperwork,
        Self::Licensing,
        Self::Clearance,
        Self::Importer,
        Self::Projector,
        Self::Standby,
        Self::Operator,
        Self::Auditor,
        Self::Subscriber,
        Self::Client,
    ];

    /// Its name in file names, subjects and logs: `intake`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Intake => "intake",
            Self::Paperwork => "paperwork",
            Self::Licensing => "licensing",
            Self::Clearance => "clearance",
            Self::Importer => "importer",
            Self::Projector => "projector",
            Self::Standby => "standby",
            Self::Operator => "operator",
            Self::Auditor => "auditor",
            Self::Subscriber => "subscriber",
            Self::Client => "client",
        }
    }

    /// Its seed file in `dir`.
    #[must_use]
    pub fn seed_file(self, dir: &Path) -> PathBuf {
        dir.join(format!("{self}.nk"))
    }

    /// Prefix of its inboxes. No other identity may listen there, so that nobody reads another's answers.
    pub(crate) fn inbox_prefix(self) -> String {
        format!("_INBOX_{self}")
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl IdentityError {
    pub(crate) fn unreadable(path: &Path, source: io::Error) -> Self {
        Self::Unreadable {
            path: path.to_owned(),
            source,
        }
    }
}

/// Creates a seed file (mode 0600) in `dir` (mode 0700) for every identity that has none; existing ones are left alone.
///
/// # Errors
/// [`IdentityError::Unreadable`] names the file that could not be written.
pub fn create_seeds(dir: &Path) -> Result<(), IdentityError> {
    create_private_dir(dir).map_err(|source| IdentityError::unreadable(dir, source))?;
    for &identity in Identity::ALL {
        let path = identity.seed_file(dir);
        if path.exists() {
            continue;
        }
        let seed = KeyPair::new_user().seed().map_err(|error| {
            tracing::error!(%error, "a fresh key has no seed");
            IdentityError::NotASeed { path: path.clone() }
        })?;
        write_secret(&path, &format!("{seed}\n"))
            .map_err(|source| IdentityError::unreadable(&path, source))?;
    }
    Ok(())
}

/// The public keys (`U…`) of the seed files in `dir`, as the server's configuration needs them.
pub(crate) fn public_keys(dir: &Path) -> Result<BTreeMap<Identity, String>, IdentityError> {
    Identity::ALL
        .iter()
        .map(|&identity| Ok((identity, public_key(&identity.seed_file(dir))?)))
        .collect()
}

fn public_key(seed_file: &Path) -> Result<String, IdentityError> {
    let seed = read_secret(seed_file)?;
    match KeyPair::from_seed(seed.trim()) {
        Ok(pair) if pair.key_pair_type() == nkeys::KeyPairType::User => Ok(pair.public_key()),
        // The key library's error may quote the seed: it must not travel.
        Ok(_) | Err(_) => Err(IdentityError::NotASeed {
            path: seed_file.to_owned(),
        }),
    }
}

/// Reads a secret from a file that only its owner may read.
pub(crate) fn read_secret(path: &Path) -> Result<String, IdentityError> {
    let unreadable = |source| IdentityError::unreadable(path, source);
    let file = File::open(path).map_err(unreadable)?;
    let mode = others_mode(&file).map_err(unreadable)?;
    if mode & 0o077 != 0 {
        return Err(IdentityError::Exposed {
            path: path.to_owned(),
            mode,
        });
    }
    let mut text = String::new();
    file.take(SECRET_BYTES_MAX)
        .read_to_string(&mut text)
        .map_err(unreadable)?;
    Ok(text)
}

/// Writes a secret to a new file that only its owner may read: all of it, or no file.
///
/// # Errors
/// What the operating system says, among other things that there is a file already.
pub fn write_secret(path: &Path, text: &str) -> io::Result<()> {
    let mut unfinished = path.as_os_str().to_owned();
    unfinished.push(".new");
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&unfinished)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    // Unlike a new name, a second one never takes the place of another file.
    let linked = fs::hard_link(&unfinished, path);
    fs::remove_file(&unfinished)?;
    linked
}

pub(crate) fn create_private_dir(dir: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir)
}

#[cfg(unix)]
fn others_mode(file: &File) -> io::Result<u32> {
    use std::os::unix::fs::PermissionsExt;
    Ok(file.metadata()?.permissions().mode() & 0o777)
}

#[cfg(not(unix))]
fn others_mode(file: &File) -> io::Result<u32> {
    file.metadata().map(|_| 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_identity_gets_a_key_of_its_own_once() {
        let dir = tempfile::tempdir().unwrap();
        create_seeds(dir.path()).unwrap();
        let first = public_keys(dir.path()).unwrap();
        create_seeds(dir.path()).unwrap();
        assert_eq!(first, public_keys(dir.path()).unwrap());
        assert_eq!(first.len(), Identity::ALL.len());
        let distinct: std::collections::BTreeSet<_> = first.values().collect();
        assert_eq!(distinct.len(), Identity::ALL.len());
    }

    #[test]
    fn a_secret_is_written_once_and_what_was_interrupted_is_in_nobodys_way() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.key");
        fs::write(dir.path().join("a.key.new"), "half a secret that is longer").unwrap();
        write_secret(&path, "secret\n").unwrap();
        let again = write_secret(&path, "other\n").unwrap_err();
        assert_eq!(again.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read_to_string(&path).unwrap(), "secret\n");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_seed_others_can_read_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        create_seeds(dir.path()).unwrap();
        let path = Identity::Intake.seed_file(dir.path());
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(
            public_keys(dir.path()),
            Err(IdentityError::Exposed { mode: 0o640, .. })
        ));
    }

    #[test]
    fn an_error_never_quotes_a_seed() {
        let dir = tempfile::tempdir().unwrap();
        create_seeds(dir.path()).unwrap();
        let path = Identity::Intake.seed_file(dir.path());
        let seed = fs::read_to_string(&path).unwrap();
        let damaged = seed.trim().replace("SU", "SX");
        fs::write(&path, &damaged).unwrap();
        let error = public_keys(dir.path()).unwrap_err();
        assert!(matches!(error, IdentityError::NotASeed { .. }));
        assert!(!format!("{error} {error:?}").contains(damaged.get(2..20).unwrap()));
    }
}
