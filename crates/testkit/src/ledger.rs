//! A ledger made without a stream: real leaves in a real store, sealed, signed and published by hand.

use std::collections::BTreeMap;

use portbook_fold::{Book, ChainEntry, ChainHead, Commit, LeafBatch, Lookups, Sealed};
use portbook_ledger::{
    Chain, ChainSeq, Checkpoint, Frontier, Hash, Head, Index, KeyName, NoteAlgorithm, Origin, Record,
    RecordError, RecordKind, Seal, SecretKey, SignedRoot, SignerKey, Size, genesis, heads_root, leaf_hash,
    sha256,
};
use portbook_store::{LedgerDirectory, Store, StoreError};
use tempfile::TempDir;

/// When the first leaf was recorded; every further one a second later.
const FIRST_LEAF_NS: u64 = 1_750_000_000_000_000_000;
/// Leaves in one commit.
const COMMIT_LEAVES: usize = 8192;

/// A ledger in a temporary directory. Its bodies mean nothing; everything else is as a projector would have made it.
#[derive(Debug)]
pub struct TestLedger {
    home: TempDir,
    origin: Origin,
    key: SignerKey,
    store: Store,
    book: Book,
    pending: Pending,
    prev_checkpoint: Hash,
}

#[derive(Debug, Default)]
struct Pending {
    leaves: LeafBatch,
    hashes: Vec<Hash>,
    entries: BTreeMap<Chain, Vec<ChainEntry>>,
    seals: Vec<Sealed>,
}

/// Why a ledger could not be made.
#[derive(Debug, thiserror::Error)]
#[error("could not make a ledger for a test: {0}")]
pub struct LedgerError(String);

macro_rules! fails_with {
    ($($error:ty),*) => {$(
        impl From<$error> for LedgerError {
            fn from(error: $error) -> Self {
                Self(error.to_string())
            }
        }
    )*};
}

fails_with!(
    std::io::Error,
    StoreError,
    RecordError,
    portbook_ledger::InvalidName,
    portbook_ledger::InvalidNoteKey,
    portbook_ledger::UnsortedHeads,
    portbook_ledger::CheckpointError
);

impl TestLedger {
    /// A ledger called `origin` that holds its first control record.
    ///
    /// # Errors
    /// [`LedgerError`] when the disk does not take it.
    pub fn create(origin: &str) -> Result<Self, LedgerError> {
        let home = tempfile::tempdir()?;
        let directory = LedgerDirectory::at(home.path().to_owned());
        let store = Store::create(&directory.store())?;
        directory.create()?;
        let secret = SecretKey::from_seed(sha256(&[origin.as_bytes()]).as_bytes());
        let mut ledger = Self {
            home,
            origin: Origin::new(origin)?,
            key: SignerKey::new(KeyName::new(origin)?, NoteAlgorithm::Ed25519, secret),
            store,
            book: Book::default(),
            pending: Pending::default(),
            prev_checkpoint: Hash::ZERO,
        };
        ledger.append(Chain::CONTROL, b"{}")?;
        Ok(ledger)
    }

    /// The log key.
    #[must_use]
    pub const fn key(&self) -> &SignerKey {
        &self.key
    }

    /// Name of the log.
    #[must_use]
    pub const fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The store.
    #[must_use]
    pub const fn store(&self) -> &Store {
        &self.store
    }

    /// Where the ledger is.
    #[must_use]
    pub fn directory(&self) -> LedgerDirectory {
        LedgerDirectory::at(self.home.path().to_owned())
    }

    /// Number of leaves, committed or not.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.book.size()
    }

    /// Appends a record with `body` to `chain`.
    ///
    /// # Errors
    /// [`LedgerError`] when the body is too long or the disk does not take it.
    pub fn append(&mut self, chain: Chain, body: &[u8]) -> Result<Index, LedgerError> {
        let kind = match chain {
            Chain::CONTROL => RecordKind::Control,
            Chain::QUARANTINE => RecordKind::Quarantine,
            _ => RecordKind::Event,
        };
        let index = Index::new(self.size()).unwrap_or(Index::FIRST);
        let head = self.book.heads.get(&chain);
        let count = head.map_or(0, |head| head.frontier.size().get());
        let record = Record {
            kind,
            chain,
            chain_seq: ChainSeq::new(count + 1).unwrap_or(ChainSeq::FIRST),
            prev_index: head.map(|head| head.index),
            prev_hash: head.map_or_else(|| genesis(&self.origin, chain), |head| head.hash),
            stream_seq: index.seq(),
            recorded_at_ns: recorded_at_ns(index),
            refers_to: None,
            subject: "portbook.events.TEST",
            body,
            signature: None,
        };
        let hash = leaf_hash(self.pending.leaves.push_with(|out| record.encode_into(out))?);
        let entry = ChainEntry {
            index,
            remark: String::new(),
        };
        self.pending.entries.entry(chain).or_default().push(entry);
        let head = self.book.heads.entry(chain).or_insert_with(|| ChainHead {
            index,
            hash,
            frontier: Frontier::new(),
        });
        (head.index, head.hash) = (index, hash);
        head.frontier.push(hash);
        self.take(hash)?;
        Ok(index)
    }

    /// Seals what is there, signs and publishes it; gives the size that was signed.
    ///
    /// # Errors
    /// [`LedgerError`] when the disk does not take it.
    pub fn seal(&mut self) -> Result<Size, LedgerError> {
        self.seal_saying(|_| {})
    }

    /// Seals, signs and publishes like [`TestLedger::seal`], but the seal commits to what `lie` makes of the heads.
    ///
    /// # Errors
    /// [`LedgerError`] when the disk does not take it.
    pub fn seal_saying(&mut self, lie: impl FnOnce(&mut Vec<Head>)) -> Result<Size, LedgerError> {
        let index = Index::new(self.size()).unwrap_or(Index::FIRST);
        let mut heads = self.heads();
        lie(&mut heads);
        let seal = Seal {
            covered_size: index.size_before(),
            chain_count: u64::try_from(heads.len()).unwrap_or(u64::MAX),
            heads_root: heads_root(&heads)?,
            prev_checkpoint: self.prev_checkpoint,
            prev_seal: self.book.last_seal,
            stream_seq: index.seq(),
            sealed_at_ns: recorded_at_ns(index),
            origin_hash: self.origin.hash(),
        };
        let written = self.pending.leaves.push_with(|out| {
            out.extend_from_slice(&seal.encode());
            Ok::<(), RecordError>(())
        })?;
        let hash = leaf_hash(written);
        self.book.last_seal = Some(index);
        let mut sealed = self.book.frontier.clone();
        sealed.push(hash);
        let root = sealed.root();
        self.pending.seals.push(Sealed {
            index,
            root,
            frontier: sealed,
        });
        self.take(hash)?;
        self.commit()?;
        self.publish(SignedRoot {
            size: index.size_through(),
            root,
        })
    }

    /// The heads of all chains, sorted.
    #[must_use]
    pub fn heads(&self) -> Vec<Head> {
        let heads = self.book.heads.iter();
        heads
            .map(|(chain, head)| Head {
                chain: *chain,
                count: head.frontier.size(),
                head_index: head.index,
                head_hash: head.hash,
                chain_root: head.frontier.root(),
            })
            .collect()
    }

    /// Commits what is pending, without a seal.
    ///
    /// # Errors
    /// [`LedgerError`] when the disk does not take it.
    pub fn commit(&mut self) -> Result<(), LedgerError> {
        let Pending {
            leaves,
            hashes,
            entries,
            seals,
        } = std::mem::take(&mut self.pending);
        let commit = Commit {
            book: self.book.clone(),
            leaves,
            leaf_hashes: hashes,
            entries,
            lookups: Lookups::default(),
            seals,
        };
        Ok(self.store.apply(commit)?)
    }

    fn take(&mut self, hash: Hash) -> Result<(), LedgerError> {
        self.book.frontier.push(hash);
        self.pending.hashes.push(hash);
        if self.pending.hashes.len() >= COMMIT_LEAVES {
            self.commit()?;
        }
        Ok(())
    }

    fn publish(&mut self, signed: SignedRoot) -> Result<Size, LedgerError> {
        let checkpoint = Checkpoint {
            origin: self.origin.clone(),
            size: signed.size,
            root: signed.root,
        };
        let note = checkpoint.sign(&self.key)?.to_string();
        let directory = self.directory();
        directory.note_signing(&signed)?;
        directory.publish_checkpoint(signed.size, &note)?;
        self.prev_checkpoint = sha256(&[note.as_bytes()]);
        Ok(signed.size)
    }
}

const fn recorded_at_ns(index: Index) -> u64 {
    FIRST_LEAF_NS + index.get() * 1_000_000_000
}
