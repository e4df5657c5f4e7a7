//! The high-water mark: the newest checkpoint this machine published of a log, kept outside of the home.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use portbook_ledger::{Checkpoint, OpenedCheckpoint, Origin, VerifierKey, sha256};
use portbook_projector::Position;
use portbook_store::LedgerDirectory;
use tokio::sync::watch;

use crate::failure::Failure;
use crate::seen;
use crate::session::Session;

/// The mark of one log.
#[derive(Debug, Clone)]
pub(crate) struct Mark {
    path: PathBuf,
    origin: Origin,
    key: VerifierKey,
}

/// A checkpoint in a list of those that were given up.
pub(super) fn line_of(checkpoint: &Checkpoint) -> String {
    format!("{} {}", checkpoint.size, checkpoint.root.to_base64())
}

impl Mark {
    /// The mark of the log with `key`: in the configured folder, else in the user's state directory.
    pub(crate) fn of(session: &Session, origin: &Origin, key: &VerifierKey) -> Self {
        let configured = &session.config.ledger.memory;
        let folder = if configured.as_os_str().is_empty() {
            seen::state_folder().join("published")
        } else {
            session.home.root().join(configured)
        };
        let digest = sha256(&[key.to_string().as_bytes()]).to_hex();
        Self {
            path: folder.join(format!("{}.checkpoint", digest.get(..16).unwrap_or_default())),
            origin: origin.clone(),
            key: key.clone(),
        }
    }

    /// Its file.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The checkpoint it holds. A file that the log did not sign is as good as none.
    pub(crate) fn checkpoint(&self) -> Option<Checkpoint> {
        let note = fs::read(&self.path).ok()?;
        let opened = OpenedCheckpoint::open(&note, &self.origin, &self.key, &[]).ok()?;
        Some(opened.checkpoint)
    }

    /// The checkpoints that restores gave up openly, a line each.
    pub(super) fn given_up(&self) -> Result<Vec<String>, Failure> {
        let path = self.given_up_path();
        match fs::read_to_string(&path) {
            Ok(text) => Ok(text.lines().map(str::to_owned).collect()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(Failure::file("read", &path, &error)),
        }
    }

    /// Sets the mark back to `note`, the checkpoint that a restore ends with, and gives up `later` ones.
    pub(crate) fn restore<'a>(
        &self,
        note: &str,
        later: impl Iterator<Item = &'a Checkpoint>,
    ) -> Result<(), Failure> {
        let mut given_up = self.given_up()?;
        let later: Vec<String> = later
            .map(line_of)
            .filter(|line| !given_up.contains(line))
            .collect();
        if !later.is_empty() {
            given_up.extend(later);
            self.write(&self.given_up_path(), &(given_up.join("\n") + "\n"))?;
        }
        self.write(&self.path, note)
    }

    /// Moves the mark along with what is published, until the projector ends.
    pub(crate) async fn follow(self, directory: LedgerDirectory, mut position: watch::Receiver<Position>) {
        let mut marked = self.checkpoint().map_or(0, |checkpoint| checkpoint.size.get());
        let mut told = false;
        while position.changed().await.is_ok() {
            let published = position.borrow_and_update().signed_size;
            if published <= marked {
                continue;
            }
            marked = published;
            let (mark, directory) = (self.clone(), directory.clone());
            let moved = tokio::task::spawn_blocking(move || mark.advance(&directory)).await;
            if let Ok(Err(failure)) = moved
                && !std::mem::replace(&mut told, true)
            {
                tracing::warn!(
                    "an old copy of this home would not be noticed by this machine alone: {failure}"
                );
            }
        }
    }

    fn advance(&self, directory: &LedgerDirectory) -> Result<(), Failure> {
        match directory.checkpoint()? {
            Some(note) => self.write(&self.path, &note),
            None => Ok(()),
        }
    }

    fn given_up_path(&self) -> PathBuf {
        self.path.with_extension("given-up")
    }

    fn write(&self, path: &Path, text: &str) -> Result<(), Failure> {
        let write = || {
            if let Some(folder) = self.path.parent() {
                fs::create_dir_all(folder)?;
            }
            let unfinished = path.with_extension("new");
            fs::write(&unfinished, text)?;
            fs::rename(&unfinished, path)
        };
        write().map_err(|error| Failure::file("write", path, &error))
    }
}
