//! The files of a bundle, each read once, each digest kept for the manifest.

use std::collections::BTreeMap;

use portbook_ledger::{Hash, sha256};

use crate::bundle::{self, Listed, MANIFEST, Manifest};
use crate::files::{Files, FilesError};
use crate::report::{Exit, Line, Refusal};

const CHECK: &str = "files";

/// Files that are taken off one by one.
#[derive(Debug)]
pub(crate) struct Shelf<'a> {
    files: &'a mut Files,
    digests: BTreeMap<String, (u64, Hash)>,
}

impl<'a> Shelf<'a> {
    /// The files of a bundle, which must have the names and the order of one.
    pub(crate) fn new(files: &'a mut Files) -> Result<Self, Refusal> {
        if let Some(stray) = files.names().iter().find(|name| !bundle::is_known(name)) {
            return Err(Refusal::fault(CHECK, format!("{stray:?} belongs to no bundle")));
        }
        if files.is_archive() {
            let names = files.names().split_last();
            let ordered = names.is_some_and(|(last, rest)| {
                last == MANIFEST && rest.is_sorted_by(|first, second| first < second)
            });
            if !ordered {
                let reason =
                    "the files of an archive are sorted, each is there once, and the manifest is the last";
                return Err(Refusal::fault(CHECK, reason));
            }
        }
        Ok(Self {
            files,
            digests: BTreeMap::new(),
        })
    }

    /// The file called `name`, which must be there.
    pub(crate) fn take(&mut self, name: &str) -> Result<Vec<u8>, Refusal> {
        self.take_if_there(name)?
            .ok_or_else(|| Refusal::incomplete(CHECK, format!("{name} is missing")))
    }

    /// The file called `name`, if it is there.
    pub(crate) fn take_if_there(&mut self, name: &str) -> Result<Option<Vec<u8>>, Refusal> {
        let bytes = self.files.read(name).map_err(|error| unreadable(&error))?;
        if let Some(bytes) = &bytes {
            let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
            self.digests.insert(name.to_owned(), (length, sha256(&[bytes])));
        }
        Ok(bytes)
    }

    /// Compares the manifest with what it must be, and makes sure that every file was looked at.
    pub(crate) fn close(mut self, manifest: Manifest) -> Result<Line, Refusal> {
        let names: Vec<String> = self.files.names().to_vec();
        for name in &names {
            if bundle::is_entries(name) && !self.digests.contains_key(name) {
                return Err(Refusal::fault(
                    CHECK,
                    format!("{name} holds records that do not belong here"),
                ));
            }
            if !self.digests.contains_key(name) && name != MANIFEST {
                self.take_if_there(name)?;
            }
        }
        let found = self.take(MANIFEST)?;
        self.digests.remove(MANIFEST);
        let count = self.digests.len();
        let files = self
            .digests
            .into_iter()
            .map(|(name, (bytes, sha256))| Listed { name, bytes, sha256 });
        let expected = Manifest {
            files: files.collect(),
            ..manifest
        };
        if expected.to_string().into_bytes() == found {
            let shows = format!("{count}, each as the manifest says");
            Ok(Line { check: CHECK, shows })
        } else {
            let reason =
                "MANIFEST.json is not the manifest of these files: something was added, dropped or changed";
            Err(Refusal::fault(CHECK, reason))
        }
    }
}

/// A file that cannot be read is no evidence; what the operating system failed at says nothing about it.
pub(crate) fn unreadable(error: &FilesError) -> Refusal {
    let exit = if error.is_system() {
        Exit::InputOutput
    } else {
        Exit::Fault
    };
    Refusal::new(exit, CHECK, error)
}
