//! EPCIS 2.0 in JSON-LD: what happened to which goods, where and in which business step.
//!
//! The vocabulary has no words for licensing; what it lacks is named below `https://portbook.example/voc/`. A corrected or
//! annulled event is stated again with an error declaration, as the standard asks, and nothing is edited.

mod mapping;

use std::io::Write;

use portbook_audit::{AsOf, Repair, repairs};
use portbook_domain::{Event, EventData, EventId};
use serde_json::{Value, json};

use crate::column::moment;
use crate::entry::{Book, Entry};
use crate::error::ExportError;
use crate::export::File;
use crate::manifest::{About, Tally};
use crate::row::Row;
use mapping::{Goods, Sense, goods_of, sense_of};

const CONTEXT: &str = "https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld";
/// Where words are that the vocabulary does not have, and things that have no address of their own.
pub(crate) const BASE: &str = "https://portbook.example";
const UNLOCODE: &str = "https://vocabulary.uncefact.org/unlocode#";
/// The time of China.
const OFFSET: &str = "+08:00";

/// An EPCIS document in the making.
pub(crate) struct EpcisFile<'a, W: Write> {
    out: W,
    book: Book<'a>,
    rows: u64,
}

impl<'a, W: Write> EpcisFile<'a, W> {
    pub(crate) fn begin(mut out: W, book: Book<'a>) -> Result<Self, ExportError> {
        // As old as its youngest record: the same checkpoint gives the same bytes, whenever it is exported.
        let last = book
            .size
            .checked_sub(1)
            .map(|last| book.recorded_at_ns(last))
            .transpose()?;
        let created = at_ns(last.unwrap_or_default());
        let context = json!([CONTEXT, {"portbook": format!("{BASE}/voc/")}]);
        write!(
            out,
            "{{\"@context\":{context},\n\"type\":\"EPCISDocument\",\"schemaVersion\":\"2.0\",\"creationDate\":\"{}\",\n\
             \"epcisBody\":{{\"eventList\":[",
            moment(created)
        )?;
        Ok(Self { out, book, rows: 0 })
    }

    fn put(&mut self, event: &Value) -> Result<(), ExportError> {
        let separator = if self.rows == 0 { "\n" } else { ",\n" };
        self.out.write_all(separator.as_bytes())?;
        serde_json::to_writer(&mut self.out, event)?;
        self.rows += 1;
        Ok(())
    }

    /// States the event that `entry` annuls or corrects once more, with the declaration of the error, and then, where it is
    /// corrected, as it should have been, under the id of the correction. What takes no effect declares nothing; of several
    /// corrections the last one does, for all of them.
    fn declare(&mut self, entry: &Entry, event: &Event) -> Result<(), ExportError> {
        let reason = match &event.data {
            EventData::RecordAnnulled(_) => "did_not_occur",
            EventData::RecordCorrected(_) => "incorrect_data",
            EventData::ApplicationSubmitted(_)
            | EventData::ApplicationClosed(_)
            | EventData::PaperworkQueried(_)
            | EventData::PaperworkAnswered(_)
            | EventData::LicenseGranted(_)
            | EventData::LicenseChanged(_)
            | EventData::ShipmentDeclared(_)
            | EventData::ShipmentCleared(_)
            | EventData::ShipmentClosed(_) => return Ok(()),
        };
        let repairs = repairs(
            self.book.reader,
            event.case.as_str(),
            &AsOf::known(self.book.size),
        )?;
        let in_force = |repair: &&Repair| repair.place.index == entry.index && repair.idle.is_none();
        let target = repairs
            .repairs
            .iter()
            .find(in_force)
            .and_then(|repair| repair.target);
        let Some((target, standing)) = target.and_then(|leaf| Some((leaf, repairs.standing.get(&leaf)?)))
        else {
            return Ok(());
        };
        let is_last = standing.corrected_by.last() == Some(&entry.index);
        if standing.annulled_by != Some(entry.index) && !is_last {
            return Ok(());
        }
        let Some(original) = self.book.entry(target)? else {
            return Ok(());
        };
        let corrected = standing.corrected.as_ref().filter(|_| is_last);
        let corrected = corrected.and_then(|body| original.with_body(body.clone()));
        if let Some(mut stated) = self.stated(&original)? {
            let mut declaration = json!({"declarationTime": recorded(entry), "reason": reason});
            if corrected.is_some() {
                insert(&mut declaration, "correctiveEventIDs", json!([urn(&event.id)]));
            }
            insert(&mut stated, "errorDeclaration", declaration);
            self.put(&stated)?;
        }
        if let Some(corrected) = corrected
            && let Some(mut stated) = self.stated(&corrected)?
        {
            insert(&mut stated, "eventID", json!(urn(&event.id)));
            insert(&mut stated, "recordTime", json!(recorded(entry)));
            insert(&mut stated, "portbook:leaf", json!(entry.index));
            insert(&mut stated, "portbook:leafHash", json!(leaf_uri(entry)));
            self.put(&stated)?;
        }
        Ok(())
    }

    /// An event as EPCIS has it; none for an event about an event.
    fn stated(&self, entry: &Entry) -> Result<Option<Value>, ExportError> {
        let Some((envelope, event)) = entry.event() else {
            return Ok(None);
        };
        let Some(sense) = sense_of(&event.data) else {
            return Ok(None);
        };
        let goods = match goods_of(&event.data) {
            Some(goods) => goods,
            None => self.goods_of_case(event)?,
        };
        let Sense {
            class,
            action,
            step,
            disposition,
        } = sense;
        let mut stated = json!({
            "type": class,
            "eventID": urn(&event.id),
            "eventTime": moment(event.occurred_at),
            "eventTimeZoneOffset": OFFSET,
            "recordTime": recorded(entry),
            "readPoint": {"id": format!("{UNLOCODE}{}", entry.chain)},
            "action": action,
            "bizStep": step,
            "disposition": disposition,
            "bizTransactionList": mapping::transactions(event),
            "quantityList": mapping::quantities(&goods),
            "portbook:leaf": entry.index,
            "portbook:leafHash": leaf_uri(entry),
            "portbook:simulated": envelope.simulated,
        });
        mapping::detail(&event.data, &mut stated);
        if let Some(grams) = Row::of(entry).mass_g {
            insert(&mut stated, "portbook:massGrams", json!(grams));
        }
        Ok(Some(stated))
    }

    /// Goods of the case: a transaction event must name some, and a query names none.
    fn goods_of_case(&self, event: &Event) -> Result<Vec<Goods>, ExportError> {
        let entries = self.book.case(&event.case)?;
        let mut found = entries
            .iter()
            .filter_map(|entry| entry.event())
            .filter_map(|(_, other)| {
                let fits = mapping::is_about_the_same(&event.data, &other.data);
                fits.then(|| goods_of(&other.data)).flatten()
            });
        Ok(found.next().unwrap_or_default())
    }
}

impl<W: Write> File for EpcisFile<'_, W> {
    fn take(&mut self, entry: &Entry, _: &Row<'_>) -> Result<(), ExportError> {
        let Some((_, event)) = entry.event() else {
            return Ok(());
        };
        match self.stated(entry)? {
            Some(stated) => self.put(&stated),
            None => self.declare(entry, event),
        }
    }

    fn finish(mut self: Box<Self>, _: &About, _: &Tally) -> Result<u64, ExportError> {
        self.out.write_all(b"]}}\n")?;
        Ok(self.rows)
    }
}

fn urn(id: &EventId) -> String {
    format!("urn:uuid:{id}")
}

fn recorded(entry: &Entry) -> String {
    moment(at_ns(entry.recorded_at_ns))
}

fn at_ns(ns: u64) -> jiff::Timestamp {
    jiff::Timestamp::from_nanosecond(i128::from(ns)).unwrap_or(jiff::Timestamp::UNIX_EPOCH)
}

/// A leaf hash as RFC 6920 writes it.
fn leaf_uri(entry: &Entry) -> String {
    let digest = entry.hash.to_base64().replace('+', "-").replace('/', "_");
    format!("ni:///sha-256;{}", digest.trim_end_matches('='))
}

pub(crate) fn insert(object: &mut Value, key: &str, value: Value) {
    if let Value::Object(members) = object {
        members.insert(key.to_owned(), value);
    }
}
