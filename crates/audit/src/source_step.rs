//! What one leaf means for the accounts of sources: an event more, or a statement to compare.

use portbook_fold::{Book, SourceBook};
use portbook_ledger::{Hash, Leaf, RecordKind, sha256};
use portbook_store::Verdict;
use portbook_wire::control::{Control, SourceStated, parse_control};
use portbook_wire::read_head;

/// What one leaf changes.
#[derive(Debug)]
pub(crate) enum SourceStep {
    /// An event of this source, at this message, with this digest.
    Event(String, u64, Hash),
    /// A statement, at this message.
    Statement(Box<SourceStated>, u64),
}

impl SourceStep {
    pub(crate) fn take_into(self, sources: &mut SourceBook) {
        match self {
            Self::Event(source, seq, digest) => sources.event(&source, seq, &digest),
            Self::Statement(stated, seq) => sources.statement(&stated, seq),
        }
    }
}

/// What `leaf` changes; none for most control records, and for events that nobody answers for.
pub(crate) fn source_step(leaf: &[u8], verdict: Verdict, book: &Book) -> Option<SourceStep> {
    let Ok(Leaf::Record(record)) = Leaf::decode(leaf) else {
        return None;
    };
    let seq = record.stream_seq.get();
    match record.kind {
        RecordKind::Event if verdict == Verdict::Valid => {
            let head = read_head(record.subject, record.body).ok()?;
            Some(SourceStep::Event(
                head.source.to_owned(),
                seq,
                sha256(&[record.body]),
            ))
        }
        RecordKind::Control => {
            let Ok(Control::SourceStated(stated)) = parse_control(record.subject, record.body) else {
                return None;
            };
            // What the log key signed is recorded, but nobody can state for another.
            let signer = record.signature?.key_id;
            let key = book.keys.get(signer.as_bytes())?;
            (key.source == stated.source.as_str()).then(|| SourceStep::Statement(Box::new(stated), seq))
        }
        RecordKind::Event | RecordKind::Redelivery | RecordKind::Conflict | RecordKind::Quarantine => None,
    }
}
