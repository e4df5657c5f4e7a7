//! Cases followed through a stream in bounded memory: the last version and digest of each.
//!
//! The server says how many subjects there are; when they are more than are followed at once, the stream is read several
//! times, each time for the cases that fall to that reading by their hash.

use std::collections::BTreeMap;

use portbook_bus::Stored;
use portbook_ledger::{Hash, sha256};
use portbook_wire::subject::case_token;
use portbook_wire::{Decided, Mode, decode_event, event_digest};

/// Cases followed at once; each takes about 100 bytes.
const CASES_MAX: u64 = 1_000_000;

/// The cases that fall to one reading.
#[derive(Debug)]
pub(super) struct Links {
    reading: u64,
    readings: u64,
    cases: BTreeMap<[u8; 16], Last>,
}

#[derive(Debug, Clone, Copy)]
struct Last {
    version: u64,
    digest: Hash,
}

/// How a message stands to the case it belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// It decides nothing, or another reading follows its case.
    Aside,
    /// It is the next decision of its case.
    Next,
    /// It is not: a repeat, somebody else's word, or a fault.
    Astray,
}

impl Links {
    /// How many readings a stream with this many subjects needs.
    pub(super) const fn readings(subjects: u64) -> u64 {
        if subjects == 0 {
            1
        } else {
            subjects.div_ceil(CASES_MAX)
        }
    }

    /// The cases that fall to `reading` (from 0) of `readings`.
    pub(super) const fn new(reading: u64, readings: u64) -> Self {
        Self {
            reading,
            readings,
            cases: BTreeMap::new(),
        }
    }

    /// Cases that were followed.
    pub(super) fn count(&self) -> u64 {
        u64::try_from(self.cases.len()).unwrap_or(u64::MAX)
    }

    /// Takes in the next message of the stream.
    pub(super) fn take(&mut self, message: &Stored) -> Step {
        let Some((case, decided)) = self.decision_in(message) else {
            return Step::Aside;
        };
        let last = self.cases.get(&case);
        let fits = match (last, &decided.prev) {
            (None, None) => decided.sequence == 1,
            (Some(last), Some(prev)) => {
                decided.sequence == last.version + 1 && last.digest.to_hex() == prev.as_str()
            }
            (None, Some(_)) | (Some(_), None) => false,
        };
        if !fits {
            return Step::Astray;
        }
        // The digest is the one the next decision names.
        let Ok(digest) = Hash::from_hex(event_digest(&message.body).as_str()) else {
            return Step::Astray;
        };
        self.cases.insert(
            case,
            Last {
                version: decided.sequence,
                digest,
            },
        );
        Step::Next
    }

    fn decision_in(&self, message: &Stored) -> Option<([u8; 16], Decided)> {
        let case = case_key(&message.subject)?;
        if u64::from_be_bytes(*case.first_chunk()?) % self.readings != self.reading {
            return None;
        }
        let (envelope, _) = decode_event(&message.body).ok()?;
        match envelope.mode {
            Mode::Authoritative(decided) => Some((case, decided)),
            Mode::Observed => None,
        }
    }
}

fn case_key(subject: &str) -> Option<[u8; 16]> {
    let case = case_token(subject)?;
    sha256(&[case.as_bytes()]).as_bytes().first_chunk().copied()
}
