//! The fold: messages in, one commit out. Pure, so that every replay of a stream gives the same bytes.

use std::collections::BTreeMap;

use portbook_ledger::{
    Chain, ChainSeq, Hash, Head, Index, ProducerSignature, Record, RecordError, RecordKind, Seal, Seq,
    genesis, heads_root, leaf_hash,
};
use portbook_wire::control::Control;

use crate::book::{Book, ChainHead};
use crate::commit::{ChainEntry, Commit, LeafBatch, Lookups, Sealed};
use crate::control::{self, Settled};
use crate::delivery::Delivery;
use crate::lookup::LookupKey;
use crate::reading::{EventReading, Reading, Unplaced};
use crate::row;

/// The record that holds an event first, for every identity in a batch that the store knows.
pub type Known = BTreeMap<LookupKey, Original>;

/// An event that is recorded already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Original {
    /// Leaf index of its record.
    pub index: Index,
    /// Its body.
    pub body: Vec<u8>,
}

/// Why a batch cannot be folded; each of them stops the projector.
#[derive(Debug, thiserror::Error)]
pub enum FoldError {
    /// A message is missing or comes twice.
    #[error("message {expected} of the stream is due, but {found} came")]
    Gap {
        /// The sequence due.
        expected: u64,
        /// The sequence that came.
        found: u64,
    },
    /// The stream does not start with a ledger's opening.
    #[error("the first message of the stream does not open a ledger: {reason}")]
    NotOpened {
        /// Why not.
        reason: Unplaced,
    },
    /// A message is larger than any record; the stream's limits should have refused it.
    #[error("message {seq} cannot be recorded")]
    Unrecordable {
        /// Its sequence.
        seq: u64,
        /// Why.
        #[source]
        source: RecordError,
    },
    /// 2^64 leaves.
    #[error("the ledger is full")]
    Full,
}

/// Folds `deliveries`, read as `readings`, onto `book`.
///
/// `known` must hold every event of the batch that the store knows. Gives a commit that makes each message exactly one
/// leaf, in order.
///
/// # Errors
/// [`FoldError`] says what contradicts the ledger; nothing of the batch may then be recorded.
pub fn fold(
    book: &Book,
    deliveries: &[Delivery],
    readings: Vec<Reading>,
    known: &Known,
) -> Result<Commit, FoldError> {
    let mut folding = Folding {
        commit: Commit {
            book: book.clone(),
            leaves: LeafBatch::default(),
            leaf_hashes: Vec::with_capacity(deliveries.len()),
            entries: BTreeMap::new(),
            lookups: Lookups::default(),
            seals: Vec::new(),
        },
        known,
        here: BTreeMap::new(),
    };
    for (delivery, reading) in deliveries.iter().zip(readings) {
        folding.take(delivery, reading)?;
    }
    Ok(folding.commit)
}

struct Folding<'a> {
    commit: Commit,
    known: &'a Known,
    /// Events recorded first by this very batch.
    here: BTreeMap<LookupKey, (Index, &'a [u8])>,
}

impl<'a> Folding<'a> {
    fn take(&mut self, delivery: &'a Delivery, reading: Reading) -> Result<(), FoldError> {
        let expected = self.next_index()?.seq();
        if delivery.seq != expected {
            return Err(FoldError::Gap {
                expected: expected.get(),
                found: delivery.seq.get(),
            });
        }
        if self.commit.book.opened.is_none() {
            return self.open(delivery, reading);
        }
        match reading {
            Reading::Event(event) => self.event(delivery, &event),
            Reading::Control(control, signature) => self.control(delivery, &control, signature),
            Reading::Sealed(prev_checkpoint) => self.seal(delivery, prev_checkpoint),
            Reading::Unplaced(reason) => self.quarantine(delivery, &reason),
        }
    }

    /// The first message of a stream opens the ledger or nothing does.
    fn open(&mut self, delivery: &Delivery, reading: Reading) -> Result<(), FoldError> {
        let (opened, signature) = match reading {
            Reading::Control(control, signature) => {
                (self.settle_opening(&control, delivery, signature), signature)
            }
            Reading::Unplaced(reason) => (Err(reason), None),
            Reading::Event(_) | Reading::Sealed(_) => (Err(Unplaced::NotOpened), None),
        };
        opened.map_err(|reason| FoldError::NotOpened { reason })?;
        let origin = self
            .commit
            .book
            .opened
            .as_ref()
            .map(|opened| opened.origin.to_string());
        self.record_control(delivery, signature, "ledger.opened", &origin.unwrap_or_default())
    }

    fn settle_opening(
        &mut self,
        control: &Control,
        delivery: &Delivery,
        signature: Option<ProducerSignature>,
    ) -> Result<(), Unplaced> {
        if let Control::LedgerOpened(opened) = control {
            control::open(opened, delivery, signature, &mut self.commit.book)
        } else {
            Err(Unplaced::NotOpened)
        }
    }

    fn event(&mut self, delivery: &'a Delivery, event: &EventReading) -> Result<(), FoldError> {
        let aliases = &self.commit.book.port_aliases;
        let port = aliases.get(&event.port).unwrap_or(&event.port);
        let Ok(chain) = Chain::port(port) else {
            let port = port.clone();
            return self.quarantine(delivery, &Unplaced::NotAPort { port });
        };
        let (kind, refers_to) = self.kind_of(delivery, &event.key);
        let recorded = self.record(delivery, kind, chain, refers_to, event.signature, String::new());
        let index = match recorded {
            Ok(index) => index,
            Err(FoldError::Unrecordable { source, .. }) => {
                return self.quarantine(delivery, &Unplaced::TooLarge { reason: source });
            }
            Err(error) => return Err(error),
        };
        let lookups = &mut self.commit.lookups;
        lookups.events.push((event.key, index));
        if kind == RecordKind::Event {
            self.here.insert(event.key, (index, &delivery.body));
            lookups.cases.push((event.case, index));
            lookups
                .licenses
                .extend(event.numbers.iter().flatten().map(|key| (*key, index)));
        }
        Ok(())
    }

    fn kind_of(&self, delivery: &Delivery, key: &LookupKey) -> (RecordKind, Option<Index>) {
        let here = self.here.get(key).map(|(index, body)| (*index, *body));
        let known = || {
            self.known
                .get(key)
                .map(|original| (original.index, original.body.as_slice()))
        };
        match here.or_else(known) {
            None => (RecordKind::Event, None),
            Some((index, body)) if body == delivery.body.as_ref() => (RecordKind::Redelivery, Some(index)),
            Some((index, _)) => (RecordKind::Conflict, Some(index)),
        }
    }

    fn control(
        &mut self,
        delivery: &Delivery,
        control: &Control,
        signature: Option<ProducerSignature>,
    ) -> Result<(), FoldError> {
        let index = self.next_index()?;
        match control::settle(control, delivery, signature, index, &mut self.commit.book) {
            Ok(Settled::Recorded(word, note)) => self.record_control(delivery, signature, word, &note),
            Ok(Settled::Seal(request)) => self.seal(delivery, control::hash_of(&request.prev_checkpoint)),
            Err(reason) => self.quarantine(delivery, &reason),
        }
    }

    fn record_control(
        &mut self,
        delivery: &Delivery,
        signature: Option<ProducerSignature>,
        word: &str,
        note: &str,
    ) -> Result<(), FoldError> {
        let (kind, remark) = (RecordKind::Control, row::remark(word, note));
        self.record(delivery, kind, Chain::CONTROL, None, signature, remark)?;
        self.commit.book.counts.control += 1;
        Ok(())
    }

    fn quarantine(&mut self, delivery: &Delivery, reason: &Unplaced) -> Result<(), FoldError> {
        // A header this format cannot carry must not keep the message out.
        let signature = delivery.signature.as_deref().and_then(|text| text.parse().ok());
        let (kind, remark) = (
            RecordKind::Quarantine,
            row::remark(reason.word(), &reason.to_string()),
        );
        self.record(delivery, kind, Chain::QUARANTINE, None, signature, remark)?;
        Ok(())
    }

    fn seal(&mut self, delivery: &Delivery, prev_checkpoint: Hash) -> Result<(), FoldError> {
        let index = self.next_index()?;
        let book = &self.commit.book;
        let heads: Vec<Head> = book
            .heads
            .iter()
            .map(|(chain, head)| head_leaf(*chain, head))
            .collect();
        let seal = Seal {
            covered_size: index.size_before(),
            chain_count: u64::try_from(heads.len()).unwrap_or(u64::MAX),
            // Heads come out of a sorted map, so they have a root.
            heads_root: heads_root(&heads).unwrap_or(Hash::ZERO),
            prev_checkpoint,
            prev_seal: book.last_seal,
            stream_seq: delivery.seq,
            sealed_at_ns: delivery.recorded_at_ns,
            origin_hash: book
                .opened
                .as_ref()
                .map_or(Hash::ZERO, |opened| opened.origin.hash()),
        };
        self.push_leaf(delivery.seq, |out| {
            out.extend_from_slice(&seal.encode());
            Ok(())
        })?;
        let book = &mut self.commit.book;
        book.last_seal = Some(index);
        book.counts.seals += 1;
        let sealed = Sealed {
            index,
            root: book.frontier.root(),
            frontier: book.frontier.clone(),
        };
        self.commit.seals.push(sealed);
        Ok(())
    }

    /// Makes `delivery` the next link of `chain`.
    fn record(
        &mut self,
        delivery: &Delivery,
        kind: RecordKind,
        chain: Chain,
        refers_to: Option<Index>,
        signature: Option<ProducerSignature>,
        remark: String,
    ) -> Result<Index, FoldError> {
        let index = self.next_index()?;
        let head = self.commit.book.heads.get(&chain);
        let record = Record {
            kind,
            chain,
            chain_seq: next_in_chain(head).ok_or(FoldError::Full)?,
            prev_index: head.map(|head| head.index),
            prev_hash: head.map_or_else(|| self.genesis(chain), |head| head.hash),
            stream_seq: delivery.seq,
            recorded_at_ns: delivery.recorded_at_ns,
            refers_to,
            subject: &delivery.subject,
            body: &delivery.body,
            signature,
        };
        let hash = self.push_leaf(delivery.seq, |out| record.encode_into(out))?;
        let book = &mut self.commit.book;
        let head = book.heads.entry(chain).or_insert_with(|| ChainHead {
            index,
            hash,
            frontier: portbook_ledger::Frontier::new(),
        });
        head.frontier.push(hash);
        head.index = index;
        head.hash = hash;
        let counted = match kind {
            RecordKind::Event => Some(&mut book.counts.events),
            RecordKind::Redelivery => Some(&mut book.counts.redeliveries),
            RecordKind::Conflict => Some(&mut book.counts.conflicts),
            RecordKind::Quarantine => Some(&mut book.counts.quarantined),
            RecordKind::Control => None,
        };
        if let Some(count) = counted {
            *count += 1;
        }
        let entries = self.commit.entries.entry(chain).or_default();
        entries.push(ChainEntry { index, remark });
        Ok(index)
    }

    fn push_leaf(
        &mut self,
        seq: Seq,
        write: impl FnOnce(&mut Vec<u8>) -> Result<(), RecordError>,
    ) -> Result<Hash, FoldError> {
        let leaf = self.commit.leaves.push_with(write);
        let hash = leaf.map(leaf_hash).map_err(|source| FoldError::Unrecordable {
            seq: seq.get(),
            source,
        })?;
        self.commit.leaf_hashes.push(hash);
        self.commit.book.frontier.push(hash);
        Ok(hash)
    }

    fn genesis(&self, chain: Chain) -> Hash {
        // `take` records nothing before `ledger.opened` has set the origin.
        self.commit
            .book
            .opened
            .as_ref()
            .map_or(Hash::ZERO, |opened| genesis(&opened.origin, chain))
    }

    fn next_index(&self) -> Result<Index, FoldError> {
        self.commit
            .book
            .frontier
            .size()
            .next_index()
            .ok_or(FoldError::Full)
    }
}

fn next_in_chain(head: Option<&ChainHead>) -> Option<ChainSeq> {
    match head {
        None => Some(ChainSeq::FIRST),
        Some(head) => ChainSeq::new(head.frontier.size().get())?.next(),
    }
}

/// The head of one chain as a seal commits to it.
#[must_use]
pub fn head_leaf(chain: Chain, head: &ChainHead) -> Head {
    Head {
        chain,
        count: head.frontier.size(),
        head_index: head.index,
        head_hash: head.hash,
        chain_root: head.frontier.root(),
    }
}
