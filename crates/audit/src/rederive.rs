//! What was recorded, derived again from the recorded messages: placement of every event, and every signature.

use std::collections::BTreeMap;

use portbook_fold::{Book, Delivery, SourceBook, replay_control};
use portbook_ledger::{Chain, Hash, Index, Leaf, Record, RecordKind};
use portbook_store::{Packed, StoreError, StoreReader, Verdict, for_each_in_order};
use portbook_wire::read_head;
use portbook_wire::subject::is_control;

use crate::attestor::{contested_by, verdicts_of};
use crate::epoch::{Epoch, epoch_of};
use crate::source_step::{SourceStep, source_step};

/// Leaves named in a report; the rest is only counted.
const UNSUPPORTED_MAX: usize = 20;

/// Signatures by verdict.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SignatureCounts {
    /// Events with each verdict; what does not occur is left out.
    pub by_verdict: BTreeMap<Verdict, u64>,
    /// Valid signatures that a later revocation contests.
    pub contested: u64,
}

/// What deriving again found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rederived {
    /// Signatures by verdict.
    pub signatures: SignatureCounts,
    /// The first leaves whose signature says nothing, at most 20, and why.
    pub unsupported: Vec<(u64, Verdict)>,
    /// What the sources stated, compared with what was recorded of them.
    pub sources: SourceBook,
    /// The first record that is not where the rules put it.
    pub misplaced: Option<Misplaced>,
}

impl SignatureCounts {
    /// Events with this verdict.
    #[must_use]
    pub fn of(&self, verdict: Verdict) -> u64 {
        self.by_verdict.get(&verdict).copied().unwrap_or_default()
    }
}

/// A record that is not where the rules put it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("leaf {index} is recorded in {found}, but {rule}")]
pub struct Misplaced {
    /// Its leaf index.
    pub index: u64,
    /// The chain it is in.
    pub found: Chain,
    /// What the rules say.
    pub rule: String,
}

/// Port aliases in force from a leaf on.
type AliasesFrom = (u64, BTreeMap<String, String>);

/// The control messages of a ledger, replayed in order.
#[derive(Debug, Default)]
pub(crate) struct Governance {
    book: Book,
    aliases: Vec<AliasesFrom>,
    disbelieved: Option<Misplaced>,
    epochs: Vec<Epoch>,
}

impl Governance {
    /// Replays one recorded control message; `root` is the root of all leaves before it. Of a message in quarantine it
    /// makes sure that it belongs there.
    pub(crate) fn take(&mut self, index: u64, record: &Record<'_>, root: Hash) {
        if record.kind == RecordKind::Control {
            match epoch_of(index, record, root) {
                Ok(epoch) => self.epochs.extend(epoch),
                Err(rule) => self.disbelieve(index, record, rule),
            }
        }
        let Some(at) = Index::new(index) else { return };
        let delivery = Delivery {
            seq: record.stream_seq,
            recorded_at_ns: record.recorded_at_ns,
            subject: record.subject.to_owned(),
            signature: record.signature.map(|signature| signature.to_string()),
            body: record.body.to_vec().into(),
        };
        if record.kind == RecordKind::Quarantine {
            if is_control(record.subject) && replay_control(&mut self.book.clone(), &delivery, at).is_ok() {
                self.disbelieve(index, record, "its message would have been believed".to_owned());
            }
            return;
        }
        match replay_control(&mut self.book, &delivery, at) {
            Ok(())
                if self
                    .aliases
                    .last()
                    .is_none_or(|(_, last)| *last != self.book.port_aliases) =>
            {
                self.aliases.push((index, self.book.port_aliases.clone()));
            }
            Ok(()) => {}
            Err(reason) => {
                let rule = format!("its message would not have been believed: {reason}");
                self.disbelieve(index, record, rule);
            }
        }
    }

    /// The epochs that were declared.
    pub(crate) fn into_epochs(self) -> Vec<Epoch> {
        self.epochs
    }

    fn disbelieve(&mut self, index: u64, record: &Record<'_>, rule: String) {
        self.disbelieved.get_or_insert(Misplaced {
            index,
            found: record.chain,
            rule,
        });
    }

    fn aliases_at(&self, index: u64) -> Option<&BTreeMap<String, String>> {
        let at = self.aliases.partition_point(|(from, _)| *from < index);
        self.aliases.get(at.checked_sub(1)?).map(|(_, aliases)| aliases)
    }
}

/// Derives every record of `size` leaves again under `governance`.
pub(crate) fn rederive(
    reader: &StoreReader,
    size: u64,
    governance: &Governance,
    mut progress: impl FnMut(u64),
) -> Result<Rederived, StoreError> {
    let mut found = Rederived {
        misplaced: governance.disbelieved.clone(),
        ..Rederived::default()
    };
    for_each_in_order(
        reader.leaves(0..size),
        |packed| rederive_packed(reader, packed, governance),
        |packed, (part, steps)| {
            found.add(part);
            for step in steps {
                step.take_into(&mut found.sources);
            }
            progress(packed.first);
            Ok::<(), StoreError>(())
        },
    )?;
    Ok(found)
}

/// What deriving one packed value again found, and what it means for the accounts of sources, in order.
fn rederive_packed(
    reader: &StoreReader,
    packed: &Packed,
    governance: &Governance,
) -> (Rederived, Vec<SourceStep>) {
    let leaves: Vec<Vec<u8>> = packed.iter().map(<[u8]>::to_vec).collect();
    let mut found = Rederived::default();
    let mut steps = Vec::new();
    let verdicts = verdicts_of(&leaves, packed.first, &governance.book);
    for ((leaf, verdict), index) in leaves.iter().zip(verdicts).zip(packed.first..) {
        let Ok(Leaf::Record(record)) = Leaf::decode(leaf) else {
            continue;
        };
        let misplaced = misplacement(&record, index, governance).or_else(|| contradiction(reader, &record));
        if let Some(rule) = misplaced {
            found.misplaced.get_or_insert(Misplaced {
                index,
                found: record.chain,
                rule,
            });
        }
        found.count(&record, verdict, index, &governance.book);
        steps.extend(source_step(leaf, verdict, &governance.book));
    }
    (found, steps)
}

fn misplacement(record: &Record<'_>, index: u64, governance: &Governance) -> Option<String> {
    match (record.kind, read_head(record.subject, record.body)) {
        (RecordKind::Event | RecordKind::Redelivery | RecordKind::Conflict, Ok(head)) => {
            let aliases = governance.aliases_at(index)?;
            let port = aliases.get(head.port).map_or(head.port, String::as_str);
            (record.chain.as_bytes() != port.as_bytes()).then(|| format!("its port is {port}"))
        }
        (RecordKind::Event | RecordKind::Redelivery | RecordKind::Conflict, Err(reason)) => {
            Some(format!("its message is no event: {reason}"))
        }
        // A signature header that is none sends an event into quarantine, and is not recorded.
        (RecordKind::Quarantine, Ok(head)) if record.signature.is_some() => {
            Some(format!("its message is an event of {}", head.port))
        }
        (RecordKind::Quarantine | RecordKind::Control, _) => None,
    }
}

/// What speaks against a repeat or conflict: it must say the same as the record it refers to, or something else.
fn contradiction(reader: &StoreReader, record: &Record<'_>) -> Option<String> {
    let original = reader.leaf(record.refers_to?).ok().flatten()?;
    let Ok(Leaf::Record(original)) = Leaf::decode(&original) else {
        return Some("it refers to no record".to_owned());
    };
    let identity = |of: &Record<'_>| read_head(of.subject, of.body).ok().map(|head| head.key());
    let same = original.body == record.body;
    if identity(&original) != identity(record) {
        Some("it refers to another event".to_owned())
    } else if (record.kind == RecordKind::Redelivery) != same {
        Some(if same {
            "it repeats the record it refers to".to_owned()
        } else {
            "it says something else than the record it refers to".to_owned()
        })
    } else {
        None
    }
}

impl Rederived {
    fn count(&mut self, record: &Record<'_>, verdict: Verdict, index: u64, book: &Book) {
        match record.kind {
            RecordKind::Quarantine | RecordKind::Control => return,
            RecordKind::Event | RecordKind::Redelivery | RecordKind::Conflict => {}
        }
        *self.signatures.by_verdict.entry(verdict).or_default() += 1;
        if verdict != Verdict::Valid {
            if self.unsupported.len() < UNSUPPORTED_MAX {
                self.unsupported.push((index, verdict));
            }
        } else if contested_by(record, index, book).is_some() {
            self.signatures.contested += 1;
        }
    }

    fn add(&mut self, part: Self) {
        for (verdict, count) in part.signatures.by_verdict {
            *self.signatures.by_verdict.entry(verdict).or_default() += count;
        }
        self.signatures.contested += part.signatures.contested;
        let room = UNSUPPORTED_MAX - self.unsupported.len();
        self.unsupported.extend(part.unsupported.into_iter().take(room));
        self.misplaced = self.misplaced.take().or(part.misplaced);
    }
}
