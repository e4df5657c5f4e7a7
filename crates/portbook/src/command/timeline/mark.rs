//! What stands beside a row of a timeline: who vouches for the record, and what later records say about it.

use std::collections::BTreeMap;

use portbook_audit::{AsOf, Repairs, Standing, contested_by, record, repairs, verdict_on};
use portbook_fold::Book;
use portbook_ledger::{Index, Leaf};
use portbook_store::{StoreReader, Verdict};
use portbook_views::{RecordClass, TimelineRow};
use portbook_wire::decode_event;

use crate::failure::Failure;
use crate::speech::harmless;

/// A row and what stands beside it.
#[derive(Debug)]
pub(crate) struct Marked {
    pub(crate) row: TimelineRow,
    pub(crate) mark: Mark,
}

/// What stands beside a row.
#[derive(Debug, Default)]
pub(crate) struct Mark {
    /// Verdict on the signature; none for what no producer signs.
    pub(super) verdict: Option<Verdict>,
    /// The revocation that contests the signature.
    pub(super) contested_by: Option<u64>,
    /// What repairs made of the record.
    pub(super) standing: Standing,
    /// Why the record, a repair, takes no effect.
    pub(super) idle: Option<String>,
}

impl Mark {
    /// `note` with the marks a reader must not miss.
    pub(super) fn beside(&self, note: &str) -> String {
        let mut marks = Vec::new();
        let verdict = self.verdict.filter(|verdict| *verdict != Verdict::Valid);
        marks.extend(verdict.map(|verdict| format!("[{}]", verdict.word())));
        marks.extend(
            self.contested_by
                .map(|leaf| format!("[contested by leaf {leaf}]")),
        );
        marks.extend(
            self.standing
                .annulled_by
                .map(|leaf| format!("[annulled by leaf {leaf}]")),
        );
        let corrections = self.standing.corrected_by.iter();
        marks.extend(corrections.map(|leaf| format!("[corrected by leaf {leaf}]")));
        marks.extend(
            self.idle
                .as_ref()
                .map(|why| format!("[without effect: {}]", harmless(why))),
        );
        marks.extend((!note.is_empty()).then(|| note.to_owned()));
        marks.join(" ")
    }
}

/// Rows with their marks, as known when the ledger had `size` leaves; `as_corrected` leaves out what was annulled and shows corrected fields.
pub(crate) fn marked(
    reader: &StoreReader,
    rows: Vec<TimelineRow>,
    size: u64,
    as_corrected: bool,
) -> Result<Vec<Marked>, Failure> {
    let book = reader.book()?;
    let repaired = repaired_cases(reader, &rows, size)?;
    let mut marked = Vec::with_capacity(rows.len());
    for row in rows {
        let mut mark = mark_of(reader, &book, &row, repaired.get(&row.case))?;
        mark.contested_by = mark.contested_by.filter(|leaf| *leaf < size);
        if as_corrected && mark.standing.annulled_by.is_some() {
            continue;
        }
        let row = if as_corrected { corrected(row, &mark) } else { row };
        marked.push(Marked { row, mark });
    }
    Ok(marked)
}

/// The repairs of every case that has one among these rows: a repair stands in the chain of what it repairs.
fn repaired_cases(
    reader: &StoreReader,
    rows: &[TimelineRow],
    size: u64,
) -> Result<BTreeMap<String, Repairs>, Failure> {
    let mut repaired = BTreeMap::new();
    for row in rows.iter().filter(|row| row.event.starts_with("record.")) {
        if !repaired.contains_key(&row.case) {
            repaired.insert(row.case.clone(), repairs(reader, &row.case, &AsOf::known(size))?);
        }
    }
    Ok(repaired)
}

fn mark_of(
    reader: &StoreReader,
    book: &Book,
    row: &TimelineRow,
    repairs: Option<&Repairs>,
) -> Result<Mark, Failure> {
    let (true, Some(index)) = (is_signed(row.class), Index::new(row.place.index)) else {
        return Ok(Mark::default());
    };
    let kept = reader.verdict(index)?;
    // Leaves are read only where the kept verdict does not say it all.
    let (verdict, contested_by) = match kept {
        Some(verdict) if verdict != Verdict::Valid || !is_any_revoked(book, row) => (verdict, None),
        Some(_) | None => {
            let found = record(reader, index)?;
            let contested = match found.leaf()? {
                Leaf::Record(record) => contested_by(&record, index.get(), book),
                Leaf::Seal(_) => None,
            };
            (verdict_on(reader, book, index, &found.bytes)?, contested)
        }
    };
    let standing = repairs.and_then(|repairs| repairs.standing.get(&row.place.index));
    Ok(Mark {
        verdict: Some(verdict),
        contested_by: contested_by.filter(|_| verdict == Verdict::Valid),
        standing: standing.cloned().unwrap_or_default(),
        idle: repairs.and_then(|repairs| idle_of(repairs, row.place.index)),
    })
}

fn idle_of(repairs: &Repairs, leaf: u64) -> Option<String> {
    let own = repairs.repairs.iter().find(|repair| repair.place.index == leaf)?;
    own.idle.as_ref().map(ToString::to_string)
}

const fn is_signed(class: RecordClass) -> bool {
    match class {
        RecordClass::Event | RecordClass::Redelivery | RecordClass::Conflict => true,
        RecordClass::Quarantine | RecordClass::Control => false,
    }
}

/// Whether any key was revoked after this row.
fn is_any_revoked(book: &Book, row: &TimelineRow) -> bool {
    let mut revocations = book.keys.values().filter_map(|key| key.revoked.as_ref());
    revocations.any(|revoked| row.place.index < revoked.leaf)
}

/// The row of the event as corrected.
fn corrected(row: TimelineRow, mark: &Mark) -> TimelineRow {
    let body = mark.standing.corrected.as_deref();
    let Some((_, event)) = body.and_then(|body| decode_event(body).ok()) else {
        return row;
    };
    let described = TimelineRow::of_event(row.place, &event);
    TimelineRow {
        class: row.class,
        refers_to: row.refers_to,
        port_as_written: row.port_as_written,
        simulated: row.simulated,
        ..described
    }
}
