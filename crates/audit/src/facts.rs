//! The facts of a ledger, folded from its leaves on every core.

use portbook_domain::{Event, PortCode};
use portbook_fold::Sealed;
use portbook_ledger::{Hash, Index, Leaf, Record, RecordKind};
use portbook_store::{Packed, StoreReader, for_each_in_order};
use portbook_views::{Facts, Placement, RecordClass, Recorded, View};
use portbook_wire::{Envelope, decode_event};

use crate::question::QuestionError;

/// The facts of a prefix of the ledger.
#[derive(Debug)]
pub struct FactsAt {
    /// The facts.
    pub facts: Facts,
    /// How many leaves they are of.
    pub size: u64,
    /// Root of the tree over these leaves.
    pub root: Hash,
    /// What was counted on the way.
    pub counted: RecordCounts,
    /// When the last of these leaves was recorded, nanoseconds since 1970.
    pub recorded_at_ns: u64,
}

/// Records of a prefix, by kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RecordCounts {
    /// New events, readable or not.
    pub events: u64,
    /// Exact repeats.
    pub redeliveries: u64,
    /// Repeats with another content.
    pub conflicts: u64,
    /// New events that cannot be read: they are evidence, but no facts.
    pub unreadable: u64,
}

/// Which prefix is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prefix {
    /// Up to and including the newest seal.
    Newest,
    /// The tree of this size, which must end with a seal.
    Size(u64),
    /// Up to and including the last seal not later than this, nanoseconds since 1970.
    Time(u64),
}

/// A readable record, decoded away from the thread that folds.
struct Read {
    place: Placement,
    class: RecordClass,
    refers_to: Option<u64>,
    port: PortCode,
    envelope: Envelope,
    event: Event,
}

/// What one packed value of leaves holds.
#[derive(Default)]
struct Part {
    read: Vec<Read>,
    counted: RecordCounts,
    damaged: Option<QuestionError>,
    recorded_at_ns: u64,
}

/// Folds the facts of a prefix that ends with a seal. `progress` learns how many leaves were folded.
///
/// # Errors
/// [`QuestionError`] when a leaf cannot be read, or when no seal ends such a prefix.
pub fn facts(
    reader: &StoreReader,
    prefix: Prefix,
    mut progress: impl FnMut(u64),
) -> Result<FactsAt, QuestionError> {
    let sealed = sealed_prefix(reader, prefix)?;
    let size = sealed.index.get().saturating_add(1);
    let mut at = FactsAt {
        facts: Facts::empty(),
        size,
        root: sealed.root,
        counted: RecordCounts::default(),
        recorded_at_ns: 0,
    };
    for_each_in_order(reader.leaves(0..size), read_packed, |packed, part| {
        if let Some(damaged) = part.damaged {
            return Err(damaged);
        }
        for read in &part.read {
            at.facts.take(&read.recorded());
        }
        at.counted.add(part.counted);
        at.recorded_at_ns = at.recorded_at_ns.max(part.recorded_at_ns);
        progress(packed.first);
        Ok(())
    })?;
    Ok(at)
}

impl Read {
    fn recorded(&self) -> Recorded<'_> {
        Recorded {
            place: self.place,
            class: self.class,
            refers_to: self.refers_to,
            port: &self.port,
            port_as_written: &self.envelope.port,
            source: self.envelope.source.as_str(),
            source_recorded_at: self.envelope.recorded_at,
            simulated: self.envelope.simulated,
            event: &self.event,
        }
    }
}

impl RecordCounts {
    const fn add(&mut self, other: Self) {
        self.events += other.events;
        self.redeliveries += other.redeliveries;
        self.conflicts += other.conflicts;
        self.unreadable += other.unreadable;
    }
}

/// The seal that ends the prefix asked for: seals name the one before them, newest first.
fn sealed_prefix(reader: &StoreReader, prefix: Prefix) -> Result<Sealed, QuestionError> {
    let mut next = match prefix {
        Prefix::Size(size) => size.checked_sub(1).and_then(Index::new),
        Prefix::Newest | Prefix::Time(_) => reader.book()?.last_seal,
    };
    while let Some(index) = next {
        let Some(sealed) = reader.sealed(index)? else {
            break;
        };
        let Prefix::Time(time) = prefix else {
            return Ok(sealed);
        };
        let found = crate::question::record(reader, index)?;
        let Leaf::Seal(seal) = found.leaf()? else { break };
        if seal.sealed_at_ns <= time {
            return Ok(sealed);
        }
        next = seal.prev_seal;
    }
    Err(QuestionError::NoSeal)
}

fn read_packed(packed: &Packed) -> Part {
    let mut part = Part::default();
    for (index, bytes) in (packed.first..).zip(packed.iter()) {
        match Leaf::decode(bytes) {
            Ok(Leaf::Record(record)) => part.take(index, &record),
            Ok(Leaf::Seal(seal)) => part.recorded_at_ns = part.recorded_at_ns.max(seal.sealed_at_ns),
            Err(source) => {
                part.damaged = Some(QuestionError::Leaf { index, source });
                return part;
            }
        }
    }
    part
}

impl Part {
    fn take(&mut self, index: u64, record: &Record<'_>) {
        self.recorded_at_ns = self.recorded_at_ns.max(record.recorded_at_ns);
        let (class, count) = match record.kind {
            RecordKind::Event => (RecordClass::Event, &mut self.counted.events),
            RecordKind::Redelivery => (RecordClass::Redelivery, &mut self.counted.redeliveries),
            RecordKind::Conflict => (RecordClass::Conflict, &mut self.counted.conflicts),
            RecordKind::Quarantine | RecordKind::Control => return,
        };
        *count += 1;
        let port = PortCode::new(&record.chain.to_string());
        match (decode_event(record.body), port) {
            (Ok((envelope, event)), Ok(port)) => self.read.push(Read {
                place: Placement {
                    index,
                    chain_seq: record.chain_seq.get(),
                    recorded_at_ns: record.recorded_at_ns,
                },
                class,
                refers_to: record.refers_to.map(Index::get),
                port,
                envelope,
                event,
            }),
            _ => self.counted.unreadable += u64::from(class == RecordClass::Event),
        }
    }
}
