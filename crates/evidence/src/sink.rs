//! Where a bundle is written to: an archive or a folder, complete under its final name or not there at all.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use portbook_verify::{ZipError, ZipWriter};

/// A bundle that is being written.
#[derive(Debug)]
pub struct Sink {
    path: PathBuf,
    unfinished: PathBuf,
    form: Form,
}

#[derive(Debug)]
enum Form {
    Archive(ZipWriter<BufWriter<File>>),
    Folder,
}

/// Why a bundle could not be written.
#[derive(Debug, thiserror::Error)]
pub enum SinkError {
    /// Something is there already.
    #[error("{} is there already", path.display())]
    Exists {
        /// Where it was to be written.
        path: PathBuf,
    },
    /// The system could not do it.
    #[error("could not write {}", path.display())]
    Io {
        /// What.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The archive could not be written.
    #[error("could not write the archive {}", path.display())]
    Zip {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: ZipError,
    },
}

impl Sink {
    /// A new archive at `path`.
    ///
    /// # Errors
    /// [`SinkError::Exists`] when something is there.
    pub fn archive(path: &Path) -> Result<Self, SinkError> {
        let unfinished = unfinished_beside(path)?;
        let file = File::create(&unfinished).map_err(|source| failed(&unfinished, source))?;
        Ok(Self {
            path: path.to_owned(),
            unfinished,
            form: Form::Archive(ZipWriter::new(BufWriter::new(file))),
        })
    }

    /// A new folder at `path`.
    ///
    /// # Errors
    /// [`SinkError::Exists`] when something is there.
    pub fn folder(path: &Path) -> Result<Self, SinkError> {
        let unfinished = unfinished_beside(path)?;
        if unfinished.exists() {
            fs::remove_dir_all(&unfinished).map_err(|source| failed(&unfinished, source))?;
        }
        fs::create_dir_all(&unfinished).map_err(|source| failed(&unfinished, source))?;
        Ok(Self {
            path: path.to_owned(),
            unfinished,
            form: Form::Folder,
        })
    }

    /// Writes a file; `name` is one that this crate made.
    ///
    /// # Errors
    /// [`SinkError`] names the file.
    pub fn add(&mut self, name: &str, bytes: &[u8]) -> Result<(), SinkError> {
        match &mut self.form {
            Form::Archive(archive) => archive.add(name, bytes).map_err(|source| SinkError::Zip {
                path: self.path.clone(),
                source,
            }),
            Form::Folder => {
                let path = self.unfinished.join(name);
                let folder = path.parent().unwrap_or(&self.unfinished);
                fs::create_dir_all(folder)
                    .and_then(|()| fs::write(&path, bytes))
                    .map_err(|source| failed(&path, source))
            }
        }
    }

    /// Gives what was written its final name.
    ///
    /// # Errors
    /// [`SinkError`] when that does not work; nothing is at the final name then.
    pub fn finish(self) -> Result<(), SinkError> {
        if let Form::Archive(archive) = self.form {
            let written = archive.finish().map_err(|source| SinkError::Zip {
                path: self.path.clone(),
                source,
            })?;
            let synced = written
                .into_inner()
                .map_err(io::IntoInnerError::into_error)
                .and_then(|mut file| file.flush().and_then(|()| file.sync_all()));
            synced.map_err(|source| failed(&self.path, source))?;
        }
        fs::rename(&self.unfinished, &self.path).map_err(|source| failed(&self.path, source))
    }
}

fn unfinished_beside(path: &Path) -> Result<PathBuf, SinkError> {
    // An empty folder is as good as none: rename replaces it.
    let empty_folder = || fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_none());
    if path.exists() && !empty_folder() {
        return Err(SinkError::Exists {
            path: path.to_owned(),
        });
    }
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".unfinished");
    Ok(path.with_file_name(name))
}

fn failed(path: &Path, source: io::Error) -> SinkError {
    SinkError::Io {
        path: path.to_owned(),
        source,
    }
}
