//! The home directory of a portbook: where its ledger, keys and server are.

use std::fs::{self, File, TryLockError};
use std::io::Read;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use portbook_bus::write_secret;
use portbook_domain::ServiceName;
use portbook_ledger::{KeyName, NoteAlgorithm, Origin, SecretKey, SignerKey, VerifierKey};
use portbook_store::LedgerDirectory;
use portbook_wire::Source;

use crate::config::Config;
use crate::exit::Exit;
use crate::failure::Failure;

/// Paths of one portbook.
#[derive(Debug, Clone)]
pub(crate) struct Home {
    root: PathBuf,
    ledger: PathBuf,
    keys: PathBuf,
    nats: PathBuf,
    sources: PathBuf,
    vault: PathBuf,
}

/// Whose key: of the log, of a service, or of the importer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeyOf {
    /// The log itself.
    Log,
    /// A service.
    Service(ServiceName),
    /// The importer.
    Importer,
}

impl KeyOf {
    /// Every producer of events.
    pub(crate) fn producers() -> impl Iterator<Item = Self> {
        ServiceName::ALL
            .iter()
            .map(|name| Self::Service(*name))
            .chain([Self::Importer])
    }

    /// Name of the key file without ending.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Log => "log",
            Self::Service(service) => service.name(),
            Self::Importer => "importer",
        }
    }
}

impl Home {
    /// The home at `root` under `config`.
    pub(crate) fn new(root: &Path, config: &Config) -> Self {
        Self {
            root: root.to_owned(),
            ledger: root.join(&config.ledger.dir),
            keys: root.join(&config.keys.dir),
            nats: root.join(&config.nats.dir),
            sources: root.join(&config.sources.dir),
            vault: root.join(&config.vault.dir),
        }
    }

    /// The directory itself.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// The ledger's files.
    pub(crate) fn ledger(&self) -> LedgerDirectory {
        LedgerDirectory::at(self.ledger.clone())
    }

    /// Where a source keeps what it has published since its last statement.
    pub(crate) fn journal(&self, source: &Source) -> PathBuf {
        let name = source
            .as_str()
            .trim_start_matches("urn:portbook:")
            .replace(':', "-");
        self.sources.join(format!("{name}.journal"))
    }

    /// Where values behind commitments are.
    pub(crate) fn vault(&self) -> &Path {
        &self.vault
    }

    /// Folder of the key files.
    pub(crate) fn keys(&self) -> &Path {
        &self.keys
    }

    /// Store of the managed server.
    pub(crate) fn nats_store(&self) -> &Path {
        &self.nats
    }

    /// Folder of the NATS seeds.
    pub(crate) fn nats_seeds(&self) -> PathBuf {
        self.keys.join("nats")
    }

    /// Creates the directory for keys, which only its owner may enter.
    pub(crate) fn create_keys(&self) -> Result<(), Failure> {
        let created = fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.keys);
        created.map_err(|error| Failure::file("create", &self.keys, &error))
    }

    /// Keeps others from making keys here until what it gives is dropped.
    pub(crate) fn lock_keys(&self) -> Result<File, Failure> {
        let opened = File::open(&self.keys).map_err(|error| Failure::file("open", &self.keys, &error))?;
        match opened.try_lock() {
            Ok(()) => Ok(opened),
            Err(TryLockError::WouldBlock) => Err(Failure::new(
                Exit::Unavailable,
                format!("another process is making keys in {}", self.keys.display()),
            )),
            Err(TryLockError::Error(error)) => Err(Failure::file("lock", &self.keys, &error)),
        }
    }

    /// Draws a new key and writes it to its file, which must not be there.
    pub(crate) fn create_key(&self, of: KeyOf, origin: &Origin) -> Result<SignerKey, Failure> {
        let key = signer_key(of, origin, SecretKey::from_seed(&drawn()?))?;
        write_private(&self.key_path(of), &format!("{}\n", key.to_secret_text()))?;
        Ok(key)
    }

    /// Copies secret keys and NATS seeds from `from`; files that are there already stay as they are.
    pub(crate) fn bring_keys(&self, from: &Path) -> Result<(), Failure> {
        self.create_keys()?;
        bring(from, &self.keys, "key")?;
        let seeds = from.join("nats");
        if !seeds.exists() {
            // New ones do as well: they only prove who connects to a server of our own.
            return Ok(());
        }
        let target = self.nats_seeds();
        let created = fs::DirBuilder::new().recursive(true).mode(0o700).create(&target);
        created.map_err(|error| Failure::file("create", &target, &error))?;
        bring(&seeds, &target, "nk")
    }

    /// Writes the public half of a key.
    pub(crate) fn write_public(&self, of: KeyOf, key: &VerifierKey) -> Result<(), Failure> {
        let path = self.public_path(of);
        fs::write(&path, format!("{key}\n")).map_err(|error| Failure::file("write", &path, &error))
    }

    /// Reads a secret key; refuses a file that others can read.
    pub(crate) fn key(&self, of: KeyOf) -> Result<SignerKey, Failure> {
        let path = self.key_path(of);
        let text = read_private(&path)?;
        SignerKey::parse(text.trim_end()).map_err(|error| {
            Failure::new(
                Exit::Configuration,
                format!("{} is not a key: {error}", path.display()),
            )
        })
    }

    /// Draws the key of a witness called `name`; it must not be there.
    pub(crate) fn create_witness_key(&self, name: &str) -> Result<VerifierKey, Failure> {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed)
            .map_err(|error| Failure::new(Exit::InputOutput, format!("no randomness for a key: {error}")))?;
        let name = KeyName::new(name).map_err(|error| Failure::of(Exit::Usage, &error))?;
        let key = SignerKey::new(name, NoteAlgorithm::CosignatureV1, SecretKey::from_seed(&seed));
        write_private(
            &self.keys.join("witness.key"),
            &format!("{}\n", key.to_secret_text()),
        )?;
        let public = self.keys.join("witness.pub");
        fs::write(&public, format!("{}\n", key.verifier()))
            .map_err(|error| Failure::file("write", &public, &error))?;
        Ok(key.verifier().clone())
    }

    /// Reads the secret key of the witness; refuses a file that others can read.
    pub(crate) fn witness_key(&self) -> Result<SignerKey, Failure> {
        let path = self.keys.join("witness.key");
        let text = read_private(&path).map_err(|failure| {
            if path.exists() {
                failure
            } else {
                failure.hint("portbook witness init --name NAME creates the key of a witness")
            }
        })?;
        SignerKey::parse(text.trim_end()).map_err(|error| {
            Failure::new(
                Exit::Configuration,
                format!("{} is not a key: {error}", path.display()),
            )
        })
    }

    /// Reads the public half of a key.
    pub(crate) fn public_key(&self, of: KeyOf) -> Result<VerifierKey, Failure> {
        let path = self.public_path(of);
        let text = fs::read_to_string(&path).map_err(|error| {
            Failure::file("read", &path, &error)
                .hint("portbook init creates a ledger and its keys; --home names another place")
        })?;
        VerifierKey::parse(text.trim_end()).map_err(|error| {
            Failure::new(
                Exit::Configuration,
                format!("{} is not a key: {error}", path.display()),
            )
        })
    }

    /// Where the URL of the managed server is written while it runs.
    pub(crate) fn url_file(&self) -> PathBuf {
        self.root.join("nats.url")
    }

    /// Where the URL of the HTTP server is written while it runs.
    pub(crate) fn http_url_file(&self) -> PathBuf {
        self.root.join("http.url")
    }

    /// Where the port of a server that takes a free one is kept.
    pub(crate) fn port_file(&self, server: &str) -> PathBuf {
        self.root.join(format!("{server}.port"))
    }

    /// Where a running portbook answers questions about facts.
    pub(crate) fn answers_socket(&self) -> PathBuf {
        self.root.join("answers.sock")
    }

    /// Where a standby is asked to take over.
    pub(crate) fn standby_socket(&self) -> PathBuf {
        self.root.join("standby.sock")
    }

    fn key_path(&self, of: KeyOf) -> PathBuf {
        self.keys.join(format!("{}.key", of.name()))
    }

    fn public_path(&self, of: KeyOf) -> PathBuf {
        self.keys.join(format!("{}.pub", of.name()))
    }
}

/// Bytes nobody can guess.
pub(crate) fn drawn<const N: usize>() -> Result<[u8; N], Failure> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)
        .map_err(|error| Failure::new(Exit::InputOutput, format!("no randomness: {error}")))?;
    Ok(bytes)
}

/// Keys are written in the text form of signed notes; the log's carries the origin as its name.
fn signer_key(of: KeyOf, origin: &Origin, secret: SecretKey) -> Result<SignerKey, Failure> {
    let name = match of {
        KeyOf::Log => origin.as_str().to_owned(),
        KeyOf::Service(_) | KeyOf::Importer => format!("{origin}/{}", of.name()),
    };
    let name = KeyName::new(&name).map_err(|error| Failure::of(Exit::Configuration, &error))?;
    Ok(SignerKey::new(name, NoteAlgorithm::Ed25519, secret))
}

/// Copies every file with this ending whose owner alone can read it.
fn bring(from: &Path, to: &Path, ending: &str) -> Result<(), Failure> {
    let listed = |error| Failure::file("list", from, &error);
    for entry in fs::read_dir(from).map_err(listed)? {
        let path = entry.map_err(listed)?.path();
        let Some(name) = path
            .file_name()
            .filter(|_| path.extension().is_some_and(|it| it == ending))
        else {
            continue;
        };
        let target = to.join(name);
        if !target.exists() {
            write_private(&target, &read_private(&path)?)?;
        }
    }
    Ok(())
}

pub(crate) fn write_private(path: &Path, text: &str) -> Result<(), Failure> {
    write_secret(path, text).map_err(|error| Failure::file("write", path, &error))
}

pub(crate) fn read_private(path: &Path) -> Result<String, Failure> {
    let mut text = String::new();
    let mut read = || {
        let mut file = fs::File::open(path)?;
        let mode = file.metadata()?.mode();
        file.read_to_string(&mut text)?;
        Ok(mode)
    };
    let mode: u32 = read().map_err(|error: std::io::Error| {
        Failure::file("read", path, &error)
            .hint("portbook init creates a ledger and its keys; --home names another place")
    })?;
    if mode & 0o077 != 0 {
        return Err(Failure::new(
            Exit::Permission,
            format!("{} can be read by others", path.display()),
        )
        .hint(format!("chmod 600 {}", path.display())));
    }
    Ok(text)
}
