//! The facts of a ledger, folded from its leaves on every core: from nothing, or on from where somebody left off.

mod account;

use std::collections::{BTreeMap, BTreeSet};

use portbook_fold::{EventRecord, RecordReading, Sealed};
use portbook_ledger::{Hash, Index, Leaf, Record, RecordKind};
use portbook_store::{Packed, StoreReader, for_each_in_order};
use portbook_views::{Facts, RecordClass, Recorded};
use portbook_wire::control::{Control, parse_control};
use portbook_wire::read_head;

pub use self::account::{SealTime, SourceFacts};
use crate::question::AsOf;
use crate::question::{QuestionError, record};
use crate::repair::{Idle, is_repair, repairs};

/// Leaves below this number are read on one thread: starting others costs more.
const SPLIT_FROM: u64 = 512;

/// The facts of a prefix of the ledger that ends with a seal.
#[derive(Debug, Clone)]
pub struct FactsAt {
    /// The facts.
    pub facts: Facts,
    /// How many leaves they are of.
    pub size: u64,
    /// Root of the tree over these leaves.
    pub root: Hash,
    /// What was counted on the way.
    pub counted: RecordCounts,
    /// What each source published and stated.
    pub sources: BTreeMap<String, SourceFacts>,
    /// Every seal, in order.
    pub seals: Vec<SealTime>,
    /// Leaf indexes of corrections and annulments that take no effect.
    pub idle: BTreeSet<u64>,
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

/// What a leaf says to facts, found away from the thread that folds.
enum Said {
    Event(Box<EventRecord>),
    Unreadable {
        class: RecordClass,
        source: String,
    },
    Statement {
        source: String,
        count: u64,
        recorded_at_ns: u64,
    },
    Seal(SealTime),
    Damaged(QuestionError),
}

/// The seal that ends the prefix asked for: seals name the one before them, newest first.
///
/// # Errors
/// [`QuestionError::NoSeal`] when there is none.
pub fn sealed_prefix(reader: &StoreReader, prefix: Prefix) -> Result<Sealed, QuestionError> {
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
        let found = record(reader, index)?;
        let Leaf::Seal(seal) = found.leaf()? else { break };
        if seal.sealed_at_ns <= time {
            return Ok(sealed);
        }
        next = seal.prev_seal;
    }
    Err(QuestionError::NoSeal)
}

impl FactsAt {
    /// The facts of no leaf.
    #[must_use]
    pub fn empty() -> Self {
        Self {
            facts: Facts::default(),
            size: 0,
            root: Hash::ZERO,
            counted: RecordCounts::default(),
            sources: BTreeMap::new(),
            seals: Vec::new(),
            idle: BTreeSet::new(),
        }
    }

    /// Whether these are facts of the ledger behind `reader`: it had this root at this size.
    ///
    /// # Errors
    /// [`QuestionError`] when the store cannot be read.
    pub fn is_of(&self, reader: &StoreReader) -> Result<bool, QuestionError> {
        let Some(index) = self.size.checked_sub(1).and_then(Index::new) else {
            return Ok(true);
        };
        let sealed = reader.sealed(index)?;
        Ok(sealed.is_some_and(|sealed| sealed.root == self.root))
    }

    /// Folds on to the end of the prefix that `sealed` ends, which must not be shorter than what was folded.
    ///
    /// # Errors
    /// [`QuestionError`] when a leaf cannot be read; what was folded so far is no prefix then, and must be dropped.
    pub fn fold_on(
        &mut self,
        reader: &StoreReader,
        sealed: &Sealed,
        mut progress: impl FnMut(u64),
    ) -> Result<(), QuestionError> {
        let (first, size) = (self.size, sealed.index.get().saturating_add(1));
        let leaves = reader.leaves(first..size);
        let mut take = |packed: &Packed, said: Vec<Said>| {
            progress(packed.first);
            said.into_iter().try_for_each(|said| self.take(reader, said))
        };
        if size.saturating_sub(first) < SPLIT_FROM {
            for packed in leaves {
                let packed = packed?;
                take(&packed, hear(&packed))?;
            }
        } else {
            for_each_in_order(leaves, hear, |packed, said| take(&packed, said))?;
        }
        self.size = size;
        self.root = sealed.root;
        Ok(())
    }

    /// When the last of these leaves was recorded, nanoseconds since 1970: by the stream's clock, which rises with the leaves.
    #[must_use]
    pub fn recorded_at_ns(&self) -> u64 {
        self.seals.last().map_or(0, |seal| seal.sealed_at_ns)
    }

    fn take(&mut self, reader: &StoreReader, said: Said) -> Result<(), QuestionError> {
        match said {
            Said::Event(read) => {
                let recorded = read.recorded();
                self.count(recorded.class, recorded.source);
                let account = self.sources.get_mut(recorded.source);
                if let Some(account) = account.filter(|_| recorded.class == RecordClass::Event) {
                    account.publish_at(recorded.port.as_str());
                }
                if recorded.class == RecordClass::Event && is_repair(&recorded.event.data) {
                    self.repair(reader, &recorded)?;
                } else {
                    self.facts.take(&recorded);
                }
            }
            Said::Unreadable { class, source } => {
                self.count(class, &source);
                self.counted.unreadable += u64::from(class == RecordClass::Event);
            }
            Said::Statement {
                source,
                count,
                recorded_at_ns,
            } => {
                self.account_of(&source).state(count, recorded_at_ns);
            }
            Said::Seal(seal) => self.seals.push(seal),
            Said::Damaged(error) => return Err(error),
        }
        Ok(())
    }

    /// Lets a correction or annulment take effect if it does, and with it those of its case that did not do so before: what a
    /// correction expects to find may stand there again. See [`crate::repairs`].
    fn repair(&mut self, reader: &StoreReader, recorded: &Recorded<'_>) -> Result<(), QuestionError> {
        let (case, size) = (
            recorded.event.case.as_str(),
            recorded.place.index.saturating_add(1),
        );
        for repair in repairs(reader, case, &AsOf::known(size))?.repairs {
            let leaf = repair.place.index;
            // What was annulled since is taken as well: facts know what an annulment does.
            if !matches!(repair.idle, None | Some(Idle::Annulled(_))) {
                self.idle.insert(leaf);
            } else if !self.facts.has_repair(leaf) {
                self.idle.remove(&leaf);
                self.take_again(reader, leaf)?;
            }
        }
        Ok(())
    }

    fn take_again(&mut self, reader: &StoreReader, leaf: u64) -> Result<(), QuestionError> {
        let index = Index::new(leaf).ok_or(QuestionError::NoLeaf { index: leaf })?;
        let found = record(reader, index)?;
        if let Leaf::Record(record) = found.leaf()?
            && let RecordReading::Event(read) = RecordReading::of(leaf, &record)
        {
            self.facts.take(&read.recorded());
        }
        Ok(())
    }

    fn count(&mut self, class: RecordClass, source: &str) {
        match class {
            RecordClass::Event => {
                self.counted.events += 1;
                self.account_of(source).events += 1;
            }
            RecordClass::Redelivery => self.counted.redeliveries += 1,
            RecordClass::Conflict => self.counted.conflicts += 1,
            RecordClass::Quarantine | RecordClass::Control => {}
        }
    }

    fn account_of(&mut self, source: &str) -> &mut SourceFacts {
        if !self.sources.contains_key(source) {
            self.sources.insert(source.to_owned(), SourceFacts::default());
        }
        self.sources.entry(source.to_owned()).or_default()
    }
}

fn hear(packed: &Packed) -> Vec<Said> {
    let mut said = Vec::new();
    for (index, bytes) in (packed.first..).zip(packed.iter()) {
        match Leaf::decode(bytes) {
            Ok(Leaf::Record(record)) => said.extend(hear_record(index, &record)),
            Ok(Leaf::Seal(seal)) => said.push(Said::Seal(SealTime {
                index,
                sealed_at_ns: seal.sealed_at_ns,
            })),
            Err(source) => {
                said.push(Said::Damaged(QuestionError::Leaf { index, source }));
                return said;
            }
        }
    }
    said
}

fn hear_record(index: u64, record: &Record<'_>) -> Option<Said> {
    match RecordReading::of(index, record) {
        RecordReading::Event(read) => Some(Said::Event(read)),
        RecordReading::Unreadable { class, .. } => {
            let head = read_head(record.subject, record.body);
            let source = head.map(|head| head.source.to_owned()).unwrap_or_default();
            Some(Said::Unreadable { class, source })
        }
        RecordReading::Other if record.kind == RecordKind::Control => {
            let Ok(Control::SourceStated(stated)) = parse_control(record.subject, record.body) else {
                return None;
            };
            Some(Said::Statement {
                source: stated.source.as_str().to_owned(),
                count: stated.count,
                recorded_at_ns: record.recorded_at_ns,
            })
        }
        RecordReading::Other => None,
    }
}
