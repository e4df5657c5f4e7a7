//! The next messages of the feed, read from the store.

use std::collections::VecDeque;

use bytes::Bytes;
use portbook_bus::FeedMessage;
use portbook_domain::Digest;
use portbook_ledger::{Hash, Index, Leaf, RecordKind, Size, leaf_hash};
use portbook_store::{LedgerDirectory, StoreError, StoreReader, Verdict};
use portbook_wire::feed::FeedPlace;
use portbook_wire::read_head;
use portbook_wire::subject::feed_subject;

use super::FeedError;

/// Messages published together: one atomic batch.
const GROUP_MESSAGES_MAX: usize = 1_000;
/// Bytes of bodies after which a group is full, so that memory stays bounded whatever the size of an event.
const GROUP_BYTES_MAX: usize = 4 << 20;
/// Leaves looked at for one group: redeliveries and control records give no message.
const GROUP_LEAVES_MAX: u64 = 20_000;

/// Sizes of the published checkpoints from the feed's position on.
#[derive(Debug, Clone)]
pub(super) struct Checkpoints {
    reader: StoreReader,
    directory: LedgerDirectory,
    sizes: VecDeque<u64>,
    /// First leaf whose checkpoint is known.
    from: u64,
}

/// Messages of consecutive leaves.
#[derive(Debug, Default)]
pub(super) struct Group {
    pub(super) messages: Vec<FeedMessage>,
    /// The leaf behind the last one that was looked at.
    pub(super) next: u64,
}

impl Checkpoints {
    pub(super) const fn new(reader: StoreReader, directory: LedgerDirectory) -> Self {
        Self {
            reader,
            directory,
            sizes: VecDeque::new(),
            from: 0,
        }
    }

    /// Learns the checkpoints that cover the leaves from `next` to before `signed_size`, by going back from seal to seal:
    /// every checkpoint ends with one, and what was published is there to be fetched.
    pub(super) fn reach(&mut self, next: u64, signed_size: u64) -> Result<(), FeedError> {
        // A feed that was made again goes back.
        if next < self.from {
            self.sizes.clear();
        }
        self.forget_before(next);
        let known = self.sizes.back().copied().unwrap_or(next);
        let mut found = Vec::new();
        let mut size = signed_size;
        while size > known {
            let is_published =
                size == signed_size || self.directory.checkpoint_at(Size::new(size))?.is_some();
            if is_published {
                found.push(size);
            }
            size = match self.seal_before(size)? {
                Some(seal) => seal.size_through().get(),
                None => 0,
            };
        }
        self.sizes.extend(found.into_iter().rev());
        Ok(())
    }

    /// The oldest checkpoint that covers `index`; leaves are asked for in ascending order.
    fn covering(&mut self, index: u64) -> Option<u64> {
        self.forget_before(index);
        self.sizes.front().copied()
    }

    fn forget_before(&mut self, index: u64) {
        self.from = index;
        while self.sizes.front().is_some_and(|size| *size <= index) {
            self.sizes.pop_front();
        }
    }

    /// The seal before the one that ends the tree of `size` leaves.
    fn seal_before(&self, size: u64) -> Result<Option<Index>, FeedError> {
        let index = size.saturating_sub(1);
        let unreadable = || FeedError::Leaf { index };
        let leaf = Index::new(index)
            .map(|index| self.reader.leaf(index))
            .transpose()?
            .flatten();
        match Leaf::decode(&leaf.ok_or_else(unreadable)?) {
            Ok(Leaf::Seal(seal)) => Ok(seal.prev_seal),
            Ok(Leaf::Record(_)) | Err(_) => Err(unreadable()),
        }
    }
}

impl Group {
    /// Reads from leaf `next` on, up to before `through`, until the group is full.
    pub(super) fn read(
        reader: &StoreReader,
        checkpoints: &mut Checkpoints,
        next: u64,
        through: u64,
    ) -> Result<Self, FeedError> {
        let mut group = Self {
            next,
            ..Self::default()
        };
        let mut bytes = 0;
        let end = through.min(next.saturating_add(GROUP_LEAVES_MAX));
        for packed in reader.leaves(next..end) {
            for leaf in packed?.iter() {
                if let Some(message) = message_of(reader, checkpoints, group.next, leaf)? {
                    bytes += message.body.len();
                    group.messages.push(message);
                }
                group.next += 1;
                if group.messages.len() >= GROUP_MESSAGES_MAX || bytes >= GROUP_BYTES_MAX {
                    return Ok(group);
                }
            }
        }
        Ok(group)
    }
}

/// The message of one leaf. Only a record that holds an event first has one: a redelivery repeats it, a conflict contradicts
/// it under the same id, and what is in quarantine or about the ledger itself is no event of a port.
fn message_of(
    reader: &StoreReader,
    checkpoints: &mut Checkpoints,
    index: u64,
    leaf: &[u8],
) -> Result<Option<FeedMessage>, FeedError> {
    let unreadable = || FeedError::Leaf { index };
    let record = match Leaf::decode(leaf) {
        Ok(Leaf::Record(record)) => record,
        Ok(Leaf::Seal(_)) => return Ok(None),
        Err(_) => return Err(unreadable()),
    };
    if record.kind != RecordKind::Event {
        return Ok(None);
    }
    let head = read_head(record.subject, record.body)
        .ok()
        .ok_or_else(unreadable)?;
    let subject = feed_subject(&record.chain.to_string(), &head);
    Ok(Some(FeedMessage {
        subject,
        signature: record.signature.map(|signature| signature.to_string()),
        place: FeedPlace {
            leaf_index: index,
            leaf_hash: digest(leaf_hash(leaf)).ok_or_else(unreadable)?,
            port_seq: record.chain_seq.get(),
            prev_index: record.prev_index.map(Index::get),
            prev_hash: digest(record.prev_hash).ok_or_else(unreadable)?,
            recorded_at_ns: record.recorded_at_ns,
            checkpoint_size: checkpoints.covering(index).ok_or_else(unreadable)?,
            findings: findings(reader, index)?,
        },
        body: Bytes::copy_from_slice(record.body),
    }))
}

/// What checking the signature found wrong.
fn findings(reader: &StoreReader, index: u64) -> Result<Vec<String>, StoreError> {
    let verdict = Index::new(index)
        .map(|index| reader.verdict(index))
        .transpose()?
        .flatten();
    let word = match verdict {
        Some(Verdict::Valid) => None,
        Some(Verdict::BadSignature) => Some("signature-bad"),
        Some(Verdict::UnknownKey) => Some("signature-by-unknown-key"),
        Some(Verdict::WrongSource | Verdict::WrongType | Verdict::OutOfValidity | Verdict::RevokedKey) => {
            Some("signature-not-entitled")
        }
        // Nothing is read here that was not checked.
        Some(Verdict::Unsigned) | None => Some("unsigned"),
    };
    Ok(word.map(str::to_owned).into_iter().collect())
}

fn digest(hash: Hash) -> Option<Digest> {
    Digest::new(&hash.to_hex()).ok()
}
