//! The import: chunk by chunk, each checked against the stream while the one before is being published.

use std::collections::BTreeSet;
use std::io::BufRead;

use portbook_bus::{Appended, Bus, Log, Outgoing, PublishError, Publisher, ReadError};
use portbook_ledger::{Hash, SecretKey, sha256};
use portbook_source::{Account, AccountError, JournalError};
use portbook_wire::observation::{BadLine, Observations};
use portbook_wire::{EncodeError, Quarantine, Source, observation};
use tokio::sync::mpsc;
use tokio::task::JoinError;

use crate::history::{Familiarity, History};
use crate::preparation::{CHUNKS_AHEAD, Line, Prepared, prepare_all};

/// Events that one statement counts, about: bounds what is kept in memory until they are stated.
const STATED_TOGETHER: usize = 100_000;

/// Publishes observed facts of one source.
#[derive(Debug)]
pub struct Importer {
    publisher: Publisher,
    history: History,
    source: Source,
    key: SecretKey,
    account: Option<Account>,
}

/// What an import did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// Lines read.
    pub lines: u64,
    /// New events, published.
    pub recorded: u64,
    /// Events that were there already, byte for byte: absorbed, not published.
    pub redelivered: u64,
    /// Other contents under a known id: published as the evidence they are.
    pub conflicting: u64,
    /// Lines that are no observation.
    pub rejected: u64,
    /// Sequence of the last message published; 0 when there was none.
    pub last_seq: u64,
}

/// Why an import stopped. Everything counted before is stored; importing again goes on from there.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The file cannot be read on.
    #[error(transparent)]
    Unreadable(observation::ReadError),
    /// An observation has no bytes.
    #[error("line {line} cannot be written as an event")]
    Unwritable {
        /// Number of the line.
        line: u64,
        /// Why.
        #[source]
        source: EncodeError,
    },
    /// The ledger would not take the event.
    #[error("line {line} makes an event the ledger would quarantine: {reason}")]
    NotRecordable {
        /// Number of the line.
        line: u64,
        /// Why.
        reason: Quarantine,
    },
    /// The stream cannot be read.
    #[error("could not look up what the stream holds")]
    Read(#[from] ReadError),
    /// A message was not stored.
    #[error("could not publish")]
    Publish(#[from] PublishError),
    /// A rejected line could not be kept.
    #[error("could not keep a rejected line")]
    Rejects(#[source] std::io::Error),
    /// What was published could not be taken into account.
    #[error("could not state what was published")]
    Account(#[from] AccountError),
    /// The journal of the source cannot be written.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The preparing thread ended in a panic.
    #[error("preparing lines ended unexpectedly")]
    Worker(#[from] JoinError),
}

impl Importer {
    /// An importer that publishes for `source`, signed with `key`.
    #[must_use]
    pub fn new(bus: &Bus, publisher: Publisher, source: Source, key: SecretKey) -> Self {
        Self {
            publisher,
            history: History::new(Log::ledger(bus)),
            source,
            key,
            account: None,
        }
    }

    /// Lets the import state what it publishes into `account`.
    #[must_use]
    pub fn stating(self, account: Account) -> Self {
        Self {
            account: Some(account),
            ..self
        }
    }

    /// Imports every observation. Bad lines go to `reject`; `progress` is told the tally after each chunk.
    ///
    /// # Errors
    /// [`ImportError`] when it had to stop; what was published before stays.
    pub async fn import<R: BufRead + Send + 'static>(
        &mut self,
        observations: Observations<R>,
        reject: &mut (dyn FnMut(&BadLine) -> std::io::Result<()> + Send),
        progress: &mut (dyn FnMut(&Tally) + Send),
    ) -> Result<Tally, ImportError> {
        let (sender, mut chunks) = mpsc::channel(CHUNKS_AHEAD);
        let (source, key) = (self.source.clone(), self.key.clone());
        let preparing =
            tokio::task::spawn_blocking(move || prepare_all(observations, &source, &key, &sender));
        let mut tally = Tally::default();
        let mut under_way: Vec<Chosen> = Vec::new();
        while let Some(chunk) = chunks.recv().await {
            let ready = sort_out(chunk?, reject, &mut tally)?;
            let subjects: BTreeSet<&str> = ready
                .iter()
                .map(|event| event.outgoing.subject.as_str())
                .collect();
            // The chunk before is published while this one is looked up: neither needs the other's answer, because what
            // is under way was noted before.
            let publisher = self.publisher.clone();
            let (sent, names) = apart(std::mem::take(&mut under_way));
            let (results, looked) =
                tokio::join!(publisher.publish_batch(sent), self.history.look_at(&subjects));
            self.settle(&names, results, &mut tally).await?;
            looked?;
            self.state_if(|waiting| waiting >= STATED_TOGETHER).await?;
            under_way = self.choose(ready, &mut tally);
            progress(&tally);
        }
        let (sent, names) = apart(under_way);
        let results = self.publisher.publish_batch(sent).await;
        self.settle(&names, results, &mut tally).await?;
        self.state_if(|waiting| waiting > 0).await?;
        preparing.await?;
        progress(&tally);
        Ok(tally)
    }

    fn choose(&mut self, ready: Vec<Prepared>, tally: &mut Tally) -> Vec<Chosen> {
        let mut chosen = Vec::with_capacity(ready.len());
        for Prepared {
            key,
            digest,
            outgoing,
        } in ready
        {
            let familiarity = self.history.compare(&outgoing.subject, &key, &digest);
            if familiarity == Familiarity::Repeated {
                tally.redelivered += 1;
                continue;
            }
            self.history.note(&outgoing.subject, key, digest);
            chosen.push(Chosen {
                outgoing,
                familiarity,
            });
        }
        chosen
    }

    async fn settle(
        &mut self,
        published: &[Sent],
        results: Vec<Result<Appended, PublishError>>,
        tally: &mut Tally,
    ) -> Result<(), ImportError> {
        self.account_for(published, &results).await?;
        for (sent, result) in published.iter().zip(results) {
            let appended = result?;
            self.history.note_seq(&sent.subject, appended.seq);
            tally.last_seq = tally.last_seq.max(appended.seq);
            match sent.familiarity {
                Familiarity::Conflicting => tally.conflicting += 1,
                Familiarity::New | Familiarity::Repeated => tally.recorded += 1,
            }
        }
        Ok(())
    }

    /// Takes what was acknowledged into the account. A conflicting event is evidence, but none of the source's events.
    async fn account_for(
        &self,
        published: &[Sent],
        results: &[Result<Appended, PublishError>],
    ) -> Result<(), ImportError> {
        let Some(account) = &self.account else {
            return Ok(());
        };
        let publishing = account.publishing().await;
        let mut acknowledged = Vec::with_capacity(results.len());
        for (sent, result) in published.iter().zip(results) {
            match result {
                Ok(appended) if sent.familiarity == Familiarity::New => {
                    acknowledged.push((appended.seq, sent.digest));
                }
                Ok(_) => {}
                Err(_) => publishing.uncertain(),
            }
        }
        Ok(publishing.acknowledged(&acknowledged)?)
    }

    /// States what was published, when enough waits. Nothing is under way then.
    async fn state_if(&self, enough: impl Fn(usize) -> bool) -> Result<(), ImportError> {
        if let Some(account) = &self.account
            && enough(account.waiting())
        {
            account.state().await?;
        }
        Ok(())
    }
}

/// A message chosen to be published, and how it was counted.
struct Chosen {
    outgoing: Outgoing,
    familiarity: Familiarity,
}

/// What is known of a message that is under way.
struct Sent {
    subject: String,
    familiarity: Familiarity,
    digest: Hash,
}

fn apart(chosen: Vec<Chosen>) -> (Vec<Outgoing>, Vec<Sent>) {
    let noted = |one: &Chosen| Sent {
        subject: one.outgoing.subject.clone(),
        familiarity: one.familiarity,
        digest: sha256(&[&one.outgoing.body]),
    };
    let sent = chosen.iter().map(noted).collect();
    (chosen.into_iter().map(|one| one.outgoing).collect(), sent)
}

fn sort_out(
    chunk: Vec<Line>,
    reject: &mut (dyn FnMut(&BadLine) -> std::io::Result<()> + Send),
    tally: &mut Tally,
) -> Result<Vec<Prepared>, ImportError> {
    let mut ready = Vec::with_capacity(chunk.len());
    for line in chunk {
        tally.lines += 1;
        match line {
            Line::Ready(prepared) => ready.push(prepared),
            Line::Bad(bad) => {
                reject(&bad).map_err(ImportError::Rejects)?;
                tally.rejected += 1;
            }
        }
    }
    Ok(ready)
}
