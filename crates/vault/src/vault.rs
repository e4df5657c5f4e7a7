//! The vault: one file per commitment, so that erasing one value leaves no trace of it and touches no other.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use portbook_ledger::{Hash, InvalidField, SALT_BYTES};

use crate::disclosure::{Disclosure, Undisclosed};
use crate::entry::{self, NONCE_BYTES, VaultKey};

/// A directory of encrypted entries.
#[derive(Debug)]
pub struct Vault {
    directory: PathBuf,
    key: VaultKey,
}

/// The random bytes one entry takes.
#[derive(Debug, Clone, Copy)]
pub struct Sealing {
    /// Makes the commitment unguessable.
    pub salt: [u8; SALT_BYTES],
    /// Makes the encryption unique.
    pub nonce: [u8; NONCE_BYTES],
}

/// Why the vault cannot do it.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// There is nothing behind the commitment: it was erased, or is of another vault.
    #[error("the vault holds nothing behind {commitment}: it was erased, or never put there")]
    Nothing {
        /// The commitment.
        commitment: Hash,
    },
    /// The entry is damaged, or was encrypted with another key.
    #[error("{} is damaged, or was encrypted with another key", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
    },
    /// The entry is readable, but opens another commitment.
    #[error("{} does not belong to its name", path.display())]
    Mismatch {
        /// The file.
        path: PathBuf,
        /// Which one it opens.
        #[source]
        source: Undisclosed,
    },
    /// The field cannot be committed to.
    #[error(transparent)]
    Field(#[from] InvalidField),
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
}

impl Vault {
    /// The vault in `directory`, which is made when something is put there.
    #[must_use]
    pub const fn new(directory: PathBuf, key: VaultKey) -> Self {
        Self { directory, key }
    }

    /// Keeps a value and gives the commitment to it, once it would survive power loss.
    ///
    /// # Errors
    /// [`VaultError`]; nothing may be published under the commitment then.
    pub fn put(&self, field: &str, value: &[u8], sealing: Sealing) -> Result<Hash, VaultError> {
        let disclosure = Disclosure {
            field: field.to_owned(),
            value: value.to_vec(),
            salt: sealing.salt,
        };
        let commitment = disclosure.commitment()?;
        let path = self.path(commitment);
        let sealed = entry::seal(&self.key, sealing.nonce, commitment, &disclosure);
        let sealed = sealed.ok_or(InvalidField::Value { bytes: value.len() })?;
        self.write(&path, &sealed)
            .map_err(|source| failed("write", &path, source))?;
        Ok(commitment)
    }

    /// The value behind a commitment, checked against it.
    ///
    /// # Errors
    /// [`VaultError::Nothing`] when there is none any more.
    pub fn disclose(&self, commitment: Hash) -> Result<Disclosure, VaultError> {
        let path = self.path(commitment);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(VaultError::Nothing { commitment });
            }
            Err(source) => return Err(failed("read", &path, source)),
        };
        let disclosure = entry::open(&self.key, commitment, &bytes);
        let disclosure = disclosure.ok_or_else(|| VaultError::Unreadable { path: path.clone() })?;
        match disclosure.check(commitment) {
            Ok(()) => Ok(disclosure),
            Err(source) => Err(VaultError::Mismatch { path, source }),
        }
    }

    /// Destroys value and salt: the file is written over, synced, and removed. Gives whether there was anything.
    ///
    /// Nothing on the disk leads back to the value then, except on storage that keeps what is written over; copies of the
    /// vault made before are for whoever made them to destroy.
    ///
    /// # Errors
    /// [`VaultError::Io`]; it may be tried again.
    pub fn erase(&self, commitment: Hash) -> Result<bool, VaultError> {
        let path = self.path(commitment);
        match self.destroy(&path) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(source) => Err(failed("erase", &path, source)),
        }
    }

    fn path(&self, commitment: Hash) -> PathBuf {
        self.directory.join(format!("{commitment}.sealed"))
    }

    fn write(&self, path: &Path, sealed: &[u8]) -> io::Result<()> {
        create_private(&self.directory)?;
        let unfinished = path.with_extension("new");
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true);
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&unfinished)?;
        file.write_all(sealed)?;
        file.sync_all()?;
        fs::rename(&unfinished, path)?;
        File::open(&self.directory)?.sync_all()
    }

    fn destroy(&self, path: &Path) -> io::Result<()> {
        let mut file = OpenOptions::new().write(true).open(path)?;
        let length = usize::try_from(file.metadata()?.len()).unwrap_or(usize::MAX);
        file.write_all(&vec![0; length])?;
        file.sync_all()?;
        fs::remove_file(path)?;
        File::open(&self.directory)?.sync_all()
    }
}

fn create_private(directory: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory)
}

fn failed(doing: &'static str, path: &Path, source: io::Error) -> VaultError {
    VaultError::Io {
        doing,
        path: path.to_owned(),
        source,
    }
}
