//! The files of a bundle or a tile directory, in an archive or in a folder.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::zip::{ZipError, ZipReader};

/// Longest single file that is read: a file of 256 of the longest records has 16 MiB.
pub const FILE_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Most files of a folder.
const FILES_MAX: usize = 4_000_000;
/// How deep folders may be: `port/CNNBG/tile/entries/x001/x234/567.p/8` has seven levels above its file.
const DEPTH_MAX: usize = 8;

/// Where the files are.
#[derive(Debug)]
pub struct Files {
    place: Place,
    names: Vec<String>,
}

#[derive(Debug)]
enum Place {
    Archive(ZipReader),
    Folder(PathBuf),
}

/// Why files could not be read.
#[derive(Debug, thiserror::Error)]
pub enum FilesError {
    /// The system could not do it.
    #[error("could not read {}: {source}", path.display())]
    Io {
        /// What.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The archive is not what it should be.
    #[error(transparent)]
    Zip(#[from] ZipError),
    /// A file is longer than any that belongs here.
    #[error("{name} has {found} bytes, no file has more than {FILE_BYTES_MAX}")]
    TooLong {
        /// The file.
        name: String,
        /// Its length.
        found: u64,
    },
    /// Something in a folder is neither a file nor a folder, or has a name that is not text, or lies too deep.
    #[error("{} does not belong here: {rule}", path.display())]
    Stray {
        /// What.
        path: PathBuf,
        /// Why.
        rule: &'static str,
    },
}

impl FilesError {
    /// Whether the operating system failed, which says nothing about the evidence.
    #[must_use]
    pub const fn is_system(&self) -> bool {
        matches!(self, Self::Io { .. } | Self::Zip(ZipError::Io(_)))
    }
}

impl Files {
    /// Opens the archive or folder at `path` and reads the names in it.
    ///
    /// # Errors
    /// [`FilesError`] when it cannot be read or is in another form than a bundle's.
    pub fn open(path: &Path) -> Result<Self, FilesError> {
        let failed = |source| FilesError::Io {
            path: path.to_owned(),
            source,
        };
        if fs::metadata(path).map_err(failed)?.is_dir() {
            let mut names = Vec::new();
            walk(path, "", 0, &mut names)?;
            // Byte order: that of the manifest, and of the files in an archive.
            names.sort_unstable();
            return Ok(Self {
                place: Place::Folder(path.to_owned()),
                names,
            });
        }
        let archive = ZipReader::open(File::open(path).map_err(failed)?)?;
        Ok(Self {
            names: archive.names().map(str::to_owned).collect(),
            place: Place::Archive(archive),
        })
    }

    /// All names, in the order of the archive; sorted when it is a folder.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Whether it is an archive, whose order of files says something.
    #[must_use]
    pub const fn is_archive(&self) -> bool {
        matches!(self.place, Place::Archive(_))
    }

    /// The bytes of the file called `name`; none when there is no such file.
    ///
    /// # Errors
    /// [`FilesError`] when it is too long or cannot be read.
    pub fn read(&mut self, name: &str) -> Result<Option<Vec<u8>>, FilesError> {
        match &mut self.place {
            Place::Archive(archive) => {
                let found = archive.bytes_of(name).unwrap_or(0);
                if found > FILE_BYTES_MAX {
                    return Err(FilesError::TooLong {
                        name: name.to_owned(),
                        found,
                    });
                }
                Ok(archive.read(name)?)
            }
            // Names were found by walking, so none of them leads out of the folder.
            Place::Folder(root) if self.names.binary_search_by(|it| it.as_str().cmp(name)).is_ok() => {
                read_file(&root.join(name), name).map(Some)
            }
            Place::Folder(_) => Ok(None),
        }
    }
}

fn read_file(path: &Path, name: &str) -> Result<Vec<u8>, FilesError> {
    let failed = |source| FilesError::Io {
        path: path.to_owned(),
        source,
    };
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(failed)?;
    file.take(FILE_BYTES_MAX + 1)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    match u64::try_from(bytes.len()) {
        Ok(found) if found <= FILE_BYTES_MAX => Ok(bytes),
        Ok(_) | Err(_) => Err(FilesError::TooLong {
            name: name.to_owned(),
            found: FILE_BYTES_MAX + 1,
        }),
    }
}

/// Collects the files below `folder`; links are not followed.
fn walk(folder: &Path, prefix: &str, depth: usize, names: &mut Vec<String>) -> Result<(), FilesError> {
    let stray = |path: PathBuf, rule| Err(FilesError::Stray { path, rule });
    if depth > DEPTH_MAX {
        return stray(folder.to_owned(), "folders are not that deep");
    }
    let failed = |source| FilesError::Io {
        path: folder.to_owned(),
        source,
    };
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let kind = entry.file_type().map_err(failed)?;
        let Ok(name) = entry.file_name().into_string() else {
            return stray(entry.path(), "its name is no text");
        };
        let name = format!("{prefix}{name}");
        if kind.is_dir() {
            walk(&entry.path(), &format!("{name}/"), depth + 1, names)?;
        } else if kind.is_file() {
            names.push(name);
        } else {
            return stray(entry.path(), "it is neither a file nor a folder");
        }
        if names.len() > FILES_MAX {
            return stray(folder.to_owned(), "no log has so many files");
        }
    }
    Ok(())
}
