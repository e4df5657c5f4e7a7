//! What the one who verifies brings along: a key, and what he has seen before.

use std::path::Path;

use portbook_audit::{Against, Trust};
use portbook_ledger::{Checkpoint, Origin, SignedRoot, Size, VerifierKey};
use portbook_store::LedgerDirectory;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::home::KeyOf;
use crate::seen::Seen;
use crate::session::Session;

/// The auditor's own knowledge.
#[derive(Debug)]
pub(super) struct Trusted {
    pub(super) trust: Trust,
    pub(super) key_from: String,
    pub(super) seen: Seen,
}

impl Trusted {
    /// What the command line, the home directory and this machine's memory give.
    pub(super) fn load(session: &Session, key: Option<&str>) -> Result<Self, Failure> {
        let (log_key, key_from) = match key {
            None => (
                session.home.public_key(KeyOf::Log)?,
                "the home directory".to_owned(),
            ),
            Some(text) => (parse_key(text)?, "the command line".to_owned()),
        };
        let origin =
            Origin::new(log_key.id().name.as_str()).map_err(|error| Failure::of(Exit::Usage, &error))?;
        let seen = Seen::load(&origin, &log_key);
        let remembered = seen
            .checkpoint
            .iter()
            .map(|seen| SignedRoot {
                size: seen.size,
                root: seen.root,
            })
            .collect();
        Ok(Self {
            trust: Trust {
                origin,
                log_key,
                remembered,
            },
            key_from,
            seen,
        })
    }

    /// Holds the ledger to what is known elsewhere in place of what was seen here alone.
    pub(super) fn hold_to(&mut self, known: impl Iterator<Item = Checkpoint>) {
        let signed = known.map(|known| SignedRoot {
            size: known.size,
            root: known.root,
        });
        self.trust.remembered = signed.collect();
    }

    /// Gives up what was seen here: an epoch that began before it was accepted.
    pub(super) fn forget(&mut self) {
        self.trust.remembered.clear();
        self.seen.checkpoint = None;
    }

    /// The newest checkpoint is older than one that was seen here: somebody offers the past as the present.
    pub(super) fn rollback(
        &self,
        directory: &LedgerDirectory,
        against: Against,
    ) -> Result<Option<(Checkpoint, Option<Size>)>, Failure> {
        let (Some(seen), Against::Newest) = (&self.seen.checkpoint, against) else {
            return Ok(None);
        };
        let newest = directory.checkpoint_sizes()?.last().copied();
        Ok(newest
            .is_none_or(|newest| newest < seen.size)
            .then(|| (seen.clone(), newest)))
    }
}

/// A key as it is written, or a file with it.
pub(crate) fn parse_key(text: &str) -> Result<VerifierKey, Failure> {
    let from_file =
        || std::fs::read_to_string(text).map_err(|error| Failure::file("read", Path::new(text), &error));
    let text = if text.contains('+') {
        text.to_owned()
    } else {
        from_file()?
    };
    VerifierKey::parse(text.trim()).map_err(|error| Failure::of(Exit::Usage, &error))
}
