//! What a timeline shows of a record, made again from the record whenever somebody looks.
//!
//! Nothing of it is stored but a remark: rows cannot be stale, and recording an event does not wait for its content to be
//! understood.

use portbook_domain::PortCode;
use portbook_ledger::{Index, Record, RecordKind};
use portbook_views::{Placement, RecordClass, TimelineRow};
use portbook_wire::{decode_event, read_head};

/// What stands between the word and the note of a remark.
const REMARK_BREAK: char = '\n';

/// The remark on a record that is no event: what it is called, and what else there is to say.
pub(crate) fn remark(word: &str, note: &str) -> String {
    if note.is_empty() {
        word.to_owned()
    } else {
        format!("{word}{REMARK_BREAK}{note}")
    }
}

/// The row of `record`, which is the leaf at `index` and was remarked on as `remark`.
#[must_use]
pub fn row_of(index: Index, record: &Record<'_>, remark: &str) -> TimelineRow {
    let place = Placement {
        index: index.get(),
        chain_seq: record.chain_seq.get(),
        recorded_at_ns: record.recorded_at_ns,
    };
    let class = match record.kind {
        RecordKind::Event => RecordClass::Event,
        RecordKind::Redelivery => RecordClass::Redelivery,
        RecordKind::Conflict => RecordClass::Conflict,
        RecordKind::Control => return remarked_row(place, RecordClass::Control, remark),
        RecordKind::Quarantine => return remarked_row(place, RecordClass::Quarantine, remark),
    };
    TimelineRow {
        class,
        refers_to: record.refers_to.map(Index::get),
        ..event_row(place, record)
    }
}

fn remarked_row(place: Placement, class: RecordClass, remark: &str) -> TimelineRow {
    let (word, note) = remark.split_once(REMARK_BREAK).unwrap_or((remark, ""));
    let mut row = TimelineRow::bare(place, class, word);
    note.clone_into(&mut row.note);
    row
}

fn event_row(place: Placement, record: &Record<'_>) -> TimelineRow {
    match decode_event(record.body) {
        Ok((envelope, event)) => {
            let elsewhere = |port: &PortCode| port.as_str().as_bytes() != record.chain.as_bytes();
            TimelineRow {
                simulated: envelope.simulated,
                port_as_written: Some(envelope.port).filter(elsewhere),
                ..TimelineRow::of_event(place, &event)
            }
        }
        Err(error) => {
            let mut row = TimelineRow::bare(place, RecordClass::Event, "");
            if let Ok(head) = read_head(record.subject, record.body) {
                head.type_name.clone_into(&mut row.event);
                head.id.clone_into(&mut row.event_id);
                head.case.clone_into(&mut row.case);
            }
            row.unreadable = Some(error.to_string());
            row
        }
    }
}
