//! One record as a row: what its event says, laid flat.

use jiff::civil::Date;
use portbook_domain::{ClearedLine, ControlCode, Element, EventData, Grams, HsCode, Lane, PaperworkQueried};
use portbook_ledger::RecordKind;

use crate::entry::{Content, Entry};

/// A record as a row. Several lines of goods give one row: masses are summed, codes are joined by `;`.
#[derive(Debug, Clone)]
pub struct Row<'a> {
    /// The record.
    pub(crate) entry: &'a Entry,
    /// Country of destination.
    pub destination: Option<&'a str>,
    /// Commodity codes.
    pub hs: Option<String>,
    /// Entries of the control list.
    pub control_code: Option<String>,
    /// Elements.
    pub element: Option<String>,
    /// The licence the event is about.
    pub license_no: Option<&'a str>,
    /// The declaration the event is about.
    pub declaration_no: Option<&'a str>,
    /// Whether goods are controlled.
    pub control_status: Option<&'a str>,
    /// The queue of the application.
    pub lane: Option<&'a str>,
    /// Who asks.
    pub stage: Option<&'a str>,
    /// Which time, from 1.
    pub round: Option<u16>,
    /// How it ended, or how it changed.
    pub outcome: Option<&'a str>,
    /// Why.
    pub reason: Option<&'a str>,
    /// Last day of an answer.
    pub reply_due: Option<Date>,
    /// First day of validity.
    pub valid_from: Option<Date>,
    /// Last day of validity.
    pub valid_until: Option<Date>,
    /// Lines of goods.
    pub lines: Option<usize>,
    /// Mass of all lines in grams; absent for a record that does not count.
    pub mass_g: Option<u64>,
}

impl<'a> Row<'a> {
    /// The row of an entry.
    #[must_use]
    pub fn of(entry: &'a Entry) -> Self {
        let mut row = Self::blank(entry);
        if let Content::Event(decoded) = &entry.content {
            row.describe(&decoded.1.data);
        }
        if entry.kind != RecordKind::Event {
            // A repeat or a contradiction says nothing new about any mass.
            row.mass_g = None;
        }
        row
    }

    const fn blank(entry: &'a Entry) -> Self {
        Self {
            entry,
            destination: None,
            hs: None,
            control_code: None,
            element: None,
            license_no: None,
            declaration_no: None,
            control_status: None,
            lane: None,
            stage: None,
            round: None,
            outcome: None,
            reason: None,
            reply_due: None,
            valid_from: None,
            valid_until: None,
            lines: None,
            mass_g: None,
        }
    }

    fn describe(&mut self, data: &'a EventData) {
        match data {
            EventData::ApplicationSubmitted(it) => {
                self.destination = Some(it.destination.as_str());
                self.lane = Some(lane(it.lane));
                self.goods(it.lines.iter().map(|line| {
                    (
                        &line.hs,
                        Some(&line.control_code),
                        Some(&line.element),
                        line.net_mass_g,
                    )
                }));
            }
            EventData::ApplicationClosed(it) => {
                self.outcome = Some(it.outcome.word());
                self.reason = it.reason_code.as_ref().map(portbook_domain::Text::as_str);
            }
            EventData::PaperworkQueried(it) => self.query(it),
            EventData::PaperworkAnswered(it) => {
                self.outcome = Some(if it.complete { "complete" } else { "partial" });
            }
            EventData::LicenseGranted(it) => {
                self.destination = Some(it.destination.as_str());
                self.license_no = Some(it.license_no.as_str());
                self.lane = Some(lane(it.lane));
                self.valid_from = it.valid_from;
                self.valid_until = Some(it.valid_until);
                self.goods(it.lines.iter().map(|line| {
                    (
                        &line.hs,
                        Some(&line.control_code),
                        Some(&line.element),
                        line.granted_g,
                    )
                }));
            }
            EventData::LicenseChanged(it) => {
                self.license_no = Some(it.license_no.as_str());
                self.outcome = Some(it.change.word());
                self.reason = it.reason_code.as_ref().map(portbook_domain::Text::as_str);
            }
            EventData::ShipmentDeclared(it) => {
                self.destination = it.destination.as_ref().map(portbook_domain::CountryCode::as_str);
                self.declaration_no = Some(it.declaration_no.as_str());
                self.license_no = it.license_no.as_ref().map(portbook_domain::LicenseNo::as_str);
                self.control_status = Some(it.control_status.word());
                self.cleared(&it.lines);
            }
            EventData::ShipmentCleared(it) => {
                self.destination = Some(it.destination.as_str());
                self.declaration_no = Some(it.declaration_no.as_str());
                self.license_no = it.license_no.as_ref().map(portbook_domain::LicenseNo::as_str);
                self.control_status = Some(it.control_status.word());
                self.cleared(&it.lines);
            }
            EventData::ShipmentClosed(it) => {
                self.declaration_no = Some(it.declaration_no.as_str());
                self.outcome = Some(it.outcome.word());
                self.reason = it.reason_code.as_ref().map(portbook_domain::Text::as_str);
                self.mass_g = it.returned_g.map(Grams::get);
            }
            EventData::RecordCorrected(it) => self.reason = Some(it.reason.as_str()),
            EventData::RecordAnnulled(it) => self.reason = Some(it.reason.as_str()),
        }
    }

    fn query(&mut self, query: &'a PaperworkQueried) {
        self.stage = Some(query.stage.word());
        self.round = Some(query.round);
        self.reason = Some(query.reason.as_str());
        self.reply_due = query.reply_due;
        self.declaration_no = query
            .declaration_no
            .as_ref()
            .map(portbook_domain::DeclarationNo::as_str);
    }

    fn cleared(&mut self, lines: &'a [ClearedLine]) {
        self.goods(lines.iter().map(|line| {
            (
                &line.hs,
                line.control_code.as_ref(),
                line.element.as_ref(),
                line.cleared_g,
            )
        }));
    }

    fn goods(
        &mut self,
        lines: impl Iterator<Item = (&'a HsCode, Option<&'a ControlCode>, Option<&'a Element>, Grams)>,
    ) {
        let (mut count, mut mass_g) = (0, 0_u64);
        for (hs, control_code, element, grams) in lines {
            count += 1;
            // Each line has less than 2^53 grams, and a body holds fewer than 2^11 lines.
            mass_g = mass_g.saturating_add(grams.get());
            join(&mut self.hs, Some(hs.as_str()));
            join(&mut self.control_code, control_code.map(ControlCode::as_str));
            join(&mut self.element, element.map(Element::as_str));
        }
        self.lines = Some(count);
        self.mass_g = Some(mass_g);
    }
}

fn join(into: &mut Option<String>, text: Option<&str>) {
    match (into, text) {
        (Some(joined), Some(text)) if joined.split(';').all(|part| part != text) => {
            joined.push(';');
            joined.push_str(text);
        }
        (into @ None, Some(text)) => *into = Some(text.to_owned()),
        (_, _) => {}
    }
}

const fn lane(lane: Lane) -> &'static str {
    match lane {
        Lane::Standard => "standard",
        Lane::Expedited => "expedited",
    }
}
