//! The manifest of a backup, and files that are written and read with their digests.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use portbook_ledger::{Hash, Hasher};
use serde::{Deserialize, Serialize};

use super::MANIFEST;
use crate::exit::Exit;
use crate::failure::Failure;

const SCHEMA: &str = "portbook.backup/v1";
/// Longest manifest believed to be one.
const MANIFEST_BYTES_MAX: u64 = 1024 * 1024;
/// Bytes hashed at a time.
const PIECE_BYTES: usize = 256 * 1024;

/// What a backup holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Manifest {
    /// Name and version of this layout.
    pub(crate) schema: String,
    /// Name of the log.
    pub(crate) origin: String,
    /// The log's public key.
    pub(crate) log_key: String,
    /// Leaves in it: the size of the newest published checkpoint.
    pub(crate) size: u64,
    /// Root over them.
    pub(crate) root: String,
    /// The checkpoint that signs both.
    pub(crate) checkpoint: String,
    /// The streams.
    pub(crate) streams: Vec<StreamEntry>,
    /// Every file but this one.
    pub(crate) files: Vec<FileEntry>,
}

/// One stream of a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StreamEntry {
    /// Its name.
    pub(crate) name: String,
    /// When it was created, as the server says it.
    pub(crate) created: String,
    /// SHA-256 over its settings.
    pub(crate) config_sha256: String,
    /// A message that was in it for certain.
    pub(crate) last_seq_min: u64,
}

/// One file of a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FileEntry {
    /// Where it is in the backup.
    pub(crate) path: String,
    /// Its length.
    pub(crate) bytes: u64,
    /// Its SHA-256, hexadecimal.
    pub(crate) sha256: String,
}

impl Manifest {
    /// A manifest of `files`.
    pub(crate) fn new(
        origin: String,
        log_key: String,
        (size, root, checkpoint): (u64, Hash, String),
        streams: Vec<StreamEntry>,
        files: Vec<FileEntry>,
    ) -> Self {
        Self {
            schema: SCHEMA.to_owned(),
            origin,
            log_key,
            size,
            root: root.to_base64(),
            checkpoint,
            streams,
            files,
        }
    }

    /// Reads the manifest of the backup in `directory`.
    pub(crate) fn read(directory: &Path) -> Result<Self, Failure> {
        let path = directory.join(MANIFEST);
        let mut text = String::new();
        let read = File::open(&path).and_then(|file| file.take(MANIFEST_BYTES_MAX).read_to_string(&mut text));
        read.map_err(|error| {
            Failure::file("read", &path, &error).hint("a directory without a manifest is no backup")
        })?;
        let damaged =
            |why: String| Failure::new(Exit::LedgerFault, format!("{} is damaged: {why}", path.display()));
        let manifest: Self = serde_json::from_str(&text).map_err(|error| damaged(error.to_string()))?;
        if manifest.schema == SCHEMA {
            Ok(manifest)
        } else {
            Err(damaged(format!("it is {}, not {SCHEMA}", manifest.schema)))
        }
    }

    /// Writes the manifest into `directory`, durably.
    pub(crate) fn write(&self, directory: &Path) -> Result<(), Failure> {
        let text =
            serde_json::to_string_pretty(self).map_err(|error| Failure::of(Exit::InputOutput, &error))?;
        let mut writing = Writing::create(directory, MANIFEST)?;
        let path = directory.join(MANIFEST);
        writing
            .write_all(text.as_bytes())
            .map_err(|error| Failure::file("write", &path, &error))?;
        writing.finish()?;
        let files = self.files.iter().map(|file| directory.join(&file.path));
        let folders: BTreeSet<PathBuf> = files.filter_map(|file| Some(file.parent()?.to_owned())).collect();
        folders.iter().try_for_each(|folder| sync_directory(folder))?;
        sync_directory(directory)
    }

    /// The stream of this name.
    pub(crate) fn stream(&self, name: &str) -> Result<&StreamEntry, Failure> {
        let found = self.streams.iter().find(|entry| entry.name == name);
        found.ok_or_else(|| Failure::new(Exit::LedgerFault, format!("the backup has no stream {name}")))
    }
}

/// A file of a backup that is being written.
#[derive(Debug)]
pub(crate) struct Writing {
    path: PathBuf,
    name: String,
    file: BufWriter<File>,
    hashing: Hasher,
    bytes: u64,
}

impl Writing {
    /// Creates `name` in `directory`.
    pub(crate) fn create(directory: &Path, name: &str) -> Result<Self, Failure> {
        let path = directory.join(name);
        let create = || {
            fs::create_dir_all(path.parent().unwrap_or(directory))?;
            File::create_new(&path)
        };
        let file = create().map_err(|error| Failure::file("create", &path, &error))?;
        Ok(Self {
            file: BufWriter::with_capacity(PIECE_BYTES, file),
            name: name.to_owned(),
            hashing: Hasher::default(),
            bytes: 0,
            path,
        })
    }

    /// Makes the file durable and gives its entry.
    pub(crate) fn finish(self) -> Result<FileEntry, Failure> {
        let Self {
            path,
            name,
            file,
            hashing,
            bytes,
        } = self;
        let synced = file
            .into_inner()
            .map_err(io::IntoInnerError::into_error)
            .and_then(|file| file.sync_all());
        synced.map_err(|error| Failure::file("write", &path, &error))?;
        Ok(FileEntry {
            path: name,
            bytes,
            sha256: hashing.finish().to_hex(),
        })
    }
}

impl Write for Writing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write_all(bytes)?;
        self.hashing.update(bytes);
        self.bytes += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Makes names in `directory` durable.
pub(crate) fn sync_directory(directory: &Path) -> Result<(), Failure> {
    // What has no parent named lies in the current directory.
    let directory = if directory.as_os_str().is_empty() {
        Path::new(".")
    } else {
        directory
    };
    let synced = File::open(directory).and_then(|directory| directory.sync_all());
    synced.map_err(|error| Failure::file("sync", directory, &error))
}

/// Reads a file of the backup in `directory` through and compares it with its entry.
pub(crate) fn check_file(directory: &Path, entry: &FileEntry) -> Result<(), Failure> {
    // A manifest must not lead out of its directory.
    let relative = Path::new(&entry.path);
    let inside = relative
        .components()
        .all(|part| matches!(part, std::path::Component::Normal(_)));
    let path = directory.join(relative);
    let differs = |what: String| Failure::new(Exit::LedgerFault, format!("{} {what}", path.display()));
    if !inside {
        return Err(differs("lies outside the backup".to_owned()));
    }
    let read = || {
        let (mut file, mut hashing, mut bytes) = (File::open(&path)?, Hasher::default(), 0);
        let mut piece = vec![0; PIECE_BYTES];
        loop {
            let length = file.read(&mut piece)?;
            let Some(read) = piece.get(..length).filter(|read| !read.is_empty()) else {
                return Ok((bytes, hashing.finish()));
            };
            hashing.update(read);
            bytes += u64::try_from(length).unwrap_or(u64::MAX);
        }
    };
    let (bytes, hash) = read().map_err(|error| Failure::file("read", &path, &error))?;
    if bytes != entry.bytes {
        return Err(differs(format!(
            "has {bytes} bytes, the manifest says {}",
            entry.bytes
        )));
    }
    if hash.to_hex() != entry.sha256 {
        return Err(differs(
            "is not what was backed up: its digest differs".to_owned(),
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_changed_or_lies_elsewhere_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let mut writing = Writing::create(directory.path(), "a/b").unwrap();
        writing.write_all(b"one").unwrap();
        writing.write_all(b" two").unwrap();
        let entry = writing.finish().unwrap();
        assert_eq!(entry.bytes, 7);
        check_file(directory.path(), &entry).unwrap();
        for (bytes, says) in [(&b"one twO"[..], "digest differs"), (b"one", "has 3 bytes")] {
            fs::write(directory.path().join("a/b"), bytes).unwrap();
            let failure = check_file(directory.path(), &entry).unwrap_err();
            assert!(failure.to_string().contains(says), "{failure}");
        }
        let outside = FileEntry {
            path: "../b".to_owned(),
            ..entry
        };
        let failure = check_file(directory.path(), &outside).unwrap_err();
        assert!(failure.to_string().contains("outside"), "{failure}");
    }
}
