//! Every message of a stream, read again: is it there, does it equal its record, does it follow from its case?

use std::collections::BTreeSet;

use portbook_bus::{ApiError, Log, ReadError, Stored, StreamIdentity};
use portbook_domain::CaseId;
use portbook_ledger::Leaf;
use portbook_projector::difference;
use portbook_service::{Authorities, check_case};
use portbook_store::{Leaves, Packed, StoreError, StoreReader};
use portbook_wire::subject::case_token;

use super::finding::{Check, Findings};
use super::link::{Links, Step};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::session::Session;

/// Messages asked for at a time.
const READ_TOGETHER: usize = 1000;
/// Cases whose every message is read again because something about them is astray.
const JUDGED_MAX: usize = 1000;

/// What is read, and what it is compared with.
pub(super) struct Walk<'a> {
    pub(super) session: &'a Session,
    pub(super) log: Log,
    pub(super) identity: &'a StreamIdentity,
    /// The ledger and its size.
    pub(super) ledger: Option<(&'a StoreReader, u64)>,
    /// The services' keys.
    pub(super) authorities: Authorities,
}

/// What was read.
#[derive(Debug, Default)]
pub(super) struct Walked {
    pub(super) messages: u64,
    pub(super) cases: u64,
    pub(super) compared: u64,
}

/// What one reading of the stream carries along.
struct Reading {
    links: Links,
    /// Only the first reading compares.
    records: Option<Records>,
    is_first: bool,
    /// Subjects that were read again as a whole.
    judged: BTreeSet<String>,
}

impl Walk<'_> {
    /// Reads the stream, once for each million cases.
    pub(super) async fn run(&self, findings: &mut Findings) -> Result<Walked, Failure> {
        let last_seq = self.identity.last_seq;
        let readings = Links::readings(self.identity.subjects);
        let bar = self
            .session
            .speech
            .bar("reading", last_seq.saturating_mul(readings));
        let mut walked = Walked::default();
        for number in 0..readings {
            let is_first = number == 0;
            let ledger = self.ledger.filter(|_| is_first);
            let mut reading = Reading {
                links: Links::new(number, readings),
                records: ledger.map(|(reader, size)| Records::new(reader, size)),
                is_first,
                judged: BTreeSet::new(),
            };
            let mut next = 1;
            while next <= last_seq {
                let messages = self.read(next).await?;
                for message in messages.iter().filter(|message| message.seq <= last_seq) {
                    if is_first {
                        note_gap(next, message.seq, findings);
                    }
                    next = message.seq + 1;
                    self.take(message, &mut reading, &mut walked, findings).await?;
                }
                if messages.last().is_none_or(|last| last.seq > last_seq) {
                    if is_first {
                        note_gap(next, last_seq + 1, findings);
                    }
                    next = last_seq + 1;
                }
                bar.set_position(number * last_seq + next - 1);
            }
            walked.cases += reading.links.count();
        }
        bar.finish_and_clear();
        Ok(walked)
    }

    async fn take(
        &self,
        message: &Stored,
        reading: &mut Reading,
        walked: &mut Walked,
        findings: &mut Findings,
    ) -> Result<(), Failure> {
        walked.messages += u64::from(reading.is_first);
        if let Some(records) = &mut reading.records {
            walked.compared += u64::from(records.compare(message, findings)?);
        }
        match reading.links.take(message) {
            Step::Aside | Step::Next => Ok(()),
            Step::Astray => self.judge(message, &mut reading.judged, findings).await,
        }
    }

    /// The messages from `seq` on; none at the end of the stream.
    async fn read(&self, seq: u64) -> Result<Vec<Stored>, Failure> {
        match self.log.read_from(seq, READ_TOGETHER).await {
            // A message whose headers no client can parse breaks the connection each time it is sent.
            Err(ReadError::Api(ApiError::Unanswered { .. })) => self.read_singly(seq).await,
            read => Ok(read?),
        }
    }

    async fn read_singly(&self, seq: u64) -> Result<Vec<Stored>, Failure> {
        for seq in seq..=self.identity.last_seq {
            match self.log.get(seq).await {
                Ok(message) => return Ok(vec![message]),
                Err(ReadError::Missing { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(Vec::new())
    }

    /// Reads a case as its services read it: a repeat and a stranger's word are none of its decisions.
    async fn judge(
        &self,
        message: &Stored,
        judged: &mut BTreeSet<String>,
        findings: &mut Findings,
    ) -> Result<(), Failure> {
        let Some(case) = case_token(&message.subject).and_then(|case| CaseId::new(case).ok()) else {
            return Ok(());
        };
        if judged.len() >= JUDGED_MAX {
            findings.add(
                Check::Case,
                Some(message.seq),
                "too many cases are astray to look at each",
            );
            return Ok(());
        }
        if !judged.insert(message.subject.clone()) {
            return Ok(());
        }
        let messages = self.log.load_subject(&message.subject).await?;
        if let Err(fault) = check_case(&case, &messages, &self.authorities) {
            findings.add(Check::Case, Some(message.seq), format!("case {case}: {fault}"));
        }
        Ok(())
    }
}

fn note_gap(expected: u64, found: u64, findings: &mut Findings) {
    let last = found - 1;
    match last.checked_sub(expected) {
        None => {}
        Some(0) => findings.add(
            Check::Gap,
            Some(expected),
            format!("message {expected} is missing"),
        ),
        Some(_) => findings.add(
            Check::Gap,
            Some(expected),
            format!("messages {expected} to {last} are missing"),
        ),
    }
}

/// The leaves of a ledger, in step with the messages they were made of.
struct Records {
    leaves: Leaves,
    size: u64,
    packed: Option<Packed>,
}

impl Records {
    fn new(reader: &StoreReader, size: u64) -> Self {
        Self {
            leaves: reader.leaves(0..size),
            size,
            packed: None,
        }
    }

    /// Compares a message with its leaf; `false` when the ledger has not come to it or they differ.
    fn compare(&mut self, message: &Stored, findings: &mut Findings) -> Result<bool, Failure> {
        let Some(index) = message.seq.checked_sub(1).filter(|index| *index < self.size) else {
            return Ok(false);
        };
        let leaf = self.leaf(index)?;
        let field = match Leaf::decode(&leaf) {
            Ok(leaf) => difference(&leaf, message),
            Err(error) => {
                let failure = Failure::of(Exit::LedgerFault, &error);
                return Err(failure.hint("portbook verify --all says more"));
            }
        };
        if let Some(field) = field {
            let says = format!("message {} differs from leaf {index}: {field}", message.seq);
            findings.add(Check::Record, Some(message.seq), says);
        }
        Ok(field.is_none())
    }

    fn leaf(&mut self, index: u64) -> Result<Vec<u8>, StoreError> {
        loop {
            let within = self.packed.as_ref().and_then(|packed| {
                let at = usize::try_from(index.checked_sub(packed.first)?).ok()?;
                packed.iter().nth(at).map(<[u8]>::to_vec)
            });
            if let Some(leaf) = within {
                return Ok(leaf);
            }
            let missing = StoreError::LeafMissing {
                index,
                size: self.size,
            };
            self.packed = Some(self.leaves.next().ok_or(missing)??);
        }
    }
}
