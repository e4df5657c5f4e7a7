//! Facts written down as tables and read back: the same answers, and the same facts when more is folded onto them.

use std::collections::BTreeMap;

use portbook_domain::{Digest, EventData};
use portbook_views::{FactRow, Facts, Packed, TableSink, TableSource};

use crate::order::{repaired, same, told};
use crate::scenario::{Message, facts, messages, record, reference};

/// Tables in memory.
#[derive(Default)]
struct Tables(Vec<Vec<u8>>);

impl TableSink for Tables {
    type Error = ();

    fn table<T: Packed>(&mut self, rows: impl Iterator<Item = T>) -> Result<(), ()> {
        let mut bytes = Vec::new();
        for row in rows {
            row.pack(&mut bytes);
        }
        self.0.push(bytes);
        Ok(())
    }

    fn text(&mut self, text: &str) -> Result<(), ()> {
        self.0.push(text.as_bytes().to_vec());
        Ok(())
    }
}

impl TableSource for Tables {
    type Error = ();

    fn table<T: Packed>(&self, place: usize) -> Result<Vec<T>, ()> {
        let rows = self.0[place].chunks(T::BYTES);
        rows.map(|row| T::unpack(row).ok_or(())).collect()
    }

    fn text(&self, place: usize) -> Result<String, ()> {
        String::from_utf8(self.0[place].clone()).ok().ok_or(())
    }
}

fn there_and_back(facts: &Facts) -> Facts {
    let mut tables = Tables::default();
    facts.write_tables(&mut tables).unwrap();
    let repairs: Vec<(u64, FactRow)> = facts
        .repair_rows()
        .map(|(leaf, row)| (leaf, row.clone()))
        .collect();
    Facts::read_tables(&tables, repairs).unwrap()
}

fn rows(facts: &Facts) -> Vec<(u64, FactRow)> {
    facts.rows().map(|(leaf, row)| (leaf, row.into_owned())).collect()
}

/// A place between two clearances that show one document.
fn between_two_uses(messages: &[Message]) -> usize {
    let mut first: BTreeMap<&Digest, usize> = BTreeMap::new();
    for (at, message) in messages.iter().enumerate() {
        let EventData::ShipmentCleared(cleared) = &message.event.data else {
            continue;
        };
        for document in &cleared.evidence {
            let before = *first.entry(&document.sha256).or_insert(at);
            if messages[before].event.case != message.event.case {
                return at;
            }
        }
    }
    panic!("no document is shown twice");
}

#[test]
fn what_was_read_back_answers_as_before_and_can_be_folded_on() {
    let reference = reference();
    let messages = messages("events_anom.jsonl.gz");
    let whole = facts(&messages, &reference);
    let expected = told(&whole, &reference);
    same(&told(&there_and_back(&whole), &reference), &expected);
    // Wherever it was written down, what follows finds its case, its licence and the documents shown before.
    let eighths = [1, 3, 7].map(|part| messages.len() * part / 8);
    for cut in eighths.into_iter().chain([between_two_uses(&messages)]) {
        let mut resumed = there_and_back(&facts(&messages[..cut], &reference));
        let mut passed = 0;
        record(&messages, &reference, |recorded| {
            passed += 1;
            if passed > cut {
                resumed.take(recorded);
            }
        });
        assert!(rows(&resumed) == rows(&whole), "cut at {cut}");
        same(&told(&resumed, &reference), &expected);
    }
}

#[test]
fn repairs_are_read_back_with_their_effect() {
    let reference = reference();
    let messages: Vec<Message> = messages("events.jsonl.gz").into_iter().take(3000).collect();
    let facts = repaired(&messages, &reference);
    assert_ne!(facts.repaired(), (0, 0));
    let again = there_and_back(&facts);
    assert_eq!(again.repaired(), facts.repaired());
    assert!(rows(&again) == rows(&facts));
    // As people read them, in JSON, they hold everything as well.
    for (leaf, row) in rows(&facts) {
        let json = serde_json::to_value(&row).unwrap();
        assert_eq!(
            serde_json::from_value::<FactRow>(json).unwrap(),
            row,
            "leaf {leaf}"
        );
    }
    same(&told(&again, &reference), &told(&facts, &reference));
    same(
        &told(&again.as_recorded(), &reference),
        &told(&facts.as_recorded(), &reference),
    );
}
