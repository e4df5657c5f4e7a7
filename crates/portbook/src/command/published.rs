//! The ledger as far as its newest published checkpoint covers it: what exports and reports are made of.

use std::path::Path;

use portbook_export::{About, Book, Scope};
use portbook_ledger::{Checkpoint, OpenedCheckpoint, Origin, Size};
use portbook_store::StoreReader;

use super::timeline::chain_of;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::home::KeyOf;
use crate::reference::{self, Tables};
use crate::session::Session;

/// A store, and the checkpoint that says how much of it counts.
#[derive(Debug)]
pub(crate) struct Published {
    reader: StoreReader,
    checkpoint: Checkpoint,
    note: String,
    tables: Tables,
}

impl Published {
    /// The ledger under its newest checkpoint, or under the one of size `at`.
    pub(crate) fn open(session: &Session, at: Option<u64>) -> Result<Self, Failure> {
        let directory = session.home.ledger();
        let reader = StoreReader::open(&directory.store())?;
        let note = match at {
            None => directory.checkpoint()?,
            Some(size) => directory.checkpoint_at(Size::new(size))?,
        };
        let Some(note) = note else {
            let message = match at {
                None => "nothing has been signed yet: there is no checkpoint to export under".to_owned(),
                Some(size) => format!("there is no checkpoint of size {size}"),
            };
            return Err(Failure::new(Exit::Incomplete, message)
                .hint("portbook checkpoint ls lists the checkpoints there are"));
        };
        let key = session.home.public_key(KeyOf::Log)?;
        let origin =
            Origin::new(key.id().name.as_str()).map_err(|error| Failure::of(Exit::Configuration, &error))?;
        let opened = OpenedCheckpoint::open(note.as_bytes(), &origin, &key, &[])
            .map_err(|error| Failure::of(Exit::LedgerFault, &error))?;
        Ok(Self {
            reader,
            checkpoint: opened.checkpoint,
            note,
            tables: reference::load()?,
        })
    }

    /// The records that count.
    pub(crate) const fn book(&self) -> Book<'_> {
        Book {
            reader: &self.reader,
            size: self.checkpoint.size.get(),
        }
    }

    /// What an export says it was made of.
    pub(crate) fn about(&self, file: &Path, what: &str, scope: Scope, verb: &str) -> About {
        let scope = match scope {
            Scope::All => "all".to_owned(),
            Scope::Chain(chain) => chain.to_string(),
        };
        let digests =
            |digests: &std::collections::BTreeMap<portbook_domain::Text, portbook_domain::Digest>| {
                let text = |(name, digest): (&portbook_domain::Text, &portbook_domain::Digest)| {
                    (name.to_string(), digest.to_string())
                };
                digests.iter().map(text).collect()
            };
        About {
            file: file
                .file_name()
                .map_or_else(|| "-".into(), |name| name.to_string_lossy().into_owned()),
            scope,
            origin: self.checkpoint.origin.to_string(),
            checkpoint_size: self.checkpoint.size.get(),
            checkpoint_root: self.checkpoint.root.to_base64(),
            checkpoint_note: self.note.clone(),
            references: digests(&self.tables.references),
            policies: digests(&self.tables.policies),
            command: format!("portbook {verb} {what}"),
        }
    }
}

/// A port, another chain, or everything.
pub(crate) fn scope_of(what: &str) -> Result<Scope, Failure> {
    if what == "all" {
        Ok(Scope::All)
    } else {
        Ok(Scope::Chain(chain_of(what)?))
    }
}
