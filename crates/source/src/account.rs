//! The account of one source: what it published, and the statements it makes about that.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use portbook_bus::{Appended, Log, Outgoing, PublishError, Publisher, ReadError, Stored};
use portbook_domain::{Digest, InvalidText};
use portbook_ledger::{DigestRun, Hash, SecretKey, sha256};
use portbook_wire::control::{Control, ControlKind, SourceStated, encode_control, parse_control};
use portbook_wire::{EventKey, JsonError, Source, msg_id, read_head};

use crate::journal::{Acknowledged, Journal, JournalError};
use crate::key_ring::{KeyRing, KeyRingError};

/// Messages read from the stream at a time.
const READ_TOGETHER: usize = 1_000;

/// What an account is made of.
#[derive(Debug)]
pub struct AccountParts {
    /// Whose account it is.
    pub source: Source,
    /// The key that signs the source's events and statements.
    pub key: SecretKey,
    /// The log's public key, which the producers' keys rest on.
    pub log_key: portbook_ledger::PublicKey,
    /// Reads the ledger stream.
    pub log: Log,
    /// Publishes the statements.
    pub publisher: Publisher,
    /// Where the journal is.
    pub journal: PathBuf,
    /// What time it is.
    pub clock: fn() -> Timestamp,
}

/// The account of one source. Cheap to clone; all clones are the same account.
#[derive(Debug, Clone)]
pub struct Account {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    source: Source,
    key: SecretKey,
    log_key: portbook_ledger::PublicKey,
    log: Log,
    publisher: Publisher,
    clock: fn() -> Timestamp,
    /// Held for reading while an event is under way, for writing while a statement is: no event may be stored between what
    /// a statement counts and the statement itself.
    gate: tokio::sync::RwLock<()>,
    open: Mutex<Open>,
}

#[derive(Debug)]
struct Open {
    journal: Journal,
    after_seq: u64,
    acknowledged: Acknowledged,
    /// Something may be in the stream that is not in `acknowledged`.
    is_uncertain: bool,
}

/// An event is under way: no statement is made meanwhile.
#[derive(Debug)]
pub struct Publishing<'a> {
    account: &'a Account,
    _under_way: tokio::sync::RwLockReadGuard<'a, ()>,
}

/// Why an account cannot be kept or stated.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// The journal failed.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The producers' keys are not known.
    #[error(transparent)]
    Keys(#[from] KeyRingError),
    /// The stream could not be read.
    #[error("could not read what was published before")]
    Read(#[from] ReadError),
    /// The statement was not stored.
    #[error("could not publish a statement")]
    Publish(#[from] PublishError),
    /// The statement could not be written.
    #[error("could not write a statement")]
    Json(#[from] JsonError),
    /// A field of the statement is not what it must be.
    #[error("could not write a statement")]
    Field(#[from] InvalidText),
}

impl AccountError {
    /// Whether it may work a moment later.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Read(ReadError::Api(error)) | Self::Keys(KeyRingError::Read(ReadError::Api(error))) => {
                error.is_transient()
            }
            Self::Journal(_)
            | Self::Read(ReadError::Missing { .. })
            | Self::Keys(_)
            | Self::Publish(_)
            | Self::Json(_)
            | Self::Field(_) => false,
        }
    }
}

impl Account {
    /// Opens the account of a source. Unless the process before ended in order, what it left in the stream is read first.
    ///
    /// # Errors
    /// [`AccountError`]; [`JournalError::InUse`] when another process publishes for the source.
    pub async fn open(parts: AccountParts) -> Result<Self, AccountError> {
        let (journal, kept) = Journal::open(&parts.journal)?;
        let account = Self {
            shared: Arc::new(Shared {
                source: parts.source,
                key: parts.key,
                log_key: parts.log_key,
                log: parts.log,
                publisher: parts.publisher,
                clock: parts.clock,
                gate: tokio::sync::RwLock::new(()),
                open: Mutex::new(Open {
                    journal,
                    after_seq: kept.after_seq,
                    acknowledged: kept.acknowledged,
                    is_uncertain: !kept.is_complete,
                }),
            }),
        };
        account.adopt_if_uncertain().await?;
        Ok(account)
    }

    /// Waits until no statement is being made. Take it before an event is published, and tell it how that ended.
    pub async fn publishing(&self) -> Publishing<'_> {
        Publishing {
            account: self,
            _under_way: self.shared.gate.read().await,
        }
    }

    /// How many events wait to be stated.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.lock().acknowledged.len()
    }

    /// States what was published since the last statement; nothing when that is nothing.
    ///
    /// # Errors
    /// [`AccountError`]; it may be tried again.
    pub async fn state(&self) -> Result<Option<Appended>, AccountError> {
        let _nothing_under_way = self.shared.gate.write().await;
        self.adopt_if_uncertain().await?;
        let Some(stated) = self.statement()? else {
            return Ok(None);
        };
        let body = encode_control(&Control::SourceStated(stated))?;
        let subject = ControlKind::SourceStated.subject();
        let signature = self.shared.key.sign_event(subject, &body).to_string();
        let outgoing = Outgoing {
            subject: subject.to_owned(),
            msg_id: msg_id(Some(&signature), &body),
            signature: Some(signature),
            body: Bytes::from(body),
            expected_last_subject_seq: None,
        };
        match self.shared.publisher.publish(outgoing).await {
            Ok(appended) => {
                // Everything was counted, also what was acknowledged at a place the stream does not have any more.
                self.lock().begin_after(appended.seq, u64::MAX)?;
                Ok(Some(appended))
            }
            Err(error) => {
                // It may be stored all the same; the stream is asked before the next one is made.
                self.lock().is_uncertain = true;
                Err(error.into())
            }
        }
    }

    /// States every `interval` until `stop` completes. A server that is away is tried again.
    pub async fn keep_stating(&self, interval: Duration, stop: impl Future<Output = ()>) {
        tokio::pin!(stop);
        loop {
            tokio::select! {
                () = &mut stop => return,
                () = tokio::time::sleep(interval) => {}
            }
            if let Err(error) = self.state().await {
                tracing::warn!(%error, source = %self.shared.source, "a statement waits");
            }
        }
    }

    /// States the rest, and writes down that nothing is missing. Gives where the last statement is, if one was made.
    ///
    /// # Errors
    /// [`AccountError`]; the journal then keeps what is not stated.
    pub async fn close(&self) -> Result<Option<Appended>, AccountError> {
        let stated = self.state().await?;
        self.lock().journal.close()?;
        Ok(stated)
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        // Nothing in here can panic half-way, so what a poisoned lock guards is whole.
        self.shared.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn statement(&self) -> Result<Option<SourceStated>, AccountError> {
        let open = self.lock();
        let Some((last_seq, _)) = open.acknowledged.last() else {
            return Ok(None);
        };
        let mut run = DigestRun::default();
        open.acknowledged.iter().for_each(|(_, digest)| run.push(digest));
        Ok(Some(SourceStated {
            source: self.shared.source.clone(),
            after_seq: open.after_seq,
            last_seq: *last_seq,
            count: run.count(),
            events_sha256: Digest::new(&run.hash().to_hex())?,
            stated_at: (self.shared.clock)(),
        }))
    }

    /// Reads from the stream what this source published since its last statement, as the ledger will count it.
    async fn adopt_if_uncertain(&self) -> Result<(), AccountError> {
        let (first, known) = {
            let open = self.lock();
            if !open.is_uncertain {
                return Ok(());
            }
            (open.after_seq.saturating_add(1), open.acknowledged.clone())
        };
        let ring = KeyRing::load(&self.shared.log, &self.shared.log_key).await?;
        let mut seen = BTreeSet::new();
        let mut next = first;
        loop {
            let messages = self.shared.log.read_from(next, READ_TOGETHER).await?;
            let Some(last) = messages.last() else { break };
            next = last.seq.saturating_add(1);
            for message in &messages {
                let Some(event) = self.own_event(message, &ring, &mut seen)? else {
                    continue;
                };
                // What lies before the first message read can hold the same identity.
                if known.contains(&event) || first == 1 || !self.is_repeat(message).await? {
                    self.adopt(event)?;
                }
            }
        }
        self.lock().is_uncertain = false;
        Ok(())
    }

    /// The event of this source that a message is; a statement of its own begins the account anew.
    fn own_event(
        &self,
        message: &Stored,
        ring: &KeyRing,
        seen: &mut BTreeSet<EventKey>,
    ) -> Result<Option<(u64, Hash)>, AccountError> {
        if let Some(stated_through) = self.own_statement(message, ring) {
            self.lock().begin_after(message.seq, stated_through)?;
            return Ok(None);
        }
        let Ok(head) = read_head(&message.subject, &message.body) else {
            return Ok(None);
        };
        // Only the first message of an identity is an event; whoever has read it can publish it again.
        if head.source != self.shared.source.as_str() || !seen.insert(head.key()) {
            return Ok(None);
        }
        let signer = ring.signer_of(message);
        let own = signer.is_some_and(|key| key.source == self.shared.source.as_str());
        Ok(own.then(|| (message.seq, sha256(&[&message.body]))))
    }

    fn adopt(&self, event: (u64, Hash)) -> Result<(), AccountError> {
        let mut open = self.lock();
        if open.acknowledged.insert(event) {
            open.journal.note(&[event])?;
        }
        Ok(())
    }

    /// Whether an earlier message of the subject has the same identity.
    async fn is_repeat(&self, message: &Stored) -> Result<bool, AccountError> {
        let identity = |of: &Stored| read_head(&of.subject, &of.body).ok().map(|head| head.key());
        let key = identity(message);
        let on_subject = self.shared.log.load_subject(&message.subject).await?;
        let earlier = on_subject.iter().take_while(|other| other.seq < message.seq);
        Ok(earlier.map(identity).any(|other| other == key))
    }

    /// How far a message counts, if it is a statement of this source.
    fn own_statement(&self, message: &Stored, ring: &KeyRing) -> Option<u64> {
        let Ok(Control::SourceStated(stated)) = parse_control(&message.subject, &message.body) else {
            return None;
        };
        let own =
            stated.source == self.shared.source && ring.has_signed(message, self.shared.source.as_str());
        own.then_some(stated.last_seq)
    }
}

impl Open {
    /// Forgets what a statement at `seq` has counted, which is what was stored up to `through`.
    fn begin_after(&mut self, seq: u64, through: u64) -> Result<(), JournalError> {
        self.after_seq = seq;
        self.acknowledged.retain(|(stored, _)| *stored > through);
        self.journal.restart(seq)?;
        let rest: Vec<(u64, Hash)> = self.acknowledged.iter().copied().collect();
        self.journal.note(&rest)
    }
}

impl Publishing<'_> {
    /// These events were stored and acknowledged.
    ///
    /// # Errors
    /// [`JournalError`] when that cannot be written down.
    pub fn acknowledged(&self, events: &[(u64, Hash)]) -> Result<(), JournalError> {
        let mut open = self.account.lock();
        open.journal.note(events)?;
        open.acknowledged.extend(events);
        Ok(())
    }

    /// It is not known whether an event was stored.
    pub fn uncertain(&self) {
        self.account.lock().is_uncertain = true;
    }
}
