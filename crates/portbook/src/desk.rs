//! Where a running portbook answers questions about facts: it keeps them in memory, folded on as the ledger grows.

use std::future::Future;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use clap::Parser;
use portbook_audit::{FactsAt, KeptFacts, Prefix, QuestionError, sealed_prefix};
use portbook_fold::Sealed;
use portbook_store::{StoreReader, listen_privately};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;

use crate::args::Cli;
use crate::command::answers::asking::{ANSWERED, Asking, program};
use crate::command::answers::tell;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::reference::{self, Tables};
use crate::session::speech_of;
use crate::speech::{Sink, Speech};

/// Longest question, in bytes.
const QUESTION_BYTES_MAX: u64 = 64 * 1024;
/// Longest wait for a question, and for its answer to be taken.
const TALK_TIMEOUT: Duration = Duration::from_secs(30);
/// Questions answered at once; each takes a core.
const ANSWERS_MAX: usize = 4;

/// The facts of the ledger up to its newest seal.
#[derive(Debug)]
pub(crate) struct LiveFacts {
    reader: StoreReader,
    at: RwLock<FactsAt>,
}

impl LiveFacts {
    /// Facts of the ledger behind `reader`, none of them folded yet.
    pub(crate) fn of(reader: StoreReader) -> Self {
        Self {
            reader,
            at: RwLock::new(FactsAt::empty()),
        }
    }

    /// Goes on from what is kept of an earlier fold, when it is of this ledger.
    pub(crate) fn go_on_from(&self, kept: &KeptFacts) -> Result<(), QuestionError> {
        let size_max = self.reader.book()?.size();
        if let Some(loaded) = kept.load(&self.reader, size_max)? {
            *self.at.write().unwrap_or_else(PoisonError::into_inner) = loaded;
        }
        Ok(())
    }

    /// Writes the facts down when `due` says so of how many leaves are kept and how many are folded.
    pub(crate) fn write_down(
        &self,
        kept: &KeptFacts,
        due: impl FnOnce(u64, u64) -> bool,
    ) -> Result<(), QuestionError> {
        let before = kept.size().unwrap_or(0);
        self.read(|at| {
            if due(before, at.size) {
                kept.write(at)
            } else {
                Ok(())
            }
        })
    }

    /// Folds on to the newest seal, if there is one.
    pub(crate) fn fold_on(&self) -> Result<(), QuestionError> {
        let Some(sealed) = self.newest_seal()?.filter(|sealed| !self.holds(sealed)) else {
            return Ok(());
        };
        let mut at = self.at.write().unwrap_or_else(PoisonError::into_inner);
        let folded = at.fold_on(&self.reader, &sealed, |_| {});
        if folded.is_err() {
            // Half a prefix is none.
            *at = FactsAt::empty();
        }
        folded
    }

    /// How many of the first `size` leaves do not wait to be folded: behind the newest seal none does.
    pub(crate) fn covered(&self, size: u64) -> Result<u64, QuestionError> {
        let waits = self.newest_seal()?.is_some_and(|sealed| !self.holds(&sealed));
        Ok(if waits { self.size() } else { size })
    }

    fn newest_seal(&self) -> Result<Option<Sealed>, QuestionError> {
        match sealed_prefix(&self.reader, Prefix::Newest) {
            Err(QuestionError::NoSeal) => Ok(None),
            sealed => sealed.map(Some),
        }
    }

    fn holds(&self, sealed: &Sealed) -> bool {
        sealed.index.get() < self.size()
    }

    /// How many leaves are folded.
    pub(crate) fn size(&self) -> u64 {
        self.read(|at| at.size)
    }

    /// What `look` makes of the facts; while it looks they do not move on.
    pub(crate) fn read<T>(&self, look: impl FnOnce(&FactsAt) -> T) -> T {
        look(&self.at.read().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Answers whoever connects to `socket` from `facts`, until `stop`.
pub(crate) async fn answer_askers(
    socket: &Path,
    facts: Arc<LiveFacts>,
    stop: impl Future<Output = ()>,
) -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure::file("listen on", socket, &error);
    let listener = listen_privately(socket).map_err(failed)?;
    let _listening = Listening(socket);
    listener.set_nonblocking(true).map_err(failed)?;
    let listener = UnixListener::from_std(listener).map_err(failed)?;
    let desk = Arc::new(Desk {
        facts,
        tables: reference::load()?,
        program: program()
            .ok_or_else(|| Failure::new(Exit::InputOutput, "could not look at this program"))?,
    });
    let room = Arc::new(Semaphore::new(ANSWERS_MAX));
    tokio::pin!(stop);
    loop {
        let accepted = tokio::select! {
            () = &mut stop => break,
            accepted = listener.accept() => accepted,
        };
        let (Ok((stream, _)), Ok(place)) = (accepted, Arc::clone(&room).acquire_owned().await) else {
            continue;
        };
        let desk = Arc::clone(&desk);
        tokio::spawn(async move {
            // Whatever ends the conversation, who asked works it out alone.
            tokio::time::timeout(TALK_TIMEOUT, desk.talk(stream))
                .await
                .unwrap_or_default();
            drop(place);
        });
    }
    Ok(())
}

/// A socket that nobody listens on any more would lead to nobody.
struct Listening<'a>(&'a Path);

impl Drop for Listening<'_> {
    fn drop(&mut self) {
        std::fs::remove_file(self.0).unwrap_or_default();
    }
}

/// What questions are answered with.
#[derive(Debug)]
struct Desk {
    facts: Arc<LiveFacts>,
    tables: Tables,
    program: String,
}

impl Desk {
    async fn talk(self: Arc<Self>, mut stream: UnixStream) {
        let (reading, mut writing) = stream.split();
        let mut line = String::new();
        let read = BufReader::new(reading.take(QUESTION_BYTES_MAX))
            .read_line(&mut line)
            .await;
        if read.is_err() {
            return;
        }
        let answered = tokio::task::spawn_blocking(move || self.answer(&line)).await;
        let reply = match answered {
            Ok(Some(answer)) => format!("{ANSWERED}{}\n{answer}", answer.len()),
            Ok(None) | Err(_) => "not answered\n".to_owned(),
        };
        writing.write_all(reply.as_bytes()).await.unwrap_or_default();
    }

    /// The answer to a question; none when whoever asks has to work it out, which also says why it cannot be answered.
    fn answer(&self, line: &str) -> Option<String> {
        let asking: Asking = serde_json::from_str(line).ok()?;
        if asking.program != self.program {
            return None;
        }
        let words = std::iter::once("portbook".to_owned()).chain(asking.words);
        let cli = Cli::try_parse_from(words).ok()?;
        self.facts.fold_on().ok()?;
        let text = Arc::new(Mutex::new(String::new()));
        let speech = Speech {
            sink: Sink::Text(Arc::clone(&text)),
            ..speech_of(&cli.global)
        };
        let told = self.facts.read(|at| {
            // A ledger without a seal has no answers yet; who asks says so.
            at.size > 0 && tell(&speech, at, &self.tables, &cli.command).is_ok_and(|told| told)
        });
        let text = text.lock().unwrap_or_else(PoisonError::into_inner);
        told.then(|| text.clone())
    }
}
