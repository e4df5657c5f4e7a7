//! What this machine has seen of each log: the newest checkpoint it verified, to be held against the next one.
//!
//! The file is the auditor's, not the ledger's: it lies in the user's state directory, never in the home of a portbook.

use std::fs;
use std::path::PathBuf;

use portbook_ledger::{Checkpoint, OpenedCheckpoint, Origin, VerifierKey};

use crate::failure::Failure;

/// The remembered checkpoint of one log.
#[derive(Debug)]
pub(crate) struct Seen {
    path: PathBuf,
    /// What was verified last; none the first time.
    pub(crate) checkpoint: Option<Checkpoint>,
}

impl Seen {
    /// What was seen of `origin` under `key`. A file that this key did not sign is as good as none.
    pub(crate) fn load(origin: &Origin, key: &VerifierKey) -> Self {
        let path = state_folder().join("seen").join(format!(
            "{}.checkpoint",
            origin.hash().to_hex().get(..16).unwrap_or_default()
        ));
        let opened = fs::read(&path)
            .ok()
            .and_then(|note| OpenedCheckpoint::open(&note, origin, key, &[]).ok());
        Self {
            path,
            checkpoint: opened.map(|opened| opened.checkpoint),
        }
    }

    /// Remembers `note`, unless a larger tree was seen.
    pub(crate) fn remember(&self, checkpoint: &Checkpoint, note: &str) -> Result<(), Failure> {
        if self
            .checkpoint
            .as_ref()
            .is_some_and(|seen| seen.size >= checkpoint.size)
        {
            return Ok(());
        }
        let write = || {
            fs::create_dir_all(state_folder().join("seen"))?;
            let unfinished = self.path.with_extension("new");
            fs::write(&unfinished, note)?;
            fs::rename(&unfinished, &self.path)
        };
        write().map_err(|error| Failure::file("write", &self.path, &error))
    }
}

/// Where this user's portbook keeps what no home holds.
pub(crate) fn state_folder() -> PathBuf {
    let state = std::env::var_os("XDG_STATE_HOME").map(PathBuf::from);
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".local/state"));
    state
        .or_else(home)
        .unwrap_or_else(|| PathBuf::from("."))
        .join("portbook")
}
