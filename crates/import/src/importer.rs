//! The import: chunk by chunk, each checked against the stream while the one before is being published.

use std::collections::VecDeque;
use std::io::BufRead;

use futures_util::stream::{self, BoxStream, StreamExt as _};
use portbook_bus::{Appended, BegunBatch, Bus, Log, Outgoing, PublishError, Publisher, ReadError};
use portbook_ledger::Hash;
use portbook_source::{Account, AccountError, EventSigner, JournalError};
use portbook_wire::observation::{BadLine, Observations};
use portbook_wire::{EncodeError, Quarantine, Source, observation};
use tokio::sync::oneshot::error::RecvError;
use tokio::sync::{mpsc, oneshot};
use tokio::task::{JoinError, JoinHandle};

use crate::history::{Familiarity, Findings, History};
use crate::preparation::{LINES_TOGETHER, Line, Message, Part, Preparation, Prepared, read_all};
use crate::workers::Workers;

/// Parts of a file read ahead of being prepared.
const PARTS_AHEAD: usize = 2;
/// Parts being prepared, or waiting prepared for those before them.
const PARTS_AT_ONCE: usize = 4;
/// Lines published together: the most an atomic batch of the server takes.
const CHUNK_LINES: usize = 2 * LINES_TOGETHER;
/// Chunks looked up ahead: the server answers only between two syncs.
const CHUNKS_LOOKED_UP: usize = 1;

/// Events that one statement counts, about: bounds what is kept in memory until they are stated.
const STATED_TOGETHER: usize = 100_000;

/// Publishes observed facts of one source.
#[derive(Debug)]
pub struct Importer {
    publisher: Publisher,
    history: History,
    preparation: Preparation,
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
    /// There are no threads to prepare lines on.
    #[error("could not start threads")]
    Threads(#[source] std::io::Error),
    /// A thread that prepared lines ended in a panic.
    #[error("preparing lines ended unexpectedly")]
    Unprepared(#[from] RecvError),
    /// A task of the import ended in a panic.
    #[error("reading or publishing lines ended unexpectedly")]
    Worker(#[from] JoinError),
}

impl Importer {
    /// An importer that publishes for `source`, signed by `signer`.
    #[must_use]
    pub fn new(bus: &Bus, publisher: Publisher, source: Source, signer: EventSigner) -> Self {
        Self {
            publisher,
            history: History::new(Log::ledger(bus)),
            preparation: Preparation { source, signer },
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
        let ended = self.import_all(observations, reject, progress).await;
        if ended.is_err() {
            self.history.forget();
        }
        ended
    }

    async fn import_all<R: BufRead + Send + 'static>(
        &mut self,
        observations: Observations<R>,
        reject: &mut (dyn FnMut(&BadLine) -> std::io::Result<()> + Send),
        progress: &mut (dyn FnMut(&Tally) + Send),
    ) -> Result<Tally, ImportError> {
        let (sender, parts) = mpsc::channel(PARTS_AHEAD);
        let reading = tokio::task::spawn_blocking(move || read_all(observations, &sender));
        let mut prepared = self.prepare_ahead(parts)?;
        let mut tally = Tally::default();
        let mut looked_up: VecDeque<Waiting> = VecDeque::new();
        let mut under_way = None;
        let mut broken = None;
        while broken.is_none()
            && let Some((lines, error)) = next_chunk(&mut prepared).await?
        {
            broken = error;
            let ready = sort_out(lines, reject, &mut tally)?;
            let subjects = ready
                .iter()
                .map(|event| event.outgoing.subject.as_str())
                .collect();
            let look = self.history.look_at(&subjects);
            looked_up.push_back(Waiting { ready, look });
            // While nothing is under way there is nothing to look ahead beside.
            if looked_up.len() > CHUNKS_LOOKED_UP || under_way.is_none() {
                self.proceed(&mut looked_up, &mut under_way, &mut tally).await?;
            }
            if self.waiting_to_be_stated() >= STATED_TOGETHER {
                self.land(&mut under_way, &mut tally).await?;
                self.state().await?;
            }
            progress(&tally);
        }
        while !looked_up.is_empty() {
            self.proceed(&mut looked_up, &mut under_way, &mut tally).await?;
        }
        self.land(&mut under_way, &mut tally).await?;
        self.state().await?;
        if let Some(error) = broken {
            return Err(error);
        }
        reading.await?;
        progress(&tally);
        Ok(tally)
    }

    /// Prepares what was read, parts at once and in order.
    fn prepare_ahead(&self, mut parts: mpsc::Receiver<Part>) -> Result<Ahead, ImportError> {
        let workers = Workers::start(&self.preparation).map_err(ImportError::Threads)?;
        let parts = stream::poll_fn(move |context| parts.poll_recv(context));
        let prepared = parts.map(move |part| workers.prepare(part));
        Ok(prepared.buffered(PARTS_AT_ONCE).boxed())
    }

    /// Sends the chunk that was looked up first, but for its end: that follows once the chunk before is stored. Of two that
    /// are whole under way the second may be stored first, and with it the later events of a case.
    async fn proceed(
        &mut self,
        looked_up: &mut VecDeque<Waiting>,
        under_way: &mut Option<Flight>,
        tally: &mut Tally,
    ) -> Result<(), ImportError> {
        let Some(Waiting { ready, look }) = looked_up.pop_front() else {
            return Ok(());
        };
        self.history.learn(look.await??);
        let (messages, sent) = self.choose(ready, tally);
        let begun = self.publisher.begin_batch(messages).await;
        let next = Flight::start(begun, sent, under_way.as_mut());
        self.land(under_way, tally).await?;
        *under_way = Some(next);
        Ok(())
    }

    /// Waits for the chunk under way.
    async fn land(&mut self, under_way: &mut Option<Flight>, tally: &mut Tally) -> Result<(), ImportError> {
        let Some(Flight { sent, results, .. }) = under_way.take() else {
            return Ok(());
        };
        self.settle(&sent, results.await?, tally).await
    }

    fn choose(&mut self, ready: Vec<Message>, tally: &mut Tally) -> (Vec<Outgoing>, Vec<Sent>) {
        let mut messages = Vec::with_capacity(ready.len());
        let mut sent = Vec::with_capacity(ready.len());
        for Message {
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
            sent.push(Sent {
                subject: outgoing.subject.clone(),
                familiarity,
                digest,
            });
            messages.push(outgoing);
        }
        (messages, sent)
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
            self.history.note_stored(&sent.subject, appended.seq);
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

    fn waiting_to_be_stated(&self) -> usize {
        self.account.as_ref().map_or(0, Account::waiting)
    }

    /// States what was published. Nothing may be under way.
    async fn state(&self) -> Result<(), ImportError> {
        if let Some(account) = self.account.as_ref().filter(|account| account.waiting() > 0) {
            account.state().await?;
        }
        Ok(())
    }
}

/// A chunk whose cases are being looked up.
struct Waiting {
    ready: Vec<Message>,
    look: JoinHandle<Result<Findings, ReadError>>,
}

/// A chunk under way.
struct Flight {
    sent: Vec<Sent>,
    results: JoinHandle<Vec<Result<Appended, PublishError>>>,
    /// Says that all of it is stored; for the chunk that follows.
    stored: Option<oneshot::Receiver<()>>,
}

impl Flight {
    /// Stores what is begun as soon as the chunk `before` is stored, without a detour through whoever waits for either.
    /// Where that one is not stored, this one is not either.
    fn start(begun: BegunBatch, sent: Vec<Sent>, before: Option<&mut Self>) -> Self {
        let stored_before = before.and_then(|before| before.stored.take());
        let (tell, stored) = oneshot::channel();
        let results = tokio::spawn(async move {
            if let Some(stored_before) = stored_before
                && stored_before.await.is_err()
            {
                return Vec::new();
            }
            let results = begun.commit().await;
            if results.iter().all(Result::is_ok) {
                // Nobody listens when this chunk is the last.
                tell.send(()).unwrap_or_default();
            }
            results
        });
        Self {
            sent,
            results,
            stored: Some(stored),
        }
    }
}

/// Parts of a file in order, prepared.
type Ahead = BoxStream<'static, Result<Prepared, RecvError>>;

/// The lines of the next chunk; none when the file has ended.
async fn next_chunk(prepared: &mut Ahead) -> Result<Option<Prepared>, ImportError> {
    let mut chunk = Vec::with_capacity(CHUNK_LINES);
    while chunk.len() < CHUNK_LINES {
        match prepared.next().await {
            Some(part) => {
                let (lines, error) = part?;
                chunk.extend(lines);
                if error.is_some() {
                    return Ok(Some((chunk, error)));
                }
            }
            None if chunk.is_empty() => return Ok(None),
            None => break,
        }
    }
    Ok(Some((chunk, None)))
}

/// What is known of a message that is under way.
struct Sent {
    subject: String,
    familiarity: Familiarity,
    digest: Hash,
}

fn sort_out(
    chunk: Vec<Line>,
    reject: &mut (dyn FnMut(&BadLine) -> std::io::Result<()> + Send),
    tally: &mut Tally,
) -> Result<Vec<Message>, ImportError> {
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
