//! OCEL 2.0 in JSON: events and the objects they are about, for object-centric process mining.

use std::collections::BTreeSet;
use std::io::Write;

use serde_json::{Value, json};

use crate::column::{Cell, moment};
use crate::entry::Entry;
use crate::error::ExportError;
use crate::export::File;
use crate::manifest::{About, Tally};
use crate::row::Row;
use portbook_domain::EventKind;

/// Types of objects. Their ids begin with the type, so that no two types share one.
const OBJECT_TYPES: &[&str] = &["case", "license", "declaration", "port", "country"];
/// Attributes of events: those of the table that say something about what happened, and their types in OCEL.
const ATTRIBUTES: &[(&str, &str)] = &[
    ("leaf", "integer"),
    ("event_id", "string"),
    ("source", "string"),
    ("mass_g", "integer"),
    ("hs", "string"),
    ("control_code", "string"),
    ("element", "string"),
    ("control_status", "string"),
    ("lane", "string"),
    ("stage", "string"),
    ("round", "integer"),
    ("outcome", "string"),
    ("reason", "string"),
    ("valid_until", "string"),
    ("simulated", "boolean"),
];

/// An OCEL file in the making. The layout asks for each object once: their ids are held.
pub(crate) struct OcelFile<W: Write> {
    out: W,
    objects: BTreeSet<(&'static str, String)>,
    rows: u64,
}

impl<W: Write> OcelFile<W> {
    pub(crate) fn begin(mut out: W) -> Result<Self, ExportError> {
        let attributes: Vec<Value> = ATTRIBUTES
            .iter()
            .map(|(name, kind)| json!({"name": name, "type": kind}))
            .collect();
        let event_types: Vec<Value> = EventKind::ALL
            .iter()
            .map(|kind| json!({"name": kind.name(), "attributes": attributes}))
            .collect();
        let object_types: Vec<Value> = OBJECT_TYPES
            .iter()
            .map(|name| json!({"name": name, "attributes": []}))
            .collect();
        let (object_types, event_types) = (json!(object_types), json!(event_types));
        write!(
            out,
            "{{\"objectTypes\":{object_types},\n\"eventTypes\":{event_types},\n\"events\":["
        )?;
        Ok(Self {
            out,
            objects: BTreeSet::new(),
            rows: 0,
        })
    }

    fn relate(&mut self, kind: &'static str, id: &str, qualifier: &str) -> Value {
        self.objects.insert((kind, id.to_owned()));
        json!({"objectId": object_id(kind, id), "qualifier": qualifier})
    }
}

impl<W: Write> File for OcelFile<W> {
    fn take(&mut self, entry: &Entry, row: &Row<'_>) -> Result<(), ExportError> {
        let Some((_, event)) = entry.event() else {
            return Ok(());
        };
        let mut relations = vec![
            self.relate("case", event.case.as_str(), "case"),
            self.relate("port", &entry.chain.to_string(), "at"),
        ];
        let related = [
            ("license", row.license_no, "license"),
            ("declaration", row.declaration_no, "declaration"),
            ("country", row.destination, "destination"),
        ];
        for (kind, id, qualifier) in related {
            relations.extend(id.map(|id| self.relate(kind, id, qualifier)));
        }
        let separator = if self.rows == 0 { "\n" } else { ",\n" };
        self.out.write_all(separator.as_bytes())?;
        let value = json!({
            "id": format!("leaf:{}", entry.index),
            "type": event.data.kind().name(),
            "time": moment(event.occurred_at),
            "attributes": attributes(row),
            "relationships": relations,
        });
        serde_json::to_writer(&mut self.out, &value)?;
        self.rows += 1;
        Ok(())
    }

    fn finish(mut self: Box<Self>, _: &About, _: &Tally) -> Result<u64, ExportError> {
        self.out.write_all(b"],\n\"objects\":[")?;
        let mut separator = "\n";
        for (kind, id) in &self.objects {
            self.out.write_all(separator.as_bytes())?;
            let value =
                json!({"id": object_id(kind, id), "type": kind, "attributes": [], "relationships": []});
            serde_json::to_writer(&mut self.out, &value)?;
            separator = ",\n";
        }
        self.out.write_all(b"]}\n")?;
        Ok(self.rows)
    }
}

fn object_id(kind: &str, id: &str) -> String {
    format!("{kind}:{id}")
}

fn attributes(row: &Row<'_>) -> Vec<Value> {
    let there = crate::column::COLUMNS
        .iter()
        .filter(|column| ATTRIBUTES.iter().any(|(name, _)| *name == column.name));
    let value = |cell: Cell<'_>| match cell {
        Cell::Int(number) | Cell::Grams(number) => json!(number),
        Cell::Text(text) => json!(text),
        Cell::Moment(at) => json!(moment(at)),
        Cell::Day(day) => json!(day.to_string()),
        Cell::Bool(value) => json!(value),
        Cell::Hash(hash) => json!(hash.to_hex()),
    };
    there
        .filter_map(|column| {
            let cell = column.cell(row)?;
            Some(json!({"name": column.name, "value": value(cell)}))
        })
        .collect()
}
