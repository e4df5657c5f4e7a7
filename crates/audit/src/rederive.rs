//! What was recorded, derived again from the recorded messages: placement of every event, and every signature.

use portbook_fold::{Book, Delivery, replay_control};
use portbook_ledger::{Chain, Hash, Index, Leaf, Record, RecordKind};
use portbook_store::{Packed, StoreError, StoreReader, Verdict, for_each_in_order};
use portbook_wire::read_head;

use crate::attestor::verdicts_of;
use crate::epoch::{Epoch, epoch_of};

/// Signatures by verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SignatureCounts {
    /// Events signed by a key in force for their type.
    pub valid: u64,
    /// Events without a signature.
    pub unsigned: u64,
    /// Signatures that do not fit.
    pub bad: u64,
    /// Signatures by keys nobody registered.
    pub unknown_key: u64,
    /// Signatures by keys that may not sign this.
    pub not_entitled: u64,
}

/// What deriving again found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rederived {
    /// Signatures by verdict.
    pub signatures: SignatureCounts,
    /// The first leaves whose signature says nothing, at most 20.
    pub unsupported: Vec<u64>,
    /// The first record that is not where the rules put it.
    pub misplaced: Option<Misplaced>,
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
type AliasesFrom = (u64, std::collections::BTreeMap<String, String>);

/// The control messages of a ledger, replayed in order.
#[derive(Debug, Default)]
pub(crate) struct Governance {
    book: Book,
    aliases: Vec<AliasesFrom>,
    disbelieved: Option<Misplaced>,
    epochs: Vec<Epoch>,
}

impl Governance {
    /// Replays one recorded control message; `root` is the root of all leaves before it.
    pub(crate) fn take(&mut self, index: u64, record: &Record<'_>, root: Hash) {
        match epoch_of(index, record, root) {
            Ok(epoch) => self.epochs.extend(epoch),
            Err(rule) => self.disbelieve(index, record, rule),
        }
        let Some(at) = Index::new(index) else { return };
        let delivery = Delivery {
            seq: record.stream_seq,
            recorded_at_ns: record.recorded_at_ns,
            subject: record.subject.to_owned(),
            signature: record.signature.map(|signature| signature.to_string()),
            body: record.body.to_vec().into(),
        };
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

    fn aliases_at(&self, index: u64) -> Option<&std::collections::BTreeMap<String, String>> {
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
        |packed| rederive_packed(packed, governance),
        |packed, part| {
            found.add(part);
            progress(packed.first);
            Ok::<(), StoreError>(())
        },
    )?;
    Ok(found)
}

fn rederive_packed(packed: &Packed, governance: &Governance) -> Rederived {
    let leaves: Vec<Vec<u8>> = packed.iter().map(<[u8]>::to_vec).collect();
    let mut found = Rederived::default();
    let verdicts = verdicts_of(&leaves, packed.first, &governance.book);
    for ((leaf, verdict), index) in leaves.iter().zip(verdicts).zip(packed.first..) {
        let Ok(Leaf::Record(record)) = Leaf::decode(leaf) else {
            continue;
        };
        if let Some(rule) = misplacement(&record, index, governance) {
            found.misplaced.get_or_insert(Misplaced {
                index,
                found: record.chain,
                rule,
            });
        }
        found.count(&record, verdict, index);
    }
    found
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
        (RecordKind::Quarantine | RecordKind::Control, _) => None,
    }
}

impl Rederived {
    fn count(&mut self, record: &Record<'_>, verdict: Verdict, index: u64) {
        let counts = &mut self.signatures;
        match (record.kind, verdict) {
            (RecordKind::Quarantine | RecordKind::Control, _) => return,
            (_, Verdict::Valid) => counts.valid += 1,
            (_, Verdict::Unsigned) => counts.unsigned += 1,
            (_, Verdict::BadSignature) => counts.bad += 1,
            (_, Verdict::UnknownKey) => counts.unknown_key += 1,
            (_, Verdict::KeyNotEntitled) => counts.not_entitled += 1,
        }
        if verdict != Verdict::Valid && self.unsupported.len() < 20 {
            self.unsupported.push(index);
        }
    }

    fn add(&mut self, part: Self) {
        let (sum, counts) = (&mut self.signatures, part.signatures);
        sum.valid += counts.valid;
        sum.unsigned += counts.unsigned;
        sum.bad += counts.bad;
        sum.unknown_key += counts.unknown_key;
        sum.not_entitled += counts.not_entitled;
        let room = 20 - self.unsupported.len();
        self.unsupported.extend(part.unsupported.into_iter().take(room));
        self.misplaced = self.misplaced.take().or(part.misplaced);
    }
}
