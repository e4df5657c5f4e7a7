//! What is known here of what was published: the checkpoints a backup must not be older than.

use std::fs;
use std::path::Path;

use portbook_ledger::{Checkpoint, Frontier, OpenedCheckpoint, Origin, VerifierKey};

use crate::elsewhere;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::session::Session;

/// Published checkpoints that somebody remembers.
#[derive(Debug)]
pub(super) struct Known {
    checkpoints: Vec<Checkpoint>,
}

impl Known {
    /// Those that this machine and the configured files remember, and the one in `file`.
    pub(super) fn gather(
        session: &Session,
        file: Option<&Path>,
        origin: &Origin,
        key: &VerifierKey,
    ) -> Result<Self, Failure> {
        let known = elsewhere::known(session, origin, key)?.into_iter();
        let mut checkpoints: Vec<Checkpoint> = known.map(|known| known.checkpoint).collect();
        if let Some(path) = file {
            let note = fs::read(path).map_err(|error| Failure::file("read", path, &error))?;
            let opened = OpenedCheckpoint::open(&note, origin, key, &[]).map_err(|error| {
                Failure::of(Exit::Usage, &error).hint(format!(
                    "{} must be a checkpoint that the log of this backup signed",
                    path.display()
                ))
            })?;
            checkpoints.push(opened.checkpoint);
        }
        Ok(Self { checkpoints })
    }

    /// Those that lie beyond `newest`.
    pub(super) fn beyond(&self, newest: &Checkpoint) -> impl Iterator<Item = &Checkpoint> {
        let size = newest.size;
        self.checkpoints.iter().filter(move |known| known.size > size)
    }

    /// Compares a tree that the leaves of the backup lead to with what is known of its size.
    pub(super) fn reach(&self, tree: &Frontier) -> Result<(), Failure> {
        let known = self.checkpoints.iter().find(|known| known.size == tree.size());
        match known.filter(|known| known.root != tree.root()) {
            None => Ok(()),
            Some(known) => Err(Failure::new(
                Exit::Fork,
                format!(
                    "a checkpoint of {} leaves with root {} was published; this backup has root {} there: it is of \
                     another history",
                    known.size,
                    known.root,
                    tree.root()
                ),
            )),
        }
    }

    /// Whether a backup that ends with `newest` may become the present.
    pub(super) fn judge(&self, newest: &Checkpoint, with_epoch: bool) -> Result<(), Failure> {
        let latest = self.checkpoints.iter().map(|known| known.size).max();
        match latest {
            _ if with_epoch => Ok(()),
            None => Err(Failure::new(
                Exit::Incomplete,
                "no published checkpoint is known here: nobody can tell whether this backup is the newest state",
            )
            .hint(
                "--checkpoint FILE names one that was published, from a witness or an auditor; --declare-epoch REASON \
                 restores all the same, openly",
            )),
            Some(latest) if latest > newest.size => Err(Failure::new(
                Exit::Fork,
                format!(
                    "a checkpoint of {latest} leaves was published; this backup ends with {}: restoring it would be a \
                     rollback",
                    newest.size
                ),
            )
            .hint("restore a newer backup, or say openly that the later records are lost: --declare-epoch REASON")),
            Some(_) => Ok(()),
        }
    }
}
