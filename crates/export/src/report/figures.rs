//! The figures of a report: counts and sums by month, destination and port, and the fate of each case.

use std::collections::BTreeMap;

use jiff::civil::Date;
use portbook_domain::{ControlStatus, EventData, QueryStage, local_date};

use crate::entry::Entry;
use crate::row::Row;

/// What happened in one month, or to one destination, or at one port.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Volume {
    pub(super) filed: u64,
    pub(super) granted: u64,
    pub(super) granted_g: u64,
    pub(super) cleared: u64,
    pub(super) controlled_g: u64,
    pub(super) other_g: u64,
    pub(super) challenges: u64,
}

/// How far a case has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Fate {
    pub(super) submitted: Option<Date>,
    pub(super) granted: Option<Date>,
    pub(super) closed: Option<Date>,
    pub(super) queries: u32,
}

/// Everything a report counts.
#[derive(Debug, Default)]
pub(super) struct Figures {
    pub(super) by_month: BTreeMap<Date, Volume>,
    pub(super) by_destination: BTreeMap<String, Volume>,
    pub(super) by_port: BTreeMap<String, Volume>,
    pub(super) cases: BTreeMap<String, Fate>,
    first: Option<Date>,
    last: Option<Date>,
}

impl Figures {
    /// Takes an entry; what does not count is left alone.
    pub(super) fn take(&mut self, entry: &Entry, row: &Row<'_>) {
        let Some((_, event)) = entry.event() else {
            return;
        };
        let date = local_date(event.occurred_at);
        self.first = Some(earlier(self.first, date));
        self.last = Some(self.last.map_or(date, |last| last.max(date)));
        self.follow(event.case.as_str(), &event.data, date);
        let grams = row.mass_g.unwrap_or_default();
        let count = |volume: &mut Volume| volume.count(&event.data, grams);
        count(self.by_month.entry(date.first_of_month()).or_default());
        count(self.by_port.entry(entry.chain.to_string()).or_default());
        if let Some(destination) = row.destination {
            count(self.by_destination.entry(destination.to_owned()).or_default());
        }
    }

    fn follow(&mut self, case: &str, data: &EventData, day: Date) {
        if !self.cases.contains_key(case) {
            self.cases.insert(case.to_owned(), Fate::default());
        }
        let Some(fate) = self.cases.get_mut(case) else {
            return;
        };
        match data {
            EventData::ApplicationSubmitted(_) => fate.submitted = Some(earlier(fate.submitted, day)),
            EventData::LicenseGranted(_) => fate.granted = Some(earlier(fate.granted, day)),
            EventData::ApplicationClosed(_) => fate.closed = Some(earlier(fate.closed, day)),
            EventData::PaperworkQueried(it) if it.stage == QueryStage::Licensing => fate.queries += 1,
            EventData::PaperworkQueried(_)
            | EventData::PaperworkAnswered(_)
            | EventData::LicenseChanged(_)
            | EventData::ShipmentDeclared(_)
            | EventData::ShipmentCleared(_)
            | EventData::ShipmentClosed(_)
            | EventData::RecordCorrected(_)
            | EventData::RecordAnnulled(_) => {}
        }
    }

    /// First and last day.
    pub(super) fn days(&self) -> Option<(String, String)> {
        Some((self.first?.to_string(), self.last?.to_string()))
    }

    /// Last day of the last month there is.
    pub(super) const fn last(&self) -> Option<Date> {
        self.last
    }
}

impl Volume {
    fn count(&mut self, data: &EventData, grams: u64) {
        match data {
            EventData::ApplicationSubmitted(_) => self.filed += 1,
            EventData::LicenseGranted(_) => {
                self.granted += 1;
                self.granted_g = self.granted_g.saturating_add(grams);
            }
            EventData::ShipmentCleared(it) => {
                self.cleared += 1;
                let sum = if it.control_status == ControlStatus::Controlled {
                    &mut self.controlled_g
                } else {
                    &mut self.other_g
                };
                *sum = sum.saturating_add(grams);
            }
            EventData::PaperworkQueried(it) => self.challenges += u64::from(it.stage == QueryStage::Customs),
            EventData::ApplicationClosed(_)
            | EventData::PaperworkAnswered(_)
            | EventData::LicenseChanged(_)
            | EventData::ShipmentDeclared(_)
            | EventData::ShipmentClosed(_)
            | EventData::RecordCorrected(_)
            | EventData::RecordAnnulled(_) => {}
        }
    }
}

impl Fate {
    /// Whether an application was open at the end of a day.
    pub(super) fn is_open_after(&self, day: Date) -> bool {
        let ended = |end: Option<Date>| end.is_some_and(|end| end <= day);
        self.submitted.is_some_and(|submitted| submitted <= day)
            && !ended(self.granted)
            && !ended(self.closed)
    }
}

fn earlier(known: Option<Date>, date: Date) -> Date {
    known.map_or(date, |known| known.min(date))
}
