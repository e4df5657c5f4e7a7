//! What an export says about itself: what is in it, what is not, and what it was made of.

use std::collections::BTreeMap;

use portbook_ledger::RecordKind;
use serde::Serialize;

use crate::entry::{Book, Content, Entry, Scope};
use crate::error::ExportError;
use crate::row::Row;

/// What an export was made of, as whoever asks for it knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct About {
    /// Name of the file.
    pub file: String,
    /// A port, another chain, or `all`.
    pub scope: String,
    /// Name of the ledger.
    pub origin: String,
    /// Leaves the checkpoint covers.
    pub checkpoint_size: u64,
    /// Its Merkle root, in base64.
    pub checkpoint_root: String,
    /// The checkpoint as it was published, signatures included.
    pub checkpoint_note: String,
    /// SHA-256 of each reference table of this build, by name.
    pub references: BTreeMap<String, String>,
    /// SHA-256 of each policy of this build, by name.
    pub policies: BTreeMap<String, String>,
    /// The command that made it.
    pub command: String,
}

/// Counts and sums of the records an export is about.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// Records by class.
    pub records: BTreeMap<&'static str, u64>,
    /// Events that cannot be read; they are counted among the records, too.
    pub unreadable: u64,
    /// New, readable events by kind.
    pub events: BTreeMap<&'static str, u64>,
    /// Their masses in grams by kind.
    pub mass_g: BTreeMap<&'static str, u64>,
    /// Events marked as simulated.
    pub simulated: u64,
}

/// What an export says about itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Manifest {
    /// `portbook.export/v1`.
    pub schema: &'static str,
    /// Name of the format.
    pub format: &'static str,
    /// What it was made of.
    #[serde(flatten)]
    pub about: About,
    /// Rows, events or trace entries in the file.
    pub rows: u64,
    /// What it is about, in numbers.
    #[serde(flatten)]
    pub tally: Tally,
    /// Records that the format has no place for, by class.
    pub left_out: BTreeMap<&'static str, u64>,
    /// Bytes of the file.
    pub bytes: u64,
    /// SHA-256 of the file.
    pub sha256: String,
}

/// The manifest as far as it is known inside of the file: its digest cannot be.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Inside<'a> {
    pub(crate) schema: &'static str,
    pub(crate) end: bool,
    #[serde(flatten)]
    pub(crate) about: &'a About,
    pub(crate) rows: u64,
    #[serde(flatten)]
    pub(crate) tally: &'a Tally,
}

/// Name of the layout of manifests.
pub(crate) const SCHEMA: &str = "portbook.export/v1";

impl Tally {
    /// Of every record of `scope`. `progress` is told how many were counted.
    ///
    /// # Errors
    /// [`ExportError`] when the ledger cannot be read.
    pub fn of(book: &Book<'_>, scope: Scope, progress: &mut dyn FnMut(u64)) -> Result<Self, ExportError> {
        let (mut tally, mut taken) = (Self::default(), 0);
        book.each(scope, &mut |entry| {
            tally.count(&entry, &Row::of(&entry))?;
            taken += 1;
            progress(taken);
            Ok(())
        })?;
        Ok(tally)
    }

    /// Counts a record.
    ///
    /// # Errors
    /// [`ExportError::TooHeavy`] when a sum is more than 64 bits hold.
    pub(crate) fn count(&mut self, entry: &Entry, row: &Row<'_>) -> Result<(), ExportError> {
        *self.records.entry(entry.kind.name()).or_default() += 1;
        if matches!(entry.content, Content::Unreadable(_)) {
            self.unreadable += 1;
        }
        let Some((envelope, event)) = entry.event() else {
            return Ok(());
        };
        let kind = event.data.kind().name();
        *self.events.entry(kind).or_default() += 1;
        self.simulated += u64::from(envelope.simulated);
        if let Some(grams) = row.mass_g {
            let sum = self.mass_g.entry(kind).or_default();
            *sum = sum.checked_add(grams).ok_or_else(|| ExportError::TooHeavy {
                event: kind.to_owned(),
            })?;
        }
        Ok(())
    }

    /// What a format of events alone leaves out.
    pub(crate) fn besides_events(&self) -> BTreeMap<&'static str, u64> {
        let mut left_out = self.records.clone();
        left_out.remove(RecordKind::Event.name());
        let events: u64 = self.events.values().sum();
        let all = self
            .records
            .get(RecordKind::Event.name())
            .copied()
            .unwrap_or_default();
        if all > events {
            left_out.insert("unreadable", all - events);
        }
        left_out
    }
}
