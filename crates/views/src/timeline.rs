//! One row of a port's timeline: what a reader sees of a record without decoding its body.

use jiff::Timestamp;
use portbook_domain::{
    ClearedLine, CountryCode, DeclarationNo, Element, Event, EventData, LicenseNo, PortCode,
};
use serde::{Deserialize, Serialize};

/// Where a record stands in the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Placement {
    /// Leaf index, from 0.
    pub index: u64,
    /// Position within the chain of its port, from 1.
    pub chain_seq: u64,
    /// The stream's timestamp of the message, nanoseconds since 1970.
    pub recorded_at_ns: u64,
}

/// What the ledger made of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecordClass {
    /// A new event.
    Event,
    /// An event that was recorded before; changes no view.
    Redelivery,
    /// Another content under a known event id; evidence, changes no view.
    Conflict,
    /// A message the ledger could not place on a port's chain.
    Quarantine,
    /// A message of the ledger's own.
    Control,
}

/// One row of a port's timeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimelineRow {
    /// Where the record stands.
    pub place: Placement,
    /// What the ledger made of it.
    pub class: RecordClass,
    /// Leaf index of the original of a redelivery or conflict.
    pub refers_to: Option<u64>,
    /// Identity of the event, or empty for a record that is none.
    pub event_id: String,
    /// `<entity>.<verb>` of the event, or the kind of a control message, or the reason of a quarantine.
    pub event: String,
    /// Case of the event, or empty.
    pub case: String,
    /// When it happened, as claimed; the recording time where nothing was claimed. Nanoseconds since 1970.
    pub occurred_at_ns: i64,
    /// The port as written, when it is not the port of the chain.
    pub port_as_written: Option<PortCode>,
    /// Country of destination.
    pub destination: Option<CountryCode>,
    /// Element of the first line.
    pub element: Option<Element>,
    /// Licence the event is about.
    pub license_no: Option<LicenseNo>,
    /// Declaration the event is about.
    pub declaration_no: Option<DeclarationNo>,
    /// Sum of the event's lines, in grams.
    pub mass_g: Option<u64>,
    /// What else a reader wants to see at a glance: an outcome, a reason.
    pub note: String,
    /// Marked as simulated by its source.
    pub simulated: bool,
    /// Why the body could not be read as an event of its type; such a record is evidence but enters no view.
    pub unreadable: Option<String>,
}

impl TimelineRow {
    /// A row that tells only where a record stands and what it is called.
    #[must_use]
    pub fn bare(place: Placement, class: RecordClass, event: &str) -> Self {
        Self {
            place,
            class,
            refers_to: None,
            event_id: String::new(),
            event: event.to_owned(),
            case: String::new(),
            occurred_at_ns: i64::try_from(place.recorded_at_ns).unwrap_or(i64::MAX),
            port_as_written: None,
            destination: None,
            element: None,
            license_no: None,
            declaration_no: None,
            mass_g: None,
            note: String::new(),
            simulated: false,
            unreadable: None,
        }
    }

    /// The row of a readable event.
    #[must_use]
    pub fn of_event(place: Placement, event: &Event) -> Self {
        let mut row = Self::bare(place, RecordClass::Event, event.data.kind().name());
        event.id.as_str().clone_into(&mut row.event_id);
        event.case.as_str().clone_into(&mut row.case);
        row.occurred_at_ns = nanoseconds_of(event.occurred_at);
        row.describe(&event.data);
        row
    }

    fn describe(&mut self, data: &EventData) {
        match data {
            EventData::ApplicationSubmitted(it) => {
                self.destination = Some(it.destination.clone());
                self.element = it.lines.first().map(|line| line.element.clone());
                self.mass_g = Some(it.lines.iter().map(|line| line.net_mass_g.get()).sum());
            }
            EventData::ApplicationClosed(it) => it.outcome.word().clone_into(&mut self.note),
            EventData::PaperworkQueried(it) => {
                self.declaration_no.clone_from(&it.declaration_no);
                self.note = format!("{} round {}: {}", it.stage, it.round, it.reason);
            }
            EventData::PaperworkAnswered(it) => self.note = format!("answers {}", it.query_id),
            EventData::LicenseGranted(it) => {
                self.destination = Some(it.destination.clone());
                self.element = it.lines.first().map(|line| line.element.clone());
                self.license_no = Some(it.license_no.clone());
                self.mass_g = Some(it.lines.iter().map(|line| line.granted_g.get()).sum());
                self.note = format!("valid until {}", it.valid_until);
            }
            EventData::LicenseChanged(it) => {
                self.license_no = Some(it.license_no.clone());
                it.change.word().clone_into(&mut self.note);
            }
            EventData::ShipmentDeclared(it) => {
                self.destination.clone_from(&it.destination);
                self.describe_goods(&it.lines, &it.declaration_no, it.license_no.as_ref());
                it.control_status.word().clone_into(&mut self.note);
            }
            EventData::ShipmentCleared(it) => {
                self.destination = Some(it.destination.clone());
                self.describe_goods(&it.lines, &it.declaration_no, it.license_no.as_ref());
                it.control_status.word().clone_into(&mut self.note);
            }
            EventData::ShipmentClosed(it) => {
                self.declaration_no = Some(it.declaration_no.clone());
                self.mass_g = it.returned_g.map(portbook_domain::Grams::get);
                it.outcome.word().clone_into(&mut self.note);
            }
            EventData::RecordCorrected(it) => {
                self.note = format!("corrects {}: {}", it.target_event_id, it.reason);
            }
            EventData::RecordAnnulled(it) => {
                self.note = format!("annuls {}: {}", it.target_event_id, it.reason);
            }
        }
    }

    fn describe_goods(
        &mut self,
        lines: &[ClearedLine],
        declaration_no: &DeclarationNo,
        license_no: Option<&LicenseNo>,
    ) {
        self.element = lines.first().and_then(|line| line.element.clone());
        self.mass_g = Some(lines.iter().map(|line| line.cleared_g.get()).sum());
        self.declaration_no = Some(declaration_no.clone());
        self.license_no = license_no.cloned();
    }

    /// When it happened, as claimed.
    #[must_use]
    pub fn occurred_at(&self) -> Timestamp {
        Timestamp::from_nanosecond(i128::from(self.occurred_at_ns)).unwrap_or(Timestamp::UNIX_EPOCH)
    }
}

/// Nanoseconds since 1970, held at the ends of `i64` (years 1677 and 2262).
pub(crate) fn nanoseconds_of(at: Timestamp) -> i64 {
    let ns = at.as_nanosecond();
    i64::try_from(ns).unwrap_or(if ns < 0 { i64::MIN } else { i64::MAX })
}
