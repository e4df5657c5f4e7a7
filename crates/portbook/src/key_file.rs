//! Key files of producers by name: the services, the importer, and sources that were registered later.

use std::fs;
use std::path::{Path, PathBuf};

use portbook_domain::ServiceName;
use portbook_ledger::{KeyId, KeyName, NoteAlgorithm, Origin, SecretKey, SignerKey};
use portbook_wire::Source;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::home::{Home, drawn, read_private, write_private};

/// The key file of one producer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KeyFile {
    stem: String,
}

impl KeyFile {
    /// The file of a source: a service's own, or one that `key register` made.
    pub(crate) fn of_source(source: &Source) -> Self {
        let is = |name: &&ServiceName| Source::service(name.name()).is_ok_and(|own| own == *source);
        let stem = ServiceName::ALL.iter().find(is).map_or_else(
            || {
                source
                    .as_str()
                    .trim_start_matches("urn:portbook:")
                    .replace(':', "-")
            },
            |service| service.name().to_owned(),
        );
        Self { stem }
    }

    /// The file of `intake`, `importer`, or another producer as people call it.
    pub(crate) fn named(name: &str) -> Result<Self, Failure> {
        let is_plain = name == "importer" || ServiceName::ALL.iter().any(|service| service.name() == name);
        if is_plain {
            return Ok(Self {
                stem: name.to_owned(),
            });
        }
        source_of(name).map(|source| Self::of_source(&source))
    }

    pub(crate) fn exists(&self, home: &Home) -> bool {
        self.path(home).exists()
    }

    pub(crate) fn read(&self, home: &Home) -> Result<SignerKey, Failure> {
        read_key(&self.path(home))
    }

    /// The key that is to take over: drawn once, and the same until it has.
    pub(crate) fn next(&self, home: &Home, origin: &Origin) -> Result<SignerKey, Failure> {
        let path = self.next_path(home);
        if !path.exists() {
            let name = KeyName::new(&format!("{origin}/{}", self.stem))
                .map_err(|error| Failure::of(Exit::Configuration, &error))?;
            let key = SignerKey::new(name, NoteAlgorithm::Ed25519, SecretKey::from_seed(&drawn()?));
            write_private(&path, &format!("{}\n", key.to_secret_text()))?;
        }
        read_key(&path)
    }

    /// Puts the next key in the place of the present one, which is kept among the retired.
    pub(crate) fn take_over(&self, home: &Home) -> Result<(), Failure> {
        if self.exists(home) {
            let old = self.read(home)?;
            self.retire(home, &old)?;
        }
        let next = read_key(&self.next_path(home))?;
        let (from, to) = (self.next_path(home), self.path(home));
        fs::rename(&from, &to).map_err(|error| Failure::file("rename", &from, &error))?;
        let public = to.with_extension("pub");
        fs::write(&public, format!("{}\n", next.verifier()))
            .map_err(|error| Failure::file("write", &public, &error))
    }

    fn retire(&self, home: &Home, old: &SignerKey) -> Result<(), Failure> {
        let directory = home.keys().join("retired");
        fs::create_dir_all(&directory).map_err(|error| Failure::file("create", &directory, &error))?;
        let id: KeyId = old.verifier().public().id();
        let kept = directory.join(format!("{}-{id}.key", self.stem));
        if kept.exists() {
            return Ok(());
        }
        write_private(&kept, &format!("{}\n", old.to_secret_text()))
    }

    fn path(&self, home: &Home) -> PathBuf {
        home.keys().join(format!("{}.key", self.stem))
    }

    fn next_path(&self, home: &Home) -> PathBuf {
        home.keys().join(format!("{}.next", self.stem))
    }
}

/// The source that people call `name`: a whole URN, a service, or an outside source.
pub(crate) fn source_of(name: &str) -> Result<Source, Failure> {
    let source = if name.starts_with("urn:") {
        Source::new(name)
    } else if ServiceName::ALL.iter().any(|service| service.name() == name) {
        Source::service(name)
    } else {
        Source::outside(name)
    };
    source.map_err(|error| Failure::of(Exit::Usage, &error))
}

fn read_key(path: &Path) -> Result<SignerKey, Failure> {
    let text = read_private(path)?;
    SignerKey::parse(text.trim_end()).map_err(|error| {
        Failure::new(
            Exit::Configuration,
            format!("{} is not a key: {error}", path.display()),
        )
    })
}
