//! Questions about records: one record, one case, one licence.

use jiff::Timestamp;
use portbook_domain::{CaseId, Event, EventData, LicenseNo};
use portbook_fold::lookup;
use portbook_ledger::{Hash, Index, Leaf, LeafError, Record, RecordKind, leaf_hash};
use portbook_store::{StoreError, StoreReader};
use portbook_views::{CaseTimeline, LicenseBalance, Placement};
use portbook_wire::{Envelope, decode_event};

/// Why a question has no answer.
#[derive(Debug, thiserror::Error)]
pub enum QuestionError {
    /// The store could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A leaf is not what it should be; `verify` says more.
    #[error("leaf {index} is damaged")]
    Leaf {
        /// Its index.
        index: u64,
        /// What is wrong.
        #[source]
        source: LeafError,
    },
    /// No seal ends the part of the ledger asked for.
    #[error("no checkpoint is of this size or this old")]
    NoSeal,
    /// There is no such leaf.
    #[error("there is no leaf {index}")]
    NoLeaf {
        /// The index asked for.
        index: u64,
    },
}

/// A stored leaf and its hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordAt {
    /// Its index.
    pub index: u64,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Its hash.
    pub hash: Hash,
}

/// Records of one case or licence, apart by what they can be used for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Records {
    /// Readable events in ledger order.
    pub events: Vec<(Placement, Envelope, Event)>,
    /// Leaf indexes of events that cannot be read, and why.
    pub unreadable: Vec<(u64, String)>,
}

/// As of when a question is asked, on both clocks; the default leaves nothing out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AsOf {
    /// What was known: this many leaves.
    pub size: u64,
    /// What had happened: up to this moment, as sources claim.
    pub happened_by: Option<Timestamp>,
}

impl Default for AsOf {
    fn default() -> Self {
        Self {
            size: u64::MAX,
            happened_by: None,
        }
    }
}

impl AsOf {
    /// What was known when the ledger had `size` leaves.
    #[must_use]
    pub const fn known(size: u64) -> Self {
        Self {
            size,
            happened_by: None,
        }
    }

    fn had_happened(&self, event: &Event) -> bool {
        self.happened_by.is_none_or(|last| event.occurred_at <= last)
    }
}

impl RecordAt {
    /// The leaf, decoded.
    ///
    /// # Errors
    /// [`QuestionError::Leaf`].
    pub fn leaf(&self) -> Result<Leaf<'_>, QuestionError> {
        Leaf::decode(&self.bytes).map_err(|source| QuestionError::Leaf {
            index: self.index,
            source,
        })
    }
}

/// The leaf at `index`.
///
/// # Errors
/// [`QuestionError::NoLeaf`] when there is none.
pub fn record(reader: &StoreReader, index: Index) -> Result<RecordAt, QuestionError> {
    let bytes = reader
        .leaf(index)?
        .ok_or(QuestionError::NoLeaf { index: index.get() })?;
    Ok(RecordAt {
        index: index.get(),
        hash: leaf_hash(&bytes),
        bytes,
    })
}

/// A case, folded from its records, and those that cannot be read.
///
/// # Errors
/// [`QuestionError`].
pub fn case(
    reader: &StoreReader,
    case: &CaseId,
    as_of: &AsOf,
) -> Result<(CaseTimeline, Records), QuestionError> {
    let records = load(
        reader,
        &reader.case_records(&lookup::of_case(case.as_str()))?,
        as_of,
    )?;
    let events = records
        .events
        .iter()
        .map(|(place, _, event)| (*place, event.clone()))
        .collect();
    Ok((CaseTimeline::of(case.clone(), events), records))
}

/// The balance of a licence over all cases that used its number; none when no record carries it.
///
/// # Errors
/// [`QuestionError`].
pub fn license(
    reader: &StoreReader,
    license_no: &LicenseNo,
    as_of: &AsOf,
) -> Result<Option<LicenseBalance>, QuestionError> {
    let mut indexes = reader.license_records(&lookup::of_license(license_no.as_str()))?;
    let named = load(reader, &indexes, as_of)?;
    if named.events.is_empty() && named.unreadable.is_empty() {
        return Ok(None);
    }
    // A reversal names the declaration only.
    for (_, _, event) in named.events {
        if let EventData::ShipmentCleared(cleared) = &event.data {
            indexes.extend(reader.license_records(&lookup::of_declaration(cleared.declaration_no.as_str()))?);
        }
    }
    indexes.sort_unstable();
    indexes.dedup();
    let records = load(reader, &indexes, as_of)?;
    let data = records
        .events
        .iter()
        .map(|(place, _, event)| (place.index, &event.data));
    Ok(Some(LicenseBalance::of(license_no.clone(), data)))
}

/// What a record is about, in a few words for people: case and event, where they can be read.
#[must_use]
pub fn describe(record: &Record<'_>) -> String {
    match decode_event(record.body) {
        Ok((envelope, event)) => format!("{} {}", envelope.case, event.data.kind().name()),
        Err(_) => format!("{} on {}", record.kind, record.subject),
    }
}

/// The events at `indexes`, as far as they were known and had happened. What cannot be read says no time: it counts as known.
pub(crate) fn load(reader: &StoreReader, indexes: &[u64], as_of: &AsOf) -> Result<Records, QuestionError> {
    let mut records = Records::default();
    let known = indexes.iter().copied().filter(|index| *index < as_of.size);
    for index in known.filter_map(Index::new) {
        let found = record(reader, index)?;
        let Leaf::Record(record) = found.leaf()? else {
            continue;
        };
        if record.kind != RecordKind::Event {
            continue;
        }
        let place = Placement {
            index: index.get(),
            chain_seq: record.chain_seq.get(),
            recorded_at_ns: record.recorded_at_ns,
        };
        match decode_event(record.body) {
            Ok((envelope, event)) if as_of.had_happened(&event) => {
                records.events.push((place, envelope, event));
            }
            Ok(_) => {}
            Err(error) => records.unreadable.push((index.get(), error.to_string())),
        }
    }
    Ok(records)
}
