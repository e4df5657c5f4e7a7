//! What the stream holds of the cases an import touches.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use futures_util::{StreamExt, TryStreamExt, stream};
use portbook_bus::{Log, ReadError};
use portbook_ledger::{Hash, sha256};
use portbook_wire::{EventKey, read_head};
use tokio::task::JoinHandle;

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
    /// Sequence of this import's last message.
    own_seq: Option<u64>,
    /// Counts how often somebody else had written between. What was looked at since the last time needs no second look.
    round: u64,
}

/// One case as the stream held it when it was last looked at.
#[derive(Debug, Default)]
pub(crate) struct Case {
    /// Sequence of its last message.
    last_seq: u64,
    /// The round in which it was looked at; none while it was only noted.
    looked_at: Option<u64>,
    /// Identity of every event and digest of every body it came with.
    events: BTreeSet<(EventKey, Hash)>,
}

/// What a look at the stream found: cases with messages that were not known.
pub(crate) type Findings = Vec<(String, Case)>;

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
            own_seq: None,
            round: 0,
        }
    }

    /// Begins to read every case of `subjects` that is not known, or that others may have written to since.
    ///
    /// Between the look and the moment an event is stored somebody else may store the same one; the ledger then records
    /// the second as a redelivery, which changes no view.
    pub(crate) fn look_at(&mut self, subjects: &BTreeSet<&str>) -> JoinHandle<Result<Findings, ReadError>> {
        self.make_room();
        let mut wanted = BTreeMap::new();
        for subject in subjects {
            let round = self.round;
            self.change(subject, |case| {
                if case.looked_at != Some(round) {
                    case.looked_at = Some(round);
                    wanted.insert((*subject).to_owned(), case.last_seq);
                }
            });
        }
        tokio::spawn(look(self.log.clone(), wanted))
    }

    /// Takes up what a look found. Some of what was noted may still be on its way: nothing known is dropped.
    pub(crate) fn learn(&mut self, findings: Findings) {
        for (subject, found) in findings {
            self.change(&subject, |case| {
                case.last_seq = case.last_seq.max(found.last_seq);
                case.events.extend(found.events);
            });
        }
    }

    /// Compares an event of a case that was looked at.
    pub(crate) fn compare(&self, subject: &str, key: &EventKey, digest: &Hash) -> Familiarity {
        let Some(case) = self.recent.get(subject).or_else(|| self.older.get(subject)) else {
            return Familiarity::New;
        };
        if case.events.contains(&(*key, *digest)) {
            return Familiarity::Repeated;
        }
        // The first entry of this identity, if there is one.
        let mut same_id = case.events.range((*key, Hash::ZERO)..);
        match same_id.next() {
            Some((found, _)) if found == key => Familiarity::Conflicting,
            Some(_) | None => Familiarity::New,
        }
    }

    /// Takes note of an event that is about to be published, so that a repeat further down the file is seen.
    pub(crate) fn note(&mut self, subject: &str, key: EventKey, digest: Hash) {
        self.change(subject, |case| {
            case.events.insert((key, digest));
        });
    }

    /// Takes note of where an event was stored. A gap behind the one before means that somebody else writes as well.
    pub(crate) fn note_stored(&mut self, subject: &str, seq: u64) {
        self.change(subject, |case| case.last_seq = case.last_seq.max(seq));
        if self.own_seq.is_some_and(|own| own.checked_add(1) != Some(seq)) {
            self.round += 1;
        }
        self.own_seq = Some(seq);
    }

    /// Forgets everything: what was noted may not have been stored.
    pub(crate) fn forget(&mut self) {
        *self = Self::new(self.log.clone());
    }

    /// Changes what is known of a case, which is recent from then on.
    fn change(&mut self, subject: &str, change: impl FnOnce(&mut Case)) {
        if let Some(case) = self.recent.get_mut(subject) {
            return change(case);
        }
        let mut case = self.older.remove(subject).unwrap_or_default();
        change(&mut case);
        self.recent.insert(subject.to_owned(), case);
    }

    fn make_room(&mut self) {
        if self.recent.len() >= CASES_REMEMBERED / 2 {
            self.older = std::mem::take(&mut self.recent);
        }
    }
}

/// Reads the cases behind `wanted` in which the stream has messages after those known.
async fn look(log: Log, wanted: BTreeMap<String, u64>) -> Result<Findings, ReadError> {
    let subjects: Vec<String> = wanted.keys().cloned().collect();
    let last = log.last_by_subjects(&subjects).await?;
    let (log, wanted) = (&log, &wanted);
    let fresh = last
        .into_iter()
        .filter(|(subject, message)| wanted.get(subject).is_some_and(|known| message.seq > *known));
    let reads = fresh.map(|(subject, message)| async move {
        let case = read(log, &subject, message.seq).await?;
        Ok::<_, ReadError>((subject, case))
    });
    stream::iter(reads)
        .buffer_unordered(READS_AT_ONCE)
        .try_collect()
        .await
}

async fn read(log: &Log, subject: &str, last_seq: u64) -> Result<Case, ReadError> {
    let messages = log.load_subject_through(subject, last_seq).await?;
    let mut case = Case {
        last_seq,
        looked_at: None,
        events: BTreeSet::new(),
    };
    for message in messages {
        case.last_seq = case.last_seq.max(message.seq);
        // What is no event has no identity to be repeated.
        if let Ok(head) = read_head(&message.subject, &message.body) {
            case.events.insert((head.key(), sha256(&[&message.body])));
        }
    }
    Ok(case)
}
