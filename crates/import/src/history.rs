//! What the stream holds of the cases an import touches.

use std::collections::{BTreeSet, HashMap};

use futures_util::{StreamExt, TryStreamExt, stream};
use portbook_bus::{Log, ReadError};
use portbook_wire::{EventKey, event_digest, read_head};

/// Cases remembered before the older half is forgotten; a forgotten case is read again.
const CASES_REMEMBERED: usize = 100_000;

/// Cases read at once: enough to hide the way to the server and back.
const READS_AT_ONCE: usize = 64;

/// Events of the cases that were looked at, bounded in number.
#[derive(Debug)]
pub(crate) struct History {
    log: Log,
    recent: HashMap<String, Case>,
    older: HashMap<String, Case>,
}

/// One case as the stream held it when it was last looked at.
#[derive(Debug, Default)]
struct Case {
    /// Sequence of its last message.
    last_seq: u64,
    /// Identity of every event and digest of every body it came with.
    events: BTreeSet<(EventKey, String)>,
}

/// How an event compares with what is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Familiarity {
    /// Its identity was never used.
    New,
    /// The same bytes are there.
    Repeated,
    /// Its identity is there, with other bytes only.
    Conflicting,
}

impl History {
    pub(crate) fn new(log: Log) -> Self {
        Self {
            log,
            recent: HashMap::new(),
            older: HashMap::new(),
        }
    }

    /// Reads every case of `subjects` that is not known, or that others have written to since.
    pub(crate) async fn look_at(&mut self, subjects: &BTreeSet<&str>) -> Result<(), ReadError> {
        let wanted: Vec<String> = subjects.iter().map(|subject| (*subject).to_owned()).collect();
        let last = self.log.last_by_subjects(&wanted).await?;
        self.make_room();
        let mut unknown = Vec::new();
        for subject in wanted {
            let known = self.take(&subject).unwrap_or_default();
            match last.get(&subject) {
                Some(message) if message.seq > known.last_seq => unknown.push((subject.clone(), message.seq)),
                Some(_) | None => {}
            }
            self.recent.insert(subject, known);
        }
        let log = &self.log;
        let reads = unknown.into_iter().map(|(subject, last_seq)| async move {
            let case = read(log, &subject, last_seq).await?;
            Ok::<_, ReadError>((subject, case))
        });
        let read: Vec<(String, Case)> = stream::iter(reads)
            .buffer_unordered(READS_AT_ONCE)
            .try_collect()
            .await?;
        for (subject, found) in read {
            // Some of what was noted may still be on its way: nothing known is dropped.
            let case = self.recent.entry(subject).or_default();
            case.last_seq = case.last_seq.max(found.last_seq);
            case.events.extend(found.events);
        }
        Ok(())
    }

    /// Compares an event of a case that was looked at.
    pub(crate) fn compare(&self, subject: &str, key: &EventKey, digest: &str) -> Familiarity {
        let Some(case) = self.recent.get(subject) else {
            return Familiarity::New;
        };
        if case.events.contains(&(*key, digest.to_owned())) {
            return Familiarity::Repeated;
        }
        // Digests are text that sorts behind the empty one: the first entry of this identity, if there is one.
        let mut same_id = case.events.range((*key, String::new())..);
        match same_id.next() {
            Some((found, _)) if found == key => Familiarity::Conflicting,
            Some(_) | None => Familiarity::New,
        }
    }

    /// Takes note of an event that is about to be published, so that a repeat further down the file is seen.
    pub(crate) fn note(&mut self, subject: &str, key: EventKey, digest: String) {
        self.recent
            .entry(subject.to_owned())
            .or_default()
            .events
            .insert((key, digest));
    }

    /// Takes note of where it was stored.
    pub(crate) fn note_seq(&mut self, subject: &str, seq: u64) {
        let case = self.recent.entry(subject.to_owned()).or_default();
        case.last_seq = case.last_seq.max(seq);
    }

    fn take(&mut self, subject: &str) -> Option<Case> {
        self.recent.remove(subject).or_else(|| self.older.remove(subject))
    }

    fn make_room(&mut self) {
        if self.recent.len() >= CASES_REMEMBERED / 2 {
            self.older = std::mem::take(&mut self.recent);
        }
    }
}

async fn read(log: &Log, subject: &str, last_seq: u64) -> Result<Case, ReadError> {
    let messages = log.load_subject_through(subject, last_seq).await?;
    let mut case = Case {
        last_seq,
        events: BTreeSet::new(),
    };
    for message in messages {
        case.last_seq = case.last_seq.max(message.seq);
        // What is no event has no identity to be repeated.
        if let Ok(head) = read_head(&message.subject, &message.body) {
            case.events
                .insert((head.key(), event_digest(&message.body).as_str().to_owned()));
        }
    }
    Ok(case)
}
